/* Named failures: when they act, what they do, and how the environment arms them. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "child.h"
#include "suites.h"
#include "util/failpoint.h"
#include "util/log.h"

/* What is refused is logged, which these tests provoke on purpose. */
static void
start_quiet(void)
{
	failpoint_clear();
	ck_assert_int_eq(log_open("/dev/null", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
}

static void
end_loud(void)
{
	failpoint_clear();
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
}

START_TEST(passes_points_that_nobody_armed)
{
	ck_assert(!failpoint_hit("test.point"));
	failpoint_arm("test.other", FAILPOINT_FAIL, 1);
	ck_assert(!failpoint_hit("test.point"));
	failpoint_arm("test.point", FAILPOINT_OFF, 1);
	ck_assert(!failpoint_hit("test.point"));
}
END_TEST

START_TEST(fails_on_the_chosen_pass_and_only_once)
{
	failpoint_arm("test.point", FAILPOINT_FAIL, 3);
	ck_assert(!failpoint_hit("test.point"));
	ck_assert(!failpoint_hit("test.point"));
	ck_assert(failpoint_hit("test.point"));
	for (int i = 0; i < 10; i++)
		ck_assert(!failpoint_hit("test.point"));
}
END_TEST

START_TEST(can_be_armed_again_and_cleared)
{
	failpoint_arm("test.point", FAILPOINT_FAIL, 0);
	ck_assert(failpoint_hit("test.point"));
	failpoint_arm("test.point", FAILPOINT_FAIL, 1);
	ck_assert(failpoint_hit("test.point"));
	failpoint_arm("test.point", FAILPOINT_FAIL, 1);
	failpoint_clear();
	ck_assert(!failpoint_hit("test.point"));
}
END_TEST

START_TEST(refuses_more_points_than_it_has_room_for)
{
	char name[16];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "test.%d", i);
		failpoint_arm(name, FAILPOINT_FAIL, 1);
	}
	ck_assert(failpoint_hit("test.0"));
	ck_assert(failpoint_hit("test.15"));
	ck_assert(!failpoint_hit("test.16"));
}
END_TEST

static void
hit_twice(void)
{
	failpoint_hit("test.point");
	failpoint_hit("test.point");
}

START_TEST(kills_the_process)
{
	failpoint_arm("test.point", FAILPOINT_KILL, 2);
	int status = child_wait(child_start(hit_twice), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(stops_the_process_until_it_is_woken)
{
	failpoint_arm("test.point", FAILPOINT_STOP, 1);
	pid_t pid = child_start(hit_twice);
	int status = child_wait(pid, WUNTRACED);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(WSTOPSIG(status), SIGSTOP);
	/* It acted once: woken, the child runs to its end. */
	kill(pid, SIGCONT);
	status = child_wait(pid, 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), CHILD_RETURNED);
}
END_TEST

static const struct {
	const char *value;
	unsigned fails_at; /* pass of test.point that fails, 0: none of the first five */
} load_rows[] = {
    {"test.point=fail", 1},
    {"test.point=fail:1", 1},
    {"test.point=fail:4", 4},
    {"a=off,test.point=fail:2,b=kill", 2},
    {",,test.point=fail,", 1},
    {"broken,test.point=fail:3", 3},
    {"", 0},
    {"test.point", 0},
    {"test.point=", 0},
    {"test.point=off", 0},
    {"test.point=explode", 0},
    {"test.point=fail:", 0},
    {"test.point=fail:0", 0},
    {"test.point=fail:-1", 0},
    {"test.point=fail:x", 0},
    {"test.point=fail:99999999999", 0},
    {"=fail", 0},
    {"test.point=fail:1:2", 0},
};

START_TEST(reads_the_environment)
{
	setenv("RENSA_FAILPOINTS", load_rows[_i].value, 1);
	failpoint_load();
	unsetenv("RENSA_FAILPOINTS");
	for (unsigned pass = 1; pass <= 5; pass++)
		ck_assert_msg(failpoint_hit("test.point") == (pass == load_rows[_i].fails_at), "%s, pass %u",
			      load_rows[_i].value, pass);
}
END_TEST

START_TEST(arms_nothing_without_the_variable)
{
	unsetenv("RENSA_FAILPOINTS");
	failpoint_load();
	ck_assert(!failpoint_hit("test.point"));
}
END_TEST

Suite *
suite_failpoint(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "failpoint", 10);
	tcase_add_checked_fixture(tc, start_quiet, end_loud);
	tcase_add_test(tc, passes_points_that_nobody_armed);
	tcase_add_test(tc, fails_on_the_chosen_pass_and_only_once);
	tcase_add_test(tc, can_be_armed_again_and_cleared);
	tcase_add_test(tc, refuses_more_points_than_it_has_room_for);
	tcase_add_test(tc, kills_the_process);
	tcase_add_test(tc, stops_the_process_until_it_is_woken);
	tcase_add_loop_test(tc, reads_the_environment, 0, ARRAY_LEN(load_rows));
	tcase_add_test(tc, arms_nothing_without_the_variable);
	return suite;
}
