/*
 * A slot holds 0 (nothing), the offset of a leaf, or the offset of a node with bit 0 set (records start on multiples of
 * 8). A node is sixteen slots; level n picks by the n-th nibble of the key, from the top.
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
#define NODE_BIT UINT64_C(1)

struct node {
	_Atomic uint64_t slots[FANOUT];
};
_Static_assert(sizeof(struct node) == TRIE_NODE_SIZE, "trie_cost counts in nodes");

static unsigned
nibble(uint64_t key, unsigned level)
{
	return (unsigned)(key >> (60 - 4 * level)) & 15;
}

uint64_t
trie_key(const struct store *s, const void *data, size_t len)
{
	return siphash(s->super->seed, data, len);
}

uint64_t
trie_find(const struct store *s, const struct trie_root *root, uint64_t key)
{
	uint64_t slot = atomic_load_explicit(&root->slot, memory_order_acquire);

	for (unsigned level = 0; slot & NODE_BIT; level++) {
		struct node *n = at(s, slot & ~NODE_BIT);
		slot = atomic_load_explicit(&n->slots[nibble(key, level)], memory_order_acquire);
	}
	if (slot != 0 && ((struct leaf *)at(s, slot))->key == key)
		return slot;
	return 0;
}

void
trie_warm(const struct store *s, const struct trie_root *root, const uint64_t *keys, size_t count)
{
	uint64_t slots[TRIE_WARM_MAX];
	bool is_deeper = true;

	for (size_t i = 0; i < count; i++)
		slots[i] = atomic_load_explicit(&root->slot, memory_order_acquire);
	for (unsigned level = 0; is_deeper; level++) {
		is_deeper = false;
		for (size_t i = 0; i < count; i++)
			if (slots[i] & NODE_BIT) {
				struct node *n = at(s, slots[i] & ~NODE_BIT);
				__builtin_prefetch(&n->slots[nibble(keys[i], level)]);
			}
		for (size_t i = 0; i < count; i++)
			if (slots[i] & NODE_BIT) {
				struct node *n = at(s, slots[i] & ~NODE_BIT);
				slots[i] =
				    atomic_load_explicit(&n->slots[nibble(keys[i], level)], memory_order_acquire);
				is_deeper = true;
			}
	}
	for (size_t i = 0; i < count; i++)
		if (slots[i] != 0)
			__builtin_prefetch(at(s, slots[i]));
}

uint64_t
arena_take(struct store *s, uint64_t size)
{
	struct control *c = s->control;
	uint64_t from = atomic_load_explicit(&c->end, memory_order_relaxed);

	size = align8(size);
	if (size > atomic_load_explicit(&c->granted, memory_order_relaxed) - from)
		return 0;
	/* The end moves before anything links here: a writer killed in between leaves a gap, never two owners of a
	 * byte. */
	atomic_store_explicit(&c->end, from + size, memory_order_release);
	/* Not always zero already: a writer that died while staging may have left bytes beyond the end. */
	memset(at(s, from), 0, size);
	return from;
}

enum err
trie_insert(struct store *s, struct trie_root *root, uint64_t leaf_at)
{
	struct leaf *leaf = at(s, leaf_at);
	_Atomic uint64_t *slot = &root->slot;
	uint64_t seen = atomic_load_explicit(slot, memory_order_relaxed);
	unsigned level = 0;
	uint64_t outer, inner_at;
	struct node *inner;
	struct leaf *other;

	for (; seen & NODE_BIT; level++) {
		struct node *n = at(s, seen & ~NODE_BIT);
		slot = &n->slots[nibble(leaf->key, level)];
		seen = atomic_load_explicit(slot, memory_order_relaxed);
	}
	other = seen == 0 ? NULL : at(s, seen);
	if (other == NULL || other->key == leaf->key) {
		leaf->next = seen;
		FAILPOINT("trie.before-link");
		atomic_store_explicit(slot, leaf_at, memory_order_release);
		return OK;
	}

	leaf->next = 0;
	outer = inner_at = arena_take(s, sizeof(struct node));
	if (outer == 0)
		return ERR_NOSPC;
	inner = at(s, inner_at);
	for (; nibble(leaf->key, level) == nibble(other->key, level); level++) {
		uint64_t deeper = arena_take(s, sizeof(struct node));
		if (deeper == 0)
			return ERR_NOSPC;
		atomic_store_explicit(&inner->slots[nibble(leaf->key, level)], deeper | NODE_BIT, memory_order_relaxed);
		inner = at(s, deeper);
	}
	atomic_store_explicit(&inner->slots[nibble(other->key, level)], seen, memory_order_relaxed);
	atomic_store_explicit(&inner->slots[nibble(leaf->key, level)], leaf_at, memory_order_relaxed);
	FAILPOINT("trie.before-link");
	atomic_store_explicit(slot, outer | NODE_BIT, memory_order_release);
	return OK;
}

#define DIGIT_BITS 16
#define DIGITS (1u << DIGIT_BITS)

/* By radix, the lowest digit first: no comparisons, and the order of equal keys stays. */
static void
sort_pairs(struct trie_pair *pairs, size_t count)
{
	struct trie_pair *from = pairs, *to = xmalloc((count + 1) * sizeof(*to)), *swap;
	size_t *starts = xmalloc(DIGITS * sizeof(*starts));

	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
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
build(struct store *s, uint64_t *slot, const struct trie_pair *pairs, size_t count, unsigned level)
{
	uint64_t node_at, inner;
	struct node *node;
	enum err e;

	if (pairs[0].key == pairs[count - 1].key) {
		for (size_t i = 0; i + 1 < count; i++)
			((struct leaf *)at(s, pairs[i].leaf))->next = pairs[i + 1].leaf;
		((struct leaf *)at(s, pairs[count - 1].leaf))->next = 0;
		*slot = pairs[0].leaf;
		return OK;
	}
	if ((e = store_reserve(s, sizeof(*node))) != OK)
		return e;
	if ((node_at = arena_take(s, sizeof(*node))) == 0)
		return ERR_NOSPC;
	node = at(s, node_at);
	for (size_t from = 0, end; from < count; from = end) {
		unsigned n = nibble(pairs[from].key, level);
		for (end = from + 1; end < count && nibble(pairs[end].key, level) == n; end++)
			;
		if ((e = build(s, &inner, pairs + from, end - from, level + 1)) != OK)
			return e;
		atomic_store_explicit(&node->slots[n], inner, memory_order_relaxed);
	}
	*slot = node_at | NODE_BIT;
	return OK;
}

enum err
trie_build(struct store *s, struct trie_root *root, struct trie_pair *pairs, size_t count)
{
	uint64_t slot;
	enum err e;

	if (count == 0)
		return OK;
	sort_pairs(pairs, count);
	e = build(s, &slot, pairs, count, 0);
	if (e == OK)
		atomic_store_explicit(&root->slot, slot, memory_order_release);
	return e;
}
