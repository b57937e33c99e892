/*
 * The client's requests: what it sends and refuses to send, the connection that carries them, and whom it tells of the
 * end. The server is ours, or played by the test.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "suites.h"
#include "util/file.h"
#include "util/mem.h"

static struct caller me;

START_TEST(gets_the_reply_of_a_server)
{
	caller_start(&me, rig_options());
	caller_call(&me, &caller_plain);
	ck_assert_int_eq(me.got.error, OK);
	ck_assert_int_eq(me.got.status, 200);
	ck_assert_str_eq(me.got.type, "text/plain");
	ck_assert_str_eq(me.got.body.data, "/a");
	ck_assert(netaddr_equal(httpc_peer(me.client), &me.rig.at));
	caller_stop(&me);
}
END_TEST

START_TEST(keeps_its_connection)
{
	caller_start(&me, rig_options());
	for (int i = 0; i < 3; i++)
		caller_call(&me, &caller_plain);
	ck_assert_uint_eq(httpd_connections(me.rig.server), 1);
	ck_assert_uint_eq(me.rig.handled, 3);
	caller_stop(&me);
}
END_TEST

START_TEST(sends_what_it_was_asked_to)
{
	static const char *const headers[] = {"X-One", "1", "X-Two", "2", NULL};
	static const char reply[] = "HTTP/1.1 204 No Content\r\n\r\n";
	uint64_t sent_before, received_before, sent, received;
	httpc_traffic(&sent_before, &received_before);
	caller_start_by_hand(&me);
	struct httpc_request request = caller_plain;
	request.method = HTTP_PUT;
	request.path = "/p?q=1";
	request.body = "abc";
	request.body_len = 3;
	request.content_type = "text/plain";
	request.headers = headers;
	caller_send(&me, &request);
	struct raw server = caller_accept(&me);
	rig_until(&me.rig, raw_read(&server) && raw_count(&server, "\r\n\r\nabc") == 1);
	ck_assert_str_eq(server.got.data, "PUT /p?q=1 HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n"
					  "X-One: 1\r\nX-Two: 2\r\nContent-Type: text/plain\r\n\r\nabc");
	raw_say(&me.rig, &server, reply);
	rig_until(&me.rig, me.got.count == 1);
	ck_assert_int_eq(me.got.status, 204);
	httpc_traffic(&sent, &received);
	ck_assert_uint_eq(sent - sent_before, server.got.len);
	ck_assert_uint_eq(received - received_before, strlen(reply));
	ck_assert_str_eq(me.got.type, "");
	raw_close(&server);
	caller_stop(&me);
}
END_TEST

START_TEST(carries_a_large_body_both_ways)
{
	struct httpd_options options = rig_options();
	options.max_body = 3 * 1000 * 1000;
	caller_start(&me, options);
	struct httpc_request request = caller_plain;
	char *body = xmalloc(options.max_body);
	memset(body, 'z', options.max_body);
	request.method = HTTP_POST;
	request.path = "/echo";
	request.body = body;
	request.body_len = options.max_body;
	request.max_reply = options.max_body;
	caller_call(&me, &request);
	ck_assert_int_eq(me.got.error, OK);
	ck_assert_uint_eq(me.got.body.len, options.max_body);
	ck_assert_mem_eq(me.got.body.data, body, options.max_body);
	free(body);
	caller_stop(&me);
}
END_TEST

START_TEST(reads_the_refusal_of_a_body_that_is_too_large)
{
	caller_start(&me, rig_options());
	char *body = xcalloc(1, 1000 * 1000);
	struct httpc_request request = caller_plain;
	request.method = HTTP_POST;
	request.body = body;
	request.body_len = 1000 * 1000;
	caller_call(&me, &request);
	ck_assert_int_eq(me.got.error, OK);
	ck_assert_int_eq(me.got.status, 413);
	free(body);
	caller_call(&me, &caller_plain);
	ck_assert_int_eq(me.got.status, 200);
	caller_stop(&me);
}
END_TEST

START_TEST(refuses_requests_that_would_break_the_protocol)
{
	static const char *const odd[] = {"X-One", NULL};
	static const char *const broken[] = {"X-One", "1\r\nX-Two: 2", NULL};
	static const char *const paths[] = {"", "a", "/a b", "/a\r\nX: y", "/\xc3\xa4", "http://x/"};
	caller_start(&me, rig_options());
	struct httpc_request request = caller_plain;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		request.path = paths[i];
		ck_assert_int_eq(httpc_send(me.client, &request, caller_note, &me), ERR_ARG);
	}
	request = caller_plain;
	request.headers = odd;
	ck_assert_int_eq(httpc_send(me.client, &request, caller_note, &me), ERR_ARG);
	request.headers = broken;
	ck_assert_int_eq(httpc_send(me.client, &request, caller_note, &me), ERR_ARG);
	request = caller_plain;
	request.method = HTTP_OTHER;
	ck_assert_int_eq(httpc_send(me.client, &request, caller_note, &me), ERR_ARG);
	ck_assert(!httpc_is_busy(me.client));
	caller_stop(&me);
}
END_TEST

START_TEST(takes_one_request_at_a_time)
{
	caller_start(&me, rig_options());
	caller_send(&me, &caller_plain);
	ck_assert_int_eq(httpc_send(me.client, &caller_plain, caller_note, &me), ERR_BUSY);
	rig_until(&me.rig, me.got.count == 1);
	caller_stop(&me);
}
END_TEST

START_TEST(says_closed_when_refused)
{
	caller_start_by_hand(&me);
	fd_close(&me.rig.listen_fd);
	caller_call(&me, &caller_plain);
	ck_assert_int_eq(me.got.error, ERR_CLOSED);
	caller_call(&me, &caller_plain);
	ck_assert_int_eq(me.got.error, ERR_CLOSED);
	caller_stop(&me);
}
END_TEST

static void
serve_one(struct raw *server)
{
	caller_send(&me, &caller_plain);
	*server = caller_accept(&me);
	caller_read_request(&me, server, 1);
	raw_say(&me.rig, server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
	rig_until(&me.rig, me.got.count == 1);
}

START_TEST(repeats_a_request_once_on_a_kept_connection_gone_stale)
{
	struct raw server;
	caller_start_by_hand(&me);
	serve_one(&server);
	caller_send(&me, &caller_plain);
	caller_read_request(&me, &server, 2);
	raw_close(&server); /* at the very moment that the request came */
	server = caller_accept(&me);
	caller_read_request(&me, &server, 1);
	raw_say(&me.rig, &server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
	rig_until(&me.rig, me.got.count == 2);
	ck_assert_int_eq(me.got.error, OK);
	ck_assert_str_eq(me.got.body.data, "2");

	caller_send(&me, &caller_plain);
	caller_read_request(&me, &server, 2);
	raw_close(&server);
	server = caller_accept(&me);
	caller_read_request(&me, &server, 1);
	raw_close(&server); /* a new connection that fails is the server's last word */
	rig_until(&me.rig, me.got.count == 3);
	ck_assert_int_eq(me.got.error, ERR_CLOSED);
	caller_stop(&me);
}
END_TEST

