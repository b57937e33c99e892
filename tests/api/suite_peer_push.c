/* What other nodes bring: blocks in their three forms, and transfers; and bodies that are none of them. */
#include <stdlib.h>
#include <string.h>

#include "chain/pow.h"
#include "node.h"
#include "suites.h"
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

static void
tx_append(struct buf *out, const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	tx_encode(&w, tx);
	buf_append(out, bytes, writer_len(&w));
}

/* A pushed block. */

START_TEST(hands_a_new_block_to_the_resolver)
{
	static const char *const headers[] = {PEER_PORT_HEADER, "7777", NULL};
	struct address to = person_address(1);
	struct pushed_block *pushed = malloc(sizeof(*pushed));
	struct buf bytes;

	buf_init(&bytes);
	block_make(&n, &bytes, chain_tip(n.store), &to, 0);
	ck_assert_int_eq(node_call_bytes(&n, HTTP_POST, "/peer/block", bytes.data, bytes.len, headers), 202);
	ck_assert_uint_eq(n.woken[API_WAKE_RESOLVER], 1);
	ck_assert(ring_take_block(n.store, pushed));
	ck_assert_str_eq(pushed->source, "127.0.0.1");
	ck_assert_str_eq(pushed->from, "127.0.0.1:7777");
	ck_assert_uint_eq(pushed->kind, PUSH_WHOLE);
	ck_assert_uint_eq(pushed->size, bytes.len);
	ck_assert_int_eq(memcmp(pushed->bytes, bytes.data, bytes.len), 0);
	free(pushed);
	buf_clear(&bytes);
}
END_TEST

START_TEST(asks_nobody_back_who_names_no_port)
{
	static const char *const ports[] = {NULL, "", "0", "65536", "x", "-1", "7777 "};
	struct address to = person_address(1);
	struct pushed_block *pushed = malloc(sizeof(*pushed));
	struct buf bytes;

	buf_init(&bytes);
	block_make(&n, &bytes, chain_tip(n.store), &to, 0);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		const char *headers[] = {PEER_PORT_HEADER, ports[i], NULL};
		ck_assert_int_eq(node_call_bytes(&n, HTTP_POST, "/peer/block", bytes.data, bytes.len,
						 ports[i] == NULL ? NULL : headers),
				 202);
		ck_assert(ring_take_block(n.store, pushed));
		ck_assert_str_eq(pushed->source, "127.0.0.1");
		/* Space around a header's value is no part of it. */
		if (i == ARRAY_LEN(ports) - 1)
			ck_assert_str_eq(pushed->from, "127.0.0.1:7777");
		else
			ck_assert_msg(pushed->from[0] == '\0', "%s", pushed->from);
	}
	free(pushed);
	buf_clear(&bytes);
}
END_TEST

START_TEST(says_200_to_a_block_that_it_has)
{
	struct block b;

	node_extend(&n, chain_tip(n.store), 1, 1);
	for (uint64_t height = 0; height < 2; height++) {
		chain_block(n.store, chain_at(n.store, chain_tip(n.store), height), &b);
		ck_assert_int_eq(node_push(&n, "/peer/block", b.bytes, b.size), 200);
	}
	ck_assert_uint_eq(n.woken[API_WAKE_RESOLVER], 0);
}
END_TEST

START_TEST(refuses_blocks_without_form_or_work)
{
	struct address to = person_address(1);
	struct buf bytes;
	struct header h;

	buf_init(&bytes);
	block_make(&n, &bytes, chain_tip(n.store), &to, 0);
	ck_assert_int_eq(node_push(&n, "/peer/block", NULL, 0), 400);
	ck_assert_str_eq(node_code(&n), "block-malformed");
	for (size_t len = 1; len < bytes.len; len += 7) {
		ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, len), 400);
		ck_assert_str_eq(node_code(&n), "block-malformed");
	}
	buf_putc(&bytes, 0);
	ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 400);
	bytes.len--;

	/* Not solved: the first nonce that does not meet the target. */
	struct hash256 hash;
	header_decode(&h, (const uint8_t *)bytes.data);
	do {
		h.nonce++;
		hash = header_hash(&h);
	} while (target_is_met(h.target, &hash));
	header_encode((uint8_t *)bytes.data, &h);
	ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 422);
	ck_assert_str_eq(node_code(&n), "insufficient-work");

	/* Solved for a target of its own making. */
	static const uint32_t targets[] = {0x20ffffff, 0, 0x21800000, 0x1f000001};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		h.target = targets[i];
		header_encode((uint8_t *)bytes.data, &h);
		ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 422);
		ck_assert_str_eq(node_code(&n), "wrong-target");
	}
	ck_assert_uint_eq(n.woken[API_WAKE_RESOLVER], 0);
	buf_clear(&bytes);
}
END_TEST

