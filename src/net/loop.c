/*
 * The event loop over libevent. The epoll change list saves most epoll_ctl calls of a request, and since a process has
 * one thread the base carries no locks. SIGPIPE is ignored here, because every write to a peer may meet a closed
 * socket. libevent's own messages go to our log.
 */
#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "loop_base.h"
#include "util/log.h"
#include "util/mem.h"

struct loop {
	struct event_base *base;
	bool is_stopped;
	bool is_stop_seen; /* loop_run has returned for it */
};

struct loop_timer {
	struct event *event;
	loop_callback *fire;
	void *ctx;
};

struct loop_watch {
	struct event *event;
	loop_callback *ready;
	void *ctx;
};

static void
log_libevent(int severity, const char *message)
{
	switch (severity) {
	case EVENT_LOG_ERR:
		log_error("net: %s", message);
		break;
	case EVENT_LOG_WARN:
		log_warn("net: %s", message);
		break;
	default:
		log_debug("net: %s", message);
		break;
	}
}

struct loop *
loop_new(void)
{
	event_set_log_callback(log_libevent);
	signal(SIGPIPE, SIG_IGN);
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *config = event_config_new();
	if (config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		l->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (l->base == NULL) {
		log_error("net: cannot make an event loop: %s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	event_base_free(l->base);
	free(l);
}

struct event_base *
loop_base(const struct loop *l)
{
	return l->base;
}

void
loop_run(struct loop *l)
{
	/* A stop that came before the loop ran counts: a signal during start-up must not be lost. */
	if (l->is_stop_seen)
		l->is_stopped = false;
	while (!l->is_stopped)
		if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
			log_error("net: the event loop failed: %s", strerror(errno));
			exit(EXIT_FAILURE);
		}
	l->is_stop_seen = true;
}

void
loop_poll(struct loop *l)
{
	event_base_loop(l->base, EVLOOP_NONBLOCK);
}

void
loop_stop(struct loop *l)
{
	l->is_stopped = true;
	l->is_stop_seen = false;
	event_base_loopbreak(l->base);
}

bool
loop_is_stopped(const struct loop *l)
{
	return l->is_stopped;
}

const char *
loop_library(void)
{
	return event_get_version();
}

static void
timer_fire(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	struct loop_timer *t = ctx;
	t->fire(t->ctx); /* may free t */
}

struct loop_timer *
loop_timer_new(struct loop *l, loop_callback *fire, void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));
	t->fire = fire;
	t->ctx = ctx;
	t->event = evtimer_new(l->base, timer_fire, t);
	if (t->event == NULL) {
		log_error("net: no memory for a timer");
		exit(EXIT_FAILURE);
	}
	return t;
}

void
loop_timer_arm(struct loop_timer *t, uint64_t after_ms)
{
	struct timeval after = timeval_of_ms(after_ms);
	evtimer_add(t->event, &after);
}

void
loop_timer_disarm(struct loop_timer *t)
{
	evtimer_del(t->event);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}

static void
watch_fire(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	struct loop_watch *w = ctx;
	w->ready(w->ctx); /* may free w */
}

static struct loop_watch *
watch_new(struct loop *l, int fd, short what, loop_callback *ready, void *ctx)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));
	w->ready = ready;
	w->ctx = ctx;
	w->event = event_new(l->base, fd, (short)(what | EV_PERSIST), watch_fire, w);
	if (w->event == NULL || event_add(w->event, NULL) < 0) {
		log_error("net: cannot watch %s %d: %s", (what & EV_SIGNAL) ? "signal" : "descriptor", fd,
			  strerror(errno));
		exit(EXIT_FAILURE);
	}
	return w;
}

struct loop_watch *
loop_watch_read(struct loop *l, int fd, loop_callback *ready, void *ctx)
{
	return watch_new(l, fd, EV_READ, ready, ctx);
}

struct loop_watch *
loop_watch_signal(struct loop *l, int signo, loop_callback *raised, void *ctx)
{
	return watch_new(l, signo, EV_SIGNAL, raised, ctx);
}

void
loop_watch_free(struct loop_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	free(w);
}
