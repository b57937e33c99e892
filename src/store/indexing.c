/*
 * A step down a large trie is a cache miss, and a leaf's way has five or six of them, one after another. So leaves are
 * linked batch by batch: before a batch is linked, the ways of all its keys are walked side by side, level by level, and
 * what they meet is fetched into the cache while the others wait for theirs.
 *
 * A block counts as indexed when its last leaf is linked. Where that fails in the middle, the next attempt starts from the
 * first again; those that are linked already stay as they are.
 */
#include "indexing.h"

#include "layout.h"
#include "trie.h"
#include "util/failpoint.h"

_Static_assert(INDEXING_BATCH <= TRIE_WARM_MAX, "a batch is warmed in one go");

uint64_t
index_cost(uint64_t tx_count)
{
	return trie_cost(1 + tx_count);
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
}

static void
warm(const struct indexing *x, bool is_tx)
{
	const struct control *c = x->store->control;
	uint32_t keys[INDEXING_BATCH];
	size_t count = 0;

	for (size_t i = 0; i < x->count; i++)
		if (x->leaves[i].is_tx == is_tx)
			keys[count++] = ((const struct leaf *)at(x->store, x->leaves[i].leaf))->key;
	trie_warm(x->store, is_tx ? &c->txs : &c->blocks, keys, count);
}

static enum err
link_leaf(struct indexing *x, const struct indexing_leaf *l)
{
	struct control *c = x->store->control;
	struct block_rec *r = block_at(x->store, l->block);
	enum err e = trie_insert(x->store, l->is_tx ? &c->txs : &c->blocks, l->leaf);

	if (e != OK)
		return e;
	if (l->is_tx)
		FAILPOINT("commit.indexed-tx");
	else
		FAILPOINT("commit.indexed-hash");
	if (l->is_last) {
		atomic_fetch_or_explicit(&r->flags, BLOCK_INDEXED, memory_order_release);
		index_promise_ends(x->store, block_tx_count(r));
	}
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

static enum err
note(struct indexing *x, const struct indexing_leaf *leaf)
{
	enum err e = x->count == INDEXING_BATCH ? indexing_end(x) : OK;

	if (e == OK)
		x->leaves[x->count++] = *leaf;
	return e;
}

enum err
indexing_add(struct indexing *x, struct blockref ref)
{
	const struct block_rec *r = block_at(x->store, ref.v);
	uint64_t leaf = block_leaves(r, ref.v);
	enum err e;

	if (atomic_load_explicit(&r->flags, memory_order_acquire) & BLOCK_INDEXED)
		return OK;
	e = note(x, &(struct indexing_leaf){.leaf = ref.v, .block = ref.v, .is_last = leaf == ref.v});
	for (; leaf < ref.v && e == OK; leaf += sizeof(struct tx_leaf))
		e = note(x, &(struct indexing_leaf){.leaf = leaf,
						    .block = ref.v,
						    .is_tx = true,
						    .is_last = leaf + sizeof(struct tx_leaf) == ref.v});
	return e;
}
