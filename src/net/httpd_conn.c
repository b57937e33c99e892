/*
 * A connection of the server. evhttp reads requests and writes replies, but what it lacks is done here, around it:
 *
 * - The gate. A callback on the input buffer sees bytes before evhttp does. As long as a head is not whole, a low
 *   watermark keeps evhttp from being called; then the head is checked by our rules, and evhttp gets either a request
 *   it reads exactly as we did, or nothing at all. Unusual request lines (unknown methods, whole URLs) are replaced by
 * a plain one that evhttp takes, and the true target is kept beside it. Chunked bodies are followed byte by byte.
 * - Bounds. A high watermark caps what a client may send ahead while its request is being answered.
 * - Deadlines, per state. The timer is lazy: it is not moved for each request, but looks at the deadline when it
 *   fires and goes back to sleep.
 * - Ends. Who closes its side in the middle of a request is told so: it may still be reading.
 * - Refusals. The connection is taken from evhttp, gets our JSON, and is read to its end for a moment, because closing
 *   with unread input would make the kernel throw away the reply.
 *
 * Nothing here frees a connection inside an evhttp or buffer callback except evhttp itself: conn_gone, evhttp's closing
 * callback, is the one place where a connection ends.
 */
#include "httpd_conn.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "httpd_date.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define READ_AHEAD 16384       /* bytes beyond what a state needs */
#define WRITE_MAX (256 * 1024) /* bytes given to one writev */
#define LINGER_MS 1000
#define FIRST_MS 1000	   /* for the first request of a client that came right before the server was told to drain */
#define NEXT_MS 100	   /* for the next one of a client that asks all the time: its reply says that it is the last */
#define LATELY_MS 1000	   /* who has asked since then does so all the time */
#define HOLD_BACK SIZE_MAX /* a low watermark that is never reached */

static void
conn_watermarks(struct conn *c, size_t low, size_t high)
{
	if (c->low == low && c->high == high)
		return;
	c->low = low;
	c->high = high;
	bufferevent_setwatermark(c->bev, EV_READ, low, high);
}

static void
conn_set_deadline(struct conn *c, uint64_t now, uint64_t deadline)
{
	c->deadline_ms = deadline;
	if (deadline == 0 || (c->armed_ms != 0 && c->armed_ms <= deadline))
		return;
	struct timeval after = timeval_of_ms(deadline > now ? deadline - now : 1);
	evtimer_add(&c->timer, &after);
	c->armed_ms = deadline;
}

/* Runs the timer's callback soon, on a clean stack. */
static void
conn_poke(struct conn *c)
{
	event_active(&c->timer, EV_TIMEOUT, 1);
}

void
conn_set_state(struct conn *c, enum conn_state state)
{
	static const enum conn_list lists[] = {
	    [CONN_IDLE] = CONN_LIST_IDLE,      [CONN_HEAD] = CONN_LIST_RECEIVING, [CONN_BODY] = CONN_LIST_RECEIVING,
	    [CONN_HANDLER] = CONN_LIST_BUSY,   [CONN_REPLY] = CONN_LIST_BUSY,	  [CONN_REFUSED] = CONN_LIST_CLOSING,
	    [CONN_LINGER] = CONN_LIST_CLOSING,
	};
	const struct httpd_options *o = &c->server->options;
	size_t high = o->max_header + READ_AHEAD;
	uint64_t now = clock_mono_ms();
	uint64_t deadline = 0;
	switch (state) {
	case CONN_HEAD:
		c->started_ms = now;
		deadline = now + o->header_timeout_ms;
		break;
	case CONN_IDLE:
		deadline = now + o->header_timeout_ms;
		if (c->server->is_draining) {
			uint32_t moment = c->has_asked ? NEXT_MS : FIRST_MS;
			deadline = now + (moment < o->header_timeout_ms ? moment : o->header_timeout_ms);
		}
		break;
	case CONN_BODY:
		/* evhttp wants the whole body, or the whole chunk, in the buffer. */
		high += c->head.is_chunked ? o->max_body : (size_t)c->head.length;
		deadline = c->started_ms + o->request_timeout_ms;
		break;
	case CONN_HANDLER:
		break;
	case CONN_REPLY:
	case CONN_REFUSED:
		deadline = now + o->request_timeout_ms;
		break;
	case CONN_LINGER:
		deadline = now + LINGER_MS;
		break;
	}
	/* A request moves from head to body without losing its place in the queue of those cut at the cap. */
	if (lists[state] != c->list)
		httpd_conn_move(c, lists[state]);
	c->state = state;
	conn_watermarks(c, state == CONN_HEAD ? HOLD_BACK : 0, high);
	conn_set_deadline(c, now, deadline);
}

