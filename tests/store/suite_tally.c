/* What processes count: which bucket, whose sum, and what outlives a process and a segment. */
#include <string.h>

#include "process.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/role_table.h"
#include "store/tally.h"
#include "suites.h"

START_TEST(a_time_is_in_the_first_bucket_whose_bound_it_does_not_exceed)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct tally_span span;
	uint64_t sum = 0;

	role_started(s, 0, "miner", 1, 0, 0);
	for (int i = 0; i < TALLY_BUCKETS - 1; i++) {
		tally_took(s, TALLY_JOURNAL_SYNC, tally_bounds_us[i]);
		tally_took(s, TALLY_JOURNAL_SYNC, tally_bounds_us[i] + 1);
		sum += 2 * tally_bounds_us[i] + 1;
	}
	tally_took(s, TALLY_JOURNAL_SYNC, 0);
	tally_times(s, TALLY_JOURNAL_SYNC, &span);
	for (int i = 0; i < TALLY_BUCKETS; i++)
		ck_assert_uint_eq(span.buckets[i], i == TALLY_BUCKETS - 1 ? 1 : 2);
	ck_assert_uint_eq(span.sum_us, sum);
	tally_times(s, TALLY_POOL_SYNC, &span);
	ck_assert_uint_eq(span.sum_us + span.buckets[0], 0);
}
END_TEST

START_TEST(what_is_out_of_range_is_counted_nowhere)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct role_page before;

	role_started(s, 0, "worker", 1, 0, 0);
	memcpy(&before, role_page_at(s, 0), sizeof(before));
	tally_took(s, TALLY_TIMES, 1);
	tally_refused(s, RULE_COUNT);
	tally_refused(s, (enum rule) - 1);
	tally_served(s, TALLY_ROUTES, 0, 1, 1);
	tally_served(s, 0, TALLY_STATUSES, 1, 1);
	tally_served_in(s, TALLY_ROUTES, 1);
	ck_assert_mem_eq(&before, role_page_at(s, 0), sizeof(before));
}
END_TEST

static void
count_as_worker(struct store *s, void *arg)
{
	unsigned rounds = *(const unsigned *)arg;

	for (unsigned i = 0; i < rounds; i++) {
		tally_served(s, 3, 1, 10, 100);
		tally_served_in(s, 3, 7);
		tally_refused(s, RULE_BAD_SIGNATURE);
	}
}

/* Two processes in one place are a worker and its successor, while the one makes way for the other. */
START_TEST(all_processes_add_up_also_two_in_one_place)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	unsigned rounds = 20000;
	struct tally_route r;
	pid_t pids[8];

	for (uint32_t i = 0; i < 8; i++) {
		pids[i] = spawn(s, STORE_READ, i / 2, 0, count_as_worker, &rounds);
		role_started(s, i / 2, "worker", pids[i], 0, 0);
	}
	for (uint32_t i = 0; i < 8; i++)
		await_ok(s, pids[i]);
	tally_requests(s, 3, &r);
	ck_assert_uint_eq(r.statuses[1], 8 * rounds);
	ck_assert_uint_eq(r.body_in, 80 * (uint64_t)rounds);
	ck_assert_uint_eq(r.body_out, 800 * (uint64_t)rounds);
	ck_assert_uint_eq(r.span.buckets[0], 8 * rounds);
	ck_assert_uint_eq(r.span.sum_us, 56 * (uint64_t)rounds);
	ck_assert_uint_eq(tally_refusals(s, RULE_BAD_SIGNATURE), 8 * rounds);
	tally_requests(s, 2, &r);
	ck_assert_uint_eq(r.statuses[1] + r.body_in + r.body_out + r.span.sum_us, 0);
}
END_TEST

START_TEST(a_wait_for_the_lock_is_counted_once_and_none_where_it_is_free)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct tally_span span;
	uint64_t waits = 0;

	role_started(s, 0, "miner", 1, 0, 0);
	ck_assert_int_eq(lock_acquire(s, 1000), OK);
	lock_release(s);
	tally_times(s, TALLY_LOCK_WAIT, &span);
	ck_assert_uint_eq(span.sum_us, 0);
	atomic_store(&s->control->owner, s->pid + 1);
	ck_assert_int_eq(lock_acquire(s, 1), ERR_TIMEOUT);
	atomic_store(&s->control->owner, 0);
	tally_times(s, TALLY_LOCK_WAIT, &span);
	for (int i = 0; i < TALLY_BUCKETS; i++)
		waits += span.buckets[i];
	ck_assert_uint_eq(waits, 1);
	ck_assert_uint_ge(span.sum_us, 1000);
}
END_TEST

/* The ledger: what was counted goes on in a segment made anew, what only was so does not. */
START_TEST(a_fresh_segment_goes_on_from_what_was_counted)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct role_ledger *ledger;
	struct tally_span span;
	struct tally_route r;
	struct role_info info;

	role_started(s, 0, "worker", 1, 0, 0);
	role_stopped(s, 0);
	role_failed(s, 0);
	role_started(s, 0, "worker", 2, 0, 0);
	role_count(s, COUNT_REQUESTS, 5);
	role_set(s, COUNT_CONNECTIONS, 6);
	role_set(s, COUNT_SYNC_TARGET, 7);
	tally_took(s, TALLY_JOURNAL_SYNC, 50);
	tally_served(s, 1, 2, 3, 4);
	tally_refused(s, RULE_HIGH_S);
	atomic_fetch_add(&s->control->lock_waits, 9);
	ledger = role_ledger_keep(s);
	s = segment_make(&(struct segment_plan){0});
	ck_assert_uint_eq(role_total(s, COUNT_REQUESTS), 0);
	role_ledger_put(s, ledger);
	role_ledger_free(ledger);

	ck_assert(!role_info(s, 0, &info)); /* nobody runs yet */
	ck_assert(role_known(s, 0, &info));
	ck_assert_str_eq(info.name, "worker");
	ck_assert_uint_eq(info.restarts, 1);
	ck_assert_uint_eq(info.failures, 1);
	ck_assert_uint_eq(role_total(s, COUNT_REQUESTS), 5);
	ck_assert_uint_eq(role_total(s, COUNT_CONNECTIONS) + role_total(s, COUNT_SYNC_TARGET), 0);
	tally_times(s, TALLY_JOURNAL_SYNC, &span);
	ck_assert_uint_eq(span.buckets[0], 1);
	tally_requests(s, 1, &r);
	ck_assert_uint_eq(r.statuses[2], 1);
	ck_assert_uint_eq(tally_refusals(s, RULE_HIGH_S), 1);
	ck_assert_uint_eq(atomic_load(&s->control->lock_waits), 9);
	role_started(s, 0, "worker", 3, 0, 0);
	ck_assert(role_info(s, 0, &info));
	ck_assert_uint_eq(info.restarts, 2);
}
END_TEST

Suite *
suite_tally(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "tally", 60);

	tcase_add_test(tc, a_time_is_in_the_first_bucket_whose_bound_it_does_not_exceed);
	tcase_add_test(tc, what_is_out_of_range_is_counted_nowhere);
	tcase_add_test(tc, all_processes_add_up_also_two_in_one_place);
	tcase_add_test(tc, a_wait_for_the_lock_is_counted_once_and_none_where_it_is_free);
	tcase_add_test(tc, a_fresh_segment_goes_on_from_what_was_counted);
	return suite;
}
