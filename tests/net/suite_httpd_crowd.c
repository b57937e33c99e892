/* The server when it is full, without descriptors, and when it drains. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

static struct rig r;
static struct raw c;

/* A server that holds so many connections at once, the client's among them. */
static void
meet_with_room_for(unsigned connections)
{
	struct httpd_options options = rig_options();
	options.max_connections = connections;
	rig_meet(&r, &c, options);
}

START_TEST(cuts_the_unfinished_request_that_is_oldest_when_full)
{
	meet_with_room_for(3);
	struct raw unfinished, other, fourth;
	raw_open(&unfinished, &r.at);
	raw_say(&r, &unfinished, "GET / HTTP/1.1\r\n");
	raw_say(&r, &c, GET("/1"));
	raw_open(&other, &r.at);
	raw_say(&r, &other, "GET / HTT");
	rig_until(&r, httpd_connections(r.server) == 3 && raw_read(&c) && raw_is_whole(&c));
	raw_open(&fourth, &r.at);
	raw_say(&r, &fourth, GET("/4"));
	rig_until(&r, raw_read(&fourth) && raw_is_whole(&fourth));
	rig_until(&r, raw_read(&unfinished) && unfinished.is_closed);
	ck_assert_uint_eq(httpd_connections(r.server), 3);
	ck_assert(raw_read(&other) && !other.is_closed);
	ck_assert(raw_read(&c) && !c.is_closed);
	raw_close(&unfinished);
	raw_close(&other);
	raw_close(&fourth);
	rig_part(&r, &c);
}
END_TEST

START_TEST(cuts_the_longest_idle_when_full_of_idle_ones)
{
	meet_with_room_for(2);
	struct raw second, third;
	raw_open(&second, &r.at);
	raw_say(&r, &second, GET("/2"));
	rig_until(&r, raw_read(&second) && raw_is_whole(&second));
	raw_say(&r, &c, GET("/1"));
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	raw_open(&third, &r.at);
	rig_until(&r, raw_read(&second) && second.is_closed);
	ck_assert(raw_read(&c) && !c.is_closed);
	raw_close(&second);
	raw_close(&third);
	rig_part(&r, &c);
}
END_TEST

START_TEST(lets_new_ones_wait_when_all_are_being_answered)
{
	meet_with_room_for(1);
	struct raw second;
	raw_say(&r, &c, GET("/hold"));
	rig_until(&r, r.held != NULL);
	raw_open(&second, &r.at);
	raw_say(&r, &second, GET("/2"));
	for (int i = 0; i < 20; i++)
		rig_turn(r.loop, rig_deadline(), "");
	ck_assert_uint_eq(httpd_connections(r.server), 1);
	ck_assert(raw_read(&c) && !c.is_closed);
	http_reply(r.held, 200, "text/plain", "late", 4);
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	rig_until(&r, raw_read(&second) && raw_is_whole(&second));
	raw_close(&second);
	rig_part(&r, &c);
}
END_TEST

START_TEST(survives_a_crowd_that_is_larger_than_the_cap)
{
	meet_with_room_for(4);
	struct raw crowd[50];
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++)
		raw_open(&crowd[i], &r.at);
	raw_close(&c);
	rig_until(&r, raw_read(&crowd[45]) && crowd[45].is_closed && httpd_connections(r.server) == 4);
	raw_say(&r, &crowd[49], GET("/49"));
	rig_until(&r, raw_read(&crowd[49]) && raw_is_whole(&crowd[49]));
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++)
		raw_close(&crowd[i]);
	raw_open(&c, &r.at);
	rig_part(&r, &c);
}
END_TEST

