/*
 * Requests and replies in one piece; streams are in httpd_stream.c. A request belongs to the handler until it is answered; if the client goes away first, the
 * evhttp request is kept from being freed with its connection (evhttp_request_own) until the answer comes.
 */
#include "httpd_conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd_date.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

static void
req_free(struct http_req *req)
{
	if (req->gone_from != NULL)
		TAILQ_REMOVE(&req->gone_from->gone, req, link);
	http_target_clear(&req->target);
	free(req->part);
	free(req);
}

void
req_drop(struct http_req *req)
{
	evhttp_request_free(req->ev);
	req_free(req);
}

static void
req_observed(const struct http_req *req, bool is_cut)
{
	const struct httpd_options *o = &req->conn->server->options;
	if (o->observer == NULL)
		return;
	struct httpd_served served = {.method = req->method,
				      .route = req->route,
				      .path = req->target.path != NULL ? req->target.path : "",
				      .status = req->status,
				      .is_cut = is_cut,
				      .has_waited = req->has_waited,
				      .body_in = req->body_in,
				      .body_out = req->body_out,
				      .us = clock_mono_us() - req->started_us,
				      .from = req->from};
	o->observer(o->observer_ctx, &served);
}

static void
req_complete(struct evhttp_request *ev, void *ctx)
{
	struct http_req *req = ctx;
	struct conn *c = req->conn;
	req_observed(req, false);
	c->req = NULL;
	req_free(req);
	/* evhttp decides right after this whether to close. */
	if (c->server->is_draining)
		evhttp_add_header(evhttp_request_get_output_headers(ev), "Connection", "close");
	conn_request_done(c);
}

/*
 * The connection ends behind this reply, and the reply says so. evhttp closes by what stands in the request's header
 * Connection, but looks at the first of several and compares it as a whole: "TE, close" is no close to it. So it is
 * shown a plain one.
 */
void
req_make_last(struct http_req *req)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req->ev);
	while (evhttp_remove_header(headers, "Connection") == 0)
		;
	evhttp_add_header(headers, "Connection", "close");
}

static void
reply_refusal(struct http_req *req, const struct refusal *no)
{
	char body[256];
	int len =
	    snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", no->code, no->message);
	http_reply(req, no->status, "application/json", body, (size_t)len);
}

void
req_start(struct conn *c, struct evhttp_request *ev)
{
	struct http_req *req = xcalloc(1, sizeof(*req));
	req->conn = c;
	req->ev = ev;
	req->method = c->head.method;
	req->minor = c->head.minor;
	conn_from(c, &req->from);
	if (c->server->options.observer != NULL) {
		req->started_us = clock_mono_us();
		req->body_in = evbuffer_get_length(evhttp_request_get_input_buffer(ev));
	}
	c->req = req;
	conn_set_state(c, CONN_HANDLER);
	evhttp_request_set_on_complete_cb(ev, req_complete, req);

	const char *target = c->target != NULL ? c->target : evhttp_request_get_uri(ev);
	const struct refusal *no = http_target_parse(&req->target, target, strlen(target));
	if (no != NULL)
		reply_refusal(req, no);
	else
		c->server->handler(c->server->ctx, req);
	/* Replies end on a clean stack, so the connection is still there; the request may not be. */
	if (c->req != NULL && c->req->state == REQ_PENDING)
		conn_watch_close(c);
}

void
req_lost(struct http_req *req)
{
	struct httpd *s = req->conn->server;
	part_end(req);
	req_observed(req, true);
	req->conn = NULL;
	if (req->state == REQ_ANSWERED) {
		req_free(req); /* evhttp frees its own */
		return;
	}
	evhttp_request_own(req->ev);
	httpd_req_gone(s, req);
}

void
req_tell_gone(struct http_req *req)
{
	if (req->state == REQ_STREAMING) {
		req->done(req->stream_ctx);
		req_drop(req);
	} else if (req->on_close != NULL) {
		req->on_close(req->on_close_ctx); /* may answer, and so free it */
	}
}

enum http_method
http_req_method(const struct http_req *req)
{
	return req->method;
}

const char *
http_req_path(const struct http_req *req)
{
	return req->target.path;
}

const char *
http_req_query(const struct http_req *req, const char *name)
{
	return http_target_param(&req->target, name);
}

const char *
http_req_query_name(const struct http_req *req, size_t i)
{
	return i < req->target.param_count ? req->target.params[i].name : NULL;
}

const char *
http_req_header(const struct http_req *req, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(req->ev), name);
}

const void *
http_req_body(const struct http_req *req, size_t *len)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req->ev);
	*len = evbuffer_get_length(body);
	return *len > 0 ? evbuffer_pullup(body, -1) : NULL;
}

void
http_req_from(const struct http_req *req, struct netaddr *out)
{
	*out = req->from;
}

void
http_req_set_route(struct http_req *req, const char *route)
{
	req->route = route;
}

void
http_req_on_close(struct http_req *req, loop_callback *gone, void *ctx)
{
	req->on_close = gone;
	req->on_close_ctx = ctx;
}

void
http_reply_header(struct http_req *req, const char *name, const char *value)
{
	if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL ||
	    evhttp_add_header(evhttp_request_get_output_headers(req->ev), name, value) < 0)
		log_warn("httpd: left out the reply header %s: it has a line break", name);
}

bool
req_has_body(const struct http_req *req, int status)
{
	return req->method != HTTP_HEAD && status != 204 && status != 304;
}

bool
req_reply_begin(struct http_req *req, const char *type)
{
	if (req->conn == NULL)
		return false;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req->ev);
	if (type != NULL)
		evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Date", http_date());
	if (req->conn->server->is_draining || req->conn->head.is_last)
		req_make_last(req);
	conn_set_state(req->conn, CONN_REPLY);
	return true;
}

static void
reply_whole(struct http_req *req, int status, const char *type, struct evbuffer *body, size_t len)
{
	struct conn *c = req->conn;
	char length[24];
	req_reply_begin(req, type);
	req->status = status;
	req->body_out = req_has_body(req, status) ? len : 0;
	snprintf(length, sizeof(length), "%zu", len);
	if (status != 204 && status != 304)
		evhttp_add_header(evhttp_request_get_output_headers(req->ev), "Content-Length", length);
	req->state = REQ_ANSWERED;
	evhttp_send_reply(req->ev, status, http_status_text(status), body);
	conn_flush(c);
}

void
http_reply(struct http_req *req, int status, const char *type, const void *body, size_t len)
{
	if (req->conn == NULL) {
		req_drop(req);
		return;
	}
	if (len > 0 && req_has_body(req, status))
		evbuffer_add(evhttp_request_get_output_buffer(req->ev), body, len);
	reply_whole(req, status, type, NULL, len);
}

static void
free_bytes(const void *data, size_t len, void *ctx)
{
	(void)len, (void)ctx;
	free((void *)(uintptr_t)data);
}

void
req_give_bytes(struct evbuffer *out, struct buf *bytes)
{
	size_t len = bytes->len;
	char *data = buf_take(bytes);
	if (len == 0 || evbuffer_add_reference(out, data, len, free_bytes, NULL) < 0)
		free(data);
}

void
http_reply_take(struct http_req *req, int status, const char *type, struct buf *body)
{
	if (req->conn == NULL) {
		buf_clear(body);
		req_drop(req);
		return;
	}
	size_t len = body->len;
	if (req_has_body(req, status))
		req_give_bytes(evhttp_request_get_output_buffer(req->ev), body);
	else
		buf_clear(body);
	reply_whole(req, status, type, NULL, len);
}