/* From here on evhttp is to see nothing more of this connection; the timer's callback writes the refusal. */
static void
conn_refuse(struct conn *c, const struct refusal *why)
{
	c->refusal = why;
	conn_watermarks(c, HOLD_BACK, c->high);
	conn_poke(c);
}

static void
on_refusal_sent(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	struct conn *c = ctx;
	if (c->state != CONN_REFUSED)
		return;
	shutdown(c->fd, SHUT_WR);
	conn_set_state(c, CONN_LINGER);
}

static void
on_refusal_event(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev, (void)what;
	conn_cut(ctx);
}

void
conn_from(const struct conn *c, struct netaddr *out)
{
	const struct sockaddr *peer = evhttp_connection_get_addr(c->evcon);
	if (peer == NULL || netaddr_from_sockaddr(out, peer) != OK)
		*out = (struct netaddr){0};
}

static void
conn_observe_refusal(const struct conn *c, const struct refusal *why)
{
	const struct httpd_options *o = &c->server->options;
	if (o->observer == NULL)
		return;
	/* In any other state the head was not read, or not understood. */
	struct httpd_served served = {.method = c->state == CONN_BODY ? c->head.method : HTTP_OTHER,
				      .path = "",
				      .status = why->status,
				      .us = (clock_mono_ms() - c->started_ms) * 1000};
	conn_from(c, &served.from);
	o->observer(o->observer_ctx, &served);
}

/* Input is drained by the tap, not by a read callback: evhttp may still have a delayed call of that pending. */
static void
conn_send_refusal(struct conn *c)
{
	const struct refusal *why = c->refusal;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	struct evbuffer *in = bufferevent_get_input(c->bev);
	c->refusal = NULL;
	log_debug("httpd: refused a request with %d: %s", why->status, why->message);
	conn_observe_refusal(c, why);
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	bufferevent_setcb(c->bev, NULL, on_refusal_sent, on_refusal_event, c);
	conn_set_state(c, CONN_REFUSED);
	evbuffer_drain(in, evbuffer_get_length(in));

	size_t len = strlen("{\"error\":{\"code\":\"\",\"message\":\"\"}}") + strlen(why->code) + strlen(why->message);
	evbuffer_add_printf(out,
			    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			    "Date: %s\r\nConnection: close\r\n\r\n",
			    why->status, http_status_text(why->status), len, http_date());
	if (c->head.method != HTTP_HEAD)
		evbuffer_add_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", why->code, why->message);
	/* Reading on would only tell the end once more, and that ends the connection. */
	bufferevent_enable(c->bev, c->is_half_closed ? EV_WRITE : EV_READ | EV_WRITE);
}

/* Stands before evhttp's callback while a request arrives: evhttp would close without a word if it ends too early. */
static void
on_receiving_event(struct bufferevent *bev, short what, void *ctx)
{
	struct conn *c = httpd_conn_at(bufferevent_getfd(bev));
	if (c == NULL)
		return;
	bool is_receiving = c->state == CONN_HEAD || c->state == CONN_BODY;
	if (!(what & BEV_EVENT_EOF) || !is_receiving || c->refusal != NULL) {
		c->on_event(bev, what, ctx);
		return;
	}
	c->is_half_closed = true;
	c->refusal = &refusal_incomplete;
	conn_send_refusal(c);
}

static void
conn_watch_end(struct conn *c)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *ctx;
	bufferevent_getcb(c->bev, &on_read, &on_write, &on_event, &ctx);
	if (on_event == on_receiving_event)
		return;
	c->on_event = on_event;
	bufferevent_setcb(c->bev, on_read, on_write, on_receiving_event, ctx);
}

/* Shows evhttp a request line that it takes; the target stays in c->target. */
static bool
conn_rewrite_line(struct conn *c, struct evbuffer *input)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
	char line[sizeof("OPTIONS / HTTP/1.1\r\n")];
	int len = snprintf(line, sizeof(line), "%s / HTTP/1.%u\r\n", names[c->head.method], c->head.minor);
	c->target = xmalloc(c->head.target_len + 1);
	memcpy(c->target, c->head.target, c->head.target_len);
	c->target[c->head.target_len] = '\0';
	return evbuffer_drain(input, c->head.line_len) == 0 && evbuffer_prepend(input, line, (size_t)len) == 0;
}

/* Follows the last `added` bytes of the input, which belong to a chunked body. */
static void
conn_follow_chunks(struct conn *c, size_t added)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	struct evbuffer_ptr at;
	struct evbuffer_iovec span;
	if (evbuffer_ptr_set(input, &at, evbuffer_get_length(input) - added, EVBUFFER_PTR_SET) < 0)
		return;
	while (added > 0 && !c->chunks.is_done && evbuffer_peek(input, (ev_ssize_t)added, &at, &span, 1) > 0) {
		size_t step = span.iov_len < added ? span.iov_len : added;
		const struct refusal *no =
		    chunk_scan_feed(&c->chunks, span.iov_base, step, c->server->options.max_body);
		if (no != NULL) {
			conn_refuse(c, no);
			return;
		}
		added -= step;
		if (added > 0 && evbuffer_ptr_set(input, &at, step, EVBUFFER_PTR_ADD) < 0)
			return;
	}
}

