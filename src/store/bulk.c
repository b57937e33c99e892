/*
 * Commits index block by block, because readers and the next writer must find everything at any moment, and each step
 * is a cache miss or three. A start has no such readers: here records and leaves are written one behind the other, keys
 * are only noted, and at the end the tries are built from the sorted keys in one sweep. What comes out is what commits
 * would have made, but for the order of nodes.
 *
 * One ledger with all accounts in its overlay serves the whole chain; account heads are set as versions are written,
 * which is right for the last block when the tip is published, and for nobody before.
 */
#include "bulk.h"

#include <stdlib.h>

#include "chain/ledger.h"
#include "layout.h"
#include "records.h"
#include "store/commit.h"
#include "trie.h"
#include "util/mem.h"

#define NODE_SHARE 23 /* bytes of trie nodes for each leaf of a large trie: a third of a node */

struct pairs {
	struct trie_pair *at;
	size_t count, room;
};

struct bulk {
	struct store *store;
	struct ledger *ledger;
	struct blockref at;
	uint64_t supply;
	struct pairs blocks, txs;
	uint64_t *tags;
	size_t tag_room;
};

static void
no_account(void *ctx, const struct address *who, struct account *out, uint64_t *tag)
{
	(void)ctx;
	(void)who;
	*out = (struct account){0};
	*tag = 0;
}

static void
note(struct pairs *p, const struct store *s, uint64_t leaf_at)
{
	const struct leaf *leaf = at(s, leaf_at);

	if (p->count == p->room) {
		p->room = p->room == 0 ? 4096 : p->room * 2;
		p->at = xrealloc(p->at, p->room * sizeof(*p->at));
	}
	p->at[p->count++] = (struct trie_pair){leaf->key, unit_of(leaf_at)};
}

struct bulk *
bulk_begin(struct store *s)
{
	struct ledger_base base = {no_account, NULL};
	struct bulk *b = xcalloc(1, sizeof(*b));

	b->store = s;
	b->at = chain_tip(s);
	b->supply = chain_supply(s, b->at);
	b->ledger = ledger_new(store_params(s), store_genesis(s), &base);
	note(&b->blocks, s, b->at.v);
	return b;
}

void
bulk_free(struct bulk *b)
{
	if (b == NULL)
		return;
	ledger_free(b->ledger);
	free(b->blocks.at);
	free(b->txs.at);
	free(b->tags);
	free(b);
}

/* The block, found by nothing yet, is the newest that its accounts know of. */
static void
note_block(struct bulk *b, struct blockref ref)
{
	struct store *s = b->store;
	struct block_rec *r = block_at(s, ref.v);

	stage_tags(s, ref, b->tags, r->version_count);
	for (uint32_t i = 0; i < r->version_count; i++)
		record_set_head(s, at(s, b->tags[i]), b->tags[i]);
	note(&b->blocks, s, ref.v);
	for (uint64_t leaf = block_leaves(r, ref.v); leaf < ref.v; leaf += sizeof(struct tx_leaf))
		note(&b->txs, s, leaf);
	atomic_fetch_or_explicit(&r->flags, BLOCK_JOURNALED | BLOCK_INDEXED, memory_order_relaxed);
}

static enum err
write_block(struct bulk *b, const struct block *block, uint64_t supply)
{
	const struct ledger_change *changes;
	struct blockref ref;
	size_t count;
	enum err e;

	changes = ledger_changes(b->ledger, &count);
	if (count > b->tag_room) {
		b->tag_room = count * 2;
		b->tags = xrealloc(b->tags, b->tag_room * sizeof(*b->tags));
	}
	if ((e = store_reserve(b->store, record_cost(block, count))) != OK ||
	    (e = record_block(b->store, &ref, b->at, block, supply, changes, count)) != OK)
		return e;
	note_block(b, ref);
	ledger_keep(b->ledger, b->tags);
	b->at = ref;
	return OK;
}

uint64_t
bulk_least_size(const struct journal *j, const uint32_t *order, uint32_t count)
{
	/* Each has its reward, which is a transaction and changes an account. */
	uint64_t each = sizeof(struct version_rec) + sizeof(struct tx_leaf) + 2 * NODE_SHARE;
	uint64_t size = count * each;

	for (uint32_t i = 0; i < count; i++)
		size += align8(BLOCK_REC_SIZE + j->blocks[order[i]].size);
	return size;
}

enum err
bulk_add(struct bulk *b, const struct block *block, struct verdict *v)
{
	struct payout matured;
	bool has_matured = chain_matured(b->store, b->at, &matured);
	uint64_t minted;
	enum err e;

	*v = ledger_replay_block(b->ledger, block, b->supply, has_matured ? &matured : NULL, &minted);
	if (v->rule != RULE_OK)
		return OK;
	if ((e = write_block(b, block, b->supply + minted)) == OK)
		b->supply += minted;
	return e;
}

enum err
bulk_end(struct bulk *b)
{
	struct store *s = b->store;
	enum err e = trie_build(s, &s->control->blocks, b->blocks.at, b->blocks.count);

	if (e == OK)
		e = trie_build(s, &s->control->txs, b->txs.at, b->txs.count);
	if (e == OK)
		atomic_store_explicit(&s->control->tip, b->at.v, memory_order_release);
	return e;
}
