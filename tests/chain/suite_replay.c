#include "../suite.h"
#include "chain/replay.h"
#include "fixture.h"
#include "suites.h"

#define DIFFICULTY 4

static struct world w;
static struct replay *r;

static void
start(uint32_t maturity)
{
	world_init(&w, DIFFICULTY);
	w.params.maturity = maturity;
	world_restart(&w);
	r = replay_new(&w.params);
}

static void
stop(void)
{
	replay_free(r);
	world_clear(&w);
}

/* What the replay says of the draft; extend: the world takes it too. */
static struct verdict
add(struct draft *d, bool are_known, bool extend)
{
	struct buf bytes = {0};
	struct verdict v;
	struct block b;

	draft_encode(d, &bytes);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	v = replay_add(r, &b, are_known);
	if (v.rule == RULE_OK)
		ck_assert(hash_equal(&replay_head(r)->hash, &b.hash));
	if (extend)
		world_extend(&w, bytes.data, bytes.len);
	buf_clear(&bytes);
	return v;
}

static void
add_empty(void)
{
	struct draft d;

	draft_init(&d, &w);
	ck_assert_int_eq(add(&d, false, true).rule, RULE_OK);
}

static struct verdict
add_payment(uint64_t value, bool are_known)
{
	struct tx tx = transfer(&w, 0, 1, value, 0, 0);
	struct draft d;

	draft_init(&d, &w);
	draft_add(&d, &tx);
	return add(&d, are_known, false);
}

START_TEST(a_chain_is_judged_from_its_genesis_on)
{
	struct head tip;

	start(0);
	ck_assert(hash_equal(&replay_head(r)->hash, &w.network));
	for (int i = 0; i < 20; i++)
		add_empty();
	tip = replay_tip(r);
	ck_assert(hash_equal(&tip.hash, &w.head.hash));
	ck_assert_int_eq(u256_compare(&tip.work, &w.head.work), 0);
	ck_assert_uint_eq(tip.height, 20);
	ck_assert_uint_eq(replay_supply(r), w.supply);
	/* Spent to the last unit, and not one more. */
	ck_assert_int_eq(add_payment(20 * COIN + 1, false).rule, RULE_INSUFFICIENT_FUNDS);
	ck_assert_int_eq(add_payment(20 * COIN, false).rule, RULE_OK);
	stop();
}
END_TEST

START_TEST(a_reward_is_spendable_when_it_has_matured)
{
	start(2);
	for (int height = 1; height <= 2; height++)
		add_empty();
	/* Block 3 brings the reward of block 1, behind its transfers. */
	ck_assert_int_eq(add_payment(1, false).rule, RULE_INSUFFICIENT_FUNDS);
	add_empty();
	ck_assert_int_eq(add_payment(COIN + 1, false).rule, RULE_INSUFFICIENT_FUNDS);
	ck_assert_int_eq(add_payment(COIN, false).rule, RULE_OK);
	stop();
}
END_TEST

/* A block in the making, with one transfer whose signature is wrong. */
static void
draft_forged(struct draft *d)
{
	struct tx tx = transfer(&w, 0, 1, 5, 0, 0);

	tx.signature.b[10] ^= 1;
	draft_init(d, &w);
	draft_add(d, &tx);
}

START_TEST(what_is_refused_leaves_nothing)
{
	struct draft d;
	struct verdict v;

	start(0);
	add_empty();
	draft_forged(&d);
	v = add(&d, false, false);
	ck_assert_int_eq(v.rule, RULE_BAD_SIGNATURE);
	ck_assert_uint_eq(v.tx, 1);
	ck_assert_uint_eq(replay_tip(r).height, 1);
	draft_init(&d, &w);
	d.header.target++;
	ck_assert_int_eq(add(&d, false, false).rule, RULE_WRONG_TARGET);
	ck_assert_int_eq(add_payment(COIN, false).rule, RULE_OK);
	stop();
}
END_TEST

START_TEST(signatures_of_known_bytes_are_not_looked_at_again)
{
	struct draft d;

	start(0);
	add_empty();
	draft_forged(&d);
	ck_assert_int_eq(add(&d, true, false).rule, RULE_OK);
	stop();
}
END_TEST

START_TEST(a_block_alone_is_judged_for_what_it_is)
{
	struct buf bytes = {0};
	struct verdict v;
	struct draft d;
	struct block b;
	struct tx tx;

	start(0);
	/* Nobody has anything yet, and no chain leads here: that is not asked. */
	tx = transfer(&w, 0, 1, 5, 0, 77);
	draft_init(&d, &w);
	draft_add(&d, &tx);
	draft_encode(&d, &bytes);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert_int_eq(block_check_alone(&b, &w.params, &w.network).rule, RULE_OK);
	bytes.data[bytes.len - 1] ^= 1;
	ck_assert_int_eq(block_check_alone(&b, &w.params, &w.network).rule, RULE_WRONG_MERKLE_ROOT);
	buf_reset(&bytes);
	d.txs[1].signature.b[33] ^= 1;
	draft_encode(&d, &bytes);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	v = block_check_alone(&b, &w.params, &w.network);
	ck_assert(v.rule == RULE_BAD_SIGNATURE || v.rule == RULE_HIGH_S);
	ck_assert_uint_eq(v.tx, 1);
	buf_clear(&bytes);
	stop();
}
END_TEST

Suite *
suite_replay(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "replay", 30);

	tcase_add_test(tc, a_chain_is_judged_from_its_genesis_on);
	tcase_add_test(tc, a_reward_is_spendable_when_it_has_matured);
	tcase_add_test(tc, what_is_refused_leaves_nothing);
	tcase_add_test(tc, signatures_of_known_bytes_are_not_looked_at_again);
	tcase_add_test(tc, a_block_alone_is_judged_for_what_it_is);
	return suite;
}
