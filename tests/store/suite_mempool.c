/* The pool's rules of admission, its order, what makes room for what, and what readers are told. */
#include <string.h>

#include "process.h"
#include "store/layout.h"
#include "store/mempool.h"
#include "suites.h"
#include "witness.h"

#define NOW 5000

/* A segment where each person has this many coins, and its pool. */
static struct store *
segment_with_coins(struct mempool **pool, uint32_t pool_max, unsigned coins)
{
	struct store *s = segment_make(&(struct segment_plan){.pool_max = pool_max});
	struct settle_report report;
	struct maker m;

	maker_init(&m, s, 1);
	need(maker_begin(&m, chain_tip(s)) == OK);
	for (unsigned i = 0; i < coins * PEOPLE; i++)
		need(maker_add(&m, i % PEOPLE, NULL, 0, 20000) == OK);
	need(maker_commit(&m) == OK);
	maker_clear(&m);
	*pool = mempool_open(s);
	mempool_settle(*pool, NOW, &report);
	return s;
}

/* One transfer after the other, by sender 0 with 10 coins unless said otherwise. */
struct step {
	unsigned from;
	uint64_t sequence;
	uint64_t value;
	uint64_t fee;
	enum admission_status status;
	enum rule rule;
	bool is_new;
};

#define PENDING ADMISSION_PENDING, RULE_OK, true
#define WAITING ADMISSION_WAITING, RULE_OK, true
#define REFUSED(rule) ADMISSION_REFUSED, rule, false

static const struct case_ {
	const char *what;
	struct step steps[6];
} cases[] = {
    {"in order", {{0, 0, COIN, 1, PENDING}, {0, 1, COIN, 1, PENDING}, {1, 0, COIN, 1, PENDING}}},
    {"the same again", {{0, 0, COIN, 1, PENDING}, {0, 0, COIN, 1, ADMISSION_PENDING, RULE_OK, false}}},
    {"the same again, waiting", {{0, 9, COIN, 1, WAITING}, {0, 9, COIN, 1, ADMISSION_WAITING, RULE_OK, false}}},
    {"another with that sequence", {{0, 0, COIN, 1, PENDING}, {0, 0, COIN, 2, REFUSED(RULE_SEQUENCE_TAKEN)}}},
    {"as far ahead as may be", {{0, 64, COIN, 1, WAITING}, {0, 65, COIN, 1, REFUSED(RULE_SEQUENCE_TOO_FAR)}}},
    {"further, once it is nearer",
     {{0, 0, COIN, 1, PENDING}, {0, 65, 1, 1, WAITING}, {0, 66, 1, 1, REFUSED(RULE_SEQUENCE_TOO_FAR)}}},
    {"all that one has", {{0, 0, 10 * COIN - 1, 1, PENDING}, {0, 1, 1, 0, REFUSED(RULE_INSUFFICIENT_FUNDS)}}},
    {"more than one has", {{0, 0, 10 * COIN, 1, REFUSED(RULE_INSUFFICIENT_FUNDS)}, {0, 0, 10 * COIN, 0, PENDING}}},
    {"what is pending is spent",
     {{0, 5, 6 * COIN, 0, WAITING},
      {0, 0, 4 * COIN, 1, REFUSED(RULE_INSUFFICIENT_FUNDS)},
      {0, 0, 4 * COIN, 0, PENDING}}},
    {"nobody has nothing", {{NOBODY, 0, 1, 0, REFUSED(RULE_INSUFFICIENT_FUNDS)}}},
    {"nothing is no transfer", {{0, 0, 0, 1, REFUSED(RULE_ZERO_VALUE)}}},
    {"sums that would overflow",
     {{0, 0, UINT64_MAX, 1, REFUSED(RULE_VALUE_TOO_LARGE)},
      {0, 0, 1, UINT64_MAX, REFUSED(RULE_VALUE_TOO_LARGE)},
      {0, UINT64_MAX, 1, 1, REFUSED(RULE_SEQUENCE_TOO_LARGE)}}},
};

