/*
 * A walk that is done in pieces, and transfers that come between them: they fare as if the walk had been over, and those who
 * have nothing to do with it do not wait for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "settle_kit.h"
#include "store/layout.h"
#include "suites.h"
#include "util/mem.h"
#include "witness.h"

#define MINED_EACH 8 /* transfers of each sender in the blocks that are rolled back */

/* A piece of the smallest size. */
static bool
settle_some(struct stage *c)
{
	return mempool_settle_some(c->pool, NOW + 1, 1, &c->report);
}

/*
 * Blocks with transfers of 0, 1 and 2, in turn, are rolled back, and the walk away from them has begun; given[i] is the i-th
 * of sender i % 3. Each costs a hundredth of a coin.
 */
static void
begin_return(struct stage *c, struct tx given[3 * MINED_EACH], uint32_t pool_max)
{
	stage_make(c, &(struct segment_plan){.pool_max = pool_max});
	for (unsigned i = 0; i < 3 * MINED_EACH; i++)
		given[i] = transfer_unsigned(c->s, i % 3, 5, COIN / 100, 0, i / 3);
	stage_mine(c, c->base, given, 3 * MINED_EACH, 0);
	stage_settle(c);
	stage_mine(c, c->base, NULL, 0, 1);
	ck_assert(!settle_some(c));
	ck_assert_uint_eq(mempool_count(c->s), 0);
}

static void
finish(struct stage *c)
{
	while (!settle_some(c))
		;
	witness_pool(c->s);
}

START_TEST(a_walk_is_done_in_as_many_pieces_as_it_is_given)
{
	struct tx given[3 * MINED_EACH];
	unsigned pieces = 1;
	struct stage c;

	begin_return(&c, given, 64);
	for (uint32_t before = 0; !settle_some(&c); pieces++) {
		expect_report(&c, 0, 0, 0);
		ck_assert_uint_le(mempool_count(c.s), before + 1);
		before = mempool_count(c.s);
	}
	ck_assert_uint_gt(pieces, 3 * MINED_EACH);
	expect_report(&c, 0, 3 * MINED_EACH, 0);
	witness_pool(c.s);
	ck_assert(settle_some(&c));
	expect_report(&c, 0, 0, 0);
	stage_clear(&c);
}
END_TEST

START_TEST(who_has_nothing_to_get_back_does_not_wait_for_the_walk)
{
	struct tx given[3 * MINED_EACH], tx;
	struct stage c;

	begin_return(&c, given, 64);
	for (uint64_t i = 0; i < 3; i++) {
		tx = transfer_unsigned(c.s, 3, 1, 100, 0, i);
		ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_PENDING);
		ck_assert_uint_eq(mempool_count(c.s), i + 1);
	}
	ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_PENDING);
	finish(&c);
	expect_report(&c, 0, 3 * MINED_EACH, 0);
	ck_assert_uint_eq(mempool_count(c.s), 3 * MINED_EACH + 3);
	stage_clear(&c);
}
END_TEST

/* At the walk's begin, after one of its own has come back in its turn, and when all have. */
START_TEST(what_a_sender_gets_back_comes_before_what_it_hands_in)
{
	static const unsigned pieces[] = {0, 5, 3 * MINED_EACH + 1};
	struct tx given[3 * MINED_EACH], rival, poor, next;
	struct admission a;
	struct stage c;

	begin_return(&c, given, 64);
	for (unsigned i = 0; i < pieces[_i]; i++)
		ck_assert(!settle_some(&c));
	rival = transfer_unsigned(c.s, 1, 2, 7, 9, MINED_EACH - 1);
	a = mempool_admit(c.pool, &rival, true, NOW);
	ck_assert(a.status == ADMISSION_REFUSED && a.rule == RULE_SEQUENCE_TAKEN);
	/* A hundredth of a coin more than what is left. */
	poor = transfer_unsigned(c.s, 1, 2, COINS * COIN - (MINED_EACH - 1) * (COIN / 100), 0, MINED_EACH);
	a = mempool_admit(c.pool, &poor, true, NOW);
	ck_assert(a.status == ADMISSION_REFUSED && a.rule == RULE_INSUFFICIENT_FUNDS);
	next = transfer_unsigned(c.s, 1, 2, COIN, 0, MINED_EACH);
	ck_assert_int_eq(stage_admit(&c, &next, true), ADMISSION_PENDING);
	/* One that it gets back, handed in again. */
	a = mempool_admit(c.pool, &given[4], true, NOW);
	ck_assert(a.status == ADMISSION_PENDING && !a.is_new);
	finish(&c);
	expect_report(&c, 0, 3 * MINED_EACH, 0);
	ck_assert_uint_eq(mempool_count(c.s), 3 * MINED_EACH + 1);
	stage_clear(&c);
}
END_TEST

