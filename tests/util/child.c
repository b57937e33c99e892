#include "child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t
child_start(void (*act)(void))
{
	pid_t pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		if (null != -1)
			dup2(null, STDERR_FILENO);
		act();
		_exit(CHILD_RETURNED);
	}
	return pid;
}

int
child_wait(pid_t pid, int flags)
{
	int status = 0;
	pid_t got;
	do
		got = waitpid(pid, &status, flags);
	while (got == -1 && errno == EINTR);
	ck_assert_int_eq(got, pid);
	return status;
}
