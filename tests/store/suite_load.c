/*
 * A start from the disk: it comes to the best of what was committed, leaves lost branches behind, tells how far it is, and
 * says so in a sentence when the disk, the memory or the limit of the segment does not let it. What commits before it have
 * to keep is in suite_durable.c.
 */
#include <stdatomic.h>
#include <string.h>

#include "chain/fork_choice.h"
#include "disk_maker.h"
#include "durable_kit.h"
#include "process.h"
#include "store/branch.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/load.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#ifdef RENSA_FAILPOINTS
START_TEST(a_start_that_the_disk_refuses_says_so_and_the_next_one_works)
{
	const char *folder = scratch_make(), *copy = scratch_make();
	struct store *s = durable_base(folder);
	bool has_failed = true;
	uint32_t restored;
	struct buf why;

	for (unsigned pass = 1; has_failed; pass++) {
		struct store *again;
		enum err e;

		scratch_copy(copy, folder);
		again = durable_make(copy, &again_plan);
		buf_init(&why);
		failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
		e = durable_load(again, &restored, &why);
		failpoint_clear();
		has_failed = e != OK;
		ck_assert(e == OK || why.len > 0);
		ck_assert(e == OK || !store_is_loaded(again));
		buf_clear(&why);
		segment_unmake_one(again);
		again = durable_start(copy, &again_plan);
		ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(again, chain_tip(again))));
		segment_unmake_one(again);
		ck_assert(has_failed || pass > 2);
	}
}
END_TEST

/* Memory that the system does not grant, step by step, until all is granted. */
START_TEST(a_start_that_is_refused_memory_says_so_and_the_next_one_works)
{
	const char *folder = scratch_make();
	struct store *s = durable_base(folder), *again;
	unsigned refused = 0;
	uint32_t restored;
	struct buf why;
	struct maker m;
	enum err e;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 110, BLOCK_TXS_MAX), OK);
	maker_clear(&m);
	for (unsigned pass = 1;; pass++) {
		uint64_t granted;
		again = durable_make(folder, &again_plan);
		/* Nothing smaller than what is asked for is left to try. */
		granted = atomic_load(&again->control->granted);
		failpoint_arm("segment.grant", FAILPOINT_FAIL, pass);
		failpoint_arm("shm.any", FAILPOINT_FAIL, pass + 1);
		buf_init(&why);
		e = durable_load(again, &restored, &why);
		failpoint_clear();
		ck_assert(e == OK || (e == ERR_NOSPC && strstr(why.data, "/dev/shm") != NULL));
		ck_assert(e != OK || atomic_load(&again->control->granted) > granted);
		refused += e != OK;
		buf_clear(&why);
		segment_unmake_one(again);
		if (e == OK)
			break;
	}
	ck_assert_uint_gt(refused, 0);
	again = durable_start(folder, &again_plan);
	ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(again, chain_tip(again))));
}
END_TEST
#endif

/* Whatever was tried, the chain is the best of the tips that were committed, here and after a start. */
START_TEST(a_start_comes_to_the_best_of_all_committed_tips)
{
	const char *folder = scratch_make();
	struct store *s = durable_base(folder);
	struct blockref known[200] = {chain_tip(s)};
	uint64_t random = 900 + (unsigned)_i;
	unsigned count = 1, swaps = 0;
	struct blockref old, none = {0};
	struct head head, best;
	struct branch b;
	struct maker m;

	maker_init(&m, s, random);
	branch_init(&b, s);
	chain_head(s, chain_tip(s), &best);
	for (unsigned n = 0; n < 50; n++) {
		struct blockref from = known[count - 1 - random_below(&random, count < 6 ? count : 6)];
		struct blockref before = chain_tip(s);

		/* As a resolver: what it staged is a branch, which wins or not. */
		ck_assert_int_eq(maker_stage(&m, from, 1 + (unsigned)random_below(&random, 3), 2), OK);
		chain_head(s, m.at, &head);
		if (head_is_better(&head, &best)) {
			ck_assert_int_eq(durable_commit(&m), OK);
			best = head;
			swaps += !chain_contains(s, chain_tip(s), before);
			known[count++] = m.at;
		} else {
			/* A branch that is not better is no commit. */
			ck_assert_int_eq(branch_begin(&b, from), OK);
			ck_assert_int_eq(branch_commit(&b, none, &old), OK);
			ck_assert_uint_eq(old.v, 0);
			branch_end(&b);
		}
		chain_head(s, chain_tip(s), &head);
		ck_assert(hash_equal(&head.hash, &best.hash));
		if (n % 10 == 9)
			durable_check(s, folder, NULL, true);
	}
	maker_clear(&m);
	ck_assert_uint_gt(swaps, 2);
	ck_assert_uint_eq(s->promised, 0);
	witness_accounts(s);
}
END_TEST

