/* Replies of which parts come from a file: in order, framed as the client's version wants it, to slow readers too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"

#define FILE_SIZE 6000000
#define STEPS_MAX 4

/* What more gives, call by call: words, then a part of the file; either may be missing. */
struct step {
	const char *words;
	uint64_t at, len;
};

static struct rig r;
static struct raw c;
static char *content;
static FILE *file_stream;
static int file;
static struct step steps[STEPS_MAX + 1];
static size_t step_count, step_at;

static bool
next_step(void *ctx, struct http_piece *piece)
{
	const struct step *s = &steps[step_at++];

	(void)ctx;
	ck_assert_uint_le(step_at, step_count);
	if (s->words != NULL)
		buf_puts(&piece->bytes, s->words);
	piece->fd = file;
	piece->at = s->at;
	piece->len = s->len;
	return step_at < step_count;
}

static void
start_with(struct httpd_options options)
{
	unsigned seed = 1;

	rig_meet(&r, &c, options);
	file_stream = tmpfile();
	ck_assert_ptr_nonnull(file_stream);
	file = fileno(file_stream);
	content = malloc(FILE_SIZE);
	for (size_t i = 0; i < FILE_SIZE; i++) {
		seed = seed * 1103515245 + 12345;
		content[i] = (char)('a' + (seed >> 16) % 26);
	}
	ck_assert_int_eq(write(file, content, FILE_SIZE), FILE_SIZE);
	r.own_more = next_step;
	step_at = 0;
}

static void
start(void)
{
	start_with(rig_options());
}

static void
stop(void)
{
	rig_part(&r, &c);
	fclose(file_stream);
	free(content);
}

static void
plan(const struct step *plan, size_t count)
{
	memset(steps, 0, sizeof(steps));
	memcpy(steps, plan, count * sizeof(*plan));
	step_count = count;
	step_at = 0;
}

/* What a client is to get. */
static void
expect(struct buf *out)
{
	buf_init(out);
	for (size_t i = 0; i < step_count; i++) {
		if (steps[i].words != NULL)
			buf_puts(out, steps[i].words);
		buf_append(out, content + steps[i].at, steps[i].len);
	}
}

/* The body without its chunks; ends the test if they are malformed. */
static void
unchunk(struct buf *out, const char *at)
{
	size_t len;
	char *end;

	buf_init(out);
	do {
		len = strtoul(at, &end, 16);
		ck_assert(end > at && strncmp(end, "\r\n", 2) == 0);
		ck_assert_uint_ge(strlen(end), len + 4);
		buf_append(out, end + 2, len);
		at = end + 2 + len;
		ck_assert(strncmp(at, "\r\n", 2) == 0);
		at += 2;
	} while (len > 0);
	ck_assert_str_eq(at, "");
}

static void
ck_same(const struct buf *got, const struct buf *want)
{
	ck_assert_uint_eq(got->len, want->len);
	if (want->len > 0)
		ck_assert_int_eq(memcmp(got->data, want->data, want->len), 0);
}

static const struct {
	const char *name;
	size_t count;
	struct step steps[STEPS_MAX];
} plans[] = {
    {"words around a part", 2, {{"begin(", 1000, 3000000}, {")end", 0, 0}}},
    {"a part alone", 1, {{NULL, 0, FILE_SIZE}}},
    {"a part first", 2, {{NULL, 5, 1}, {"end", 0, 0}}},
    {"a part last", 2, {{"begin", 0, 0}, {NULL, 17, 100000}}},
    {"parts in a row", 4, {{"a", 10, 10}, {NULL, 5000000, 1000000}, {",", 0, 70000}, {"z", 0, 0}}},
    {"words alone", 2, {{"one", 0, 0}, {"two", 0, 0}}},
};