START_TEST(refuses_a_block_larger_than_the_network_allows)
{
	char *body = calloc(1, n.params.max_block_bytes + 1);

	ck_assert_int_eq(node_push(&n, "/peer/block", body, n.params.max_block_bytes + 1), 413);
	ck_assert_str_eq(node_code(&n), "block-too-large");
	ck_assert_int_eq(node_push(&n, "/peer/block", body, n.params.max_block_bytes), 400);
	free(body);
}
END_TEST

START_TEST(says_503_while_the_resolver_has_too_many)
{
	struct pushed_block *pushed = malloc(sizeof(*pushed));
	struct buf bytes;

	buf_init(&bytes);
	for (unsigned i = 0; i < RING_BLOCKS; i++) {
		struct address to = person_address(i);
		block_make(&n, &bytes, chain_tip(n.store), &to, 0);
		ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 202);
	}
	struct address last = person_address(RING_BLOCKS);
	block_make(&n, &bytes, chain_tip(n.store), &last, 0);
	ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 503);
	ck_assert_str_eq(node_code(&n), "busy");
	ck_assert(ring_take_block(n.store, pushed));
	ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 202);
	free(pushed);
	buf_clear(&bytes);
}
END_TEST

START_TEST(answers_for_the_resolver_when_one_block_waits_twice)
{
	struct pushed_block *pushed = malloc(sizeof(*pushed));
	struct address to = person_address(1);
	struct buf bytes;

	buf_init(&bytes);
	block_make(&n, &bytes, chain_tip(n.store), &to, 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 202);
	ck_assert_int_eq(node_push(&n, "/peer/block", bytes.data, bytes.len), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), "waiting");
	ck_assert_int_eq(node_push(&n, "/peer/announce", bytes.data, HEADER_SIZE), 200);
	ck_assert(ring_take_block(n.store, pushed));
	ck_assert_int_eq(node_push(&n, "/peer/announce", bytes.data, HEADER_SIZE), 202);
	free(pushed);
	buf_clear(&bytes);
}
END_TEST

/* Announced blocks. */

START_TEST(hands_names_and_headers_to_the_resolver)
{
	struct pushed_block *pushed = malloc(sizeof(*pushed));
	struct address to = person_address(1);
	struct buf bytes, compact;
	struct block b;

	buf_init(&bytes);
	buf_init(&compact);
	block_make(&n, &bytes, chain_tip(n.store), &to, 0);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert(compact_encode(&compact, &b));
	ck_assert_int_eq(node_push(&n, "/peer/announce", compact.data, compact.len), 202);
	ck_assert(ring_take_block(n.store, pushed));
	ck_assert_uint_eq(pushed->kind, PUSH_COMPACT);
	ck_assert_uint_eq(pushed->size, compact.len);
	ck_assert_mem_eq(pushed->bytes, compact.data, compact.len);

	ck_assert_int_eq(node_push(&n, "/peer/announce", compact.data, HEADER_SIZE), 202);
	ck_assert(ring_take_block(n.store, pushed));
	ck_assert_uint_eq(pushed->kind, PUSH_HEADER);
	ck_assert_uint_eq(pushed->size, HEADER_SIZE);
	ck_assert_uint_eq(n.woken[API_WAKE_RESOLVER], 2);
	free(pushed);
	buf_clear(&compact);
	buf_clear(&bytes);
}
END_TEST

START_TEST(refuses_announcements_without_form_or_work)
{
	struct address to = person_address(1);
	struct buf bytes, compact;
	struct hash256 hash;
	struct header h;
	struct block b;

	buf_init(&bytes);
	buf_init(&compact);
	block_make(&n, &bytes, chain_tip(n.store), &to, 0);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert(compact_encode(&compact, &b));
	for (size_t len = 0; len <= compact.len; len++) {
		if (len == HEADER_SIZE || len == compact.len)
			continue;
		ck_assert_int_eq(node_push(&n, "/peer/announce", compact.data, len), 400);
		ck_assert_str_eq(node_code(&n), "bad-message");
	}
	header_decode(&h, (const uint8_t *)compact.data);
	do {
		h.nonce++;
		hash = header_hash(&h);
	} while (target_is_met(h.target, &hash));
	header_encode((uint8_t *)compact.data, &h);
	ck_assert_int_eq(node_push(&n, "/peer/announce", compact.data, compact.len), 422);
	ck_assert_str_eq(node_code(&n), "insufficient-work");
	ck_assert_int_eq(node_push(&n, "/peer/announce", compact.data, HEADER_SIZE), 422);
	h.target = 0x20ffffff;
	header_encode((uint8_t *)compact.data, &h);
	ck_assert_int_eq(node_push(&n, "/peer/announce", compact.data, HEADER_SIZE), 422);
	ck_assert_str_eq(node_code(&n), "wrong-target");
	ck_assert_uint_eq(n.woken[API_WAKE_RESOLVER], 0);
	buf_clear(&compact);
	buf_clear(&bytes);
}
END_TEST

