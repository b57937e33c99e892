/* Committing: what it refuses, branches that lose and come back, and memory that grows or does not. */
#include <stdlib.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

static uint64_t
dead_bytes(const struct store *s)
{
	struct store_usage usage;

	store_usage(s, &usage);
	return usage.arena_dead;
}

START_TEST(refuses_a_tip_that_is_not_expected)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct blockref genesis = chain_tip(s), tip;
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, genesis, 3, 2), OK);
	tip = chain_tip(s);
	ck_assert_int_eq(maker_stage(&m, tip, 1, 0), OK);
	ck_assert_int_eq(store_begin(s, 1000), OK);
	ck_assert_int_eq(commit_tip(s, genesis, m.at), ERR_STALE);
	ck_assert_int_eq(commit_tip(s, m.at, m.at), ERR_STALE);
	store_end(s);
	ck_assert(blockref_equal(chain_tip(s), tip));
	ck_assert_int_eq(maker_commit(&m), OK);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

START_TEST(the_tip_itself_and_its_ancestors_can_be_committed)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct blockref tip;
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 8, 4), OK);
	tip = chain_tip(s);
	ck_assert_int_eq(chain_swap(s, tip), OK);
	ck_assert_uint_eq(dead_bytes(s), 0);
	witness_accounts(s);
	ck_assert_int_eq(chain_swap(s, chain_at(s, tip, 3)), OK);
	ck_assert_uint_eq(chain_height(s, chain_tip(s)), 3);
	ck_assert_uint_gt(dead_bytes(s), 0);
	witness_accounts(s);
	ck_assert_int_eq(chain_swap(s, tip), OK);
	ck_assert_uint_eq(dead_bytes(s), 0);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

START_TEST(branches_that_lose_and_win_in_turn_cost_no_memory_and_are_counted_dead_once)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct store_usage before, after;
	struct blockref tips[2];
	uint64_t dead[2];
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 20, 6), OK);
	tips[0] = chain_tip(s);
	ck_assert_int_eq(maker_grow(&m, chain_at(s, tips[0], 12), 9, 6), OK);
	tips[1] = chain_tip(s);
	dead[0] = dead_bytes(s);
	ck_assert_uint_gt(dead[0], 0);
	ck_assert_int_eq(chain_swap(s, tips[0]), OK);
	dead[1] = dead_bytes(s);
	ck_assert_uint_gt(dead[1], 0);
	store_usage(s, &before);
	for (int i = 1; i <= 50; i++) {
		ck_assert_int_eq(chain_swap(s, tips[i % 2]), OK);
		ck_assert_uint_eq(dead_bytes(s), dead[i % 2 == 0]);
		if (i % 10 < 2)
			witness_accounts(s);
	}
	store_usage(s, &after);
	ck_assert_uint_eq(after.arena_used, before.arena_used);
	maker_clear(&m);
}
END_TEST

START_TEST(a_branch_given_up_is_dead_and_may_come_again)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct blockref tip, given_up;
	uint64_t dead;
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 5, 3), OK);
	tip = chain_tip(s);
	ck_assert_int_eq(maker_stage(&m, chain_parent(s, tip), 3, 3), OK);
	given_up = m.at;
	ck_assert_uint_eq(dead_bytes(s), 0);
	ck_assert_int_eq(maker_begin(&m, tip), OK);
	dead = dead_bytes(s);
	ck_assert_uint_gt(dead, 0);
	stage_abandon(s, given_up, chain_parent(s, tip));
	ck_assert_uint_eq(dead_bytes(s), dead);
	ck_assert(blockref_equal(chain_tip(s), tip));
	witness_accounts(s);
	ck_assert_int_eq(chain_swap(s, given_up), OK);
	ck_assert(blockref_equal(chain_tip(s), given_up));
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

START_TEST(tags_of_a_recorded_block_are_those_that_staging_gave)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct address who = person(0);
	uint64_t tags[3], tag;
	struct account account;
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	ck_assert_int_eq(maker_add(&m, 0, NULL, 0, 20000), OK);
	stage_tags(s, m.at, tags, 3);
	ck_assert_uint_eq(tags[0], m.tags[0]);
	/* One change only: no tags behind it. */
	ck_assert_uint_eq(tags[1] + tags[2], 0);
	ck_assert_int_eq(maker_commit(&m), OK);
	ck_assert_int_eq(chain_account(s, m.at, &who, &account, &tag), OK);
	ck_assert_uint_eq(tag, tags[0]);
	maker_clear(&m);
}
END_TEST

START_TEST(a_long_branch_staged_block_by_block_has_its_indexes_reserved)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct maker m;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 12, 20), OK);
	ck_assert_int_eq(maker_stage(&m, chain_tip(s), 200, BLOCK_TXS_MAX), OK);
	ck_assert_uint_gt(s->promised, UINT64_C(1) << 20);
	/* No reserve in between: all that the indexes take was kept when the blocks were staged. */
	ck_assert_int_eq(maker_commit(&m), OK);
	ck_assert_uint_eq(s->promised, 0);
	ck_assert_int_eq(maker_stage(&m, chain_tip(s), 3, 9), OK);
	ck_assert_uint_gt(s->promised, 0);
	maker_clear(&m);
	ck_assert_uint_eq(s->promised, 0);
	witness_chain(s);
}
END_TEST

