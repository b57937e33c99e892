#include <string.h>

#include "../suite.h"
#include "chain/pow.h"
#include "chain/template.h"
#include "fixture.h"
#include "suites.h"

#define POOL_MAX 1200

/* A pool in miniature. */
static struct {
	struct world w;
	struct tx txs[POOL_MAX];
	bool gone[POOL_MAX];
	struct candidate candidates[POOL_MAX];
	uint32_t count;
	uint32_t fetched[POOL_MAX]; /* refs in the order asked for */
	uint32_t fetches;
	struct buf body;
	uint64_t fees;
} pool;

static void
setup(void)
{
	memset(&pool, 0, sizeof(pool));
	world_init(&pool.w, 0);
	for (unsigned i = 1; i < PEOPLE; i++)
		pool.w.accounts[i].balance = 1000 * COIN;
	world_restart(&pool.w);
	buf_init(&pool.body);
}

static void
teardown(void)
{
	buf_clear(&pool.body);
	world_clear(&pool.w);
}

/* Adds a transfer (unsigned: fetch is where signatures are checked); arrival is the order of calls. */
static uint32_t
add(unsigned from, uint64_t sequence, uint64_t fee, uint16_t memo_len)
{
	uint32_t ref = pool.count++;
	ck_assert_uint_lt(ref, POOL_MAX);
	struct tx *tx = &pool.txs[ref];
	*tx = (struct tx){
	    .version = TX_TRANSFER,
	    .network = pool.w.network,
	    .sender_key = person_key(from),
	    .recipient = person_address(0),
	    .value = 1000,
	    .fee = fee,
	    .sequence = sequence,
	    .memo_len = memo_len,
	};
	pool.candidates[ref] = (struct candidate){
	    .sender = person_address(from),
	    .sequence = sequence,
	    .fee = fee,
	    .arrival = ref,
	    .size = (uint32_t)tx_size(tx),
	    .ref = ref,
	};
	return ref;
}

static bool
fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes)
{
	ck_assert_ptr_eq(ctx, &pool);
	pool.fetched[pool.fetches++] = ref;
	if (pool.gone[ref])
		return false;
	*tx = pool.txs[ref];
	struct writer w = writer_of(bytes, TX_SIZE_MAX);
	tx_encode(&w, tx);
	return true;
}

/* Fills, and checks that the body holds just these candidates in this order. */
static void
assert_fills(size_t room, const uint32_t *expected, uint32_t count)
{
	uint32_t taken =
	    template_fill(&pool.body, &pool.fees, pool.w.ledger, pool.candidates, pool.count, room, fetch, &pool);
	ck_assert_uint_eq(taken, count);
	struct reader r = reader_of(pool.body.data, pool.body.len);
	uint64_t fees = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct tx tx;
		ck_assert_int_eq(tx_decode(&tx, &r), RULE_OK);
		struct hash256 id = tx_id(&tx), wanted = tx_id(&pool.txs[expected[i]]);
		ck_assert_msg(hash_equal(&id, &wanted), "place %u is not candidate %u", i, expected[i]);
		fees += tx.fee;
	}
	ck_assert_uint_eq(reader_left(&r), 0);
	ck_assert_uint_le(pool.body.len, room);
	ck_assert_uint_eq(pool.fees, fees);
}

#define FILLS(room, ...)                                             \
	do {                                                         \
		const uint32_t refs[] = {__VA_ARGS__};               \
		assert_fills(room, refs, (uint32_t)ARRAY_LEN(refs)); \
	} while (0)

#define ROOMY 100000

START_TEST(an_empty_pool_fills_nothing)
{
	assert_fills(ROOMY, NULL, 0);
	ck_assert_uint_eq(pool.fees, 0);
}
END_TEST

START_TEST(the_highest_fee_per_byte_comes_first)
{
	add(1, 0, 100, 0);   /* 0.57 a byte */
	add(2, 0, 300, 0);   /* 1.70 */
	add(3, 0, 400, 256); /* 0.93 */
	add(4, 0, 200, 0);   /* 1.14 */
	FILLS(ROOMY, 1, 3, 2, 0);
}
END_TEST