START_TEST(notes_who_told_of_what)
{
	static const char *const headers[] = {PEER_PORT_HEADER, "7777", NULL};
	struct heard_cursor cursor = {{0}};
	struct hash256 ids[2] = {{{1}}, {{2}}};
	struct address to = person_address(1);
	struct heard heard;
	struct buf body;
	struct block b;
	struct tx tx;

	buf_init(&body);
	block_make(&n, &body, chain_tip(n.store), &to, 0);
	ck_assert_int_eq(block_parse(&b, body.data, body.len), RULE_OK);
	/* Not from one that cannot be told anything. */
	ck_assert_int_eq(node_push(&n, "/peer/block", body.data, body.len), 202);
	ck_assert(!ring_next_heard(n.store, &cursor, &heard));
	ck_assert_int_eq(node_call_bytes(&n, HTTP_POST, "/peer/block", body.data, body.len, headers), 202);
	ck_assert(ring_next_heard(n.store, &cursor, &heard));
	ck_assert_uint_eq(heard.item, item_key(&b.hash));
	ck_assert_uint_eq(heard.peer, peer_key("127.0.0.1:7777"));

	buf_reset(&body);
	hashes_encode(&body, ids, 2);
	ck_assert_int_eq(node_call_bytes(&n, HTTP_POST, "/peer/inventory", body.data, body.len, headers), 200);
	for (size_t i = 0; i < 2; i++) {
		ck_assert(ring_next_heard(n.store, &cursor, &heard));
		ck_assert_uint_eq(heard.item, item_key(&ids[i]));
	}
	tx = transfer(&n, 0, 1, 1, 0, 0);
	ids[0] = tx_id(&tx);
	buf_reset(&body);
	tx_append(&body, &tx);
	ck_assert_int_eq(node_call_bytes(&n, HTTP_POST, "/peer/transactions", body.data, body.len, headers), 202);
	ck_assert(ring_next_heard(n.store, &cursor, &heard));
	ck_assert_uint_eq(heard.item, item_key(&ids[0]));
	ck_assert(!ring_next_heard(n.store, &cursor, &heard));
	buf_clear(&body);
}
END_TEST

/* Inventories. */

START_TEST(asks_for_the_transfers_that_it_lacks)
{
	struct hash256 ids[4];
	uint16_t lacking[4];
	struct buf body;
	size_t count;

	node_extend(&n, chain_tip(n.store), 3, 0);
	for (uint64_t i = 0; i < 4; i++) {
		struct tx tx = transfer(&n, 0, 1, 1, 0, i);
		ids[i] = tx_id(&tx);
		/* The first is confirmed, the second pending. */
		if (i < 2)
			ck_assert_int_eq(node_post(&n, &tx), 202);
		if (i == 0)
			node_extend(&n, chain_tip(n.store), 1, 0);
	}
	buf_init(&body);
	hashes_encode(&body, ids, 4);
	ck_assert_int_eq(node_push(&n, "/peer/inventory", body.data, body.len), 200);
	ck_assert_int_eq(positions_parse(lacking, &count, 4, n.reply.body.data, n.reply.body.len), OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(lacking[0], 2);
	ck_assert_uint_eq(lacking[1], 3);
	ck_assert_int_eq(node_push(&n, "/peer/inventory", body.data, body.len - 1), 400);
	ck_assert_str_eq(node_code(&n), "bad-message");
	buf_clear(&body);
}
END_TEST

/* Pushed transfers. */

START_TEST(puts_pushed_transfers_into_the_pool)
{
	struct buf body;

	node_extend(&n, chain_tip(n.store), 3, 0);
	buf_init(&body);
	/* More than the ring holds, so the answer comes when the last has found a slot. */
	for (uint64_t i = 0; i < PUSH_TXS_MAX; i++) {
		struct tx tx = transfer(&n, 0, 1, 1, 0, i);
		tx_append(&body, &tx);
	}
	n.drain_max = 50;
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 202);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "taken", 0), PUSH_TXS_MAX);
	node_until(&n, mempool_count(n.store) == PUSH_TXS_MAX);
	struct pool_entry e;
	uint64_t arrival = 1;
	while (mempool_next(n.store, &arrival, &e))
		ck_assert(!e.from_client);

	/* The same again needs neither signatures nor the pool. */
	unsigned wakes = n.woken[API_WAKE_POOL];
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 202);
	ck_assert_uint_eq(n.woken[API_WAKE_POOL], wakes);
	buf_clear(&body);
}
END_TEST

