/*
 * Who is started when, what becomes of who ends or is stuck, and how one is replaced. Nobody waits for a delay here: a
 * test moves the times that posts.h shows.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include "cast.h"
#include "crew.h"
#include "node/posts.h"
#include "posts_room.h"
#include "posts_suites.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/ring.h"
#include "util/clock.h"

#define WATCHDOG_MS 100 /* who is stuck had its last heartbeat when the machine started */
#define PATIENT_MS 3600000

/* The process of a post has ended, and its next is due at once. */
static void
hurry(struct post *post)
{
	posts_until(post->pid == 0);
	post->start_at_ms = 0;
}

START_TEST(the_loader_runs_first_and_those_who_need_the_chain_when_it_is_done)
{
	posts_turn();
	posts.early_at_ms = UINT64_MAX;
	posts_until(cast_count(EVENT_BEGAN, CAST_LOADER) == 1);
	for (int i = 0; i < 3; i++)
		posts_turn();
	ck_assert_int_eq(post_of(CAST_WORKER)->pid, 0);
	ck_assert_int_eq(post_of(CAST_HELPER)->pid, 0);
	ck_assert_int_eq(post_of(CAST_KEEPER)->pid, 0);
	kill(post_of(CAST_LOADER)->pid, SIGTERM);
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) == 2);
	posts_until(cast_count(EVENT_BEGAN, CAST_HELPER) == 1 && cast_count(EVENT_BEGAN, CAST_KEEPER) == 1);
	ck_assert_uint_gt(cast_place(EVENT_BEGAN, CAST_HELPER, 0), cast_place(EVENT_ENDED, CAST_LOADER, 0));
	ck_assert_uint_gt(cast_place(EVENT_BEGAN, CAST_KEEPER, 0), cast_place(EVENT_ENDED, CAST_LOADER, 0));
	ck_assert_int_eq(posts_load_failure(&posts), 0);
	post_of(CAST_LOADER)->start_at_ms = 0;
	posts_turn();
	ck_assert_int_eq(post_of(CAST_LOADER)->pid, 0);
}
END_TEST

START_TEST(workers_come_early_to_say_that_the_chain_is_loaded)
{
	posts.early_at_ms = 0;
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) == 2);
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_LOADER), 0);
	ck_assert_int_eq(post_of(CAST_KEEPER)->pid, 0);
}
END_TEST

static const struct {
	enum part part;
	int code, told;
} failures[] = {
    {PART_LEAVE, CHILD_AGAIN, CHILD_AGAIN}, {PART_LEAVE, CHILD_NEVER, CHILD_NEVER}, {PART_CRASH, 0, CHILD_AGAIN}};

START_TEST(a_loader_that_fails_is_not_started_again_and_nobody_else_is)
{
	cast_stage->codes[CAST_LOADER] = failures[_i].code;
	cast_play(CAST_LOADER, failures[_i].part);
	posts.early_at_ms = UINT64_MAX;
	posts_until(posts_load_failure(&posts) != 0);
	ck_assert_int_eq(posts_load_failure(&posts), failures[_i].told);
	post_of(CAST_LOADER)->start_at_ms = 0;
	posts_turn();
	ck_assert_int_eq(post_of(CAST_LOADER)->pid, 0);
	ck_assert_int_eq(post_of(CAST_HELPER)->pid, 0);
	ck_assert_int_eq(post_of(CAST_KEEPER)->pid, 0);
}
END_TEST

START_TEST(after_a_stop_all_begins_again_with_the_loader)
{
	posts_all_up();
	posts_stop(&posts);
	posts_until(posts_stop_step(&posts));
	posts_begin_again(&posts);
	ck_assert(!posts_is_stopping(&posts));
	posts.early_at_ms = UINT64_MAX;
	posts_until(cast_count(EVENT_BEGAN, CAST_LOADER) == 2);
	ck_assert_int_eq(post_of(CAST_KEEPER)->pid, 0);
}
END_TEST