START_TEST(sends_words_and_parts_in_order)
{
	struct buf want, got;
	char line[160];

	start();
	plan(plans[_i].steps, plans[_i].count);
	expect(&want);

	/* Of known length, and the connection serves on. */
	r.own_length = want.len;
	raw_say(&r, &c, "GET /own HTTP/1.1\r\n" H "\r\n");
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	snprintf(line, sizeof(line), "Content-Length: %zu\r\n", want.len);
	ck_assert_uint_eq(raw_count(&c, line), 1);
	ck_assert_uint_eq(raw_count(&c, "Transfer-Encoding"), 0);
	buf_init(&got);
	buf_puts(&got, raw_body(&c));
	ck_same(&got, &want);
	buf_clear(&got);
	rig_until(&r, r.done == 1);

	/* Chunked. */
	buf_reset(&c.got);
	r.own_length = HTTP_LENGTH_UNKNOWN;
	step_at = 0;
	raw_say(&r, &c, "GET /own HTTP/1.1\r\n" H "\r\n");
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n0\r\n\r\n") == 1);
	ck_assert_uint_eq(raw_count(&c, "Content-Length"), 0);
	unchunk(&got, raw_body(&c));
	ck_same(&got, &want);
	buf_clear(&got);
	ck_assert_uint_eq(r.done, 2);

	/* HTTP/1.0: with a length the connection may stay, without one its end is that of the body. */
	buf_reset(&c.got);
	r.own_length = want.len;
	step_at = 0;
	raw_say(&r, &c, "GET /own HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	buf_puts(&got, raw_body(&c));
	ck_same(&got, &want);
	buf_clear(&got);
	rig_until(&r, r.done == 3);
	ck_assert(!c.is_closed);

	buf_reset(&c.got);
	r.own_length = HTTP_LENGTH_UNKNOWN;
	step_at = 0;
	raw_say(&r, &c, "GET /own HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "Transfer-Encoding"), 0);
	buf_puts(&got, raw_body(&c));
	ck_same(&got, &want);
	buf_clear(&got);
	buf_clear(&want);
	raw_close(&c);
	raw_open(&c, &r.at);
	stop();
}
END_TEST

START_TEST(tells_the_length_to_who_asks_for_the_head_alone)
{
	start();
	plan(plans[0].steps, plans[0].count);
	r.own_length = 3000010;
	raw_say(&r, &c, "HEAD /own HTTP/1.1\r\n" H "\r\n");
	rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n") == 1);
	ck_assert_uint_eq(raw_count(&c, "Content-Length: 3000010\r\n"), 1);
	ck_assert_uint_eq(r.done, 1);
	ck_assert_uint_eq(step_at, 0);
	buf_reset(&c.got);
	raw_say(&r, &c, "GET /next HTTP/1.1\r\n" H "\r\n");
	rig_until(&r, raw_read(&c) && raw_is_whole(&c));
	ck_assert_str_eq(raw_body(&c), "/next");
	stop();
}
END_TEST

START_TEST(lets_a_request_that_came_with_it_wait_for_its_end)
{
	static const uint64_t lengths[] = {3000010, HTTP_LENGTH_UNKNOWN};

	start();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		plan(plans[0].steps, plans[0].count);
		r.own_length = lengths[i];
		buf_reset(&c.got);
		raw_say(&r, &c, "GET /own HTTP/1.1\r\n" H "\r\nGET /next HTTP/1.1\r\n" H "\r\n");
		rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n\r\n/next") == 1);
		ck_assert_uint_eq(r.done, i + 1);
		/* Not a byte before the first answer's end. */
		const char *end = strstr(c.got.data, ")end");
		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(
		    strncmp(end + 4, i == 0 ? "HTTP/1.1 200" : "\r\n0\r\n\r\nHTTP/1.1 200", i == 0 ? 12 : 19), 0);
	}
	stop();
}
END_TEST

static void
shrink_window(void)
{
	static const int size = 4096;
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, &r.at);

	raw_close(&c);
	c = (struct raw){.fd = socket(AF_INET, SOCK_STREAM, 0)};
	ck_assert_int_eq(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	ck_assert_int_eq(connect(c.fd, (const struct sockaddr *)&sa, len), 0);
}

/* For 24 MB, more than the kernel takes for one who reads nothing. */
static void
ask_for_much(void)
{
	static const struct step large[] = {
	    {"(", 0, FILE_SIZE}, {",", 0, FILE_SIZE}, {",", 0, FILE_SIZE}, {",", 0, FILE_SIZE}};

	plan(large, 4);
	shrink_window();
	raw_say(&r, &c, "GET /own HTTP/1.1\r\n" H "\r\n");
}

/* A reader that stops in the middle; whether in words, a frame or a part is left to the kernel. */
static void
ask_and_stall(void)
{
	ask_for_much();
	for (unsigned quiet = 0; quiet < 100; quiet++)
		rig_turn(r.loop, rig_deadline(), "");
	ck_assert_uint_eq(r.done, 0);
	ck_assert_uint_lt(step_at, step_count);
}

START_TEST(waits_for_a_reader_that_stalls_and_goes_on)
{
	static const uint64_t lengths[] = {4 * FILE_SIZE + 4, HTTP_LENGTH_UNKNOWN};
	struct buf want, got;

	start();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		r.own_length = lengths[i];
		ask_and_stall();
		expect(&want);
		if (lengths[i] != HTTP_LENGTH_UNKNOWN) {
			rig_until(&r, raw_read(&c) && raw_is_whole(&c));
			buf_init(&got);
			buf_puts(&got, raw_body(&c));
		} else {
			rig_until(&r, raw_read(&c) && raw_count(&c, "\r\n0\r\n\r\n") == 1);
			unchunk(&got, raw_body(&c));
		}
		ck_same(&got, &want);
		buf_clear(&got);
		buf_clear(&want);
		rig_until(&r, r.done == 1);
		r.done = 0;
	}
	stop();
}
END_TEST

