#include <string.h>

#include "../suite.h"
#include "fixture.h"
#include "suites.h"

enum { MINER, ALICE, BOB, CAROL };

static struct world w;

static void
setup(void)
{
	world_init(&w, 0);
	w.accounts[ALICE] = (struct account){1000, 0};
	w.tags[ALICE] = 77;
	world_restart(&w);
	w.supply = 1000;
}

static void
teardown(void)
{
	world_clear(&w);
}

static enum rule
apply(unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence)
{
	struct tx tx = transfer(&w, from, to, value, fee, sequence);
	return ledger_apply_transfer(w.ledger, &tx);
}

/* Judges a block of a reward to MINER and these transfers, which stays in hand if it is fine. */
static struct verdict
apply_block(const struct tx *txs, uint32_t count, const struct payout *matured, ledger_verified *is_verified, void *ctx)
{
	struct draft d;
	draft_init(&d, &w);
	for (uint32_t i = 0; i < count; i++)
		draft_add(&d, &txs[i]);
	struct buf bytes;
	buf_init(&bytes);
	draft_encode(&d, &bytes);
	struct block b;
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	uint64_t minted;
	struct verdict v = ledger_apply_block(w.ledger, &b, w.supply, matured, is_verified, ctx, &minted);
	ck_assert_uint_eq(minted, ledger_subsidy(&w.params, w.supply));
	buf_clear(&bytes);
	return v;
}

START_TEST(a_transfer_moves_value_and_costs_its_fee)
{
	ck_assert_int_eq(apply(ALICE, BOB, 300, 20, 0), RULE_OK);
	ck_assert_uint_eq(world_balance(&w, ALICE), 680);
	ck_assert_uint_eq(world_balance(&w, BOB), 300);
	ck_assert_uint_eq(world_account(&w, ALICE).sequence, 1);
	ck_assert_uint_eq(world_account(&w, BOB).sequence, 0);
}
END_TEST

START_TEST(a_transfer_to_oneself_costs_the_fee_alone)
{
	ck_assert_int_eq(apply(ALICE, ALICE, 990, 10, 0), RULE_OK);
	ck_assert_uint_eq(world_balance(&w, ALICE), 990);
	ck_assert_uint_eq(world_account(&w, ALICE).sequence, 1);
	size_t count;
	ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(apply(ALICE, ALICE, 981, 10, 1), RULE_INSUFFICIENT_FUNDS);
}
END_TEST

START_TEST(sequences_are_used_one_after_another)
{
	ck_assert_int_eq(apply(ALICE, BOB, 1, 0, 1), RULE_SEQUENCE_GAP);
	ck_assert_int_eq(apply(ALICE, BOB, 1, 0, NUMBER_MAX), RULE_SEQUENCE_GAP);
	ck_assert_int_eq(apply(ALICE, BOB, 1, 0, 0), RULE_OK);
	ck_assert_int_eq(apply(ALICE, BOB, 1, 0, 0), RULE_SEQUENCE_USED);
	ck_assert_int_eq(apply(ALICE, BOB, 1, 0, 1), RULE_OK);
	ck_assert_int_eq(apply(ALICE, BOB, 1, 0, 3), RULE_SEQUENCE_GAP);
	/* The sequence is judged before the funds. */
	ck_assert_int_eq(apply(ALICE, BOB, 5000, 0, 1), RULE_SEQUENCE_USED);
	ck_assert_int_eq(apply(ALICE, BOB, 5000, 0, 3), RULE_SEQUENCE_GAP);
	ck_assert_int_eq(apply(ALICE, BOB, 5000, 0, 2), RULE_INSUFFICIENT_FUNDS);
	ck_assert_uint_eq(world_account(&w, ALICE).sequence, 2);
}
END_TEST

