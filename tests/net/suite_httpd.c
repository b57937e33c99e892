/* The server over time: connections, deadlines, late answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"
#include "util/file.h"

static struct rig r;
static struct raw c;

START_TEST(keeps_a_connection_for_several_requests)
{
	rig_meet(&r, &c, rig_options());
	for (unsigned i = 1; i <= 3; i++) {
		raw_say(&r, &c, GET("/a"));
		rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/a") == i);
	}
	ck_assert_uint_eq(httpd_connections(r.server), 1);
	ck_assert(!c.is_closed);
	rig_part(&r, &c);
}
END_TEST

START_TEST(answers_pipelined_requests_in_order_however_they_are_cut)
{
	static const char text[] = GET("/1") "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n/2" GET(
	    "/3") "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\n/\r\n1\r\n4\r\n0\r\n\r\n"
		  "\r\n" GET("/5") "BREW / HTTP/1.1\r\n" H "\r\n" GET("/6");
	for (size_t cut = 1; cut < sizeof(text); cut += 7) {
		rig_meet(&r, &c, rig_options());
		raw_send(&r, &c, text, cut);
		raw_send(&r, &c, text + cut, sizeof(text) - 1 - cut);
		rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/6") == 1);
		const char *at = c.got.data;
		for (char wanted[] = "\r\n\r\n/1"; wanted[5] <= '6'; wanted[5]++) {
			at = strstr(at, wanted);
			ck_assert_msg(at != NULL, "cut at %zu: %s", cut, c.got.data);
		}
		ck_assert_uint_eq(raw_count(&c, " 405 "), 1);
		rig_part(&r, &c);
	}
}
END_TEST

/* Far more than fit into any buffer at once. */
START_TEST(answers_thousands_of_pipelined_requests_in_order)
{
	enum { COUNT = 5000 };
	struct buf all;
	char wanted[64];

	rig_meet(&r, &c, rig_options());
	buf_init(&all);
	for (int i = 0; i < COUNT; i++)
		buf_printf(&all, GET("/%d"), i);
	raw_send(&r, &c, all.data, all.len);
	snprintf(wanted, sizeof(wanted), "\r\n\r\n/%d", COUNT - 1);
	rig_until(&r, raw_read(&c) && strstr(c.got.data != NULL ? c.got.data : "", wanted) != NULL);
	const char *at = c.got.data;
	for (int i = 0; i < COUNT; i++) {
		int len = snprintf(wanted, sizeof(wanted), "\r\n\r\n/%d", i);
		at = strstr(at, "\r\n\r\n");
		ck_assert(at != NULL && strncmp(at, wanted, (size_t)len) == 0);
		at += len;
	}
	ck_assert_uint_eq(r.handled, COUNT);
	buf_clear(&all);
	rig_part(&r, &c);
}
END_TEST

/* Requests are not looked at before the client has taken the answers to those before them. */
START_TEST(waits_for_a_reader_with_the_next_request)
{
	static const char big[] = GET("/big");

	rig_meet(&r, &c, rig_options());
	for (int i = 0; i < 100; i++)
		raw_say(&r, &c, big);
	unsigned before = 0;
	for (unsigned quiet = 0; quiet < 100; quiet = r.handled == before ? quiet + 1 : 0) {
		before = r.handled;
		rig_turn(r.loop, rig_deadline(), "");
	}
	ck_assert_uint_lt(r.handled, 20); /* what the sockets' buffers hold, and one */
	while (r.handled < 100) {
		buf_reset(&c.got);
		raw_read(&c);
		ck_assert(!c.is_closed);
		rig_turn(r.loop, rig_deadline(), "the rest");
	}
	rig_part(&r, &c);
}
END_TEST

START_TEST(closes_behind_the_reply_if_a_connection_header_says_so)
{
	static const char *const asks[] = {
	    "1.1\r\n" H "Connection: close\r\n",
	    "1.1\r\n" H "Connection: CLOSE\r\n",
	    "1.1\r\n" H "Connection: TE, close\r\nTE: trailers\r\n",
	    "1.1\r\n" H "Connection: close , TE\r\n",
	    "1.1\r\n" H "Connection: TE\r\nConnection: close\r\n",
	    "1.1\r\n" H "Connection: ,close\r\n",
	    "1.0\r\nConnection: keep-alive, close\r\n",
	    "1.0\r\nConnection: keep-alive\r\nConnection: close\r\n",
	};
	static const char *const paths[] = {"/1", "/stream"};

	for (size_t i = 0; i < ARRAY_LEN(asks); i++)
		for (size_t k = 0; k < ARRAY_LEN(paths); k++) {
			struct buf text;
			buf_init(&text);
			buf_printf(&text, "GET %s HTTP/%s\r\n" GET("/never"), paths[k], asks[i]);
			rig_meet(&r, &c, rig_options());
			r.stream_size = 100;
			raw_say(&r, &c, text.data);
			rig_until(&r, raw_read(&c) && c.is_closed);
			ck_assert_uint_eq(raw_count(&c, "\r\nConnection: close\r\n"), 1);
			ck_assert_msg(raw_count(&c, "Connection:") == 1, "%s", c.got.data);
			ck_assert_uint_eq(raw_count(&c, "HTTP/1."), 1);
			ck_assert_uint_eq(r.handled, 1);
			buf_clear(&text);
			rig_part(&r, &c);
		}
}
END_TEST

