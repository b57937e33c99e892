/*
 * What listeners are told, and in which order. Requests are HTTP/1.0, so that the body comes as it is and ends with the
 * connection.
 */
#include "api/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/event_cursor.h"
#include "node.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"

static struct node n;

static void
setup(void)
{
	node_init(&n);
	n.options.listeners_max = 3;
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

/* Opens a stream; id NULL: from now on. Returns once the server has begun to answer. */
static void
hear(struct raw *c, const char *target, const char *id)
{
	char request[512];

	raw_open(c, &n, 0);
	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n%s%s%s\r\n", target, id != NULL ? "Last-Event-ID: " : "",
		 id != NULL ? id : "", id != NULL ? "\r\n" : "");
	raw_send(c, request);
	node_until(&n, (raw_read(c, SIZE_MAX), c->got.len > 0 && strstr(c->got.data, "\r\n\r\n") != NULL));
}

/* A client for which the kernel keeps far less than one piece of a stream. */
static void
open_narrow(struct raw *c)
{
	int size = 4096;

	/* Accepted sockets inherit it. */
	ck_assert_int_eq(setsockopt(n.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	raw_open(c, &n, size);
}

static int
status_of(const struct raw *c)
{
	return atoi(c->got.data + strlen("HTTP/1.0 "));
}

/* One event in few words: "block 3", "pending", "reorganisation 2 to 1", "peer ADDRESS STATE". */
static void
retell(struct buf *out, const char *name, const char *data)
{
	char error[JSON_ERROR_SIZE];
	struct jdoc *doc = jdoc_parse(data, strlen(data), error);

	ck_assert_msg(doc != NULL, "%s: %s", error, data);
	const struct jval *v = jdoc_root(doc);
	if (strcmp(name, "block") == 0 || strcmp(name, "reset") == 0)
		buf_printf(out, "%s %llu", name, (unsigned long long)jval_u64(v, "height", UINT64_MAX));
	else if (strcmp(name, "transaction") == 0)
		buf_puts(out, jval_str(v, "status", "?"));
	else if (strcmp(name, "reorganisation") == 0)
		buf_printf(out, "reorganisation %llu to %llu", (unsigned long long)jval_u64(v, "depth", UINT64_MAX),
			   (unsigned long long)jval_u64(jval_get(v, "fork"), "height", UINT64_MAX));
	else
		buf_printf(out, "%s %s %s", name, jval_str(v, "address", "?"), jval_str(v, "state", "?"));
	buf_puts(out, "; ");
	jdoc_free(doc);
}

/* All that the client was told, in few words; and the last id. */
static void
story_of(struct buf *out, char id[160], const struct raw *c)
{
	const char *at = c->got.len > 0 ? strstr(c->got.data, "\r\n\r\n") : NULL, *end;
	char name[32] = "", line[1024];

	buf_reset(out);
	buf_puts(out, "");
	for (at = at == NULL ? NULL : at + 4; at != NULL && (end = strchr(at, '\n')) != NULL; at = end + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
		if (strncmp(line, "event: ", 7) == 0)
			snprintf(name, sizeof(name), "%.31s", line + 7);
		else if (strncmp(line, "id: ", 4) == 0)
			snprintf(id, 160, "%.159s", line + 4);
		else if (strncmp(line, "data: ", 6) == 0)
			retell(out, name, line + 6);
	}
}

/* Waits until exactly this was told. Returns the last id, in a static buffer. */
static const char *
expect_story(struct raw *c, const char *expected)
{
	static char id[160];
	uint64_t deadline = node_deadline();
	struct buf story;

	buf_init(&story);
	for (;;) {
		raw_read(c, SIZE_MAX);
		story_of(&story, id, c);
		if (strcmp(story.data, expected) == 0)
			break;
		ck_assert_msg(clock_mono_ms() < deadline, "told: %s\nexpected: %s", story.data, expected);
		loop_poll(n.loop);
	}
	buf_clear(&story);
	return id;
}

/* Blocks on top, and the bell that says so. */
static void
extend(struct blockref fork, size_t count, unsigned miner)
{
	node_extend(&n, fork, count, miner);
	api_bell(n.api);
}

static void
post(const struct tx *tx)
{
	ck_assert_int_eq(node_post(&n, tx), 202);
	api_bell(n.api);
}

/* Some transfer of person 0. */
static void
post_from_0(uint64_t sequence)
{
	struct tx tx = transfer(&n, 0, 1, 5, 0, sequence);

	post(&tx);
}

static void
set_peer(const char *address, enum peer_state state, uint64_t since_ms)
{
	struct peer_entry e = {.state = state, .since_ms = since_ms};

	snprintf(e.address, sizeof(e.address), "%s", address);
	snprintf(e.reason, sizeof(e.reason), "because");
	ck_assert(peer_table_set(n.store, &e));
	api_bell(n.api);
}

START_TEST(tells_of_blocks_and_transfers_as_they_come)
{
	struct raw c;
	char expected[400], hash[HASH_HEX_SIZE], id[HASH_HEX_SIZE];

	extend(chain_tip(n.store), 2, 0);
	hear(&c, "/events", NULL);
	ck_assert_ptr_nonnull(strstr(c.got.data, "Content-Type: text/event-stream\r\n"));
	ck_assert_ptr_nonnull(strstr(c.got.data, "Cache-Control: no-store\r\n"));
	struct tx first = transfer(&n, 0, 1, 5, 0, 0), ahead = transfer(&n, 0, 1, 5, 0, 2);
	post(&first);
	post(&ahead);
	expect_story(&c, "pending; waiting; ");
	extend(chain_tip(n.store), 1, 1);
	expect_story(&c, "pending; waiting; confirmed; block 3; ");

	hash_hex(hash, chain_hash(n.store, chain_tip(n.store)));
	struct hash256 first_id = tx_id(&first);
	hash_hex(id, &first_id);
	snprintf(expected, sizeof(expected), "\ndata: {\"height\":3,\"hash\":\"%s\"}\n\n", hash);
	ck_assert_ptr_nonnull(strstr(c.got.data, expected));
	snprintf(expected, sizeof(expected), "\ndata: {\"id\":\"%s\",\"status\":\"pending\"}\n\n", id);
	ck_assert_ptr_nonnull(strstr(c.got.data, expected));
	snprintf(expected, sizeof(expected),
		 "\ndata: {\"id\":\"%s\",\"status\":\"confirmed\",\"height\":3,\"block\":\"%s\"}\n\n", id, hash);
	ck_assert_ptr_nonnull(strstr(c.got.data, expected));
	raw_close(&c);
}
END_TEST

START_TEST(names_what_a_reorganisation_rolled_back)
{
	struct raw c;
	char expected[700], fork[HASH_HEX_SIZE], old[HASH_HEX_SIZE], new[HASH_HEX_SIZE];

	extend(chain_tip(n.store), 3, 0);
	struct blockref at = chain_at(n.store, chain_tip(n.store), 1);
	hash_hex(fork, chain_hash(n.store, at));
	hash_hex(old, chain_hash(n.store, chain_tip(n.store)));
	hear(&c, "/events", NULL);
	extend(at, 3, 1);
	hash_hex(new, chain_hash(n.store, chain_tip(n.store)));
	expect_story(&c, "reorganisation 2 to 1; block 2; block 3; block 4; ");
	snprintf(expected, sizeof(expected),
		 "data: {\"depth\":2,\"fork\":{\"height\":1,\"hash\":\"%s\"},\"old\":{\"height\":3,\"hash\":\"%s\"},"
		 "\"new\":{\"height\":4,\"hash\":\"%s\"}}\n\n",
		 fork, old, new);
	ck_assert_ptr_nonnull(strstr(c.got.data, expected));
	raw_close(&c);
}
END_TEST

START_TEST(tells_of_transfers_that_a_reorganisation_returns_or_rules_out)
{
	struct raw c;
	struct tx kept = transfer(&n, 0, 1, 5, 0, 0), poor = transfer(&n, 2, 1, 5, 0, 0);

	extend(chain_tip(n.store), 1, 0);
	struct blockref fork = chain_tip(n.store);
	extend(fork, 1, 2);
	hear(&c, "/events", NULL);
	post(&kept);
	post(&poor);
	extend(chain_tip(n.store), 1, 3);
	expect_story(&c, "pending; pending; confirmed; confirmed; block 3; ");
	/* On the new chain person 2 has nothing. */
	extend(fork, 3, 3);
	expect_story(&c, "pending; pending; confirmed; confirmed; block 3; "
			 "reorganisation 2 to 1; block 2; block 3; block 4; pending; conflicted; ");
	ck_assert_ptr_nonnull(strstr(c.got.data, "\"status\":\"conflicted\",\"reason\":\"insufficient-funds\"}\n\n"));
	raw_close(&c);
}
END_TEST

START_TEST(goes_on_after_the_last_id_and_repeats_nothing)
{
	static const char *const ways[] = {"header", "query", "both"};
	char id[160], target[256];
	struct raw c;

	extend(chain_tip(n.store), 2, 0);
	hear(&c, "/events", NULL);
	post_from_0(0);
	extend(chain_tip(n.store), 1, 1);
	snprintf(id, sizeof(id), "%s", expect_story(&c, "pending; confirmed; block 3; "));
	raw_close(&c);

	extend(chain_tip(n.store), 1, 1);
	post_from_0(1);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		/* With both, the header counts: what stands in the query is older. */
		bool is_query = strcmp(ways[i], "query") == 0, is_both = strcmp(ways[i], "both") == 0;
		snprintf(target, sizeof(target), "/events%s%s", is_query || is_both ? "?since=" : "",
			 is_query  ? id
			 : is_both ? "0000000000000000000000000000000000000000000000000000000000000000"
				   : "");
		hear(&c, target, is_query ? NULL : id);
		expect_story(&c, "block 4; pending; ");
		raw_close(&c);
	}
}
END_TEST

START_TEST(goes_on_from_a_block_that_lost)
{
	char id[160];
	struct raw c;

	extend(chain_tip(n.store), 1, 0);
	struct blockref fork = chain_tip(n.store);
	hear(&c, "/events", NULL);
	extend(fork, 2, 0);
	snprintf(id, sizeof(id), "%s", expect_story(&c, "block 2; block 3; "));
	raw_close(&c);
	extend(fork, 3, 1);
	hear(&c, "/events", id);
	snprintf(id, sizeof(id), "%s", expect_story(&c, "reorganisation 2 to 1; block 2; block 3; block 4; "));
	raw_close(&c);
	hear(&c, "/events", id);
	extend(chain_tip(n.store), 1, 1);
	expect_story(&c, "block 5; ");
	raw_close(&c);
}
END_TEST

/* The place of a reorganisation is the fork: between it and its blocks a client may leave too. */
START_TEST(each_id_is_the_place_behind_its_event)
{
	struct raw c, again;
	char id[160];

	extend(chain_tip(n.store), 2, 0);
	hear(&c, "/events", NULL);
	extend(chain_at(n.store, chain_tip(n.store), 1), 2, 1);
	expect_story(&c, "reorganisation 1 to 1; block 2; block 3; ");
	const char *line = strstr(strstr(c.got.data, "event: reorganisation\n"), "id: ") + 4;
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(line, "\n"), line);
	hear(&again, "/events", id);
	expect_story(&again, "block 2; block 3; ");
	raw_close(&again);
	raw_close(&c);
}
END_TEST

