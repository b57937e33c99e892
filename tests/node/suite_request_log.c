/* Which requests are logged, and what their lines hold. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/request_log.h"
#include "suites.h"
#include "util/file.h"
#include "util/log.h"

static char path[PATH_MAX];

static void
begin(void)
{
	snprintf(path, sizeof(path), "/tmp/rensa-request-log.%d", (int)getpid());
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
}

static void
end(void)
{
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	unlink(path);
}

static unsigned
count(const char *words)
{
	unsigned found = 0;
	struct buf text;

	buf_init(&text);
	ck_assert_int_eq(file_read(&text, path, 1 << 20), OK);
	for (const char *at = text.data; at != NULL && (at = strstr(at, words)) != NULL; at++)
		found++;
	buf_clear(&text);
	return found;
}

static struct httpd_served
request(int status, uint64_t us)
{
	struct httpd_served served = {.method = HTTP_GET, .path = "/blocks", .status = status, .us = us};

	ck_assert_int_eq(netaddr_parse(&served.from, "10.0.0.9:1234"), OK);
	return served;
}

START_TEST(logs_one_in_so_many_by_count)
{
	const struct httpd_served quick = request(200, 10);
	struct request_log r;

	request_log_begin(&r, 7, 1000);
	for (unsigned n = 1; n <= 700; n++) {
		request_log_served(&r, &quick);
		if (n <= 20)
			ck_assert_uint_eq(count("request: served"), (n + 6) / 7);
	}
	ck_assert_uint_eq(count("request: served"), 100);
	ck_assert_uint_eq(count("\n"), 100);
}
END_TEST

START_TEST(logs_slow_ones_and_failures_always_and_once)
{
	const struct httpd_served quick = request(499, 999999), slow = request(200, 1000000), failed = request(500, 10);
	struct httpd_served waited = request(200, 5000000);
	struct request_log none, all;

	waited.has_waited = true;
	request_log_begin(&none, 0, 1000);
	for (int i = 0; i < 5; i++) {
		request_log_served(&none, &quick);
		request_log_served(&none, &slow);
		request_log_served(&none, &failed);
		request_log_served(&none, &waited);
	}
	ck_assert_uint_eq(count("request: slow"), 5);
	ck_assert_uint_eq(count("request: failed"), 5);
	ck_assert_uint_eq(count("\n"), 10);
	request_log_begin(&all, 1, 1000);
	request_log_served(&all, &slow);
	request_log_served(&all, &failed);
	ck_assert_uint_eq(count("\n"), 12);
	/* They count for the sample as well. */
	ck_assert_uint_eq(all.seen, 2);
}
END_TEST

START_TEST(a_line_has_what_is_known_and_no_more)
{
	struct httpd_served served = request(200, 143);
	struct request_log r;

	served.body_in = 12;
	served.body_out = 345;
	request_log_begin(&r, 1, 1000);
	request_log_served(&r, &served);
	ck_assert_uint_eq(
	    count("msg=\"request: served\" method=\"GET\" path=\"/blocks\" status=200 in=12 out=345 us=143 "
		  "client=\"10.0.0.9:1234\"\n"),
	    1);
	served.is_cut = true;
	served.status = 0;
	served.method = HTTP_OTHER;
	request_log_served(&r, &served);
	ck_assert_uint_eq(
	    count("method=\"OTHER\" path=\"/blocks\" status=0 in=12 out=345 us=143 client=\"10.0.0.9:1234\" "
		  "cut=1\n"),
	    1);
}
END_TEST

Suite *
suite_request_log(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "request log", 20);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, logs_one_in_so_many_by_count);
	tcase_add_test(tc, logs_slow_ones_and_failures_always_and_once);
	tcase_add_test(tc, a_line_has_what_is_known_and_no_more);
	return suite;
}