START_TEST(on_equal_fees_the_first_to_come_is_first)
{
	for (unsigned who = 5; who > 0; who--)
		add(who, 0, 100, 0);
	FILLS(ROOMY, 0, 1, 2, 3, 4);
}
END_TEST

START_TEST(fees_near_their_limit_compare_without_overflow)
{
	pool.w.accounts[1].balance = pool.w.accounts[2].balance = MONEY_MAX + 5000;
	world_restart(&pool.w);
	add(1, 0, MONEY_MAX - 1, 0);
	add(2, 0, MONEY_MAX, 0);
	FILLS(ROOMY, 1, 0);
}
END_TEST

START_TEST(a_senders_transfers_keep_their_sequence)
{
	add(1, 0, 100, 0);
	add(1, 1, 900, 0);
	add(1, 2, 800, 0);
	add(2, 0, 500, 0);
	/* The dear ones wait for the cheap one, and follow it at once. */
	FILLS(ROOMY, 3, 0, 1, 2);
}
END_TEST

START_TEST(a_gap_holds_back_what_is_behind_it)
{
	add(1, 1, 900, 0);
	add(1, 3, 900, 0);
	add(2, 0, 100, 0);
	add(2, 2, 900, 0);
	FILLS(ROOMY, 2);
	ck_assert_uint_eq(pool.fetches, 1);
}
END_TEST

START_TEST(sequences_that_the_chain_has_are_passed_over)
{
	pool.w.accounts[1].sequence = 3;
	world_restart(&pool.w);
	for (uint64_t sequence = 0; sequence < 6; sequence++)
		add(1, sequence, 100 + sequence, 0);
	FILLS(ROOMY, 3, 4, 5);
	ck_assert_uint_eq(pool.fetches, 3);
}
END_TEST

START_TEST(of_two_with_one_sequence_one_is_taken)
{
	add(1, 0, 100, 0);
	add(1, 0, 200, 0);
	add(1, 1, 300, 0);
	add(1, 1, 300, 0);
	FILLS(ROOMY, 1, 2);
}
END_TEST

START_TEST(one_that_is_gone_takes_its_successors_with_it)
{
	add(1, 0, 500, 0);
	add(1, 1, 400, 0);
	add(1, 2, 900, 0);
	add(2, 0, 100, 0);
	pool.gone[1] = true;
	FILLS(ROOMY, 0, 3);
}
END_TEST

START_TEST(one_that_cannot_be_paid_takes_its_successors_with_it)
{
	pool.w.accounts[1].balance = 2000;
	world_restart(&pool.w);
	add(1, 0, 500, 0);
	add(1, 1, 501, 0);
	add(1, 2, 0, 0);
	add(2, 0, 100, 0);
	FILLS(ROOMY, 0, 3);
}
END_TEST

START_TEST(what_does_not_fit_makes_way_for_what_does)
{
	add(1, 0, 9000, 256); /* 432 bytes */
	add(2, 0, 100, 0);
	add(3, 0, 90, 0);
	add(1, 1, 9000, 0);
	FILLS(2 * 176, 1, 2);
	ck_assert_uint_eq(pool.fetches, 2);
}
END_TEST

START_TEST(room_is_used_to_the_last_byte_and_no_further)
{
	add(1, 0, 100, 0);
	add(2, 0, 90, 10);
	add(3, 0, 80, 0);
	FILLS(176 + 186, 0, 1);
}
END_TEST

START_TEST(one_byte_short_is_too_short)
{
	add(1, 0, 100, 0);
	add(2, 0, 90, 10);
	FILLS(176 + 185, 0);
}
END_TEST

START_TEST(without_room_nothing_is_looked_at)
{
	add(1, 0, 100, 0);
	assert_fills(175, NULL, 0);
	ck_assert_uint_eq(pool.fetches, 0);
}
END_TEST

