/*
 * The prologue. In order: signals as a child wants them, name in ps and log, the segment with this role's access and no
 * more, then the event loop, which must not be older than the fork. The pipe's end of file is watched from here on: a
 * child whose master is gone leaves at once, since nobody would repair, respawn or stop it.
 */
#include "node/child.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node/proctitle.h"
#include "node/roles.h"
#include "store/chain.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "usage.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define BEAT_MS 1000
#define NICE_MAX 19
#define SLICE_BRISK_NS 100000 /* the shortest that Linux grants */

static void
beat(void *ctx)
{
	struct child *c = ctx;

	role_beat(c->env->store, clock_mono_ms());
	usage_tell(c->env->store);
	loop_timer_arm(c->beat, BEAT_MS);
}

static void
asked_to_stop(void *ctx)
{
	struct child *c = ctx;

	if (c->on_stop != NULL)
		c->on_stop(c->on_stop_ctx);
	else
		child_end(c, CHILD_STOPPED);
}

static void
reopen_log(void *ctx)
{
	(void)ctx;
	/* The master has just tried the same, and has told of it: once is enough. */
	if (log_reopen() != OK)
		log_debug("log: a log file cannot be opened again, the old one stays in use: %m");
}

static void
master_gone(void *ctx)
{
	struct child *c = ctx;

	/* All of them leave, and one voice is enough. */
	if (c->env->is_end_told == NULL || atomic_exchange(c->env->is_end_told, 1) == 0)
		log_warn("child: the master is gone, leaving");
	_exit(CHILD_STOPPED);
}

static const struct role *
role_of(const struct child *c)
{
	size_t i = 0;

	while (i + 1 < node_role_count && strcmp(node_roles[i].name, c->role) != 0)
		i++;
	return &node_roles[i];
}

/* A child keeps only the listeners that it serves. */
static void
close_foreign_listeners(const struct child *c)
{
	const struct node_env *env = c->env;
	bool is_worker = role_of(c)->number == NUMBER_WORKERS;

	for (uint32_t i = 0; i < env->listeners.count; i++)
		if (!is_worker || !listeners_serves(c->index, env->workers, i))
			close(env->listeners.fds[i]);
	for (uint32_t i = 0; i < env->peer_listeners.count; i++)
		if (!is_worker || !listeners_serves(c->index, env->workers, i))
			close(env->peer_listeners.fds[i]);
}

/*
 * Below what the node was started with, which is the operator's word. Slices are Linux's own: the C library has no call for
 * them, and kernels before 6.12 pass over them. All of it is a wish: where it is refused, everything works, only later.
 */
static void
take_pace(const struct role *role)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t slice_ns, deadline_ns, period_ns;
	} wish = {.size = sizeof(wish), .nice = getpriority(PRIO_PROCESS, 0) + role->nice};

	if (wish.nice > NICE_MAX)
		wish.nice = NICE_MAX;
	wish.policy = role->pace == PACE_BATCH ? SCHED_BATCH : SCHED_OTHER;
	wish.slice_ns = role->pace == PACE_BRISK ? SLICE_BRISK_NS : 0;
	if (sched_getscheduler(0) != SCHED_OTHER || syscall(SYS_sched_setattr, 0, &wish, 0) != 0)
		setpriority(PRIO_PROCESS, 0, wish.nice);
}

/* Who neither writes nor shows blocks gives it up; so does who cannot map it, for it is no more than a help. */
static struct transcript *
take_transcript(const struct child *c, const struct role *role)
{
	struct transcript *t = c->env->transcript;
	bool is_scribe = role->main == role_scribe, is_worker = role->number == NUMBER_WORKERS;

	if (t != NULL && (is_scribe || is_worker) && transcript_attach(t, is_scribe) == OK)
		return t;
	transcript_free(t);
	return NULL;
}

void
child_begin(struct child *c)
{
	const struct role *role = role_of(c);
	char title[128];
	sigset_t none;
	enum err e;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; stopping is the master's business */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN); /* it is the master who is replaced, and whoever signals all of us means no more */
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, c->role);
	snprintf(title, sizeof(title), "rensad: %s %s", c->env->config->node.name, c->role);
	proctitle_set(title);
	log_set_role(c->role);
	take_pace(role);
	close_foreign_listeners(c);

	e = store_attach(c->env->store, role->access, c->slot, c->ring);
	if (e != OK) {
		log_error("child: cannot attach to the segment: %s", err_text(e));
		_exit(CHILD_AGAIN);
	}
	c->transcript = take_transcript(c, role);
	c->loop = loop_new();
	c->watches[0] = loop_watch_signal(c->loop, SIGTERM, asked_to_stop, c);
	c->watches[1] = loop_watch_signal(c->loop, SIGUSR1, reopen_log, c);
	c->watches[2] = loop_watch_read(c->loop, c->env->life, master_gone, c);
	c->beat = loop_timer_new(c->loop, beat, c);
	c->exit_code = CHILD_STOPPED;
	/* Signals were blocked across the fork, so that none was lost before the loop could see it. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	beat(c);
	FAILPOINT("child.begun");
}

int
child_run(struct child *c)
{
	loop_run(c->loop);
	usage_tell(c->env->store); /* since the last beat */
	log_debug("child: stopped");
	return c->exit_code;
}

void
child_end(struct child *c, enum child_exit code)
{
	c->exit_code = (int)code;
	loop_stop(c->loop);
}

struct bell_watch {
	int fd;
	loop_callback *rang;
	void *ctx;
};

static void
bell_rang(void *ctx)
{
	struct bell_watch *w = ctx;

	bell_quiet(w->fd);
	w->rang(w->ctx);
}

void
child_on_bell(struct child *c, int fd, loop_callback *rang, void *ctx)
{
	struct bell_watch *w = xmalloc(sizeof(*w));

	*w = (struct bell_watch){fd, rang, ctx};
	loop_watch_read(c->loop, fd, bell_rang, w);
}

void
child_recover_commands(struct child *c, uint32_t kinds)
{
	command_recover(c->env->store, kinds);
	/* Whose command it was is not told, so all workers look. */
	bell_ring_workers(&c->env->bells);
}

uint16_t
node_peer_port(const struct config *config)
{
	return config->peers.listen.port != 0 ? config->peers.listen.port : config->http.listen.port;
}

void
child_hello(const struct child *c, struct hello *out)
{
	const struct config *config = c->env->config;
	struct store *s = c->env->store;

	memset(out, 0, sizeof(*out));
	out->protocol = PEER_PROTOCOL;
	out->params = *store_params(s);
	out->genesis = *store_genesis(s);
	out->nonce = c->env->nonce;
	text_copy(out->node, sizeof(out->node), config->node.name);
	text_copy(out->software, sizeof(out->software), PACKAGE_NAME "/" PACKAGE_VERSION);
	text_copy(out->advertise, sizeof(out->advertise), config->peers.advertise);
	out->port = node_peer_port(config);
	chain_head(s, chain_tip(s), &out->head);
	out->time_ms = clock_wall_ms();
}

const struct netaddr *
child_from(const struct child *c, struct netaddr *space)
{
	const struct config *config = c->env->config;

	*space = config->peers.listen.port != 0 ? config->peers.listen : config->http.listen;
	space->port = 0;
	return netaddr_is_any(space) ? NULL : space;
}
