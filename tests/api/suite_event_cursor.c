/*
 * The place of a listener in the stream: the id of each event, with which one who was away goes on where it left, and
 * what becomes of places that were never there or are no more.
 */
#include "api/event_cursor.h"

#include <stdio.h>
#include <string.h>

#include "follower.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"

static struct node n;

static void
setup(void)
{
	follower_node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

START_TEST(goes_on_after_the_last_id_and_repeats_nothing)
{
	static const char *const ways[] = {"header", "query", "both"};
	char id[FOLLOWER_ID_SIZE], target[256];
	struct raw c;

	node_tell_blocks(&n, chain_tip(n.store), 2, 0);
	follower_open(&c, &n, "/events", NULL);
	node_tell_some_tx(&n, 0);
	node_tell_blocks(&n, chain_tip(n.store), 1, 1);
	snprintf(id, sizeof(id), "%s", follower_expect(&c, &n, "pending; confirmed; block 3; "));
	raw_close(&c);

	node_tell_blocks(&n, chain_tip(n.store), 1, 1);
	node_tell_some_tx(&n, 1);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		/* With both, the header counts: what stands in the query is older. */
		bool is_query = strcmp(ways[i], "query") == 0, is_both = strcmp(ways[i], "both") == 0;
		snprintf(target, sizeof(target), "/events%s%s", is_query || is_both ? "?since=" : "",
			 is_query  ? id
			 : is_both ? "0000000000000000000000000000000000000000000000000000000000000000"
				   : "");
		follower_open(&c, &n, target, is_query ? NULL : id);
		follower_expect(&c, &n, "block 4; pending; ");
		raw_close(&c);
	}
}
END_TEST

START_TEST(goes_on_from_a_block_that_lost)
{
	char id[FOLLOWER_ID_SIZE];
	struct raw c;

	node_tell_blocks(&n, chain_tip(n.store), 1, 0);
	struct blockref fork = chain_tip(n.store);
	follower_open(&c, &n, "/events", NULL);
	node_tell_blocks(&n, fork, 2, 0);
	snprintf(id, sizeof(id), "%s", follower_expect(&c, &n, "block 2; block 3; "));
	raw_close(&c);
	node_tell_blocks(&n, fork, 3, 1);
	follower_open(&c, &n, "/events", id);
	snprintf(id, sizeof(id), "%s", follower_expect(&c, &n, "reorganisation 2 to 1; block 2; block 3; block 4; "));
	raw_close(&c);
	follower_open(&c, &n, "/events", id);
	node_tell_blocks(&n, chain_tip(n.store), 1, 1);
	follower_expect(&c, &n, "block 5; ");
	raw_close(&c);
}
END_TEST

/* The place of a reorganisation is the fork: between it and its blocks a client may leave too. */
START_TEST(each_id_is_the_place_behind_its_event)
{
	struct raw c, again;
	char id[FOLLOWER_ID_SIZE];

	node_tell_blocks(&n, chain_tip(n.store), 2, 0);
	follower_open(&c, &n, "/events", NULL);
	node_tell_blocks(&n, chain_at(n.store, chain_tip(n.store), 1), 2, 1);
	follower_expect(&c, &n, "reorganisation 1 to 1; block 2; block 3; ");
	const char *line = strstr(strstr(c.got.data, "event: reorganisation\n"), "id: ") + 4;
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(line, "\n"), line);
	follower_open(&again, &n, "/events", id);
	follower_expect(&again, &n, "block 2; block 3; ");
	raw_close(&again);
	raw_close(&c);
}
END_TEST

