/* The thread that searches while nobody else wants the core. Nothing is said of how long anything takes. */
#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/searcher.h"
#include "suites.h"

#define ENDLESS (UINT64_C(1) << 52)

static struct loop *loop;
static struct searcher *searcher;
static struct search_result result; /* of the last piece that was over */
static unsigned over_count;
static const uint8_t header[HEADERHASH_INPUT_SIZE] = {1, 2, 3};

static void
over(void *ctx, const struct search_result *r)
{
	ck_assert_ptr_eq(ctx, &result);
	ck_assert(!searcher_is_out(searcher));
	result = *r;
	over_count++;
	loop_stop(loop);
}

static void
begin(void)
{
	loop = loop_new();
	over_count = 0;
	searcher = searcher_new(loop, over, &result);
	ck_assert_ptr_nonnull(searcher);
}

static void
end(void)
{
	searcher_free(searcher);
	loop_free(loop);
}

/* So many leading zero bits. */
static struct hash256
target_of(unsigned bits)
{
	struct hash256 t;

	memset(t.b, 0xff, sizeof(t.b));
	memset(t.b, 0, bits / 8);
	t.b[bits / 8] = (uint8_t)(0xff >> bits % 8);
	return t;
}

static void
wait_over(void)
{
	unsigned before = over_count;

	loop_run(loop);
	ck_assert_uint_eq(over_count, before + 1);
}

/* Of the thread, in /proc; 0: there is none. */
static pid_t
thread_id(void)
{
	DIR *tasks = opendir("/proc/self/task");
	pid_t found = 0;

	ck_assert_ptr_nonnull(tasks);
	for (struct dirent *d; (d = readdir(tasks)) != NULL;) {
		char path[64], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", d->d_name);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(name, sizeof(name), f) != NULL && strcmp(name, "searcher\n") == 0)
			found = (pid_t)atoi(d->d_name);
		fclose(f);
	}
	closedir(tasks);
	return found;
}

/* What the thread does first of all it has done by the time that its first piece of work is over. */
static void
settle(void)
{
	struct hash256 any = target_of(0);

	ck_assert(searcher_begin(searcher, header, &any, 0, 1));
	wait_over();
	over_count = 0;
	ck_assert_int_ne(thread_id(), 0);
}

START_TEST(finds_what_the_search_itself_finds)
{
	for (unsigned bits = 0; bits <= 14; bits++) {
		struct hash256 target = target_of(bits);
		uint64_t first = bits * 1000, nonce;

		ck_assert(headerhash_search(&nonce, header, &target, first, ENDLESS));
		ck_assert(searcher_begin(searcher, header, &target, first, nonce - first + 1));
		wait_over();
		ck_assert(result.is_found);
		ck_assert_uint_eq(result.nonce, nonce);
		ck_assert_uint_eq(result.tries, nonce - first + 1);
		/* One try less, and there is nothing. */
		ck_assert(searcher_begin(searcher, header, &target, first, nonce - first));
		wait_over();
		ck_assert(!result.is_found);
		ck_assert_uint_eq(result.tries, nonce - first);
	}
}
END_TEST

START_TEST(has_one_piece_of_work_at_a_time)
{
	struct hash256 hopeless = target_of(200);

	ck_assert(!searcher_is_out(searcher));
	ck_assert(searcher_begin(searcher, header, &hopeless, 0, 100));
	ck_assert(searcher_is_out(searcher));
	ck_assert(!searcher_begin(searcher, header, &hopeless, 0, 100));
	wait_over();
	ck_assert(searcher_begin(searcher, header, &hopeless, 0, 100));
	wait_over();
}
END_TEST

START_TEST(counts_the_time_that_it_takes)
{
	struct hash256 hopeless = target_of(200);
	uint64_t sum_us = 0;

	ck_assert_uint_eq(searcher_cpu_us(searcher), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(searcher_begin(searcher, header, &hopeless, 0, 1 << 17));
		wait_over();
		ck_assert_uint_gt(result.cpu_us, 0);
		sum_us += result.cpu_us;
		ck_assert_uint_eq(searcher_cpu_us(searcher), sum_us);
	}
}
END_TEST

START_TEST(leaves_off_when_what_it_does_is_worth_nothing_any_more)
{
	struct hash256 hopeless = target_of(200);

	ck_assert(searcher_begin(searcher, header, &hopeless, 0, 1 << 23));
	while (searcher_cpu_us(searcher) == 0)
		sched_yield();
	searcher_drop(searcher);
	wait_over();
	ck_assert(!result.is_found);
	ck_assert_uint_gt(result.tries, 0);
	ck_assert_uint_lt(result.tries, 1 << 23);
	/* The next piece is wanted. */
	ck_assert(searcher_begin(searcher, header, &hopeless, 0, 100));
	wait_over();
	ck_assert_uint_eq(result.tries, 100);
}
END_TEST

START_TEST(what_was_dropped_is_not_found)
{
	struct hash256 any = target_of(0);

	/* Whether the thread was faster or not. */
	for (int i = 0; i < 100; i++) {
		ck_assert(searcher_begin(searcher, header, &any, 0, 1));
		for (int k = 0; k < i; k++)
			sched_yield();
		searcher_drop(searcher);
		wait_over();
		ck_assert(!result.is_found);
	}
}
END_TEST

START_TEST(runs_only_while_nobody_else_wants_the_core)
{
	settle();
	ck_assert_int_eq(sched_getscheduler(thread_id()), SCHED_IDLE);
	ck_assert_int_ne(sched_getscheduler(0), SCHED_IDLE);
}
END_TEST

START_TEST(takes_no_signals)
{
	char path[64], line[256];
	uint64_t blocked = 0;
	FILE *f;

	settle();
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)thread_id());
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL && sscanf(line, "SigBlk: %" SCNx64, &blocked) != 1)
		;
	fclose(f);
	for (int signo = SIGHUP; signo <= SIGTERM; signo++)
		if (signo != SIGKILL)
			ck_assert_uint_ne(blocked & (UINT64_C(1) << (signo - 1)), 0);
}
END_TEST

START_TEST(leaves_in_the_midst_of_its_work)
{
	struct hash256 hopeless = target_of(200);

	settle();
	ck_assert(searcher_begin(searcher, header, &hopeless, 0, 1 << 23));
	searcher_free(searcher);
	ck_assert_int_eq(thread_id(), 0);
	loop_poll(loop);
	ck_assert_uint_eq(over_count, 0);
	searcher = NULL;
}
END_TEST

START_TEST(none_does_nothing)
{
	ck_assert(!searcher_is_out(NULL));
	ck_assert_uint_eq(searcher_cpu_us(NULL), 0);
	searcher_drop(NULL);
	searcher_free(NULL);
}
END_TEST

Suite *
suite_searcher(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "searcher", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, finds_what_the_search_itself_finds);
	tcase_add_test(tc, has_one_piece_of_work_at_a_time);
	tcase_add_test(tc, counts_the_time_that_it_takes);
	tcase_add_test(tc, leaves_off_when_what_it_does_is_worth_nothing_any_more);
	tcase_add_test(tc, what_was_dropped_is_not_found);
	tcase_add_test(tc, runs_only_while_nobody_else_wants_the_core);
	tcase_add_test(tc, takes_no_signals);
	tcase_add_test(tc, leaves_in_the_midst_of_its_work);
	tcase_add_test(tc, none_does_nothing);
	return suite;
}