START_TEST(stays_if_the_word_close_only_resembles_what_is_asked)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c,
		"GET /1 HTTP/1.1\r\n" H "Connection: closed, not-close, clos\r\nX-Connection: close\r\n\r\n" GET("/2"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/2") == 1);
	ck_assert_uint_eq(raw_count(&c, "Connection:"), 0);
	rig_part(&r, &c);
}
END_TEST

START_TEST(refuses_a_bad_request_behind_a_good_one_and_closes)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/1") "GET / HTTP/1.1\r\n\r\n" GET("/never"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "bad-request") == 1);
	shutdown(c.fd, SHUT_WR);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "/never"), 0);
	ck_assert_uint_eq(r.handled, 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(answers_head_with_the_length_and_no_body)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, "HEAD /abc HTTP/1.1\r\n" H "\r\nHEAD /stream HTTP/1.1\r\n" H "\r\n" GET("/last"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/last") == 1);
	ck_assert_uint_eq(raw_count(&c, "Content-Length: 4\r\n"), 1);
	ck_assert_uint_eq(raw_count(&c, "/abc"), 0);
	ck_assert_uint_eq(raw_count(&c, "xxx"), 0);
	ck_assert_uint_eq(r.done, 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(gives_http_1_0_a_length_and_closes_unless_asked_to_stay)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, "GET /abc HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	ck_assert_uint_eq(raw_count(&c, "Connection: keep-alive\r\n"), 1);
	raw_say(&r, &c, "GET /abc HTTP/1.0\r\n\r\n");
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "Content-Length: 4\r\n"), 2);
	rig_part(&r, &c);
}
END_TEST

START_TEST(streams_to_http_1_0_until_close)
{
	rig_meet(&r, &c, rig_options());
	r.stream_size = 100000;
	raw_say(&r, &c, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\nConnection: keep-alive\r\n\r\n");
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(strlen(raw_body(&c)), r.stream_size);
	ck_assert_uint_eq(raw_count(&c, "Connection: close\r\n"), 1);
	ck_assert_uint_eq(raw_count(&c, "keep-alive"), 0);
	ck_assert_uint_eq(raw_count(&c, "chunked"), 0);
	ck_assert_uint_eq(raw_count(&c, "Content-Length"), 0);
	ck_assert_uint_eq(r.done, 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(sends_no_length_with_204)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/empty") GET("/next"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/next") == 1);
	ck_assert_uint_eq(raw_count(&c, "HTTP/1.1 204 No Content\r\n"), 1);
	ck_assert_uint_eq(raw_count(&c, "Content-Length"), 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(asks_for_the_body_that_waits_for_a_continue)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	rig_until(&r, raw_read(&c) && raw_count(&c, "HTTP/1.1 100 ") == 1);
	raw_say(&r, &c, "abc");
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\nabc") == 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(decodes_the_query)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/query?x=1&a=1%2b1+%C3%A4"));
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	ck_assert_str_eq(raw_body(&c), "1+1 \xc3\xa4");
	rig_part(&r, &c);
}
END_TEST

START_TEST(replies_with_megabytes_to_one_that_reads)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/big") GET("/end"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/end") == 1);
	ck_assert_uint_gt(c.got.len, 3000000);
	rig_part(&r, &c);
}
END_TEST

START_TEST(answers_one_that_has_shut_its_side)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/1"));
	shutdown(c.fd, SHUT_WR);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "\r\n\r\n/1"), 1);
	rig_part(&r, &c);
}
END_TEST

/* deadlines */

START_TEST(closes_an_idle_connection_without_a_word)
{
	rig_meet(&r, &c, rig_hasty_options());
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(c.got.len, 0);
	rig_part(&r, &c);
	rig_meet(&r, &c, rig_hasty_options());
	raw_say(&r, &c, GET("/1"));
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "HTTP/1.1 "), 1);
	rig_part(&r, &c);
}
END_TEST

