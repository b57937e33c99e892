/*
 * Listeners. Each is a streamed reply that sleeps until there is something to tell; event_feed.c says what that is. The
 * pool process rings when the chain or the pool has changed, the last of all to learn of a new tip. Peers ring nobody, and
 * a ringer may die before it rings: while somebody listens, the worker also looks by itself each second.
 *
 * A reader that is slow is given nothing new before it has taken what it was given, so it costs one piece of memory; it
 * is told the rest later, from where it was, since nothing is queued for it. One that takes nothing at all for
 * [http] request_timeout is cut off by the server as any reader is, and may come back with its last id.
 *
 * A comment after some silence keeps proxies from closing the stream, and shows who is no longer there. A worker that is
 * to stop ends its streams; clients come back by themselves, to its successor, with the id of the last event.
 */
#include "events.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "event_feed.h"
#include "freshness.h"
#include "handlers.h"
#include "reply.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/mem.h"

#define PIECE_SIZE (16u << 10)
#define SWEEP_MS 1000
#define SILENCE_MS 15000
#define END_PATIENCE_MS 1000
#define RETRY_MS 1000 /* after which a client shall come back */

struct listener {
	TAILQ_ENTRY(listener) link;
	struct events *events;
	struct http_req *req;
	struct event_feed feed;
	uint64_t wrote_ms; /* monotonic clock */
	bool is_begun;
};

struct events {
	struct api *api;
	TAILQ_HEAD(, listener) listeners;
	size_t count;
	struct loop_timer *sweep; /* armed while somebody listens */
	bool is_ending;
	struct event_peers *peers; /* NULL before the first listener */

	/* As last told of. */
	struct blockref tip;
	uint64_t arrival;
	uint64_t gone;
};

static void
listener_end(void *ctx)
{
	struct listener *l = ctx;
	struct events *e = l->events;

	TAILQ_REMOVE(&e->listeners, l, link);
	role_set(e->api->store, COUNT_LISTENERS, --e->count);
	if (e->count == 0)
		loop_timer_disarm(e->sweep);
	free(l);
}

static bool
listener_more(void *ctx, struct http_piece *next)
{
	struct buf *piece = &next->bytes;
	struct listener *l = ctx;
	size_t before = piece->len;
	uint64_t now = clock_mono_ms();

	if (l->events->is_ending)
		return false;
	if (!l->is_begun) {
		buf_printf(piece, "retry: %d\n", RETRY_MS);
		event_feed_place(&l->feed, piece);
		l->is_begun = true;
	}
	while (piece->len - before < PIECE_SIZE && event_feed_next(&l->feed, piece))
		;
	if (piece->len == before && now - l->wrote_ms >= SILENCE_MS)
		buf_puts(piece, ":\n\n");
	if (piece->len > before)
		l->wrote_ms = now;
	return true;
}

/* Has anything changed since the last look? Pauses of peers are seen by a thorough one alone. */
static bool
look(struct events *e, bool is_thorough)
{
	const struct store *s = e->api->store;
	struct blockref tip = chain_tip(s);
	uint64_t arrival = mempool_last_arrival(s), gone = mempool_gone_count(s);
	bool is_new = event_peers_look(e->peers, s, clock_wall_ms(), is_thorough);

	is_new |= !blockref_equal(tip, e->tip) || arrival != e->arrival || gone != e->gone;
	e->tip = tip;
	e->arrival = arrival;
	e->gone = gone;
	return is_new;
}

static void
wake_all(struct events *e)
{
	struct listener *l;

	TAILQ_FOREACH(l, &e->listeners, link)
	http_reply_wake(l->req);
}

void
events_bell(struct events *e)
{
	if (e->count > 0 && look(e, false))
		wake_all(e);
}

/* Cuts those off who have not taken the last piece. */
static void
cut_all(struct events *e)
{
	struct listener *l;

	TAILQ_FOREACH(l, &e->listeners, link)
	http_reply_cut(l->req);
}

