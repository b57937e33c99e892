/*
 * The master. It makes everything that outlives a child (data folder lock, segment, listeners, bells), forks the roles,
 *and then keeps its hands out of the data: it waits for signals and deadlines, nothing else.
 *
 *	a child ends	peek (waitid with WNOWAIT), take over and repair what it left if it owned the lock, then reap:
 *the pid cannot be used again in between. Start a new one after a delay that doubles from 100 ms to 30 s, unless it
 *said never
 *	a role is stuck	no heartbeat for [node] watchdog: SIGKILL, and the above. A lock owner that waits for the disk
 *is spared SIGTERM, SIGINT	stop the roles, order by order, 8 s in all; what is left is killed; remove the segment;
 *exit 0. A second one ends at once
 *	SIGHUP		read the configuration, refuse it whole or take it over: children are replaced one after another
 *	SIGUSR1		log files are opened again, ours and the children's
 *
 * If the master dies, children see the end of its pipe and leave; the next master waits for them at the lock and makes
 *a fresh segment.
 */
#include "node/master.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/random.h"
#include "disk/datadir.h"
#include "net/listener.h"
#include "node/proctitle.h"
#include "node/roles.h"
#include "store/commit.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define LOCK_WAIT_MS 5000
#define STOP_MS 8000
#define DELAY_FIRST_MS 100
#define DELAY_MAX_MS 30000
#define DELAY_FORGET_MS 60000 /* a child that lived so long starts over with the first delay */
#define TICK_MS 1000

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2 };

/* One process that there shall be. Its number is its slot in the role table. */
struct post {
	const struct role *role;
	uint32_t index;
	pid_t pid;	      /* 0: none now */
	uint32_t ring;	      /* worker: its ring while it lives */
	uint64_t started_ms;  /* monotonic */
	uint64_t start_at_ms; /* monotonic: when the next one is due, while pid is 0 */
	uint32_t delay_ms;
	bool is_given_up;
	bool is_replaced; /* being stopped in order to take over a new configuration */
};

struct master {
	struct node_env env;
	struct config *config; /* main's; a reload replaces what is in it */
	const char *config_path;
	int lock;
	int life_write;
	struct post *posts;
	uint32_t post_count;
	uint64_t stop_at_ms; /* monotonic: when what still runs is killed; 0: not stopping */
	int stop_order;
	int exit_code;
};

static bool
is_stopping(const struct master *m)
{
	return m->stop_at_ms != 0;
}

static void
plan_posts(struct master *m)
{
	for (size_t r = 0; r < node_role_count; r++)
		m->post_count += node_roles[r].per_worker ? m->env.workers : 1;
	m->posts = xcalloc(m->post_count, sizeof(*m->posts));
	for (size_t r = 0, n = 0; r < node_role_count; r++)
		for (uint32_t i = 0; i < (node_roles[r].per_worker ? m->env.workers : 1); i++)
			m->posts[n++] = (struct post){.role = &node_roles[r], .index = i, .delay_ms = DELAY_FIRST_MS};
}

static enum err
open_listeners(struct master *m, int **fds, const struct netaddr *at, const char *key)
{
	char text[NETADDR_TEXT_SIZE];
	enum err e = listener_check(at);

	*fds = xmalloc(m->env.workers * sizeof(**fds));
	for (uint32_t i = 0; i < m->env.workers; i++)
		(*fds)[i] = -1;
	for (uint32_t i = 0; i < m->env.workers && e == OK; i++)
		e = listener_open(&(*fds)[i], at);
	netaddr_format(text, at);
	if (e == ERR_BUSY)
		log_error("master: %s %s: the address is in use by another program; stop it or choose another port",
			  key, text);
	else if (e == ERR_NOT_FOUND)
		log_error("master: %s %s: this host has no such address", key, text);
	else if (e == ERR_PERM)
		log_error("master: %s %s: not permitted; ports below 1024 need a privilege", key, text);
	else if (e != OK)
		log_error("master: %s %s: %s", key, text, err_text(e));
	return e;
}

static enum err
open_life_pipe(struct master *m)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_IO;
	m->env.life = fds[0];
	m->life_write = fds[1];
	return OK;
}