START_TEST(a_candidate_larger_than_it_said_is_left_out)
{
	uint32_t ref = add(1, 0, 100, 0);
	pool.txs[ref].memo_len = 256;
	add(2, 0, 90, 0);
	FILLS(300, 1);
}
END_TEST

START_TEST(the_search_for_something_small_ends)
{
	/* Of as many senders: behind one that does not fit nobody looks for its successors. */
	for (uint32_t i = 0; i < 1100; i++) {
		uint32_t ref = add(1, 0, 5000, 256);
		memcpy(pool.candidates[ref].sender.b, &i, sizeof(i));
	}
	add(2, 0, 1, 0);
	assert_fills(200, NULL, 0);
	ck_assert_uint_eq(pool.fetches, 0);

	pool.candidates[0] = pool.candidates[1100];
	pool.count = 1;
	FILLS(200, 1100);
}
END_TEST

static unsigned
sender_of(const struct tx *tx)
{
	unsigned who = 0;
	while (memcmp(tx->sender_key.b, person_key(who).b, PUBKEY_SIZE) != 0)
		who++;
	return who;
}

/* The same choice, made plainly: again and again the best candidate whose turn it is. */
static uint32_t
choose_plainly(uint32_t *chosen, size_t room)
{
	uint64_t sequence[PEOPLE];
	bool used[POOL_MAX] = {0};
	uint32_t count = 0;
	for (unsigned who = 0; who < PEOPLE; who++)
		sequence[who] = pool.w.accounts[who].sequence;
	for (;;) {
		const struct candidate *best = NULL;
		for (uint32_t i = 0; i < pool.count; i++) {
			const struct candidate *c = &pool.candidates[i];
			if (used[i] || c->sequence != sequence[sender_of(&pool.txs[i])] || pool.gone[i] ||
			    c->size > room)
				continue;
			if (!best || c->fee * best->size > best->fee * c->size ||
			    (c->fee * best->size == best->fee * c->size && c->arrival < best->arrival))
				best = c;
		}
		if (!best)
			return count;
		used[best->ref] = true;
		sequence[sender_of(&pool.txs[best->ref])]++;
		room -= best->size;
		chosen[count++] = best->ref;
	}
}

START_TEST(a_random_pool_is_chosen_from_as_by_a_plain_search)
{
	uint64_t seed = (uint64_t)_i + 1;
	uint16_t memo_max = _i % 2 == 0 ? 1 : 257;
	for (unsigned who = 1; who < PEOPLE; who++)
		pool.w.accounts[who].sequence = random_below(&seed, 4);
	world_restart(&pool.w);
	for (uint32_t n = (uint32_t)random_below(&seed, 150); n > 0; n--)
		add(1 + (unsigned)random_below(&seed, 8), random_below(&seed, 12), random_below(&seed, 300),
		    (uint16_t)random_below(&seed, memo_max));
	for (uint32_t i = 0; i < pool.count; i++)
		pool.gone[i] = random_below(&seed, 20) == 0;
	uint32_t expected[POOL_MAX];
	size_t room = 176 * random_below(&seed, 60);
	uint32_t count = choose_plainly(expected, room);
	assert_fills(room, expected, count);
}
END_TEST

START_TEST(senders_whose_addresses_begin_alike_are_told_apart)
{
	uint64_t seed = (uint64_t)_i + 1;
	for (uint32_t n = 100; n > 0; n--) {
		unsigned who = 1 + (unsigned)random_below(&seed, 8);
		uint32_t ref = add(who, random_below(&seed, 6), random_below(&seed, 300), 0);
		struct address *sender = &pool.candidates[ref].sender;
		memset(sender->b, 0xaa, sizeof(sender->b));
		sender->b[sizeof(sender->b) - 1] = (uint8_t)who;
	}
	uint32_t expected[POOL_MAX];
	uint32_t count = choose_plainly(expected, ROOMY);
	ck_assert_uint_gt(count, 8);
	assert_fills(ROOMY, expected, count);
}
END_TEST

