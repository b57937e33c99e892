/* Who observes a server is told of each request that is over, once, with what it was and what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"
#include "util/clock.h"
#include "util/text.h"

#define FILE_SIZE (100 * 1000 * 1000) /* more than the kernel takes for one who reads nothing */

static struct rig r;
static struct raw c;
static unsigned observed;
static struct httpd_served last;
static char last_path[64];
static uint64_t began_us;

static void
observe(void *ctx, const struct httpd_served *served)
{
	ck_assert_ptr_eq(ctx, &r);
	observed++;
	last = *served;
	text_copy(last_path, sizeof(last_path), served->path);
	last.path = last_path;
}

static void
start(struct httpd_options options)
{
	options.observer = observe;
	options.observer_ctx = &r;
	observed = 0;
	began_us = clock_mono_us();
	rig_meet(&r, &c, options);
}

static void
assert_told(enum http_method method, const char *path, int status, uint64_t in, uint64_t out)
{
	ck_assert_uint_eq(observed, 1);
	observed = 0;
	ck_assert_int_eq(last.method, method);
	ck_assert_str_eq(last.path, path);
	ck_assert_int_eq(last.status, status);
	ck_assert_uint_eq(last.body_in, in);
	ck_assert_uint_eq(last.body_out, out);
	ck_assert_uint_le(last.us, clock_mono_us() - began_us);
	ck_assert(!last.from.is_v6 && last.from.port != 0);
}

static void
say_and_see(const char *text)
{
	raw_say(&r, &c, text);
	rig_until(&r, raw_read(&c) && observed > 0);
}

START_TEST(tells_method_path_status_and_bytes)
{
	start(rig_options());
	say_and_see(GET("/a%20b?token=secret"));
	assert_told(HTTP_GET, "/a b", 200, 0, strlen("/a b"));
	ck_assert_ptr_null(last.route);
	ck_assert(!last.is_cut && !last.has_waited);
	say_and_see("HEAD /abc HTTP/1.1\r\n" H "\r\n");
	assert_told(HTTP_HEAD, "/abc", 200, 0, 0);
	say_and_see("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello");
	assert_told(HTTP_POST, "/echo", 200, 5, 5);
	say_and_see("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	assert_told(HTTP_POST, "/echo", 200, 3, 3);
	say_and_see(GET("/empty"));
	assert_told(HTTP_GET, "/empty", 204, 0, 0);
	say_and_see(GET("/big"));
	assert_told(HTTP_GET, "/big", 200, 0, 3000000);
	rig_part(&r, &c);
	ck_assert_uint_eq(observed, 0);
}
END_TEST

START_TEST(tells_the_route_that_the_handler_named)
{
	start(rig_options());
	raw_say(&r, &c, GET("/hold"));
	rig_until(&r, r.held != NULL);
	http_req_set_route(r.held, "/{any}");
	http_reply(r.held, 503, NULL, NULL, 0);
	rig_until(&r, raw_read(&c) && observed > 0);
	assert_told(HTTP_GET, "/hold", 503, 0, 0);
	ck_assert_str_eq(last.route, "/{any}");
	rig_part(&r, &c);
}
END_TEST

START_TEST(tells_of_a_stream_when_it_is_over)
{
	start(rig_options());
	r.stream_size = 100000;
	say_and_see(GET("/stream"));
	assert_told(HTTP_GET, "/stream", 200, 0, 100000);
	ck_assert(!last.has_waited);

	r.streamed = 0;
	r.is_stream_quiet = true;
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "200 OK") == 2);
	ck_assert_uint_eq(observed, 0);
	r.is_stream_quiet = false;
	http_reply_wake(r.held);
	rig_until(&r, raw_read(&c) && observed > 0);
	assert_told(HTTP_GET, "/stream", 200, 0, 100000);
	ck_assert(last.has_waited && !last.is_cut);
	rig_part(&r, &c);
}
END_TEST

