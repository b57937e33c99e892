/*
 * The client on an evhttp connection. evhttp calls back from the middle of its work, sometimes before
 * evhttp_make_request has even returned, and a connection must not be freed there; so its callbacks only note what
 * happened, and the caller is told from the loop, on a clean stack, where it may do as it likes.
 *
 * One deadline covers a request. A connection that served before may have been closed by the server meanwhile: if it
 * ends before a byte of the reply came, the request is sent once more on a new one.
 *
 * evhttp caps the header and the body of a reply, but keeps or passes over without end what stands around them: a line
 * with the size of a chunk, empty lines for one, "100 Continue" again and again. So the bytes themselves are counted as
 * they come. A reply whose length is told in two ways, or whose body is encoded, is none that was asked for.
 */
#include "net/httpc.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "loop_base.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/mem.h"

#define MAX_REPLY_HEADER (16 * 1024)
#define MAX_AROUND_BODY (4 * MAX_REPLY_HEADER) /* bytes of a reply besides its body and as much again for chunks */
#define WRITE_MAX (256 * 1024)
#define EVHTTP_TIMEOUT_S (24 * 3600) /* evhttp's own are for each step; the deadline for all is ours */

/* A copy of what the caller asked for, kept until the reply so that it can be sent again. */
struct order {
	enum http_method method;
	char *path;
	struct buf body;
	char **headers; /* name, value, …, NULL */
	size_t max_reply;
	uint32_t timeout_ms;
	httpc_piece *piece;
	void *piece_ctx;
	httpc_done *done;
	void *ctx;
};

struct httpc {
	struct loop *loop;
	struct netaddr to;
	struct netaddr from;
	bool has_from;
	char *host;
	struct evhttp_connection *evcon; /* NULL: none kept */
	bool has_served;		 /* the open socket has brought a reply before */
	bool is_on_kept;		 /* the request in hand went out on such a socket */
	size_t came;			 /* bytes of the reply, whatever they mean */
	bool is_too_long;		 /* more than any reply that is allowed can have */
	bool is_busy;
	int enough_status; /* of the reply of whose parts no more were wanted; 0: none was */
	struct order order;
	enum err error;		      /* how the request ended */
	struct evhttp_request *reply; /* ours once it came, NULL before and on errors */
	struct loop_timer *deadline;
	struct loop_timer *finish; /* tells the caller */
};

static uint64_t traffic_sent, traffic_received;

void
httpc_traffic(uint64_t *sent, uint64_t *received)
{
	*sent = traffic_sent;
	*received = traffic_received;
}

static enum err
method_of(enum evhttp_cmd_type *out, enum http_method method)
{
	static const enum evhttp_cmd_type types[] = {
	    [HTTP_GET] = EVHTTP_REQ_GET, [HTTP_HEAD] = EVHTTP_REQ_HEAD,	    [HTTP_POST] = EVHTTP_REQ_POST,
	    [HTTP_PUT] = EVHTTP_REQ_PUT, [HTTP_DELETE] = EVHTTP_REQ_DELETE, [HTTP_OPTIONS] = EVHTTP_REQ_OPTIONS,
	};
	if ((size_t)method >= ARRAY_LEN(types))
		return ERR_ARG;
	*out = types[method];
	return OK;
}

static bool
is_path(const char *path)
{
	for (const char *c = path; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return false;
	return *path == '/';
}

static size_t
headers_count(const char *const *headers)
{
	size_t n = 0;
	while (headers != NULL && headers[n] != NULL)
		n++;
	return n;
}

static void
order_clear(struct order *o)
{
	free(o->path);
	buf_clear(&o->body);
	for (size_t i = 0; o->headers != NULL && o->headers[i] != NULL; i++)
		free(o->headers[i]);
	free(o->headers);
	*o = (struct order){0};
}

static enum err
order_copy(struct order *o, const struct httpc_request *request)
{
	enum evhttp_cmd_type type;
	size_t count = headers_count(request->headers);
	if (method_of(&type, request->method) != OK || !is_path(request->path) || count % 2 != 0)
		return ERR_ARG;
	for (size_t i = 0; i < count; i++)
		if (strpbrk(request->headers[i], "\r\n") != NULL)
			return ERR_ARG;
	*o = (struct order){.method = request->method,
			    .max_reply = request->max_reply,
			    .timeout_ms = request->timeout_ms,
			    .piece = request->piece,
			    .piece_ctx = request->piece_ctx};
	o->path = xstrdup(request->path);
	buf_init(&o->body);
	if (request->body_len > 0)
		buf_append(&o->body, request->body, request->body_len);
	o->headers = xcalloc(count + 3, sizeof(*o->headers));
	for (size_t i = 0; i < count; i++)
		o->headers[i] = xstrdup(request->headers[i]);
	if (request->content_type != NULL) {
		o->headers[count] = xstrdup("Content-Type");
		o->headers[count + 1] = xstrdup(request->content_type);
	}
	return OK;
}

/* Forgets the connection and whatever is under way on it; evhttp calls nothing back for that. */
static void
httpc_disconnect(struct httpc *c)
{
	if (c->evcon != NULL)
		evhttp_connection_free(c->evcon);
	c->evcon = NULL;
	c->has_served = false;
}

static void
on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *ctx)
{
	(void)input;
	struct httpc *c = ctx;
	size_t max = MAX_AROUND_BODY + 2 * c->order.max_reply;
	traffic_received += info->n_added;
	c->came += info->n_added;
	if (!c->is_busy || c->came <= max || c->is_too_long)
		return;
	c->is_too_long = true;
	loop_timer_arm(c->deadline, 0);
}

