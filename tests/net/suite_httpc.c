/*
 * The client against servers that misbehave in every way, each a raw socket that the test plays by hand, and against
 * our own server.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/httpc.h"
#include "rig.h"
#include "suites.h"
#include "util/file.h"
#include "util/mem.h"

static struct rig r;
static struct httpc *client;

/* What the last reply was. */
static struct {
	unsigned count;
	enum err error;
	int status;
	char type[64];
	struct buf body;
} got;

static void
note(void *ctx, const struct httpc_reply *reply)
{
	(void)ctx;
	got.count++;
	got.error = reply->error;
	got.status = reply->status;
	snprintf(got.type, sizeof(got.type), "%s", reply->content_type);
	buf_reset(&got.body);
	if (reply->len > 0)
		buf_append(&got.body, reply->body, reply->len);
}

static void
forget(void)
{
	memset(&got, 0, sizeof(got));
}

static const struct httpc_request plain = {
    .method = HTTP_GET, .path = "/a", .max_reply = 1000 * 1000, .timeout_ms = 20000};
static const struct httpc_request hasty = {.method = HTTP_GET, .path = "/a", .max_reply = 1000, .timeout_ms = 100};

static void
send_and_wait(const struct httpc_request *request)
{
	unsigned before = got.count;
	ck_assert_int_eq(httpc_send(client, request, note, NULL), OK);
	ck_assert_uint_eq(got.count, before); /* never from within */
	ck_assert(httpc_is_busy(client));
	rig_until(&r, got.count == before + 1);
	ck_assert(!httpc_is_busy(client));
}

static void
start(void)
{
	rig_start(&r, rig_options());
	client = httpc_new(r.loop, &r.at, NULL, NULL);
}

static void
stop(void)
{
	httpc_free(client);
	buf_clear(&got.body);
	rig_stop(&r);
}

/* A server by hand: the listener stays, the test accepts. */
static void
start_by_hand(void)
{
	r = (struct rig){.loop = loop_new()};
	r.listen_fd = rig_listen(&r.at);
	client = httpc_new(r.loop, &r.at, NULL, "example.org");
}

static void
stop_by_hand(void)
{
	httpc_free(client);
	buf_clear(&got.body);
	loop_free(r.loop);
	fd_close(&r.listen_fd);
}

static struct raw
accept_one(void)
{
	struct raw server = {.fd = -1};
	buf_init(&server.got);
	rig_until(&r, (server.fd = accept(r.listen_fd, NULL, NULL)) >= 0);
	return server;
}

static void
read_request(struct raw *server, unsigned count)
{
	rig_until(&r, raw_read(server) && raw_count(server, "\r\n\r\n") == count);
}

START_TEST(gets_the_reply_of_a_server)
{
	start();
	send_and_wait(&plain);
	ck_assert_int_eq(got.error, OK);
	ck_assert_int_eq(got.status, 200);
	ck_assert_str_eq(got.type, "text/plain");
	ck_assert_str_eq(got.body.data, "/a");
	ck_assert(netaddr_equal(httpc_peer(client), &r.at));
	stop();
}
END_TEST

START_TEST(keeps_its_connection)
{
	start();
	for (int i = 0; i < 3; i++)
		send_and_wait(&plain);
	ck_assert_uint_eq(httpd_connections(r.server), 1);
	ck_assert_uint_eq(r.handled, 3);
	stop();
}
END_TEST

START_TEST(sends_what_it_was_asked_to)
{
	static const char *const headers[] = {"X-One", "1", "X-Two", "2", NULL};
	start_by_hand();
	struct httpc_request request = plain;
	request.method = HTTP_PUT;
	request.path = "/p?q=1";
	request.body = "abc";
	request.body_len = 3;
	request.content_type = "text/plain";
	request.headers = headers;
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), OK);
	struct raw server = accept_one();
	rig_until(&r, raw_read(&server) && raw_count(&server, "\r\n\r\nabc") == 1);
	ck_assert_str_eq(server.got.data, "PUT /p?q=1 HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n"
					  "X-One: 1\r\nX-Two: 2\r\nContent-Type: text/plain\r\n\r\nabc");
	raw_say(&r, &server, "HTTP/1.1 204 No Content\r\n\r\n");
	rig_until(&r, got.count == 1);
	ck_assert_int_eq(got.status, 204);
	ck_assert_str_eq(got.type, "");
	raw_close(&server);
	stop_by_hand();
}
END_TEST

