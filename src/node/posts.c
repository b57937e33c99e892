/*
 *	a child ends	peek (waitid with WNOWAIT), take over and repair what it left if it owned the lock, then reap:
 *			the pid cannot be used again in between. Start a new one after a delay that doubles from 100 ms
 *			to 30 s, unless it said never
 *	is stuck	no heartbeat for so long: SIGKILL, and the above. A lock owner that waits for the disk is
 *			spared; and so are all, if it was the master itself that did not run (a machine suspended, or
 *			resumed)
 *	is replaced	a worker's successor starts first and takes its connections, then the old one is asked to
 *			finish; of the other roles there must never be two, so the old one goes first
 *	stop		order by order (see roles.c); the first may take three quarters of the time, the next three
 *			quarters of what is left, so that who stops last is not cut off because a client is slow
 */
#include "posts.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/commit.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define STOP_MS 8000
#define REPLACE_MS 10000 /* for a child to make way for one with the new configuration */
#define DELAY_FIRST_MS 100
#define DELAY_MAX_MS 30000
#define DELAY_FORGET_MS 60000 /* a child that lived so long starts over with the first delay */
#define FORK_RETRY_MS 3000
#define EARLY_MS 300	/* a chain that loads faster keeps nobody waiting, so nobody is told of it */
#define ABSENCE_MS 5000 /* the master looks each second: if not for so long, it was not running */

void
posts_plan(struct posts *p, struct node_env *env)
{
	uint32_t n = 0, slot = 0, worker_slot = 0;

	memset(p, 0, sizeof(*p));
	p->env = env;
	p->life_write = p->signals = -1;
	for (size_t r = 0; r < node_role_count; r++) {
		p->count += role_places(&node_roles[r], env);
		/* Workers have the last slots, of which most stay unused and nobody looks at those. */
		if (node_roles[r].number != NUMBER_WORKERS)
			worker_slot += role_places(&node_roles[r], env);
	}
	p->at = xcalloc(p->count, sizeof(*p->at));
	for (size_t r = 0; r < node_role_count; r++)
		for (uint32_t i = 0; i < role_places(&node_roles[r], env); i++)
			p->at[n++] =
			    (struct post){.role = &node_roles[r],
					  .index = i,
					  .slot = node_roles[r].number == NUMBER_WORKERS ? worker_slot++ : slot++,
					  .delay_ms = DELAY_FIRST_MS};
	p->watched_ms = clock_mono_ms();
	p->early_at_ms = p->watched_ms + EARLY_MS;
}

/* May it be started now, as far as the loading of the chain and the number of such go? When that may be, if it is a matter of time. */
static bool
is_its_turn(const struct posts *p, const struct post *post, uint64_t *at_ms)
{
	*at_ms = post->start_at_ms;
	if (post->index >= role_number(post->role, p->env))
		return false;
	switch (post->role->start) {
	case START_ONCE:
		return !p->is_loaded && p->load_code == 0;
	case START_EARLY:
		if (!p->is_loaded && *at_ms < p->early_at_ms)
			*at_ms = p->early_at_ms;
		return true;
	case START_LOADED:
		break;
	}
	return p->is_loaded;
}

void
posts_begin_again(struct posts *p)
{
	uint64_t now = clock_mono_ms();

	p->is_loaded = false;
	p->load_code = 0;
	p->stop_at_ms = p->order_at_ms = 0;
	p->watched_ms = now;
	p->early_at_ms = now + EARLY_MS;
	for (uint32_t i = 0; i < p->count; i++)
		p->at[i] = (struct post){
		    .role = p->at[i].role, .index = p->at[i].index, .slot = p->at[i].slot, .delay_ms = DELAY_FIRST_MS};
}

void
posts_clear(struct posts *p)
{
	free(p->at);
	memset(p, 0, sizeof(*p));
}

/* In the child; does not return. */
static void
be_child(struct posts *p, struct post *post)
{
	/* Static, so that what hangs on it stays reachable to the end. */
	static struct child c;

	close(p->life_write);
	fd_close(&p->signals);
	c = (struct child){
	    .env = p->env, .role = post->role->name, .slot = post->slot, .index = post->index, .ring = post->ring};
	child_begin(&c);
	exit(post->role->main(&c));
}

