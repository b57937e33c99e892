/* What a supervisor hears: one datagram at the socket that it named. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "node/notify.h"
#include "overseer.h"
#include "suites.h"

START_TEST(tells_the_supervisor_in_one_datagram)
{
	char heard[64];

	ck_assert_int_eq(notify_supervisor("READY=1"), OK);
	ck_assert(overseer_heard(heard, sizeof(heard)));
	ck_assert_str_eq(heard, "READY=1");
	ck_assert(!overseer_heard(heard, sizeof(heard)));
}
END_TEST

START_TEST(says_nothing_where_nobody_asked)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(notify_supervisor("READY=1"), ERR_NOT_FOUND);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(notify_supervisor("READY=1"), ERR_NOT_FOUND);
}
END_TEST

START_TEST(refuses_a_name_that_is_no_address)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(notify_supervisor("READY=1"), ERR_ARG);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	ck_assert_int_eq(notify_supervisor("READY=1"), ERR_ARG);
}
END_TEST

START_TEST(says_that_a_supervisor_is_gone)
{
	overseer_sleep();
	ck_assert_int_eq(notify_supervisor("READY=1"), ERR_IO);
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	ck_assert_int_eq(notify_supervisor("READY=1"), ERR_IO);
}
END_TEST

Suite *
suite_notify(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "notify", 10);
	tcase_add_checked_fixture(tc, overseer_come, overseer_leave);
	tcase_add_test(tc, tells_the_supervisor_in_one_datagram);
	tcase_add_test(tc, says_nothing_where_nobody_asked);
	tcase_add_test(tc, refuses_a_name_that_is_no_address);
	tcase_add_test(tc, says_that_a_supervisor_is_gone);
	return suite;
}