START_TEST(carries_a_large_body_both_ways)
{
	struct httpd_options options = rig_options();
	options.max_body = 3 * 1000 * 1000;
	rig_start(&r, options);
	client = httpc_new(r.loop, &r.at, NULL, NULL);
	struct httpc_request request = plain;
	char *body = xmalloc(options.max_body);
	memset(body, 'z', options.max_body);
	request.method = HTTP_POST;
	request.path = "/echo";
	request.body = body;
	request.body_len = options.max_body;
	request.max_reply = options.max_body;
	send_and_wait(&request);
	ck_assert_int_eq(got.error, OK);
	ck_assert_uint_eq(got.body.len, options.max_body);
	ck_assert_mem_eq(got.body.data, body, options.max_body);
	free(body);
	stop();
}
END_TEST

START_TEST(reads_the_refusal_of_a_body_that_is_too_large)
{
	start();
	char *body = xcalloc(1, 1000 * 1000);
	struct httpc_request request = plain;
	request.method = HTTP_POST;
	request.body = body;
	request.body_len = 1000 * 1000;
	send_and_wait(&request);
	ck_assert_int_eq(got.error, OK);
	ck_assert_int_eq(got.status, 413);
	free(body);
	send_and_wait(&plain);
	ck_assert_int_eq(got.status, 200);
	stop();
}
END_TEST

START_TEST(refuses_requests_that_would_break_the_protocol)
{
	static const char *const odd[] = {"X-One", NULL};
	static const char *const broken[] = {"X-One", "1\r\nX-Two: 2", NULL};
	static const char *const paths[] = {"", "a", "/a b", "/a\r\nX: y", "/\xc3\xa4", "http://x/"};
	start();
	struct httpc_request request = plain;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		request.path = paths[i];
		ck_assert_int_eq(httpc_send(client, &request, note, NULL), ERR_ARG);
	}
	request = plain;
	request.headers = odd;
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), ERR_ARG);
	request.headers = broken;
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), ERR_ARG);
	request = plain;
	request.method = HTTP_OTHER;
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), ERR_ARG);
	ck_assert(!httpc_is_busy(client));
	stop();
}
END_TEST

START_TEST(takes_one_request_at_a_time)
{
	start();
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), ERR_BUSY);
	rig_until(&r, got.count == 1);
	stop();
}
END_TEST

START_TEST(says_closed_when_refused)
{
	start_by_hand();
	fd_close(&r.listen_fd);
	send_and_wait(&plain);
	ck_assert_int_eq(got.error, ERR_CLOSED);
	send_and_wait(&plain);
	ck_assert_int_eq(got.error, ERR_CLOSED);
	stop_by_hand();
}
END_TEST

START_TEST(says_timeout_when_the_server_is_silent)
{
	start_by_hand();
	send_and_wait(&hasty); /* the kernel accepts, nobody answers */
	ck_assert_int_eq(got.error, ERR_TIMEOUT);
	send_and_wait(&hasty);
	ck_assert_int_eq(got.error, ERR_TIMEOUT);
	stop_by_hand();
}
END_TEST