START_TEST(numbers_too_large_for_a_sum_are_never_paid)
{
	static const struct {
		uint64_t value, fee;
		enum rule rule;
	} rows[] = {
	    {1001, 0, RULE_INSUFFICIENT_FUNDS},
	    {1000, 1, RULE_INSUFFICIENT_FUNDS},
	    {1, 1000, RULE_INSUFFICIENT_FUNDS},
	    {UINT64_MAX, 2, RULE_INSUFFICIENT_FUNDS}, /* the sum would wrap to 1 */
	    {2, UINT64_MAX, RULE_INSUFFICIENT_FUNDS},
	    {UINT64_C(1) << 63, UINT64_C(1) << 63, RULE_INSUFFICIENT_FUNDS},
	    {UINT64_MAX, UINT64_MAX, RULE_INSUFFICIENT_FUNDS},
	    {999, 1, RULE_OK},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(apply(ALICE, BOB, rows[i].value, rows[i].fee, 0), rows[i].rule);
	ck_assert_uint_eq(world_balance(&w, ALICE), 0);
	ck_assert_uint_eq(world_balance(&w, BOB), 999);
}
END_TEST

START_TEST(a_refused_transfer_touches_nothing)
{
	ck_assert_int_eq(apply(ALICE, BOB, 1001, 0, 0), RULE_INSUFFICIENT_FUNDS);
	ck_assert_int_eq(apply(CAROL, BOB, 1, 0, 0), RULE_INSUFFICIENT_FUNDS);
	size_t count;
	ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(what_is_received_can_be_spent_in_the_same_block_after_it)
{
	struct tx in_order[] = {transfer(&w, ALICE, BOB, 500, 0, 0), transfer(&w, BOB, CAROL, 400, 100, 0)};
	struct verdict v = apply_block(in_order, 2, NULL, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_OK);
	ck_assert_uint_eq(world_balance(&w, CAROL), 400);
	ck_assert_uint_eq(world_balance(&w, BOB), 0);
	ck_assert_uint_eq(world_balance(&w, MINER), COIN + 100);
	ledger_drop(w.ledger);

	struct tx reversed[] = {in_order[1], in_order[0]};
	v = apply_block(reversed, 2, NULL, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_INSUFFICIENT_FUNDS);
	ck_assert_uint_eq(v.tx, 1);
}
END_TEST

START_TEST(a_reward_is_spendable_from_the_next_block)
{
	struct tx early = transfer(&w, MINER, BOB, 1, 0, 0);
	struct verdict v = apply_block(&early, 1, NULL, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_INSUFFICIENT_FUNDS);

	struct draft d;
	draft_init(&d, &w);
	world_extend_draft(&w, &d);
	v = apply_block(&early, 1, NULL, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_OK);
	ck_assert_uint_eq(world_balance(&w, MINER), 2 * COIN - 1);
}
END_TEST

START_TEST(a_maturing_reward_is_credited_blocks_later)
{
	w.params.maturity = 2;
	world_restart(&w);
	struct tx tx = transfer(&w, ALICE, BOB, 100, 7, 0);
	struct payout payout = {.to = person_address(CAROL), .value = 4321};
	for (int height = 1; height <= 2; height++) {
		struct verdict v = apply_block(&tx, height == 1, NULL, NULL, NULL);
		ck_assert_int_eq(v.rule, RULE_OK);
		ledger_keep(w.ledger, NULL);
		ck_assert_uint_eq(world_balance(&w, MINER), 0);
	}
	struct verdict v = apply_block(NULL, 0, &payout, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_OK);
	ck_assert_uint_eq(world_balance(&w, MINER), 0);
	ck_assert_uint_eq(world_balance(&w, CAROL), 4321);
	ck_assert_uint_eq(world_balance(&w, ALICE), 893);
}
END_TEST

START_TEST(a_matured_reward_comes_after_the_transfers)
{
	w.params.maturity = 2;
	world_restart(&w);
	struct payout payout = {.to = person_address(CAROL), .value = 4321};
	struct tx tx = transfer(&w, CAROL, BOB, 1, 0, 0);
	struct verdict v = apply_block(&tx, 1, &payout, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_INSUFFICIENT_FUNDS);
	ck_assert_uint_eq(world_balance(&w, CAROL), 0);
}
END_TEST

START_TEST(the_subsidy_ends_with_the_supply)
{
	static const struct {
		uint64_t reward, supply, subsidy;
	} rows[] = {
	    {COIN, 0, COIN},
	    {COIN, MONEY_MAX - COIN, COIN},
	    {COIN, MONEY_MAX - COIN + 1, COIN - 1},
	    {COIN, MONEY_MAX - 5, 5},
	    {COIN, MONEY_MAX, 0},
	    {COIN, UINT64_MAX, 0},
	    {0, 0, 0},
	    {MONEY_MAX, 0, MONEY_MAX},
	    {MONEY_MAX, 1, MONEY_MAX - 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct params p = w.params;
		p.reward = rows[i].reward;
		ck_assert_uint_eq(ledger_subsidy(&p, rows[i].supply), rows[i].subsidy);
	}
}
END_TEST

START_TEST(fees_go_on_when_the_supply_is_out)
{
	w.supply = MONEY_MAX;
	struct tx tx = transfer(&w, ALICE, BOB, 100, 7, 0);
	struct verdict v = apply_block(&tx, 1, NULL, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_OK);
	ck_assert_uint_eq(world_balance(&w, MINER), 7);
}
END_TEST

START_TEST(changes_name_each_account_once_in_the_order_touched)
{
	struct tx txs[] = {transfer(&w, ALICE, BOB, 500, 0, 0), transfer(&w, BOB, ALICE, 400, 100, 0),
			   transfer(&w, ALICE, CAROL, 1, 0, 1)};
	struct verdict v = apply_block(txs, 3, NULL, NULL, NULL);
	ck_assert_int_eq(v.rule, RULE_OK);
	static const struct {
		unsigned who;
		struct account after;
		uint64_t tag;
	} expected[] = {{ALICE, {899, 2}, 77}, {BOB, {0, 1}, 0}, {CAROL, {1, 0}, 0}, {MINER, {COIN + 100, 0}, 0}};
	size_t count;
	const struct ledger_change *changes = ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, ARRAY_LEN(expected));
	for (size_t i = 0; i < count; i++) {
		struct address who = person_address(expected[i].who);
		ck_assert(address_equal(&changes[i].who, &who));
		ck_assert_uint_eq(changes[i].after.balance, expected[i].after.balance);
		ck_assert_uint_eq(changes[i].after.sequence, expected[i].after.sequence);
		ck_assert_uint_eq(changes[i].tag_before, expected[i].tag);
	}
}
END_TEST

START_TEST(kept_blocks_become_the_base_with_their_tags)
{
	ck_assert_int_eq(apply(ALICE, BOB, 100, 0, 0), RULE_OK);
	const uint64_t tags[] = {1001, 1002};
	ledger_keep(w.ledger, tags);
	size_t count;
	ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, 0);

	ck_assert_int_eq(apply(BOB, CAROL, 40, 0, 0), RULE_OK);
	ck_assert_int_eq(apply(ALICE, CAROL, 1, 0, 1), RULE_OK);
	const struct ledger_change *changes = ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(changes[0].tag_before, 1002);
	ck_assert_uint_eq(changes[1].tag_before, 0);
	ck_assert_uint_eq(changes[2].tag_before, 1001);
	ledger_keep(w.ledger, NULL);

	ck_assert_int_eq(apply(BOB, CAROL, 1, 0, 1), RULE_OK);
	changes = ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(changes[0].tag_before, 0);
	ck_assert_uint_eq(world_balance(&w, BOB), 59);
	ck_assert_uint_eq(w.asked, 3); /* each account once, however many blocks */
}
END_TEST

START_TEST(a_dropped_block_never_was)
{
	ck_assert_int_eq(apply(ALICE, BOB, 100, 0, 0), RULE_OK);
	ledger_keep(w.ledger, (const uint64_t[]){5, 6});
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(apply(BOB, CAROL, 100, 0, 0), RULE_OK);
		ck_assert_int_eq(apply(CAROL, ALICE, 100, 0, 0), RULE_OK);
		ledger_drop(w.ledger);
		ck_assert_uint_eq(world_balance(&w, ALICE), 900);
		ck_assert_uint_eq(world_balance(&w, BOB), 100);
		ck_assert_uint_eq(world_account(&w, BOB).sequence, 0);
		ck_assert_uint_eq(world_balance(&w, CAROL), 0);
	}
	ck_assert_int_eq(apply(BOB, CAROL, 100, 0, 0), RULE_OK);
	size_t count;
	ck_assert_uint_eq(ledger_changes(w.ledger, &count)[0].tag_before, 6);
}
END_TEST

