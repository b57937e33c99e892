#include "../suite.h"
#include "chain/header_chain.h"
#include "chain/pow.h"
#include "fixture.h"
#include "suites.h"

static struct params p;

static void
setup(void)
{
	params_default(&p);
	p.difficulty = 4;
}

/* A header that follows s after `after_ms`, solved. */
static struct header
follow(const struct header_state *s, uint64_t after_ms)
{
	struct header h = {
	    .version = BLOCK_VERSION,
	    .previous = s->hash,
	    .time_ms = s->header.time_ms + after_ms,
	    .height = s->header.height + 1,
	};
	h.target = target_next(&p, s->header.height, s->header.target, s->header.time_ms, h.time_ms);
	struct hash256 hash = header_hash(&h);
	for (; !target_is_met(h.target, &hash); hash = header_hash(&h))
		h.nonce++;
	return h;
}

static enum rule
check(const struct header_state *s, const struct header *h)
{
	struct hash256 hash = header_hash(h);
	return header_check(s, h, &hash, &p);
}

static void
extend(struct header_state *s, uint64_t after_ms)
{
	struct header h = follow(s, after_ms);
	ck_assert_int_eq(check(s, &h), RULE_OK);
	struct hash256 hash = header_hash(&h);
	header_state_advance(s, &h, &hash);
}

START_TEST(genesis_is_where_every_branch_starts)
{
	struct header_state s;
	header_state_genesis(&s, &p);
	struct hash256 hash = genesis_hash(&p);
	ck_assert(hash_equal(&s.hash, &hash));
	ck_assert(u256_is_zero(&s.work));
	ck_assert_uint_eq(s.header.height, 0);
	ck_assert_uint_eq(s.times, 1);
	ck_assert_uint_eq(header_state_median_ms(&s), p.genesis_time_ms);
}
END_TEST

START_TEST(work_adds_up)
{
	struct header_state s;
	header_state_genesis(&s, &p);
	struct u256 sum = u256_of(0);
	for (int i = 0; i < 30; i++) {
		extend(&s, 5000);
		struct u256 work = target_work(s.header.target);
		sum = u256_add(&sum, &work);
		ck_assert_int_eq(u256_compare(&s.work, &sum), 0);
		ck_assert_uint_eq(s.header.height, (uint64_t)i + 1);
	}
	struct u256 easiest = u256_of(30 * 16);
	ck_assert_int_eq(u256_compare(&sum, &easiest), 1); /* early blocks have made it harder */
}
END_TEST

/* The median against one that sorts; times go up and down as far as the rules let them. */
START_TEST(the_median_is_that_of_the_last_eleven)
{
	struct header_state s;
	header_state_genesis(&s, &p);
	uint64_t times[80] = {p.genesis_time_ms}, seed = 2;
	for (uint32_t count = 1; count < ARRAY_LEN(times); count++) {
		uint32_t from = count > MEDIAN_SPAN ? count - MEDIAN_SPAN : 0, span = count - from;
		uint64_t median = 0;
		for (uint32_t i = from; i < count; i++) {
			uint32_t below = 0;
			for (uint32_t k = from; k < count; k++)
				below += times[k] < times[i] || (times[k] == times[i] && k < i);
			if (below == span / 2)
				median = times[i];
		}
		ck_assert_uint_eq(header_state_median_ms(&s), median);

		struct header late = follow(&s, 0);
		late.time_ms = median;
		ck_assert_int_eq(check(&s, &late), RULE_TIME_TOO_OLD);
		uint64_t time_ms = median + 1 + random_below(&seed, 60000);
		extend(&s, time_ms - s.header.time_ms);
		times[count] = time_ms;
	}
}
END_TEST

