/*
 * A queue of addresses, a token bucket that starts connects from it, and a table of those under way. Running out of a
 * resource of our own (descriptors, ports, memory) says nothing about the address: it goes back to the front of the
 * queue and the queue rests for a moment. Nothing is reported from within probe_add or probe_new, so that callers need
 * not expect their callbacks there.
 */
#include "net/probe.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "loop_base.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define RATE_MAX 100000
#define BURST_MS 20   /* what the bucket holds at least: connects of that long */
#define REST_MS 100   /* after running out of something */
#define PORT_TRIES 50 /* then an address for which no local port is found counts as unreachable */
#define TICK_MS 1     /* shortest wait for a token */
#define US_PER_S 1000000

struct attempt {
	TAILQ_ENTRY(attempt) link;
	struct probe *probe;
	struct event event; /* set while under way */
	struct netaddr at;
	int fd; /* -1 while queued */
	uint32_t tries;
};
TAILQ_HEAD(attempt_list, attempt);

struct probe {
	struct loop *loop;
	struct probe_options options;
	struct netaddr from;
	bool has_from;
	probe_found *found;
	loop_callback *idle;
	void *ctx;
	struct loop_timer *timer; /* starts what is queued */
	struct attempt_list queued;
	struct attempt_list running;
	uint64_t waiting;
	uint32_t running_count;
	uint64_t bucket_us; /* credit: one connect costs US_PER_S / rate */
	uint64_t filled_us;
	bool is_calling;
	bool is_freed; /* probe_free was called from a callback */
};

enum start { START_UNDER_WAY, START_ANSWERED, START_EXHAUSTED };

static void probe_pump(void *ctx);

static uint64_t
cost_us(const struct probe *p)
{
	return US_PER_S / p->options.rate;
}

/* The most credit that is kept. */
static uint64_t
bucket_size_us(const struct probe *p)
{
	uint64_t burst = p->options.burst * cost_us(p);
	uint64_t least = cost_us(p) > BURST_MS * 1000 ? cost_us(p) : BURST_MS * 1000;

	return burst > least ? burst : least;
}

struct probe *
probe_new(struct loop *l, const struct probe_options *options, probe_found *found, loop_callback *idle, void *ctx)
{
	struct probe *p = xcalloc(1, sizeof(*p));
	p->loop = l;
	p->options = *options;
	if (p->options.rate < 1)
		p->options.rate = 1;
	if (p->options.rate > RATE_MAX)
		p->options.rate = RATE_MAX;
	if (p->options.open_max < 1)
		p->options.open_max = 1;
	if (options->from != NULL) {
		p->from = *options->from;
		p->from.port = 0;
		p->has_from = true;
		p->options.from = NULL; /* borrowed for this call only */
	}
	p->found = found;
	p->idle = idle;
	p->ctx = ctx;
	p->timer = loop_timer_new(l, probe_pump, p);
	TAILQ_INIT(&p->queued);
	TAILQ_INIT(&p->running);
	p->filled_us = clock_mono_us();
	p->bucket_us = p->options.burst > 0 ? bucket_size_us(p) : cost_us(p);
	return p;
}

static void
attempt_close(struct attempt *a)
{
	if (a->fd < 0)
		return;
	event_del(&a->event);
	fd_close(&a->fd);
}

static void
list_free(struct attempt_list *list)
{
	struct attempt *a;
	while ((a = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, a, link);
		attempt_close(a);
		free(a);
	}
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	if (p->is_calling) {
		p->is_freed = true;
		return;
	}
	list_free(&p->queued);
	list_free(&p->running);
	loop_timer_free(p->timer);
	free(p);
}

uint64_t
probe_waiting(const struct probe *p)
{
	return p->waiting;
}

const char *
probe_result_name(enum probe_result r)
{
	switch (r) {
	case PROBE_OPEN:
		return "open";
	case PROBE_REFUSED:
		return "refused";
	case PROBE_SILENT:
		return "silent";
	case PROBE_UNREACHABLE:
		return "unreachable";
	}
	return "unknown";
}

void
probe_add(struct probe *p, const struct netaddr *at)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	a->probe = p;
	a->at = *at;
	a->fd = -1;
	TAILQ_INSERT_TAIL(&p->queued, a, link);
	p->waiting++;
	if (TAILQ_FIRST(&p->queued) == a)
		loop_timer_arm(p->timer, 0);
}

static enum probe_result
result_of_errno(int error)
{
	switch (error) {
	case 0:
		return PROBE_OPEN;
	case ECONNREFUSED:
	case ECONNRESET:
		return PROBE_REFUSED;
	case ETIMEDOUT:
		return PROBE_SILENT;
	default:
		return PROBE_UNREACHABLE;
	}
}

