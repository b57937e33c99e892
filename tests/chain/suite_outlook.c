/* When the next block is expected. */
#include "chain/outlook.h"
#include "chain/pow.h"
#include "suites.h"

#define MINUTE_MS 60000
#define EASIEST 0x1f0fffff /* 4096 tries, the default network's */
#define HARD 0x1d0fffff	   /* 2^28 tries */

static struct params params;

static struct header
tip_at(uint64_t height, uint32_t target, uint64_t time_ms)
{
	return (struct header){.version = 1, .height = height, .target = target, .time_ms = time_ms};
}

static void
prepare(void)
{
	params_default(&params);
}

static void
assert_near(double seen, double wanted)
{
	ck_assert_msg(seen > wanted * 0.999 && seen < wanted * 1.001, "%f is not about %f", seen, wanted);
}

START_TEST(the_pace_is_work_over_time)
{
	struct header tip = tip_at(100, EASIEST, 10 * MINUTE_MS);
	/* Twenty blocks in nine minutes, the last of them just now. */
	struct outlook o = outlook_at(&params, &tip, 20 * 4096.0, MINUTE_MS, 0, 10 * MINUTE_MS);
	assert_near(o.pace, 20 * 4096 / 540.0);
	/* A block that comes at once would be harder by a sixtieth of a doubling. */
	assert_near(o.needed, 4096 * 1.0116);
	assert_near(o.expected_ms, 27000 * 1.0116);
}
END_TEST

START_TEST(silence_counts_against_the_pace_and_eases_the_target)
{
	struct header tip = tip_at(100, HARD, 10 * MINUTE_MS);
	struct outlook before = outlook_at(&params, &tip, 20.0 * (1 << 28), 0, 0, 10 * MINUTE_MS);
	/* An hour later: the target eases by half in twenty minutes, thrice, the first interval being due. */
	struct outlook after = outlook_at(&params, &tip, 20.0 * (1 << 28), 0, 0, 70 * MINUTE_MS);
	assert_near(after.pace, before.pace / 7);
	assert_near(after.needed, before.needed / 8);
	/* In the end it is as easy as the network allows. */
	after = outlook_at(&params, &tip, 20.0 * (1 << 28), 0, 0, 10000 * MINUTE_MS);
	assert_near(after.needed, 4096);
}
END_TEST

START_TEST(our_own_pace_counts_if_it_is_more)
{
	struct header tip = tip_at(100, EASIEST, MINUTE_MS);
	struct outlook o = outlook_at(&params, &tip, 60 * 4096.0, 0, 1000, MINUTE_MS);
	assert_near(o.pace, 4096);
	assert_near(o.expected_ms, 1000 * 1.0116);
	o = outlook_at(&params, &tip, 60 * 4096.0, 0, 40960, MINUTE_MS);
	assert_near(o.pace, 4096);
	assert_near(o.expected_ms, 100 * 1.0116);
}
END_TEST

START_TEST(of_what_is_unknown_nothing_is_said)
{
	struct header genesis = tip_at(0, EASIEST, MINUTE_MS);
	struct outlook o = outlook_at(&params, &genesis, 0, MINUTE_MS, 0, 2 * MINUTE_MS);
	assert_near(o.needed, 4096);
	ck_assert(o.pace == 0 && o.expected_ms == 0);
	o = outlook_at(&params, &genesis, 0, MINUTE_MS, 4096, 2 * MINUTE_MS);
	ck_assert(o.pace == 0);
	assert_near(o.expected_ms, 1000);
}
END_TEST

START_TEST(times_ahead_of_the_clock_or_out_of_order_do_no_harm)
{
	struct header tip = tip_at(100, EASIEST, 10 * MINUTE_MS);
	/* Our clock is behind the tip: the time goes to the tip. */
	struct outlook o = outlook_at(&params, &tip, 4096, 9 * MINUTE_MS, 0, 8 * MINUTE_MS);
	assert_near(o.pace, 4096 / 60.0);
	o = outlook_at(&params, &tip, 4096, 11 * MINUTE_MS, 0, 8 * MINUTE_MS);
	assert_near(o.pace, 4096 * 1000.0);
	ck_assert(o.expected_ms > 0);
}
END_TEST

Suite *
suite_outlook(void)
{
	Suite *suite = suite_create("outlook");
	TCase *tc = tcase_create("outlook");
	tcase_add_checked_fixture(tc, prepare, NULL);
	tcase_add_test(tc, the_pace_is_work_over_time);
	tcase_add_test(tc, silence_counts_against_the_pace_and_eases_the_target);
	tcase_add_test(tc, our_own_pace_counts_if_it_is_more);
	tcase_add_test(tc, of_what_is_unknown_nothing_is_said);
	tcase_add_test(tc, times_ahead_of_the_clock_or_out_of_order_do_no_harm);
	suite_add_tcase(suite, tc);
	return suite;
}