/* Blocks kept and dropped at random against a plain array of accounts that does the same. */
START_TEST(many_blocks_kept_and_dropped_leave_what_a_plain_model_has)
{
	struct account kept[PEOPLE] = {[ALICE] = {1000, 0}};
	uint64_t tags[PEOPLE] = {[ALICE] = 77}, seed = 11, next_tag = 1000;
	struct tx template = transfer(&w, ALICE, BOB, 1, 0, 0);
	for (int block = 0; block < 400; block++) {
		struct account now[PEOPLE];
		memcpy(now, kept, sizeof(now));
		for (uint64_t n = random_below(&seed, 12); n > 0; n--) {
			unsigned from = (unsigned)random_below(&seed, PEOPLE),
				 to = (unsigned)random_below(&seed, PEOPLE);
			struct tx tx = template;
			tx.sender_key = person_key(from);
			tx.recipient = person_address(to);
			tx.value = random_below(&seed, 400);
			tx.fee = random_below(&seed, 2);
			tx.sequence = now[from].sequence;
			bool can_pay = tx.value + tx.fee <= now[from].balance;
			ck_assert_int_eq(ledger_apply_transfer(w.ledger, &tx),
					 can_pay ? RULE_OK : RULE_INSUFFICIENT_FUNDS);
			if (can_pay) {
				now[from].balance -= tx.value + tx.fee;
				now[from].sequence++;
				now[to].balance += tx.value;
			}
		}
		size_t count;
		const struct ledger_change *changes = ledger_changes(w.ledger, &count);
		uint64_t given[PEOPLE];
		for (size_t i = 0; i < count; i++)
			for (unsigned who = 0; who < PEOPLE; who++) {
				struct address a = person_address(who);
				if (!address_equal(&a, &changes[i].who))
					continue;
				ck_assert_uint_eq(changes[i].tag_before, tags[who]);
				ck_assert_uint_eq(changes[i].after.balance, now[who].balance);
				given[i] = next_tag++;
			}
		if (random_below(&seed, 3) == 0) {
			ledger_drop(w.ledger);
		} else {
			for (size_t i = 0; i < count; i++)
				for (unsigned who = 0; who < PEOPLE; who++) {
					struct address a = person_address(who);
					if (address_equal(&a, &changes[i].who))
						tags[who] = given[i];
				}
			ledger_keep(w.ledger, given);
			memcpy(kept, now, sizeof(kept));
		}
		for (unsigned who = 0; who < PEOPLE; who++) {
			struct account a = world_account(&w, who);
			ck_assert_uint_eq(a.balance, kept[who].balance);
			ck_assert_uint_eq(a.sequence, kept[who].sequence);
		}
	}
}
END_TEST