START_TEST(a_state_made_deep_in_a_chain_equals_the_one_that_went_there)
{
	struct header_state s, made;
	header_state_genesis(&s, &p);
	uint64_t times[40] = {p.genesis_time_ms};
	for (uint32_t height = 1; height < ARRAY_LEN(times); height++) {
		extend(&s, 1000 + 700 * (height % 7));
		times[height] = s.header.time_ms;
		uint32_t count = height + 1 < MEDIAN_SPAN ? height + 1 : MEDIAN_SPAN;
		header_state_at(&made, &s.header, &s.hash, &s.work, &times[height + 1 - count], count);
		struct header_state branch = s;
		for (int i = 0; i < 12; i++) {
			ck_assert_uint_eq(header_state_median_ms(&made), header_state_median_ms(&branch));
			ck_assert_int_eq(u256_compare(&made.work, &branch.work), 0);
			ck_assert(hash_equal(&made.hash, &branch.hash));
			extend(&made, 2000);
			extend(&branch, 2000);
		}
	}
}
END_TEST

START_TEST(the_clock_allows_two_minutes)
{
	struct header h = {.time_ms = 1000000};
	static const struct {
		uint64_t now_ms;
		enum rule rule;
	} rows[] = {
	    {1000000, RULE_OK},		 {2000000, RULE_OK},	 {880000, RULE_OK},
	    {879999, RULE_TIME_TOO_NEW}, {0, RULE_TIME_TOO_NEW}, {UINT64_MAX, RULE_OK},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(header_check_clock(&h, rows[i].now_ms), rows[i].rule);
	h.time_ms = UINT64_MAX;
	ck_assert_int_eq(header_check_clock(&h, UINT64_MAX - TIME_AHEAD_MS), RULE_OK);
	ck_assert_int_eq(header_check_clock(&h, 0), RULE_TIME_TOO_NEW);
}
END_TEST

START_TEST(a_target_other_than_the_retarget_rules_is_wrong_either_way)
{
	struct header_state s;
	header_state_genesis(&s, &p);
	for (int i = 0; i < 20; i++)
		extend(&s, 1000);
	struct header h = follow(&s, 1000);
	h.target++;
	ck_assert_int_eq(check(&s, &h), RULE_WRONG_TARGET);
	h.target -= 2;
	ck_assert_int_eq(check(&s, &h), RULE_WRONG_TARGET);
	h = follow(&s, 1000);
	h.time_ms += 60 * INTERVAL; /* the target belongs to the time */
	ck_assert_int_eq(check(&s, &h), RULE_WRONG_TARGET);
}
END_TEST

START_TEST(heights_and_times_end_below_two_to_the_53)
{
	struct header_state s;
	header_state_genesis(&s, &p);
	s.header.height = NUMBER_MAX - 1;
	struct header h = follow(&s, INTERVAL);
	ck_assert_int_eq(check(&s, &h), RULE_OK);
	s.header.height = NUMBER_MAX;
	h = follow(&s, INTERVAL);
	ck_assert_int_eq(check(&s, &h), RULE_WRONG_HEIGHT);

	header_state_genesis(&s, &p);
	h = follow(&s, NUMBER_MAX - p.genesis_time_ms);
	ck_assert_int_eq(check(&s, &h), RULE_OK);
	h = follow(&s, NUMBER_MAX + 1 - p.genesis_time_ms);
	ck_assert_int_eq(check(&s, &h), RULE_BLOCK_MALFORMED);
}
END_TEST

Suite *
suite_header_chain(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "header_chain", 20);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, genesis_is_where_every_branch_starts);
	tcase_add_test(tc, work_adds_up);
	tcase_add_test(tc, the_median_is_that_of_the_last_eleven);
	tcase_add_test(tc, a_state_made_deep_in_a_chain_equals_the_one_that_went_there);
	tcase_add_test(tc, the_clock_allows_two_minutes);
	tcase_add_test(tc, a_target_other_than_the_retarget_rules_is_wrong_either_way);
	tcase_add_test(tc, heights_and_times_end_below_two_to_the_53);
	return suite;
}
