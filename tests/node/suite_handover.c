/* What a program hands over to the next: read back as it was written, and refused whole if anything in it is not right. */
#include "node/handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer/kit.h"
#include "suites.h"
#include "util/build.h"
#include "util/file.h"

static struct handover h;
static struct buf text, why;

static void
begin(void)
{
	buf_init(&text);
	buf_init(&why);
}

static void
end(void)
{
	buf_clear(&text);
	buf_clear(&why);
}

/* Its value, in text. */
static const char *
written(const struct handover *what)
{
	buf_reset(&text);
	handover_format(&text, what);
	ck_assert(strncmp(text.data, HANDOVER_VARIABLE "=", strlen(HANDOVER_VARIABLE "=")) == 0);
	return text.data + strlen(HANDOVER_VARIABLE "=");
}

/* Places of clients and of peers, with sockets that are only numbers. */
static struct handover
sample(uint32_t sockets)
{
	struct listeners l = {.count = sockets};
	struct netaddr clients, peers;
	struct handover out;

	handover_init(&out);
	strcpy(out.from, build_name());
	out.since_ms = UINT64_C(123456789012);
	out.lock = 3;
	ck_assert_int_eq(netaddr_parse(&clients, "127.0.0.1:5000"), OK);
	ck_assert_int_eq(netaddr_parse(&peers, "[fe80::1]:65535"), OK);
	for (uint32_t i = 0; i < sockets; i++)
		l.fds[i] = (int)(4 + i);
	handover_add(&out, &clients, &l);
	for (uint32_t i = 0; i < sockets; i++)
		l.fds[i] = (int)(4 + sockets + i);
	handover_add(&out, &peers, &l);
	return out;
}

START_TEST(what_was_written_is_read_back)
{
	struct handover before = sample((uint32_t)_i);

	ck_assert_int_eq(handover_parse(&h, written(&before), &why), OK);
	ck_assert_str_eq(h.from, before.from);
	ck_assert_uint_eq(h.since_ms, before.since_ms);
	ck_assert_int_eq(h.lock, before.lock);
	ck_assert_uint_eq(h.place_count, 2);
	for (uint32_t i = 0; i < h.place_count; i++) {
		ck_assert(netaddr_equal(&h.places[i].at, &before.places[i].at));
		ck_assert_uint_eq(h.places[i].sockets.count, (uint32_t)_i);
		ck_assert_mem_eq(h.places[i].sockets.fds, before.places[i].sockets.fds, (size_t)_i * sizeof(int));
	}
}
END_TEST

START_TEST(an_address_where_nobody_listens_is_left_out)
{
	struct handover before = sample(1);

	before.place_count = 1;
	handover_add(&before, &before.places[1].at, &(struct listeners){.count = 0});
	ck_assert_uint_eq(before.place_count, 1);
	ck_assert_int_eq(handover_parse(&h, written(&before), &why), OK);
	ck_assert_uint_eq(h.place_count, 1);
}
END_TEST

/* "PID" stands for our own. */
static const char *const nonsense[] = {
    "",
    ";",
    "x",
    "1",
    "01;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4",
    "2;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=1;lock=3",
    "1;pid=PID;from=a;since=1;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;from=a;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4;",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4;more=1",
    "1;pid=PID;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=1;lock=3;lock=5;listen=127.0.0.1:5000@4",
    "1;pid=-1;from=a;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=99999999999;from=a;since=1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=-1;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=99999999999999999999;lock=3;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=1;lock=2;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=1;lock=-1;listen=127.0.0.1:5000@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@3",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@1",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4,4",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4,",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4 ",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@1048577",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@99999999999999999999",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:0@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=localhost:5000@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4;listen=127.0.0.1:5000@5",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4;listen=127.0.0.1:5001@4",
    "1;pid=PID;from=a;since=1;lock=3;listen=127.0.0.1:5000@4;listen=127.0.0.1:5001@5;listen=127.0.0.1:5002@6",
};

START_TEST(nonsense_is_refused_with_a_reason)
{
	const char *rest = strstr(nonsense[_i], "PID");
	struct buf value;

	buf_init(&value);
	buf_append(&value, nonsense[_i], rest == NULL ? strlen(nonsense[_i]) : (size_t)(rest - nonsense[_i]));
	if (rest != NULL)
		buf_printf(&value, "%d%s", (int)getpid(), rest + strlen("PID"));
	ck_assert_msg(handover_parse(&h, value.data, &why) == ERR_FORMAT, "%s", value.data);
	ck_assert(strncmp(why.data, HANDOVER_VARIABLE, strlen(HANDOVER_VARIABLE)) == 0);
	buf_clear(&value);
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
	struct handover full = sample(LISTENERS_ALL_MAX);
	const char *value = written(&full);
	size_t len = strlen(value);
	char *longer = malloc(HANDOVER_TEXT_MAX + 2);

	/* As long as any can be, with the longest numbers. */
	ck_assert_uint_lt(len + 2 * LISTENERS_ALL_MAX * strlen("1048576"), HANDOVER_TEXT_MAX);
	memcpy(longer, value, len);
	memset(longer + len, '0', HANDOVER_TEXT_MAX + 1 - len);
	longer[HANDOVER_TEXT_MAX + 1] = '\0';
	ck_assert_int_eq(handover_parse(&h, longer, &why), ERR_FORMAT);
	ck_assert(strstr(why.data, "too long") != NULL);
	free(longer);
}
END_TEST