static enum err
make_store(struct master *m)
{
	const struct config *c = m->config;
	struct store_options o = {.name = c->node.name,
				  .data_dir = c->node.data_dir,
				  .size_max = c->node.shm_max,
				  .roles = m->post_count,
				  .rings = 2 * m->env.workers,
				  .pool_max = c->node.pool_max,
				  .params = c->network};
	char absolute[4096];
	struct buf why;
	enum err e;

	/* The object's name comes from the folder, so one folder must have one spelling. */
	if (realpath(c->node.data_dir, absolute) != NULL)
		o.data_dir = absolute;
	buf_init(&why);
	e = store_create(&m->env.store, &o, &why);
	if (e != OK)
		log_error("master: %s", why.data == NULL ? err_text(e) : why.data);
	buf_clear(&why);
	return e;
}

/* In the child; does not return. */
static void
be_child(struct master *m, struct post *p, uint32_t slot)
{
	/* Static, so that what hangs on it stays reachable to the end. */
	static struct child c;

	close(m->life_write);
	c = (struct child){.env = &m->env, .role = p->role->name, .slot = slot, .index = p->index, .ring = p->ring};
	child_begin(&c);
	exit(p->role->main(&c));
}

static void
start_post(struct master *m, struct post *p)
{
	uint32_t slot = (uint32_t)(p - m->posts);
	pid_t pid = -1;

	p->started_ms = clock_mono_ms();
	if (p->role->access == STORE_WORKER && ring_assign(m->env.store, &p->ring) != OK) {
		/* Old rings are still being drained; the pool frees them within moments. */
		p->start_at_ms = p->started_ms + DELAY_FIRST_MS;
		return;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		be_child(m, p, slot);
	if (pid < 0) {
		log_error("master: cannot start a %s: %s; trying again", p->role->name, strerror(errno));
		if (p->role->access == STORE_WORKER)
			ring_orphan(m->env.store, p->ring);
		p->start_at_ms = p->started_ms + DELAY_MAX_MS / 10;
		return;
	}
	p->pid = pid;
	p->is_replaced = false;
	role_started(m->env.store, slot, p->role->name, pid, clock_wall_ms(), p->started_ms);
	log_debug("master: started %s[%d]", p->role->name, (int)pid);
}

static struct post *
post_of(struct master *m, pid_t pid)
{
	for (uint32_t i = 0; i < m->post_count; i++)
		if (m->posts[i].pid == pid)
			return &m->posts[i];
	return NULL;
}

static void
say_how_it_ended(const struct post *p, int status, bool was_expected)
{
	if (WIFSIGNALED(status))
		log_warn("master: %s[%d] was ended by signal %d (%s)", p->role->name, (int)p->pid, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (!was_expected)
		log_warn("master: %s[%d] ended with status %d", p->role->name, (int)p->pid, WEXITSTATUS(status));
	else
		log_debug("master: %s[%d] stopped", p->role->name, (int)p->pid);
}

static void
bury(struct master *m, struct post *p, int status)
{
	uint64_t now = clock_mono_ms();
	bool was_expected = is_stopping(m) || p->is_replaced;

	say_how_it_ended(p, status, was_expected);
	role_stopped(m->env.store, (uint32_t)(p - m->posts));
	if (p->role->access == STORE_WORKER) {
		ring_orphan(m->env.store, p->ring);
		bell_ring(&m->env.bells, BELL_POOL);
	}
	p->pid = 0;
	if (now - p->started_ms >= DELAY_FORGET_MS || was_expected)
		p->delay_ms = DELAY_FIRST_MS;
	p->start_at_ms = p->is_replaced ? now : now + p->delay_ms;
	if (!was_expected)
		p->delay_ms = p->delay_ms * 2 < DELAY_MAX_MS ? p->delay_ms * 2 : DELAY_MAX_MS;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NEVER) {
		p->is_given_up = true;
		log_error("master: %s will not be started again: the lines above say why", p->role->name);
	}
}

static void
reap(struct master *m)
{
	for (;;) {
		siginfo_t info = {0};
		struct post *p;
		int status;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		/* Still a zombie: its pid is nobody else's. */
		if (store_bury(m->env.store, info.si_pid))
			log_warn("master: process %d died while it was writing the chain; repaired", (int)info.si_pid);
		if (waitpid(info.si_pid, &status, 0) != info.si_pid)
			continue;
		p = post_of(m, info.si_pid);
		if (p != NULL)
			bury(m, p, status);
	}
}

static void
watch_dogs(struct master *m)
{
	uint64_t now = clock_mono_ms();
	struct role_info info;

	for (uint32_t i = 0; i < m->post_count; i++) {
		struct post *p = &m->posts[i];
		if (p->pid == 0 || !role_info(m->env.store, i, &info) || now < info.beat_ms ||
		    now - info.beat_ms <= m->config->node.watchdog_ms || role_is_in_sync_wait(m->env.store, p->pid))
			continue;
		log_warn("master: %s[%d] has not moved for %" PRIu64 " s: replacing it", p->role->name, (int)p->pid,
			 (now - info.beat_ms) / 1000);
		kill(p->pid, SIGKILL);
	}
}

static void
start_due(struct master *m)
{
	uint64_t now = clock_mono_ms();

	for (uint32_t i = 0; i < m->post_count && !is_stopping(m); i++) {
		struct post *p = &m->posts[i];
		if (p->pid == 0 && !p->is_given_up && p->start_at_ms <= now)
			start_post(m, p);
	}
}

/* Signals the posts of the present order; goes on to the next when all of it are gone. True when none is left at all.
 */
static bool
stop_step(struct master *m)
{
	uint32_t left = 0, here = 0;

	for (;;) {
		left = here = 0;
		for (uint32_t i = 0; i < m->post_count; i++)
			if (m->posts[i].pid != 0) {
				left++;
				here += m->posts[i].role->stop_order == m->stop_order;
			}
		if (left == 0)
			return true;
		if (here > 0)
			return false;
		m->stop_order++;
		for (uint32_t i = 0; i < m->post_count; i++)
			if (m->posts[i].pid != 0 && m->posts[i].role->stop_order == m->stop_order)
				kill(m->posts[i].pid, SIGTERM);
	}
}

static void
kill_all(struct master *m, int signo)
{
	for (uint32_t i = 0; i < m->post_count; i++)
		if (m->posts[i].pid != 0)
			kill(m->posts[i].pid, signo);
}

static void
begin_stop(struct master *m)
{
	log_info("master: stopping");
	m->stop_at_ms = clock_mono_ms() + STOP_MS;
	m->stop_order = -1;
}

/* Takes over a new configuration: what must not change stays, children that use the rest are replaced. */
static void
reload(struct master *m)
{
	struct buf errors, live, fixed;
	struct config next;
	enum err e;

	buf_init(&errors);
	buf_init(&live);
	buf_init(&fixed);
	e = config_load(&next, m->config_path, &errors);
	if (e == OK) {
		config_differs(&live, &fixed, m->config, &next);
		e = config_keep_fixed(&next, m->config, m->config_path, &errors);
		if (e != OK)
			config_clear(&next);
	}
	if (e != OK) {
		log_error("master: the configuration is refused, the old one stays in use: %s",
			  errors.data == NULL ? err_text(e) : errors.data);
		goto out;
	}
	if (fixed.len > 0)
		log_warn("master: these keys wait for a restart: %s", fixed.data);
	log_info("master: configuration read again; changed: %s", live.len == 0 ? "nothing" : live.data);
	config_clear(m->config);
	*m->config = next;
	log_set_level(next.node.log_level);
	if (live.len > 0)
		for (uint32_t i = 0; i < m->post_count; i++)
			if (m->posts[i].pid != 0) {
				m->posts[i].is_replaced = true;
				kill(m->posts[i].pid, SIGTERM);
			}
out:
	buf_clear(&errors);
	buf_clear(&live);
	buf_clear(&fixed);
}

static void
on_signal(struct master *m, int signo)
{
	switch (signo) {
	case SIGTERM:
	case SIGINT:
		if (is_stopping(m))
			m->stop_at_ms = 1;
		else
			begin_stop(m);
		break;
	case SIGHUP:
		if (!is_stopping(m))
			reload(m);
		break;
	case SIGUSR1:
		if (log_reopen() != OK)
			log_error("master: the log file cannot be opened again, the old one stays in use");
		kill_all(m, SIGUSR1);
		break;
	default:
		break;
	}
}

static uint64_t
next_deadline_ms(const struct master *m)
{
	uint64_t now = clock_mono_ms(), next = now + TICK_MS;

	for (uint32_t i = 0; i < m->post_count && !is_stopping(m); i++) {
		const struct post *p = &m->posts[i];
		if (p->pid == 0 && !p->is_given_up && p->start_at_ms < next)
			next = p->start_at_ms;
	}
	if (is_stopping(m) && m->stop_at_ms < next)
		next = m->stop_at_ms;
	return next > now ? next - now : 0;
}

static void
run(struct master *m, const sigset_t *signals)
{
	for (;;) {
		uint64_t wait_ms = next_deadline_ms(m);
		struct timespec wait = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000L};
		int signo = sigtimedwait(signals, NULL, &wait);

		if (signo > 0)
			on_signal(m, signo);
		reap(m);
		if (is_stopping(m)) {
			if (stop_step(m))
				return;
			if (clock_mono_ms() >= m->stop_at_ms) {
				log_warn("master: some processes did not stop in time and are ended");
				kill_all(m, SIGKILL);
				m->stop_at_ms = UINT64_MAX;
			}
			continue;
		}
		watch_dogs(m);
		start_due(m);
	}
}

