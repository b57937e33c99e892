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
leaf_make(struct store *s, uint32_t key)
{
	uint64_t at_ = arena_take(s, sizeof(struct leaf), 0);

	need(at_ != 0);
	((struct leaf *)at(s, at_))->key = key;
	return at_;
}

static uint64_t
put(struct store *s, struct trie_root *root, uint32_t key)
{
	uint64_t leaf;

	need(store_reserve(s, 2 * sizeof(struct leaf) + trie_cost(1)) == OK);
	leaf = leaf_make(s, key);
	need(trie_insert(s, root, leaf) == OK);
	return leaf;
}

/* Different numbers have different keys, scattered over all there are: each step can be undone. */
static uint32_t
scattered(uint32_t n)
{
	n *= 0x9e3779b1u;
	n ^= n >> 15;
	n *= 0x2c1b3c6du;
	return n ^ n >> 12;
}

START_TEST(finds_every_one_of_40000_scattered_keys_and_no_other)
{
	enum { KEYS = 40000 };
	struct store *s = segment_make(&(struct segment_plan){0});
	struct trie_root root = {0};
	uint64_t *leaves = xcalloc(KEYS, sizeof(*leaves)), from = atomic_load(&s->control->end);

	ck_assert_uint_eq(trie_find(s, &root, 7), 0);
	for (uint32_t i = 0; i < KEYS; i++)
		leaves[i] = put(s, &root, scattered(i));
	for (uint32_t i = 0; i < KEYS; i++)
		need(trie_find(s, &root, scattered(i)) == leaves[i]);
	for (uint32_t i = KEYS; i < 2 * KEYS; i++)
		need(trie_find(s, &root, scattered(i)) == 0);
	ck_assert_uint_le(atomic_load(&s->control->end) - from, KEYS * 2 * sizeof(struct leaf) + trie_cost(KEYS));
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
	for (size_t i = ARRAY_LEN(leaves); i-- > 0; seen = trie_next(s, seen))
		ck_assert_uint_eq(seen, leaves[i]);
	ck_assert_uint_eq(seen, 0);
}
END_TEST

START_TEST(a_leaf_that_is_linked_already_stays_where_it_is)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct trie_root root = {0};
	uint64_t leaves[3], end;

	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		leaves[i] = put(s, &root, 42);
	put(s, &root, 43);
	end = atomic_load(&s->control->end);
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		ck_assert_int_eq(trie_insert(s, &root, leaves[i]), OK);
	ck_assert_uint_eq(atomic_load(&s->control->end), end);
	ck_assert_uint_eq(trie_find(s, &root, 42), leaves[2]);
	ck_assert_uint_eq(trie_next(s, leaves[2]), leaves[1]);
	ck_assert_uint_eq(trie_next(s, leaves[1]), leaves[0]);
	ck_assert_uint_eq(trie_next(s, leaves[0]), 0);
}
END_TEST

START_TEST(tells_keys_apart_however_long_their_common_prefix)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	uint32_t base = 0x01234567;

	/* In both orders, so that either key is the one that is already there. */
	for (int order = 0; order < 2; order++)
		for (int bit = 0; bit < 32; bit++) {
			struct trie_root root = {0};
			uint32_t keys[2] = {base, base ^ 1u << bit};
			uint64_t leaves[2];
			leaves[order] = put(s, &root, keys[order]);
			leaves[!order] = put(s, &root, keys[!order]);
			ck_assert_uint_eq(trie_find(s, &root, keys[0]), leaves[0]);
			ck_assert_uint_eq(trie_find(s, &root, keys[1]), leaves[1]);
			ck_assert_uint_eq(trie_find(s, &root, ~base), 0);
		}
}
END_TEST