/* The flag is for as long as we write: left on, it would make evhttp wait for more behind the end of a broken reply. */
static void
on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *ctx)
{
	struct httpc *c = ctx;
	traffic_sent += info->n_deleted;
	if (info->n_deleted > 0 && evbuffer_get_length(output) == 0 && c->evcon != NULL)
		evhttp_connection_set_flags(c->evcon, 0);
}

static void
on_socket_closed(struct evhttp_connection *evcon, void *ctx)
{
	(void)evcon;
	struct httpc *c = ctx;
	c->has_served = false;
}

static enum err
httpc_connect(struct httpc *c)
{
	char text[NETADDR_TEXT_SIZE];
	struct bufferevent *bev = bufferevent_socket_new(loop_base(c->loop), -1, 0);
	if (bev == NULL)
		return ERR_NOMEM;
	netaddr_format_ip(text, &c->to);
	c->evcon = evhttp_connection_base_bufferevent_new(loop_base(c->loop), NULL, bev, text, c->to.port);
	if (c->evcon == NULL) {
		bufferevent_free(bev);
		return ERR_NOMEM;
	}
	evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
	evbuffer_add_cb(bufferevent_get_output(bev), on_output, c);
	bufferevent_set_max_single_write(bev, WRITE_MAX);
	evhttp_connection_set_closecb(c->evcon, on_socket_closed, c);
	evhttp_connection_set_timeout(c->evcon, EVHTTP_TIMEOUT_S);
	evhttp_connection_set_max_headers_size(c->evcon, MAX_REPLY_HEADER);
	if (c->has_from) {
		netaddr_format_ip(text, &c->from);
		evhttp_connection_set_local_address(c->evcon, text);
	}
	return OK;
}

static void
httpc_end(struct httpc *c, enum err error)
{
	c->error = error;
	loop_timer_arm(c->finish, 0);
}

static void
on_error(enum evhttp_request_error error, void *ctx)
{
	struct httpc *c = ctx;
	switch (error) {
	case EVREQ_HTTP_DATA_TOO_LONG:
		c->error = ERR_LIMIT;
		break;
	case EVREQ_HTTP_INVALID_HEADER:
		c->error = ERR_FORMAT;
		break;
	case EVREQ_HTTP_TIMEOUT:
		c->error = ERR_TIMEOUT;
		break;
	default:
		c->error = ERR_CLOSED;
		break;
	}
}

static void
on_reply(struct evhttp_request *ev, void *ctx)
{
	struct httpc *c = ctx;
	/* NULL, or a request without a status: it failed, and on_error may have told how. */
	if (ev == NULL || evhttp_request_get_response_code(ev) == 0) {
		httpc_end(c, c->error);
		return;
	}
	evhttp_request_own(ev);
	c->reply = ev;
	httpc_end(c, OK);
}

/* A part of the body. evhttp throws it away when this returns. */
static void
on_piece(struct evhttp_request *ev, void *ctx)
{
	struct httpc *c = ctx;
	struct evbuffer *in = evhttp_request_get_input_buffer(ev);
	const void *data = evbuffer_pullup(in, -1);
	if (c->enough_status != 0 || data == NULL)
		return;
	loop_timer_arm(c->deadline, c->order.timeout_ms);
	/* What was taken does not count any more: a stream has no end, but each of its parts has. */
	c->came = 1;
	c->is_too_long = false;
	if (c->order.piece(c->order.piece_ctx, data, evbuffer_get_length(in)))
		return;
	c->enough_status = evhttp_request_get_response_code(ev);
	httpc_end(c, OK);
}

