#include "../suite.h"
#include "chain/pow.h"
#include "fixture.h"
#include "suites.h"

/* 2^bit */
static struct u256
power(unsigned bit)
{
	struct u256 one = u256_of(1);
	return u256_shift_left(&one, bit);
}

START_TEST(canonical_compact_targets_expand)
{
	static const struct {
		uint32_t compact;
		uint64_t mantissa;
		unsigned shift;
	} rows[] = {
	    {0x03000001, 1, 0},		 {0x030000ff, 0xff, 0},	      {0x03ffffff, 0xffffff, 0},
	    {0x04010000, 0x010000, 8},	 {0x04ffffff, 0xffffff, 8},   {0x1d01ffff, 0x01ffff, 208},
	    {0x1f0fffff, 0x0fffff, 224}, {0x20ffffff, 0xffffff, 232}, {0x20010000, 0x010000, 232},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct u256 target, m = u256_of(rows[i].mantissa);
		ck_assert(target_expand(&target, rows[i].compact));
		struct u256 expected = u256_shift_left(&m, rows[i].shift);
		ck_assert_int_eq(u256_compare(&target, &expected), 0);
		ck_assert_uint_eq(target_compact(&target), rows[i].compact);
	}
}
END_TEST

START_TEST(any_other_form_is_refused)
{
	static const uint32_t rows[] = {
	    0,						    /* nothing */
	    0x03000000,					    /* zero */
	    0x20000000, 0x02ffffff, 0x0000ffff, 0x01010000, /* exponent below 3 */
	    0x0400ffff, 0x2000ffff, 0x1d00ffff, 0x04000001, /* top byte of the mantissa empty */
	    0x21010000, 0x21000001, 0xff010000, UINT32_MAX, /* above 2^256 */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct u256 target, work = target_work(rows[i]);
		ck_assert_msg(!target_expand(&target, rows[i]), "0x%08x", rows[i]);
		ck_assert(u256_is_zero(&work));
		struct hash256 best = {{0}};
		ck_assert(!target_is_met(rows[i], &best));
	}
}
END_TEST

START_TEST(compacting_rounds_down_by_less_than_one_in_65536)
{
	uint64_t seed = 3;
	for (int i = 0; i < 20000; i++) {
		struct u256 v = {{random_next(&seed), random_next(&seed), random_next(&seed), random_next(&seed)}};
		v = u256_shift_right(&v, (unsigned)random_below(&seed, 256));
		if (u256_is_zero(&v))
			continue;
		uint32_t compact = target_compact(&v);
		struct u256 back;
		ck_assert(target_expand(&back, compact));
		ck_assert_uint_eq(target_compact(&back), compact);
		ck_assert_int_le(u256_compare(&back, &v), 0);
		struct u256 lost = u256_sub(&v, &back), bound = u256_shift_right(&v, 16);
		ck_assert(u256_is_zero(&lost) || u256_compare(&lost, &bound) < 0);
	}
}
END_TEST

START_TEST(the_easiest_target_has_the_leading_zero_bits_asked_for)
{
	struct params p;
	params_default(&p);
	ck_assert_uint_eq(target_easiest(&p), 0x1f0fffff);
	for (p.difficulty = 0; p.difficulty <= DIFFICULTY_LIMIT; p.difficulty++) {
		struct u256 target;
		ck_assert(target_expand(&target, target_easiest(&p)));
		ck_assert_uint_eq(u256_bits(&target), 256 - p.difficulty);
	}
}
END_TEST

START_TEST(work_is_the_tries_that_a_block_is_worth)
{
	static const struct {
		uint32_t compact;
		uint64_t work;
	} rows[] = {
	    {0x20ffffff, 1}, /* nearly every hash will do */
	    {0x207fffff, 2},
	    {0x200fffff, 16},
	    {0x1f0fffff, 4096},
	    {0x1d01ffff, 2147500032},
	    {0x1b0404cb, UINT64_C(70040908352512)},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct u256 work = target_work(rows[i].compact), expected = u256_of(rows[i].work);
		ck_assert_msg(u256_compare(&work, &expected) == 0, "0x%08x: %llu", rows[i].compact,
			      (unsigned long long)work.w[0]);
	}
	struct u256 hardest = target_work(0x03000001), half = power(255);
	ck_assert_int_eq(u256_compare(&hardest, &half), 0);
}
END_TEST

