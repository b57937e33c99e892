#include <string.h>

#include "../suite.h"
#include "chain/u256.h"
#include "fixture.h"
#include "suites.h"
#include "util/hex.h"

static struct u256
number(const char *hex)
{
	struct hash256 h;
	ck_assert_int_eq(hex_decode(h.b, sizeof(h.b), hex), OK);
	return u256_of_hash(&h);
}

static void
assert_equal(const struct u256 *got, const char *hex)
{
	char text[HASH_HEX_SIZE];
	struct hash256 h = u256_to_hash(got);
	hash_hex(text, &h);
	ck_assert_str_eq(text, hex);
}

/* Known values, computed with another program's big integers. */
static const struct {
	const char *a, *b, *sum, *difference, *quotient; /* difference: of the larger and the smaller */
	uint64_t factor;
	unsigned shift;
	const char *mul_shift;
	unsigned bits;
	const char *left, *right;
} rows[] = {
#include "u256_rows.inc"
};

START_TEST(known_values)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct u256 a = number(rows[i].a), b = number(rows[i].b), r;
		r = u256_add(&a, &b);
		assert_equal(&r, rows[i].sum);
		bool a_is_larger = strcmp(rows[i].a, rows[i].b) >= 0;
		r = a_is_larger ? u256_sub(&a, &b) : u256_sub(&b, &a);
		assert_equal(&r, rows[i].difference);
		r = u256_div(&a, &b);
		assert_equal(&r, rows[i].quotient);
		r = u256_mul_shift(&a, rows[i].factor, rows[i].shift);
		assert_equal(&r, rows[i].mul_shift);
		r = u256_shift_left(&a, rows[i].bits);
		assert_equal(&r, rows[i].left);
		r = u256_shift_right(&a, rows[i].bits);
		assert_equal(&r, rows[i].right);
		int order = strcmp(rows[i].a, rows[i].b);
		ck_assert_int_eq(u256_compare(&a, &b), (order > 0) - (order < 0));
	}
}
END_TEST

static struct u256
random_number(uint64_t *seed)
{
	struct u256 v = {{random_next(seed), random_next(seed), random_next(seed), random_next(seed)}};
	return u256_shift_right(&v, (unsigned)random_below(seed, 257));
}

START_TEST(arithmetic_keeps_its_identities)
{
	uint64_t seed = 1;
	for (int i = 0; i < 20000; i++) {
		struct u256 a = random_number(&seed), b = random_number(&seed);
		uint64_t m = random_next(&seed) >> random_below(&seed, 64) | 1;
		struct u256 r;

		/* a = floor(a / m) * m + rest, rest < m */
		struct u256 divisor = u256_of(m), quotient = u256_div(&a, &divisor);
		r = u256_mul_shift(&quotient, m, 0);
		struct u256 rest = u256_sub(&a, &r);
		ck_assert_int_lt(u256_compare(&rest, &divisor), 0);
		r = u256_add(&r, &rest);
		ck_assert_int_eq(u256_compare(&r, &a), 0);

		/* (a + b) - b = a, where it fits */
		struct u256 half_a = u256_shift_right(&a, 1), half_b = u256_shift_right(&b, 1);
		r = u256_add(&half_a, &half_b);
		r = u256_sub(&r, &half_b);
		ck_assert_int_eq(u256_compare(&r, &half_a), 0);

		/* Shifting by n is multiplying and dividing by 2^n. */
		unsigned n = (unsigned)random_below(&seed, 64);
		struct u256 power = u256_of(UINT64_C(1) << n), left = u256_shift_left(&a, n);
		r = u256_mul_shift(&a, UINT64_C(1) << n, 0);
		ck_assert_int_eq(u256_compare(&r, &left), 0);
		struct u256 right = u256_shift_right(&a, n);
		r = u256_div(&a, &power);
		ck_assert_int_eq(u256_compare(&r, &right), 0);

		ck_assert_int_eq(u256_compare(&a, &b), -u256_compare(&b, &a));
		struct hash256 h = u256_to_hash(&a);
		r = u256_of_hash(&h);
		ck_assert_int_eq(u256_compare(&r, &a), 0);
	}
}
END_TEST

START_TEST(shifts_at_the_ends_saturate_or_empty)
{
	struct u256 zero = u256_of(0), one = u256_of(1), r;
	static const char max[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
	r = u256_shift_left(&zero, 1000);
	ck_assert(u256_is_zero(&r));
	r = u256_shift_left(&one, 255);
	ck_assert_uint_eq(u256_bits(&r), 256);
	r = u256_shift_left(&one, 256);
	assert_equal(&r, max);
	r = u256_shift_left(&one, UINT32_MAX);
	assert_equal(&r, max);
	r = u256_shift_right(&r, 255);
	ck_assert_int_eq(u256_compare(&r, &one), 0);
	r = number(max);
	r = u256_shift_right(&r, 256);
	ck_assert(u256_is_zero(&r));
}
END_TEST

START_TEST(bits_names_the_highest_bit)
{
	struct u256 v = u256_of(0);
	ck_assert_uint_eq(u256_bits(&v), 0);
	v = u256_of(1);
	for (unsigned i = 0; i < 256; i++) {
		struct u256 shifted = u256_shift_left(&v, i);
		ck_assert_uint_eq(u256_bits(&shifted), i + 1);
		ck_assert(!u256_is_zero(&shifted));
	}
}
END_TEST

START_TEST(doubles_are_near)
{
	struct u256 v = u256_of(3);
	ck_assert_double_eq(u256_to_double(&v), 3.0);
	v = u256_shift_left(&v, 200);
	ck_assert_double_eq(u256_to_double(&v), 3.0 * 0x1p200);
}
END_TEST

Suite *
suite_u256(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "u256", 30);
	tcase_add_test(tc, known_values);
	tcase_add_test(tc, arithmetic_keeps_its_identities);
	tcase_add_test(tc, shifts_at_the_ends_saturate_or_empty);
	tcase_add_test(tc, bits_names_the_highest_bit);
	tcase_add_test(tc, doubles_are_near);
	return suite;
}
