/* What the supervisor hears when, and how its watchdog is fed. Nobody waits: a test moves the times that supervisor.h shows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/supervisor.h"
#include "overseer.h"
#include "suites.h"
#include "util/clock.h"

static struct supervisor s;
static char heard[512];

static void
begin(void)
{
	overseer_come();
	supervisor_init(&s);
}

static void
watchdog(const char *usec, const char *pid)
{
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid != NULL)
		setenv("WATCHDOG_PID", pid, 1);
	supervisor_init(&s);
}

/* Nothing else was said than that. */
static void
expect(const char *text)
{
	ck_assert_msg(overseer_heard(heard, sizeof(heard)), "did not hear: %s", text);
	ck_assert_str_eq(heard, text);
	ck_assert_msg(!overseer_heard(heard, sizeof(heard)), "heard more: %s", heard);
}

static void
expect_silence(void)
{
	ck_assert_msg(!overseer_heard(heard, sizeof(heard)), "heard: %s", heard);
}

START_TEST(while_it_loads_it_says_how_far_it_is_and_that_it_shall_be_waited_for)
{
	supervisor_tell(&s, "loading: 1 %", false);
	expect("STATUS=loading: 1 %\nEXTEND_TIMEOUT_USEC=60000000");
	/* Not each time. */
	supervisor_tell(&s, "loading: 2 %", false);
	expect_silence();
	s.line_at_ms -= 1500;
	supervisor_tell(&s, "loading: 3 %", false);
	expect("STATUS=loading: 3 %\nEXTEND_TIMEOUT_USEC=60000000");
	/* But again and again, if nothing moves. */
	s.line_at_ms -= 1500;
	supervisor_tell(&s, "loading: 3 %", false);
	expect_silence();
	s.line_at_ms -= 10000;
	supervisor_tell(&s, "loading: 3 %", false);
	expect("STATUS=loading: 3 %\nEXTEND_TIMEOUT_USEC=60000000");
}
END_TEST

START_TEST(it_says_at_once_that_it_is_ready_and_says_it_once)
{
	supervisor_tell(&s, "loading", false);
	supervisor_tell(&s, "height 3", true);
	ck_assert(overseer_heard(heard, sizeof(heard)));
	expect("READY=1\nSTATUS=height 3");
	s.line_at_ms -= 60000;
	supervisor_tell(&s, "height 3", true);
	expect_silence();
	supervisor_tell(&s, "height 4", true);
	expect("STATUS=height 4");
	supervisor_tell(&s, "height 5", true);
	expect_silence();
	/* Loading again is no way back: the start is over. */
	s.line_at_ms -= 1500;
	supervisor_tell(&s, "loading", false);
	expect("STATUS=loading");
}
END_TEST

START_TEST(readiness_that_does_not_get_through_is_told_again)
{
	overseer_sleep();
	supervisor_tell(&s, "height 3", true);
	ck_assert(!s.is_ready);
	overseer_wake();
	supervisor_tell(&s, "height 3", true);
	expect("READY=1\nSTATUS=height 3");
}
END_TEST