/* More accounts than any first allocation holds. */
START_TEST(a_thousand_accounts_fit)
{
	w.accounts[ALICE].balance = 1000000;
	world_restart(&w);
	struct tx tx = transfer(&w, ALICE, BOB, 1, 0, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		memset(tx.recipient.b, 0, sizeof(tx.recipient.b));
		memcpy(tx.recipient.b + 3, &i, sizeof(i));
		tx.value = i + 1;
		tx.sequence = i;
		ck_assert_int_eq(ledger_apply_transfer(w.ledger, &tx), RULE_OK);
	}
	size_t count;
	const struct ledger_change *changes = ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, 1001);
	for (size_t i = 1; i < count; i++)
		ck_assert_uint_eq(changes[i].after.balance, i);
	ck_assert_uint_eq(changes[0].after.balance, 1000000 - 500500);
}
END_TEST

struct memory {
	bool answer;
	unsigned calls;
	struct hash256 leaf; /* of the transaction asked for last */
};

static bool
remember(void *ctx, const uint8_t *bytes, size_t len)
{
	struct memory *m = ctx;
	m->calls++;
	m->leaf = tx_leaf(bytes, len);
	return m->answer;
}

START_TEST(signatures_known_to_be_good_are_not_checked_again)
{
	struct tx tx = transfer(&w, ALICE, BOB, 100, 7, 0);
	tx.signature.b[0] ^= 1;
	uint8_t bytes[TX_SIZE_MAX];
	struct writer wr = writer_of(bytes, sizeof(bytes));
	tx_encode(&wr, &tx);
	struct hash256 leaf = tx_leaf(bytes, writer_len(&wr));

	struct memory m = {.answer = false};
	struct verdict v = apply_block(&tx, 1, NULL, remember, &m);
	ck_assert_int_eq(v.rule, RULE_BAD_SIGNATURE);
	ck_assert_uint_eq(m.calls, 1);
	ck_assert(hash_equal(&m.leaf, &leaf));
	m.answer = true;
	v = apply_block(&tx, 1, NULL, remember, &m);
	ck_assert_int_eq(v.rule, RULE_OK);
	ck_assert_uint_eq(m.calls, 2);
}
END_TEST

