/* The clocks and how times are written. */
#include <signal.h>
#include <sys/time.h>

#include "suites.h"
#include "util/clock.h"

static const struct {
	uint64_t wall_ms;
	const char *text;
} format_rows[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {999, "1970-01-01T00:00:00.999Z"},
    {UINT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
    {UINT64_C(1769860800007), "2026-01-31T12:00:00.007Z"},
    {UINT64_C(4107542399999), "2100-02-28T23:59:59.999Z"},
    {UINT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
    {UINT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
    /* Header times come from outside and may be anything. */
    {UINT64_C(253402300800000), "9999-12-31T23:59:59.999Z"},
    {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
};

START_TEST(writes_times_as_rfc_3339)
{
	char text[CLOCK_TEXT_SIZE];
	clock_format(text, format_rows[_i].wall_ms);
	ck_assert_str_eq(text, format_rows[_i].text);
}
END_TEST

START_TEST(never_goes_back)
{
	uint64_t last = clock_mono_us();
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_mono_us();
		ck_assert_uint_ge(now, last);
		last = now;
	}
}
END_TEST

START_TEST(counts_the_same_seconds_in_both_units)
{
	uint64_t before = clock_mono_us() / 1000;
	uint64_t now = clock_mono_ms();
	uint64_t after = clock_mono_us() / 1000;
	ck_assert_uint_le(before, now);
	ck_assert_uint_le(now, after);
}
END_TEST

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

START_TEST(sleeps_its_time_through_signals)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct sigaction old_act;
	struct itimerval often = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000};
	struct itimerval never = {0};
	sigaction(SIGALRM, &act, &old_act);
	setitimer(ITIMER_REAL, &often, NULL);
	uint64_t until = clock_mono_us() + 20000;
	clock_sleep_ms(20);
	uint64_t now = clock_mono_us();
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old_act, NULL);
	ck_assert_uint_ge(now, until);
	ck_assert_int_ge(alarms, 1);
}
END_TEST

START_TEST(work_costs_no_more_than_the_time_it_takes_and_sleep_less)
{
	uint64_t wall = clock_mono_us();
	uint64_t cpu = clock_cpu_ns();
	while (clock_cpu_ns() - cpu < 2000000)
		;
	ck_assert_uint_ge(clock_mono_us() - wall, 1999);

	cpu = clock_cpu_ns();
	clock_sleep_ms(20);
	ck_assert_uint_lt(clock_cpu_ns() - cpu, 20000000);
}
END_TEST

Suite *
suite_clock(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "clock", 10);
	tcase_add_loop_test(tc, writes_times_as_rfc_3339, 0, ARRAY_LEN(format_rows));
	tcase_add_test(tc, never_goes_back);
	tcase_add_test(tc, counts_the_same_seconds_in_both_units);
	tcase_add_test(tc, sleeps_its_time_through_signals);
	tcase_add_test(tc, work_costs_no_more_than_the_time_it_takes_and_sleep_less);
	return suite;
}