static void
sweep(void *ctx)
{
	struct events *e = ctx;
	uint64_t now = clock_mono_ms();
	struct listener *l;

	if (e->is_ending) {
		cut_all(e);
		return;
	}
	if (look(e, true))
		wake_all(e);
	TAILQ_FOREACH(l, &e->listeners, link)
	if (now - l->wrote_ms >= SILENCE_MS)
		http_reply_wake(l->req);
	loop_timer_arm(e->sweep, SWEEP_MS);
}

void
events_end(struct events *e)
{
	e->is_ending = true;
	if (e->count == 0)
		return;
	wake_all(e);
	loop_timer_arm(e->sweep, END_PATIENCE_MS);
}

struct events *
events_new(struct api *a)
{
	struct events *e = xcalloc(1, sizeof(*e));

	e->api = a;
	TAILQ_INIT(&e->listeners);
	e->sweep = loop_timer_new(a->o.loop, sweep, e);
	role_set(a->store, COUNT_LISTENERS, 0); /* a predecessor may have died with some */
	return e;
}

void
events_free(struct events *e)
{
	loop_timer_free(e->sweep);
	free(e->peers);
	free(e);
}

static size_t
listeners_max(const struct api *a)
{
	return a->o.listeners_max > 0 && a->o.listeners_max < EVENTS_LISTENERS_MAX ? a->o.listeners_max
										   : EVENTS_LISTENERS_MAX;
}

/* "block,peer": the kinds in a list; 0: it names one that there is not. */
static unsigned
kinds_of(const char *text)
{
	unsigned wanted = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		unsigned kind = 0;

		while (kind < EVENT_KINDS && (strlen(event_kind_name((enum event_kind)kind)) != len ||
					      strncmp(event_kind_name((enum event_kind)kind), text, len) != 0))
			kind++;
		if (kind == EVENT_KINDS)
			return 0;
		wanted |= 1u << kind;
		if (text[len] == '\0')
			return wanted;
		text += len + 1;
	}
}

/* Where the client wants to go on. A browser that comes back repeats the address it had, so the header is newer. */
static const char *
place_asked(const struct http_req *req)
{
	const char *header = http_req_header(req, "Last-Event-ID");

	return header != NULL && header[0] != '\0' ? header : http_req_query(req, "since");
}

/* False: answered with an error. */
static bool
feed_open(struct api *a, struct http_req *req, struct event_feed *f)
{
	const char *only = http_req_query(req, "only"), *since = place_asked(req);
	unsigned wanted = only != NULL ? kinds_of(only) : EVENT_ALL;
	struct event_cursor from;

	if (wanted == 0) {
		reply_error(a, req, 400, "bad-parameter",
			    "only takes a list of block, transaction, reorganisation and peer, with commas between");
		return false;
	}
	event_feed_start(f, a->store, a->events->peers, wanted);
	if (since == NULL || (event_cursor_read(&from, since) && event_feed_resume(f, &from)))
		return true;
	reply_error(a, req, 400, "bad-parameter",
		    "since and Last-Event-ID take the id of an event of this node, or the hash of a block");
	return false;
}

void
events_get(struct api *a, struct http_req *req, const char *name)
{
	struct events *e = a->events;
	struct listener *l;

	(void)name;
	if (e->is_ending) {
		reply_error(a, req, 503, "stopping", "this node was told to stop or to reload; ask again");
		return;
	}
	if (e->count >= listeners_max(a)) {
		reply_error(a, req, 503, "too-many-listeners",
			    "%zu clients listen to this worker already, which is as many as it takes; ask again later",
			    e->count);
		return;
	}
	if (e->peers == NULL)
		e->peers = xcalloc(1, sizeof(*e->peers));
	/* Those who listen already must not miss what this look finds. */
	if (look(e, true))
		wake_all(e);
	l = xcalloc(1, sizeof(*l));
	if (!feed_open(a, req, &l->feed)) {
		free(l);
		return;
	}
	l->events = e;
	l->req = req;
	l->wrote_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&e->listeners, l, link);
	role_set(a->store, COUNT_LISTENERS, ++e->count);
	if (e->count == 1)
		loop_timer_arm(e->sweep, SWEEP_MS);
	reply_count(a, 200);
	freshness_none(req);
	http_reply_header(req, "X-Accel-Buffering", "no"); /* nginx would hold events back */
	http_reply_stream(req, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN, listener_more, listener_end, l);
}