START_TEST(admits_by_the_rules)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 64, 10);

	for (const struct step *p = cases[_i].steps; p < cases[_i].steps + 6 && (p->value != 0 || p->fee != 0); p++) {
		struct tx tx = transfer_unsigned(s, p->from, 1, p->value, p->fee, p->sequence);
		struct admission a = mempool_admit(pool, &tx, true, NOW);
		ck_assert_msg(a.status == p->status && a.rule == p->rule && a.is_new == p->is_new,
			      "%s, step %zu: got %d, %s", cases[_i].what, (size_t)(p - cases[_i].steps), (int)a.status,
			      rule_name(a.rule));
		witness_pool(s);
	}
	mempool_close(pool);
}
END_TEST

static struct admission
admit(struct mempool *pool, const struct tx *tx, bool from_client)
{
	return mempool_admit(pool, tx, from_client, NOW);
}

static bool
is_pooled(const struct store *s, const struct tx *tx, struct pool_entry *e)
{
	struct hash256 id = tx_id(tx);

	return mempool_find(s, &id, e);
}

START_TEST(what_is_of_another_network_is_refused)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 64, 1);
	struct tx tx = transfer_unsigned(s, 0, 1, 10, 1, 0);
	struct admission a;

	tx.network.b[0] ^= 1;
	a = admit(pool, &tx, true);
	ck_assert_int_eq(a.status, ADMISSION_REFUSED);
	ck_assert_int_eq(a.rule, RULE_WRONG_NETWORK);
	ck_assert_uint_eq(mempool_count(s), 0);
	mempool_close(pool);
	mempool_close(NULL);
}
END_TEST

/* The very bytes, whatever the memo, although the slot does not keep them so. */
START_TEST(readers_are_given_the_bytes_that_came)
{
	static const uint16_t memos[] = {0, 1, 2, 7, 8, 255, MEMO_MAX};
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 64, 10);

	for (uint64_t i = 0; i < ARRAY_LEN(memos); i++) {
		struct tx tx = transfer_unsigned(s, 0, 1, 0x01020304 + i, 0x05060708 - i, i), fetched;
		uint8_t bytes[TX_SIZE_MAX], again[TX_SIZE_MAX];
		struct writer w = writer_of(bytes, sizeof(bytes));
		struct candidate candidates[ARRAY_LEN(memos)];
		struct hash256 id;
		struct pool_entry e;
		uint64_t arrival = i + 1;
		uint32_t size;

		tx.memo_len = memos[i];
		memset(tx.memo, 'm', tx.memo_len);
		memset(&tx.signature, 0xff - (int)i, sizeof(tx.signature));
		tx_encode(&w, &tx);
		id = tx_id(&tx);
		ck_assert_int_eq(admit(pool, &tx, i % 2 == 0).status, ADMISSION_PENDING);

		ck_assert(mempool_find(s, &id, &e));
		ck_assert_uint_eq(e.size, writer_len(&w));
		ck_assert_mem_eq(e.bytes, bytes, e.size);
		ck_assert(mempool_has_bytes(s, &id, bytes, e.size));
		bytes[e.size - 1] ^= 1;
		ck_assert(!mempool_has_bytes(s, &id, bytes, e.size));
		bytes[e.size - 1] ^= 1;
		ck_assert(mempool_next(s, &arrival, &e));
		ck_assert_uint_eq(e.size, writer_len(&w));
		ck_assert_mem_eq(e.bytes, bytes, e.size);
		ck_assert_uint_eq(e.received_ms, NOW);
		ck_assert_int_eq(e.from_client, i % 2 == 0);
		ck_assert_int_eq(e.is_waiting, false);
		ck_assert_uint_eq(mempool_candidates(s, candidates, ARRAY_LEN(memos)), i + 1);
		ck_assert_uint_eq(candidates[i].size, e.size);
		ck_assert(mempool_fetch(s, candidates[i].ref, &fetched, again, &size));
		ck_assert_uint_eq(size, e.size);
		ck_assert_mem_eq(again, bytes, size);
		ck_assert_uint_eq(fetched.fee, tx.fee);
	}
	mempool_close(pool);
}
END_TEST

