/* How posts are replaced for a new configuration, and stopped, order by order. */
#include <signal.h>
#include <stdatomic.h>

#include "cast.h"
#include "crew.h"
#include "node/posts.h"
#include "posts_room.h"
#include "posts_suites.h"
#include "util/clock.h"

#define PATIENT_MS 3600000

static bool
step(void)
{
	posts_reap(&posts);
	return posts_stop_step(&posts);
}

/* Times enough for whatever shall not happen. */
static void
step_idly(void)
{
	for (int i = 0; i < 20; i++) {
		ck_assert(!step());
		clock_sleep_ms(1);
	}
}

static void
let_go(enum cast who)
{
	atomic_store(&cast_stage->may_go[who], true);
}

START_TEST(a_workers_successor_comes_before_it_goes)
{
	struct post *post = post_of(CAST_WORKER);
	uint32_t ring, began;
	pid_t old;

	cast_play(CAST_WORKER, PART_SLOW);
	posts_all_up();
	old = post->pid;
	ring = post->ring;
	posts_replace(&posts);
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) >= 3 && cast_count(EVENT_ASKED, CAST_WORKER) >= 1);
	ck_assert_int_ne(post->pid, old);
	ck_assert_uint_ne(post->ring, ring);
	ck_assert_int_eq(post->leaver.pid, old);
	ck_assert_uint_eq(post->leaver.ring, ring);
	began = cast_place(EVENT_BEGAN, CAST_WORKER, 2);
	let_go(CAST_WORKER);
	posts_until(post->leaver.pid == 0);
	ck_assert_uint_gt(cast_place(EVENT_ENDED, CAST_WORKER, 0), began);
	posts_until(crew_heard(&crew, crew.env.bells.role[BELL_POOL]));
	/* It went as it was asked to: no reason to wait before the next. */
	ck_assert_uint_eq(post->delay_ms, 100);
}
END_TEST

START_TEST(of_all_others_the_old_one_goes_before_the_new_one_comes)
{
	struct post *post = post_of(CAST_KEEPER);
	pid_t old;

	cast_play(CAST_KEEPER, PART_SLOW);
	posts_all_up();
	old = post->pid;
	posts_replace(&posts);
	posts_until(cast_count(EVENT_ASKED, CAST_KEEPER) == 1);
	for (int i = 0; i < 3; i++)
		posts_turn();
	ck_assert_int_eq(post->pid, old);
	let_go(CAST_KEEPER);
	posts_until(cast_count(EVENT_BEGAN, CAST_KEEPER) == 2);
	ck_assert_uint_gt(cast_place(EVENT_BEGAN, CAST_KEEPER, 1), cast_place(EVENT_ENDED, CAST_KEEPER, 0));
	/* The loader has done its work once and for all. */
	ck_assert_uint_eq(cast_count(EVENT_BEGAN, CAST_LOADER), 1);
}
END_TEST

START_TEST(who_does_not_make_way_in_time_is_killed)
{
	struct post *worker = post_of(CAST_WORKER), *keeper = post_of(CAST_KEEPER);

	cast_play(CAST_WORKER, PART_DEAF);
	cast_play(CAST_KEEPER, PART_DEAF);
	posts_all_up();
	posts_replace(&posts);
	posts_until(cast_count(EVENT_ASKED, CAST_KEEPER) == 1 && cast_count(EVENT_ASKED, CAST_WORKER) >= 1);
	posts_watch(&posts, PATIENT_MS);
	posts_turn();
	ck_assert_int_ne(worker->leaver.pid, 0);
	ck_assert_uint_le(posts_wait_ms(&posts, PATIENT_MS), 10000);
	/* The ten seconds are over. */
	worker->leaver.kill_at_ms = keeper->kill_at_ms = clock_mono_ms();
	posts_watch(&posts, PATIENT_MS);
	posts_until(worker->leaver.pid == 0);
	posts_until(cast_count(EVENT_BEGAN, CAST_KEEPER) == 2);
}
END_TEST