/* Sends the text once more in each turn, for ever. */
static void
repeat_until_refused(const char *start_text, const char *text)
{
	raw_say(&r, &c, start_text);
	uint64_t limit = rig_deadline();
	while (raw_read(&c) && raw_status(&c) == 0) {
		(void)!send(c.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
		rig_turn(r.loop, limit, "408");
	}
	ck_assert_int_eq(raw_status(&c), 408);
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	ck_assert_ptr_nonnull(strstr(raw_body(&c), "{\"error\":{\"code\":\"timeout\","));
	rig_until(&r, raw_read(&c) && c.is_closed);
}

static void
drip_until_refused(const char *start_text)
{
	repeat_until_refused(start_text, "a");
}

/* Empty lines before a request are skipped, but not for ever. */
START_TEST(cuts_one_that_sends_empty_lines_only)
{
	rig_meet(&r, &c, rig_hasty_options());
	repeat_until_refused("\r\n", "\r\n");
	rig_part(&r, &c);
}
END_TEST

START_TEST(cuts_a_header_that_drips)
{
	struct httpd_options options = rig_hasty_options();
	options.max_header = 1000 * 1000;
	rig_meet(&r, &c, options);
	drip_until_refused("GET / HTTP/1.1\r\nX: ");
	rig_part(&r, &c);
}
END_TEST

START_TEST(cuts_a_body_that_drips)
{
	struct httpd_options options = rig_hasty_options();
	options.max_body = 1000 * 1000;
	rig_meet(&r, &c, options);
	drip_until_refused("POST / HTTP/1.1\r\n" H "Content-Length: 1000000\r\n\r\n");
	rig_part(&r, &c);
	rig_meet(&r, &c, options);
	drip_until_refused("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFF\r\n");
	rig_part(&r, &c);
}
END_TEST

START_TEST(gives_a_refusal_to_one_that_still_sends)
{
	static char flood[200 * 1000];
	memset(flood, 'x', sizeof(flood));
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, "POST / HTTP/1.1\r\n" H "Content-Length: 200000\r\n\r\n");
	raw_send(&r, &c, flood, sizeof(flood));
	shutdown(c.fd, SHUT_WR);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert(!c.is_reset);
	ck_assert_int_eq(raw_status(&c), 413);
	rig_part(&r, &c);
}
END_TEST

/* late answers */

START_TEST(waits_for_the_handler_longer_than_any_deadline)
{
	rig_meet(&r, &c, rig_hasty_options());
	struct raw idle;
	raw_open(&idle, &r.at);
	raw_say(&r, &c, GET("/hold") GET("/next"));
	/* An idle connection that comes and goes meanwhile shows that the deadlines have passed, several times. */
	for (int i = 0; i < 4; i++) {
		rig_until(&r, raw_read(&idle) && idle.is_closed);
		raw_close(&idle);
		raw_open(&idle, &r.at);
	}
	ck_assert_ptr_nonnull(r.held);
	ck_assert(raw_read(&c) && !c.is_closed);
	http_reply(r.held, 200, "text/plain", "late", 4);
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\nlate") == 1 && raw_count(&c, "\r\n\r\n/next") == 1);
	ck_assert_uint_eq(r.gone, 0);
	raw_close(&idle);
	rig_part(&r, &c);
}
END_TEST

static void
answer_whole(void)
{
	http_reply(r.held, 200, "text/plain", "late", 4);
}

static void
answer_take(void)
{
	struct buf body;
	buf_init(&body);
	buf_puts(&body, "late");
	http_reply_take(r.held, 200, "text/plain", &body);
	ck_assert_uint_eq(body.len, 0);
}

static void
stream_done(void *ctx)
{
	(void)ctx;
	r.done++;
}

static bool
stream_never(void *ctx, struct http_piece *piece)
{
	(void)ctx, (void)piece;
	ck_abort_msg("asked for a stream that nobody reads");
}

static void
answer_stream(void)
{
	unsigned before = r.done;
	http_reply_stream(r.held, 200, "text/plain", HTTP_LENGTH_UNKNOWN, stream_never, stream_done, NULL);
	ck_assert_uint_eq(r.done, before + 1);
}

START_TEST(tells_that_the_client_went_away_and_takes_the_answer_all_the_same)
{
	static void (*const answers[])(void) = {answer_whole, answer_take, answer_stream};
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, "POST /hold HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
	rig_until(&r, r.held != NULL);
	raw_close(&c);
	rig_until(&r, r.gone == 1);
	ck_assert_uint_eq(httpd_connections(r.server), 0);
	size_t len;
	ck_assert_mem_eq(http_req_body(r.held, &len), "abc", 3);
	ck_assert_uint_eq(len, 3);
	ck_assert_str_eq(http_req_header(r.held, "host"), "x");
	http_reply_header(r.held, "X-A", "b");
	answers[_i]();
	loop_poll(r.loop);
	ck_assert_uint_eq(r.gone, 1);
	rig_stop(&r);
}
END_TEST