START_TEST(what_is_on_the_chain_is_confirmed_and_its_sequence_used)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 64, 2);
	struct tx tx = transfer_unsigned(s, 0, 1, 10, 1, 0), other = transfer_unsigned(s, 0, 1, 11, 1, 0);
	struct admission a;
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	ck_assert_int_eq(maker_add(&m, 1, &tx, 1, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	a = admit(pool, &tx, true);
	ck_assert(a.status == ADMISSION_CONFIRMED && a.rule == RULE_OK && !a.is_new);
	a = admit(pool, &other, true);
	ck_assert(a.status == ADMISSION_REFUSED && a.rule == RULE_SEQUENCE_USED);
	maker_clear(&m);
	mempool_close(pool);
}
END_TEST

START_TEST(what_others_waited_for_makes_them_pending)
{
	static const uint64_t order[] = {5, 2, 1, 3, 0, 4};
	static const unsigned waiting_after[] = {1, 2, 3, 4, 1, 0};
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 64, 2);

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct tx tx = transfer_unsigned(s, 2, 1, 1000, 1, order[i]);
		struct pool_entry e;
		uint64_t arrival = 0;
		unsigned waiting = 0;

		ck_assert_int_ne(admit(pool, &tx, i % 2 != 0).status, ADMISSION_REFUSED);
		while (mempool_next(s, &arrival, &e))
			waiting += e.is_waiting;
		ck_assert_uint_eq(waiting, waiting_after[i]);
		witness_pool(s);
	}
	mempool_close(pool);
}
END_TEST

START_TEST(readers_are_told_of_each_entry_and_of_senders)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 64, 2);
	struct tx txs[4], again;
	uint8_t bytes[TX_SIZE_MAX];
	struct candidate candidates[8];
	struct pool_sender sender;
	struct hash256 zero = {{0}}, id;
	struct address who = person(0), nobody = person(NOBODY);
	struct pool_entry e;
	struct pool_gone gone;
	uint64_t arrival = 0;
	uint32_t size;

	ck_assert_uint_eq(mempool_capacity(s), 64);
	ck_assert_uint_eq(mempool_last_arrival(s), 0);
	ck_assert(!mempool_next(s, &arrival, &e));
	for (unsigned i = 0; i < 4; i++) {
		txs[i] = transfer(s, 0, 1, 100 + i, i, i < 3 ? i : 9);
		ck_assert(!is_pooled(s, &txs[i], &e));
		ck_assert(admit(pool, &txs[i], i % 2 == 0).is_new);
		ck_assert(is_pooled(s, &txs[i], &e));
		ck_assert_uint_eq(e.arrival, i + 1);
		ck_assert_uint_eq(e.received_ms, NOW);
		ck_assert(e.from_client == (i % 2 == 0) && e.is_waiting == (i == 3));
		ck_assert(address_equal(&e.sender, &who));
		id = tx_id(&txs[i]);
		ck_assert(!mempool_gone(s, &id, &gone));
	}
	ck_assert_uint_eq(mempool_last_arrival(s), 4);
	arrival = 3;
	ck_assert(mempool_next(s, &arrival, &e) && e.sequence == 2 && arrival == 4);
	ck_assert(mempool_next(s, &arrival, &e) && e.sequence == 9 && arrival == 5);
	ck_assert(!mempool_next(s, &arrival, &e));
	mempool_sender(s, &who, 0, &sender);
	ck_assert(sender.count == 4 && sender.next_sequence == 3 && sender.outgoing == 406 + 6);
	mempool_sender(s, &nobody, 7, &sender);
	ck_assert(sender.count == 0 && sender.next_sequence == 7 && sender.outgoing == 0);
	ck_assert_uint_eq(mempool_candidates(s, candidates, 3), 3);
	ck_assert_uint_eq(mempool_candidates(s, candidates, 8), 4);
	for (int i = 0; i < 4; i++) {
		ck_assert(mempool_fetch(s, candidates[i].ref, &again, bytes, &size));
		ck_assert(again.sequence == candidates[i].sequence && size == candidates[i].size);
	}
	/* No slot in use, no slot at all. */
	ck_assert(!mempool_fetch(s, 60, &again, bytes, &size));
	ck_assert(!mempool_fetch(s, 64, &again, bytes, &size));
	ck_assert(!mempool_fetch(s, UINT32_MAX, &again, bytes, &size));
	ck_assert(!mempool_gone(s, &zero, &gone));
	mempool_close(pool);
}
END_TEST

