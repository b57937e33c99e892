#include "crew.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/roles.h"
#include "node/storage.h"
#include "peer/kit.h"
#include "store/commit.h"
#include "store/disk_maker.h"
#include "store/load.h"
#include "store/process.h"
#include "store/ring.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/text.h"

#define LIMIT_MS 20000
#define ASKED_MS 500 /* to end, before it is killed */
#define LOG_MAX (4u << 20)

void
crew_init(struct crew *c)
{
	memset(c, 0, sizeof(*c));
	c->folder = scratch_make();
	snprintf(c->log, sizeof(c->log), "%s/log", c->folder);
	c->life_write = c->env.life = -1;
	config_default(&c->config);
	text_copy(c->config.node.name, sizeof(c->config.node.name), "test-node");
	text_copy(c->config.node.data_dir, sizeof(c->config.node.data_dir), c->folder);
	c->config.node.shm_max = UINT64_C(64) << 20;
	c->config.node.pool_max = 64;
	c->config.http.workers = 1;
	c->config.network = strand_params();
	c->env.config = &c->config;
	c->env.nonce = 42;
	c->env.started_ms = clock_wall_ms();
	c->env.configured = 1;
	c->env.verifiers = 1;
}

static void
make_store(struct crew *c)
{
	struct store_options o = {.name = c->config.node.name,
				  .data_dir = c->folder,
				  .size_max = c->config.node.shm_max,
				  .roles = CREW_ROLES,
				  .rings = 2 * c->env.workers,
				  .pool_max = c->config.node.pool_max,
				  .params = c->config.network};
	struct buf why;
	enum err e;

	buf_init(&why);
	e = store_create(&c->env.store, &o, &why);
	ck_assert_msg(e == OK, "%s", why.len > 0 ? why.data : err_text(e));
	buf_clear(&why);
	c->store = c->env.store;
	store_use_logs(c->store, storage_log(&c->config, LOG_JOURNAL), storage_log(&c->config, LOG_POOL));
	ck_assert_int_eq(ring_assign(c->store, &c->ring), OK);
}

void
crew_open(struct crew *c)
{
	int life[2];

	c->env.workers = c->config.http.workers;
	ck_assert_uint_le(c->env.workers, CREW_WORKERS_MAX);
	for (uint32_t i = 0; i < c->env.workers; i++)
		c->env.listeners.fds[c->env.listeners.count++] = kit_silent(&c->at[i]);
	ck_assert_int_eq(pipe2(life, O_CLOEXEC | O_NONBLOCK), 0);
	c->env.life = life[0];
	c->life_write = life[1];
	ck_assert_int_eq(bells_open(&c->env.bells, 2 * c->env.workers), OK);
	ck_assert_int_eq(log_open(c->log, LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT), OK);
	make_store(c);
}

void
crew_load(struct crew *c)
{
	struct buf why;
	uint32_t restored;
	enum err e;

	buf_init(&why);
	e = durable_load(c->store, &restored, &why);
	ck_assert_msg(e == OK, "%s", why.len > 0 ? why.data : err_text(e));
	buf_clear(&why);
}

void
crew_ready(struct crew *c)
{
	crew_init(c);
	crew_open(c);
	crew_load(c);
}

void
crew_forget(struct crew *c)
{
	store_destroy(c->store);
	make_store(c);
}

/* Asked first: a process that ends by itself tells what it has reached, if that is counted. */
static void
end_all(struct crew *c)
{
	uint64_t until_ms = clock_mono_ms() + ASKED_MS;

	for (uint32_t i = 0; i < CREW_ROLES; i++)
		if (c->pids[i] != 0)
			kill(c->pids[i], SIGTERM);
	for (uint32_t i = 0; i < CREW_ROLES; i++) {
		while (c->pids[i] != 0 && clock_mono_ms() < until_ms && waitpid(c->pids[i], NULL, WNOHANG) == 0)
			clock_sleep_ms(1);
		if (c->pids[i] != 0 && kill(c->pids[i], SIGKILL) == 0)
			waitpid(c->pids[i], NULL, 0);
	}
}