START_TEST(connects_anew_when_the_kept_connection_was_closed_between_requests)
{
	struct raw server;
	caller_start_by_hand(&me);
	serve_one(&server);
	raw_close(&server);
	for (int i = 0; i < 5; i++)
		rig_turn(me.rig.loop, rig_deadline(), "");
	caller_send(&me, &caller_plain);
	server = caller_accept(&me);
	caller_read_request(&me, &server, 1);
	raw_say(&me.rig, &server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
	rig_until(&me.rig, me.got.count == 2);
	ck_assert_str_eq(me.got.body.data, "2");
	raw_close(&server);
	caller_stop(&me);
}
END_TEST

START_TEST(does_not_repeat_once_a_byte_of_the_reply_came)
{
	struct raw server;
	caller_start_by_hand(&me);
	serve_one(&server);
	caller_send(&me, &caller_plain);
	caller_read_request(&me, &server, 2);
	raw_say(&me.rig, &server, "H");
	raw_close(&server);
	rig_until(&me.rig, me.got.count == 2);
	ck_assert_int_eq(me.got.error, ERR_CLOSED);
	ck_assert_int_lt(accept(me.rig.listen_fd, NULL, NULL), 0); /* nobody else came */
	caller_stop(&me);
}
END_TEST

START_TEST(connects_from_the_address_it_was_given)
{
	caller_start_by_hand(&me);
	httpc_free(me.client);
	struct netaddr from = rig_address("127.0.0.77:1");
	me.client = httpc_new(me.rig.loop, &me.rig.at, &from, NULL);
	caller_send(&me, &caller_plain);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct netaddr peer;
	struct raw server = caller_accept(&me);
	ck_assert_int_eq(getpeername(server.fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(netaddr_from_sockaddr(&peer, (const struct sockaddr *)&sa), OK);
	ck_assert(netaddr_same_ip(&peer, &from));
	raw_close(&server);
	rig_until(&me.rig, me.got.count == 1);
	httpc_free(me.client);
	from = rig_address("192.0.2.1:1"); /* nobody's address: it cannot be ours */
	me.client = httpc_new(me.rig.loop, &me.rig.at, &from, NULL);
	caller_call(&me, &caller_plain);
	ck_assert_int_eq(me.got.error, ERR_CLOSED);
	caller_stop(&me);
}
END_TEST

static void
free_client(void *ctx, const struct httpc_reply *reply)
{
	httpc_free(me.client);
	me.client = NULL;
	caller_note(ctx, reply);
}

static void
send_again(void *ctx, const struct httpc_reply *reply)
{
	caller_send(&me, &caller_plain);
	caller_note(ctx, reply);
}

START_TEST(may_be_freed_or_used_again_by_the_callback)
{
	caller_start(&me, rig_options());
	ck_assert_int_eq(httpc_send(me.client, &caller_plain, send_again, &me), OK);
	rig_until(&me.rig, me.got.count == 2);
	ck_assert_uint_eq(httpd_connections(me.rig.server), 1);
	ck_assert_int_eq(httpc_send(me.client, &caller_plain, free_client, &me), OK);
	rig_until(&me.rig, me.got.count == 3);
	ck_assert_str_eq(me.got.body.data, "/a");
	ck_assert_ptr_null(me.client);

	struct netaddr nobody = me.rig.at;
	nobody.ip[3] = 99; /* another loopback address: the port is not listened on there */
	me.client = httpc_new(me.rig.loop, &nobody, NULL, NULL);
	ck_assert_int_eq(httpc_send(me.client, &caller_plain, free_client, &me), OK);
	rig_until(&me.rig, me.got.count == 4);
	ck_assert_int_eq(me.got.error, ERR_CLOSED);
	caller_stop(&me);
}
END_TEST

START_TEST(drops_a_request_in_flight_without_a_call)
{
	caller_start(&me, rig_options());
	struct httpc_request request = caller_plain;
	request.path = "/hold";
	caller_send(&me, &request);
	httpc_free(me.client); /* while it connects */
	me.client = httpc_new(me.rig.loop, &me.rig.at, NULL, NULL);
	caller_send(&me, &request);
	rig_until(&me.rig, me.rig.held != NULL);
	httpc_free(me.client);
	me.client = NULL;
	rig_until(&me.rig, me.rig.gone == 1);
	ck_assert_uint_eq(me.got.count, 0);
	http_reply(me.rig.held, 200, NULL, NULL, 0);
	caller_stop(&me);
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
	httpc_call(&result, &at, NULL, &caller_plain);
	ck_assert_int_eq(result.error, OK);
	ck_assert_int_eq(result.status, 200);
	ck_assert_str_eq(result.body.data, "ok");
	buf_clear(&result.body);
	int status;
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_int_eq(status, 0);
	fd_close(&fd);
	httpc_call(&result, &at, NULL, &caller_plain);
	ck_assert_int_eq(result.error, ERR_CLOSED);
	buf_clear(&result.body);
	struct httpc_request request = caller_plain;
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
	tcase_add_test(tc, gets_the_reply_of_a_server);
	tcase_add_test(tc, keeps_its_connection);
	tcase_add_test(tc, sends_what_it_was_asked_to);
	tcase_add_test(tc, carries_a_large_body_both_ways);
	tcase_add_test(tc, reads_the_refusal_of_a_body_that_is_too_large);
	tcase_add_test(tc, refuses_requests_that_would_break_the_protocol);
	tcase_add_test(tc, takes_one_request_at_a_time);
	tcase_add_test(tc, says_closed_when_refused);
	tcase_add_test(tc, repeats_a_request_once_on_a_kept_connection_gone_stale);
	tcase_add_test(tc, connects_anew_when_the_kept_connection_was_closed_between_requests);
	tcase_add_test(tc, does_not_repeat_once_a_byte_of_the_reply_came);
	tcase_add_test(tc, connects_from_the_address_it_was_given);
	tcase_add_test(tc, may_be_freed_or_used_again_by_the_callback);
	tcase_add_test(tc, drops_a_request_in_flight_without_a_call);
	tcase_add_test(tc, calls_and_waits);
	return suite;
}