START_TEST(goes_on_after_a_block_that_is_named_by_its_hash)
{
	char target[128], hash[HASH_HEX_SIZE];
	struct raw c;

	extend(chain_tip(n.store), 3, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(target, sizeof(target), "/events?since=%s", hash);
	hear(&c, target, NULL);
	expect_story(&c, "block 1; block 2; block 3; ");
	raw_close(&c);
}
END_TEST

/* The same blocks in another segment: what a restart of the node is to its listeners. */
START_TEST(goes_on_in_another_life_of_the_node)
{
	struct tx before = transfer(&n, 0, 1, 5, 0, 0), after = transfer(&n, 0, 1, 6, 0, 1);
	uint64_t now = clock_wall_ms();
	char id[160];
	struct raw c;

	extend(chain_tip(n.store), 2, 0);
	hear(&c, "/events", NULL);
	post(&before);
	snprintf(id, sizeof(id), "%s", expect_story(&c, "pending; "));
	raw_close(&c);

	node_stop(&n);
	setup();
	node_extend(&n, chain_tip(n.store), 2, 0);
	ck_assert_int_eq(mempool_admit(n.pool, &before, true, now - 60000).status, ADMISSION_PENDING);
	ck_assert_int_eq(mempool_admit(n.pool, &after, true, now + 60000).status, ADMISSION_PENDING);
	hear(&c, "/events", id);
	/* Only what came after the last event. */
	expect_story(&c, "pending; ");
	extend(chain_tip(n.store), 1, 1);
	expect_story(&c, "pending; confirmed; confirmed; block 3; ");
	raw_close(&c);
}
END_TEST

START_TEST(says_reset_when_the_last_block_is_unknown)
{
	struct event_cursor cursor = {.head = {{1, 2, 3}}, .life = 7, .arrival = 12, .gone = 3, .time_ms = 1};
	struct buf id;
	struct raw c;

	extend(chain_tip(n.store), 2, 0);
	buf_init(&id);
	event_cursor_write(&id, &cursor);
	hear(&c, "/events", id.data);
	ck_assert_int_eq(status_of(&c), 200);
	expect_story(&c, "reset 2; ");
	ck_assert_ptr_nonnull(strstr(c.got.data, "data: {\"unknown\":\"010203000"));
	extend(chain_tip(n.store), 1, 0);
	expect_story(&c, "reset 2; block 3; ");
	raw_close(&c);
	buf_clear(&id);
}
END_TEST

START_TEST(refuses_what_is_no_id)
{
#define HEAD "00000000000000000000000000000000000000000000000000000000000000ff"
	static const char *const bad[] = {
	    "1",
	    "-",
	    "0",
	    HEAD "0",
	    HEAD "-",
	    HEAD "-00000001",
	    HEAD "-00000001-1-1",
	    HEAD "-00000001-1-1-1-",
	    HEAD "-00000001-1-1-1-1",
	    HEAD "-00000001-01-1-1",
	    HEAD "-0000001-1-1-1",
	    HEAD "-0000000G-1-1-1",
	    HEAD "-00000001--1-1",
	    HEAD "-00000001-9007199254740992-1-1",
	    HEAD "-00000001-1-1-99999999999999999999999999999999999999999999999999999999999999999999999999999",
	};
	char target[400];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *headers[] = {"Last-Event-ID", bad[i], NULL};
		snprintf(target, sizeof(target), "/events?since=%s", bad[i]);
		ck_assert_msg(node_get(&n, target) == 400, "%s: %d", bad[i], n.reply.status);
		ck_assert_str_eq(node_code(&n), "bad-parameter");
		ck_assert_msg(node_call(&n, HTTP_GET, "/events", NULL, headers) == 400, "%s: %d", bad[i],
			      n.reply.status);
	}
	ck_assert_uint_eq(role_get(n.store, COUNT_LISTENERS), 0);
}
END_TEST