/* The head of a reply came whose body is wanted in parts; that of an error is not, and keeps its limit. */
static int
on_head(struct evhttp_request *ev, void *ctx)
{
	struct httpc *c = ctx;
	int status = evhttp_request_get_response_code(ev);
	if (status >= 200 && status <= 299) {
		evhttp_request_set_chunked_cb(ev, on_piece);
		evhttp_connection_set_max_body_size(c->evcon, -1);
	}
	return 0;
}

static void
add_headers(const struct httpc *c, struct evhttp_request *ev)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(ev);
	const struct order *o = &c->order;
	char length[24];
	evhttp_add_header(out, "Host", c->host);
	if (o->body.len > 0 || o->method == HTTP_POST || o->method == HTTP_PUT) {
		snprintf(length, sizeof(length), "%zu", o->body.len);
		evhttp_add_header(out, "Content-Length", length);
	}
	for (size_t i = 0; o->headers[i] != NULL; i += 2)
		evhttp_add_header(out, o->headers[i], o->headers[i + 1]);
}

/* Sends the order on the kept connection or a new one. */
static void
httpc_start(struct httpc *c)
{
	static const int on = 1;
	c->is_on_kept = c->has_served;
	c->came = 0;
	c->is_too_long = false;
	c->enough_status = 0;
	c->error = ERR_CLOSED;
	if (c->evcon == NULL && httpc_connect(c) != OK) {
		httpc_end(c, ERR_NOMEM);
		return;
	}
	evhttp_connection_set_max_body_size(c->evcon, (ev_ssize_t)c->order.max_reply);
	/* A server that refuses a long body may say why, and close, while we still write. */
	evhttp_connection_set_flags(c->evcon, EVHTTP_CON_READ_ON_WRITE_ERROR);
	struct evhttp_request *ev = evhttp_request_new(on_reply, c);
	if (ev == NULL) {
		httpc_end(c, ERR_NOMEM);
		return;
	}
	evhttp_request_set_error_cb(ev, on_error);
	if (c->order.piece != NULL)
		evhttp_request_set_header_cb(ev, on_head);
	add_headers(c, ev);
	if (c->order.body.len > 0)
		evbuffer_add(evhttp_request_get_output_buffer(ev), c->order.body.data, c->order.body.len);
	enum evhttp_cmd_type type = EVHTTP_REQ_GET;
	if (method_of(&type, c->order.method) != OK || evhttp_make_request(c->evcon, ev, type, c->order.path) < 0) {
		/* No socket, or no such local address. evhttp has forgotten the request without freeing it. */
		evhttp_request_free(ev);
		httpc_end(c, ERR_CLOSED);
		return;
	}
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(c->evcon));
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* The value of a header that stands there once, "" without it, NULL if it stands there more often. */
static const char *
header_once(struct evhttp_request *ev, const char *name)
{
	const char *value = "";
	unsigned count = 0;
	for (struct evkeyval *h = evhttp_request_get_input_headers(ev)->tqh_first; h != NULL; h = h->next.tqe_next)
		if (strcasecmp(h->key, name) == 0) {
			value = h->value;
			count++;
		}
	return count <= 1 ? value : NULL;
}

/* Is there one way to read it, and is that its plain body? */
static bool
is_plain(struct evhttp_request *ev)
{
	const char *length = header_once(ev, "Content-Length"), *coding = header_once(ev, "Content-Encoding"),
		   *transfer = header_once(ev, "Transfer-Encoding");
	int status = evhttp_request_get_response_code(ev);
	if (status < 200 || status > 599 || length == NULL || coding == NULL || transfer == NULL)
		return false;
	if (length[strspn(length, "0123456789")] != '\0')
		return false;
	if (transfer[0] != '\0' && (length[0] != '\0' || strcasecmp(transfer, "chunked") != 0))
		return false;
	return coding[0] == '\0' || strcasecmp(coding, "identity") == 0;
}

/* A reply that ended early, or left something behind, says that the connection is no good. */
static bool
is_reusable(const struct httpc *c)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(c->evcon);
	return c->reply != NULL && bufferevent_getfd(bev) >= 0 && evbuffer_get_length(bufferevent_get_input(bev)) == 0;
}

