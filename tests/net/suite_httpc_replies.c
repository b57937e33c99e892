/*
 * What the client makes of replies: of servers that misbehave in every way, each a raw socket that the test plays by
 * hand, and of bodies that it takes in parts.
 */
#include <string.h>
#include <sys/socket.h>

#include "caller.h"
#include "suites.h"

static struct caller me;

static const struct httpc_request hasty = {.method = HTTP_GET, .path = "/a", .max_reply = 1000, .timeout_ms = 100};

START_TEST(says_timeout_when_the_server_is_silent)
{
	caller_start_by_hand(&me);
	caller_call(&me, &hasty); /* the kernel accepts, nobody answers */
	ck_assert_int_eq(me.got.error, ERR_TIMEOUT);
	caller_call(&me, &hasty);
	ck_assert_int_eq(me.got.error, ERR_TIMEOUT);
	caller_stop(&me);
}
END_TEST

START_TEST(cuts_a_server_that_drips)
{
	static const char *const starts[] = {"HTTP/1.1 200 OK\r\nX: ",
					     "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"};
	caller_start_by_hand(&me);
	caller_send(&me, &hasty);
	struct raw server = caller_accept(&me);
	raw_say(&me.rig, &server, starts[_i]);
	uint64_t limit = rig_deadline();
	while (me.got.count == 0) {
		(void)!send(server.fd, "a", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		rig_turn(me.rig.loop, limit, "the deadline");
	}
	ck_assert_int_eq(me.got.error, ERR_TIMEOUT);
	rig_until(&me.rig, raw_read(&server) && server.is_closed);
	raw_close(&server);
	caller_stop(&me);
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
	caller_start_by_hand(&me);
	struct httpc_request request = caller_plain;
	request.max_reply = 1000;
	caller_send(&me, &request);
	struct raw server = caller_accept(&me);
	caller_read_request(&me, &server, 1);
	raw_say(&me.rig, &server, replies[_i].reply);
	shutdown(server.fd, SHUT_WR);
	rig_until(&me.rig, me.got.count == 1);
	ck_assert_msg(me.got.error == replies[_i].error, "%s: %s", replies[_i].reply, err_text(me.got.error));
	ck_assert_int_eq(me.got.status, replies[_i].status);
	ck_assert_str_eq(me.got.body.data != NULL ? me.got.body.data : "", replies[_i].body);
	raw_close(&server);
	/* Whatever it was, the next request is served. */
	caller_send(&me, &request);
	server = caller_accept(&me);
	caller_read_request(&me, &server, 1);
	raw_say(&me.rig, &server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
	rig_until(&me.rig, me.got.count == 2);
	ck_assert_int_eq(me.got.error, OK);
	ck_assert_str_eq(me.got.body.data, "!");
	raw_close(&server);
	caller_stop(&me);
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
	caller_start_by_hand(&me);
	struct httpc_request request = caller_plain;
	request.max_reply = 1000;
	caller_send(&me, &request);
	struct raw server = caller_accept(&me);
	raw_say(&me.rig, &server, endless[_i].start);
	uint64_t limit = rig_deadline();
	while (me.got.count == 0) {
		ssize_t n = send(server.fd, flood + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			at = (at + (size_t)n) % len;
		}
		/* What the kernel holds is not ours; far more than that was read. */
		ck_assert_msg(sent < 64u << 20, "no cap on a reply that goes on after %s", endless[_i].start);
		rig_turn(me.rig.loop, limit, "the cap");
	}
	ck_assert_int_eq(me.got.error, endless[_i].error);
	raw_close(&server);
	caller_stop(&me);
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
	caller_start(&me, rig_options());
	taken.bytes = taken.parts = 0;
	taken.enough = enough;
	me.rig.stream_size = size;
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
	caller_call(&me, &stream);
	ck_assert(me.got.error == OK && me.got.status == 200 && me.got.body.len == 0);
	ck_assert_uint_eq(taken.bytes, me.rig.stream_size);
	ck_assert_uint_gt(taken.parts, 10);
	/* The connection is as good as before. */
	caller_call(&me, &caller_plain);
	ck_assert(me.got.error == OK && me.got.body.len == 2);
	ck_assert_uint_eq(httpd_connections(me.rig.server), 1);
	caller_stop(&me);
}
END_TEST

START_TEST(takes_no_more_parts_than_it_wants)
{
	struct httpc_request stream = start_stream((size_t)1000 * 1000 * 1000, 1);
	caller_call(&me, &stream);
	ck_assert(me.got.error == OK && me.got.status == 200);
	ck_assert_uint_eq(taken.parts, 1);
	rig_until(&me.rig, me.rig.done == 1); /* the server learns of it */
	caller_call(&me, &caller_plain);
	ck_assert(me.got.error == OK && me.got.body.len == 2);
	caller_stop(&me);
}
END_TEST

START_TEST(waits_for_each_part_and_not_for_ever)
{
	struct httpc_request stream = start_stream(1000, SIZE_MAX);
	stream.timeout_ms = 300;
	me.rig.is_stream_quiet = true;
	caller_call(&me, &stream);
	ck_assert_int_eq(me.got.error, ERR_TIMEOUT);
	ck_assert_uint_eq(taken.parts, 0);
	caller_stop(&me);
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
	caller_start(&me, rig_options());
	memset(&taken, 0, sizeof(taken));
	caller_send(&me, &refused);
	rig_until(&me.rig, me.rig.held != NULL);
	http_reply(me.rig.held, 503, "application/json", "{}", 2);
	rig_until(&me.rig, me.got.count == 1);
	ck_assert(me.got.error == OK && me.got.status == 503 && me.got.body.len == 2);
	ck_assert_uint_eq(taken.parts, 0);
	caller_stop(&me);
}
END_TEST

Suite *
suite_httpc_replies(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpc-replies", 60);
	tcase_add_test(tc, says_timeout_when_the_server_is_silent);
	tcase_add_loop_test(tc, cuts_a_server_that_drips, 0, 2);
	tcase_add_loop_test(tc, judges_replies, 0, (int)ARRAY_LEN(replies));
	tcase_add_loop_test(tc, cuts_a_reply_without_end_at_the_cap, 0, (int)ARRAY_LEN(endless));
	tcase_add_test(tc, takes_a_body_in_parts_beyond_any_limit);
	tcase_add_test(tc, takes_no_more_parts_than_it_wants);
	tcase_add_test(tc, waits_for_each_part_and_not_for_ever);
	tcase_add_test(tc, reads_an_error_whole_where_parts_were_wanted);
	return suite;
}