START_TEST(refuses_an_id_from_ahead_of_the_pool)
{
	struct raw c;
	char id[160];
	const char *headers[] = {"Last-Event-ID", id, NULL};
	struct event_cursor cursor;
	struct buf ahead;

	hear(&c, "/events", NULL);
	ck_assert(event_cursor_read(&cursor, expect_story(&c, "")));
	raw_close(&c);
	buf_init(&ahead);
	cursor.arrival += 5;
	event_cursor_write(&ahead, &cursor);
	snprintf(id, sizeof(id), "%s", ahead.data);
	ck_assert_int_eq(node_call(&n, HTTP_GET, "/events", NULL, headers), 400);
	buf_clear(&ahead);
}
END_TEST

START_TEST(tells_only_the_kinds_asked_for)
{
	static const struct {
		const char *target, *story;
	} rows[] = {
	    {"/events?only=block", "block 2; block 2; block 3; "},
	    {"/events?only=transaction", "pending; confirmed; pending; "},
	    {"/events?only=peer", "peer 10.0.0.1:5000 up; "},
	    {"/events?only=reorganisation,peer", "reorganisation 1 to 1; peer 10.0.0.1:5000 up; "},
	};
	static const char *const bad[] = {"/events?only=", "/events?only=blocks", "/events?only=block,",
					  "/events?only=,peer", "/events?only=reset"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct raw c, all;

		teardown();
		setup();
		extend(chain_tip(n.store), 1, 0);
		hear(&c, rows[i].target, NULL);
		hear(&all, "/events", NULL); /* served after the other, so what this one has heard is told */
		struct tx tx = transfer(&n, 0, 1, 5, 0, 0);
		post(&tx);
		extend(chain_tip(n.store), 1, 0);
		expect_story(&all, "pending; confirmed; block 2; ");
		extend(chain_at(n.store, chain_tip(n.store), 1), 2, 1);
		set_peer("10.0.0.1:5000", PEER_UP, clock_wall_ms());
		expect_story(&all, "pending; confirmed; block 2; reorganisation 1 to 1; block 2; block 3; pending; "
				   "peer 10.0.0.1:5000 up; ");
		expect_story(&c, rows[i].story);
		raw_close(&c);
		raw_close(&all);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(node_get(&n, bad[i]) == 400, "%s: %d", bad[i], n.reply.status);
}
END_TEST

START_TEST(tells_of_peers_that_change_and_of_pauses)
{
	uint64_t now = clock_wall_ms();
	struct raw c;
	char id[160];

	set_peer("10.0.0.1:5000", PEER_UP, now - 60000);
	set_peer("10.0.0.2:5000", PEER_SILENT, now - 60000);
	hear(&c, "/events", NULL);
	set_peer("10.0.0.1:5000", PEER_UP, now - 60000);
	set_peer("10.0.0.2:5000", PEER_UP, now);
	expect_story(&c, "peer 10.0.0.2:5000 up; ");
	/* Nobody rings for a pause: the worker looks. */
	peer_pause_set(n.store, "10.0.0.1:5000", "bad-signature", clock_wall_ms());
	snprintf(id, sizeof(id), "%s", expect_story(&c, "peer 10.0.0.2:5000 up; peer 10.0.0.1:5000 paused; "));
	ck_assert_ptr_nonnull(strstr(c.got.data, "{\"address\":\"10.0.0.1:5000\",\"state\":\"paused\",\"reason\":"
						 "\"bad-signature\",\"node\":\"\"}\n\n"));
	raw_close(&c);

	/* Whoever was away learns what has changed since; that it repeats what is just as old is no harm. */
	set_peer("10.0.0.3:5000", PEER_REFUSED, clock_wall_ms() + 60000);
	set_peer("10.0.0.4:5000", PEER_UP, now - 60000);
	set_peer("10.0.0.2:5000", PEER_UP, now - 60000);
	hear(&c, "/events?only=peer", id);
	expect_story(&c, "peer 10.0.0.1:5000 paused; peer 10.0.0.3:5000 refused; ");
	raw_close(&c);
}
END_TEST

START_TEST(keeps_the_place_of_a_slow_reader)
{
	enum { BLOCKS = 2000 };
	struct raw c;
	char target[128], hash[HASH_HEX_SIZE], request[256], expected[32];
	struct buf story;

	extend(chain_tip(n.store), BLOCKS, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(target, sizeof(target), "/events?since=%s", hash);
	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", target);
	open_narrow(&c);
	raw_send(&c, request);
	node_until(&n, role_get(n.store, COUNT_LISTENERS) == 1);
	/* What it is told when it reads at last is what there is then, not what there was. */
	node_extend(&n, chain_at(n.store, chain_tip(n.store), BLOCKS - 1), 2, 1);
	api_bell(n.api);
	snprintf(expected, sizeof(expected), "{\"height\":%d,", BLOCKS + 1);
	node_until(
	    &n, (raw_read(&c, SIZE_MAX), c.got.len > 1000 && strstr(c.got.data + c.got.len - 1000, expected) != NULL));

	char id[160];
	uint64_t height = 0, next;
	buf_init(&story);
	story_of(&story, id, &c);
	for (const char *at = story.data; *at != '\0'; at = strstr(at, "; ") + 2) {
		ck_assert_msg(strncmp(at, "block ", 6) == 0, "%.60s", at);
		next = strtoull(at + 6, NULL, 10);
		ck_assert_uint_eq(next, height + 1);
		height = next;
	}
	ck_assert_uint_eq(height, BLOCKS + 1);
	buf_clear(&story);
	raw_close(&c);
}
END_TEST

/* Thousands of blocks without an event: the client learns meanwhile how far the walk has come. */
START_TEST(tells_its_place_on_a_long_way_without_events)
{
	struct raw c;
	char target[128], hash[HASH_HEX_SIZE];
	struct event_cursor cursor;

	extend(chain_tip(n.store), 2500, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(target, sizeof(target), "/events?only=transaction&since=%s", hash);
	hear(&c, target, NULL);
	post_from_0(0);
	ck_assert(event_cursor_read(&cursor, expect_story(&c, "pending; ")));
	ck_assert(hash_equal(&cursor.head, chain_hash(n.store, chain_tip(n.store))));
	size_t places = 0;
	for (const char *at = c.got.data; (at = strstr(at, "\nid: ")) != NULL; at++)
		places++;
	ck_assert_uint_ge(places, 1 + 2 + 1);
	raw_close(&c);
}
END_TEST

START_TEST(takes_so_many_listeners_and_a_new_one_when_one_goes)
{
	struct raw c[3], more;

	ck_assert_int_eq(node_call(&n, HTTP_HEAD, "/events", NULL, NULL), 200);
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		hear(&c[i], "/events", NULL);
	ck_assert_uint_eq(role_get(n.store, COUNT_LISTENERS), 3);
	ck_assert_int_eq(node_get(&n, "/events"), 503);
	ck_assert_str_eq(node_code(&n), "too-many-listeners");
	raw_close(&c[1]);
	node_until(&n, role_get(n.store, COUNT_LISTENERS) == 2);
	hear(&more, "/events", NULL);
	ck_assert_int_eq(status_of(&more), 200);
	extend(chain_tip(n.store), 1, 0);
	expect_story(&more, "block 1; ");
	expect_story(&c[0], "block 1; ");
	expect_story(&c[2], "block 1; ");
	raw_close(&more);
	raw_close(&c[0]);
	raw_close(&c[2]);
	node_until(&n, role_get(n.store, COUNT_LISTENERS) == 0);
}
END_TEST

START_TEST(ends_all_streams_when_it_is_to_stop)
{
	struct raw idle, stalled;
	char hash[HASH_HEX_SIZE], request[256];

	extend(chain_tip(n.store), 2000, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(request, sizeof(request), "GET /events?since=%s HTTP/1.0\r\n\r\n", hash);
	hear(&idle, "/events", NULL);
	open_narrow(&stalled);
	raw_send(&stalled, request);
	node_until(&n, role_get(n.store, COUNT_LISTENERS) == 2);
	api_end(n.api);
	/* Who sleeps gets the end at once; who takes nothing is cut off. */
	node_until(&n, (raw_read(&idle, SIZE_MAX), idle.is_closed));
	node_until(&n, role_get(n.store, COUNT_LISTENERS) == 0);
	ck_assert_int_eq(node_get(&n, "/events"), 503);
	ck_assert_str_eq(node_code(&n), "stopping");
	raw_close(&idle);
	raw_close(&stalled);
}
END_TEST

START_TEST(ids_are_read_as_they_are_written)
{
	struct event_cursor c = {.life = 0xdeadbeef, .arrival = 1, .gone = (UINT64_C(1) << 53) - 1, .time_ms = 12345},
			    read;
	struct buf text;

	memset(&c.head, 0xab, sizeof(c.head));
	buf_init(&text);
	event_cursor_write(&text, &c);
	ck_assert_str_eq(text.data, "abababababababababababababababababababababababababababababababab-deadbeef-1-"
				    "9007199254740991-12345");
	ck_assert(event_cursor_read(&read, text.data));
	ck_assert(hash_equal(&read.head, &c.head) && read.life == c.life && read.arrival == c.arrival &&
		  read.gone == c.gone && read.time_ms == c.time_ms && !read.is_head_only);
	text.data[64] = '\0';
	ck_assert(event_cursor_read(&read, text.data));
	ck_assert(hash_equal(&read.head, &c.head) && read.is_head_only);
	buf_clear(&text);
}
END_TEST

Suite *
suite_events(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "events", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tells_of_blocks_and_transfers_as_they_come);
	tcase_add_test(tc, names_what_a_reorganisation_rolled_back);
	tcase_add_test(tc, tells_of_transfers_that_a_reorganisation_returns_or_rules_out);
	tcase_add_test(tc, goes_on_after_the_last_id_and_repeats_nothing);
	tcase_add_test(tc, goes_on_from_a_block_that_lost);
	tcase_add_test(tc, each_id_is_the_place_behind_its_event);
	tcase_add_test(tc, goes_on_after_a_block_that_is_named_by_its_hash);
	tcase_add_test(tc, goes_on_in_another_life_of_the_node);
	tcase_add_test(tc, says_reset_when_the_last_block_is_unknown);
	tcase_add_test(tc, refuses_what_is_no_id);
	tcase_add_test(tc, refuses_an_id_from_ahead_of_the_pool);
	tcase_add_test(tc, tells_only_the_kinds_asked_for);
	tcase_add_test(tc, tells_of_peers_that_change_and_of_pauses);
	tcase_add_test(tc, keeps_the_place_of_a_slow_reader);
	tcase_add_test(tc, tells_its_place_on_a_long_way_without_events);
	tcase_add_test(tc, takes_so_many_listeners_and_a_new_one_when_one_goes);
	tcase_add_test(tc, ends_all_streams_when_it_is_to_stop);
	tcase_add_test(tc, ids_are_read_as_they_are_written);
	return s;
}