START_TEST(what_another_committer_took_is_no_space_until_it_is_reserved_again)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct control *c = s->control;
	struct blockref tip;
	struct maker m;
	enum err e;

	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 3, 0), OK);
	tip = chain_tip(s);
	/* So many leaves that some need a node, whatever their keys. */
	ck_assert_int_eq(maker_stage(&m, tip, 40, BLOCK_TXS_MAX), OK);
	atomic_store(&c->end, atomic_load(&c->granted));
	ck_assert_int_eq(store_begin(s, 1000), OK);
	ck_assert_int_eq(commit_tip(s, tip, m.at), ERR_NOSPC);
	store_end(s);
	ck_assert(blockref_equal(chain_tip(s), tip));
	witness_accounts(s);
	ck_assert_int_eq(store_reserve(s, 0), OK);
	ck_assert_int_eq(store_begin(s, 1000), OK);
	e = commit_tip(s, tip, m.at);
	store_end(s);
	ck_assert_int_eq(e, OK);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

START_TEST(grows_until_its_limit_and_works_on_there)
{
	struct store *s = segment_make(&(struct segment_plan){.size_max = UINT64_C(12) << 20, .rings = 1});
	struct store_usage usage;
	struct blockref tip;
	uint64_t granted = 0;
	unsigned steps = 0, blocks = 0;
	struct maker m;
	enum err e;

	maker_init(&m, s, 1);
	while ((e = maker_grow(&m, chain_tip(s), 1, BLOCK_TXS_MAX)) == OK) {
		store_usage(s, &usage);
		ck_assert_uint_le(usage.granted, usage.size_max);
		steps += usage.granted > granted;
		granted = usage.granted;
		ck_assert_uint_lt(++blocks, 5000);
	}
	ck_assert_int_eq(e, ERR_LIMIT);
	ck_assert_uint_gt(steps, 3);
	store_usage(s, &usage);
	ck_assert_uint_gt(usage.arena_used, UINT64_C(4) << 20);
	ck_assert_int_eq(store_reserve(s, UINT64_MAX), ERR_LIMIT);
	ck_assert_int_eq(store_reserve(s, UINT64_MAX - 4096), ERR_LIMIT);
	witness_chain(s);
	/* Nothing new fits, but what is there may still be swapped. */
	tip = chain_tip(s);
	ck_assert_int_eq(chain_swap(s, chain_at(s, tip, 5)), OK);
	witness_chain(s);
	ck_assert_int_eq(chain_swap(s, tip), OK);
	witness_chain(s);
	maker_clear(&m);
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(a_refused_step_of_growth_is_tried_smaller)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct store_usage usage;
	struct maker m;
	uint64_t granted;

	maker_init(&m, s, 1);
	for (unsigned pass = 1; pass <= 12; pass++) {
		failpoint_arm("segment.grant", FAILPOINT_FAIL, 1);
		do {
			store_usage(s, &usage);
			granted = usage.granted;
			ck_assert_int_eq(maker_grow(&m, chain_tip(s), 1, BLOCK_TXS_MAX), OK);
			store_usage(s, &usage);
		} while (usage.granted == granted);
		witness_chain(s);
	}
	maker_clear(&m);
}
END_TEST

/* More is asked for than the usual step, so that there is nothing smaller to fall back on. */
START_TEST(a_full_shared_memory_is_no_space_and_the_chain_works_on)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct control *c = s->control;
	struct maker m;

	maker_init(&m, s, 1);
	for (unsigned n = 0; n < 4; n++) {
		uint64_t granted, more;

		ck_assert_int_eq(maker_grow(&m, chain_tip(s), 5, 6), OK);
		ck_assert_int_eq(maker_stage(&m, chain_tip(s), 2, 6), OK);
		granted = atomic_load(&c->granted);
		more = granted - atomic_load(&c->end) + granted / 4 + (UINT64_C(1) << 20);
		failpoint_arm("segment.grant", FAILPOINT_FAIL, 1);
		ck_assert_int_eq(store_reserve(s, more), ERR_NOSPC);
		ck_assert_uint_eq(atomic_load(&c->granted), granted);
		ck_assert_int_eq(maker_commit(&m), OK);
		witness_accounts(s);
		ck_assert_int_eq(store_reserve(s, more), OK);
		ck_assert_uint_gt(atomic_load(&c->granted), granted);
	}
	maker_clear(&m);
}
END_TEST
#endif

Suite *
suite_commit(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "commit", 60);
	tcase_add_test(tc, refuses_a_tip_that_is_not_expected);
	tcase_add_test(tc, the_tip_itself_and_its_ancestors_can_be_committed);
	tcase_add_test(tc, branches_that_lose_and_win_in_turn_cost_no_memory_and_are_counted_dead_once);
	tcase_add_test(tc, a_branch_given_up_is_dead_and_may_come_again);
	tcase_add_test(tc, tags_of_a_recorded_block_are_those_that_staging_gave);
	tcase_add_test(tc, a_long_branch_staged_block_by_block_has_its_indexes_reserved);
	tcase_add_test(tc, what_another_committer_took_is_no_space_until_it_is_reserved_again);
	tcase_add_test(tc, grows_until_its_limit_and_works_on_there);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, a_refused_step_of_growth_is_tried_smaller);
	tcase_add_test(tc, a_full_shared_memory_is_no_space_and_the_chain_works_on);
#endif
	return suite;
}
