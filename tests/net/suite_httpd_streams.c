/* Replies that the server streams: to readers that read, stall, sleep and leave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rig.h"
#include "suites.h"

#define SMALL_WINDOW 4096

static struct rig r;
static struct raw c;

/* Bytes of a chunked body that came, and whether its end did. */
static size_t
unchunk(bool *is_whole)
{
	const char *at = raw_body(&c);
	size_t total = 0;
	*is_whole = false;
	while (*at != '\0') {
		char *end;
		size_t len = strtoul(at, &end, 16);
		*is_whole = len == 0 && strcmp(end, "\r\n\r\n") == 0;
		if (*is_whole || strlen(end) < len + 4)
			break;
		total += len;
		at = end + len + 4;
	}
	return total;
}

START_TEST(streams_all_to_one_that_reads)
{
	rig_meet(&r, &c, rig_options());
	bool is_whole;
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n0\r\n\r\n") == 1);
	ck_assert_uint_eq(unchunk(&is_whole), r.stream_size);
	ck_assert(is_whole);
	ck_assert_uint_eq(r.done, 1);
	raw_say(&r, &c, GET("/next"));
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/next") == 1);
	rig_part(&r, &c);
}
END_TEST

/* Until the server has given no more for a while because the client takes nothing. */
static void
stall(void)
{
	size_t before = SIZE_MAX;
	for (unsigned quiet = 0; quiet < 100; quiet = r.streamed == before ? quiet + 1 : 0) {
		before = r.streamed;
		rig_turn(r.loop, rig_deadline(), "");
	}
}

/* The client again, for whom the kernel keeps only so much that it has not read. */
static void
shrink_window(int size)
{
	raw_close(&c);
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, &r.at);
	c = (struct raw){.fd = socket(AF_INET, SOCK_STREAM, 0)};
	ck_assert_int_eq(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	ck_assert_int_eq(connect(c.fd, (const struct sockaddr *)&sa, len), 0);
}