void
crew_close(struct crew *c)
{
	end_all(c);
	fd_close(&c->life_write);
	fd_close(&c->env.life);
	listeners_close(&c->env.listeners);
	bells_close(&c->env.bells);
	store_destroy(c->store);
	config_clear(&c->config);
	/* Of all crews: a second one is closed at the end of its test only. */
	scratch_unmake();
}

uint32_t
crew_slot(const char *role)
{
	uint32_t i = 0;

	while (i < node_role_count && strcmp(node_roles[i].name, role) != 0)
		i++;
	ck_assert_msg(i < node_role_count, "there is no role %s", role);
	return i;
}

/* In the child; does not return. */
static void
be_role(struct crew *c, uint32_t slot)
{
	struct child child = {
	    .env = &c->env, .role = node_roles[slot].name, .slot = slot, .index = 0, .ring = c->rings[slot]};

	close(c->life_write);
	child_begin(&child);
	process_end(node_roles[slot].main(&child));
}

pid_t
crew_start(struct crew *c, const char *role)
{
	uint32_t slot = crew_slot(role);
	sigset_t all, before;
	pid_t pid;

	ck_assert_int_eq(c->pids[slot], 0);
	if (node_roles[slot].access == STORE_WORKER)
		crew_until(ring_assign(c->store, &c->rings[slot]) == OK);
	/* As in the master: no signal is lost between the fork and the loop. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_role(c, slot);
	sigprocmask(SIG_SETMASK, &before, NULL);
	role_started(c->store, slot, role, pid, clock_wall_ms(), clock_mono_ms());
	return c->pids[slot] = pid;
}

int
crew_wait(struct crew *c, const char *role)
{
	uint32_t slot = crew_slot(role);
	siginfo_t info;
	int status;

	ck_assert_int_ne(c->pids[slot], 0);
	crew_until(memset(&info, 0, sizeof(info)) != NULL &&
		   waitid(P_PID, (id_t)c->pids[slot], &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid != 0);
	store_bury(c->store, c->pids[slot]);
	ck_assert_int_eq(waitpid(c->pids[slot], &status, 0), c->pids[slot]);
	c->pids[slot] = 0;
	role_stopped(c->store, slot);
	if (node_roles[slot].access == STORE_WORKER) {
		ring_orphan(c->store, c->rings[slot]);
		bell_ring(&c->env.bells, BELL_POOL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CREW_SIGNAL + WTERMSIG(status);
}

int
crew_stop(struct crew *c, const char *role)
{
	ck_assert_int_eq(kill(c->pids[crew_slot(role)], SIGTERM), 0);
	return crew_wait(c, role);
}

uint64_t
crew_counter(const struct crew *c, const char *role, enum role_counter counter)
{
	struct role_info info;

	ck_assert_msg(role_info(c->store, crew_slot(role), &info), "%s does not run", role);
	return info.counters[counter];
}

bool
crew_heard(const struct crew *c, int bell)
{
	struct pollfd p = {.fd = bell, .events = POLLIN};

	(void)c;
	if (poll(&p, 1, 0) != 1)
		return false;
	bell_quiet(bell);
	return true;
}

bool
crew_said(const struct crew *c, const char *words)
{
	struct buf text;
	bool is_there;

	buf_init(&text);
	ck_assert_int_eq(file_read(&text, c->log, LOG_MAX), OK);
	is_there = text.len > 0 && strstr(text.data, words) != NULL;
	buf_clear(&text);
	return is_there;
}

uint64_t
crew_deadline(void)
{
	return clock_mono_ms() + LIMIT_MS;
}

void
crew_pause(uint64_t deadline, const char *condition)
{
	ck_assert_msg(clock_mono_ms() < deadline, "waited in vain for: %s", condition);
	clock_sleep_ms(1);
}