/* The head is whole: check it and let evhttp have the request. */
static void
conn_gate_head(struct conn *c, const char *text, size_t head_len)
{
	const struct httpd_options *o = &c->server->options;
	struct evbuffer *input = bufferevent_get_input(c->bev);
	const struct refusal *no = http_head_parse(&c->head, text, head_len, o->max_body);
	if (no != NULL) {
		conn_refuse(c, no);
		return;
	}
	size_t body = evbuffer_get_length(input) - head_len;
	free(c->target);
	c->target = NULL;
	if (!c->head.is_plain && !conn_rewrite_line(c, input)) {
		conn_refuse(c, &refusal_header_too_large);
		return;
	}
	conn_set_state(c, CONN_BODY);
	if (c->head.is_chunked || body < c->head.length)
		conn_watch_end(c);
	if (c->head.is_chunked) {
		chunk_scan_init(&c->chunks);
		conn_follow_chunks(c, body);
	}
}

/* Empty lines before a request are to be ignored (RFC 9112, 2.2). */
static void
skip_line_ends(struct evbuffer *input)
{
	char first;
	while (evbuffer_copyout(input, &first, 1) == 1 && (first == '\r' || first == '\n'))
		evbuffer_drain(input, 1);
}

/* Bytes of a head are in the input. */
static void
conn_gate(struct conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	size_t head_max = c->server->options.max_header;
	if (c->held != NULL) {
		evbuffer_prepend_buffer(input, c->held);
		evbuffer_free(c->held);
		c->held = NULL;
	}
	if (c->state == CONN_IDLE) {
		c->scanned = 0;
		c->head = (struct http_head){0};
		conn_set_state(c, CONN_HEAD);
	}
	if (c->scanned == 0)
		skip_line_ends(input);
	size_t len = evbuffer_get_length(input);
	size_t look = len < head_max ? len : head_max;
	if (look == 0)
		return;
	const char *text = (const char *)evbuffer_pullup(input, (ev_ssize_t)look);
	size_t head_len = text != NULL ? http_head_end(text, look, c->scanned) : 0;
	c->scanned = look;
	if (head_len > 0)
		conn_gate_head(c, text, head_len);
	else if (len >= head_max)
		conn_refuse(c, &refusal_header_too_large);
	else
		conn_watch_end(c);
}

static void
on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *ctx)
{
	struct conn *c = ctx;
	if (info->n_added == 0 || c->is_gating || c->refusal != NULL)
		return;
	c->is_gating = true;
	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
		conn_gate(c);
		break;
	case CONN_BODY:
		conn_watch_end(c);
		if (c->head.is_chunked)
			conn_follow_chunks(c, info->n_added);
		break;
	case CONN_REFUSED:
	case CONN_LINGER:
		evbuffer_drain(input, evbuffer_get_length(input));
		break;
	case CONN_HANDLER:
	case CONN_REPLY:
		break; /* the next request waits for its turn */
	}
	c->is_gating = false;
}

void
conn_moved(struct conn *c)
{
	if (c->state == CONN_REPLY && c->deadline_ms != 0)
		c->deadline_ms = clock_mono_ms() + c->server->options.request_timeout_ms;
}

static void
on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *ctx)
{
	(void)output;
	if (info->n_deleted > 0)
		conn_moved(ctx);
}

void
conn_request_done(struct conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	c->has_asked = true;
	conn_set_state(c, CONN_IDLE);
	if (evbuffer_get_length(input) == 0)
		return;
	/* A pipelined request: evhttp will read what is in its buffer now, so only a whole head may stay there. */
	c->is_gating = true;
	conn_gate(c);
	if (c->refusal != NULL) {
		evbuffer_drain(input, evbuffer_get_length(input));
	} else if (c->state == CONN_HEAD && evbuffer_get_length(input) > 0) {
		c->held = evbuffer_new();
		if (c->held == NULL || evbuffer_add_buffer(c->held, input) < 0)
			evbuffer_drain(input, evbuffer_get_length(input));
	}
	c->is_gating = false;
	/* evhttp sets its callbacks again when this one returns, and the end of the input may be all that comes now. */
	if (c->state != CONN_IDLE)
		conn_poke(c);
}

void
conn_watch_close(struct conn *c)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *ctx;
	/* evhttp stopped reading, and its read callback must not be called now. */
	bufferevent_getcb(c->bev, &on_read, &on_write, &on_event, &ctx);
	bufferevent_setcb(c->bev, NULL, on_write, on_event, ctx);
	bufferevent_enable(c->bev, EV_READ);
}

