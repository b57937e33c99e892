/*
 * Replies that come piece by piece. Bytes go through evhttp's buffer and the next piece is asked for when it is empty, so
 * a reader that stalls costs one piece. A part of a file goes around that buffer: while it is on its way evhttp has
 * nothing to send and waits, and we send from the kernel's cache to the socket ourselves, whenever that is writable.
 *
 * libevent's own way to send files (evbuffer_add_file) is not used: it takes a socket that is full for one that has
 * ended, and cuts the reader off; and it sends all that the socket takes in one go, while the worker's other clients wait.
 *
 * What must stay true: bytes of a part are sent only while evhttp's buffer is empty; the event of a part does not outlive
 * its connection, whose descriptor is closed right after.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "httpd_conn.h"
#include "util/log.h"
#include "util/mem.h"

/* What a client that reads nothing costs, about. */
#define STREAM_PIECE ((size_t)64 * 1024)
/*
 * Sent at once; then the other clients have their turn. A small read that comes meanwhile waits for one step of each stream
 * of its worker. Beside two streams, the 99th of a hundred such reads took 370 us with steps of 1 MiB, and 770 in the worst of 24
 * rounds; with these 300 and 470. Whole chains cost a tenth more CPU time for it.
 */
#define PART_STEP ((size_t)256 * 1024)

/* A part of a file on its way, with what frames it in a chunked body. */
struct part {
	struct event writable;
	char edge[24]; /* bytes to be sent before anything else */
	size_t edge_len;
	size_t edge_at;
	bool has_end;	   /* its frame still needs one */
	bool is_last;	   /* the stream ends with it */
	bool is_under_way; /* else the struct waits for the next */
	int fd;
	off_t at;
	uint64_t left;
};

static bool
is_full(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* One step of a part: how many bytes of it or of its frame went, 0: the socket is full, -1: it or the file is broken. */
static ssize_t
part_step(struct part *p, int to)
{
	ssize_t n;

	if (p->edge_at < p->edge_len) {
		n = send(to, p->edge + p->edge_at, p->edge_len - p->edge_at,
			 MSG_NOSIGNAL | (p->left > 0 ? MSG_MORE : 0));
		if (n > 0)
			p->edge_at += (size_t)n;
	} else {
		n = sendfile(to, p->fd, &p->at, p->left < PART_STEP ? (size_t)p->left : PART_STEP);
		if (n == 0)
			return -1; /* the file has less */
		if (n > 0)
			p->left -= (uint64_t)n;
	}
	return n >= 0 ? n : is_full() ? 0 : -1;
}

/* Is anything of it left? Behind its last byte comes the end of its frame. */
static bool
part_goes_on(struct part *p)
{
	if (p->left == 0 && p->edge_at == p->edge_len && p->has_end) {
		p->edge_len = (size_t)snprintf(p->edge, sizeof(p->edge), "\r\n");
		p->edge_at = 0;
		p->has_end = false;
	}
	return p->left > 0 || p->edge_at < p->edge_len;
}

static void
stream_end(struct http_req *req)
{
	loop_callback *done = req->done;
	void *ctx = req->stream_ctx;

	req->state = REQ_ANSWERED;
	evhttp_send_reply_end(req->ev); /* may free the request and the connection */
	done(ctx);
}

/* On a clean stack: here the request and its connection may end. */
static void
on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct http_req *req = ctx;
	struct part *p = req->part;
	ssize_t n;

	(void)what;
	if (evbuffer_get_length(bufferevent_get_output(req->conn->bev)) > 0)
		return; /* evhttp's turn: it has been told as well */
	if ((n = part_step(p, fd)) < 0) {
		conn_reset(req->conn);
		return;
	}
	if (n > 0)
		conn_moved(req->conn);
	if (part_goes_on(p))
		return;
	event_del(&p->writable);
	p->is_under_way = false;
	if (p->is_last)
		stream_end(req);
	else
		req_pump(req);
}

