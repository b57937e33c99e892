/* What a supervisor hears: one datagram at the socket that it named. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/notify.h"
#include "suites.h"

static int supervisor;

/* Listens at an abstract name that the kernel chooses, and names it in the environment. */
static void
set_up(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(at.sun_family);
	char name[sizeof(at.sun_path) + 1] = "@";

	supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(supervisor, 0);
	ck_assert_int_eq(bind(supervisor, (struct sockaddr *)&at, size), 0);
	size = sizeof(at);
	ck_assert_int_eq(getsockname(supervisor, (struct sockaddr *)&at, &size), 0);
	memcpy(name + 1, at.sun_path + 1, size - offsetof(struct sockaddr_un, sun_path) - 1);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void
tear_down(void)
{
	close(supervisor);
	unsetenv("NOTIFY_SOCKET");
}

START_TEST(tells_the_supervisor_in_one_datagram)
{
	char heard[64];

	ck_assert_int_eq(notify_supervisor("READY=1"), OK);
	ck_assert_int_eq(recv(supervisor, heard, sizeof(heard), 0), (int)strlen("READY=1"));
	ck_assert_mem_eq(heard, "READY=1", strlen("READY=1"));
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
	close(supervisor);
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
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, tells_the_supervisor_in_one_datagram);
	tcase_add_test(tc, says_nothing_where_nobody_asked);
	tcase_add_test(tc, refuses_a_name_that_is_no_address);
	tcase_add_test(tc, says_that_a_supervisor_is_gone);
	return suite;
}
