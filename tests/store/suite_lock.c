/* The writers' lock, through store_begin and store_end: dead owners, posts lost and left over, time-outs. */
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/lock.h"
#include "suites.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "witness.h"

struct holder {
	_Atomic uint32_t is_in;
	_Atomic uint32_t may_leave;
	bool dies_inside;
};

static void
hold(struct store *s, void *arg)
{
	struct holder *h = arg;

	need(store_begin(s, 10000) == OK);
	need(lock_is_mine(s));
	atomic_store(&h->is_in, 1);
	if (h->dies_inside)
		raise(SIGKILL);
	wait_for(&h->may_leave, 1);
	store_end(s);
}

static int
semaphore_value(const struct store *s)
{
	int value = -1;

	ck_assert_int_eq(sem_getvalue(s->sem, &value), 0);
	return value;
}

START_TEST(is_taken_and_given_back)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	ck_assert_int_eq(semaphore_value(s), 1);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(store_begin(s, 1000), OK);
		ck_assert(lock_is_mine(s));
		ck_assert_int_eq(semaphore_value(s), 0);
		store_end(s);
		ck_assert(!lock_is_mine(s));
		ck_assert_int_eq(semaphore_value(s), 1);
	}
}
END_TEST

START_TEST(times_out_while_another_process_holds_it)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct holder *h = share(sizeof(*h));
	struct store_usage before, after;
	pid_t pid = spawn(s, STORE_COMMIT, 1, 0, hold, h);

	wait_for(&h->is_in, 1);
	store_usage(s, &before);
	ck_assert_int_eq(store_begin(s, 1), ERR_TIMEOUT);
	ck_assert_int_eq(store_begin(s, 120), ERR_TIMEOUT);
	store_usage(s, &after);
	ck_assert_uint_eq(after.lock_waits, before.lock_waits + 2);
	ck_assert(!lock_is_mine(s));
	atomic_store(&h->may_leave, 1);
	ck_assert_int_eq(store_begin(s, 30000), OK);
	store_end(s);
	await_ok(s, pid);
}
END_TEST

START_TEST(of_a_dead_owner_is_freed_by_the_master_alone)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct holder *h = share(sizeof(*h));
	siginfo_t info;
	pid_t pid;

	h->dies_inside = true;
	pid = spawn(s, STORE_COMMIT, 1, 0, hold, h);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	atomic_store(&s->control->in_sync_wait, 1);
	ck_assert_int_eq(store_begin(s, 60), ERR_TIMEOUT);
	ck_assert(!store_bury(s, pid + 1));
	ck_assert(!store_bury(s, 0));
	ck_assert(!store_bury(s, -1));
	ck_assert_int_eq(store_begin(s, 60), ERR_TIMEOUT);
	ck_assert(store_bury(s, pid));
	/* The watchdog must not spare the next owner for what the dead one did. */
	ck_assert_uint_eq(atomic_load(&s->control->in_sync_wait), 0);
	ck_assert(!store_bury(s, pid));
	ck_assert_int_eq(store_begin(s, 1000), OK);
	ck_assert(!store_bury(s, 0));
	store_end(s);
	ck_assert(!store_bury(s, 0));
	ck_assert_int_eq(store_begin(s, 1000), OK);
	store_end(s);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(heals_from_a_lost_post)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	ck_assert_int_eq(sem_trywait(s->sem), 0);
	ck_assert_int_eq(store_begin(s, 10000), OK);
	store_end(s);
	ck_assert_int_eq(semaphore_value(s), 1);
}
END_TEST

START_TEST(lets_one_in_whatever_posts_are_left_over)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct holder *h = share(sizeof(*h));
	pid_t pid;

	for (int i = 0; i < 3; i++)
		sem_post(s->sem);
	pid = spawn(s, STORE_COMMIT, 1, 0, hold, h);
	wait_for(&h->is_in, 1);
	ck_assert_int_eq(store_begin(s, 120), ERR_TIMEOUT);
	atomic_store(&h->may_leave, 1);
	await_ok(s, pid);
	ck_assert_int_eq(store_begin(s, 10000), OK);
	store_end(s);
}
END_TEST

START_TEST(sync_wait_is_seen_for_the_owner_alone)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	ck_assert_int_eq(store_begin(s, 1000), OK);
	ck_assert(!role_is_in_sync_wait(s, (pid_t)s->pid));
	atomic_store(&s->control->in_sync_wait, 1);
	ck_assert(role_is_in_sync_wait(s, (pid_t)s->pid));
	ck_assert(!role_is_in_sync_wait(s, (pid_t)s->pid + 1));
	atomic_store(&s->control->in_sync_wait, 0);
	store_end(s);
}
END_TEST