START_TEST(cuts_a_reader_that_takes_nothing)
{
	start_with(rig_hasty_options());
	r.own_length = 4 * FILE_SIZE + 4;
	ask_for_much();
	rig_until(&r, r.done == 1);
	ck_assert_uint_lt(step_at, step_count);
	ck_assert_uint_eq(httpd_connections(r.server), 0);
	raw_close(&c);
	raw_open(&c, &r.at);
	stop();
}
END_TEST

START_TEST(ends_when_the_reader_leaves)
{
	start();
	r.own_length = 4 * FILE_SIZE + 4;
	ask_and_stall();
	raw_close(&c);
	rig_until(&r, r.done == 1 && httpd_connections(r.server) == 0);
	raw_open(&c, &r.at);
	stop();
}
END_TEST

START_TEST(ends_when_it_is_cut)
{
	start();
	r.own_length = 4 * FILE_SIZE + 4;
	ask_and_stall();
	http_reply_cut(r.held);
	ck_assert_uint_eq(httpd_connections(r.server), 0);
	rig_until(&r, r.done == 1);
	raw_close(&c);
	raw_open(&c, &r.at);
	stop();
}
END_TEST

START_TEST(ends_the_connection_where_the_file_is_shorter_than_it_was_said_to_be)
{
	static const struct step beyond[] = {{"(", FILE_SIZE - 10, 20}, {")", 0, 0}};

	start();
	plan(beyond, 2);
	r.own_length = 22;
	raw_say(&r, &c, "GET /own HTTP/1.1\r\n" H "\r\n");
	rig_until(&r, r.done == 1 && raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(step_at, 1);
	ck_assert_uint_eq(httpd_connections(r.server), 0);
	raw_close(&c);
	raw_open(&c, &r.at);
	stop();
}
END_TEST

static void
note(void *ctx)
{
	(*(unsigned *)ctx)++;
}

START_TEST(is_finished_before_a_server_that_drains_is_done)
{
	unsigned drained = 0;

	start();
	r.own_length = 4 * FILE_SIZE + 4;
	ask_and_stall();
	httpd_drain(r.server, note, &drained);
	ck_assert_uint_eq(drained, 0);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert(raw_is_whole(&c));
	rig_until(&r, drained == 1);
	ck_assert_uint_eq(r.done, 1);
	raw_close(&c);
	rig_stop(&r);
	fclose(file_stream);
	free(content);
}
END_TEST

Suite *
suite_httpd_files(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd-files", 60);

	tcase_add_loop_test(tc, sends_words_and_parts_in_order, 0, ARRAY_LEN(plans));
	tcase_add_test(tc, tells_the_length_to_who_asks_for_the_head_alone);
	tcase_add_test(tc, lets_a_request_that_came_with_it_wait_for_its_end);
	tcase_add_test(tc, waits_for_a_reader_that_stalls_and_goes_on);
	tcase_add_test(tc, cuts_a_reader_that_takes_nothing);
	tcase_add_test(tc, ends_when_the_reader_leaves);
	tcase_add_test(tc, ends_when_it_is_cut);
	tcase_add_test(tc, ends_the_connection_where_the_file_is_shorter_than_it_was_said_to_be);
	tcase_add_test(tc, is_finished_before_a_server_that_drains_is_done);
	return suite;
}