START_TEST(cuts_a_server_that_drips)
{
	static const char *const starts[] = {"HTTP/1.1 200 OK\r\nX: ",
					     "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"};
	start_by_hand();
	ck_assert_int_eq(httpc_send(client, &hasty, note, NULL), OK);
	struct raw server = accept_one();
	raw_say(&r, &server, starts[_i]);
	uint64_t limit = rig_deadline();
	while (got.count == 0) {
		(void)!send(server.fd, "a", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		rig_turn(r.loop, limit, "the deadline");
	}
	ck_assert_int_eq(got.error, ERR_TIMEOUT);
	rig_until(&r, raw_read(&server) && server.is_closed);
	raw_close(&server);
	stop_by_hand();
}
END_TEST

static const struct {
	const char *reply; /* after which the server closes */
	enum err error;
	int status;
	const char *body;
} replies[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", OK, 200, "ab"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabtrailing", OK, 200, "ab"},
    {"HTTP/1.0 200 OK\r\n\r\nabc", OK, 200, "abc"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", OK, 200, "ab"},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", OK, 404, ""},
    {"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", OK, 302, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", ERR_CLOSED, 0, ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", ERR_CLOSED, 0, ""},
    {"HTTP/1.1 200 OK\r\nContent-Le", ERR_CLOSED, 0, ""},
    {"", ERR_CLOSED, 0, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", ERR_LIMIT, 0, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", ERR_LIMIT, 0, ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", ERR_LIMIT, 0, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ERR_FORMAT, 0, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab", ERR_FORMAT, 200, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nab", ERR_FORMAT, 200, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", ERR_FORMAT, 200, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", ERR_FORMAT, 0,
     ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: gzip\r\n\r\nab", ERR_FORMAT, 0, ""},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab", ERR_FORMAT, 200, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\nab", ERR_FORMAT, 200, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: identity\r\n\r\nab", OK, 200, "ab"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", OK, 200, "ab"},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", ERR_FORMAT, 0, ""},
    {"SSH-2.0-OpenSSH_9.2\r\n", ERR_FORMAT, 0, ""},
    {"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", ERR_FORMAT, 99, ""},
    {"HTTP/1.1 103 Early Hints\r\n\r\n", ERR_FORMAT, 103, ""},
};

START_TEST(judges_replies)
{
	start_by_hand();
	struct httpc_request request = plain;
	request.max_reply = 1000;
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), OK);
	struct raw server = accept_one();
	read_request(&server, 1);
	raw_say(&r, &server, replies[_i].reply);
	shutdown(server.fd, SHUT_WR);
	rig_until(&r, got.count == 1);
	ck_assert_msg(got.error == replies[_i].error, "%s: %s", replies[_i].reply, err_text(got.error));
	ck_assert_int_eq(got.status, replies[_i].status);
	ck_assert_str_eq(got.body.data != NULL ? got.body.data : "", replies[_i].body);
	raw_close(&server);
	/* Whatever it was, the next request is served. */
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), OK);
	server = accept_one();
	read_request(&server, 1);
	raw_say(&r, &server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
	rig_until(&r, got.count == 2);
	ck_assert_int_eq(got.error, OK);
	ck_assert_str_eq(got.body.data, "!");
	raw_close(&server);
	stop_by_hand();
}
END_TEST

static const struct {
	const char *start;
	const char *more; /* over and over; NULL: a byte that ends nothing */
	enum err error;
} endless[] = {
    {"HTTP/1.0 200 OK\r\n\r\n", NULL, ERR_LIMIT},
    {"HTTP/1.1 200 OK\r\nX: ", NULL, ERR_FORMAT},
    /* What evhttp keeps or forgets without counting it. */
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=", NULL, ERR_LIMIT},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n", ERR_LIMIT},
    {"", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n", ERR_LIMIT},
};

START_TEST(cuts_a_reply_without_end_at_the_cap)
{
	static char flood[65536];
	size_t piece = endless[_i].more != NULL ? strlen(endless[_i].more) : 1, len = sizeof(flood) / piece * piece,
	       sent = 0, at = 0;
	for (size_t i = 0; i < len; i++)
		flood[i] = endless[_i].more != NULL ? endless[_i].more[i % piece] : 'x';
	start_by_hand();
	struct httpc_request request = plain;
	request.max_reply = 1000;
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), OK);
	struct raw server = accept_one();
	raw_say(&r, &server, endless[_i].start);
	uint64_t limit = rig_deadline();
	while (got.count == 0) {
		ssize_t n = send(server.fd, flood + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			at = (at + (size_t)n) % len;
		}
		/* What the kernel holds is not ours; far more than that was read. */
		ck_assert_msg(sent < 64u << 20, "no cap on a reply that goes on after %s", endless[_i].start);
		rig_turn(r.loop, limit, "the cap");
	}
	ck_assert_int_eq(got.error, endless[_i].error);
	raw_close(&server);
	stop_by_hand();
}
END_TEST

