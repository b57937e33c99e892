/* Accounts as of any block of the present chain, through whatever reorganisations. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

static const uint32_t maturities[] = {0, 1, 7};

START_TEST(are_at_every_height_what_the_blocks_say)
{
	struct store *s = segment_make(&(struct segment_plan){.maturity = maturities[_i]});
	struct maker m;

	maker_init(&m, s, 31);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 150, 8), OK);
	ck_assert_uint_gt(m.transfers_made, 300);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

START_TEST(are_right_after_random_reorganisations)
{
	enum { ROUNDS = 120, KNOWN = 64 };
	struct store *s = segment_make(&(struct segment_plan){.maturity = maturities[_i]});
	struct blockref known[KNOWN] = {chain_tip(s)};
	uint64_t random = 41 + maturities[_i];
	unsigned count = 1, swaps = 0;
	struct maker m;

	maker_init(&m, s, random);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 10, 4), OK);
	known[count++] = chain_tip(s);
	for (int i = 0; i < ROUNDS; i++) {
		struct blockref to = known[random_below(&random, count)], old = chain_tip(s);
		uint64_t height = chain_height(s, to);

		/* Onto some record, some blocks below it, or back to it as it is: longer or not. */
		switch (random_below(&random, 3)) {
		case 0:
			ck_assert_int_eq(chain_swap(s, to), OK);
			break;
		case 1:
			to = chain_at(s, to, height - random_below(&random, height < 6 ? height + 1 : 6));
			ck_assert_int_eq(maker_grow(&m, to, 1 + (unsigned)random_below(&random, 4), 6), OK);
			break;
		default:
			ck_assert_int_eq(maker_grow(&m, to, 1 + (unsigned)random_below(&random, 4), 6), OK);
			break;
		}
		swaps += chain_fork(s, old, chain_tip(s)).v != old.v;
		known[count < KNOWN ? count++ : random_below(&random, KNOWN)] = chain_tip(s);
		witness_accounts(s);
	}
	ck_assert_uint_gt(swaps, ROUNDS / 4);
	maker_clear(&m);
}
END_TEST

START_TEST(of_a_block_off_the_chain_are_stale)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct address who = person(0);
	struct blockref fork, lost;
	struct account account, at_fork;
	struct chain_base base;
	struct ledger_base get;
	struct maker m;
	uint64_t tag;

	maker_init(&m, s, 3);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(maker_add(&m, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	lost = chain_tip(s);
	fork = chain_parent(s, lost);
	ck_assert_int_eq(chain_account(s, fork, &who, &at_fork, &tag), OK);
	ck_assert_uint_ne(tag, 0);
	ck_assert_int_eq(maker_begin(&m, fork), OK);
	ck_assert_int_eq(maker_add(&m, 1, NULL, 0, 25000), OK);
	ck_assert_int_eq(maker_add(&m, 1, NULL, 0, 25000), OK);
	/* Staged: not on the chain either. */
	ck_assert_int_eq(chain_account(s, m.at, &who, &account, NULL), ERR_STALE);
	ck_assert_int_eq(maker_commit(&m), OK);
	ck_assert_int_eq(chain_account(s, lost, &who, &account, NULL), ERR_STALE);
	ck_assert_int_eq(chain_account(s, fork, &who, &account, NULL), OK);
	ck_assert_uint_eq(account.balance, at_fork.balance);
	ck_assert_int_eq(chain_account(s, chain_tip(s), &who, &account, NULL), OK);
	ck_assert_uint_eq(account.balance, at_fork.balance);

	/* A ledger's base remembers, and gives zeros that nobody must judge by. */
	base = (struct chain_base){s, lost, OK};
	get = chain_base_of(&base);
	account.balance = tag = 1;
	get.get(get.ctx, &who, &account, &tag);
	ck_assert_int_eq(base.failed, ERR_STALE);
	ck_assert_uint_eq(account.balance + tag, 0);
	base.at = fork;
	get.get(get.ctx, &who, &account, &tag);
	ck_assert_int_eq(base.failed, ERR_STALE);
	maker_clear(&m);
}
END_TEST

START_TEST(rewards_mature_at_their_height)
{
	struct store *s = segment_make(&(struct segment_plan){.maturity = 3});
	struct address who = person(2);
	struct account account;
	struct payout matured;
	struct maker m;

	maker_init(&m, s, 3);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	for (unsigned i = 1; i <= 8; i++)
		ck_assert_int_eq(maker_add(&m, i == 2 ? 2 : 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	for (uint64_t h = 0; h <= 8; h++) {
		struct blockref at = chain_at(s, chain_tip(s), h);
		ck_assert_int_eq(chain_account(s, at, &who, &account, NULL), OK);
		ck_assert_uint_eq(account.balance, h >= 5 ? store_params(s)->reward : 0);
		ck_assert(chain_matured(s, at, &matured) == (h >= 3));
		if (h == 4)
			ck_assert(address_equal(&matured.to, &who) && matured.value == store_params(s)->reward);
	}
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

#ifdef RENSA_FAILPOINTS
/* A chain of four blocks, and a longer branch beside it: the swap between them is where the child dies. */
static void
swap_child(struct store *s, void *arg)
{
	failpoint_arm("commit.swap-begun", FAILPOINT_KILL, 1);
	need(chain_swap(s, *(const struct blockref *)arg) == OK);
}

START_TEST(are_busy_while_a_dead_writer_is_not_buried)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct address who = person(0);
	struct account account;
	struct blockref old;
	siginfo_t info;
	struct maker m;
	pid_t pid;

	maker_init(&m, s, 3);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 4, 2), OK);
	old = chain_tip(s);
	ck_assert_int_eq(maker_grow(&m, chain_at(s, old, 2), 4, 2), OK);
	pid = spawn(s, STORE_COMMIT, 1, 0, swap_child, &old);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(chain_account(s, chain_tip(s), &who, &account, NULL), ERR_BUSY);
	await(s, pid);
	ck_assert_int_eq(chain_account(s, chain_tip(s), &who, &account, NULL), OK);
	/* The commit had happened: the journal, or what stands for it, had the tip. */
	ck_assert(blockref_equal(chain_tip(s), old));
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST
#endif

Suite *
suite_accounts(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "accounts", 60);
	tcase_add_loop_test(tc, are_at_every_height_what_the_blocks_say, 0, ARRAY_LEN(maturities));
	tcase_add_loop_test(tc, are_right_after_random_reorganisations, 0, ARRAY_LEN(maturities));
	tcase_add_test(tc, of_a_block_off_the_chain_are_stale);
	tcase_add_test(tc, rewards_mature_at_their_height);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, are_busy_while_a_dead_writer_is_not_buried);
#endif
	return suite;
}