START_TEST(the_delay_before_the_next_doubles_from_100_ms_to_30_s)
{
	static const uint32_t delays[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
	struct post *post = post_of(CAST_HELPER);

	cast_stage->codes[CAST_HELPER] = CHILD_AGAIN;
	cast_play(CAST_HELPER, PART_LEAVE);
	posts_load();
	for (uint32_t i = 0; i < ARRAY_LEN(delays); i++) {
		posts_until(cast_count(EVENT_BEGAN, CAST_HELPER) == i + 1 && post->pid == 0);
		ck_assert_uint_ge(post->start_at_ms - post->started_ms, delays[i]);
		ck_assert_uint_eq(post->delay_ms, i + 1 < ARRAY_LEN(delays) ? delays[i + 1] : 30000);
		ck_assert_uint_le(posts_wait_ms(&posts, PATIENT_MS), delays[i]);
		/* Not before it is due. */
		post->start_at_ms = UINT64_MAX;
		posts_turn();
		ck_assert_int_eq(post->pid, 0);
		post->start_at_ms = 0;
		ck_assert_uint_eq(posts_wait_ms(&posts, PATIENT_MS), 0);
	}
	/* One that lives for a minute has earned trust. */
	cast_play(CAST_HELPER, PART_SERVE);
	posts_until(cast_count(EVENT_BEGAN, CAST_HELPER) == ARRAY_LEN(delays) + 1);
	post->started_ms -= 60000;
	kill(post->pid, SIGKILL);
	posts_until(post->pid == 0);
	ck_assert_uint_eq(post->delay_ms, 200);
	ck_assert(crew_said(&crew, "was ended by signal 9"));
}
END_TEST

START_TEST(one_that_says_never_is_given_up_until_the_configuration_changes)
{
	struct post *post = post_of(CAST_HELPER);

	cast_stage->codes[CAST_HELPER] = CHILD_NEVER;
	cast_play(CAST_HELPER, PART_LEAVE);
	posts_load();
	posts_until(post->is_given_up);
	hurry(post);
	posts_turn();
	ck_assert_int_eq(post->pid, 0);
	ck_assert(crew_said(&crew, "master: helper will not be started again"));
	cast_play(CAST_HELPER, PART_SERVE);
	posts_replace(&posts);
	posts_until(cast_count(EVENT_BEGAN, CAST_HELPER) == 2);
}
END_TEST

START_TEST(there_are_as_many_workers_as_are_wanted_by_now)
{
	struct post *second = post_of(CAST_WORKER) + 1;

	/* Nobody here drains what they leave. */
	ck_assert_int_eq(store_want_rings(crew.store, 8), OK);
	posts_all_up();
	crew.env.workers = 1;
	posts_replace(&posts);
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) == 3 && cast_count(EVENT_ENDED, CAST_WORKER) == 2);
	posts_until(second->pid == 0 && post_of(CAST_WORKER)->leaver.pid == 0);
	posts_until(cast_count(EVENT_BEGAN, CAST_HELPER) == 2 && cast_count(EVENT_BEGAN, CAST_KEEPER) == 2);
	/* It is not due, however long it takes. */
	hurry(second);
	posts_turn();
	ck_assert_int_eq(second->pid, 0);
	ck_assert_uint_gt(posts_wait_ms(&posts, 1000), 0);
	/* The one that is left serves for both. */
	crew.env.workers = 2;
	posts_replace(&posts);
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) == 5 && cast_count(EVENT_ENDED, CAST_WORKER) == 3);
	ck_assert_int_ne(second->pid, 0);
	posts_until(cast_count(EVENT_BEGAN, CAST_HELPER) == 3 && cast_count(EVENT_BEGAN, CAST_KEEPER) == 3);
}
END_TEST

START_TEST(the_table_of_roles_tells_who_runs_and_how_often_it_was_started)
{
	struct post *post = post_of(CAST_HELPER);
	uint32_t slot = post->slot;
	struct role_info info;

	posts_all_up();
	ck_assert(role_info(crew.store, slot, &info));
	ck_assert_str_eq(info.name, "helper");
	ck_assert_int_eq(info.pid, post->pid);
	ck_assert_uint_eq(info.restarts, 0);
	kill(post->pid, SIGKILL);
	hurry(post);
	ck_assert(!role_info(crew.store, slot, &info));
	posts_until(post->pid != 0);
	ck_assert(role_info(crew.store, slot, &info));
	ck_assert_uint_eq(info.restarts, 1);
	ck_assert_uint_eq(info.failures, 1);
	/* Who is asked to make way has not failed. */
	pid_t old = post->pid;
	posts_replace(&posts);
	posts_until(post->pid != 0 && post->pid != old);
	ck_assert(role_info(crew.store, slot, &info));
	ck_assert_uint_eq(info.restarts, 2);
	ck_assert_uint_eq(info.failures, 1);
}
END_TEST