START_TEST(what_a_sender_lost_with_the_old_chain_is_gone_before_it_hands_in_more)
{
	struct tx gift, spent, later, small, others[8];
	struct stage c;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	gift = transfer_unsigned(c.s, 0, 1, COIN, 0, 0);
	spent = transfer_unsigned(c.s, 1, 3, (COINS + 1) * COIN, 0, 0);
	later = transfer_unsigned(c.s, 0, 1, COIN, 0, 1);
	stage_mine(&c, c.base, (struct tx[]){gift, spent}, 2, 0);
	stage_settle(&c);
	for (uint64_t i = 0; i < 8; i++) {
		others[i] = transfer_unsigned(c.s, 2, 3, 100, 0, i);
		ck_assert_int_eq(stage_admit(&c, &others[i], true), ADMISSION_PENDING);
	}
	ck_assert_int_eq(stage_admit(&c, &later, true), ADMISSION_PENDING);
	stage_mine(&c, c.base, NULL, 0, 1);
	ck_assert(!settle_some(&c));
	small = transfer_unsigned(c.s, 1, 3, COIN, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &small, true), ADMISSION_PENDING);
	stage_expect_gone(&c, &spent, RULE_INSUFFICIENT_FUNDS);
	finish(&c);
	/* It was ruled out once. */
	expect_report(&c, 0, 2, 1);
	stage_expect_pooled(&c, &small, true, false);
	stage_expect_pooled(&c, &later, true, false);
	stage_clear(&c);
}
END_TEST

START_TEST(what_was_ruled_out_in_its_turn_is_told_of_once)
{
	struct tx given[4], rival, next;
	struct stage c;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	for (uint64_t i = 0; i < 4; i++)
		given[i] = transfer_unsigned(c.s, 0, 1, 100, 0, i);
	rival = transfer_unsigned(c.s, 0, 2, 100, 0, 0);
	stage_mine(&c, c.base, given, 4, 0);
	stage_settle(&c);
	stage_mine(&c, c.base, &rival, 1, 1);
	for (unsigned pieces = 0; mempool_gone_count(c.s) == 0; pieces++) {
		ck_assert_uint_lt(pieces, 10);
		ck_assert(!settle_some(&c));
	}
	next = transfer_unsigned(c.s, 0, 1, 100, 0, 4);
	ck_assert_int_eq(stage_admit(&c, &next, true), ADMISSION_PENDING);
	ck_assert_uint_eq(mempool_count(c.s), 4);
	finish(&c);
	expect_report(&c, 0, 3, 1);
	ck_assert_uint_eq(mempool_gone_count(c.s), 1);
	stage_clear(&c);
}
END_TEST

START_TEST(a_sender_is_rechecked_before_it_hands_in_more)
{
	struct tx mined, pooled, doomed, next, rival, others[8];
	struct stage c;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	mined = transfer_unsigned(c.s, 0, 1, 100, 0, 0);
	pooled = transfer_unsigned(c.s, 0, 1, 100, 0, 1);
	doomed = transfer_unsigned(c.s, 1, 2, 3 * COIN, 0, 0);
	rival = transfer_unsigned(c.s, 1, 2, 100, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &pooled, true), ADMISSION_WAITING);
	ck_assert_int_eq(stage_admit(&c, &doomed, true), ADMISSION_PENDING);
	for (uint64_t i = 0; i < 8; i++) {
		others[i] = transfer_unsigned(c.s, 2, 3, 100, 0, i);
		ck_assert_int_eq(stage_admit(&c, &others[i], true), ADMISSION_PENDING);
	}
	/* The chain only grows; of others nothing has changed. */
	stage_mine(&c, c.base, (struct tx[]){mined, rival, others[0], others[1], others[2]}, 5, 0);
	ck_assert(!settle_some(&c));
	next = transfer_unsigned(c.s, 0, 1, 100, 0, 2);
	ck_assert_int_eq(stage_admit(&c, &next, true), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &mined, true), ADMISSION_CONFIRMED);
	/* What 1 had pending was outdone, and with it the funds are free. */
	next = transfer_unsigned(c.s, 1, 2, 3 * COIN, 0, 1);
	ck_assert_int_eq(stage_admit(&c, &next, true), ADMISSION_PENDING);
	stage_expect_gone(&c, &doomed, RULE_SEQUENCE_USED);
	finish(&c);
	expect_report(&c, 3, 0, 1);
	stage_expect_pooled(&c, &pooled, true, false);
	stage_clear(&c);
}
END_TEST