START_TEST(more_sockets_than_a_node_can_have_are_refused)
{
	struct handover full = sample(LISTENERS_ALL_MAX);

	full.place_count = 1;
	written(&full);
	buf_puts(&text, ",1000");
	ck_assert_int_eq(handover_parse(&h, strchr(text.data, '=') + 1, &why), ERR_FORMAT);
}
END_TEST

START_TEST(what_is_for_another_process_is_none_of_ours)
{
	char value[160];

	snprintf(value, sizeof(value), "1;pid=%d;from=a;since=1;lock=3;listen=127.0.0.1:5000@4", (int)getppid());
	ck_assert_int_eq(handover_parse(&h, value, &why), ERR_NOT_FOUND);
	setenv(HANDOVER_VARIABLE, value, 1);
	ck_assert_int_eq(handover_take(&h, &why), ERR_NOT_FOUND);
	ck_assert_ptr_null(getenv(HANDOVER_VARIABLE));
	ck_assert_uint_eq(h.place_count, 0);
	ck_assert_int_eq(h.lock, -1);
	ck_assert_uint_eq(why.len, 0);
	ck_assert_int_eq(handover_take(&h, &why), ERR_NOT_FOUND);
}
END_TEST

/* Descriptors */

/* A hand-over of one real socket, and of a lock that is open at least. */
static struct handover
real(int *listener)
{
	struct netaddr at;
	struct handover out;
	struct listeners l = {.count = 1};

	handover_init(&out);
	strcpy(out.from, "0.0.9");
	*listener = l.fds[0] = kit_silent(&at);
	out.lock = open("/dev/null", O_RDONLY);
	handover_add(&out, &at, &l);
	return out;
}

START_TEST(sockets_that_listen_are_taken_from_the_environment_and_claimed)
{
	struct listeners l = {.count = 0}, none = {.count = 0};
	struct handover before;
	struct netaddr other = kit_closed();
	int fd;

	before = real(&fd);
	ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
	setenv(HANDOVER_VARIABLE, written(&before), 1);
	ck_assert_int_eq(handover_take(&h, &why), OK);
	ck_assert_ptr_null(getenv(HANDOVER_VARIABLE));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(before.lock, F_GETFD), FD_CLOEXEC);
	ck_assert(handover_has_port(&h, before.places[0].at.port));
	handover_claim(&h, &none, &other);
	ck_assert_uint_eq(none.count, 0);
	handover_claim(&h, &l, &before.places[0].at);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_int_eq(l.fds[0], fd);
	ck_assert(!handover_has_port(&h, before.places[0].at.port));
	/* What was claimed is not closed. */
	ck_assert_uint_eq(handover_drop(&h), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(before.lock, F_GETFD), -1);
	listeners_close(&l);
}
END_TEST

START_TEST(what_nobody_claims_is_closed)
{
	struct handover before;
	int fd;

	before = real(&fd);
	ck_assert_int_eq(handover_parse(&h, written(&before), &why), OK);
	ck_assert_int_eq(handover_verify(&h, &why), OK);
	ck_assert_uint_eq(handover_drop(&h), 1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

enum wrong { CLOSED, FILE_OF_ANOTHER_KIND, DATAGRAMS, NOT_LISTENING, AT_ANOTHER_ADDRESS, LOCK_CLOSED, WRONGS };

START_TEST(a_descriptor_that_is_not_what_it_is_said_to_be_is_refused)
{
	struct netaddr other;
	struct handover before;
	int fd, elsewhere;

	before = real(&fd);
	switch ((enum wrong)_i) {
	case CLOSED:
		close(fd);
		break;
	case FILE_OF_ANOTHER_KIND:
		dup2(before.lock, fd);
		break;
	case DATAGRAMS:
		dup2(socket(AF_INET, SOCK_DGRAM, 0), fd);
		break;
	case NOT_LISTENING:
		dup2(socket(AF_INET, SOCK_STREAM, 0), fd);
		break;
	case AT_ANOTHER_ADDRESS:
		elsewhere = kit_silent(&other);
		dup2(elsewhere, fd);
		break;
	case LOCK_CLOSED:
		close(before.lock);
		break;
	case WRONGS:
		break;
	}
	setenv(HANDOVER_VARIABLE, written(&before), 1);
	ck_assert_int_eq(handover_take(&h, &why), ERR_FORMAT);
	ck_assert(strstr(why.data, "descriptor") != NULL);
	ck_assert_uint_eq(h.place_count, 0);
	ck_assert_ptr_null(getenv(HANDOVER_VARIABLE));
}
END_TEST

Suite *
suite_handover(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "handover", 10);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, what_was_written_is_read_back, 1, LISTENERS_ALL_MAX + 1);
	tcase_add_test(tc, an_address_where_nobody_listens_is_left_out);
	tcase_add_loop_test(tc, nonsense_is_refused_with_a_reason, 0, (int)ARRAY_LEN(nonsense));
	tcase_add_test(tc, what_is_too_long_is_refused);
	tcase_add_test(tc, more_sockets_than_a_node_can_have_are_refused);
	tcase_add_test(tc, what_is_for_another_process_is_none_of_ours);
	tcase_add_test(tc, sockets_that_listen_are_taken_from_the_environment_and_claimed);
	tcase_add_test(tc, what_nobody_claims_is_closed);
	tcase_add_loop_test(tc, a_descriptor_that_is_not_what_it_is_said_to_be_is_refused, 0, WRONGS);
	return suite;
}