START_TEST(leaves_an_unanswered_request_to_its_handler_when_the_server_ends)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/hold"));
	rig_until(&r, r.held != NULL);
	httpd_free(r.server);
	ck_assert_uint_eq(r.gone, 1);
	http_reply(r.held, 200, NULL, NULL, 0);
	raw_close(&c);
	loop_free(r.loop);
	fd_close(&r.listen_fd);
}
END_TEST

START_TEST(leaves_out_a_header_with_a_line_break)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/hold"));
	rig_until(&r, r.held != NULL);
	http_reply_header(r.held, "X-Good", "1");
	http_reply_header(r.held, "X-Bad", "1\r\nX-Worse: 2");
	http_reply(r.held, 200, "text/plain", "ok", 2);
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	ck_assert_uint_eq(raw_count(&c, "X-Good: 1\r\n"), 1);
	ck_assert_uint_eq(raw_count(&c, "X-Bad"), 0);
	ck_assert_uint_eq(raw_count(&c, "X-Worse"), 0);
	rig_part(&r, &c);
}
END_TEST

/* A whole reply, and the requests sent meanwhile: what a client sends ahead is bounded. */
START_TEST(stops_reading_one_that_sends_ahead_without_end)
{
	static char flood[65536];
	memset(flood, 'x', sizeof(flood));
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/hold"));
	rig_until(&r, r.held != NULL);
	size_t sent = 0;
	unsigned stuck = 0;
	while (stuck < 50 && sent < (size_t)100 * 1000 * 1000) {
		ssize_t n = send(c.fd, flood, sizeof(flood), MSG_DONTWAIT | MSG_NOSIGNAL);
		stuck = n > 0 ? 0 : stuck + 1;
		sent += n > 0 ? (size_t)n : 0;
		rig_turn(r.loop, rig_deadline(), "");
	}
	ck_assert_uint_eq(stuck, 50); /* the socket buffers are full, and stay so */
	http_reply(r.held, 200, "text/plain", "late", 4);
	rig_until(&r, raw_read(&c) && c.is_closed);
	rig_part(&r, &c);
}
END_TEST

Suite *
suite_httpd(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd", 60);
	tcase_add_test(tc, keeps_a_connection_for_several_requests);
	tcase_add_test(tc, answers_pipelined_requests_in_order_however_they_are_cut);
	tcase_add_test(tc, answers_thousands_of_pipelined_requests_in_order);
	tcase_add_test(tc, waits_for_a_reader_with_the_next_request);
	tcase_add_test(tc, closes_behind_the_reply_if_a_connection_header_says_so);
	tcase_add_test(tc, stays_if_the_word_close_only_resembles_what_is_asked);
	tcase_add_test(tc, refuses_a_bad_request_behind_a_good_one_and_closes);
	tcase_add_test(tc, answers_head_with_the_length_and_no_body);
	tcase_add_test(tc, gives_http_1_0_a_length_and_closes_unless_asked_to_stay);
	tcase_add_test(tc, streams_to_http_1_0_until_close);
	tcase_add_test(tc, sends_no_length_with_204);
	tcase_add_test(tc, asks_for_the_body_that_waits_for_a_continue);
	tcase_add_test(tc, decodes_the_query);
	tcase_add_test(tc, replies_with_megabytes_to_one_that_reads);
	tcase_add_test(tc, answers_one_that_has_shut_its_side);
	tcase_add_test(tc, closes_an_idle_connection_without_a_word);
	tcase_add_test(tc, cuts_one_that_sends_empty_lines_only);
	tcase_add_test(tc, cuts_a_header_that_drips);
	tcase_add_test(tc, cuts_a_body_that_drips);
	tcase_add_test(tc, gives_a_refusal_to_one_that_still_sends);
	tcase_add_test(tc, waits_for_the_handler_longer_than_any_deadline);
	tcase_add_loop_test(tc, tells_that_the_client_went_away_and_takes_the_answer_all_the_same, 0, 3);
	tcase_add_test(tc, leaves_an_unanswered_request_to_its_handler_when_the_server_ends);
	tcase_add_test(tc, leaves_out_a_header_with_a_line_break);
	tcase_add_test(tc, stops_reading_one_that_sends_ahead_without_end);
	return suite;
}