/* What evhttp has of it; its pieces are borrowed. */
static void
read_reply(struct httpc_reply *reply, struct evhttp_request *ev)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(ev);
	const char *type = evhttp_find_header(evhttp_request_get_input_headers(ev), "Content-Type");
	size_t len = evbuffer_get_length(body);
	reply->status = evhttp_request_get_response_code(ev);
	if (!is_plain(ev)) {
		reply->error = ERR_FORMAT;
		return;
	}
	if (type != NULL)
		reply->content_type = type;
	if (len == 0)
		return;
	reply->body = evbuffer_pullup(body, -1);
	if (reply->body != NULL)
		reply->len = len;
	else
		*reply = (struct httpc_reply){.error = ERR_NOMEM, .content_type = "", .body = ""};
}

static void
httpc_finish(void *ctx)
{
	struct httpc *c = ctx;
	if (c->error == ERR_CLOSED && c->is_on_kept && c->came == 0) {
		httpc_disconnect(c);
		httpc_start(c);
		return;
	}
	loop_timer_disarm(c->deadline);
	struct evhttp_request *ev = c->reply;
	struct httpc_reply reply = {.error = c->error, .status = c->enough_status, .content_type = "", .body = ""};
	if (c->evcon != NULL && is_reusable(c))
		c->has_served = true;
	else
		httpc_disconnect(c);
	if (ev != NULL)
		read_reply(&reply, ev);
	httpc_done *done = c->order.done;
	void *done_ctx = c->order.ctx;
	c->reply = NULL;
	c->is_busy = false;
	order_clear(&c->order);
	done(done_ctx, &reply); /* may send the next request, or free the client */
	if (ev != NULL)
		evhttp_request_free(ev);
}

static void
httpc_expire(void *ctx)
{
	struct httpc *c = ctx;
	if (c->reply != NULL || c->enough_status != 0)
		return; /* it came in this very moment */
	httpc_disconnect(c);
	httpc_end(c, c->is_too_long ? ERR_LIMIT : ERR_TIMEOUT);
}

struct httpc *
httpc_new(struct loop *l, const struct netaddr *to, const struct netaddr *from, const char *host)
{
	struct httpc *c = xcalloc(1, sizeof(*c));
	char text[NETADDR_TEXT_SIZE];
	c->loop = l;
	c->to = *to;
	if (from != NULL && from->is_v6 == to->is_v6) {
		c->from = *from;
		c->has_from = true;
	}
	netaddr_format(text, to);
	c->host = xstrdup(host != NULL ? host : text);
	c->deadline = loop_timer_new(l, httpc_expire, c);
	c->finish = loop_timer_new(l, httpc_finish, c);
	return c;
}

void
httpc_free(struct httpc *c)
{
	if (c == NULL)
		return;
	httpc_disconnect(c);
	if (c->reply != NULL)
		evhttp_request_free(c->reply);
	order_clear(&c->order);
	loop_timer_free(c->deadline);
	loop_timer_free(c->finish);
	free(c->host);
	free(c);
}

enum err
httpc_send(struct httpc *c, const struct httpc_request *request, httpc_done *done, void *ctx)
{
	if (c->is_busy)
		return ERR_BUSY;
	enum err e = order_copy(&c->order, request);
	if (e != OK)
		return e;
	c->order.done = done;
	c->order.ctx = ctx;
	c->is_busy = true;
	loop_timer_arm(c->deadline, request->timeout_ms);
	httpc_start(c);
	return OK;
}

bool
httpc_is_busy(const struct httpc *c)
{
	return c->is_busy;
}

const struct netaddr *
httpc_peer(const struct httpc *c)
{
	return &c->to;
}

struct call {
	struct loop *loop;
	struct httpc_result *out;
};

static void
call_done(void *ctx, const struct httpc_reply *reply)
{
	struct call *call = ctx;
	call->out->error = reply->error;
	call->out->status = reply->status;
	if (reply->len > 0)
		buf_append(&call->out->body, reply->body, reply->len);
	loop_stop(call->loop);
}

void
httpc_call(struct httpc_result *out, const struct netaddr *to, const char *host, const struct httpc_request *request)
{
	struct call call = {.loop = loop_new(), .out = out};
	struct httpc *c = httpc_new(call.loop, to, NULL, host);
	*out = (struct httpc_result){0};
	buf_init(&out->body);
	out->error = httpc_send(c, request, call_done, &call);
	if (out->error == OK)
		loop_run(call.loop);
	httpc_free(c);
	loop_free(call.loop);
}