/* A pool that has just room for what comes back. */
START_TEST(what_comes_back_loses_no_place_to_a_newcomer)
{
	struct tx given[3 * MINED_EACH], tx;
	struct admission a;
	struct stage c;

	begin_return(&c, given, 3 * MINED_EACH + 1);
	tx = transfer_unsigned(c.s, 3, 1, 100, 5000, 0);
	ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_PENDING);
	ck_assert(!settle_some(&c));
	tx = transfer_unsigned(c.s, 4, 1, 100, 5000, 0);
	a = mempool_admit(c.pool, &tx, true, NOW);
	ck_assert(a.status == ADMISSION_REFUSED && a.rule == RULE_POOL_FULL);
	finish(&c);
	expect_report(&c, 0, 3 * MINED_EACH, 0);
	ck_assert_uint_eq(mempool_count(c.s), 3 * MINED_EACH + 1);
	stage_clear(&c);
}
END_TEST

/* Full of what was mined meanwhile: the room is there once the walk has been to it. */
START_TEST(a_full_pool_is_followed_up_before_anybody_is_turned_away)
{
	struct tx given[4], tx;
	struct stage c;

	stage_make(&c, &(struct segment_plan){.pool_max = 4});
	for (uint64_t i = 0; i < 4; i++) {
		given[i] = transfer_unsigned(c.s, 0, 1, 100, 0, i);
		ck_assert_int_eq(stage_admit(&c, &given[i], true), ADMISSION_PENDING);
	}
	stage_mine(&c, c.base, given, 4, 0);
	tx = transfer_unsigned(c.s, 1, 2, 100, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_PENDING);
	ck_assert_uint_eq(mempool_count(c.s), 1);
	finish(&c);
	expect_report(&c, 4, 0, 0);
	stage_clear(&c);
}
END_TEST

/* Whoever has seen a newer block than the walk is on its way to may build upon it. */
START_TEST(nobody_is_refused_by_a_tip_that_the_chain_has_left_behind)
{
	struct tx given[3 * MINED_EACH], gift, tx;
	struct stage c;

	begin_return(&c, given, 64);
	gift = transfer_unsigned(c.s, 4, 3, COIN, 0, 0);
	stage_mine(&c, chain_tip(c.s), &gift, 1, 0);
	tx = transfer_unsigned(c.s, 5, 1, 100, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_PENDING);
	ck_assert_uint_eq(mempool_count(c.s), 1);
	tx = transfer_unsigned(c.s, 3, 1, (COINS + 1) * COIN, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_PENDING);
	finish(&c);
	ck_assert_uint_eq(mempool_count(c.s), 3 * MINED_EACH + 2);
	stage_clear(&c);
}
END_TEST

/* The chain grows during a walk, and once that is over it is followed to where it is now. */
START_TEST(a_walk_that_the_chain_has_outgrown_is_not_the_last)
{
	struct tx given[3 * MINED_EACH], mined;
	struct stage c;

	begin_return(&c, given, 64);
	mined = transfer_unsigned(c.s, 4, 3, COIN, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &mined, true), ADMISSION_PENDING);
	stage_mine(&c, chain_tip(c.s), &mined, 1, 1);
	finish(&c);
	expect_report(&c, 1, 3 * MINED_EACH, 0);
	ck_assert_uint_eq(atomic_load(&pool_at(c.s)->settled), chain_tip(c.s).v);
	stage_clear(&c);
}
END_TEST

