#include "process.h"

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/commit.h"
#include "util/clock.h"

#define STATUS_WRONG 99
#define WAIT_MAX_MS 60000

static bool is_child;

#ifdef RENSA_COVERAGE
void __gcov_dump(void);
#endif

void
process_end(int status)
{
#ifdef RENSA_COVERAGE
	__gcov_dump();
#endif
	_exit(status);
}

void
need_failed(const char *file, int line, const char *claim)
{
	if (!is_child)
		ck_abort_msg("%s:%d: %s", file, line, claim);
	fprintf(stderr, "%s:%d: does not hold in a child: %s\n", file, line, claim);
	fflush(stderr);
	_exit(STATUS_WRONG);
}

pid_t
spawn(struct store *s, enum store_access access, uint32_t role, uint32_t ring, process_run *run, void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	need(pid >= 0);
	if (pid == 0) {
		is_child = true;
		need(s == NULL || store_attach(s, access, role, ring) == OK);
		run(s, arg);
		process_end(0);
	}
	return pid;
}

int
await(struct store *s, pid_t pid)
{
	siginfo_t info = {0};
	int status = 0;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0)
		need(errno == EINTR);
	if (s != NULL)
		store_bury(s, pid);
	need(waitpid(pid, &status, 0) == pid);
	return status;
}

void
await_ok(struct store *s, pid_t pid)
{
	int status = await(s, pid);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ended with %s %d",
		      WIFEXITED(status) ? "status" : "signal",
		      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

bool
was_killed(struct store *s, enum store_access access, uint32_t role, process_run *run, void *arg)
{
	int status = await(s, spawn(s, access, role, 0, run, arg));

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ended with %x", (unsigned)status);
	return false;
}

void *
share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

void
wait_for(const _Atomic uint32_t *word, uint32_t value)
{
	for (int i = 0; atomic_load(word) != value; i++) {
		need(i < WAIT_MAX_MS);
		clock_sleep_ms(1);
	}
}

uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t
random_below(uint64_t *state, uint64_t bound)
{
	return random_next(state) % bound;
}