static void
start(struct posts *p, struct post *post)
{
	struct store *s = p->env->store;
	pid_t pid = -1;

	post->started_ms = clock_mono_ms();
	if (post->role->access == STORE_WORKER && ring_assign(s, &post->ring) != OK) {
		/* Old rings are still being drained; the pool frees them within moments. */
		post->start_at_ms = post->started_ms + DELAY_FIRST_MS;
		return;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		be_child(p, post);
	if (pid < 0) {
		/* Once, for all that would be started: it is tried every few seconds. */
		if (p->start_trouble != errno)
			log_error("master: cannot start a %s: %s; trying again", post->role->name, strerror(errno));
		p->start_trouble = errno;
		if (post->role->access == STORE_WORKER)
			ring_orphan(s, post->ring);
		post->start_at_ms = post->started_ms + FORK_RETRY_MS;
		return;
	}
	if (p->start_trouble != 0)
		log_info("master: processes can be started again");
	p->start_trouble = 0;
	post->pid = pid;
	post->kill_at_ms = 0;
	post->is_shot = false;
	role_started(s, post->slot, post->role->name, pid, clock_wall_ms(), post->started_ms);
	log_debug("master: started %s[%d]", post->role->name, (int)pid);
}

void
posts_start_due(struct posts *p)
{
	uint64_t now = clock_mono_ms(), at_ms;

	for (uint32_t i = 0; i < p->count && !posts_is_stopping(p); i++) {
		struct post *post = &p->at[i];
		if (post->pid == 0 && !post->is_given_up && is_its_turn(p, post, &at_ms) && at_ms <= now)
			start(p, post);
	}
}

static void
say_how_it_ended(const struct post *post, pid_t pid, int status, bool was_expected)
{
	char next[48] = "";

	/* After a first failure the loader begins again by way of the master, and who said never does not. */
	if (!was_expected && post->role->start != START_ONCE &&
	    !(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NEVER))
		snprintf(next, sizeof(next), "; the next one starts in %g s", post->delay_ms / 1e3);
	if (WIFSIGNALED(status))
		log_warn("master: %s[%d] was ended by signal %d (%s)%s", post->role->name, (int)pid, WTERMSIG(status),
			 strsignal(WTERMSIG(status)), next);
	else if (!was_expected || WEXITSTATUS(status) != CHILD_STOPPED)
		log_warn("master: %s[%d] ended with status %d%s", post->role->name, (int)pid, WEXITSTATUS(status),
			 next);
	else
		log_debug("master: %s[%d] stopped", post->role->name, (int)pid);
}

static void
give_ring_back(struct posts *p, const struct post *post, uint32_t ring)
{
	if (post->role->access != STORE_WORKER)
		return;
	ring_orphan(p->env->store, ring);
	bell_ring(&p->env->bells, BELL_POOL);
}

static void
bury(struct posts *p, struct post *post, int status)
{
	uint64_t now = clock_mono_ms();
	bool is_replaced = post->kill_at_ms != 0, was_expected = posts_is_stopping(p) || is_replaced;

	if (post->role->start == START_ONCE) {
		p->is_loaded = WIFEXITED(status) && WEXITSTATUS(status) == CHILD_STOPPED;
		p->load_code = p->is_loaded ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_AGAIN;
		was_expected = was_expected || WIFEXITED(status);
	}
	if (now - post->started_ms >= DELAY_FORGET_MS || was_expected)
		post->delay_ms = DELAY_FIRST_MS;
	say_how_it_ended(post, post->pid, status, was_expected);
	role_stopped(p->env->store, post->slot);
	if (!was_expected)
		role_failed(p->env->store, post->slot);
	give_ring_back(p, post, post->ring);
	post->pid = 0;
	post->start_at_ms = is_replaced ? now : now + post->delay_ms;
	if (!was_expected)
		post->delay_ms = post->delay_ms * 2 < DELAY_MAX_MS ? post->delay_ms * 2 : DELAY_MAX_MS;
	if (post->role->start != START_ONCE && WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NEVER) {
		post->is_given_up = true;
		log_error("master: %s will not be started again: the lines above say why", post->role->name);
	}
}

static void
bury_by_pid(struct posts *p, pid_t pid, int status)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct post *post = &p->at[i];
		if (post->pid == pid) {
			bury(p, post, status);
			return;
		}
		if (post->leaver.pid == pid) {
			say_how_it_ended(post, pid, status, true);
			give_ring_back(p, post, post->leaver.ring);
			post->leaver.pid = 0;
			return;
		}
	}
	if (p->on_stranger != NULL)
		p->on_stranger(p->on_stranger_ctx, pid, status);
}