/*
 * A full pool of three: person i has one with fees[i], from a client if 'c'. Then one of person 4 comes. Who leaves?
 * -1: nobody's, and it is refused.
 */
static const struct {
	char from[4];
	uint64_t fees[3];
	char comes_from;
	uint64_t comes_with;
	int leaves;
} full_rows[] = {
    {"ppp", {5, 3, 4}, 'p', 4, 1},  {"ppp", {5, 3, 4}, 'p', 3, -1}, /* as good, and later */
    {"ppp", {5, 3, 4}, 'p', 2, -1}, {"ppp", {5, 3, 3}, 'p', 9, 2},  /* of two as good the later leaves */
    {"ppp", {5, 3, 4}, 'c', 0, 1},				    /* clients' need not be better */
    {"pcp", {5, 3, 4}, 'p', 9, 2},  {"pcp", {5, 3, 4}, 'c', 0, 2},
    {"ccc", {0, 0, 0}, 'p', 9, -1}, {"ccc", {0, 0, 0}, 'c', 9, -1},
};

START_TEST(a_full_pool_makes_room_by_the_worst_that_came_from_peers)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 3, 1);
	struct tx txs[3], comes = transfer_unsigned(s, 4, 1, 10, full_rows[_i].comes_with, 0);
	struct pool_entry e;
	struct admission a;

	for (unsigned i = 0; i < 3; i++) {
		txs[i] = transfer_unsigned(s, i, 1, 10, full_rows[_i].fees[i], 0);
		ck_assert_int_eq(admit(pool, &txs[i], full_rows[_i].from[i] == 'c').status, ADMISSION_PENDING);
	}
	/* Twice: what is known of the pool after the first look must not change the answer. */
	for (int time = 0; time < 2; time++) {
		a = admit(pool, &comes, full_rows[_i].comes_from == 'c');
		if (full_rows[_i].leaves < 0)
			ck_assert(a.status == ADMISSION_REFUSED && a.rule == RULE_POOL_FULL);
		else
			ck_assert(a.status == ADMISSION_PENDING && a.is_new == (time == 0));
		ck_assert_uint_eq(mempool_count(s), 3);
	}
	for (int i = 0; i < 3; i++) {
		struct hash256 id = tx_id(&txs[i]);
		struct pool_gone gone;
		ck_assert(is_pooled(s, &txs[i], &e) == (i != full_rows[_i].leaves));
		ck_assert(mempool_gone(s, &id, &gone) == (i == full_rows[_i].leaves));
		if (i == full_rows[_i].leaves)
			ck_assert(gone.rule == RULE_POOL_FULL && gone.height == PEOPLE);
	}
	ck_assert_uint_eq(role_get(s, COUNT_EVICTED), full_rows[_i].leaves >= 0);
	witness_pool(s);
	mempool_close(pool);
}
END_TEST

START_TEST(what_a_client_sent_too_stays_like_its_own)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 1, 1);
	struct tx tx = transfer_unsigned(s, 0, 1, 10, 1, 0), better = transfer_unsigned(s, 1, 0, 10, 100, 0);
	struct pool_entry e;
	struct admission a;

	ck_assert(admit(pool, &tx, false).is_new);
	ck_assert(is_pooled(s, &tx, &e) && !e.from_client);
	a = admit(pool, &tx, true);
	ck_assert(a.status == ADMISSION_PENDING && !a.is_new);
	ck_assert(is_pooled(s, &tx, &e) && e.from_client);
	/* And a peer that sends it again takes nothing back. */
	admit(pool, &tx, false);
	ck_assert(is_pooled(s, &tx, &e) && e.from_client);
	ck_assert_int_eq(admit(pool, &better, false).rule, RULE_POOL_FULL);
	mempool_close(pool);
}
END_TEST