START_TEST(who_has_not_moved_is_killed_and_replaced_and_nobody_else)
{
	struct post *post = post_of(CAST_HELPER);
	pid_t keeper, stuck;

	cast_play(CAST_HELPER, PART_STUCK);
	posts_all_up();
	posts_until(cast_count(EVENT_STUCK, CAST_HELPER) == 1);
	keeper = post_of(CAST_KEEPER)->pid;
	stuck = post->pid;
	posts_watch(&posts, PATIENT_MS + clock_mono_ms());
	ck_assert(!post->is_shot);
	ck_assert(posts_all_beat(&posts, PATIENT_MS + clock_mono_ms()));
	cast_play(CAST_HELPER, PART_SERVE);
	posts_watch(&posts, clock_mono_ms() - 1);
	ck_assert(post->is_shot);
	/* As long as it is there, it counts as stuck: perhaps it cannot even be killed. */
	ck_assert(!posts_all_beat(&posts, clock_mono_ms() - 1));
	hurry(post);
	ck_assert(posts_all_beat(&posts, PATIENT_MS));
	posts_until(post->pid != 0 && cast_count(EVENT_BEGAN, CAST_HELPER) == 2);
	ck_assert(posts_all_beat(&posts, PATIENT_MS));
	ck_assert_int_ne(post->pid, stuck);
	ck_assert(!post->is_shot);
	ck_assert_int_eq(post_of(CAST_KEEPER)->pid, keeper);
	ck_assert(crew_said(&crew, "has not moved for"));
}
END_TEST

START_TEST(nobody_is_blamed_for_a_time_in_which_the_master_did_not_run_either)
{
	struct post *post = post_of(CAST_HELPER);

	cast_play(CAST_HELPER, PART_STUCK);
	posts_all_up();
	posts_until(cast_count(EVENT_STUCK, CAST_HELPER) == 1);
	/* The machine was suspended. */
	posts.watched_ms = clock_mono_ms() - 5001;
	ck_assert(posts_all_beat(&posts, WATCHDOG_MS));
	posts_watch(&posts, WATCHDOG_MS);
	ck_assert(!post->is_shot);
	ck_assert(posts_all_beat(&posts, WATCHDOG_MS));
	/* And once everybody had time for a heartbeat, it counts again. */
	posts.excused_ms = 0;
	ck_assert(!posts_all_beat(&posts, WATCHDOG_MS));
	posts_watch(&posts, WATCHDOG_MS);
	ck_assert(post->is_shot);
}
END_TEST

START_TEST(who_owns_the_lock_while_it_waits_for_the_disk_is_spared)
{
	struct post *post = post_of(CAST_HELPER);

	cast_play(CAST_HELPER, PART_OWNER);
	posts_all_up();
	posts_until(cast_count(EVENT_STUCK, CAST_HELPER) == 1);
	posts_watch(&posts, WATCHDOG_MS);
	ck_assert(!post->is_shot);
	ck_assert(posts_all_beat(&posts, WATCHDOG_MS));
	atomic_store(&crew.store->control->in_sync_wait, 0);
	ck_assert(!posts_all_beat(&posts, WATCHDOG_MS));
	posts_watch(&posts, WATCHDOG_MS);
	ck_assert(post->is_shot);
	/* The lock goes back before the process is forgotten. */
	posts_until(post->pid == 0);
	ck_assert_uint_eq(atomic_load(&crew.store->control->owner), 0);
	ck_assert(crew_said(&crew, "died while it was writing the chain; repaired"));
	ck_assert_int_eq(store_begin(crew.store, 0), OK);
	store_end(crew.store);
}
END_TEST

