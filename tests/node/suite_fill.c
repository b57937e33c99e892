/* How full something is, when it will be, and when that is worth a line of the log. */
#include <unistd.h>

#include "crew.h"
#include "node/fill.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"
#include "util/log.h"

#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)

START_TEST(before_ten_minutes_nobody_says_when)
{
	static struct fill f;

	for (uint64_t t = 0; t < FILL_LEAST_MS; t += 5000)
		ck_assert_uint_eq(fill_look(&f, 1000 + t, 100 + t, 1000000000), 0);
	ck_assert_uint_ne(fill_look(&f, 1000 + FILL_LEAST_MS, 100 + FILL_LEAST_MS, 1000000000), 0);
}
END_TEST

START_TEST(it_is_full_when_what_is_left_is_used_at_the_rate_of_late)
{
	static struct fill f;

	/* 10 a minute for twenty minutes: 800 are left, which takes 80 minutes. */
	for (uint64_t m = 0; m < 20; m++)
		(void)fill_look(&f, m * MINUTE, m * 10, 1000);
	ck_assert_uint_eq(fill_look(&f, 20 * MINUTE, 200, 1000), 80 * MINUTE + 1);
}
END_TEST

START_TEST(what_does_not_grow_is_never_full)
{
	static struct fill f, shrinking, slow;

	(void)fill_look(&f, 0, 500, 1000);
	ck_assert_uint_eq(fill_look(&f, HOUR, 500, 1000), FULL_NEVER);
	(void)fill_look(&shrinking, 0, 500, 1000);
	ck_assert_uint_eq(fill_look(&shrinking, HOUR, 499, 1000), FULL_NEVER);
	(void)fill_look(&slow, 0, 0, UINT64_MAX);
	ck_assert_uint_eq(fill_look(&slow, HOUR, 1, UINT64_MAX), FULL_NEVER);
}
END_TEST

START_TEST(only_the_last_two_hours_count)
{
	static struct fill f;
	uint64_t m = 0, used = 0;

	/* A day at 100 a minute, then two hours at 1: what was before them is forgotten. */
	for (; m < 24 * 60; m++)
		(void)fill_look(&f, m * MINUTE, used += 100, 1000000);
	for (; m < 24 * 60 + FILL_SAMPLES; m++)
		(void)fill_look(&f, m * MINUTE, used += 1, 1000000);
	ck_assert_uint_eq(fill_look(&f, m * MINUTE, used + 1, 1000000), (1000000 - used - 1) * MINUTE + 1);
}
END_TEST

START_TEST(what_is_full_is_full_now)
{
	static struct fill f;

	(void)fill_look(&f, 0, 500, 1000);
	ck_assert_uint_eq(fill_look(&f, HOUR, 1000, 1000), 1);
	ck_assert_uint_eq(fill_look(&f, HOUR, 2000, 1000), 1);
	ck_assert_uint_eq(fill_look(&f, HOUR, 2000, 0), 1);
}
END_TEST

START_TEST(each_mark_is_crossed_once_and_they_lie_apart)
{
	static const struct {
		uint64_t used;
		bool has_crossed, is_high;
	} rows[] = {
	    {799, false, false}, {800, true, true},  {810, false, true},  {760, false, true}, {799, false, true},
	    {750, false, true},	 {749, true, false}, {790, false, false}, {1000, true, true}, {1001, false, true},
	};
	static struct fill f;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(fill_has_crossed(&f, rows[i].used, 1000) == rows[i].has_crossed, "row %zu", i);
		ck_assert_msg(f.is_high == rows[i].is_high, "row %zu", i);
	}
	ck_assert(!fill_has_crossed(&f, 0, 0)); /* nothing of nothing is full: it was high before */
}
END_TEST

static struct crew crew;

static void
begin(void)
{
	crew_ready(&crew);
	log_set_level(LOG_LEVEL_INFO);
	role_started(crew.store, 0, "archiver", getpid(), clock_wall_ms(), clock_mono_ms());
}

static void
end(void)
{
	crew_close(&crew);
}

START_TEST(everybody_can_read_how_full_memory_and_disk_are)
{
	static struct fills f;

	fills_begin(&f, crew.store);
	fills_look(&f, crew.store, "/");
	ck_assert_uint_gt(role_total(crew.store, COUNT_DISK_MAX), role_total(crew.store, COUNT_DISK_USED));
	ck_assert_uint_gt(role_total(crew.store, COUNT_MEMORY_MAX), role_total(crew.store, COUNT_MEMORY_USED));
	ck_assert_uint_eq(role_total(crew.store, COUNT_MEMORY_FULL_MS), 0);
	ck_assert(!crew_said(&crew, "shared memory of the chain"));
}
END_TEST

/* One that comes after another does not say again what that has said. */
START_TEST(a_successor_knows_what_was_told)
{
	static struct fills f;

	role_set(crew.store, COUNT_MEMORY_IS_HIGH, 1);
	fills_begin(&f, crew.store);
	ck_assert(f.memory.is_high && !f.disk.is_high);
	fills_look(&f, crew.store, "/");
	ck_assert(crew_said(&crew, "archiver: the shared memory of the chain has room again: 0 % are used"));
	ck_assert_uint_eq(role_total(crew.store, COUNT_MEMORY_IS_HIGH), 0);
}
END_TEST

START_TEST(a_disk_that_cannot_be_asked_is_named_once)
{
	static struct fills f;

	fills_begin(&f, crew.store);
	fills_look(&f, crew.store, "/nowhere/at/all");
	ck_assert(crew_said(&crew, "how full the disk of /nowhere/at/all is cannot be told"));
	ck_assert(f.has_failed);
	ck_assert_uint_eq(role_total(crew.store, COUNT_DISK_MAX), 0);
	fills_look(&f, crew.store, "/");
	ck_assert(!f.has_failed);
}
END_TEST

Suite *
suite_fill(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "fill", 30), *told;

	tcase_add_test(tc, before_ten_minutes_nobody_says_when);
	tcase_add_test(tc, it_is_full_when_what_is_left_is_used_at_the_rate_of_late);
	tcase_add_test(tc, what_does_not_grow_is_never_full);
	tcase_add_test(tc, only_the_last_two_hours_count);
	tcase_add_test(tc, what_is_full_is_full_now);
	tcase_add_test(tc, each_mark_is_crossed_once_and_they_lie_apart);
	told = tcase_create("told");
	suite_add_tcase(suite, told);
	tcase_set_timeout(told, 60);
	tcase_add_checked_fixture(told, begin, end);
	tcase_add_test(told, everybody_can_read_how_full_memory_and_disk_are);
	tcase_add_test(told, a_successor_knows_what_was_told);
	tcase_add_test(told, a_disk_that_cannot_be_asked_is_named_once);
	return suite;
}