START_TEST(tells_all_32_neighbours_of_a_key_apart_in_one_trie)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct trie_root root = {0};
	uint32_t base = 0xfedcba98;
	uint64_t leaves[32];

	for (int bit = 0; bit < 32; bit++)
		leaves[bit] = put(s, &root, base ^ 1u << bit);
	for (int bit = 0; bit < 32; bit++)
		ck_assert_uint_eq(trie_find(s, &root, base ^ 1u << bit), leaves[bit]);
	ck_assert_uint_eq(trie_find(s, &root, base), 0);
}
END_TEST

/* Memory for 0, 1, … 7 of the nodes that it takes to tell two keys apart which differ in the last nibble alone. */
START_TEST(an_insertion_that_runs_out_of_memory_leaves_the_trie_as_it_was)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct control *c = s->control;
	struct trie_root root = {0};
	uint64_t nodes = (uint64_t)_i, random = 3;
	uint32_t key = (uint32_t)random_next(&random);
	uint64_t old = put(s, &root, key), other = put(s, &root, ~key), leaf;

	ck_assert_int_eq(store_reserve(s, 64 + 8 * TRIE_NODE_SIZE), OK);
	leaf = leaf_make(s, key ^ 1);
	/* A gap as a dead writer leaves them. */
	atomic_store(&c->end, atomic_load(&c->granted) - nodes * TRIE_NODE_SIZE);
	ck_assert_int_eq(trie_insert(s, &root, leaf), nodes < 7 ? ERR_NOSPC : OK);
	if (nodes < 7) {
		ck_assert_uint_eq(trie_find(s, &root, key), old);
		ck_assert_uint_eq(trie_find(s, &root, ~key), other);
		ck_assert_uint_eq(trie_find(s, &root, key ^ 1), 0);
		ck_assert_int_eq(store_reserve(s, 8 * TRIE_NODE_SIZE), OK);
		ck_assert_int_eq(trie_insert(s, &root, leaf), OK);
	}
	ck_assert_uint_eq(trie_find(s, &root, key), old);
	ck_assert_uint_eq(trie_find(s, &root, ~key), other);
	ck_assert_uint_eq(trie_find(s, &root, key ^ 1), leaf);
}
END_TEST

static uint64_t
arena_place(uint64_t end, uint64_t lead)
{
	return (end + lead) % 16 == 8 ? end : end + 8;
}

START_TEST(takes_memory_zeroed_and_aligned_and_never_more_than_is_granted)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct control *c = s->control;
	uint64_t end = atomic_load(&c->end), taken;

	/* What a writer that died while it staged may have left there. */
	memset(at(s, end), 0xa5, 64);
	taken = arena_take(s, 13, 0);
	ck_assert_uint_eq(taken, arena_place(end, 0));
	ck_assert_uint_eq(atomic_load(&c->end), taken + 16);
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(*((uint8_t *)at(s, taken) + i), 0);
	end = taken + 16;
	ck_assert_uint_eq(arena_take(s, atomic_load(&c->granted) - end + 1, 0), 0);
	ck_assert_uint_eq(atomic_load(&c->end), end);
	ck_assert_uint_eq(arena_take(s, atomic_load(&c->granted) - end, 0), end);
	ck_assert_uint_eq(arena_take(s, 1, 0), 0);
	ck_assert_uint_eq(arena_take(s, 1, UNIT), 0);
}
END_TEST

Suite *
suite_trie(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "trie", 60);
	tcase_add_test(tc, finds_every_one_of_40000_scattered_keys_and_no_other);
	tcase_add_test(tc, chains_leaves_of_one_key_newest_first);
	tcase_add_test(tc, a_leaf_that_is_linked_already_stays_where_it_is);
	tcase_add_test(tc, tells_keys_apart_however_long_their_common_prefix);
	tcase_add_test(tc, tells_all_32_neighbours_of_a_key_apart_in_one_trie);
	tcase_add_loop_test(tc, an_insertion_that_runs_out_of_memory_leaves_the_trie_as_it_was, 0, 8);
	tcase_add_test(tc, takes_memory_zeroed_and_aligned_and_never_more_than_is_granted);
	return suite;
}
