/* A worker: it serves its listener, hands over what it must not write, and finishes what it has in hand before it goes. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crew.h"
#include "peer/kit.h"
#include "store/disk_maker.h"
#include "suites.h"
#include "util/buf.h"
#include "util/file.h"
#include "wire/json.h"
#include "wire/views.h"

static struct crew crew;

/* One more block. */
static void
extend(void)
{
	struct maker m;

	maker_init(&m, crew.store, 31);
	ck_assert_int_eq(maker_begin(&m, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&m, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&m), OK);
	maker_clear(&m);
}

static void
begin(void)
{
	crew_ready(&crew);
	extend();
}

static void
end(void)
{
	crew_close(&crew);
}

/* A client that says what the test wants said. */
struct client {
	int fd;
	struct buf got;
};

static void
client_open(struct client *c, const struct netaddr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, at);

	buf_init(&c->got);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(c->fd, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sa, len), 0);
}

/* What has come by now has these words? */
static bool
client_got(struct client *c, const char *words)
{
	char piece[4096];
	ssize_t n;

	while ((n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0)
		buf_append(&c->got, piece, (size_t)n);
	return c->got.len > 0 && strstr(c->got.data, words) != NULL;
}

static void
client_say(struct client *c, const char *method, const char *path, const char *body)
{
	struct buf text;

	buf_init(&text);
	buf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", method, path);
	buf_printf(&text, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	ck_assert_int_eq(send(c->fd, text.data, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
	buf_clear(&text);
}

static void
client_close(struct client *c)
{
	fd_close(&c->fd);
	buf_clear(&c->got);
}

/* One request, on a connection of its own, that is answered with these words. */
static void
expect_answer(const struct netaddr *at, const char *path, const char *words)
{
	struct client c;

	client_open(&c, at);
	client_say(&c, "GET", path, "");
	crew_until(client_got(&c, words));
	client_close(&c);
}

static void
say_transfer(struct client *c)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	struct buf body;
	struct jout j;

	buf_init(&body);
	j = jout_to(&body);
	view_tx(&j, &tx, crew.config.network.address_version);
	client_say(c, "POST", "/transactions", body.data);
	buf_clear(&body);
}

/* Returns when the worker has noticed: it opens its log again after that. */
static void
ask_to_stop(void)
{
	pid_t pid = crew.pids[crew_slot("worker")];
	struct stat st;

	ck_assert_int_eq(unlink(crew.log), 0);
	kill(pid, SIGTERM);
	kill(pid, SIGUSR1);
	crew_until(stat(crew.log, &st) == 0);
}

START_TEST(answers_on_the_listener_that_the_master_made)
{
	crew_start(&crew, "worker");
	expect_answer(&crew.at[0], "/status", "\"height\":1");
	expect_answer(&crew.at[0], "/chain", "previous_hash");
	expect_answer(&crew.at[0], "/nowhere", "404");
	ck_assert_uint_ge(crew_counter(&crew, "worker", COUNT_REQUESTS), 3);
	ck_assert_int_eq(crew_stop(&crew, "worker"), CHILD_STOPPED);
}
END_TEST

START_TEST(a_connection_that_came_before_it_is_served)
{
	struct client c;

	client_open(&c, &crew.at[0]);
	client_say(&c, "GET", "/status", "");
	crew_start(&crew, "worker");
	crew_until(client_got(&c, "\"height\":1"));
	client_close(&c);
}
END_TEST

START_TEST(hands_a_transfer_to_the_pool_and_tells_its_verdict)
{
	struct client c;

	crew_start(&crew, "worker");
	client_open(&c, &crew.at[0]);
	say_transfer(&c);
	/* The pool's bell first: nobody else may know of it yet. */
	crew_until(crew_heard(&crew, crew.env.bells.role[BELL_POOL]));
	ck_assert(!client_got(&c, "HTTP/1.1"));
	crew_start(&crew, "pool");
	crew_until(client_got(&c, "\"status\":\"pending\""));
	ck_assert_uint_eq(mempool_count(crew.store), 1);
	client_close(&c);
}
END_TEST

START_TEST(asked_to_stop_it_answers_what_it_has_in_hand_and_leaves_the_rest_to_its_successor)
{
	struct client c, late;

	crew_start(&crew, "worker");
	client_open(&c, &crew.at[0]);
	say_transfer(&c);
	crew_until(crew_heard(&crew, crew.env.bells.role[BELL_POOL]));
	ask_to_stop();
	ask_to_stop(); /* twice is once */
	client_open(&late, &crew.at[0]);
	client_say(&late, "GET", "/status", "");
	crew_start(&crew, "pool");
	crew_until(client_got(&c, "\"status\":\"pending\""));
	ck_assert_int_eq(crew_wait(&crew, "worker"), CHILD_STOPPED);
	/* Whoever came late is its successor's. */
	crew_start(&crew, "worker");
	crew_until(client_got(&late, "\"height\":1"));
	client_close(&c);
	client_close(&late);
}
END_TEST

START_TEST(asked_to_stop_it_ends_the_streams_of_those_who_listen)
{
	struct client c;

	crew_start(&crew, "worker");
	client_open(&c, &crew.at[0]);
	client_say(&c, "GET", "/events", "");
	crew_until(client_got(&c, "\nid: "));
	ck_assert_uint_eq(crew_counter(&crew, "worker", COUNT_LISTENERS), 1);
	extend();
	/* The pool rings, or the worker looks by itself. */
	crew_until(client_got(&c, "event: block\n"));
	ck_assert_int_eq(crew_stop(&crew, "worker"), CHILD_STOPPED);
	crew_until(client_got(&c, "\r\n0\r\n\r\n"));
	client_close(&c);
}
END_TEST

START_TEST(peers_are_served_apart_when_they_have_a_listener)
{
	struct netaddr at;
	int fd = kit_silent(&at);

	crew.env.peer_listeners = (struct listeners){.fds = {fd}, .count = 1};
	crew_start(&crew, "worker");
	expect_answer(&at, "/peer/hello", "405");
	expect_answer(&at, "/status", "404");
	expect_answer(&crew.at[0], "/status", "\"height\":1");
	expect_answer(&crew.at[0], "/peer/hello", "404");
	ck_assert_int_eq(crew_stop(&crew, "worker"), CHILD_STOPPED);
	fd_close(&fd);
}
END_TEST

Suite *
suite_role_worker(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role worker", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, answers_on_the_listener_that_the_master_made);
	tcase_add_test(tc, a_connection_that_came_before_it_is_served);
	tcase_add_test(tc, hands_a_transfer_to_the_pool_and_tells_its_verdict);
	tcase_add_test(tc, asked_to_stop_it_answers_what_it_has_in_hand_and_leaves_the_rest_to_its_successor);
	tcase_add_test(tc, asked_to_stop_it_ends_the_streams_of_those_who_listen);
	tcase_add_test(tc, peers_are_served_apart_when_they_have_a_listener);
	return suite;
}
