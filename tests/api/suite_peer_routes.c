/* Between nodes: handshake, headers, blocks and their parts, and bodies that are none of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "store/peer_table.h"
#include "suites.h"
#include "util/clock.h"
#include "util/text.h"
#include "wire/peer_list.h"
#include "wire/peer_msg.h"

static struct node n;

static void
setup(void)
{
	node_start_small(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

/* Handshake. */

static void
their_hello(struct hello *h)
{
	memset(h, 0, sizeof(*h));
	h->protocol = PEER_PROTOCOL;
	h->params = n.params;
	h->genesis = genesis_hash(&n.params);
	h->nonce = 7;
	text_copy(h->node, sizeof(h->node), "them");
	text_copy(h->software, sizeof(h->software), "rensa/them");
	h->port = 7777;
	h->head.hash = h->genesis;
	h->time_ms = 1;
}

static int
greet(const struct hello *h)
{
	struct buf body;

	buf_init(&body);
	hello_encode(&body, h);
	node_push(&n, "/peer/hello", body.data, body.len);
	buf_clear(&body);
	return n.reply.status;
}

/* The hints that discovery would see, "" if none came. */
static const char *
hint(void)
{
	static char hints[4 * RING_ADDRESS_SIZE];
	char address[RING_ADDRESS_SIZE];
	struct hint_cursor cursor = {0};

	hints[0] = '\0';
	while (ring_next_hint(n.store, &cursor, address)) {
		size_t len = strlen(hints);
		snprintf(hints + len, sizeof(hints) - len, "%s%s", len > 0 ? " " : "", address);
	}
	return hints;
}

START_TEST(answers_a_hello_with_its_own)
{
	struct hello theirs, ours;
	struct field_error error;

	node_extend(&n, chain_tip(n.store), 2, 0);
	their_hello(&theirs);
	ck_assert_int_eq(greet(&theirs), 200);
	ck_assert(hello_parse(&ours, n.reply.body.data, n.reply.body.len, &error));
	ck_assert_uint_eq(ours.nonce, 42);
	ck_assert_str_eq(ours.node, "test");
	ck_assert_uint_eq(ours.port, 5000);
	ck_assert_uint_eq(ours.head.height, 2);
	ck_assert(hash_equal(&ours.head.hash, chain_hash(n.store, chain_tip(n.store))));
	ck_assert(hash_equal(&ours.genesis, store_genesis(n.store)));
	ck_assert_ptr_null(params_difference(&ours.params, &n.params));
	ck_assert_str_eq(hint(), "127.0.0.1:7777");
	ck_assert_uint_eq(n.woken[API_WAKE_DISCOVERY], 1);
}
END_TEST

START_TEST(answers_nodes_of_other_networks_and_versions_too)
{
	struct hello theirs;

	their_hello(&theirs);
	text_copy(theirs.params.name, sizeof(theirs.params.name), "elsewhere");
	theirs.genesis = genesis_hash(&theirs.params);
	ck_assert_int_eq(greet(&theirs), 200);
	their_hello(&theirs);
	theirs.params.reward++;
	theirs.genesis = genesis_hash(&theirs.params);
	ck_assert_int_eq(greet(&theirs), 200);
	their_hello(&theirs);
	theirs.protocol = PEER_PROTOCOL + 1;
	ck_assert_int_eq(greet(&theirs), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "node", ""), "test");
}
END_TEST