void
conn_flush(struct conn *c)
{
	/* Small replies leave in this very write: the write event and its epoll calls are then never needed. If the
	 * socket is full or broken, the event that evhttp armed goes on. */
	struct evbuffer *out = bufferevent_get_output(c->bev);
	evbuffer_unfreeze(out, 1);
	int written = evbuffer_write(out, c->fd);
	evbuffer_freeze(out, 1);
	if (written > 0 && evbuffer_get_length(out) == 0)
		bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

void
conn_wake(struct conn *c)
{
	c->is_wake_wanted = true;
	conn_poke(c);
}

static void
conn_free(struct conn *c)
{
	httpd_conn_removed(c->server, c);
	evtimer_del(&c->timer);
	if (c->held != NULL)
		evbuffer_free(c->held);
	free(c->target);
	free(c);
}

/* evhttp is about to free the connection. */
static void
conn_gone(struct evhttp_connection *evcon, void *ctx)
{
	(void)evcon;
	struct conn *c = ctx;
	evbuffer_remove_cb_entry(bufferevent_get_input(c->bev), c->input_tap);
	evbuffer_remove_cb_entry(bufferevent_get_output(c->bev), c->output_tap);
	if (c->req != NULL)
		req_lost(c->req);
	conn_free(c);
}

/*
 * evhttp asks for a bufferevent before it makes its connection, and tells nobody when that is done; but it makes itself
 * the bufferevent's owner at once, and that is where the connection is found, before any event of the socket is seen.
 * False: evhttp gave up, and the bufferevent is nobody's.
 */
static bool
conn_adopt(struct conn *c)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *owner;
	bufferevent_getcb(c->bev, &on_read, &on_write, &on_event, &owner);
	if (owner == NULL) {
		bufferevent_free(c->bev);
		return false;
	}
	c->evcon = owner;
	c->fd = bufferevent_getfd(c->bev);
	evhttp_connection_set_closecb(c->evcon, conn_gone, c);
	httpd_conn_adopted(c->server, c);
	c->armed_ms = 0;
	conn_set_state(c, CONN_IDLE);
	return true;
}

void
conn_leave(struct conn *c)
{
	bool is_quiet = c->has_asked && clock_mono_ms() - c->since_ms > LATELY_MS;

	if (is_quiet)
		conn_cut(c);
	else if (c->evcon != NULL)
		conn_set_state(c, CONN_IDLE);
}

void
conn_cut(struct conn *c)
{
	if (c->evcon == NULL && !conn_adopt(c))
		conn_free(c);
	else
		evhttp_connection_free(c->evcon);
}

void
conn_reset(struct conn *c)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	conn_cut(c);
}

/* The client let its time run out. */
static void
conn_expire(struct conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
	case CONN_BODY:
		c->refusal = &refusal_timeout;
		conn_send_refusal(c);
		break;
	case CONN_REPLY:
		/* Else the kernel would keep the unsent bytes for a reader that does not read. */
		conn_reset(c);
		break;
	default:
		conn_cut(c);
		break;
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	struct conn *c = ctx;
	if (c->evcon == NULL) {
		if (!conn_adopt(c))
			conn_free(c);
		return;
	}
	uint64_t now = clock_mono_ms();
	c->armed_ms = 0; /* also if it was poked: libevent disarms what it runs */
	if (c->refusal != NULL) {
		conn_send_refusal(c);
		return;
	}
	if (c->deadline_ms != 0 && c->deadline_ms <= now) {
		conn_expire(c);
		return;
	}
	conn_set_deadline(c, now, c->deadline_ms);
	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		conn_watch_end(c);
	if (c->is_wake_wanted) {
		c->is_wake_wanted = false;
		if (c->req != NULL && c->req->is_asleep)
			req_pump(c->req); /* c may be gone now */
	}
}

struct bufferevent *
conn_accept(struct httpd *s)
{
	struct bufferevent *bev = bufferevent_socket_new(loop_base(s->loop), -1, 0);
	if (bev == NULL)
		return NULL; /* evhttp makes one, without our limits; it will fail as well */
	struct conn *c = xcalloc(1, sizeof(*c));
	c->server = s;
	c->bev = bev;
	c->fd = -1;
	c->state = CONN_IDLE;
	c->input_tap = evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
	c->output_tap = evbuffer_add_cb(bufferevent_get_output(bev), on_output, c);
	if (c->input_tap == NULL || c->output_tap == NULL ||
	    evtimer_assign(&c->timer, loop_base(s->loop), on_timer, c) < 0) {
		log_error("httpd: no memory for a connection");
		exit(EXIT_FAILURE);
	}
	bufferevent_set_max_single_write(bev, WRITE_MAX);
	httpd_conn_added(s, c);
	conn_poke(c);
	return bev;
}