static void
part_begin(struct http_req *req, const struct http_piece *piece, bool is_last)
{
	struct part *p = req->part;

	if (p == NULL) {
		p = req->part = xcalloc(1, sizeof(*p));
		event_assign(&p->writable, loop_base(req->conn->server->loop), req->conn->fd, EV_WRITE | EV_PERSIST,
			     on_writable, req);
	}
	p->fd = piece->fd;
	p->at = (off_t)piece->at;
	p->left = piece->len;
	p->edge_at = p->edge_len = 0;
	if (req->is_chunked)
		p->edge_len = (size_t)snprintf(p->edge, sizeof(p->edge), "%" PRIx64 "\r\n", piece->len);
	p->has_end = req->is_chunked;
	p->is_last = is_last;
	p->is_under_way = true;
	event_add(&p->writable, NULL);
}

void
part_end(struct http_req *req)
{
	struct part *p = req->part;

	if (p == NULL)
		return;
	event_del(&p->writable);
	if (p->is_under_way)
		req->body_out -= p->left;
	p->is_under_way = false;
}

static void
on_taken(struct evhttp_connection *evcon, void *ctx)
{
	(void)evcon;
	struct http_req *req = ctx;

	if (req->part == NULL || !req->part->is_under_way)
		req_pump(req);
}

void
req_pump(struct http_req *req)
{
	struct conn *c = req->conn;
	struct http_piece piece = {.len = 0};
	bool is_more = true;

	buf_init(&piece.bytes);
	while (is_more && piece.bytes.len < STREAM_PIECE && piece.len == 0) {
		size_t before = piece.bytes.len;
		is_more = req->more(req->stream_ctx, &piece);
		if (piece.bytes.len == before)
			break;
	}
	req->body_out += piece.bytes.len + piece.len;
	req->is_asleep = is_more && piece.bytes.len == 0 && piece.len == 0;
	req->has_waited |= req->is_asleep;
	if (!req->is_asleep)
		conn_set_state(c, CONN_REPLY);
	else
		c->deadline_ms = 0;
	struct evbuffer *out = piece.bytes.len > 0 ? evbuffer_new() : NULL;
	if (out != NULL) {
		req_give_bytes(out, &piece.bytes);
		evhttp_send_reply_chunk_with_cb(req->ev, out, on_taken, req);
		evbuffer_free(out);
	}
	buf_clear(&piece.bytes);
	if (piece.len > 0)
		part_begin(req, &piece, !is_more);
	else if (!is_more)
		stream_end(req);
}

void
http_reply_stream(struct http_req *req, int status, const char *type, uint64_t length, http_more *more,
		  loop_callback *done, void *ctx)
{
	char text[24];

	if (!req_reply_begin(req, type)) {
		req_drop(req);
		done(ctx);
		return;
	}
	if (length != HTTP_LENGTH_UNKNOWN) {
		snprintf(text, sizeof(text), "%" PRIu64, length);
		evhttp_add_header(evhttp_request_get_output_headers(req->ev), "Content-Length", text);
	} else if (req->minor == 0) {
		/* HTTP/1.0 knows no chunks: the end of the body is the end of the connection. */
		req_make_last(req);
	}
	req->is_chunked = length == HTTP_LENGTH_UNKNOWN && req->minor > 0;
	req->status = status;
	evhttp_send_reply_start(req->ev, status, http_status_text(status));
	if (!req_has_body(req, status)) {
		req->state = REQ_ANSWERED;
		evhttp_send_reply_end(req->ev);
		done(ctx);
		return;
	}
	req->state = REQ_STREAMING;
	req->more = more;
	req->done = done;
	req->stream_ctx = ctx;
	req_pump(req);
}

void
http_reply_wake(struct http_req *req)
{
	if (req->conn != NULL)
		conn_wake(req->conn);
}

void
http_reply_cut(struct http_req *req)
{
	if (req->conn != NULL)
		conn_reset(req->conn);
}