START_TEST(a_template_is_a_valid_block_but_for_its_nonce)
{
	for (uint32_t i = 0; i < 30; i++) {
		uint32_t ref = add(1 + i % 10, i / 10, 50 + i, 0);
		tx_resign(&pool.txs[ref], 1 + i % 10);
	}
	struct world *w = &pool.w;
	w->supply = 5 * COIN;
	uint32_t count =
	    template_fill(&pool.body, &pool.fees, w->ledger, pool.candidates, pool.count, ROOMY, fetch, &pool);
	ck_assert_uint_eq(count, 30);
	ledger_drop(w->ledger);

	struct buf block;
	buf_init(&block);
	buf_puts(&block, "what was there before");
	struct address to = person_address(0);
	uint64_t time_ms = w->head.header.time_ms + 5000;
	template_block(&block, &w->head, &w->params, &w->network, &to, w->supply, pool.fees, &pool.body, count,
		       time_ms);
	struct header h;
	header_decode(&h, (const uint8_t *)block.data);
	ck_assert_uint_eq(h.nonce, 0);
	ck_assert_uint_eq(h.time_ms, time_ms);
	struct hash256 hash = header_hash(&h);
	for (; !target_is_met(h.target, &hash); hash = header_hash(&h))
		h.nonce++;
	header_encode((uint8_t *)block.data, &h);
	world_extend(w, block.data, block.len);
	ck_assert_uint_eq(world_balance(w, 0), COIN + pool.fees + 30 * 1000);
	buf_clear(&block);
}
END_TEST

START_TEST(a_template_without_transfers_is_a_reward)
{
	struct world *w = &pool.w;
	struct buf block, none;
	buf_init(&block);
	buf_init(&none);
	struct address to = person_address(3);
	template_block(&block, &w->head, &w->params, &w->network, &to, 0, 0, &none, 0, w->head.header.time_ms + 1);
	ck_assert_uint_eq(block.len, BLOCK_PREFIX_SIZE + TX_REWARD_SIZE);
	world_extend(w, block.data, block.len);
	ck_assert_uint_eq(world_balance(w, 3), 1001 * COIN);
	buf_clear(&block);
	buf_clear(&none);
}
END_TEST

Suite *
suite_template(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "template", 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_pool_fills_nothing);
	tcase_add_test(tc, the_highest_fee_per_byte_comes_first);
	tcase_add_test(tc, on_equal_fees_the_first_to_come_is_first);
	tcase_add_test(tc, fees_near_their_limit_compare_without_overflow);
	tcase_add_test(tc, a_senders_transfers_keep_their_sequence);
	tcase_add_test(tc, a_gap_holds_back_what_is_behind_it);
	tcase_add_test(tc, sequences_that_the_chain_has_are_passed_over);
	tcase_add_test(tc, of_two_with_one_sequence_one_is_taken);
	tcase_add_test(tc, one_that_is_gone_takes_its_successors_with_it);
	tcase_add_test(tc, one_that_cannot_be_paid_takes_its_successors_with_it);
	tcase_add_test(tc, what_does_not_fit_makes_way_for_what_does);
	tcase_add_test(tc, room_is_used_to_the_last_byte_and_no_further);
	tcase_add_test(tc, one_byte_short_is_too_short);
	tcase_add_test(tc, without_room_nothing_is_looked_at);
	tcase_add_test(tc, a_candidate_larger_than_it_said_is_left_out);
	tcase_add_test(tc, the_search_for_something_small_ends);
	tcase_add_loop_test(tc, a_random_pool_is_chosen_from_as_by_a_plain_search, 0, 100);
	tcase_add_loop_test(tc, senders_whose_addresses_begin_alike_are_told_apart, 0, 20);
	tcase_add_test(tc, a_template_is_a_valid_block_but_for_its_nonce);
	tcase_add_test(tc, a_template_without_transfers_is_a_reward);
	return suite;
}