START_TEST(serves_on_without_descriptors)
{
	rig_meet(&r, &c, rig_options());
	struct rlimit files;
	struct raw second, third;
	raw_open(&second, &r.at);
	raw_open(&third, &r.at);
	/* No descriptor above those in use now, so accept fails. */
	int highest = dup(r.listen_fd);
	close(highest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	rlim_t before = files.rlim_cur;
	files.rlim_cur = (rlim_t)highest + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	raw_say(&r, &c, GET("/1"));
	raw_say(&r, &second, GET("/2"));
	raw_say(&r, &third, GET("/3"));
	rig_until(&r, raw_read(&third) && raw_is_whole(&third));
	files.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	raw_close(&second);
	raw_close(&third);
	rig_part(&r, &c);
}
END_TEST

/*
 * The C library's accept4, which libevent calls, with a count of its calls, and with a lack of descriptors that no
 * other part of the program feels.
 */
static bool is_out_of_descriptors;
static unsigned accepts;

int
accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict len, int flags)
{
	accepts++;
	if (!is_out_of_descriptors)
		return (int)syscall(SYS_accept4, fd, from, len, flags);
	errno = EMFILE;
	return -1;
}

/* Lines in the file. */
static size_t
lines_in(const char *path)
{
	size_t count = 0;
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	for (int byte; (byte = getc(f)) != EOF;)
		count += byte == '\n';
	fclose(f);
	return count;
}

START_TEST(neither_spins_nor_floods_the_log_without_descriptors)
{
	char path[] = "/tmp/rensa-net-XXXXXX";
	struct raw second;

	rig_meet(&r, &c, rig_options());
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(log_open(path, LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT), OK);
	raw_say(&r, &c, GET("/hold")); /* nobody who could be cut */
	rig_until(&r, r.held != NULL);
	is_out_of_descriptors = true;
	accepts = 0;
	uint64_t since = clock_mono_ms();
	raw_open(&second, &r.at);
	for (int turns = 0; turns < 500; turns++)
		rig_turn(r.loop, rig_deadline(), "");
	/* One look, and then one after each pause. */
	ck_assert_uint_ge(accepts, 1);
	ck_assert_uint_le(accepts, (clock_mono_ms() - since) / 100 + 1);
	ck_assert_uint_eq(lines_in(path), 1);
	is_out_of_descriptors = false;
	raw_say(&r, &second, GET("/2"));
	rig_until(&r, raw_read(&second) && raw_is_whole(&second));
	http_reply(r.held, 200, "text/plain", "late", 4);
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	raw_close(&second);
	rig_part(&r, &c);
	unlink(path);
}
END_TEST

/* draining */

static void
count_drained(void *ctx)
{
	(void)ctx;
	r.drained++;
}

START_TEST(drains_idle_ones_and_waits_for_the_rest)
{
	rig_meet(&r, &c, rig_options());
	struct raw idle, half;
	raw_open(&idle, &r.at);
	raw_open(&half, &r.at);
	raw_say(&r, &idle, GET("/once"));
	rig_until(&r, raw_read(&idle) && raw_is_whole(&idle));
	raw_say(&r, &c, GET("/hold"));
	raw_say(&r, &half, "GET /half HTTP/1.1\r\n");
	rig_until(&r, r.held != NULL && httpd_connections(r.server) == 3);
	httpd_drain(r.server, count_drained, NULL);
	rig_until(&r, raw_read(&idle) && idle.is_closed);
	ck_assert_uint_eq(r.drained, 0);
	ck_assert_uint_eq(httpd_connections(r.server), 2);
	raw_say(&r, &half, H "\r\n");
	rig_until(&r, raw_read(&half) && half.is_closed);
	ck_assert_uint_eq(raw_count(&half, "Connection: close\r\n"), 1);
	ck_assert_uint_eq(raw_count(&half, "\r\n\r\n/half"), 1);
	http_reply(r.held, 200, "text/plain", "late", 4);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "\r\n\r\nlate"), 1);
	rig_until(&r, r.drained == 1);
	loop_poll(r.loop);
	ck_assert_uint_eq(r.drained, 1);
	raw_close(&idle);
	raw_close(&half);
	rig_part(&r, &c);
}
END_TEST