START_TEST(a_sender_makes_no_room_by_what_it_has_to_wait_for)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 2, 1);
	struct tx first = transfer_unsigned(s, 0, 1, 10, 1, 0), second = transfer_unsigned(s, 0, 1, 10, 2, 1);
	struct tx third = transfer_unsigned(s, 0, 1, 10, 50, 2), other = transfer_unsigned(s, 1, 0, 10, 40, 0);
	struct pool_entry e;

	ck_assert(admit(pool, &first, false).is_new && admit(pool, &second, false).is_new);
	ck_assert_int_eq(admit(pool, &third, false).rule, RULE_POOL_FULL);
	/* But others find room there; what followed then waits. */
	ck_assert_int_eq(admit(pool, &other, false).status, ADMISSION_PENDING);
	ck_assert(!is_pooled(s, &first, &e));
	ck_assert(is_pooled(s, &second, &e) && e.is_waiting);
	witness_pool(s);
	mempool_close(pool);
}
END_TEST

/* Otherwise a pool full of clients' transfers that wait would stay so for ever. */
START_TEST(what_closes_a_gap_takes_the_place_of_the_last_that_waits_for_it)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 6, 10);
	struct tx waiting[6], closing, other;
	struct pool_entry e;
	struct pool_gone gone;
	struct hash256 id;
	struct admission a;

	for (unsigned i = 0; i < 6; i++) {
		waiting[i] = transfer_unsigned(s, i < 4 ? 0 : 1, 2, COIN, 1, i < 4 ? 2 + i : 1 + i - 4);
		ck_assert_int_eq(admit(pool, &waiting[i], true).status, ADMISSION_WAITING);
	}
	/* Of a sender who waits for nothing, and one that does not close the gap. */
	other = transfer_unsigned(s, 3, 2, COIN, 100, 0);
	ck_assert_int_eq(admit(pool, &other, true).rule, RULE_POOL_FULL);
	other = transfer_unsigned(s, 0, 2, COIN, 100, 1);
	ck_assert_int_eq(admit(pool, &other, true).rule, RULE_POOL_FULL);

	closing = transfer_unsigned(s, 1, 2, COIN, 0, 0);
	a = admit(pool, &closing, true);
	ck_assert(a.status == ADMISSION_PENDING && a.is_new);
	witness_pool(s);
	id = tx_id(&waiting[5]);
	ck_assert(!is_pooled(s, &waiting[5], &e) && mempool_gone(s, &id, &gone));
	ck_assert_int_eq(gone.rule, RULE_POOL_FULL);
	ck_assert(is_pooled(s, &waiting[4], &e) && !e.is_waiting);
	/* Nothing of it waits now, so the next one finds no place. */
	ck_assert_int_eq(admit(pool, &waiting[5], true).rule, RULE_POOL_FULL);

	/* A peer may bring it too; one after the other until all are in order. */
	for (uint64_t i = 0; i < 2; i++) {
		closing = transfer_unsigned(s, 0, 2, COIN, 0, i);
		ck_assert_int_eq(admit(pool, &closing, false).status, ADMISSION_PENDING);
		witness_pool(s);
		ck_assert(!is_pooled(s, &waiting[3 - i], &e));
	}
	ck_assert(is_pooled(s, &waiting[0], &e) && !e.is_waiting);
	ck_assert_uint_eq(mempool_count(s), 6);
	mempool_close(pool);
}
END_TEST

