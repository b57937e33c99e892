/* What listeners are told, and in which order: each kind of event, to one who reads, one who is slow, and many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "follower.h"
#include "store/peer_table.h"
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

/* A client for which the kernel keeps far less than one piece of a stream. */
static void
open_narrow(struct raw *c)
{
	int size = 4096;

	/* Accepted sockets inherit it. */
	ck_assert_int_eq(setsockopt(n.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	raw_open(c, &n, size);
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

	node_tell_blocks(&n, chain_tip(n.store), 2, 0);
	follower_open(&c, &n, "/events", NULL);
	ck_assert_ptr_nonnull(strstr(c.got.data, "Content-Type: text/event-stream\r\n"));
	ck_assert_ptr_nonnull(strstr(c.got.data, "Cache-Control: no-store\r\n"));
	struct tx first = transfer(&n, 0, 1, 5, 0, 0), ahead = transfer(&n, 0, 1, 5, 0, 2);
	node_tell_tx(&n, &first);
	node_tell_tx(&n, &ahead);
	follower_expect(&c, &n, "pending; waiting; ");
	node_tell_blocks(&n, chain_tip(n.store), 1, 1);
	follower_expect(&c, &n, "pending; waiting; confirmed; block 3; ");

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

	node_tell_blocks(&n, chain_tip(n.store), 3, 0);
	struct blockref at = chain_at(n.store, chain_tip(n.store), 1);
	hash_hex(fork, chain_hash(n.store, at));
	hash_hex(old, chain_hash(n.store, chain_tip(n.store)));
	follower_open(&c, &n, "/events", NULL);
	node_tell_blocks(&n, at, 3, 1);
	hash_hex(new, chain_hash(n.store, chain_tip(n.store)));
	follower_expect(&c, &n, "reorganisation 2 to 1; block 2; block 3; block 4; ");
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

	node_tell_blocks(&n, chain_tip(n.store), 1, 0);
	struct blockref fork = chain_tip(n.store);
	node_tell_blocks(&n, fork, 1, 2);
	follower_open(&c, &n, "/events", NULL);
	node_tell_tx(&n, &kept);
	node_tell_tx(&n, &poor);
	node_tell_blocks(&n, chain_tip(n.store), 1, 3);
	follower_expect(&c, &n, "pending; pending; confirmed; confirmed; block 3; ");
	/* On the new chain person 2 has nothing. */
	node_tell_blocks(&n, fork, 3, 3);
	follower_expect(&c, &n,
			"pending; pending; confirmed; confirmed; block 3; "
			"reorganisation 2 to 1; block 2; block 3; block 4; pending; conflicted; ");
	ck_assert_ptr_nonnull(strstr(c.got.data, "\"status\":\"conflicted\",\"reason\":\"insufficient-funds\"}\n\n"));
	raw_close(&c);
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
		node_tell_blocks(&n, chain_tip(n.store), 1, 0);
		follower_open(&c, &n, rows[i].target, NULL);
		follower_open(&all, &n, "/events",
			      NULL); /* served after the other, so what this one has heard is told */
		struct tx tx = transfer(&n, 0, 1, 5, 0, 0);
		node_tell_tx(&n, &tx);
		node_tell_blocks(&n, chain_tip(n.store), 1, 0);
		follower_expect(&all, &n, "pending; confirmed; block 2; ");
		node_tell_blocks(&n, chain_at(n.store, chain_tip(n.store), 1), 2, 1);
		set_peer("10.0.0.1:5000", PEER_UP, clock_wall_ms());
		follower_expect(&all, &n,
				"pending; confirmed; block 2; reorganisation 1 to 1; block 2; block 3; pending; "
				"peer 10.0.0.1:5000 up; ");
		follower_expect(&c, &n, rows[i].story);
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
	char id[FOLLOWER_ID_SIZE];

	set_peer("10.0.0.1:5000", PEER_UP, now - 60000);
	set_peer("10.0.0.2:5000", PEER_SILENT, now - 60000);
	follower_open(&c, &n, "/events", NULL);
	set_peer("10.0.0.1:5000", PEER_UP, now - 60000);
	set_peer("10.0.0.2:5000", PEER_UP, now);
	follower_expect(&c, &n, "peer 10.0.0.2:5000 up; ");
	/* Nobody rings for a pause: the worker looks. */
	peer_pause_set(n.store, "10.0.0.1:5000", "bad-signature", clock_wall_ms());
	snprintf(id, sizeof(id), "%s", follower_expect(&c, &n, "peer 10.0.0.2:5000 up; peer 10.0.0.1:5000 paused; "));
	ck_assert_ptr_nonnull(strstr(c.got.data, "{\"address\":\"10.0.0.1:5000\",\"state\":\"paused\",\"reason\":"
						 "\"bad-signature\",\"node\":\"\"}\n\n"));
	raw_close(&c);

	/* Whoever was away learns what has changed since; that it repeats what is just as old is no harm. */
	set_peer("10.0.0.3:5000", PEER_REFUSED, clock_wall_ms() + 60000);
	set_peer("10.0.0.4:5000", PEER_UP, now - 60000);
	set_peer("10.0.0.2:5000", PEER_UP, now - 60000);
	follower_open(&c, &n, "/events?only=peer", id);
	follower_expect(&c, &n, "peer 10.0.0.1:5000 paused; peer 10.0.0.3:5000 refused; ");
	raw_close(&c);
}
END_TEST

START_TEST(keeps_the_place_of_a_slow_reader)
{
	enum { BLOCKS = 2000 };
	struct raw c;
	char target[128], hash[HASH_HEX_SIZE], request[256], expected[32];
	struct buf story;

	node_tell_blocks(&n, chain_tip(n.store), BLOCKS, 0);
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

	char id[FOLLOWER_ID_SIZE];
	uint64_t height = 0, next;
	buf_init(&story);
	follower_story(&story, id, &c);
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

START_TEST(takes_so_many_listeners_and_a_new_one_when_one_goes)
{
	struct raw c[3], more;

	ck_assert_int_eq(node_call(&n, HTTP_HEAD, "/events", NULL, NULL), 200);
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		follower_open(&c[i], &n, "/events", NULL);
	ck_assert_uint_eq(role_get(n.store, COUNT_LISTENERS), 3);
	ck_assert_int_eq(node_get(&n, "/events"), 503);
	ck_assert_str_eq(node_code(&n), "too-many-listeners");
	raw_close(&c[1]);
	node_until(&n, role_get(n.store, COUNT_LISTENERS) == 2);
	follower_open(&more, &n, "/events", NULL);
	ck_assert_int_eq(follower_status(&more), 200);
	node_tell_blocks(&n, chain_tip(n.store), 1, 0);
	follower_expect(&more, &n, "block 1; ");
	follower_expect(&c[0], &n, "block 1; ");
	follower_expect(&c[2], &n, "block 1; ");
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

	node_tell_blocks(&n, chain_tip(n.store), 2000, 0);
	hash_hex(hash, store_genesis(n.store));
	snprintf(request, sizeof(request), "GET /events?since=%s HTTP/1.0\r\n\r\n", hash);
	follower_open(&idle, &n, "/events", NULL);
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

Suite *
suite_events(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "events", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tells_of_blocks_and_transfers_as_they_come);
	tcase_add_test(tc, names_what_a_reorganisation_rolled_back);
	tcase_add_test(tc, tells_of_transfers_that_a_reorganisation_returns_or_rules_out);
	tcase_add_test(tc, tells_only_the_kinds_asked_for);
	tcase_add_test(tc, tells_of_peers_that_change_and_of_pauses);
	tcase_add_test(tc, keeps_the_place_of_a_slow_reader);
	tcase_add_test(tc, takes_so_many_listeners_and_a_new_one_when_one_goes);
	tcase_add_test(tc, ends_all_streams_when_it_is_to_stop);
	return s;
}
