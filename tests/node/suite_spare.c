/* The thread that computes while nobody else wants the core. Nothing is said of how long anything takes. */
#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "node/spare.h"
#include "suites.h"

/* A piece of work for the tests: hashes something so many times, or as long as it is wanted. */
struct piece {
	uint64_t count; /* 0: without end */
	_Atomic uint64_t done;
	struct hash256 hash;
};

static struct loop *loop;
static struct spare *spare;
static struct piece piece;

/* Of the last piece that was over. */
static unsigned over_count;
static bool was_dropped;
static uint64_t cpu_us;

static void
hash_on(struct spare *s, void *ctx)
{
	struct piece *p = ctx;

	while ((p->count == 0 || p->done < p->count) && spare_is_wanted(s)) {
		for (int i = 0; i < 100; i++)
			p->hash = sha256(p->hash.b, sizeof(p->hash.b));
		p->done++;
	}
}

static void
over(void *ctx, bool is_dropped, uint64_t spent_us)
{
	ck_assert_ptr_eq(ctx, &piece);
	ck_assert(!spare_is_out(spare));
	was_dropped = is_dropped;
	cpu_us = spent_us;
	over_count++;
	loop_stop(loop);
}

static void
begin_piece(uint64_t count)
{
	memset(&piece, 0, sizeof(piece));
	piece.count = count;
	ck_assert(spare_begin(spare, hash_on, over, &piece));
	ck_assert(spare_is_out(spare));
}

static void
wait_over(void)
{
	unsigned before = over_count;

	loop_run(loop);
	ck_assert_uint_eq(over_count, before + 1);
}

static void
do_piece(uint64_t count)
{
	begin_piece(count);
	wait_over();
	ck_assert(!was_dropped);
	ck_assert_uint_eq(piece.done, count);
}

/* What the thread does first of all it has done by the time that its first piece of work is over. */
static void
begin(void)
{
	loop = loop_new();
	spare = spare_new(loop);
	ck_assert_ptr_nonnull(spare);
	do_piece(1);
}

static void
end(void)
{
	spare_free(spare);
	loop_free(loop);
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
		if (fgets(name, sizeof(name), f) != NULL && strcmp(name, "spare\n") == 0)
			found = (pid_t)atoi(d->d_name);
		fclose(f);
	}
	closedir(tasks);
	return found;
}

/* It waits for something to do. */
static bool
is_thread_asleep(void)
{
	char path[64], line[256] = "", state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread_id());
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	ck_assert_int_eq(sscanf(line, "%*d (spare) %c", &state), 1);
	return state == 'S';
}

START_TEST(does_one_piece_of_work_after_another)
{
	struct hash256 expected = {0};

	for (int i = 0; i < 100; i++)
		expected = sha256(expected.b, sizeof(expected.b));
	for (int i = 0; i < 100; i++) {
		do_piece(1);
		ck_assert(hash_equal(&piece.hash, &expected));
	}
}
END_TEST

START_TEST(has_one_at_a_time)
{
	begin_piece(1);
	ck_assert(!spare_begin(spare, hash_on, over, &piece));
	/* However long ago it was done, it is the thread's until the loop has heard of it. */
	while (piece.done == 0 || !is_thread_asleep())
		sched_yield();
	ck_assert(!spare_begin(spare, hash_on, over, &piece));
	wait_over();
	do_piece(1);
}
END_TEST

START_TEST(counts_the_time_that_they_take)
{
	uint64_t sum_us = spare_cpu_us(spare);

	for (int i = 0; i < 3; i++) {
		do_piece(100);
		ck_assert_uint_gt(cpu_us, 0);
		sum_us += cpu_us;
		ck_assert_uint_eq(spare_cpu_us(spare), sum_us);
	}
	/* It can be seen before it is over. */
	begin_piece(0);
	while (spare_cpu_us(spare) < sum_us + 1000)
		sched_yield();
	ck_assert(spare_is_out(spare));
}
END_TEST

START_TEST(leaves_off_when_its_work_is_worth_nothing_any_more)
{
	begin_piece(0);
	while (piece.done == 0)
		sched_yield();
	spare_drop(spare);
	wait_over();
	ck_assert(was_dropped);
	/* The next piece is wanted. */
	do_piece(1);
}
END_TEST

START_TEST(what_was_dropped_is_said_to_be_though_it_was_done)
{
	/* Whether the thread was faster or not. */
	for (int i = 0; i < 100; i++) {
		begin_piece(1);
		for (int k = 0; k < i; k++)
			sched_yield();
		spare_drop(spare);
		wait_over();
		ck_assert(was_dropped);
	}
}
END_TEST

START_TEST(runs_only_while_nobody_else_wants_the_core)
{
	ck_assert_int_ne(thread_id(), 0);
	ck_assert_int_eq(sched_getscheduler(thread_id()), SCHED_IDLE);
	ck_assert_int_ne(sched_getscheduler(0), SCHED_IDLE);
}
END_TEST

START_TEST(there_is_no_thread_before_there_is_work)
{
	spare_free(spare);
	spare = spare_new(loop);
	ck_assert_int_eq(thread_id(), 0);
	do_piece(1);
	ck_assert_int_ne(thread_id(), 0);
}
END_TEST

START_TEST(takes_no_signals)
{
	char path[64], line[256];
	uint64_t blocked = 0;
	FILE *f;

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
	unsigned before = over_count;

	begin_piece(0);
	spare_free(spare);
	ck_assert_int_eq(thread_id(), 0);
	loop_poll(loop);
	ck_assert_uint_eq(over_count, before);
	spare = NULL;
}
END_TEST

START_TEST(where_there_is_none_nothing_begins)
{
	ck_assert(!spare_begin(NULL, hash_on, over, &piece));
	ck_assert(!spare_is_out(NULL));
	ck_assert_uint_eq(spare_cpu_us(NULL), 0);
	spare_drop(NULL);
	spare_free(NULL);
}
END_TEST

Suite *
suite_spare(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "spare", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, does_one_piece_of_work_after_another);
	tcase_add_test(tc, has_one_at_a_time);
	tcase_add_test(tc, counts_the_time_that_they_take);
	tcase_add_test(tc, leaves_off_when_its_work_is_worth_nothing_any_more);
	tcase_add_test(tc, what_was_dropped_is_said_to_be_though_it_was_done);
	tcase_add_test(tc, runs_only_while_nobody_else_wants_the_core);
	tcase_add_test(tc, there_is_no_thread_before_there_is_work);
	tcase_add_test(tc, takes_no_signals);
	tcase_add_test(tc, leaves_in_the_midst_of_its_work);
	tcase_add_test(tc, where_there_is_none_nothing_begins);
	return suite;
}