START_TEST(a_refusal_for_want_of_room_ends_when_room_comes)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 2, 1);
	struct tx a = transfer_unsigned(s, 0, 1, 10, 5, 0), b = transfer_unsigned(s, 1, 0, 10, 6, 0);
	struct tx late = transfer_unsigned(s, 2, 0, 10, 1, 0), later = transfer_unsigned(s, 3, 0, 10, 2, 0);
	struct maker m;

	ck_assert(admit(pool, &a, false).is_new && admit(pool, &b, true).is_new);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(admit(pool, &late, false).rule, RULE_POOL_FULL);
		ck_assert_int_eq(admit(pool, &later, false).rule, RULE_POOL_FULL);
	}
	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	ck_assert_int_eq(maker_add(&m, 5, &a, 1, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	ck_assert_int_eq(admit(pool, &late, false).status, ADMISSION_PENDING);
	ck_assert_int_eq(admit(pool, &later, false).status, ADMISSION_PENDING);
	witness_pool(s);
	maker_clear(&m);
	mempool_close(pool);
}
END_TEST

/* One stays while thousands come and go: its cell of the arrivals is never given to another. */
START_TEST(one_that_stays_is_met_by_every_walk_however_many_others_come_and_go)
{
	enum { POOL = 4, COMERS = 500 };
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, POOL, 2);
	struct tx stays = transfer_unsigned(s, 0, 1, 10, 1, 0);
	uint64_t follower = 0, met = 0;
	struct pool_entry e;

	ck_assert(admit(pool, &stays, true).is_new);
	for (unsigned i = 0; i < COMERS; i++) {
		struct tx comes = transfer_unsigned(s, 1 + i % 3, 0, 10, 10 + i, 0);
		uint64_t arrival = 0, last = 0;
		unsigned count = 0;

		/* Each is better than those before it and of a sender of which nothing is there. */
		if (i >= 3)
			comes = transfer_unsigned(s, 1 + i % 5, 0, 10, 10 + i, 0);
		if (admit(pool, &comes, false).status == ADMISSION_REFUSED)
			continue;
		while (mempool_next(s, &arrival, &e)) {
			ck_assert_uint_gt(e.arrival, last);
			last = e.arrival;
			count++;
		}
		ck_assert_uint_eq(count, mempool_count(s));
		/* One that goes on from where it was is told of every comer. */
		while (mempool_next(s, &follower, &e))
			met += e.fee == 10 + i;
		witness_pool(s);
	}
	ck_assert_uint_gt(mempool_last_arrival(s), 10 * POOL);
	ck_assert_uint_gt(met, 10 * POOL);
	ck_assert(is_pooled(s, &stays, &e));
	mempool_close(pool);
}
END_TEST

START_TEST(who_follows_what_went_is_told_of_each_once)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 1, 1);
	uint64_t number = 0, late = 0, met = 0, fee = 1;
	struct hash256 id, expected = {{0}};
	struct pool_gone gone;

	ck_assert(!mempool_next_gone(s, &number, &id, &gone));
	/* Each pushes out the one before it. */
	for (; fee < 2 * POOL_GONE_MAX; fee++) {
		struct tx tx = transfer_unsigned(s, fee % 2, 2, 10, fee, 0);
		ck_assert_int_eq(admit(pool, &tx, false).status, ADMISSION_PENDING);
		while (mempool_next_gone(s, &number, &id, &gone)) {
			ck_assert(hash_equal(&id, &expected) && gone.rule == RULE_POOL_FULL);
			met++;
		}
		expected = tx_id(&tx);
	}
	ck_assert_uint_eq(met, fee - 2);
	ck_assert_uint_eq(mempool_gone_count(s), met);
	ck_assert_uint_eq(number, met);
	/* One that comes too late for the first is told of those that are still known. */
	for (met = 0; mempool_next_gone(s, &late, &id, &gone); met++)
		ck_assert(mempool_gone(s, &id, &gone));
	ck_assert_uint_eq(met, POOL_GONE_MAX - 1);
	ck_assert_uint_eq(late, number);
	mempool_close(pool);
}
END_TEST

START_TEST(the_last_4096_that_went_are_remembered_with_their_last_reason)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 1, 1);
	struct hash256 first = {{0}}, id;
	struct pool_gone gone;
	uint32_t went = 0;

	for (uint64_t fee = 1; fee < POOL_GONE_MAX + 10; fee++) {
		struct tx tx = transfer_unsigned(s, fee % 2, 2, 10, fee, 0);
		id = tx_id(&tx);
		ck_assert_int_eq(admit(pool, &tx, false).status, ADMISSION_PENDING);
		if (fee == 1)
			first = id;
		went++;
		ck_assert(!mempool_gone(s, &id, &gone));
		if (fee == POOL_GONE_MAX)
			ck_assert(mempool_gone(s, &first, &gone) && gone.rule == RULE_POOL_FULL);
	}
	ck_assert(!mempool_gone(s, &first, &gone));
	ck_assert_uint_eq(atomic_load(&pool_at(s)->gone_count), went - 1);
	mempool_close(pool);
}
END_TEST