/* Two chains of which the second takes more than a quarter of the arena. */
START_TEST(a_segment_of_lost_branches_wants_to_be_rebuilt_and_is_small_then)
{
	const char *folder = scratch_make();
	struct store *s = durable_base(folder), *again;
	struct blockref fork = chain_tip(s);
	struct store_usage usage;
	uint64_t used;
	struct maker m;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, fork, 110, BLOCK_TXS_MAX), OK);
	ck_assert(!store_wants_rebuild(s));
	ck_assert_int_eq(durable_grow(&m, fork, 111, BLOCK_TXS_MAX), OK);
	ck_assert(store_wants_rebuild(s));
	maker_clear(&m);
	store_usage(s, &usage);
	ck_assert_uint_ge(usage.arena_dead * 4, usage.arena_used);
	used = usage.arena_used;
	segment_unmake_one(s);

	again = durable_start(folder, &again_plan);
	store_usage(again, &usage);
	ck_assert_uint_eq(usage.arena_dead, 0);
	ck_assert_uint_lt(usage.arena_used, used * 3 / 4);
	ck_assert_uint_eq(again->promised, 0);
	ck_assert(!store_wants_rebuild(again));
	witness_accounts(again);
	/* Full, and nothing to gain. */
	ck_assert_int_eq(store_reserve(again, again->super->size_max - usage.arena_used), ERR_LIMIT);
	ck_assert(!store_wants_rebuild(again));
	/* Full, and a sixteenth to gain. */
	maker_init(&m, again, 5);
	ck_assert_int_eq(maker_stage(&m, chain_tip(again), 12, BLOCK_TXS_MAX), OK);
	maker_clear(&m);
	store_usage(again, &usage);
	ck_assert_uint_gt(usage.arena_dead * 16, usage.arena_used);
	ck_assert_uint_lt(usage.arena_dead * 4, usage.arena_used);
	ck_assert(store_wants_rebuild(again));
	ck_assert_uint_eq(again->promised, 0);
}
END_TEST

START_TEST(a_chain_larger_than_the_segment_may_be_is_refused_with_a_sentence)
{
	const char *folder = scratch_make();
	struct store *s = durable_base(folder), *small;
	struct store_usage usage;
	uint32_t restored;
	struct buf why;
	struct maker m;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 160, BLOCK_TXS_MAX), OK);
	maker_clear(&m);
	store_usage(s, &usage);
	buf_init(&why);
	small =
	    durable_make(folder, &(struct segment_plan){.name = "small", .size_max = segment_tables(s) + (1 << 21)});
	ck_assert_uint_gt(usage.arena_used, 1 << 21);
	ck_assert_int_eq(durable_load(small, &restored, &why), ERR_LIMIT);
	ck_assert_ptr_nonnull(strstr(why.data, "shm_max"));
	ck_assert(!store_is_loaded(small));
	buf_clear(&why);
}
END_TEST

struct steps {
	uint32_t reading, building;
};

static void
reading(void *ctx, uint32_t blocks)
{
	struct steps *n = ctx;

	ck_assert_uint_le(blocks - n->reading, 64);
	n->reading = blocks;
}

static void
building(void *ctx, uint32_t blocks, uint32_t of)
{
	struct steps *n = ctx;

	ck_assert_uint_le(blocks - n->building, 64);
	ck_assert_uint_le(blocks, of);
	n->building = blocks;
}

/* Blocks may be large: a loader that is silent for thousands of them would pass for one that is stuck. */
START_TEST(a_start_tells_every_few_blocks_how_far_it_is)
{
	const char *folder = scratch_make();
	struct store *s = durable_base(folder);
	struct steps n = {0};
	struct journal j;
	struct buf why;
	struct maker m;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 200, 0), OK);
	maker_clear(&m);
	s = durable_make(folder, &again_plan);
	buf_init(&why);
	ck_assert_int_eq(journal_open(&j, store_journal(s), true, reading, &n, &why), OK);
	ck_assert_int_eq(store_load(s, &j, building, &n, &why), OK);
	journal_close(&j);
	buf_clear(&why);
	ck_assert_uint_ge(n.reading, 200 + BASE_HEIGHT - 64);
	ck_assert_uint_ge(n.building, 200 + BASE_HEIGHT - 64);
}
END_TEST

/* What a start has read from the journal is not written there again. */
START_TEST(a_commit_after_a_start_writes_its_own_blocks_only)
{
	static const unsigned lengths[] = {3, 300};
	const char *folder = scratch_make();
	struct store *s = durable_base(folder);
	uint64_t before;
	struct maker m;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		maker_init(&m, s, 4);
		ck_assert_int_eq(durable_grow(&m, chain_tip(s), lengths[i], 1), OK);
		maker_clear(&m);
		segment_unmake_one(s);
		s = durable_start(folder, &again_plan);
		before = store_journal_place(s).position;
		maker_init(&m, s, 5);
		ck_assert_int_eq(durable_grow(&m, chain_tip(s), 1, 0), OK);
		maker_clear(&m);
		ck_assert_uint_lt(store_journal_place(s).position - before, 1000);
	}
}
END_TEST

Suite *
suite_load(void)
{
	Suite *suite;
	TCase *tc = durable_case(&suite, "load");
	tcase_add_loop_test(tc, a_start_comes_to_the_best_of_all_committed_tips, 0, 3);
	tcase_add_test(tc, a_start_tells_every_few_blocks_how_far_it_is);
	tcase_add_test(tc, a_commit_after_a_start_writes_its_own_blocks_only);
	tcase_add_test(tc, a_segment_of_lost_branches_wants_to_be_rebuilt_and_is_small_then);
	tcase_add_test(tc, a_chain_larger_than_the_segment_may_be_is_refused_with_a_sentence);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, a_start_that_the_disk_refuses_says_so_and_the_next_one_works);
	tcase_add_test(tc, a_start_that_is_refused_memory_says_so_and_the_next_one_works);
#endif
	return suite;
}