void
posts_reap(struct posts *p)
{
	for (;;) {
		siginfo_t info = {0};
		int status;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		/* Still a zombie: its pid is nobody else's. */
		if (store_bury(p->env->store, info.si_pid))
			log_warn("master: process %d died while it was writing the chain; repaired", (int)info.si_pid);
		if (waitpid(info.si_pid, &status, 0) == info.si_pid)
			bury_by_pid(p, info.si_pid, status);
	}
}

/* Kills who was asked to make way and does not. */
static void
kill_overdue(struct posts *p, uint64_t now)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct post *post = &p->at[i];
		if (post->pid != 0 && post->kill_at_ms != 0 && post->kill_at_ms <= now) {
			kill(post->pid, SIGKILL);
			post->kill_at_ms = UINT64_MAX;
		}
		if (post->leaver.pid != 0 && post->leaver.kill_at_ms <= now) {
			kill(post->leaver.pid, SIGKILL);
			post->leaver.kill_at_ms = UINT64_MAX;
		}
	}
}

/* The master itself did not run, and has not looked since. */
static bool
was_absent(const struct posts *p, uint64_t now)
{
	return now - p->watched_ms > ABSENCE_MS;
}

/* Has it not moved for longer than it may? How long that is. */
static bool
is_stuck(const struct posts *p, const struct post *post, uint32_t watchdog_ms, uint64_t *ms)
{
	uint64_t now = clock_mono_ms();
	struct role_info info;

	if (post->pid == 0 || now < p->excused_ms || was_absent(p, now) ||
	    !role_info(p->env->store, post->slot, &info) || now < info.beat_ms)
		return false;
	*ms = now - info.beat_ms;
	return *ms > watchdog_ms && !role_is_in_sync_wait(p->env->store, post->pid);
}

void
posts_watch(struct posts *p, uint32_t watchdog_ms)
{
	uint64_t now = clock_mono_ms(), ms;

	kill_overdue(p, now);
	if (was_absent(p, now))
		p->excused_ms = now + watchdog_ms;
	p->watched_ms = now;
	for (uint32_t i = 0; i < p->count; i++) {
		struct post *post = &p->at[i];
		if (post->is_shot || !is_stuck(p, post, watchdog_ms, &ms))
			continue;
		log_warn("master: %s[%d] has not moved for %" PRIu64 " s: replacing it", post->role->name,
			 (int)post->pid, ms / 1000);
		kill(post->pid, SIGKILL);
		post->is_shot = true;
	}
}

/* It shall run and does not. A reload may have done away with whom the trouble kept from being started. */
static bool
is_missing(const struct posts *p, const struct post *post)
{
	uint64_t at_ms;

	return post->pid == 0 && !post->is_given_up && is_its_turn(p, post, &at_ms);
}

bool
posts_all_beat(const struct posts *p, uint32_t watchdog_ms)
{
	uint64_t ms;

	/* Those that stop have their own time for that, and are killed when it is over. */
	if (posts_is_stopping(p))
		return p->stop_at_ms != UINT64_MAX;
	for (uint32_t i = 0; i < p->count; i++)
		if (is_stuck(p, &p->at[i], watchdog_ms, &ms) || (p->start_trouble != 0 && is_missing(p, &p->at[i])))
			return false;
	return true;
}

static void
signal_post(const struct post *post, int signo)
{
	if (post->pid != 0)
		kill(post->pid, signo);
	if (post->leaver.pid != 0)
		kill(post->leaver.pid, signo);
}

