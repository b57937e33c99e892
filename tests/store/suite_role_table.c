/* The pages of the roles: what the master stamps, what each role counts, what outlives a role's death. */
#include <string.h>

#include "process.h"
#include "store/layout.h"
#include "store/role_table.h"
#include "suites.h"

START_TEST(slots_are_unused_until_the_master_stamps_them)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct role_info info;

	for (uint32_t i = 0; i < 20; i++)
		ck_assert(!role_info(s, i, &info));
	ck_assert(!role_info(s, UINT32_MAX, &info));
	role_started(s, 7, "miner", 4711, 1000, 2000);
	for (uint32_t i = 0; i < 20; i++)
		ck_assert(role_info(s, i, &info) == (i == 7));
	ck_assert(role_info(s, 7, &info));
	ck_assert_str_eq(info.name, "miner");
	ck_assert_int_eq(info.pid, 4711);
	ck_assert_uint_eq(info.started_ms, 1000);
	ck_assert_uint_eq(info.beat_ms, 2000);
	ck_assert_uint_eq(info.restarts, 0);
	for (int i = 0; i < COUNTERS; i++)
		ck_assert_uint_eq(info.counters[i], 0);
}
END_TEST

START_TEST(restarts_are_counted_and_counters_go_on)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct role_info info;

	for (uint32_t i = 0; i < 4; i++) {
		role_started(s, 2, "pool", 100 + (pid_t)i, 1000 + i, 2000 + i);
		atomic_fetch_add(&role_page_at(s, 2)->counters[COUNT_ACCEPTED], 5);
		ck_assert(role_info(s, 2, &info));
		ck_assert_uint_eq(info.restarts, i);
		ck_assert_int_eq(info.pid, 100 + (pid_t)i);
		ck_assert_uint_eq(info.started_ms, 1000 + i);
		ck_assert_uint_eq(info.counters[COUNT_ACCEPTED], 5 * (i + 1));
		role_stopped(s, 2);
		ck_assert(!role_info(s, 2, &info));
		ck_assert_uint_eq(role_total(s, COUNT_ACCEPTED), 5 * (i + 1));
	}
}
END_TEST

START_TEST(a_name_that_is_too_long_is_cut)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct role_info info;

	role_started(s, 0, "a name of more than fifteen letters", 1, 0, 0);
	/* Whatever stands there, readers get a text that ends. */
	ck_assert(role_info(s, 0, &info));
	ck_assert_str_eq(info.name, "a name of more ");
	memset(role_page_at(s, 0)->name, 'x', sizeof(info.name));
	ck_assert(role_info(s, 0, &info));
	ck_assert_str_eq(info.name, "xxxxxxxxxxxxxxx");
}
END_TEST

static void
count_as_role(struct store *s, void *arg)
{
	unsigned rounds = *(const unsigned *)arg;

	role_beat(s, 5000 + s->role);
	for (unsigned i = 0; i < rounds; i++) {
		role_count(s, COUNT_REQUESTS, 1);
		role_count(s, COUNT_HASHES, 1000);
		role_set(s, COUNT_SYNC_HEIGHT, i);
	}
}

START_TEST(each_role_beats_and_counts_on_its_own_page_and_totals_add_up)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	unsigned rounds = 20000;
	struct role_info info;
	pid_t pids[8];

	for (uint32_t i = 0; i < 8; i++) {
		pids[i] = spawn(s, STORE_READ, i, 0, count_as_role, &rounds);
		role_started(s, i, "worker", pids[i], 0, 0);
	}
	for (uint32_t i = 0; i < 8; i++)
		await_ok(s, pids[i]);
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert(role_info(s, i, &info));
		ck_assert_int_eq(info.pid, pids[i]);
		ck_assert_uint_eq(info.counters[COUNT_REQUESTS], rounds);
		ck_assert_uint_eq(info.counters[COUNT_SYNC_HEIGHT], rounds - 1);
	}
	ck_assert_uint_eq(role_total(s, COUNT_REQUESTS), 8 * rounds);
	ck_assert_uint_eq(role_total(s, COUNT_HASHES), 8000 * (uint64_t)rounds);
	ck_assert_uint_eq(role_total(s, COUNT_BLOCKS), 0);
}
END_TEST

static void
beat(struct store *s, void *arg)
{
	(void)arg;
	role_beat(s, 777);
}

START_TEST(a_heartbeat_is_seen_by_everybody)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct role_info info;

	role_started(s, 3, "relay", 1, 10, 20);
	await_ok(s, spawn(s, STORE_READ, 3, 0, beat, NULL));
	ck_assert(role_info(s, 3, &info));
	ck_assert_uint_eq(info.beat_ms, 777);
	ck_assert_uint_eq(info.started_ms, 10);
}
END_TEST

Suite *
suite_role_table(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "role table", 30);
	tcase_add_test(tc, slots_are_unused_until_the_master_stamps_them);
	tcase_add_test(tc, restarts_are_counted_and_counters_go_on);
	tcase_add_test(tc, a_name_that_is_too_long_is_cut);
	tcase_add_test(tc, each_role_beats_and_counts_on_its_own_page_and_totals_add_up);
	tcase_add_test(tc, a_heartbeat_is_seen_by_everybody);
	return suite;
}