START_TEST(a_target_is_met_up_to_itself)
{
	struct u256 target, one = u256_of(1);
	ck_assert(target_expand(&target, 0x1f0fffff));
	struct u256 above = u256_add(&target, &one), below = u256_sub(&target, &one);
	struct hash256 h = u256_to_hash(&target);
	ck_assert(target_is_met(0x1f0fffff, &h));
	h = u256_to_hash(&below);
	ck_assert(target_is_met(0x1f0fffff, &h));
	h = u256_to_hash(&above);
	ck_assert(!target_is_met(0x1f0fffff, &h));
}
END_TEST

/* The i-th root as the protocol defines it: K^2 <= previous * 2^63 < (K + 1)^2, from 2^64 on. */
START_TEST(the_roots_of_two_are_exact)
{
	struct u256 square = power(127); /* of the next root */
	for (unsigned i = 1; i <= 32; i++) {
		uint64_t root = target_factor(UINT32_C(1) << (32 - i));
		struct u256 k = u256_of(root), k_and_1 = u256_of(root + 1);
		struct u256 low = u256_mul_shift(&k, root, 0), high = u256_mul_shift(&k_and_1, root + 1, 0);
		ck_assert_msg(u256_compare(&low, &square) <= 0, "root %u is too large", i);
		ck_assert_msg(u256_compare(&high, &square) > 0, "root %u is too small", i);
		square = u256_shift_left(&k, 63);
	}
	ck_assert_uint_eq(target_factor(0), UINT64_C(1) << 63);
	ck_assert_uint_eq(target_factor(UINT32_C(1) << 31), UINT64_C(0xb504f333f9de6484)); /* the root of 2 */
}
END_TEST

START_TEST(the_factor_grows_with_its_fraction)
{
	uint64_t seed = 5, last = 0;
	for (uint64_t f = 0; f <= UINT32_MAX; f += random_below(&seed, 1u << 20) + 1) {
		uint64_t factor = target_factor((uint32_t)f);
		ck_assert_uint_gt(factor, last);
		last = factor;
	}
	ck_assert_uint_gt(target_factor(UINT32_MAX), last - 1);
}
END_TEST

static const uint64_t start_ms = UINT64_C(1767225600000);

/* The target after a block of the target given that came late_ms after its parent's interval. */
static uint32_t
next(uint32_t difficulty, uint32_t compact, int64_t late_ms)
{
	struct params p;
	params_default(&p);
	p.difficulty = difficulty;
	return target_next(&p, 7, compact, start_ms, start_ms + (uint64_t)((int64_t)INTERVAL + late_ms));
}

START_TEST(the_target_follows_the_schedule)
{
	const int64_t span = 60 * (int64_t)INTERVAL;
	static const uint32_t parent = 0x1c100000; /* 2^220 */
	ck_assert_uint_eq(next(12, parent, 0), parent);
	ck_assert_uint_eq(next(12, parent, span), 0x1c200000);
	ck_assert_uint_eq(next(12, parent, -span), 0x1c080000);
	ck_assert_uint_eq(next(12, parent, 3 * span), 0x1c800000);
	ck_assert_uint_eq(next(12, parent, -5 * span), 0x1b800000);
	ck_assert_uint_eq(next(12, parent, span / 2), 0x1c16a09e);  /* 2^20.5, rounded down */
	ck_assert_uint_eq(next(12, parent, -span / 2), 0x1c0b504f); /* 2^19.5 */
	ck_assert_uint_eq(next(12, parent, -1), 0x1c0fffff);
	ck_assert_uint_eq(next(12, parent, 1), parent); /* less than one step of the mantissa */
}
END_TEST

