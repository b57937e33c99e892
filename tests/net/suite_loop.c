/* Timers, watches and signals; what may be freed where. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "suites.h"

struct world {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_timer *other;
	struct loop_watch *watch;
	unsigned fired;
	unsigned other_fired;
	int fds[2];
};

static void
stop(void *ctx)
{
	struct world *w = ctx;
	w->fired++;
	loop_stop(w->loop);
}

static void
count_other(void *ctx)
{
	struct world *w = ctx;
	w->other_fired++;
}

static void
free_self_and_stop(void *ctx)
{
	struct world *w = ctx;
	loop_timer_free(w->timer);
	w->timer = NULL;
	stop(w);
}

static void
free_watch_and_stop(void *ctx)
{
	struct world *w = ctx;
	loop_watch_free(w->watch);
	w->watch = NULL;
	stop(w);
}

START_TEST(fires_a_timer_once_and_runs_again)
{
	struct world w = {.loop = loop_new()};
	w.timer = loop_timer_new(w.loop, stop, &w);
	for (unsigned i = 1; i <= 3; i++) {
		loop_timer_arm(w.timer, i);
		loop_run(w.loop);
		ck_assert_uint_eq(w.fired, i);
		ck_assert(loop_is_stopped(w.loop));
		loop_poll(w.loop);
		ck_assert_uint_eq(w.fired, i);
	}
	loop_timer_free(w.timer);
	loop_free(w.loop);
}
END_TEST

START_TEST(returns_at_once_if_stopped_before_it_ran)
{
	struct world w = {.loop = loop_new()};
	ck_assert(!loop_is_stopped(w.loop));
	loop_stop(w.loop);
	loop_run(w.loop);
	ck_assert(loop_is_stopped(w.loop));
	loop_free(w.loop);
}
END_TEST

START_TEST(moves_an_armed_timer_and_forgets_a_disarmed_one)
{
	struct world w = {.loop = loop_new()};
	w.timer = loop_timer_new(w.loop, stop, &w);
	w.other = loop_timer_new(w.loop, count_other, &w);
	loop_timer_arm(w.other, 0);
	loop_timer_arm(w.other, 3600 * 1000);
	loop_timer_arm(w.timer, 5);
	loop_run(w.loop);
	ck_assert_uint_eq(w.other_fired, 0);
	loop_timer_arm(w.other, 0);
	loop_timer_disarm(w.other);
	loop_timer_arm(w.timer, 5);
	loop_run(w.loop);
	ck_assert_uint_eq(w.other_fired, 0);
	loop_timer_free(w.timer);
	loop_timer_free(w.other);
	loop_timer_free(NULL);
	loop_free(w.loop);
}
END_TEST

START_TEST(frees_timers_and_watches_inside_their_callbacks)
{
	struct world w = {.loop = loop_new()};
	w.timer = loop_timer_new(w.loop, free_self_and_stop, &w);
	loop_timer_arm(w.timer, 0);
	loop_run(w.loop);
	ck_assert_ptr_null(w.timer);

	ck_assert_int_eq(pipe(w.fds), 0);
	w.watch = loop_watch_read(w.loop, w.fds[0], free_watch_and_stop, &w);
	ck_assert_int_eq(write(w.fds[1], "x", 1), 1);
	loop_run(w.loop);
	ck_assert_ptr_null(w.watch);
	ck_assert_uint_eq(w.fired, 2);

	w.watch = loop_watch_signal(w.loop, SIGUSR1, free_watch_and_stop, &w);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	loop_run(w.loop);
	ck_assert_uint_eq(w.fired, 3);
	loop_watch_free(NULL);
	loop_free(w.loop);
	close(w.fds[0]);
	close(w.fds[1]);
}
END_TEST

START_TEST(reports_a_readable_descriptor_until_it_is_read_and_its_end)
{
	struct world w = {.loop = loop_new()};
	char byte;
	ck_assert_int_eq(pipe(w.fds), 0);
	w.watch = loop_watch_read(w.loop, w.fds[0], stop, &w);
	loop_poll(w.loop);
	ck_assert_uint_eq(w.fired, 0);
	ck_assert_int_eq(write(w.fds[1], "x", 1), 1);
	loop_run(w.loop);
	loop_run(w.loop);
	ck_assert_uint_eq(w.fired, 2);
	ck_assert_int_eq(read(w.fds[0], &byte, 1), 1);
	loop_poll(w.loop);
	ck_assert_uint_eq(w.fired, 2);
	close(w.fds[1]);
	loop_run(w.loop);
	ck_assert_uint_eq(w.fired, 3);
	loop_watch_free(w.watch);
	loop_poll(w.loop);
	ck_assert_uint_eq(w.fired, 3);
	loop_free(w.loop);
	close(w.fds[0]);
}
END_TEST

START_TEST(gives_a_signal_back_its_disposition)
{
	struct world w = {.loop = loop_new()};
	struct sigaction action;
	ck_assert_ptr_ne(signal(SIGUSR2, SIG_IGN), SIG_ERR);
	w.watch = loop_watch_signal(w.loop, SIGUSR2, stop, &w);
	ck_assert_int_eq(raise(SIGUSR2), 0);
	loop_run(w.loop);
	ck_assert_uint_eq(w.fired, 1);
	loop_watch_free(w.watch);
	ck_assert_int_eq(sigaction(SIGUSR2, NULL, &action), 0);
	ck_assert(action.sa_handler == SIG_IGN);
	loop_free(w.loop);
}
END_TEST

START_TEST(ignores_broken_pipes)
{
	struct world w = {.loop = loop_new()};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, w.fds), 0);
	close(w.fds[0]);
	ck_assert_int_lt(write(w.fds[1], "x", 1), 0);
	close(w.fds[1]);
	loop_free(w.loop);
}
END_TEST

Suite *
suite_loop(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "loop", 30);
	tcase_add_test(tc, fires_a_timer_once_and_runs_again);
	tcase_add_test(tc, returns_at_once_if_stopped_before_it_ran);
	tcase_add_test(tc, moves_an_armed_timer_and_forgets_a_disarmed_one);
	tcase_add_test(tc, frees_timers_and_watches_inside_their_callbacks);
	tcase_add_test(tc, reports_a_readable_descriptor_until_it_is_read_and_its_end);
	tcase_add_test(tc, gives_a_signal_back_its_disposition);
	tcase_add_test(tc, ignores_broken_pipes);
	return suite;
}