START_TEST(they_stop_order_by_order)
{
	cast_play(CAST_WORKER, PART_SLOW);
	cast_play(CAST_HELPER, PART_SLOW);
	posts_all_up();
	posts_stop(&posts);
	ck_assert(posts_is_stopping(&posts));
	crew_until(!step() && cast_count(EVENT_ASKED, CAST_WORKER) == 2);
	step_idly();
	ck_assert_uint_eq(cast_count(EVENT_ASKED, CAST_HELPER), 0);
	let_go(CAST_WORKER);
	crew_until(!step() && cast_count(EVENT_ASKED, CAST_HELPER) == 1);
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_WORKER), 2);
	step_idly();
	ck_assert_uint_eq(cast_count(EVENT_ASKED, CAST_KEEPER), 0);
	let_go(CAST_HELPER);
	crew_until(step());
	ck_assert_uint_gt(cast_place(EVENT_ASKED, CAST_KEEPER, 0), cast_place(EVENT_ENDED, CAST_HELPER, 0));
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_KEEPER), 1);
	ck_assert(!crew_said(&crew, "did not stop in time"));
}
END_TEST

START_TEST(who_does_not_stop_in_time_is_ended_so_that_the_others_can_stop_in_order)
{
	cast_play(CAST_WORKER, PART_DEAF);
	posts_all_up();
	posts_stop(&posts);
	crew_until(!step() && cast_count(EVENT_ASKED, CAST_WORKER) == 2);
	step_idly();
	ck_assert_uint_le(posts_wait_ms(&posts, PATIENT_MS), 6000);
	ck_assert_uint_lt(posts.order_at_ms, posts.stop_at_ms);
	posts.order_at_ms = clock_mono_ms();
	crew_until(step());
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_WORKER), 0);
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_HELPER), 1);
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_KEEPER), 1);
	ck_assert(crew_said(&crew, "2 processes did not stop in time"));
}
END_TEST

START_TEST(a_second_wish_to_stop_waits_for_nobody)
{
	cast_play(CAST_WORKER, PART_DEAF);
	posts_all_up();
	posts_stop(&posts);
	crew_until(!step() && cast_count(EVENT_ASKED, CAST_WORKER) == 2);
	posts_stop_now(&posts);
	crew_until(step());
	ck_assert_uint_eq(cast_count(EVENT_ASKED, CAST_KEEPER), 0);
	ck_assert(crew_said(&crew, "some processes did not stop in time"));
}
END_TEST

START_TEST(nobody_is_started_any_more_while_they_stop)
{
	cast_play(CAST_WORKER, PART_SLOW);
	posts_all_up();
	posts_stop(&posts);
	crew_until(!step() && cast_count(EVENT_ASKED, CAST_WORKER) == 2);
	kill(post_of(CAST_KEEPER)->pid, SIGKILL);
	crew_until(!step() && post_of(CAST_KEEPER)->pid == 0);
	post_of(CAST_KEEPER)->start_at_ms = 0;
	for (int i = 0; i < 3; i++)
		posts_turn();
	ck_assert_int_eq(post_of(CAST_KEEPER)->pid, 0);
	let_go(CAST_WORKER);
	crew_until(step());
}
END_TEST

START_TEST(a_successor_and_who_it_replaces_are_both_stopped)
{
	cast_play(CAST_WORKER, PART_SLOW);
	posts_all_up();
	posts_replace(&posts);
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) >= 3);
	posts_stop(&posts);
	let_go(CAST_WORKER);
	crew_until(step());
	ck_assert_uint_eq(cast_count(EVENT_ENDED, CAST_WORKER), cast_count(EVENT_BEGAN, CAST_WORKER));
}
END_TEST

Suite *
suite_posts_stop(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "posts stop", 60);

	tcase_add_checked_fixture(tc, posts_room_enter, posts_room_leave);
	tcase_add_test(tc, a_workers_successor_comes_before_it_goes);
	tcase_add_test(tc, of_all_others_the_old_one_goes_before_the_new_one_comes);
	tcase_add_test(tc, who_does_not_make_way_in_time_is_killed);
	tcase_add_test(tc, they_stop_order_by_order);
	tcase_add_test(tc, who_does_not_stop_in_time_is_ended_so_that_the_others_can_stop_in_order);
	tcase_add_test(tc, a_second_wish_to_stop_waits_for_nobody);
	tcase_add_test(tc, nobody_is_started_any_more_while_they_stop);
	tcase_add_test(tc, a_successor_and_who_it_replaces_are_both_stopped);
	return suite;
}