/* As often as it takes to fill the places of what is owed, were each of these walks given up. */
START_TEST(swaps_that_overtake_one_another_lose_nothing)
{
	enum { SWAPS = 3 * POOL_OWED_MAX };
	struct tx given[SWAPS];
	struct pool_entry e;
	struct pool_gone gone;
	struct stage c;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	for (unsigned i = 0; i < SWAPS; i++)
		given[i] = transfer_unsigned(c.s, i % PEOPLE, 1, 100 + i, 1, i / PEOPLE);
	/* Each branch has one that those after it have not, and those before that one of the same sender. */
	for (unsigned i = SWAPS; i-- > 0;) {
		struct tx block[SWAPS / PEOPLE];
		size_t count = 0;

		for (unsigned k = i % PEOPLE; k <= i; k += PEOPLE)
			block[count++] = given[k];
		stage_mine(&c, c.base, block, count, i);
		(void)!settle_some(&c);
	}
	stage_mine(&c, c.base, NULL, 0, SWAPS);
	finish(&c);
	for (unsigned i = 0; i < SWAPS; i++)
		ck_assert_int_eq(stage_place(c.s, &given[i], &e, &gone), POOLED);
	stage_clear(&c);
}
END_TEST

/* The newest 200 transfers of one world and the other, as ids in order with what is said of each. */
struct listing {
	uint32_t count;
	struct {
		struct hash256 id;
		bool from_client, is_waiting;
	} of[256];
};

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash256));
}

static void
list(const struct stage *c, struct listing *out)
{
	struct pool_entry e;
	uint64_t arrival = 0;

	memset(out, 0, sizeof(*out));
	while (mempool_next(c->s, &arrival, &e)) {
		need(out->count < ARRAY_LEN(out->of));
		out->of[out->count].id = e.id;
		out->of[out->count].from_client = e.from_client;
		out->of[out->count++].is_waiting = e.is_waiting;
	}
	qsort(out->of, out->count, sizeof(out->of[0]), compare_ids);
}

/* Any transfer that may be of use to somebody, of the sender's next sequences as of this tip or before. */
static struct tx
random_transfer(const struct stage *c, uint64_t *random)
{
	unsigned from = (unsigned)random_below(random, PEOPLE);
	struct address who = person(from);
	struct account account;
	uint64_t next;

	need(chain_account(c->s, chain_tip(c->s), &who, &account, NULL) == OK);
	next = account.sequence + random_below(random, 6);
	return transfer_unsigned(c->s, from, (unsigned)random_below(random, PEOPLE), 1 + random_below(random, COIN / 2),
				 random_below(random, 3), next > 0 ? next - random_below(random, 2) : next);
}

/*
 * Two worlds with the same chain. In one each walk is done in one go before anything else; in the other it is cut into random
 * pieces, and transfers come between them. Every verdict is the same, and so is what is left.
 */
