#include "overseer.h"

#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/file.h"

static int ear = -1;

void
overseer_wake(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(at.sun_family);
	char name[sizeof(at.sun_path) + 1] = "@";

	ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(ear, 0);
	ck_assert_int_eq(bind(ear, (struct sockaddr *)&at, size), 0);
	size = sizeof(at);
	ck_assert_int_eq(getsockname(ear, (struct sockaddr *)&at, &size), 0);
	memcpy(name + 1, at.sun_path + 1, size - offsetof(struct sockaddr_un, sun_path) - 1);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

void
overseer_sleep(void)
{
	fd_close(&ear);
}

void
overseer_come(void)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	overseer_wake();
}

void
overseer_leave(void)
{
	fd_close(&ear);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

bool
overseer_heard(char *text, size_t size)
{
	ssize_t n = recv(ear, text, size - 1, 0);

	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}