START_TEST(takes_hints_about_the_caller_alone)
{
	static const struct {
		const char *advertise;
		uint16_t port;
		uint64_t nonce;
		const char *expected;
	} rows[] = {
	    {"", 7777, 7, "127.0.0.1:7777"},
	    {"127.0.0.1:8888", 7777, 7, "127.0.0.1:8888"},
	    {"10.0.0.1:8888", 7777, 7, "+10.0.0.1:8888 127.0.0.1:7777"},
	    {"[fd00::1]:8888", 7777, 7, "+[fd00::1]:8888 127.0.0.1:7777"},
	    {"node.example:8888", 7777, 7, "127.0.0.1:7777"},
	    {"127.0.0.1", 7777, 7, "127.0.0.1:7777"},
	    {"", 0, 7, ""},
	    {"127.0.0.1:8888", 0, 7, ""},
	    {"", 7777, 42, ""}, /* our own nonce */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hello theirs;
		node_stop(&n);
		setup();
		their_hello(&theirs);
		text_copy(theirs.advertise, sizeof(theirs.advertise), rows[i].advertise);
		theirs.port = rows[i].port;
		theirs.nonce = rows[i].nonce;
		ck_assert_int_eq(greet(&theirs), 200);
		ck_assert_msg(strcmp(hint(), rows[i].expected) == 0, "%zu: %s", i, hint());
		ck_assert((n.woken[API_WAKE_DISCOVERY] > 0) == (rows[i].expected[0] != '\0'));
	}
}
END_TEST

