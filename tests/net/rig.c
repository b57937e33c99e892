#include "rig.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

#define LIMIT_MS 20000

uint64_t
rig_deadline(void)
{
	return clock_mono_ms() + LIMIT_MS;
}

void
rig_turn(struct loop *l, uint64_t deadline, const char *condition)
{
	ck_assert_msg(clock_mono_ms() < deadline, "waited in vain for: %s", condition);
	loop_poll(l);
	poll(NULL, 0, 1); /* gives the kernel a moment; the condition decides */
}

struct netaddr
rig_address(const char *text)
{
	struct netaddr a;
	ck_assert_int_eq(netaddr_parse(&a, text), OK);
	return a;
}

struct netaddr
rig_address_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct netaddr at;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(netaddr_from_sockaddr(&at, (const struct sockaddr *)&sa), OK);
	return at;
}

int
rig_listen(struct netaddr *at)
{
	int fd;
	ck_assert_int_eq(netaddr_parse_ip(at, "127.0.0.1"), OK);
	ck_assert_int_eq(listener_open(&fd, at), OK);
	*at = rig_address_of(fd);
	return fd;
}

struct httpd_options
rig_options(void)
{
	return (struct httpd_options){
	    .max_header = 4096,
	    .max_body = 1024,
	    .header_timeout_ms = 60000,
	    .request_timeout_ms = 60000,
	    .max_connections = 64,
	};
}

static void
count_gone(void *ctx)
{
	struct rig *r = ctx;
	r->gone++;
}

static void
count_done(void *ctx)
{
	struct rig *r = ctx;
	r->done++;
}

static bool
stream_more(void *ctx, struct http_piece *piece)
{
	struct rig *r = ctx;
	char line[1000];
	if (r->is_stream_quiet)
		return true;
	size_t left = r->stream_size - r->streamed;
	size_t len = left < sizeof(line) ? left : sizeof(line);
	memset(line, 'x', len);
	buf_append(&piece->bytes, line, len);
	r->streamed += len;
	return r->streamed < r->stream_size;
}

static void
rig_handle(void *ctx, struct http_req *req)
{
	struct rig *r = ctx;
	const char *path = http_req_path(req);
	r->handled++;
	if (http_req_method(req) == HTTP_OTHER) {
		http_reply_header(req, "Allow", "GET");
		http_reply(req, 405, "application/json", "{}", 2);
	} else if (strcmp(path, "/hold") == 0) {
		r->held = req;
		http_req_on_close(req, count_gone, r);
	} else if (strcmp(path, "/stream") == 0) {
		r->held = req;
		http_reply_stream(req, 200, "text/plain", HTTP_LENGTH_UNKNOWN, stream_more, count_done, r);
	} else if (strcmp(path, "/own") == 0) {
		r->held = req;
		http_reply_stream(req, 200, "text/plain", r->own_length, r->own_more, count_done, r);
	} else if (strcmp(path, "/echo") == 0) {
		size_t len;
		const void *body = http_req_body(req, &len);
		http_reply(req, 200, "application/octet-stream", body, len);
	} else if (strcmp(path, "/query") == 0) {
		const char *a = http_req_query(req, "a");
		http_reply(req, 200, "text/plain", a != NULL ? a : "none", a != NULL ? strlen(a) : 4);
	} else if (strcmp(path, "/empty") == 0) {
		http_reply(req, 204, NULL, NULL, 0);
	} else if (strcmp(path, "/big") == 0) {
		struct buf big;
		buf_init(&big);
		memset(buf_reserve(&big, r->big_size), 'y', r->big_size);
		big.len = r->big_size;
		http_reply_take(req, 200, "text/plain", &big);
	} else {
		http_reply(req, 200, "text/plain", path, strlen(path));
	}
}

void
rig_start(struct rig *r, struct httpd_options options)
{
	log_set_level(LOG_LEVEL_ERROR);
	*r = (struct rig){.stream_size = 10 * 1000 * 1000, .big_size = 3 * 1000 * 1000};
	r->loop = loop_new();
	r->listen_fd = rig_listen(&r->at);
	r->server = httpd_new(r->loop, &options, rig_handle, r);
	ck_assert_int_eq(httpd_serve(r->server, r->listen_fd), OK);
}

void
rig_stop(struct rig *r)
{
	httpd_free(r->server);
	loop_free(r->loop);
	fd_close(&r->listen_fd);
}

void
raw_open(struct raw *c, const struct netaddr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, at);
	*c = (struct raw){.fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	ck_assert_int_ge(c->fd, 0);
	buf_init(&c->got);
	/* The kernel completes this from the listener's queue, whoever accepts later. */
	ck_assert_int_eq(connect(c->fd, (const struct sockaddr *)&sa, len), 0);
}

void
raw_close(struct raw *c)
{
	fd_close(&c->fd);
	buf_clear(&c->got);
}

void
raw_send(struct rig *r, struct raw *c, const void *data, size_t len)
{
	const char *at = data;
	uint64_t limit = rig_deadline();
	while (len > 0) {
		ssize_t n = send(c->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return; /* the server cut us, which is what the test looks at next */
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
		rig_turn(r->loop, limit, "room in the socket");
	}
}

void
raw_say(struct rig *r, struct raw *c, const char *text)
{
	raw_send(r, c, text, strlen(text));
}

void
raw_drip(struct rig *r, struct raw *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (send(c->fd, data + i, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
		loop_poll(r->loop);
	}
}

bool
raw_read(struct raw *c)
{
	while (!c->is_closed) {
		ssize_t n = recv(c->fd, buf_reserve(&c->got, 65536), 65536, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		c->is_closed = n <= 0;
		c->is_reset = n < 0;
		if (n > 0) {
			c->got.len += (size_t)n;
			c->got.data[c->got.len] = '\0';
		}
	}
	return true;
}

static const char *
raw_text(const struct raw *c)
{
	return c->got.len > 0 ? c->got.data : "";
}

int
raw_status(const struct raw *c)
{
	const char *text = raw_text(c);
	return strncmp(text, "HTTP/1.", 7) == 0 && strstr(text, "\r\n\r\n") != NULL ? atoi(text + 9) : 0;
}

size_t
raw_count(const struct raw *c, const char *text)
{
	size_t count = 0;
	for (const char *at = raw_text(c); (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

const char *
raw_body(const struct raw *c)
{
	const char *end = strstr(raw_text(c), "\r\n\r\n");
	return end != NULL ? end + 4 : "";
}

bool
raw_is_whole(const struct raw *c)
{
	const char *length = strstr(raw_text(c), "Content-Length: ");
	const char *body = raw_body(c);
	if (*body == '\0' || length == NULL || length > body)
		return false;
	return strlen(body) >= (size_t)atol(length + strlen("Content-Length: "));
}

void
rig_meet(struct rig *r, struct raw *c, struct httpd_options options)
{
	rig_start(r, options);
	raw_open(c, &r->at);
}

void
rig_part(struct rig *r, struct raw *c)
{
	raw_close(c);
	rig_until(r, httpd_connections(r->server) == 0);
	rig_stop(r);
}

struct httpd_options
rig_hasty_options(void)
{
	struct httpd_options options = rig_options();
	options.header_timeout_ms = 60;
	options.request_timeout_ms = 120;
	return options;
}