START_TEST(not_all_is_well_while_nobody_can_be_started_or_those_who_stop_are_overdue)
{
	struct post *second = post_of(CAST_WORKER) + 1;

	posts_all_up();
	ck_assert(posts_all_beat(&posts, PATIENT_MS));
	kill(second->pid, SIGKILL);
	hurry(second);
	posts.start_trouble = EAGAIN;
	ck_assert(!posts_all_beat(&posts, PATIENT_MS));
	/* A reload wants fewer: now nobody is missing who could not be started. */
	crew.env.workers = 1;
	ck_assert(posts_all_beat(&posts, PATIENT_MS));
	crew.env.workers = 2;
	posts.start_trouble = 0;
	posts_stop(&posts);
	ck_assert(posts_all_beat(&posts, PATIENT_MS));
	posts.stop_at_ms = 1;
	posts_stop_step(&posts);
	ck_assert(!posts_all_beat(&posts, PATIENT_MS));
	posts_until(posts_stop_step(&posts));
}
END_TEST

START_TEST(a_dead_workers_ring_is_left_to_the_pool)
{
	struct post *post = post_of(CAST_WORKER);
	uint32_t ring, other;

	posts_all_up();
	ring = post->ring;
	crew_heard(&crew, crew.env.bells.role[BELL_POOL]);
	kill(post->pid, SIGKILL);
	hurry(post);
	ck_assert(crew_heard(&crew, crew.env.bells.role[BELL_POOL]));
	posts_until(post->pid != 0);
	ck_assert_uint_ne(post->ring, ring);
	/* That was the last: nobody gets the dead one's before it is drained. */
	ck_assert_int_eq(ring_assign(crew.store, &other), ERR_BUSY);
	ring_drain(crew.store, 1, NULL, NULL, NULL, (bool[STORE_RINGS_MAX]){false});
	ck_assert_int_eq(ring_assign(crew.store, &other), OK);
	ck_assert_uint_eq(other, ring);
}
END_TEST

START_TEST(without_a_free_ring_a_worker_waits)
{
	struct post *post = post_of(CAST_WORKER);
	uint32_t ring;

	posts_all_up();
	while (ring_assign(crew.store, &ring) == OK)
		;
	kill(post->pid, SIGKILL);
	hurry(post);
	posts_turn();
	ck_assert_int_eq(post->pid, 0);
	ck_assert_uint_gt(post->start_at_ms, 0);
	/* The pool has drained one. */
	ring_drain(crew.store, 1, NULL, NULL, NULL, (bool[STORE_RINGS_MAX]){false});
	post->start_at_ms = 0;
	posts_until(post->pid != 0);
}
END_TEST

Suite *
suite_posts(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "posts", 60);

	tcase_add_checked_fixture(tc, posts_room_enter, posts_room_leave);
	tcase_add_test(tc, the_loader_runs_first_and_those_who_need_the_chain_when_it_is_done);
	tcase_add_test(tc, workers_come_early_to_say_that_the_chain_is_loaded);
	tcase_add_loop_test(tc, a_loader_that_fails_is_not_started_again_and_nobody_else_is, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, after_a_stop_all_begins_again_with_the_loader);
	tcase_add_test(tc, the_delay_before_the_next_doubles_from_100_ms_to_30_s);
	tcase_add_test(tc, one_that_says_never_is_given_up_until_the_configuration_changes);
	tcase_add_test(tc, there_are_as_many_workers_as_are_wanted_by_now);
	tcase_add_test(tc, the_table_of_roles_tells_who_runs_and_how_often_it_was_started);
	tcase_add_test(tc, who_has_not_moved_is_killed_and_replaced_and_nobody_else);
	tcase_add_test(tc, nobody_is_blamed_for_a_time_in_which_the_master_did_not_run_either);
	tcase_add_test(tc, who_owns_the_lock_while_it_waits_for_the_disk_is_spared);
	tcase_add_test(tc, not_all_is_well_while_nobody_can_be_started_or_those_who_stop_are_overdue);
	tcase_add_test(tc, a_dead_workers_ring_is_left_to_the_pool);
	tcase_add_test(tc, without_a_free_ring_a_worker_waits);
	return suite;
}