START_TEST(a_walk_in_pieces_comes_to_what_a_walk_in_one_go_does)
{
	enum { ROUNDS = 300, KNOWN = 12, HANDED = 6 };
	struct segment_plan plans[2] = {{.name = "whole", .pool_max = 256}, {.name = "pieces", .pool_max = 256}};
	struct blockref known[2][KNOWN];
	unsigned seen = 1, between = 0, returned = 0, refused = 0;
	static struct listing lists[2];
	uint64_t random = 11 + (uint64_t)_i;
	struct stage worlds[2];

	for (int w = 0; w < 2; w++) {
		stage_make(&worlds[w], &plans[w]);
		known[w][0] = worlds[w].base;
	}
	for (int round = 0; round < ROUNDS; round++) {
		struct stage *whole = &worlds[0], *pieces = &worlds[1];
		struct tx handed[HANDED];
		bool from_client[HANDED], is_done = false;
		struct admission verdicts[HANDED];

		if (random_below(&random, 3) != 0 || seen < 3) {
			struct tx txs[12];
			struct pool_entry e;
			uint64_t arrival = 0, wanted = random_below(&random, ARRAY_LEN(txs));
			struct blockref from = chain_tip(whole->s);
			unsigned more = (unsigned)random_below(&random, 2), place;
			size_t n = 0;
			while (n < wanted && mempool_next(whole->s, &arrival, &e)) {
				struct reader r = reader_of(e.bytes, e.size);
				struct account account;
				ck_assert_int_eq(chain_account(whole->s, from, &e.sender, &account, NULL), OK);
				if (e.sequence == account.sequence && tx_decode(&txs[n], &r) == RULE_OK)
					n++;
			}
			place = seen < KNOWN ? seen++ : (unsigned)random_below(&random, KNOWN);
			for (int w = 0; w < 2; w++) {
				stage_mine(&worlds[w], chain_tip(worlds[w].s), txs, n, more);
				known[w][place] = chain_tip(worlds[w].s);
			}
		} else {
			unsigned place = (unsigned)random_below(&random, seen);
			for (int w = 0; w < 2; w++)
				ck_assert_int_eq(chain_swap(worlds[w].s, known[w][place]), OK);
		}
		ck_assert(
		    hash_equal(chain_hash(whole->s, chain_tip(whole->s)), chain_hash(pieces->s, chain_tip(pieces->s))));
		for (int i = 0; i < HANDED; i++) {
			handed[i] = random_transfer(whole, &random);
			from_client[i] = random_below(&random, 3) != 0;
		}
		stage_settle(whole);
		returned += whole->report.returned;
		memset(&pieces->report, 0, sizeof(pieces->report));
		for (int i = 0; i < HANDED; i++)
			verdicts[i] = mempool_admit(whole->pool, &handed[i], from_client[i], NOW);
		for (int i = 0; i < HANDED; i++) {
			struct admission a;
			while (!is_done && random_below(&random, 3) != 0)
				is_done = mempool_settle_some(pieces->pool, NOW + 1,
							      1 + (uint32_t)random_below(&random, 3), &pieces->report);
			a = mempool_admit(pieces->pool, &handed[i], from_client[i], NOW);
			ck_assert_msg(a.status == verdicts[i].status && a.rule == verdicts[i].rule &&
					  a.is_new == verdicts[i].is_new,
				      "round %d: %d %s instead of %d %s", round, a.status, rule_name(a.rule),
				      verdicts[i].status, rule_name(verdicts[i].rule));
			between += !is_done && a.is_new;
			refused += a.status == ADMISSION_REFUSED;
		}
		if (!is_done)
			finish(pieces);
		ck_assert(memcmp(&whole->report, &pieces->report, sizeof(whole->report)) == 0);
		list(whole, &lists[0]);
		list(pieces, &lists[1]);
		ck_assert_msg(memcmp(&lists[0], &lists[1], sizeof(lists[0])) == 0, "round %d: %u and %u pending", round,
			      lists[0].count, lists[1].count);
	}
	ck_assert_uint_gt(between, 50);
	ck_assert_uint_gt(returned, 50);
	ck_assert_uint_gt(refused, 50);
	for (int w = 0; w < 2; w++)
		stage_clear(&worlds[w]);
}
END_TEST

Suite *
suite_settle_pieces(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "settle pieces", 60);
	tcase_add_test(tc, a_walk_is_done_in_as_many_pieces_as_it_is_given);
	tcase_add_test(tc, who_has_nothing_to_get_back_does_not_wait_for_the_walk);
	tcase_add_loop_test(tc, what_a_sender_gets_back_comes_before_what_it_hands_in, 0, 3);
	tcase_add_test(tc, what_a_sender_lost_with_the_old_chain_is_gone_before_it_hands_in_more);
	tcase_add_test(tc, what_was_ruled_out_in_its_turn_is_told_of_once);
	tcase_add_test(tc, a_sender_is_rechecked_before_it_hands_in_more);
	tcase_add_test(tc, what_comes_back_loses_no_place_to_a_newcomer);
	tcase_add_test(tc, a_full_pool_is_followed_up_before_anybody_is_turned_away);
	tcase_add_test(tc, nobody_is_refused_by_a_tip_that_the_chain_has_left_behind);
	tcase_add_test(tc, a_walk_that_the_chain_has_outgrown_is_not_the_last);
	tcase_add_test(tc, swaps_that_overtake_one_another_lose_nothing);
	tcase_add_loop_test(tc, a_walk_in_pieces_comes_to_what_a_walk_in_one_go_does, 0, 4);
	return suite;
}
