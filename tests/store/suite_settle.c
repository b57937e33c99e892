/*
 * The pool follows the chain: what was mined leaves, what is rolled back returns, what can no longer be done is dropped
 * and remembered; also when the chain moves on in the middle of a walk.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "process.h"
#include "settle_kit.h"
#include "store/layout.h"
#include "store/mempool.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

START_TEST(what_is_mined_leaves_and_the_rest_stays)
{
	struct stage c;
	struct tx txs[4];

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	ck_assert(!stage_settle(&c));
	expect_report(&c, 0, 0, 0);
	for (unsigned i = 0; i < 4; i++) {
		txs[i] = transfer_unsigned(c.s, 0, 1, 100, i, i);
		ck_assert_int_eq(stage_admit(&c, &txs[i], true), ADMISSION_PENDING);
	}
	stage_mine(&c, c.base, txs, 2, 0);
	ck_assert(stage_settle(&c));
	expect_report(&c, 2, 0, 0);
	ck_assert_uint_eq(mempool_count(c.s), 2);
	stage_expect_pooled(&c, &txs[2], true, false);
	ck_assert(!stage_settle(&c));
	expect_report(&c, 0, 0, 0);
	/* A block that has nothing to do with it. */
	stage_mine(&c, chain_tip(c.s), NULL, 0, 3);
	ck_assert(stage_settle(&c));
	expect_report(&c, 0, 0, 0);
	stage_clear(&c);
}
END_TEST

START_TEST(what_was_outdone_by_the_block_is_dropped_with_the_reason)
{
	struct stage c;
	struct tx doomed, poor, fine, waiting, rival;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	doomed = transfer_unsigned(c.s, 0, 1, 100, 1, 0);
	poor = transfer_unsigned(c.s, 0, 1, COIN * 2, 1, 1);
	fine = transfer_unsigned(c.s, 0, 1, 100, 1, 2);
	waiting = transfer_unsigned(c.s, 2, 1, 100, 1, 1);
	rival = transfer_unsigned(c.s, 0, 3, COIN * 3, 1, 0);
	ck_assert_int_eq(stage_admit(&c, &doomed, true), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &poor, true), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &fine, true), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &waiting, true), ADMISSION_WAITING);
	stage_mine(&c, c.base, &rival, 1, 0);
	ck_assert(stage_settle(&c));
	expect_report(&c, 0, 0, 2);
	stage_expect_gone(&c, &doomed, RULE_SEQUENCE_USED);
	stage_expect_gone(&c, &poor, RULE_INSUFFICIENT_FUNDS);
	/* It can be paid, and waits for a new one in the place of that. */
	stage_expect_pooled(&c, &fine, true, true);
	stage_expect_pooled(&c, &waiting, true, true);
	stage_clear(&c);
}
END_TEST

/* More transfers than are pending: the walk looks at who has something pending, not at the transfers. */
START_TEST(a_block_of_others_transfers_does_what_any_block_does)
{
	struct stage c;
	struct tx mined, outdone, untouched, block[5];

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	mined = transfer_unsigned(c.s, 0, 1, 100, 1, 0);
	outdone = transfer_unsigned(c.s, 1, 2, 100, 1, 0);
	untouched = transfer_unsigned(c.s, 2, 1, 100, 1, 0);
	ck_assert_int_eq(stage_admit(&c, &mined, true), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &outdone, true), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &untouched, true), ADMISSION_PENDING);
	block[0] = mined;
	block[1] = transfer_unsigned(c.s, 1, 3, 200, 1, 0);
	for (unsigned i = 0; i < 3; i++)
		block[2 + i] = transfer_unsigned(c.s, 3, 1, 100, 1, i);
	stage_mine(&c, c.base, block, 5, 0);
	ck_assert(stage_settle(&c));
	expect_report(&c, 1, 0, 1);
	stage_expect_gone(&c, &outdone, RULE_SEQUENCE_USED);
	stage_expect_pooled(&c, &untouched, true, false);
	ck_assert_uint_eq(mempool_count(c.s), 1);
	stage_clear(&c);
}
END_TEST

START_TEST(a_mined_predecessor_makes_what_waited_pending)
{
	struct stage c;
	struct tx first, second;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	first = transfer_unsigned(c.s, 0, 1, 100, 1, 0);
	second = transfer_unsigned(c.s, 0, 1, 100, 1, 1);
	ck_assert_int_eq(stage_admit(&c, &second, true), ADMISSION_WAITING);
	stage_mine(&c, c.base, &first, 1, 0);
	ck_assert(stage_settle(&c));
	stage_expect_pooled(&c, &second, true, false);
	stage_clear(&c);
}
END_TEST