START_TEST(frees_the_ring_after_pushes)
{
	node_extend(&n, chain_tip(n.store), 3, 0);
	for (uint64_t i = 0; i < 3 * RING_TXS; i++) {
		struct tx tx = transfer(&n, 0, 1, 1, 0, i);
		struct buf body;
		buf_init(&body);
		tx_append(&body, &tx);
		ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 202);
		buf_clear(&body);
	}
	node_until(&n, mempool_count(n.store) == 3 * RING_TXS);
}
END_TEST

START_TEST(stops_at_the_first_bad_transfer)
{
	struct tx good = transfer(&n, 0, 1, 1, 0, 0), bad = transfer(&n, 0, 1, 1, 0, 1),
		  last = transfer(&n, 0, 1, 1, 0, 2);
	struct buf body;

	node_extend(&n, chain_tip(n.store), 3, 0);
	bad.value++;
	buf_init(&body);
	tx_append(&body, &good);
	tx_append(&body, &bad);
	tx_append(&body, &last);
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 422);
	ck_assert_str_eq(node_code(&n), "bad-signature");
	node_until(&n, mempool_count(n.store) == 1);
	ck_assert_int_eq(node_get(&n, "/livez"), 200);
	ck_assert_uint_eq(mempool_count(n.store), 1);

	/* A reward never comes alone, and another network's transfer never comes here. */
	struct tx reward = {.version = TX_REWARD, .network = good.network, .recipient = good.recipient, .value = COIN};
	buf_reset(&body);
	tx_append(&body, &reward);
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 422);
	ck_assert_str_eq(node_code(&n), "tx-version");
	last.network.b[0] ^= 1;
	buf_reset(&body);
	tx_append(&body, &last);
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 422);
	ck_assert_str_eq(node_code(&n), "wrong-network");
	buf_clear(&body);
}
END_TEST

START_TEST(refuses_bodies_that_are_not_made_of_transactions)
{
	struct tx tx = transfer(&n, 0, 1, 1, 0, 0);
	struct buf body;

	ck_assert_int_eq(node_push(&n, "/peer/transactions", NULL, 0), 202);
	buf_init(&body);
	tx_append(&body, &tx);
	size_t whole = body.len;
	tx_append(&body, &tx);
	for (size_t len = 1; len < body.len; len += 13) {
		if (len == whole)
			continue;
		ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, len), 400);
		ck_assert_str_eq(node_code(&n), "tx-malformed");
	}
	body.data[0] = 9;
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, whole), 400);
	/* A memo that is too long for any transfer, but there in full. */
	buf_reset(&body);
	tx_append(&body, &tx);
	body.data[110] = 1;
	body.data[111] = 1;
	for (int i = 0; i < 257; i++)
		buf_putc(&body, 'm');
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 422);
	ck_assert_str_eq(node_code(&n), "memo-too-long");

	buf_reset(&body);
	for (size_t i = 0; i < PUSH_TXS_MAX + 1; i++)
		tx_append(&body, &tx);
	ck_assert_int_eq(node_push(&n, "/peer/transactions", body.data, body.len), 413);
	ck_assert_uint_eq(n.woken[API_WAKE_POOL], 0);
	buf_clear(&body);
}
END_TEST

Suite *
suite_peer_push(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "peer push", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, hands_a_new_block_to_the_resolver);
	tcase_add_test(tc, asks_nobody_back_who_names_no_port);
	tcase_add_test(tc, says_200_to_a_block_that_it_has);
	tcase_add_test(tc, refuses_blocks_without_form_or_work);
	tcase_add_test(tc, refuses_a_block_larger_than_the_network_allows);
	tcase_add_test(tc, says_503_while_the_resolver_has_too_many);
	tcase_add_test(tc, answers_for_the_resolver_when_one_block_waits_twice);
	tcase_add_test(tc, hands_names_and_headers_to_the_resolver);
	tcase_add_test(tc, refuses_announcements_without_form_or_work);
	tcase_add_test(tc, notes_who_told_of_what);
	tcase_add_test(tc, asks_for_the_transfers_that_it_lacks);
	tcase_add_test(tc, puts_pushed_transfers_into_the_pool);
	tcase_add_test(tc, frees_the_ring_after_pushes);
	tcase_add_test(tc, stops_at_the_first_bad_transfer);
	tcase_add_test(tc, refuses_bodies_that_are_not_made_of_transactions);
	return s;
}