void
posts_signal(struct posts *p, int signo)
{
	for (uint32_t i = 0; i < p->count; i++)
		signal_post(&p->at[i], signo);
}

/* The successor of a worker first: connections never wait for the old one to finish. */
static bool
replace_worker(struct posts *p, struct post *post)
{
	struct leaver old = {post->pid, post->ring, clock_mono_ms() + REPLACE_MS};

	if (post->leaver.pid != 0)
		return false;
	post->pid = 0;
	start(p, post);
	if (post->pid == 0) {
		post->pid = old.pid;
		post->ring = old.ring;
		return false;
	}
	post->leaver = old;
	kill(old.pid, SIGTERM);
	return true;
}

void
posts_replace(struct posts *p)
{
	uint64_t now = clock_mono_ms();

	for (uint32_t i = 0; i < p->count; i++) {
		struct post *post = &p->at[i];
		if (post->role->start == START_ONCE)
			continue;
		/* What failed under the old configuration may work under the new one. */
		post->is_given_up = false;
		post->delay_ms = DELAY_FIRST_MS;
		if (post->pid == 0) {
			post->start_at_ms = now;
		} else if (post->role->number != NUMBER_WORKERS || post->index >= role_number(post->role, p->env) ||
			   !replace_worker(p, post)) {
			post->kill_at_ms = now + REPLACE_MS;
			kill(post->pid, SIGTERM);
		}
	}
}

int
posts_load_failure(const struct posts *p)
{
	return p->load_code;
}

void
posts_stop(struct posts *p)
{
	p->stop_at_ms = clock_mono_ms() + STOP_MS;
	p->stop_order = -1;
}

void
posts_stop_now(struct posts *p)
{
	p->stop_at_ms = 1;
}

bool
posts_is_stopping(const struct posts *p)
{
	return p->stop_at_ms != 0;
}

static void
signal_order(struct posts *p, int signo)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->at[i].role->stop_order == p->stop_order)
			signal_post(&p->at[i], signo);
}

/* How many run: in all, and of the present order. */
static uint32_t
count_running(const struct posts *p, uint32_t *here)
{
	uint32_t all = 0;

	*here = 0;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct post *post = &p->at[i];
		uint32_t n = (post->pid != 0) + (post->leaver.pid != 0);
		all += n;
		*here += post->role->stop_order == p->stop_order ? n : 0;
	}
	return all;
}

bool
posts_stop_step(struct posts *p)
{
	uint64_t now = clock_mono_ms();
	uint32_t here;

	while (count_running(p, &here) > 0 && here == 0) {
		p->stop_order++;
		p->order_at_ms = p->stop_at_ms > now ? now + (p->stop_at_ms - now) / 4 * 3 : now;
		signal_order(p, SIGTERM);
	}
	if (here == 0)
		return true;
	if (now >= p->stop_at_ms) {
		log_warn("master: some processes did not stop in time and are ended");
		posts_signal(p, SIGKILL);
		p->stop_at_ms = p->order_at_ms = UINT64_MAX;
	} else if (now >= p->order_at_ms) {
		log_warn("master: %" PRIu32 " processes did not stop in time and are ended, so that the others can",
			 here);
		signal_order(p, SIGKILL);
		p->order_at_ms = UINT64_MAX;
	}
	return false;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
posts_wait_ms(const struct posts *p, uint64_t max_ms)
{
	uint64_t now = clock_mono_ms(), next = now + max_ms, at_ms;

	if (posts_is_stopping(p))
		next = sooner(next, sooner(p->stop_at_ms, p->order_at_ms));
	for (uint32_t i = 0; i < p->count && !posts_is_stopping(p); i++) {
		const struct post *post = &p->at[i];
		if (post->pid == 0 && !post->is_given_up && is_its_turn(p, post, &at_ms))
			next = sooner(next, at_ms);
		if (post->pid != 0 && post->kill_at_ms != 0)
			next = sooner(next, post->kill_at_ms);
		if (post->leaver.pid != 0)
			next = sooner(next, post->leaver.kill_at_ms);
	}
	return next > now ? next - now : 0;
}
