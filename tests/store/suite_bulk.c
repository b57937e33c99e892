/* A chain built in bulk, from the blocks of one that was made by commits, must be the same in everything that can be asked. */
#include <stdlib.h>

#include "store/branch.h"
#include "store/bulk.h"
#include "store/commit.h"
#include "store/layout.h"
#include "suites.h"
#include "witness.h"

/* The first so many blocks of the chain of `from`, built in bulk into a fresh store. */
static struct store *
copy_in_bulk(struct store *from, size_t blocks)
{
	struct bulk *bulk;
	struct blockref *refs;
	struct verdict v;
	struct store *s;
	struct block b;
	size_t count = witness_walk(from, chain_tip(from), &refs);

	ck_assert_int_eq(store_create_private(&s, from), OK);
	bulk = bulk_begin(s);
	for (size_t i = 1; i <= blocks && i < count; i++) {
		chain_block(from, refs[i], &b);
		ck_assert_int_eq(bulk_add(bulk, &b, &v), OK);
		ck_assert_int_eq(v.rule, RULE_OK);
		/* Nobody sees anything before the end. */
		ck_assert_uint_eq(chain_height(s, chain_tip(s)), 0);
	}
	ck_assert_int_eq(bulk_end(bulk), OK);
	bulk_free(bulk);
	free(refs);
	return s;
}

static const uint32_t maturities[] = {0, 3};

START_TEST(is_the_same_chain_as_commits_make)
{
	struct store *from = segment_make(&(struct segment_plan){.maturity = maturities[_i]}), *s;
	struct account ours, theirs;
	struct maker m;

	maker_init(&m, from, 77);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(maker_grow(&m, chain_tip(from), 50, 6), OK);
	s = copy_in_bulk(from, SIZE_MAX);
	ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(from, chain_tip(from))));
	witness_chain(s);
	witness_accounts(s);
	for (unsigned who = 0; who < PEOPLE; who++) {
		struct address a = person(who);
		ck_assert_int_eq(chain_account(s, chain_tip(s), &a, &ours, NULL), OK);
		ck_assert_int_eq(chain_account(from, chain_tip(from), &a, &theirs, NULL), OK);
		ck_assert(ours.balance == theirs.balance && ours.sequence == theirs.sequence);
	}
	store_close(s);
	maker_clear(&m);
}
END_TEST

START_TEST(goes_on_by_commits_and_swaps_of_branches)
{
	struct store *from = segment_make(&(struct segment_plan){0}), *s;
	struct blockref tip;
	struct maker m;

	maker_init(&m, from, 78);
	ck_assert_int_eq(maker_grow(&m, chain_tip(from), 120, 4), OK);
	s = copy_in_bulk(from, 100);
	maker_clear(&m);
	maker_init(&m, s, 79);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 20, 4), OK);
	tip = chain_tip(s);
	/* Blocks that were built in bulk are rolled back, and come again. */
	ck_assert_int_eq(maker_grow(&m, chain_at(s, tip, 60), 80, 4), OK);
	witness_chain(s);
	witness_accounts(s);
	ck_assert_int_eq(chain_swap(s, tip), OK);
	witness_chain(s);
	witness_accounts(s);
	maker_clear(&m);
	store_close(s);
}
END_TEST

START_TEST(names_the_rule_of_a_block_that_does_not_fit)
{
	struct store *from = segment_make(&(struct segment_plan){0}), *s;
	struct bulk *bulk;
	struct verdict v;
	struct maker m;
	struct block b;

	maker_init(&m, from, 80);
	ck_assert_int_eq(maker_grow(&m, chain_tip(from), 3, 0), OK);
	ck_assert_int_eq(store_create_private(&s, from), OK);
	bulk = bulk_begin(s);
	/* Block 2 as if it were the first: its reward is for another height, but what comes first is said first. */
	chain_block(from, chain_at(from, chain_tip(from), 2), &b);
	b.header.height = 1;
	ck_assert_int_eq(bulk_add(bulk, &b, &v), OK);
	ck_assert_int_eq(v.rule, RULE_REWARD_HEIGHT);
	bulk_free(bulk);
	store_close(s);
	maker_clear(&m);
}
END_TEST

START_TEST(an_empty_chain_is_the_genesis_block)
{
	struct store *from = segment_make(&(struct segment_plan){0}), *s = copy_in_bulk(from, 0);

	ck_assert_uint_eq(chain_height(s, chain_tip(s)), 0);
	ck_assert(blockref_equal(chain_find(s, chain_tip(s), chain_hash(s, chain_tip(s))), chain_tip(s)));
	store_close(s);
}
END_TEST

Suite *
suite_bulk(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "bulk", 60);
	tcase_add_loop_test(tc, is_the_same_chain_as_commits_make, 0, (int)ARRAY_LEN(maturities));
	tcase_add_test(tc, goes_on_by_commits_and_swaps_of_branches);
	tcase_add_test(tc, names_the_rule_of_a_block_that_does_not_fit);
	tcase_add_test(tc, an_empty_chain_is_the_genesis_block);
	return suite;
}