START_TEST(what_a_longer_chain_has_not_returns_like_a_clients)
{
	struct stage c;
	struct tx txs[3], foreign, other;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	for (unsigned i = 0; i < 3; i++) {
		txs[i] = transfer_unsigned(c.s, 0, 1, 100, i, i);
		ck_assert_int_eq(stage_admit(&c, &txs[i], false), ADMISSION_PENDING);
	}
	/* One that was never in our pool. */
	foreign = transfer_unsigned(c.s, 1, 2, 50, 1, 0);
	stage_mine(&c, c.base, (struct tx[]){txs[0], txs[1], foreign}, 3, 0);
	ck_assert(stage_settle(&c));
	expect_report(&c, 2, 0, 0);
	/* The longer branch has one of them, and the rest of another. */
	other = transfer_unsigned(c.s, 2, 3, 50, 1, 0);
	stage_mine(&c, c.base, (struct tx[]){txs[0], other}, 2, 2);
	ck_assert(stage_settle(&c));
	expect_report(&c, 0, 2, 0);
	stage_expect_pooled(&c, &txs[1], true, false);
	stage_expect_pooled(&c, &txs[2], false, false);
	stage_expect_pooled(&c, &foreign, true, false);
	ck_assert_uint_eq(mempool_count(c.s), 3);
	stage_clear(&c);
}
END_TEST

/* Rolled back with no block in its place: everything is as before it. */
START_TEST(a_chain_that_only_lost_blocks_gives_all_of_theirs_back)
{
	struct stage c;
	struct tx txs[BLOCK_TXS_MAX];

	stage_make(&c, &(struct segment_plan){.pool_max = 128});
	for (unsigned i = 0; i < BLOCK_TXS_MAX; i++) {
		txs[i] = transfer_unsigned(c.s, 0, 1, 100, i, i);
		ck_assert_int_eq(stage_admit(&c, &txs[i], true), ADMISSION_PENDING);
	}
	stage_mine(&c, c.base, txs, BLOCK_TXS_MAX, 5);
	ck_assert(stage_settle(&c));
	expect_report(&c, BLOCK_TXS_MAX, 0, 0);
	/* More than SEQUENCE_AHEAD of the account as it is then. */
	for (unsigned i = 0; i < 10; i++) {
		struct tx tx = transfer_unsigned(c.s, 0, 1, 100, i, BLOCK_TXS_MAX + 50 + i);
		ck_assert_int_eq(stage_admit(&c, &tx, true), ADMISSION_WAITING);
	}
	ck_assert_int_eq(chain_swap(c.s, c.base), OK);
	ck_assert(stage_settle(&c));
	expect_report(&c, 0, BLOCK_TXS_MAX, 0);
	ck_assert_uint_eq(mempool_count(c.s), BLOCK_TXS_MAX + 10);
	stage_clear(&c);
}
END_TEST

START_TEST(what_cannot_return_is_gone_with_the_reason)
{
	struct stage c;
	struct tx gift, spent, outdone, rival;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	/* 0 gives 1 all it has, and 1 passes on more than it had; 2 spends the same twice. */
	gift = transfer_unsigned(c.s, 0, 1, COINS * COIN, 0, 0);
	spent = transfer_unsigned(c.s, 1, 3, (COINS + 1) * COIN, 0, 0);
	outdone = transfer_unsigned(c.s, 2, 4, 10, 0, 0);
	rival = transfer_unsigned(c.s, 2, 5, 11, 0, 0);
	stage_mine(&c, c.base, (struct tx[]){gift, spent, outdone}, 3, 0);
	stage_settle(&c);
	stage_mine(&c, c.base, &rival, 1, 1);
	ck_assert(stage_settle(&c));
	ck_assert_uint_eq(c.report.dropped, 2);
	stage_expect_pooled(&c, &gift, true, false);
	stage_expect_gone(&c, &spent, RULE_INSUFFICIENT_FUNDS);
	stage_expect_gone(&c, &outdone, RULE_SEQUENCE_USED);
	/* Back on the chain that had them: mined is mined, whatever was said when they went. */
	stage_mine(&c, c.base, (struct tx[]){gift, spent, outdone}, 3, 3);
	ck_assert(stage_settle(&c));
	expect_report(&c, 1, 0, 1);
	ck_assert_uint_eq(mempool_count(c.s), 0);
	stage_expect_gone(&c, &rival, RULE_SEQUENCE_USED);
	stage_clear(&c);
}
END_TEST