START_TEST(the_target_stays_between_one_and_the_easiest)
{
	struct params p;
	params_default(&p);
	for (p.difficulty = 0; p.difficulty <= DIFFICULTY_LIMIT; p.difficulty += 8) {
		uint32_t easiest = target_easiest(&p);
		ck_assert_uint_eq(target_next(&p, 7, easiest, 0, NUMBER_MAX), easiest);
		ck_assert_uint_eq(target_next(&p, 7, easiest, start_ms, start_ms + INTERVAL + 1), easiest);
		ck_assert_uint_eq(target_next(&p, 7, 0x03000001, 0, NUMBER_MAX), easiest);
		ck_assert_uint_eq(target_next(&p, 7, easiest, NUMBER_MAX, 0), 0x03000001);
		ck_assert_uint_eq(target_next(&p, 7, 0x03000001, NUMBER_MAX, 0), 0x03000001);
		ck_assert_uint_eq(target_next(&p, 7, 0x03000001, start_ms, start_ms), 0x03000001);
	}
	/* Even from an impossible parent and with times beyond the rules. */
	ck_assert_uint_eq(target_next(&p, 7, 0, 0, 0), target_easiest(&p));
	ck_assert_uint_eq(target_next(&p, 7, 0x1c100000, 0, UINT64_MAX), target_easiest(&p));
	ck_assert_uint_eq(target_next(&p, 7, 0x1c100000, UINT64_MAX, 0), 0x03000001);
}
END_TEST

/* Where the product has more than 256 bits before it is halved. */
START_TEST(an_easy_parent_loses_nothing_to_overflow)
{
	/* 0xffffff * 2^232 * 2^(59/60 - 1) = 0xfd0e0d...; a saturated product would give 0x7fffff. */
	ck_assert_uint_eq(next(0, 0x20ffffff, -(int64_t)INTERVAL) >> 16, 0x20fd);
}
END_TEST

START_TEST(block_one_and_fixed_networks_have_the_easiest_target)
{
	struct params p;
	params_default(&p);
	uint32_t easiest = target_easiest(&p);
	ck_assert_uint_eq(target_next(&p, 0, easiest, start_ms, start_ms + 1), easiest);
	ck_assert_uint_lt(target_next(&p, 1, easiest, start_ms, start_ms + 1), easiest);
	p.retarget = RETARGET_FIXED;
	ck_assert_uint_eq(target_next(&p, 1, easiest, start_ms, start_ms + 1), easiest);
}
END_TEST

/* Later is never harder. */
START_TEST(the_target_never_falls_with_time)
{
	uint64_t seed = 9;
	for (int i = 0; i < 200; i++) {
		uint32_t parent =
		    (uint32_t)(0x10 + random_below(&seed, 14)) << 24 | 0x10000 | (uint32_t)random_below(&seed, 1 << 24);
		uint32_t last = 0;
		for (int64_t late = -(int64_t)INTERVAL; late < 100 * (int64_t)INTERVAL;
		     late += (int64_t)random_below(&seed, 20000)) {
			uint32_t compact = next(0, parent, late);
			ck_assert_uint_ge(compact, last);
			last = compact;
		}
	}
}
END_TEST

Suite *
suite_pow(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "pow", 30);
	tcase_add_test(tc, canonical_compact_targets_expand);
	tcase_add_test(tc, any_other_form_is_refused);
	tcase_add_test(tc, compacting_rounds_down_by_less_than_one_in_65536);
	tcase_add_test(tc, the_easiest_target_has_the_leading_zero_bits_asked_for);
	tcase_add_test(tc, work_is_the_tries_that_a_block_is_worth);
	tcase_add_test(tc, a_target_is_met_up_to_itself);
	tcase_add_test(tc, the_roots_of_two_are_exact);
	tcase_add_test(tc, the_factor_grows_with_its_fraction);
	tcase_add_test(tc, the_target_follows_the_schedule);
	tcase_add_test(tc, the_target_stays_between_one_and_the_easiest);
	tcase_add_test(tc, an_easy_parent_loses_nothing_to_overflow);
	tcase_add_test(tc, block_one_and_fixed_networks_have_the_easiest_target);
	tcase_add_test(tc, the_target_never_falls_with_time);
	return suite;
}