START_TEST(a_new_pool_process_finds_all_that_was_there)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 16, 2);
	struct tx taken = transfer_unsigned(s, 0, 5, 77, 7, 0);
	uint64_t last;

	for (uint64_t i = 0; i < 9; i++) {
		struct tx tx = transfer_unsigned(s, i % 3, 4, 100, i, i / 3 + (i % 3 == 2));
		ck_assert(admit(pool, &tx, i % 2 == 0).is_new);
	}
	last = mempool_last_arrival(s);
	for (int restart = 0; restart < 3; restart++) {
		mempool_close(pool);
		pool = mempool_open(s);
		ck_assert_uint_eq(mempool_count(s), 9);
		ck_assert_uint_eq(mempool_last_arrival(s), last);
		witness_pool(s);
	}
	ck_assert_int_eq(admit(pool, &taken, true).rule, RULE_SEQUENCE_TAKEN);
	for (uint64_t i = 0; i < 7; i++) {
		struct tx tx = transfer_unsigned(s, 5, 4, 100, i, i);
		ck_assert(admit(pool, &tx, true).is_new);
	}
	ck_assert_uint_eq(mempool_count(s), 16);
	witness_pool(s);
	mempool_close(pool);
}
END_TEST

/* Random transfers of all kinds, with a witness after each few. */
START_TEST(holds_together_whatever_comes)
{
	struct mempool *pool;
	struct store *s = segment_with_coins(&pool, 24, 3);
	uint64_t random = 77;
	unsigned statuses[ADMISSION_RETRY + 1] = {0};

	for (int i = 0; i < 3000; i++) {
		unsigned from = (unsigned)random_below(&random, PEOPLE);
		struct tx tx = transfer_unsigned(s, from, (from + 1) % PEOPLE, 1 + random_below(&random, COIN),
						 random_below(&random, 5000), random_below(&random, 12));
		statuses[admit(pool, &tx, random_below(&random, 20) == 0).status]++;
		if (i % 20 == 0)
			witness_pool(s);
	}
	ck_assert_uint_gt(statuses[ADMISSION_PENDING], 10);
	ck_assert_uint_gt(statuses[ADMISSION_WAITING], 10);
	ck_assert_uint_gt(statuses[ADMISSION_REFUSED], 10);
	witness_pool(s);
	mempool_close(pool);
}
END_TEST

Suite *
suite_mempool(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "mempool", 60);
	tcase_add_loop_test(tc, admits_by_the_rules, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, what_is_of_another_network_is_refused);
	tcase_add_test(tc, readers_are_given_the_bytes_that_came);
	tcase_add_test(tc, what_is_on_the_chain_is_confirmed_and_its_sequence_used);
	tcase_add_test(tc, what_others_waited_for_makes_them_pending);
	tcase_add_test(tc, readers_are_told_of_each_entry_and_of_senders);
	tcase_add_loop_test(tc, a_full_pool_makes_room_by_the_worst_that_came_from_peers, 0, ARRAY_LEN(full_rows));
	tcase_add_test(tc, what_a_client_sent_too_stays_like_its_own);
	tcase_add_test(tc, a_sender_makes_no_room_by_what_it_has_to_wait_for);
	tcase_add_test(tc, what_closes_a_gap_takes_the_place_of_the_last_that_waits_for_it);
	tcase_add_test(tc, a_refusal_for_want_of_room_ends_when_room_comes);
	tcase_add_test(tc, one_that_stays_is_met_by_every_walk_however_many_others_come_and_go);
	tcase_add_test(tc, who_follows_what_went_is_told_of_each_once);
	tcase_add_test(tc, the_last_4096_that_went_are_remembered_with_their_last_reason);
	tcase_add_test(tc, a_new_pool_process_finds_all_that_was_there);
	tcase_add_test(tc, holds_together_whatever_comes);
	return suite;
}