START_TEST(funds_go_to_the_earlier_sequences_when_they_do_not_suffice_for_all)
{
	struct stage c;
	struct tx mined, later[3];

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	mined = transfer_unsigned(c.s, 1, 0, 2 * COIN, 0, 0);
	stage_mine(&c, c.base, &mined, 1, 0);
	stage_settle(&c);
	/* 0 has 6 coins now; with the gift taken back it has 4. */
	for (unsigned i = 0; i < 3; i++) {
		later[i] = transfer_unsigned(c.s, 0, 2, 2 * COIN, 0, i);
		ck_assert_int_eq(stage_admit(&c, &later[i], true), ADMISSION_PENDING);
	}
	stage_mine(&c, c.base, NULL, 0, 1);
	ck_assert(stage_settle(&c));
	stage_expect_pooled(&c, &later[0], true, false);
	stage_expect_pooled(&c, &later[1], true, false);
	stage_expect_gone(&c, &later[2], RULE_INSUFFICIENT_FUNDS);
	stage_expect_pooled(&c, &mined, true, false);
	stage_clear(&c);
}
END_TEST

START_TEST(what_returns_to_a_full_pool_takes_the_place_of_peers_alone)
{
	struct stage c;
	struct tx mined[2], of_peer, of_client;

	stage_make(&c, &(struct segment_plan){.pool_max = 2});
	mined[0] = transfer_unsigned(c.s, 0, 1, 10, 0, 0);
	mined[1] = transfer_unsigned(c.s, 0, 1, 10, 0, 1);
	stage_mine(&c, c.base, mined, 2, 0);
	stage_settle(&c);
	of_peer = transfer_unsigned(c.s, 1, 1, 10, 1000, 0);
	of_client = transfer_unsigned(c.s, 2, 1, 10, 0, 0);
	ck_assert_int_eq(stage_admit(&c, &of_peer, false), ADMISSION_PENDING);
	ck_assert_int_eq(stage_admit(&c, &of_client, true), ADMISSION_PENDING);
	stage_mine(&c, c.base, NULL, 0, 1);
	ck_assert(stage_settle(&c));
	stage_expect_pooled(&c, &mined[0], true, false);
	stage_expect_pooled(&c, &of_client, true, false);
	stage_expect_gone(&c, &of_peer, RULE_POOL_FULL);
	stage_expect_gone(&c, &mined[1], RULE_POOL_FULL);
	stage_clear(&c);
}
END_TEST

START_TEST(admission_follows_the_chain_first_and_the_next_settle_tells_of_it)
{
	struct stage c;
	struct tx first, second;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	first = transfer_unsigned(c.s, 0, 1, 100, 1, 0);
	second = transfer_unsigned(c.s, 0, 1, 100, 1, 1);
	stage_admit(&c, &first, true);
	stage_mine(&c, c.base, &first, 1, 0);
	ck_assert_int_eq(stage_admit(&c, &second, true), ADMISSION_PENDING);
	ck_assert_uint_eq(mempool_count(c.s), 1);
	ck_assert(stage_settle(&c));
	expect_report(&c, 1, 0, 0);
	ck_assert(!stage_settle(&c));
	stage_clear(&c);
}
END_TEST

START_TEST(a_new_pool_process_rechecks_everybody_once)
{
	struct stage c;
	struct tx tx;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	tx = transfer_unsigned(c.s, 0, 1, 100, 1, 3);
	stage_admit(&c, &tx, true);
	mempool_close(c.pool);
	/* What a predecessor that died before it had marked it may have left. */
	for (uint32_t i = 0; i < 64; i++)
		pool_slots(c.s)[i].entry.is_waiting = false;
	c.pool = mempool_open(c.s);
	ck_assert(stage_settle(&c));
	stage_expect_pooled(&c, &tx, true, true);
	ck_assert(!stage_settle(&c));
	stage_clear(&c);
}
END_TEST