START_TEST(tells_of_clients_that_go_before_their_answer)
{
	start(rig_options());
	raw_say(&r, &c, GET("/hold"));
	rig_until(&r, r.held != NULL);
	raw_close(&c);
	rig_until(&r, observed > 0);
	assert_told(HTTP_GET, "/hold", 0, 0, 0);
	ck_assert(last.is_cut);
	/* The answer that comes too late is no second request. */
	http_reply(r.held, 200, "text/plain", "late", 4);
	ck_assert_uint_eq(observed, 0);
	rig_stop(&r);
}
END_TEST

START_TEST(tells_of_streams_that_were_cut)
{
	start(rig_options());
	r.is_stream_quiet = true;
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, raw_read(&c) && raw_status(&c) == 200);
	raw_close(&c);
	rig_until(&r, observed > 0);
	assert_told(HTTP_GET, "/stream", 200, 0, 0);
	ck_assert(last.is_cut);
	rig_stop(&r);
}
END_TEST

static FILE *file;

static bool
give_a_part(void *ctx, struct http_piece *piece)
{
	(void)ctx;
	buf_puts(&piece->bytes, "(");
	piece->fd = fileno(file);
	piece->at = 0;
	piece->len = FILE_SIZE;
	return true;
}

/* What the kernel took of a part before its reader went counts, the rest does not. */
START_TEST(tells_of_a_part_of_a_file_no_more_than_was_sent)
{
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), FILE_SIZE), 0);
	start(rig_options());
	r.own_more = give_a_part;
	r.own_length = (uint64_t)2 * FILE_SIZE;
	raw_say(&r, &c, GET("/own"));
	rig_until(&r, raw_read(&c) && c.got.len > 100000);
	raw_close(&c);
	rig_until(&r, observed > 0);
	ck_assert(last.is_cut);
	ck_assert_uint_gt(last.body_out, 90000);
	ck_assert_uint_lt(last.body_out, FILE_SIZE);
	rig_until(&r, r.done == 1);
	rig_stop(&r);
	fclose(file);
}
END_TEST

static const struct {
	const char *text;
	int status;
	enum http_method method;
} refused_rows[] = {
    {"GET / HTTP/3.0\r\n" H "\r\n", 505, HTTP_OTHER},
    {"NONSENSE\r\n\r\n", 400, HTTP_OTHER},
    {"GET / HTTP/1.1\r\n\r\n", 400, HTTP_OTHER},
    {"POST /echo HTTP/1.1\r\n" H "Content-Length: 2000\r\n\r\n", 413, HTTP_OTHER},
    {"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, HTTP_POST},
};

START_TEST(tells_of_requests_that_the_server_refuses)
{
	start(rig_options());
	say_and_see(refused_rows[_i].text);
	ck_assert_str_eq(last.path, "");
	assert_told(refused_rows[_i].method, "", refused_rows[_i].status, 0, 0);
	rig_until(&r, raw_read(&c) && raw_status(&c) == refused_rows[_i].status);
	rig_part(&r, &c);
	ck_assert_uint_eq(observed, 0);
}
END_TEST

START_TEST(tells_of_requests_that_never_become_whole)
{
	start(rig_hasty_options());
	say_and_see("GET / HT");
	assert_told(HTTP_OTHER, "", 408, 0, 0);
	rig_part(&r, &c);
}
END_TEST

Suite *
suite_httpd_observer(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd observer", 60);
	tcase_add_test(tc, tells_method_path_status_and_bytes);
	tcase_add_test(tc, tells_the_route_that_the_handler_named);
	tcase_add_test(tc, tells_of_a_stream_when_it_is_over);
	tcase_add_test(tc, tells_of_clients_that_go_before_their_answer);
	tcase_add_test(tc, tells_of_streams_that_were_cut);
	tcase_add_test(tc, tells_of_a_part_of_a_file_no_more_than_was_sent);
	tcase_add_loop_test(tc, tells_of_requests_that_the_server_refuses, 0, ARRAY_LEN(refused_rows));
	tcase_add_test(tc, tells_of_requests_that_never_become_whole);
	return suite;
}