/* It asked to stay, and must not be told that it may. */
START_TEST(tells_http_1_0_that_a_draining_server_closes)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, "GET /hold HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	rig_until(&r, r.held != NULL);
	httpd_drain(r.server, count_drained, NULL);
	http_reply(r.held, 200, "text/plain", "late", 4);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "Connection: close\r\n"), 1);
	ck_assert_uint_eq(raw_count(&c, "Connection:"), 1);
	rig_part(&r, &c);
}
END_TEST

static void
free_server(void *ctx)
{
	(void)ctx;
	httpd_free(r.server);
	r.server = NULL;
	r.drained++;
}

/* Its request may be on its way, and it knows no reason to send it again. */
START_TEST(serves_who_came_right_before_it_drains)
{
	rig_meet(&r, &c, rig_options());
	struct raw silent;
	raw_open(&silent, &r.at);
	rig_until(&r, httpd_connections(r.server) == 2);
	httpd_drain(r.server, count_drained, NULL);
	loop_poll(r.loop);
	raw_say(&r, &c, GET("/late"));
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "\r\n\r\n/late"), 1);
	rig_until(&r, r.drained == 1);
	rig_until(&r, raw_read(&silent) && silent.is_closed);
	ck_assert_uint_eq(silent.got.len, 0);
	raw_close(&silent);
	rig_part(&r, &c);
}
END_TEST

/* Its next request is as good as on its way. */
START_TEST(serves_the_next_request_of_who_has_just_been_answered_and_says_that_it_is_the_last)
{
	rig_meet(&r, &c, rig_options());
	raw_say(&r, &c, GET("/one"));
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	httpd_drain(r.server, count_drained, NULL);
	loop_poll(r.loop);
	raw_say(&r, &c, GET("/two"));
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "\r\n\r\n/two"), 1);
	ck_assert_uint_eq(raw_count(&c, "Connection: close\r\n"), 1);
	rig_until(&r, r.drained == 1);
	rig_part(&r, &c);
}
END_TEST

START_TEST(drains_when_nobody_is_there_and_may_be_freed_then)
{
	rig_meet(&r, &c, rig_options());
	raw_close(&c);
	rig_until(&r, httpd_connections(r.server) == 0);
	httpd_drain(r.server, free_server, NULL);
	ck_assert_uint_eq(r.drained, 0);
	rig_until(&r, r.drained == 1);
	loop_free(r.loop);
	fd_close(&r.listen_fd);
}
END_TEST

START_TEST(leaves_the_listening_socket_to_the_caller)
{
	rig_meet(&r, &c, rig_options());
	raw_close(&c);
	httpd_free(r.server);
	struct httpd_options options = rig_options();
	raw_open(&c, &r.at); /* waits in the queue meanwhile */
	raw_close(&c);
	r.server = httpd_new(r.loop, &options, NULL, NULL);
	ck_assert_int_eq(httpd_serve(r.server, r.listen_fd), OK);
	raw_open(&c, &r.at);
	rig_until(&r, httpd_connections(r.server) > 0);
	rig_part(&r, &c);
}
END_TEST

Suite *
suite_httpd_crowd(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd-crowd", 60);
	tcase_add_test(tc, cuts_the_unfinished_request_that_is_oldest_when_full);
	tcase_add_test(tc, cuts_the_longest_idle_when_full_of_idle_ones);
	tcase_add_test(tc, lets_new_ones_wait_when_all_are_being_answered);
	tcase_add_test(tc, survives_a_crowd_that_is_larger_than_the_cap);
	tcase_add_test(tc, serves_on_without_descriptors);
	tcase_add_test(tc, neither_spins_nor_floods_the_log_without_descriptors);
	tcase_add_test(tc, drains_idle_ones_and_waits_for_the_rest);
	tcase_add_test(tc, serves_who_came_right_before_it_drains);
	tcase_add_test(tc, serves_the_next_request_of_who_has_just_been_answered_and_says_that_it_is_the_last);
	tcase_add_test(tc, tells_http_1_0_that_a_draining_server_closes);
	tcase_add_test(tc, drains_when_nobody_is_there_and_may_be_freed_then);
	tcase_add_test(tc, leaves_the_listening_socket_to_the_caller);
	return suite;
}