static void
serve_one(struct raw *server)
{
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	*server = accept_one();
	read_request(server, 1);
	raw_say(&r, server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
	rig_until(&r, got.count == 1);
}

START_TEST(repeats_a_request_once_on_a_kept_connection_gone_stale)
{
	struct raw server;
	start_by_hand();
	serve_one(&server);
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	read_request(&server, 2);
	raw_close(&server); /* at the very moment that the request came */
	server = accept_one();
	read_request(&server, 1);
	raw_say(&r, &server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
	rig_until(&r, got.count == 2);
	ck_assert_int_eq(got.error, OK);
	ck_assert_str_eq(got.body.data, "2");

	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	read_request(&server, 2);
	raw_close(&server);
	server = accept_one();
	read_request(&server, 1);
	raw_close(&server); /* a new connection that fails is the server's last word */
	rig_until(&r, got.count == 3);
	ck_assert_int_eq(got.error, ERR_CLOSED);
	stop_by_hand();
}
END_TEST

START_TEST(connects_anew_when_the_kept_connection_was_closed_between_requests)
{
	struct raw server;
	start_by_hand();
	serve_one(&server);
	raw_close(&server);
	for (int i = 0; i < 5; i++)
		rig_turn(r.loop, rig_deadline(), "");
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	server = accept_one();
	read_request(&server, 1);
	raw_say(&r, &server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
	rig_until(&r, got.count == 2);
	ck_assert_str_eq(got.body.data, "2");
	raw_close(&server);
	stop_by_hand();
}
END_TEST

START_TEST(does_not_repeat_once_a_byte_of_the_reply_came)
{
	struct raw server;
	start_by_hand();
	serve_one(&server);
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	read_request(&server, 2);
	raw_say(&r, &server, "H");
	raw_close(&server);
	rig_until(&r, got.count == 2);
	ck_assert_int_eq(got.error, ERR_CLOSED);
	ck_assert_int_lt(accept(r.listen_fd, NULL, NULL), 0); /* nobody else came */
	stop_by_hand();
}
END_TEST

START_TEST(connects_from_the_address_it_was_given)
{
	start_by_hand();
	httpc_free(client);
	struct netaddr from = rig_address("127.0.0.77:1");
	client = httpc_new(r.loop, &r.at, &from, NULL);
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct netaddr peer;
	struct raw server = accept_one();
	ck_assert_int_eq(getpeername(server.fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(netaddr_from_sockaddr(&peer, (const struct sockaddr *)&sa), OK);
	ck_assert(netaddr_same_ip(&peer, &from));
	raw_close(&server);
	rig_until(&r, got.count == 1);
	httpc_free(client);
	from = rig_address("192.0.2.1:1"); /* nobody's address: it cannot be ours */
	client = httpc_new(r.loop, &r.at, &from, NULL);
	send_and_wait(&plain);
	ck_assert_int_eq(got.error, ERR_CLOSED);
	stop_by_hand();
}
END_TEST

static void
free_client(void *ctx, const struct httpc_reply *reply)
{
	httpc_free(client);
	client = NULL;
	note(ctx, reply);
}

static void
send_again(void *ctx, const struct httpc_reply *reply)
{
	ck_assert_int_eq(httpc_send(client, &plain, note, NULL), OK);
	note(ctx, reply);
}

START_TEST(may_be_freed_or_used_again_by_the_callback)
{
	start();
	ck_assert_int_eq(httpc_send(client, &plain, send_again, NULL), OK);
	rig_until(&r, got.count == 2);
	ck_assert_uint_eq(httpd_connections(r.server), 1);
	ck_assert_int_eq(httpc_send(client, &plain, free_client, NULL), OK);
	rig_until(&r, got.count == 3);
	ck_assert_str_eq(got.body.data, "/a");
	ck_assert_ptr_null(client);

	struct netaddr nobody = r.at;
	nobody.ip[3] = 99; /* another loopback address: the port is not listened on there */
	client = httpc_new(r.loop, &nobody, NULL, NULL);
	ck_assert_int_eq(httpc_send(client, &plain, free_client, NULL), OK);
	rig_until(&r, got.count == 4);
	ck_assert_int_eq(got.error, ERR_CLOSED);
	stop();
}
END_TEST

START_TEST(drops_a_request_in_flight_without_a_call)
{
	start();
	struct httpc_request request = plain;
	request.path = "/hold";
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), OK);
	httpc_free(client); /* while it connects */
	client = httpc_new(r.loop, &r.at, NULL, NULL);
	ck_assert_int_eq(httpc_send(client, &request, note, NULL), OK);
	rig_until(&r, r.held != NULL);
	httpc_free(client);
	client = NULL;
	rig_until(&r, r.gone == 1);
	ck_assert_uint_eq(got.count, 0);
	http_reply(r.held, 200, NULL, NULL, 0);
	stop();
}
END_TEST

/* Of a body in parts. */
static struct {
	size_t bytes, parts, enough; /* enough: after so many bytes */
} taken;

static bool
take(void *ctx, const void *data, size_t len)
{
	ck_assert_ptr_eq(ctx, &taken);
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(((const char *)data)[i], 'x');
	taken.bytes += len;
	taken.parts++;
	return taken.bytes < taken.enough;
}

/* A server that streams so many bytes, and the request for them; they are wanted until there are enough. */
static struct httpc_request
start_stream(size_t size, size_t enough)
{
	start();
	taken.bytes = taken.parts = 0;
	taken.enough = enough;
	r.stream_size = size;
	return (struct httpc_request){.method = HTTP_GET,
				      .path = "/stream",
				      .max_reply = 1000,
				      .timeout_ms = 20000,
				      .piece = take,
				      .piece_ctx = &taken};
}

START_TEST(takes_a_body_in_parts_beyond_any_limit)
{
	struct httpc_request stream = start_stream(5000000, SIZE_MAX);
	send_and_wait(&stream);
	ck_assert(got.error == OK && got.status == 200 && got.body.len == 0);
	ck_assert_uint_eq(taken.bytes, r.stream_size);
	ck_assert_uint_gt(taken.parts, 10);
	/* The connection is as good as before. */
	send_and_wait(&plain);
	ck_assert(got.error == OK && got.body.len == 2);
	ck_assert_uint_eq(httpd_connections(r.server), 1);
	stop();
}
END_TEST

START_TEST(takes_no_more_parts_than_it_wants)
{
	struct httpc_request stream = start_stream((size_t)1000 * 1000 * 1000, 1);
	send_and_wait(&stream);
	ck_assert(got.error == OK && got.status == 200);
	ck_assert_uint_eq(taken.parts, 1);
	rig_until(&r, r.done == 1); /* the server learns of it */
	send_and_wait(&plain);
	ck_assert(got.error == OK && got.body.len == 2);
	stop();
}
END_TEST

START_TEST(waits_for_each_part_and_not_for_ever)
{
	struct httpc_request stream = start_stream(1000, SIZE_MAX);
	stream.timeout_ms = 300;
	r.is_stream_quiet = true;
	send_and_wait(&stream);
	ck_assert_int_eq(got.error, ERR_TIMEOUT);
	ck_assert_uint_eq(taken.parts, 0);
	stop();
}
END_TEST

START_TEST(reads_an_error_whole_where_parts_were_wanted)
{
	static const struct httpc_request refused = {.method = HTTP_OPTIONS,
						     .path = "/hold",
						     .max_reply = 1000,
						     .timeout_ms = 20000,
						     .piece = take,
						     .piece_ctx = &taken};
	start();
	memset(&taken, 0, sizeof(taken));
	ck_assert_int_eq(httpc_send(client, &refused, note, NULL), OK);
	rig_until(&r, r.held != NULL);
	http_reply(r.held, 503, "application/json", "{}", 2);
	rig_until(&r, got.count == 1);
	ck_assert(got.error == OK && got.status == 503 && got.body.len == 2);
	ck_assert_uint_eq(taken.parts, 0);
	stop();
}
END_TEST

/* The blocking call runs a loop of its own, so the server is another process. */
START_TEST(calls_and_waits)
{
	struct netaddr at;
	int fd = rig_listen(&at);
	pid_t server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		struct loop *l = loop_new();
		struct rig child = {.loop = l};
		struct raw peer = {.fd = -1};
		rig_until(&child, (peer.fd = accept(fd, NULL, NULL)) >= 0);
		rig_until(&child, raw_read(&peer) && raw_count(&peer, "\r\n\r\n") == 1);
		static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
		_exit(send(peer.fd, reply, strlen(reply), 0) == (ssize_t)strlen(reply) ? 0 : 1);
	}
	struct httpc_result result;
	httpc_call(&result, &at, NULL, &plain);
	ck_assert_int_eq(result.error, OK);
	ck_assert_int_eq(result.status, 200);
	ck_assert_str_eq(result.body.data, "ok");
	buf_clear(&result.body);
	int status;
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_int_eq(status, 0);
	fd_close(&fd);
	httpc_call(&result, &at, NULL, &plain);
	ck_assert_int_eq(result.error, ERR_CLOSED);
	buf_clear(&result.body);
	struct httpc_request request = plain;
	request.path = "nowhere";
	httpc_call(&result, &at, NULL, &request);
	ck_assert_int_eq(result.error, ERR_ARG);
	buf_clear(&result.body);
}
END_TEST

Suite *
suite_httpc(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpc", 60);
	tcase_add_checked_fixture(tc, forget, NULL);
	tcase_add_test(tc, gets_the_reply_of_a_server);
	tcase_add_test(tc, keeps_its_connection);
	tcase_add_test(tc, sends_what_it_was_asked_to);
	tcase_add_test(tc, carries_a_large_body_both_ways);
	tcase_add_test(tc, reads_the_refusal_of_a_body_that_is_too_large);
	tcase_add_test(tc, refuses_requests_that_would_break_the_protocol);
	tcase_add_test(tc, takes_one_request_at_a_time);
	tcase_add_test(tc, says_closed_when_refused);
	tcase_add_test(tc, says_timeout_when_the_server_is_silent);
	tcase_add_loop_test(tc, cuts_a_server_that_drips, 0, 2);
	tcase_add_loop_test(tc, judges_replies, 0, (int)ARRAY_LEN(replies));
	tcase_add_loop_test(tc, cuts_a_reply_without_end_at_the_cap, 0, (int)ARRAY_LEN(endless));
	tcase_add_test(tc, repeats_a_request_once_on_a_kept_connection_gone_stale);
	tcase_add_test(tc, connects_anew_when_the_kept_connection_was_closed_between_requests);
	tcase_add_test(tc, does_not_repeat_once_a_byte_of_the_reply_came);
	tcase_add_test(tc, connects_from_the_address_it_was_given);
	tcase_add_test(tc, may_be_freed_or_used_again_by_the_callback);
	tcase_add_test(tc, drops_a_request_in_flight_without_a_call);
	tcase_add_test(tc, takes_a_body_in_parts_beyond_any_limit);
	tcase_add_test(tc, takes_no_more_parts_than_it_wants);
	tcase_add_test(tc, waits_for_each_part_and_not_for_ever);
	tcase_add_test(tc, reads_an_error_whole_where_parts_were_wanted);
	tcase_add_test(tc, calls_and_waits);
	return suite;
}
