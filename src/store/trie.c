/*
 * A slot holds none, an odd unit, which is a leaf's place, or an even one, which is a node's. A node is sixteen slots;
 * level n picks by the n-th nibble of the key, from the top.
 *
 * Insertion writes what is new first and links it last. Where a slot holds a leaf of another key, as many nodes are
 * made as the two keys have nibbles in common, the old leaf is put into the innermost, and the chain of nodes replaces
 * the leaf in one store. A reader that comes through in that moment sees the old leaf or the new nodes, both complete.
 */
#include "trie.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "store/commit.h"
#include "util/failpoint.h"
#include "util/mem.h"

#define FANOUT 16
#define NODE_LEAD UNIT /* a node lies one unit off a leaf's place */

struct node {
	struct unit_slot slots[FANOUT];
};
_Static_assert(sizeof(struct node) == TRIE_NODE_SIZE, "trie_cost counts in nodes");
_Static_assert(TRIE_NODE_SIZE % (2 * UNIT) == 0, "nodes one after another leave nothing unused");

static unsigned
nibble(uint32_t key, unsigned level)
{
	return key >> (28 - 4 * level) & 15;
}

/* Does what a slot holds, as an offset, name a node? */
static bool
is_node(uint64_t offset)
{
	return offset != 0 && offset % (2 * UNIT) == 0;
}

static struct leaf *
leaf_of(const struct store *s, uint64_t leaf_at)
{
	return at(s, leaf_at);
}

static struct unit_slot *
slot_of(const struct store *s, uint64_t node_at, uint32_t key, unsigned level)
{
	struct node *n = at(s, node_at);

	return &n->slots[nibble(key, level)];
}

uint32_t
trie_key(const struct store *s, const void *data, size_t len)
{
	return (uint32_t)(siphash(s->super->seed, data, len) >> 32);
}

uint64_t
trie_find(const struct store *s, const struct trie_root *root, uint32_t key)
{
	uint64_t seen = unit_load(&root->slot);

	for (unsigned level = 0; is_node(seen); level++)
		seen = unit_load(slot_of(s, seen, key, level));
	return seen != 0 && leaf_of(s, seen)->key == key ? seen : 0;
}

uint64_t
trie_next(const struct store *s, uint64_t leaf_at)
{
	return unit_offset(leaf_of(s, leaf_at)->next);
}

void
trie_warm(const struct store *s, const struct trie_root *root, const uint32_t *keys, size_t count)
{
	uint64_t seen[TRIE_WARM_MAX];
	bool is_deeper = true;

	for (size_t i = 0; i < count; i++)
		seen[i] = unit_load(&root->slot);
	for (unsigned level = 0; is_deeper; level++) {
		is_deeper = false;
		for (size_t i = 0; i < count; i++)
			if (is_node(seen[i]))
				__builtin_prefetch(slot_of(s, seen[i], keys[i], level));
		for (size_t i = 0; i < count; i++)
			if (is_node(seen[i])) {
				seen[i] = unit_load(slot_of(s, seen[i], keys[i], level));
				is_deeper = true;
			}
	}
	for (size_t i = 0; i < count; i++)
		if (seen[i] != 0)
			__builtin_prefetch(at(s, seen[i]));
}

uint64_t
arena_next(const struct store *s, uint64_t lead)
{
	uint64_t end = atomic_load_explicit(&s->control->end, memory_order_relaxed);

	return (end + lead) % (2 * UNIT) == UNIT ? end : end + UNIT;
}

uint64_t
arena_take(struct store *s, uint64_t size, uint64_t lead)
{
	struct control *c = s->control;
	uint64_t from = arena_next(s, lead), granted = atomic_load_explicit(&c->granted, memory_order_relaxed);

	size = align8(size);
	if (from > granted || size > granted - from)
		return 0;
	/* The end moves before anything links here: a writer killed in between leaves a gap, never two owners of a
	 * byte. */
	atomic_store_explicit(&c->end, from + size, memory_order_release);
	/* Not always zero already: a writer that died while staging may have left bytes beyond the end. */
	memset(at(s, from), 0, size);
	return from;
}

/* first: of a chain of leaves of one key. */
static bool
is_in(const struct store *s, uint64_t first, uint64_t leaf_at)
{
	while (first != 0 && first != leaf_at)
		first = trie_next(s, first);
	return first != 0;
}