START_TEST(asks_for_no_more_while_the_reader_stalls)
{
	rig_meet(&r, &c, rig_options());
	r.stream_size = (size_t)100 * 1000 * 1000;
	shrink_window(SMALL_WINDOW);
	raw_say(&r, &c, GET("/stream"));
	stall();
	size_t given = r.streamed;
	ck_assert_uint_lt(given, 16 * 1000 * 1000); /* what the kernel buffers, and a piece */
	ck_assert_uint_eq(r.done, 0);
	raw_read(&c);
	rig_until(&r, raw_read(&c) && r.streamed > given);
	raw_close(&c);
	rig_until(&r, r.done == 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(cuts_a_reader_that_takes_nothing)
{
	rig_meet(&r, &c, rig_hasty_options());
	r.stream_size = (size_t)100 * 1000 * 1000;
	shrink_window(SMALL_WINDOW);
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, r.done == 1);
	ck_assert_uint_eq(httpd_connections(r.server), 0);
	raw_close(&c);
	raw_open(&c, &r.at);
	rig_part(&r, &c);
}
END_TEST

START_TEST(cuts_a_reader_that_takes_nothing_of_a_whole_reply)
{
	rig_meet(&r, &c, rig_hasty_options());
	r.big_size = (size_t)50 * 1000 * 1000;
	shrink_window(SMALL_WINDOW);
	raw_say(&r, &c, GET("/big"));
	rig_until(&r, r.handled == 1 && httpd_connections(r.server) == 0);
	raw_close(&c);
	raw_open(&c, &r.at);
	rig_part(&r, &c);
}
END_TEST

/* What is there, but no more than is wanted. */
static size_t
take(size_t wanted)
{
	static char space[65536];
	size_t taken = 0;
	while (taken < wanted && !c.is_closed) {
		size_t room = wanted - taken < sizeof(space) ? wanted - taken : sizeof(space);
		ssize_t n = recv(c.fd, space, room, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		c.is_closed = n <= 0;
		taken += n > 0 ? (size_t)n : 0;
	}
	return taken;
}

/*
 * The deadline is for a reader's pauses, not for all of the reply. An idle connection that is cut is the clock here: 25
 * pauses, each a twentieth of what is allowed, so a machine may be slow. What the kernel keeps is small beside the reply,
 * so the server has some of it left to the end, and is freed of a part of that in each step.
 */
START_TEST(leaves_a_reader_in_peace_that_is_slow_but_steady)
{
	struct httpd_options options = rig_options();
	options.header_timeout_ms = 100;
	options.request_timeout_ms = 2000;
	rig_meet(&r, &c, options);
	r.big_size = (size_t)50 * 1000 * 1000;
	shrink_window(256 * 1024);
	raw_say(&r, &c, GET("/big"));
	for (int step = 0; step < 25; step++) {
		size_t wanted = (size_t)2 * 1000 * 1000;
		struct raw idle;
		raw_open(&idle, &r.at);
		rig_until(&r, raw_read(&idle) && idle.is_closed);
		raw_close(&idle);
		rig_until(&r, (wanted -= take(wanted)) == 0 || c.is_closed);
		ck_assert(!c.is_closed);
	}
	rig_part(&r, &c);
}
END_TEST

START_TEST(cuts_a_stream_when_told_to)
{
	rig_meet(&r, &c, rig_options());
	r.stream_size = (size_t)100 * 1000 * 1000;
	shrink_window(SMALL_WINDOW);
	raw_say(&r, &c, GET("/stream"));
	stall();
	ck_assert_uint_eq(r.done, 0);
	http_reply_cut(r.held);
	ck_assert_uint_eq(r.done, 0); /* not from within */
	ck_assert_uint_eq(httpd_connections(r.server), 0);
	http_reply_cut(r.held); /* its client is gone already */
	http_reply_wake(r.held);
	rig_until(&r, r.done == 1);
	/* Nothing of what was not taken is sent any more. */
	rig_until(&r, raw_read(&c) && c.is_closed);
	raw_close(&c);
	raw_open(&c, &r.at);
	rig_part(&r, &c);
}
END_TEST

START_TEST(ends_a_stream_whose_reader_leaves)
{
	rig_meet(&r, &c, rig_options());
	r.stream_size = (size_t)100 * 1000 * 1000;
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, raw_read(&c) && c.got.len > 100000);
	raw_close(&c);
	rig_until(&r, r.done == 1 && httpd_connections(r.server) == 0);
	rig_part(&r, &c);
}
END_TEST

START_TEST(sleeps_while_a_stream_has_nothing_and_wakes)
{
	rig_meet(&r, &c, rig_hasty_options());
	struct raw idle;
	r.is_stream_quiet = true;
	r.stream_size = 3000;
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, raw_read(&c) && raw_status(&c) == 200);
	raw_open(&idle, &r.at);
	rig_until(&r, raw_read(&idle) && idle.is_closed); /* a deadline has passed */
	ck_assert_uint_eq(r.done, 0);
	r.is_stream_quiet = false;
	http_reply_wake(r.held);
	http_reply_wake(r.held);
	ck_assert_uint_eq(r.streamed, 0); /* not from within */
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n0\r\n\r\n") == 1);
	ck_assert_uint_eq(r.done, 1);
	raw_close(&idle);
	rig_part(&r, &c);
}
END_TEST

START_TEST(notices_that_the_reader_of_a_sleeping_stream_leaves)
{
	rig_meet(&r, &c, rig_options());
	r.is_stream_quiet = true;
	raw_say(&r, &c, GET("/stream"));
	rig_until(&r, raw_read(&c) && raw_status(&c) == 200);
	raw_close(&c);
	rig_until(&r, r.done == 1);
	rig_part(&r, &c);
}
END_TEST

Suite *
suite_httpd_streams(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd-streams", 60);
	tcase_add_test(tc, streams_all_to_one_that_reads);
	tcase_add_test(tc, asks_for_no_more_while_the_reader_stalls);
	tcase_add_test(tc, cuts_a_reader_that_takes_nothing);
	tcase_add_test(tc, cuts_a_reader_that_takes_nothing_of_a_whole_reply);
	tcase_add_test(tc, leaves_a_reader_in_peace_that_is_slow_but_steady);
	tcase_add_test(tc, cuts_a_stream_when_told_to);
	tcase_add_test(tc, ends_a_stream_whose_reader_leaves);
	tcase_add_test(tc, sleeps_while_a_stream_has_nothing_and_wakes);
	tcase_add_test(tc, notices_that_the_reader_of_a_sleeping_stream_leaves);
	return suite;
}