START_TEST(a_reload_has_a_beginning_and_an_end)
{
	char *end;

	/* Not before it is ready: it would look as if it were. */
	supervisor_reloading(&s);
	expect_silence();
	supervisor_tell(&s, "height 3", true);
	expect("READY=1\nSTATUS=height 3");
	uint64_t before = clock_mono_us();
	supervisor_reloading(&s);
	ck_assert(overseer_heard(heard, sizeof(heard)));
	ck_assert_int_eq(strncmp(heard, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	uint64_t said = strtoull(heard + 27, &end, 10);
	ck_assert_str_eq(end, "");
	ck_assert_uint_ge(said, before);
	ck_assert_uint_le(said, clock_mono_us());
	supervisor_tell(&s, "height 3", true);
	expect("READY=1\nSTATUS=height 3");
	supervisor_tell(&s, "height 3", true);
	expect_silence();
}
END_TEST

START_TEST(a_stop_is_told_and_what_takes_long_in_it)
{
	supervisor_stopping(&s);
	expect("STOPPING=1\nSTATUS=stopping in order");
	supervisor_ending(&s, "putting the chain away");
	expect("STATUS=putting the chain away\nEXTEND_TIMEOUT_USEC=60000000");
}
END_TEST

START_TEST(without_a_supervisor_everything_goes_on)
{
	unsetenv("NOTIFY_SOCKET");
	supervisor_tell(&s, "height 3", true);
	supervisor_reloading(&s);
	supervisor_tell(&s, "height 3", true);
	supervisor_stopping(&s);
	ck_assert(s.is_ready && !s.is_reloading);
	expect_silence();
	ck_assert_uint_eq(supervisor_wait_ms(&s, 1000), 1000);
}
END_TEST

START_TEST(the_watchdog_is_fed_twice_in_its_time_while_every_role_beats)
{
	watchdog("60000000", NULL);
	ck_assert_uint_eq(s.watchdog_ms, 60000);
	supervisor_feed(&s, true);
	expect("WATCHDOG=1");
	uint64_t now = clock_mono_ms();
	ck_assert_uint_le(s.feed_at_ms, now + 30000);
	supervisor_feed(&s, true);
	expect_silence();
	/* The master sleeps no longer than until the next is due. */
	ck_assert_uint_eq(supervisor_wait_ms(&s, 1000), 1000);
	ck_assert_uint_le(supervisor_wait_ms(&s, 3600000), 30000);
	s.feed_at_ms -= 30000;
	ck_assert_uint_gt(supervisor_wait_ms(&s, 3600000), 0);
	supervisor_feed(&s, true);
	expect("WATCHDOG=1");
}
END_TEST

START_TEST(the_watchdog_is_not_fed_while_a_role_does_not_beat)
{
	watchdog("2000000", NULL);
	supervisor_feed(&s, false);
	expect_silence();
	/* It is looked at often enough to be told in time that all is well again. */
	ck_assert_uint_le(supervisor_wait_ms(&s, 3600000), 500);
	supervisor_feed(&s, true);
	expect("WATCHDOG=1");
}
END_TEST

START_TEST(food_that_does_not_get_through_is_given_again)
{
	watchdog("2000000", NULL);
	overseer_sleep();
	supervisor_feed(&s, true);
	ck_assert_uint_eq(s.feed_at_ms, 0);
	overseer_wake();
	supervisor_feed(&s, true);
	expect("WATCHDOG=1");
}
END_TEST

static const struct {
	const char *usec;
	int pid; /* less ours; 1000: none is named */
	uint32_t ms;
} watchdogs[] = {
    {"60000000", 0, 60000},
    {"60000000", 1, 0}, /* it is another process that it watches */
    {"1", 1000, 0},
    {"1000", 1000, 10},
    {"3000000", 1000, 3000},
    {"18446744073709551615", 1000, UINT32_MAX},
    {"0", 1000, 0},
    {"", 1000, 0},
    {"-1", 1000, 0},
    {"60s", 1000, 0},
    {"99999999999999999999", 1000, 0},
};

START_TEST(it_is_fed_by_whom_it_watches_as_often_as_it_says)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid() + watchdogs[_i].pid);
	watchdog(watchdogs[_i].usec, watchdogs[_i].pid == 1000 ? NULL : pid);
	ck_assert_uint_eq(s.watchdog_ms, watchdogs[_i].ms);
	supervisor_feed(&s, true);
	if (watchdogs[_i].ms > 0)
		expect("WATCHDOG=1");
	else
		expect_silence();
}
END_TEST

START_TEST(a_process_that_is_no_number_is_not_ours)
{
	watchdog("60000000", "x");
	ck_assert_uint_eq(s.watchdog_ms, 0);
	watchdog("60000000", "");
	ck_assert_uint_eq(s.watchdog_ms, 0);
}
END_TEST

Suite *
suite_supervisor(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "supervisor", 10);
	tcase_add_checked_fixture(tc, begin, overseer_leave);
	tcase_add_test(tc, while_it_loads_it_says_how_far_it_is_and_that_it_shall_be_waited_for);
	tcase_add_test(tc, it_says_at_once_that_it_is_ready_and_says_it_once);
	tcase_add_test(tc, readiness_that_does_not_get_through_is_told_again);
	tcase_add_test(tc, a_reload_has_a_beginning_and_an_end);
	tcase_add_test(tc, a_stop_is_told_and_what_takes_long_in_it);
	tcase_add_test(tc, without_a_supervisor_everything_goes_on);
	tcase_add_test(tc, the_watchdog_is_fed_twice_in_its_time_while_every_role_beats);
	tcase_add_test(tc, the_watchdog_is_not_fed_while_a_role_does_not_beat);
	tcase_add_test(tc, food_that_does_not_get_through_is_given_again);
	tcase_add_loop_test(tc, it_is_fed_by_whom_it_watches_as_often_as_it_says, 0, ARRAY_LEN(watchdogs));
	tcase_add_test(tc, a_process_that_is_no_number_is_not_ours);
	return suite;
}