START_TEST(does_not_hint_at_whom_discovery_has_met)
{
	static const struct {
		enum peer_state state;
		bool is_news;
	} rows[] = {
	    {PEER_UP, false},
	    {PEER_SELF, false},
	    {PEER_OTHER_GENESIS, false},
	    {PEER_OTHER_NETWORK, false},
	    {PEER_OTHER_PROTOCOL, false},
	    {PEER_SPARE, false},
	    {PEER_SAME_NODE, false},
	    {PEER_REFUSED, true},
	    {PEER_SILENT, true},
	    {PEER_UNREACHABLE, true},
	    {PEER_NO_NODE, true},
	    {PEER_UNKNOWN, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer_entry e;
		struct hello theirs;
		unsigned before = n.woken[API_WAKE_DISCOVERY];
		memset(&e, 0, sizeof(e));
		text_copy(e.address, sizeof(e.address), "127.0.0.1:7777");
		e.state = rows[i].state;
		ck_assert(peer_table_set(n.store, &e));
		their_hello(&theirs);
		ck_assert_int_eq(greet(&theirs), 200);
		ck_assert_msg(n.woken[API_WAKE_DISCOVERY] == before + rows[i].is_news, "%s",
			      peer_state_name(rows[i].state));
	}
}
END_TEST

START_TEST(refuses_hellos_that_are_none)
{
	static const char *const bodies[] = {"", "{}", "[]", "hello", "{\"protocol\":1}", "{\"protocol\":\"1\"}"};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		ck_assert_msg(node_push(&n, "/peer/hello", bodies[i], strlen(bodies[i])) == 400, "%s: %d", bodies[i],
			      n.reply.status);
	char *long_one = malloc(HELLO_SIZE_MAX + 1);
	memset(long_one, ' ', HELLO_SIZE_MAX + 1);
	ck_assert_int_eq(node_push(&n, "/peer/hello", long_one, HELLO_SIZE_MAX + 1), 400);
	free(long_one);
	ck_assert_str_eq(hint(), "");
}
END_TEST

/* Headers. */

/* Asks with the blocks at these heights (UINT64_MAX: an unknown hash) as locator; returns the number of headers. */
static size_t
ask_headers(const uint64_t *heights, size_t count, const uint8_t **first)
{
	struct hash256 hashes[8];
	struct buf body;
	size_t got;

	for (size_t i = 0; i < count; i++)
		if (heights[i] == UINT64_MAX)
			memset(&hashes[i], 0xee, sizeof(hashes[i]));
		else
			hashes[i] = *chain_hash(n.store, chain_at(n.store, chain_tip(n.store), heights[i]));
	buf_init(&body);
	hashes_encode(&body, hashes, count);
	ck_assert_int_eq(node_push(&n, "/peer/headers", body.data, body.len), 200);
	buf_clear(&body);
	ck_assert_int_eq(headers_parse(first, &got, n.reply.body.data, n.reply.body.len), OK);
	return got;
}

static uint64_t
header_height(const uint8_t *first, size_t i)
{
	struct header h;

	header_decode(&h, first + i * HEADER_SIZE);
	return h.height;
}

START_TEST(gives_headers_from_the_last_common_block_on)
{
	static const struct {
		uint64_t locator[3];
		size_t count;
		uint64_t first; /* height */
		size_t expected;
	} rows[] = {
	    {{0}, 0, 1, HEADERS_MAX},
	    {{0}, 1, 1, HEADERS_MAX},
	    {{UINT64_MAX}, 1, 1, HEADERS_MAX},
	    {{2000}, 1, 2001, 100},
	    {{100}, 1, 101, HEADERS_MAX},
	    {{99}, 1, 100, HEADERS_MAX},
	    {{UINT64_MAX, 2050, 10}, 3, 2051, 50},
	    {{10, 2050}, 2, 11, HEADERS_MAX},
	    {{2100}, 1, 0, 0},
	};
	const uint8_t *first;

	node_extend(&n, chain_tip(n.store), 2100, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t got = ask_headers(rows[i].locator, rows[i].count, &first);
		ck_assert_msg(got == rows[i].expected, "%zu: %zu", i, got);
		for (size_t k = 0; k < got; k++)
			ck_assert_uint_eq(header_height(first, k), rows[i].first + k);
	}
}
END_TEST

START_TEST(passes_over_blocks_that_lost)
{
	struct hash256 lost;
	struct buf body;
	const uint8_t *first;
	size_t got;

	node_extend(&n, chain_tip(n.store), 5, 1);
	lost = *chain_hash(n.store, chain_tip(n.store));
	node_extend(&n, chain_at(n.store, chain_tip(n.store), 3), 4, 2);
	buf_init(&body);
	hashes_encode(&body, &lost, 1);
	ck_assert_int_eq(node_push(&n, "/peer/headers", body.data, body.len), 200);
	ck_assert_int_eq(headers_parse(&first, &got, n.reply.body.data, n.reply.body.len), OK);
	ck_assert_uint_eq(got, 7);
	/* But its bytes can still be had. */
	ck_assert_int_eq(node_push(&n, "/peer/blocks", body.data, body.len), 200);
	struct reader r;
	ck_assert_int_eq(blocks_open(&r, &got, n.reply.body.data, n.reply.body.len), OK);
	ck_assert_uint_eq(got, 1);
	buf_clear(&body);
}
END_TEST

/* Blocks. */

START_TEST(gives_the_blocks_asked_for_up_to_the_first_unknown)
{
	static const uint64_t heights[] = {3, 1, 0, 2, UINT64_MAX, 4};
	struct hash256 hashes[ARRAY_LEN(heights)];
	const uint8_t *bytes;
	size_t count, size;
	struct buf body;
	struct reader r;
	struct block b;

	node_extend(&n, chain_tip(n.store), 5, 1);
	for (size_t i = 0; i < ARRAY_LEN(heights); i++)
		if (heights[i] == UINT64_MAX)
			memset(&hashes[i], 0xee, sizeof(hashes[i]));
		else
			hashes[i] = *chain_hash(n.store, chain_at(n.store, chain_tip(n.store), heights[i]));
	buf_init(&body);
	hashes_encode(&body, hashes, ARRAY_LEN(heights));
	ck_assert_int_eq(node_push(&n, "/peer/blocks", body.data, body.len), 200);
	buf_clear(&body);
	ck_assert_int_eq(blocks_open(&r, &count, n.reply.body.data, n.reply.body.len), OK);
	ck_assert_uint_eq(count, 4);
	for (size_t i = 0; blocks_next(&r, &bytes, &size); i++) {
		ck_assert_int_eq(block_parse(&b, bytes, size), RULE_OK);
		ck_assert(hash_equal(&b.hash, &hashes[i]));
	}
}
END_TEST

START_TEST(refuses_malformed_lists_of_hashes)
{
	static const char *const paths[] = {"/peer/headers", "/peer/blocks"};
	static uint8_t many[2 + (BLOCKS_MAX + 1) * HASH_SIZE];
	static const struct {
		const char *body;
		size_t len;
	} rows[] = {
	    {"", 0},
	    {"\0", 1},
	    {"\0\1", 2},
	    {"\0\0x", 3},
	    {"\0\1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 33},
	    {"\0\1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 35},
	    {"\xff\xff", 2},
	};
	for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			ck_assert_msg(node_push(&n, paths[p], rows[i].body, rows[i].len) == 400, "%s %zu: %d", paths[p],
				      i, n.reply.status);
			ck_assert_str_eq(node_code(&n), "bad-message");
		}
		many[0] = (BLOCKS_MAX + 1) >> 8;
		many[1] = (BLOCKS_MAX + 1) & 0xff;
		ck_assert_int_eq(node_push(&n, paths[p], many, sizeof(many)), 400);
	}
}
END_TEST

/* Parts of blocks. */

/* The block at the tip with three transfers; its compact form is in *out. */
static void
tip_with_transfers(struct block *b, struct buf *out)
{
	node_extend(&n, chain_tip(n.store), 3, 0);
	for (uint64_t i = 0; i < 3; i++) {
		struct tx tx = transfer(&n, 0, 1, 1, 0, i);
		ck_assert_int_eq(node_post(&n, &tx), 202);
	}
	node_extend(&n, chain_tip(n.store), 1, 0);
	chain_block(n.store, chain_tip(n.store), b);
	ck_assert_uint_eq(b->tx_count, 4);
	ck_assert(compact_encode(out, b));
}

START_TEST(names_the_transfers_of_a_block)
{
	struct buf compact = {0};
	struct block b;

	tip_with_transfers(&b, &compact);
	ck_assert_int_eq(node_push(&n, "/peer/compact", b.hash.b, sizeof(b.hash.b)), 200);
	ck_assert_uint_eq(n.reply.body.len, compact.len);
	ck_assert_mem_eq(n.reply.body.data, compact.data, compact.len);
	buf_clear(&compact);
}
END_TEST

START_TEST(gives_the_parts_asked_for)
{
	static const uint16_t all[] = {0, 1, 2, 3}, some[] = {1, 3}, beyond[] = {1, 4};
	struct buf compact = {0}, body = {0};
	struct compact c;
	struct reader r;
	struct block b;

	tip_with_transfers(&b, &compact);
	parts_encode(&body, &b.hash, all, 4);
	ck_assert_int_eq(node_push(&n, "/peer/parts", body.data, body.len), 200);
	ck_assert_uint_eq(n.reply.body.len, b.size - BLOCK_PREFIX_SIZE);
	ck_assert_mem_eq(n.reply.body.data, b.bytes + BLOCK_PREFIX_SIZE, n.reply.body.len);

	buf_reset(&body);
	parts_encode(&body, &b.hash, some, 2);
	ck_assert_int_eq(node_push(&n, "/peer/parts", body.data, body.len), 200);
	ck_assert_int_eq(compact_parse(&c, compact.data, compact.len), OK);
	r = reader_of(n.reply.body.data, n.reply.body.len);
	for (size_t i = 0; i < 2; i++) {
		size_t size = tx_span(&r);
		ck_assert(compact_is_named(&c, some[i], get_span(&r, size), size));
	}
	ck_assert(reader_done(&r));

	buf_reset(&body);
	parts_encode(&body, &b.hash, some, 0);
	ck_assert_int_eq(node_push(&n, "/peer/parts", body.data, body.len), 200);
	ck_assert_uint_eq(n.reply.body.len, 0);

	buf_reset(&body);
	parts_encode(&body, &b.hash, beyond, 2);
	ck_assert_int_eq(node_push(&n, "/peer/parts", body.data, body.len), 400);
	ck_assert_str_eq(node_code(&n), "bad-message");
	buf_clear(&body);
	buf_clear(&compact);
}
END_TEST

START_TEST(has_no_parts_of_blocks_that_it_does_not_have)
{
	static const uint16_t first[] = {0};
	struct hash256 nobody = {{7}};
	struct buf body = {0};

	parts_encode(&body, &nobody, first, 1);
	ck_assert_int_eq(node_push(&n, "/peer/parts", body.data, body.len), 404);
	ck_assert_str_eq(node_code(&n), "unknown-block");
	ck_assert_int_eq(node_push(&n, "/peer/compact", nobody.b, sizeof(nobody.b)), 404);
	ck_assert_str_eq(node_code(&n), "unknown-block");
	/* The genesis block has no reward: nothing to be named. */
	ck_assert_int_eq(node_push(&n, "/peer/compact", store_genesis(n.store)->b, HASH_SIZE), 404);
	for (size_t len = 0; len < body.len; len++) {
		ck_assert_int_eq(node_push(&n, "/peer/parts", body.data, len), 400);
		ck_assert_str_eq(node_code(&n), "bad-message");
	}
	ck_assert_int_eq(node_push(&n, "/peer/compact", nobody.b, sizeof(nobody.b) - 1), 400);
	ck_assert_str_eq(node_code(&n), "bad-message");
	buf_clear(&body);
}
END_TEST

/* Peer exchange. */

static void
know(const char *address, enum peer_state state)
{
	struct peer_entry e;

	memset(&e, 0, sizeof(e));
	text_copy(e.address, sizeof(e.address), address);
	e.state = state;
	ck_assert(peer_table_set(n.store, &e));
}

START_TEST(tells_those_that_are_up_and_nobody_else)
{
	struct peer_list list;
	struct field_error error;

	ck_assert_int_eq(node_push(&n, "/peer/peers", "{}", 2), 200);
	ck_assert_str_eq(n.reply.body.data, "{\"peers\":[]}");
	for (int state = 0; state < PEER_STATES; state++) {
		char address[PEER_ADDRESS_SIZE];
		snprintf(address, sizeof(address), "10.0.0.%d:5000", 1 + state);
		know(address, (enum peer_state)state);
	}
	know("[fd00::7]:5000", PEER_UP);
	know("10.0.0.99:5000", PEER_UP);
	know("127.0.0.9:5000", PEER_UP); /* the asker is on this host too */
	peer_pause_set(n.store, "10.0.0.99:5000", "reward-amount", clock_wall_ms());
	ck_assert_int_eq(node_push(&n, "/peer/peers", "{}", 2), 200);
	ck_assert(peer_list_parse(&list, n.reply.body.data, n.reply.body.len, &error));
	ck_assert_uint_eq(list.count, 3);
	ck_assert_str_eq(list.at[0], "10.0.0.2:5000");
	ck_assert_str_eq(list.at[1], "[fd00::7]:5000");
	ck_assert_str_eq(list.at[2], "127.0.0.9:5000");
}
END_TEST

START_TEST(tells_no_more_peers_than_agreed)
{
	struct peer_list list;
	struct field_error error;

	for (int i = 0; i < 2 * PEER_LIST_MAX; i++) {
		char address[PEER_ADDRESS_SIZE];
		snprintf(address, sizeof(address), "10.0.1.%d:5000", i);
		know(address, PEER_UP);
	}
	ck_assert_int_eq(node_push(&n, "/peer/peers", "{}", 2), 200);
	ck_assert(peer_list_parse(&list, n.reply.body.data, n.reply.body.len, &error));
	ck_assert_uint_eq(list.count, PEER_LIST_MAX);
}
END_TEST

Suite *
suite_peer_routes(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "peer routes", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answers_a_hello_with_its_own);
	tcase_add_test(tc, answers_nodes_of_other_networks_and_versions_too);
	tcase_add_test(tc, takes_hints_about_the_caller_alone);
	tcase_add_test(tc, does_not_hint_at_whom_discovery_has_met);
	tcase_add_test(tc, refuses_hellos_that_are_none);
	tcase_add_test(tc, gives_headers_from_the_last_common_block_on);
	tcase_add_test(tc, passes_over_blocks_that_lost);
	tcase_add_test(tc, gives_the_blocks_asked_for_up_to_the_first_unknown);
	tcase_add_test(tc, refuses_malformed_lists_of_hashes);
	tcase_add_test(tc, names_the_transfers_of_a_block);
	tcase_add_test(tc, gives_the_parts_asked_for);
	tcase_add_test(tc, has_no_parts_of_blocks_that_it_does_not_have);
	tcase_add_test(tc, tells_those_that_are_up_and_nobody_else);
	tcase_add_test(tc, tells_no_more_peers_than_agreed);
	return s;
}