static void
block_signals(sigset_t *signals)
{
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	sigemptyset(signals);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		sigaddset(signals, wanted[i]);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
say_hello(const struct master *m)
{
	char at[NETADDR_TEXT_SIZE], genesis[HASH_HEX_SIZE];

	netaddr_format(at, &m->config->http.listen);
	hash_hex(genesis, store_genesis(m->env.store));
	log_info("master: node %s of network %s (genesis %.16s) listens on http://%s with %" PRIu32 " workers",
		 m->config->node.name, m->config->network.name, genesis, at, m->env.workers);
}

static uint32_t
worker_count(const struct config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t workers = c->http.workers != 0 ? c->http.workers : cores > 0 ? (uint32_t)cores : 1;

	return workers < CONFIG_WORKERS_MAX ? workers : CONFIG_WORKERS_MAX;
}

static void
close_listeners(int *fds, uint32_t count)
{
	for (uint32_t i = 0; fds != NULL && i < count; i++)
		fd_close(&fds[i]);
	free(fds);
}

static enum err
start(struct master *m)
{
	struct buf why;
	enum err e;

	buf_init(&why);
	e = log_open(m->config->node.log_file, m->config->node.log_level, m->config->node.log_format);
	if (e != OK) {
		log_error("master: [node] log_file %s cannot be opened: %s", m->config->node.log_file, strerror(errno));
		goto out;
	}
	if ((e = datadir_lock(&m->lock, m->config->node.data_dir, LOCK_WAIT_MS, &why)) != OK) {
		log_error("master: %s", why.data);
		goto out;
	}
	if ((e = open_listeners(m, &m->env.listeners, &m->config->http.listen, "[http] listen")) != OK)
		goto out;
	if (m->config->peers.listen.port != 0 &&
	    (e = open_listeners(m, &m->env.peer_listeners, &m->config->peers.listen, "[peers] listen")) != OK)
		goto out;
	plan_posts(m);
	if ((e = make_store(m)) != OK)
		goto out;
	e = bells_open(&m->env.bells, 2 * m->env.workers);
	if (e == OK)
		e = open_life_pipe(m);
	if (e != OK)
		log_error("master: cannot make pipes: %s", strerror(errno));
out:
	buf_clear(&why);
	return e;
}

int
master_run(struct config *config, const char *config_path)
{
	struct master m = {.config_path = config_path, .lock = -1, .life_write = -1};
	sigset_t signals;
	enum err e;

	m.config = config;
	m.env.config = config;
	m.env.life = -1;
	m.env.nonce = random_u64();
	m.env.started_ms = clock_wall_ms();
	m.env.workers = worker_count(config);
	for (size_t i = 0; i < BELL_ROLES; i++)
		m.env.bells.role[i] = -1;
	for (size_t i = 0; i < STORE_RINGS_MAX; i++)
		m.env.bells.ring[i] = -1;

	log_set_role("master");
	block_signals(&signals);
	if ((e = start(&m)) == OK) {
		char title[128];
		snprintf(title, sizeof(title), "rensad: %s master", config->node.name);
		proctitle_set(title);
		say_hello(&m);
		start_due(&m);
		run(&m, &signals);
		log_info("master: stopped");
	} else {
		m.exit_code = e == ERR_PERM || e == ERR_LIMIT ? EXIT_REFUSED : EXIT_FAILED;
	}
	store_destroy(m.env.store);
	bells_close(&m.env.bells);
	close_listeners(m.env.listeners, m.env.workers);
	close_listeners(m.env.peer_listeners, m.env.workers);
	fd_close(&m.env.life);
	fd_close(&m.life_write);
	fd_close(&m.lock);
	free(m.posts);
	return m.exit_code;
}