/*
 * Two writers in processes of their own compete, and the test kills one after the other at random moments, 200 in all.
 * A word that each writer sets while it is inside tells if ever two are.
 */
struct storm {
	_Atomic uint32_t inside; /* pid */
	_Atomic uint32_t trespasses;
	_Atomic uint32_t commits;
	_Atomic uint32_t started;
	uint64_t seed;
};

static void
work_for_ever(struct store *s, void *arg)
{
	struct storm *storm = arg;
	uint64_t random = storm->seed + (uint64_t)atomic_fetch_add(&storm->started, 1) * 977;
	struct maker m;

	maker_init(&m, s, random);
	for (;;) {
		struct blockref tip = chain_tip(s);
		uint64_t height = chain_height(s, tip), back = random_below(&random, 4);
		unsigned blocks = 1 + (unsigned)back;
		enum err e;
		uint32_t nobody = 0;

		/* A chain that has grown long is cut back: the witness has to walk it. */
		back = height > 600 ? 500 : back < height ? back : height;
		e = maker_stage(&m, chain_at(s, tip, height - back), blocks, 3);
		if (e == OK && (e = store_begin(s, 60000)) == OK) {
			if (!atomic_compare_exchange_strong(&storm->inside, &nobody, s->pid))
				atomic_fetch_add(&storm->trespasses, 1);
			tip = chain_tip(s);
			e = chain_contains(s, tip, m.fork) ? commit_tip(s, tip, m.at) : ERR_STALE;
			if (e == OK)
				m.kept = m.at;
			atomic_store(&storm->inside, 0);
			store_end(s);
		}
		if (e == OK)
			atomic_fetch_add(&storm->commits, 1);
		need(e == OK || e == ERR_STALE || e == ERR_BUSY);
	}
}

/* As the master does it. True if it was the lock's owner. */
static bool
kill_and_bury(struct store *s, struct storm *storm, pid_t pid)
{
	uint32_t dead = (uint32_t)pid;
	siginfo_t info;
	bool was_owner;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(info.si_code, CLD_KILLED);
	/* If it was inside, nobody else can have come in before the burial. */
	atomic_compare_exchange_strong(&storm->inside, &dead, 0);
	was_owner = store_bury(s, pid);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return was_owner;
}

START_TEST(never_has_two_owners_while_200_writers_are_killed)
{
	enum { KILLS = 200, KILLS_MAX = 4000, WRITERS = 2 };
	struct store *s = segment_make(&(struct segment_plan){.size_max = UINT64_C(256) << 20});
	struct storm *storm = share(sizeof(*storm));
	uint64_t random = 99;
	unsigned owners = 0;
	pid_t pids[WRITERS];

	storm->seed = 7;
	for (uint32_t i = 0; i < WRITERS; i++)
		pids[i] = spawn(s, STORE_COMMIT, i, 0, work_for_ever, storm);
	/* On a slow machine it may take more of them until one has hit an owner. */
	for (int n = 0; n < KILLS || (owners == 0 && n < KILLS_MAX); n++) {
		uint32_t i = (uint32_t)random_below(&random, WRITERS);
		struct timespec moment = {0, (long)random_below(&random, 4000000)};

		nanosleep(&moment, NULL);
		owners += kill_and_bury(s, storm, pids[i]);
		pids[i] = spawn(s, STORE_COMMIT, i, 0, work_for_ever, storm);
	}
	for (uint32_t i = 0; i < WRITERS; i++)
		owners += kill_and_bury(s, storm, pids[i]);
	ck_assert_uint_eq(atomic_load(&storm->trespasses), 0);
	ck_assert_uint_gt(atomic_load(&storm->commits), 0);
	ck_assert_uint_gt(owners, 0);
	witness_accounts(s);
}
END_TEST

Suite *
suite_lock(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "lock", 120);
	tcase_add_test(tc, is_taken_and_given_back);
	tcase_add_test(tc, times_out_while_another_process_holds_it);
	tcase_add_test(tc, of_a_dead_owner_is_freed_by_the_master_alone);
	tcase_add_test(tc, heals_from_a_lost_post);
	tcase_add_test(tc, lets_one_in_whatever_posts_are_left_over);
	tcase_add_test(tc, sync_wait_is_seen_for_the_owner_alone);
	tcase_add_test(tc, never_has_two_owners_while_200_writers_are_killed);
	return suite;
}