/* Walks that never came to their end: their chains are noted, and given back by the next that does. */
START_TEST(what_was_owed_is_given_back_and_of_too_many_debts_the_oldest_is_lost)
{
	enum { DEBTS = POOL_OWED_MAX };
	struct stage c;
	struct tx txs[DEBTS];
	struct pool_region *p;
	struct pool_entry e;
	struct pool_gone gone;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	p = pool_at(c.s);
	/* The newest debt first: the last block, which alone has the last transfer, is the oldest. */
	for (unsigned i = 0; i < DEBTS; i++) {
		txs[i] = transfer_unsigned(c.s, i % PEOPLE, 1, 100 + i, 1, i / PEOPLE);
		if (i < PEOPLE)
			stage_mine(&c, c.base, &txs[i], 1, i);
		else
			stage_mine(&c, c.base, (struct tx[]){txs[i - PEOPLE], txs[i]}, 2, i);
		atomic_store(&p->owed[DEBTS - 1 - i], chain_tip(c.s).v);
	}
	/* The chain moves once more, from a tip that is not among them. */
	stage_mine(&c, c.base, NULL, 0, 0);
	ck_assert(stage_settle(&c));
	for (unsigned i = 0; i < DEBTS; i++)
		ck_assert_int_eq(stage_place(c.s, &txs[i], &e, &gone), i + 1 < DEBTS ? POOLED : NOWHERE);
	for (unsigned i = 0; i < POOL_OWED_MAX; i++)
		ck_assert_uint_eq(atomic_load(&p->owed[i]), 0);
	ck_assert(!stage_settle(&c));
	stage_clear(&c);
}
END_TEST

#ifdef RENSA_FAILPOINTS
/*
 * The pool's process is stopped at a point of its walk; meanwhile the chain moves on: by a block, or to another branch.
 * Nothing may be lost by it.
 */
static const struct {
	const char *point;
	bool is_swap;
} stops[] = {
    {"pool.owed", false},      {"pool.owed", true},	 {"pool.taken", false},		 {"pool.taken", true},
    {"pool.returning", false}, {"pool.returning", true}, {"pool.before-settled", false}, {"pool.before-settled", true},
};

static void
settle_twice(struct store *s, void *arg)
{
	struct settle_report report;
	struct mempool *pool = mempool_open(s);

	failpoint_arm(arg, FAILPOINT_STOP, 1);
	need(mempool_settle(pool, NOW, &report));
	need(mempool_settle(pool, NOW, &report));
	need(!mempool_settle(pool, NOW, &report));
	witness_pool(s);
	mempool_close(pool);
}

START_TEST(a_chain_that_moves_on_during_a_walk_is_followed_by_the_next)
{
	struct stage c;
	struct tx txs[6], rival;
	struct pool_entry e;
	struct pool_gone gone;
	pid_t pid;
	int status;

	stage_make(&c, &(struct segment_plan){.pool_max = 64});
	for (unsigned i = 0; i < 6; i++) {
		txs[i] = transfer_unsigned(c.s, i % 3, 1, 100, i, i / 3);
		ck_assert_int_eq(stage_admit(&c, &txs[i], true), ADMISSION_PENDING);
	}
	stage_mine(&c, c.base, txs, 3, 0);
	stage_settle(&c);
	mempool_close(c.pool);
	c.pool = NULL;
	/* The walk: away from that block, to a branch which has others of them. */
	rival = transfer_unsigned(c.s, 2, 5, 7, 7, 0);
	stage_mine(&c, c.base, (struct tx[]){txs[0], rival}, 2, 1);
	pid = spawn(c.s, STORE_POOL, 3, 0, settle_twice, (void *)stops[_i].point);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert_msg(WIFSTOPPED(status), "%s is never reached", stops[_i].point);
	if (stops[_i].is_swap)
		stage_mine(&c, c.base, &txs[1], 1, 2);
	else
		stage_mine(&c, chain_tip(c.s), &txs[3], 1, 0);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	await_ok(c.s, pid);
	for (unsigned i = 0; i < 6; i++) {
		enum place place = stage_place(c.s, &txs[i], &e, &gone);
		/* 2's first was outspent, unless the branch that did so is gone too. */
		if (i == 2 && !stops[_i].is_swap)
			ck_assert(place == GONE && gone.rule == RULE_SEQUENCE_USED);
		else if (i == 2)
			ck_assert(place == POOLED || (place == GONE && gone.rule == RULE_SEQUENCE_USED));
		else if (stops[_i].is_swap)
			ck_assert_int_eq(place, i == 1 ? MINED : POOLED);
		else
			ck_assert_int_eq(place, i == 0 || i == 3 ? MINED : POOLED);
	}
	maker_clear(&c.m);
}
END_TEST
#endif