/* A connect to a free port of this host can meet itself when the kernel picks that very port to connect from. */
static bool
is_self_connected(const struct attempt *a)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct netaddr local;
	if (getsockname(a->fd, (struct sockaddr *)&sa, &len) < 0)
		return false;
	return netaddr_from_sockaddr(&local, (const struct sockaddr *)&sa) == OK && netaddr_equal(&local, &a->at);
}

/* Takes the attempt out of its list, reports it, and frees it. False: the probe is gone. */
static bool
attempt_report(struct attempt *a, enum probe_result result)
{
	struct probe *p = a->probe;
	if (result == PROBE_OPEN && is_self_connected(a))
		result = PROBE_REFUSED;
	struct netaddr at = a->at;
	if (a->fd >= 0)
		p->running_count--;
	TAILQ_REMOVE(a->fd >= 0 ? &p->running : &p->queued, a, link);
	attempt_close(a);
	free(a);
	p->waiting--;

	p->is_calling = true;
	p->found(p->ctx, &at, result);
	if (!p->is_freed && p->waiting == 0)
		p->idle(p->ctx);
	p->is_calling = false;
	if (!p->is_freed)
		return true;
	probe_free(p);
	return false;
}

static void
attempt_done(evutil_socket_t fd, short what, void *ctx)
{
	struct attempt *a = ctx;
	struct probe *p = a->probe;
	int error = ETIMEDOUT;
	socklen_t len = sizeof(error);
	if ((what & EV_WRITE) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	bool was_full = p->running_count >= p->options.open_max;
	if (attempt_report(a, result_of_errno(error)) && was_full && !TAILQ_EMPTY(&p->queued))
		loop_timer_arm(p->timer, 0);
}

static bool
is_exhaustion(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Starts the connect. START_ANSWERED: *result tells. START_EXHAUSTED: nothing happened, try again later. */
static enum start
attempt_start(struct attempt *a, enum probe_result *result)
{
	struct probe *p = a->probe;
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, &a->at);
	*result = PROBE_UNREACHABLE;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return is_exhaustion(errno) ? START_EXHAUSTED : START_ANSWERED;
	if (p->has_from && p->from.is_v6 == a->at.is_v6) {
		struct sockaddr_storage from;
		socklen_t from_len = netaddr_to_sockaddr(&from, &p->from);
		if (bind(fd, (const struct sockaddr *)&from, from_len) < 0) {
			bool is_out_of_ports = errno == EADDRINUSE && ++a->tries < PORT_TRIES;
			fd_close(&fd);
			return is_out_of_ports ? START_EXHAUSTED : START_ANSWERED;
		}
	}
	int error = connect(fd, (const struct sockaddr *)&sa, len) == 0 ? 0 : errno;
	bool is_out_of_ports = (error == EADDRNOTAVAIL || error == EAGAIN) && ++a->tries < PORT_TRIES;
	if (is_out_of_ports || is_exhaustion(error)) {
		fd_close(&fd);
		return START_EXHAUSTED;
	}
	if (error != 0 && error != EINPROGRESS) {
		fd_close(&fd);
		*result = result_of_errno(error);
		return START_ANSWERED;
	}
	/* Connected at once or under way: either way the socket turns writable. */
	struct timeval timeout = timeval_of_ms(p->options.timeout_ms);
	if (event_assign(&a->event, loop_base(p->loop), fd, EV_WRITE, attempt_done, a) < 0 ||
	    event_add(&a->event, &timeout) < 0) {
		fd_close(&fd);
		return START_EXHAUSTED;
	}
	a->fd = fd;
	TAILQ_REMOVE(&p->queued, a, link);
	TAILQ_INSERT_TAIL(&p->running, a, link);
	p->running_count++;
	return START_UNDER_WAY;
}

static void
bucket_fill(struct probe *p)
{
	uint64_t now = clock_mono_us();
	p->bucket_us += now - p->filled_us;
	p->filled_us = now;
	if (p->bucket_us > bucket_size_us(p))
		p->bucket_us = bucket_size_us(p);
}

static void
probe_pump(void *ctx)
{
	struct probe *p = ctx;
	struct attempt *a;
	bucket_fill(p);
	while ((a = TAILQ_FIRST(&p->queued)) != NULL && p->running_count < p->options.open_max) {
		if (p->bucket_us < cost_us(p)) {
			uint64_t wait_ms = (cost_us(p) - p->bucket_us) / 1000;
			loop_timer_arm(p->timer, wait_ms + TICK_MS);
			return;
		}
		enum probe_result result;
		switch (attempt_start(a, &result)) {
		case START_EXHAUSTED:
			log_debug("probe: out of descriptors or ports, resting");
			loop_timer_arm(p->timer, REST_MS);
			return;
		case START_UNDER_WAY:
			p->bucket_us -= cost_us(p);
			break;
		case START_ANSWERED:
			p->bucket_us -= cost_us(p);
			if (!attempt_report(a, result))
				return;
			break;
		}
	}
}
