/*
 * A step down a large trie is a cache miss, and a leaf's way has five or six of them, one after another. So leaves are
 * written first and linked batch by batch: before a batch is linked, the ways of all its keys are walked side by side,
 * level by level, and what they meet is fetched into the cache while the others wait for theirs.
 *
 * A leaf that was written and not linked is some bytes that nobody points to, so a death in between costs nothing else. A
 * block counts as indexed when its last leaf is linked. Where that fails in the middle, the next attempt writes new
 * leaves, and counts their bytes alone.
 */
#include "indexing.h"

#include "records.h"
#include "trie.h"
#include "util/failpoint.h"

_Static_assert(INDEXING_BATCH <= TRIE_WARM_MAX, "a batch is warmed in one go");

uint64_t
index_cost(uint64_t tx_count)
{
	return sizeof(struct block_leaf) + tx_count * sizeof(struct tx_leaf_rec) + trie_cost(1 + tx_count);
}

void
index_promise_ends(struct store *s, uint32_t tx_count)
{
	uint64_t cost = index_cost(tx_count);

	s->promised -= cost < s->promised ? cost : s->promised;
}

void
indexing_begin(struct indexing *x, struct store *s)
{
	x->store = s;
	x->count = 0;
	x->block_bytes = 0;
}

static void
warm(const struct indexing *x, bool is_tx)
{
	const struct control *c = x->store->control;
	uint64_t keys[INDEXING_BATCH];
	size_t count = 0;

	for (size_t i = 0; i < x->count; i++)
		if (x->leaves[i].is_tx == is_tx)
			keys[count++] = ((const struct leaf *)at(x->store, x->leaves[i].leaf))->key;
	trie_warm(x->store, is_tx ? &c->txs : &c->blocks, keys, count);
}

static void
end_block(struct indexing *x, struct block_rec *r)
{
	if (atomic_load(&r->flags) & BLOCK_DEAD)
		atomic_fetch_add(&x->store->control->dead, x->block_bytes);
	r->index_size = (uint32_t)x->block_bytes;
	x->block_bytes = 0;
	atomic_fetch_or_explicit(&r->flags, BLOCK_INDEXED, memory_order_release);
	index_promise_ends(x->store, r->tx_count);
}

static enum err
link_leaf(struct indexing *x, const struct indexing_leaf *l)
{
	struct control *c = x->store->control;
	uint64_t before = atomic_load_explicit(&c->end, memory_order_relaxed);
	enum err e = trie_insert(x->store, l->is_tx ? &c->txs : &c->blocks, l->leaf);

	if (e != OK)
		return e;
	x->block_bytes += l->size + atomic_load_explicit(&c->end, memory_order_relaxed) - before;
	if (l->is_tx)
		FAILPOINT("commit.indexed-tx");
	else
		FAILPOINT("commit.indexed-hash");
	if (l->is_last)
		end_block(x, block_at(x->store, l->block));
	return OK;
}

enum err
indexing_end(struct indexing *x)
{
	enum err e = OK;

	warm(x, false);
	warm(x, true);
	for (size_t i = 0; i < x->count && e == OK; i++)
		e = link_leaf(x, &x->leaves[i]);
	x->count = 0;
	return e;
}

/* 0: no room for the leaf. */
static enum err
note(struct indexing *x, struct blockref ref, uint64_t leaf, size_t size, bool is_tx)
{
	if (leaf == 0)
		return ERR_NOSPC;
	x->leaves[x->count++] =
	    (struct indexing_leaf){.leaf = leaf, .block = ref.v, .size = (uint32_t)align8(size), .is_tx = is_tx};
	return OK;
}

enum err
indexing_add(struct indexing *x, struct blockref ref)
{
	struct store *s = x->store;
	struct block_rec *r = block_at(s, ref.v);
	struct block_iter it;
	struct block b;
	enum rule rule;
	struct tx tx;
	enum err e = OK;

	if (atomic_load_explicit(&r->flags, memory_order_acquire) & BLOCK_INDEXED)
		return OK;
	if (x->count == INDEXING_BATCH && (e = indexing_end(x)) != OK)
		return e;
	e = note(x, ref, record_block_leaf(s, ref, &r->hash), sizeof(struct block_leaf), false);
	chain_block(s, ref, &b);
	for (it = block_txs(&b); e == OK && block_next(&it, &tx, &rule);) {
		if (rule != RULE_OK)
			e = ERR_FORMAT;
		else if (x->count == INDEXING_BATCH)
			e = indexing_end(x);
		if (e == OK)
			e = note(x, ref, record_tx_leaf(s, ref, &b, &it, &tx), sizeof(struct tx_leaf_rec), true);
	}
	if (e == OK)
		x->leaves[x->count - 1].is_last = true;
	return e;
}