/* Chains and transfers at random; what a client was promised is somewhere, or it is known why not. */
START_TEST(keeps_every_promise_through_random_reorganisations)
{
	enum { ROUNDS = 400, KNOWN = 16, PROMISES = 600 };
	static struct tx promised[PROMISES];
	struct blockref known[KNOWN];
	uint64_t random = 3;
	unsigned count = 0, seen = 1, places[GONE + 1] = {0};
	struct pool_entry e;
	struct pool_gone gone;
	struct stage c;

	stage_make(&c, &(struct segment_plan){.pool_max = 40});
	known[0] = c.base;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 3 && count < PROMISES; i++) {
			unsigned from = (unsigned)random_below(&random, PEOPLE);
			struct address who = person(from);
			struct account account;
			struct tx tx;
			ck_assert_int_eq(chain_account(c.s, chain_tip(c.s), &who, &account, NULL), OK);
			tx = transfer_unsigned(c.s, from, (unsigned)random_below(&random, PEOPLE),
					       1 + random_below(&random, COIN / 8), random_below(&random, 1000),
					       account.sequence + random_below(&random, 4));
			if (stage_admit(&c, &tx, random_below(&random, 4) != 0) != ADMISSION_REFUSED)
				promised[count++] = tx;
		}
		if (random_below(&random, 3) == 0) {
			/* As the miner does it: what is pending and does not wait, in the order of coming. */
			struct tx txs[12];
			uint64_t arrival = 0;
			size_t n = 0;
			while (n < ARRAY_LEN(txs) && mempool_next(c.s, &arrival, &e)) {
				struct reader r = reader_of(e.bytes, e.size);
				struct account account;
				ck_assert_int_eq(chain_account(c.s, chain_tip(c.s), &e.sender, &account, NULL), OK);
				if (e.sequence == account.sequence && tx_decode(&txs[n], &r) == RULE_OK)
					n++;
			}
			stage_mine(&c, chain_tip(c.s), txs, n, (unsigned)random_below(&random, 2));
			known[seen < KNOWN ? seen++ : random_below(&random, KNOWN)] = chain_tip(c.s);
		} else if (random_below(&random, 4) == 0)
			ck_assert_int_eq(chain_swap(c.s, known[random_below(&random, seen)]), OK);
		if (random_below(&random, 2) == 0)
			stage_settle(&c);
	}
	stage_settle(&c);
	for (unsigned i = 0; i < count; i++)
		places[stage_place(c.s, &promised[i], &e, &gone)]++;
	ck_assert_uint_eq(places[NOWHERE], 0);
	ck_assert_uint_gt(places[POOLED], 5);
	ck_assert_uint_gt(places[GONE], 5);
	stage_clear(&c);
}
END_TEST

Suite *
suite_settle(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "settle", 60);
	tcase_add_test(tc, what_is_mined_leaves_and_the_rest_stays);
	tcase_add_test(tc, a_block_of_others_transfers_does_what_any_block_does);
	tcase_add_test(tc, what_was_outdone_by_the_block_is_dropped_with_the_reason);
	tcase_add_test(tc, a_mined_predecessor_makes_what_waited_pending);
	tcase_add_test(tc, what_a_longer_chain_has_not_returns_like_a_clients);
	tcase_add_test(tc, a_chain_that_only_lost_blocks_gives_all_of_theirs_back);
	tcase_add_test(tc, what_cannot_return_is_gone_with_the_reason);
	tcase_add_test(tc, funds_go_to_the_earlier_sequences_when_they_do_not_suffice_for_all);
	tcase_add_test(tc, what_returns_to_a_full_pool_takes_the_place_of_peers_alone);
	tcase_add_test(tc, admission_follows_the_chain_first_and_the_next_settle_tells_of_it);
	tcase_add_test(tc, a_new_pool_process_rechecks_everybody_once);
	tcase_add_test(tc, what_was_owed_is_given_back_and_of_too_many_debts_the_oldest_is_lost);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_chain_that_moves_on_during_a_walk_is_followed_by_the_next, 0, ARRAY_LEN(stops));
#endif
	tcase_add_test(tc, keeps_every_promise_through_random_reorganisations);
	return suite;
}