/*
 * Puts nodes where `slot` holds the leaf `other`, until it and the new leaf, whose keys are different, part. level: of the
 * first such node.
 */
static enum err
push_down(struct store *s, struct unit_slot *slot, uint64_t other_at, uint64_t leaf_at, unsigned level)
{
	uint32_t other = leaf_of(s, other_at)->key, key = leaf_of(s, leaf_at)->key;
	uint64_t outer = arena_take(s, sizeof(struct node), NODE_LEAD), inner = outer;

	for (; inner != 0 && nibble(key, level) == nibble(other, level); level++) {
		uint64_t deeper = arena_take(s, sizeof(struct node), NODE_LEAD);
		unit_store(slot_of(s, inner, key, level), deeper);
		inner = deeper;
	}
	if (inner == 0)
		return ERR_NOSPC;
	unit_store(slot_of(s, inner, other, level), other_at);
	unit_store(slot_of(s, inner, key, level), leaf_at);
	FAILPOINT("trie.before-link");
	unit_store(slot, outer);
	return OK;
}

enum err
trie_insert(struct store *s, struct trie_root *root, uint64_t leaf_at)
{
	struct leaf *leaf = leaf_of(s, leaf_at);
	struct unit_slot *slot = &root->slot;
	uint64_t seen = unit_load(slot);
	unsigned level = 0;

	for (; is_node(seen); level++) {
		slot = slot_of(s, seen, leaf->key, level);
		seen = unit_load(slot);
	}
	if (seen == 0 || leaf_of(s, seen)->key == leaf->key) {
		if (is_in(s, seen, leaf_at))
			return OK;
		leaf->next = unit_of(seen);
		FAILPOINT("trie.before-link");
		unit_store(slot, leaf_at);
		return OK;
	}
	leaf->next = unit_of(0);
	return push_down(s, slot, seen, leaf_at, level);
}

#define DIGIT_BITS 16
#define DIGITS (1u << DIGIT_BITS)

/* By radix, the lowest digit first: no comparisons, and the order of equal keys stays. */
static void
sort_pairs(struct trie_pair *pairs, size_t count)
{
	struct trie_pair *from = pairs, *to = xmalloc((count + 1) * sizeof(*to)), *swap;
	size_t *starts = xmalloc(DIGITS * sizeof(*starts));

	for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
		size_t sum = 0;
		memset(starts, 0, DIGITS * sizeof(*starts));
		for (size_t i = 0; i < count; i++)
			starts[from[i].key >> shift & (DIGITS - 1)]++;
		for (size_t d = 0; d < DIGITS; d++) {
			size_t here = starts[d];
			starts[d] = sum;
			sum += here;
		}
		for (size_t i = 0; i < count; i++)
			to[starts[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	/* An even number of passes: the pairs are where they were. */
	free(to);
	free(starts);
}

/*
 * The slot for sorted pairs whose keys have the first `level` nibbles in common. Memory is asked for node by node: the
 * most that a large trie could take is several times what it does.
 */
static enum err
build(struct store *s, struct unit_slot *slot, const struct trie_pair *pairs, size_t count, unsigned level)
{
	uint64_t node_at;
	enum err e = OK;

	if (pairs[0].key == pairs[count - 1].key) {
		for (size_t i = 0; i < count; i++)
			leaf_of(s, unit_offset(pairs[i].leaf))->next = i + 1 < count ? pairs[i + 1].leaf : unit_of(0);
		unit_store(slot, unit_offset(pairs[0].leaf));
		return OK;
	}
	if ((e = store_reserve(s, UNIT + sizeof(struct node))) != OK)
		return e;
	if ((node_at = arena_take(s, sizeof(struct node), NODE_LEAD)) == 0)
		return ERR_NOSPC;
	for (size_t from = 0, end; from < count && e == OK; from = end) {
		unsigned n = nibble(pairs[from].key, level);
		for (end = from + 1; end < count && nibble(pairs[end].key, level) == n; end++)
			;
		e = build(s, slot_of(s, node_at, pairs[from].key, level), pairs + from, end - from, level + 1);
	}
	unit_store(slot, node_at);
	return e;
}

enum err
trie_build(struct store *s, struct trie_root *root, struct trie_pair *pairs, size_t count)
{
	if (count == 0)
		return OK;
	sort_pairs(pairs, count);
	return build(s, &root->slot, pairs, count, 0);
}
