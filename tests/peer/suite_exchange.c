/* What a peer tells of others, and what becomes of answers that are none. */
#include "peer/exchange.h"

#include <stdio.h>
#include <string.h>

#include "kit.h"
#include "net/httpd.h"
#include "suites.h"
#include "util/file.h"

static struct loop *loop;
static struct httpd *server;
static struct netaddr server_at, told[PEER_LIST_MAX];
static int fd;
static int status;
static struct buf answer;
static const char *location;
static unsigned calls, requests;
static size_t told_count;

static void
handle(void *ctx, struct http_req *req)
{
	(void)ctx;
	requests++;
	ck_assert_str_eq(http_req_path(req), "/peer/peers");
	ck_assert_int_eq(http_req_method(req), HTTP_POST);
	if (location != NULL)
		http_reply_header(req, "Location", location);
	http_reply(req, status, "application/json", answer.data, answer.len);
}

static void
enter(void)
{
	static const struct httpd_options options = {
	    .max_body = 4096, .header_timeout_ms = 60000, .request_timeout_ms = 60000, .max_connections = 8};

	loop = loop_new();
	server = httpd_new(loop, &options, handle, NULL);
	fd = kit_silent(&server_at);
	ck_assert_int_eq(httpd_serve(server, fd), OK);
	buf_init(&answer);
	status = 200;
	location = NULL;
	calls = requests = 0;
}

static void
leave(void)
{
	httpd_free(server);
	fd_close(&fd);
	buf_clear(&answer);
	loop_free(loop);
}

static void
done(void *ctx, const struct netaddr *by, const struct netaddr *list, size_t count)
{
	ck_assert_ptr_eq(ctx, &calls);
	ck_assert(netaddr_equal(by, &server_at));
	ck_assert_uint_le(count, PEER_LIST_MAX);
	memcpy(told, list, count * sizeof(*list));
	told_count = count;
	calls++;
}

static size_t
ask(uint32_t timeout_ms)
{
	exchange_start(loop, &server_at, NULL, timeout_ms, done, &calls);
	ck_assert_uint_eq(calls, 0);
	kit_until(loop, calls == 1);
	kit_settle(loop);
	ck_assert_uint_eq(calls, 1);
	return told_count;
}

START_TEST(tells_the_addresses_and_passes_over_what_is_none)
{
	char text[NETADDR_TEXT_SIZE];

	buf_puts(&answer,
		 "{\"more\":1,\"peers\":[\"10.0.0.1:5000\",\"name:5000\",\"10.0.0.2\",\"[fd00::1]:5001\",\"\"]}");
	ck_assert_uint_eq(ask(60000), 2);
	netaddr_format(text, &told[0]);
	ck_assert_str_eq(text, "10.0.0.1:5000");
	netaddr_format(text, &told[1]);
	ck_assert_str_eq(text, "[fd00::1]:5001");
}
END_TEST

START_TEST(an_empty_list_is_one)
{
	buf_puts(&answer, "{\"peers\":[]}");
	ck_assert_uint_eq(ask(60000), 0);
}
END_TEST

static void
fill(size_t addresses)
{
	buf_puts(&answer, "{\"peers\":[");
	for (size_t i = 0; i < addresses; i++)
		buf_printf(&answer, "%s\"10.0.%zu.%zu:5000\"", i == 0 ? "" : ",", i / 250, i % 250);
	buf_puts(&answer, "]}");
}

START_TEST(at_most_as_many_as_agreed_are_taken)
{
	fill(PEER_LIST_MAX);
	ck_assert_uint_eq(ask(60000), PEER_LIST_MAX);
}
END_TEST

static const char *const bad[] = {
    "",
    "{",
    "[]",
    "{}",
    "{\"peers\":1}",
    "{\"peers\":[1]}",
    "{\"peers\":[\"10.0.0.1:5000\",null]}",
    "{\"peers\":[\"0000000000000000000000000000000000000000000000000000000000000\"]}",
    "{\"peers\":[\"10.0.0.1:5000\\u0000\"]}",
};

START_TEST(answers_that_cannot_be_read_tell_nothing)
{
	buf_puts(&answer, bad[_i]);
	ck_assert_uint_eq(ask(60000), 0);
}
END_TEST

START_TEST(too_many_and_too_long_tell_nothing)
{
	fill(_i == 0 ? PEER_LIST_MAX + 1 : 1000);
	ck_assert_uint_eq(ask(60000), 0);
}
END_TEST

START_TEST(other_statuses_tell_nothing_and_redirects_are_not_followed)
{
	fill(3);
	status = _i == 0 ? 404 : 302;
	location = _i == 0 ? NULL : "/peer/peers";
	ck_assert_uint_eq(ask(60000), 0);
	ck_assert_uint_eq(requests, 1);
}
END_TEST

START_TEST(silence_and_refusal_end_it)
{
	int silent = -1;

	if (_i == 0)
		silent = kit_silent(&server_at);
	else
		server_at = kit_closed();
	ck_assert_uint_eq(ask(50), 0);
	fd_close(&silent);
}
END_TEST

START_TEST(it_can_be_given_up)
{
	fill(3);
	exchange_cancel(exchange_start(loop, &server_at, NULL, 60000, done, &calls));
	exchange_cancel(NULL);
	kit_settle(loop);
	ck_assert_uint_eq(calls, 0);
}
END_TEST

Suite *
suite_exchange(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "exchange", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, tells_the_addresses_and_passes_over_what_is_none);
	tcase_add_test(tc, an_empty_list_is_one);
	tcase_add_test(tc, at_most_as_many_as_agreed_are_taken);
	tcase_add_loop_test(tc, answers_that_cannot_be_read_tell_nothing, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, too_many_and_too_long_tell_nothing, 0, 2);
	tcase_add_loop_test(tc, other_statuses_tell_nothing_and_redirects_are_not_followed, 0, 2);
	tcase_add_loop_test(tc, silence_and_refusal_end_it, 0, 2);
	tcase_add_test(tc, it_can_be_given_up);
	return suite;
}