START_TEST(goes_on_after_a_block_that_is_named_by_its_hash)
{
	char target[128], hash[HASH_HEX_SIZE];
	struct raw c;

	node_tell_blocks(&n, chain_tip(n.store), 3, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(target, sizeof(target), "/events?since=%s", hash);
	follower_open(&c, &n, target, NULL);
	follower_expect(&c, &n, "block 1; block 2; block 3; ");
	raw_close(&c);
}
END_TEST

/* The same blocks in another segment: what a restart of the node is to its listeners. */
START_TEST(goes_on_in_another_life_of_the_node)
{
	struct tx before = transfer(&n, 0, 1, 5, 0, 0), after = transfer(&n, 0, 1, 6, 0, 1);
	uint64_t now = clock_wall_ms();
	char id[FOLLOWER_ID_SIZE];
	struct raw c;

	node_tell_blocks(&n, chain_tip(n.store), 2, 0);
	follower_open(&c, &n, "/events", NULL);
	node_tell_tx(&n, &before);
	snprintf(id, sizeof(id), "%s", follower_expect(&c, &n, "pending; "));
	raw_close(&c);

	node_stop(&n);
	setup();
	node_extend(&n, chain_tip(n.store), 2, 0);
	ck_assert_int_eq(mempool_admit(n.pool, &before, true, now - 60000).status, ADMISSION_PENDING);
	ck_assert_int_eq(mempool_admit(n.pool, &after, true, now + 60000).status, ADMISSION_PENDING);
	follower_open(&c, &n, "/events", id);
	/* Only what came after the last event. */
	follower_expect(&c, &n, "pending; ");
	node_tell_blocks(&n, chain_tip(n.store), 1, 1);
	follower_expect(&c, &n, "pending; confirmed; confirmed; block 3; ");
	raw_close(&c);
}
END_TEST

START_TEST(says_reset_when_the_last_block_is_unknown)
{
	struct event_cursor cursor = {.head = {{1, 2, 3}}, .life = 7, .arrival = 12, .gone = 3, .time_ms = 1};
	struct buf id;
	struct raw c;

	node_tell_blocks(&n, chain_tip(n.store), 2, 0);
	buf_init(&id);
	event_cursor_write(&id, &cursor);
	follower_open(&c, &n, "/events", id.data);
	ck_assert_int_eq(follower_status(&c), 200);
	follower_expect(&c, &n, "reset 2; ");
	ck_assert_ptr_nonnull(strstr(c.got.data, "data: {\"unknown\":\"010203000"));
	node_tell_blocks(&n, chain_tip(n.store), 1, 0);
	follower_expect(&c, &n, "reset 2; block 3; ");
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
	char id[FOLLOWER_ID_SIZE];
	const char *headers[] = {"Last-Event-ID", id, NULL};
	struct event_cursor cursor;
	struct buf ahead;

	follower_open(&c, &n, "/events", NULL);
	ck_assert(event_cursor_read(&cursor, follower_expect(&c, &n, "")));
	raw_close(&c);
	buf_init(&ahead);
	cursor.arrival += 5;
	event_cursor_write(&ahead, &cursor);
	snprintf(id, sizeof(id), "%s", ahead.data);
	ck_assert_int_eq(node_call(&n, HTTP_GET, "/events", NULL, headers), 400);
	buf_clear(&ahead);
}
END_TEST

/* Thousands of blocks without an event: the client learns meanwhile how far the walk has come. */
START_TEST(tells_its_place_on_a_long_way_without_events)
{
	struct raw c;
	char target[128], hash[HASH_HEX_SIZE];
	struct event_cursor cursor;

	node_tell_blocks(&n, chain_tip(n.store), 2500, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(target, sizeof(target), "/events?only=transaction&since=%s", hash);
	follower_open(&c, &n, target, NULL);
	node_tell_some_tx(&n, 0);
	ck_assert(event_cursor_read(&cursor, follower_expect(&c, &n, "pending; ")));
	ck_assert(hash_equal(&cursor.head, chain_hash(n.store, chain_tip(n.store))));
	size_t places = 0;
	for (const char *at = c.got.data; (at = strstr(at, "\nid: ")) != NULL; at++)
		places++;
	ck_assert_uint_ge(places, 1 + 2 + 1);
	raw_close(&c);
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
suite_event_cursor(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "event-cursor", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, goes_on_after_the_last_id_and_repeats_nothing);
	tcase_add_test(tc, goes_on_from_a_block_that_lost);
	tcase_add_test(tc, each_id_is_the_place_behind_its_event);
	tcase_add_test(tc, goes_on_after_a_block_that_is_named_by_its_hash);
	tcase_add_test(tc, goes_on_in_another_life_of_the_node);
	tcase_add_test(tc, says_reset_when_the_last_block_is_unknown);
	tcase_add_test(tc, refuses_what_is_no_id);
	tcase_add_test(tc, refuses_an_id_from_ahead_of_the_pool);
	tcase_add_test(tc, tells_its_place_on_a_long_way_without_events);
	tcase_add_test(tc, ids_are_read_as_they_are_written);
	return s;
}
