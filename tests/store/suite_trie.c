/* The trie by itself: its root lies in the test, its nodes and leaves in a segment's arena. */
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/trie.h"
#include "suites.h"
#include "util/mem.h"

static uint64_t
leaf_make(struct store *s, uint64_t key)
{
	uint64_t at_ = arena_take(s, sizeof(struct leaf));

	need(at_ != 0);
	((struct leaf *)at(s, at_))->key = key;
	return at_;
}

static uint64_t
put(struct store *s, struct trie_root *root, uint64_t key)
{
	uint64_t leaf;

	need(store_reserve(s, sizeof(struct leaf) + trie_cost(1) + 16 * TRIE_NODE_SIZE) == OK);
	leaf = leaf_make(s, key);
	need(trie_insert(s, root, leaf) == OK);
	return leaf;
}

START_TEST(finds_every_one_of_40000_random_keys_and_no_other)
{
	enum { KEYS = 40000 };
	struct store *s = segment_make(&(struct segment_plan){0});
	struct trie_root root = {0};
	uint64_t random = 1, *leaves = xcalloc(KEYS, sizeof(*leaves)), from = atomic_load(&s->control->end);

	ck_assert_uint_eq(trie_find(s, &root, 7), 0);
	for (uint32_t i = 0; i < KEYS; i++)
		leaves[i] = put(s, &root, random_next(&random));
	random = 1;
	for (uint32_t i = 0; i < KEYS; i++)
		need(trie_find(s, &root, random_next(&random)) == leaves[i]);
	for (uint32_t i = 0; i < KEYS; i++)
		need(trie_find(s, &root, random_next(&random)) == 0);
	ck_assert_uint_le(atomic_load(&s->control->end) - from, KEYS * sizeof(struct leaf) + trie_cost(KEYS));
	free(leaves);
}
END_TEST

START_TEST(chains_leaves_of_one_key_newest_first)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct trie_root root = {0};
	uint64_t leaves[5], seen;

	put(s, &root, 42 ^ 1);
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		leaves[i] = put(s, &root, 42);
	seen = trie_find(s, &root, 42);
	for (size_t i = ARRAY_LEN(leaves); i-- > 0; seen = ((struct leaf *)at(s, seen))->next)
		ck_assert_uint_eq(seen, leaves[i]);
	ck_assert_uint_eq(seen, 0);
}
END_TEST

START_TEST(tells_keys_apart_however_long_their_common_prefix)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	uint64_t base = UINT64_C(0x0123456789abcdef);

	/* In both orders, so that either key is the one that is already there. */
	for (int order = 0; order < 2; order++)
		for (int bit = 0; bit < 64; bit++) {
			struct trie_root root = {0};
			uint64_t keys[2] = {base, base ^ UINT64_C(1) << bit}, leaves[2];
			leaves[order] = put(s, &root, keys[order]);
			leaves[!order] = put(s, &root, keys[!order]);
			ck_assert_uint_eq(trie_find(s, &root, keys[0]), leaves[0]);
			ck_assert_uint_eq(trie_find(s, &root, keys[1]), leaves[1]);
			ck_assert_uint_eq(trie_find(s, &root, ~base), 0);
		}
}
END_TEST

START_TEST(tells_all_64_neighbours_of_a_key_apart_in_one_trie)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct trie_root root = {0};
	uint64_t base = UINT64_C(0xfedcba9876543210), leaves[64];

	for (int bit = 0; bit < 64; bit++)
		leaves[bit] = put(s, &root, base ^ UINT64_C(1) << bit);
	for (int bit = 0; bit < 64; bit++)
		ck_assert_uint_eq(trie_find(s, &root, base ^ UINT64_C(1) << bit), leaves[bit]);
	ck_assert_uint_eq(trie_find(s, &root, base), 0);
}
END_TEST

/* Memory for 0, 1, … 15 of the nodes that it takes to tell two keys apart which differ in the last nibble alone. */
START_TEST(an_insertion_that_runs_out_of_memory_leaves_the_trie_as_it_was)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct control *c = s->control;
	struct trie_root root = {0};
	uint64_t nodes = (uint64_t)_i, random = 3, key = random_next(&random);
	uint64_t old = put(s, &root, key), other = put(s, &root, ~key), leaf;

	ck_assert_int_eq(store_reserve(s, 64 + 16 * TRIE_NODE_SIZE), OK);
	leaf = leaf_make(s, key ^ 1);
	/* A gap as a dead writer leaves them. */
	atomic_store(&c->end, atomic_load(&c->granted) - nodes * TRIE_NODE_SIZE);
	ck_assert_int_eq(trie_insert(s, &root, leaf), nodes < 15 ? ERR_NOSPC : OK);
	if (nodes < 15) {
		ck_assert_uint_eq(trie_find(s, &root, key), old);
		ck_assert_uint_eq(trie_find(s, &root, ~key), other);
		ck_assert_uint_eq(trie_find(s, &root, key ^ 1), 0);
		ck_assert_int_eq(store_reserve(s, 16 * TRIE_NODE_SIZE), OK);
		ck_assert_int_eq(trie_insert(s, &root, leaf), OK);
	}
	ck_assert_uint_eq(trie_find(s, &root, key), old);
	ck_assert_uint_eq(trie_find(s, &root, ~key), other);
	ck_assert_uint_eq(trie_find(s, &root, key ^ 1), leaf);
}
END_TEST

START_TEST(takes_memory_zeroed_and_aligned_and_never_more_than_is_granted)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct control *c = s->control;
	uint64_t end = atomic_load(&c->end), taken;

	/* What a writer that died while it staged may have left there. */
	memset(at(s, end), 0xa5, 64);
	taken = arena_take(s, 13);
	ck_assert_uint_eq(taken, end);
	ck_assert_uint_eq(atomic_load(&c->end), end + 16);
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(*((uint8_t *)at(s, taken) + i), 0);
	ck_assert_uint_eq(arena_take(s, atomic_load(&c->granted) - end), 0);
	ck_assert_uint_eq(atomic_load(&c->end), end + 16);
	ck_assert_uint_eq(arena_take(s, atomic_load(&c->granted) - end - 16), end + 16);
	ck_assert_uint_eq(arena_take(s, 1), 0);
}
END_TEST

Suite *
suite_trie(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "trie", 60);
	tcase_add_test(tc, finds_every_one_of_40000_random_keys_and_no_other);
	tcase_add_test(tc, chains_leaves_of_one_key_newest_first);
	tcase_add_test(tc, tells_keys_apart_however_long_their_common_prefix);
	tcase_add_test(tc, tells_all_64_neighbours_of_a_key_apart_in_one_trie);
	tcase_add_loop_test(tc, an_insertion_that_runs_out_of_memory_leaves_the_trie_as_it_was, 0, 16);
	tcase_add_test(tc, takes_memory_zeroed_and_aligned_and_never_more_than_is_granted);
	return suite;
}