START_TEST(a_form_that_is_wrong_costs_no_signature_check)
{
	struct tx tx = transfer(&w, ALICE, BOB, 0, 7, 0);
	struct memory m = {.answer = true};
	struct verdict v = apply_block(&tx, 1, NULL, remember, &m);
	ck_assert_int_eq(v.rule, RULE_ZERO_VALUE);
	ck_assert_uint_eq(m.calls, 0);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
	ledger_free(NULL);
	ledger_drop(w.ledger);
	ledger_keep(w.ledger, NULL);
	size_t count;
	ledger_changes(w.ledger, &count);
	ck_assert_uint_eq(count, 0);
}
END_TEST

Suite *
suite_ledger(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "ledger", 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_transfer_moves_value_and_costs_its_fee);
	tcase_add_test(tc, a_transfer_to_oneself_costs_the_fee_alone);
	tcase_add_test(tc, sequences_are_used_one_after_another);
	tcase_add_test(tc, numbers_too_large_for_a_sum_are_never_paid);
	tcase_add_test(tc, a_refused_transfer_touches_nothing);
	tcase_add_test(tc, what_is_received_can_be_spent_in_the_same_block_after_it);
	tcase_add_test(tc, a_reward_is_spendable_from_the_next_block);
	tcase_add_test(tc, a_maturing_reward_is_credited_blocks_later);
	tcase_add_test(tc, a_matured_reward_comes_after_the_transfers);
	tcase_add_test(tc, the_subsidy_ends_with_the_supply);
	tcase_add_test(tc, fees_go_on_when_the_supply_is_out);
	tcase_add_test(tc, changes_name_each_account_once_in_the_order_touched);
	tcase_add_test(tc, kept_blocks_become_the_base_with_their_tags);
	tcase_add_test(tc, a_dropped_block_never_was);
	tcase_add_test(tc, many_blocks_kept_and_dropped_leave_what_a_plain_model_has);
	tcase_add_test(tc, a_thousand_accounts_fit);
	tcase_add_test(tc, signatures_known_to_be_good_are_not_checked_again);
	tcase_add_test(tc, a_form_that_is_wrong_costs_no_signature_check);
	tcase_add_test(tc, freeing_nothing_is_fine);
	return suite;
}
