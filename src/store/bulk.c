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

#define NODE_SHARE 46 /* bytes of trie nodes for each leaf of a large trie: a third of a node */

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
note(struct pairs *p, uint64_t key, uint64_t leaf)
{
	if (p->count == p->room) {
		p->room = p->room == 0 ? 4096 : p->room * 2;
		p->at = xrealloc(p->at, p->room * sizeof(*p->at));
	}
	p->at[p->count++] = (struct trie_pair){key, leaf};
}

struct bulk *
bulk_begin(struct store *s)
{
	struct ledger_base base = {no_account, NULL};
	struct bulk *b = xcalloc(1, sizeof(*b));
	uint64_t key = trie_key(s, chain_hash(s, chain_tip(s)), HASH_SIZE);

	b->store = s;
	b->at = chain_tip(s);
	b->supply = chain_supply(s, b->at);
	b->ledger = ledger_new(store_params(s), store_genesis(s), &base);
	note(&b->blocks, key, trie_find(s, &s->control->blocks, key));
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

/* Versions of the accounts that the block touched; new accounts get their leaves. Returns where the versions begin. */
static uint64_t
write_versions(struct bulk *b, const struct ledger_change *changes, size_t count, uint64_t height)
{
	struct store *s = b->store;
	uint64_t versions;

	if (count > b->tag_room) {
		b->tag_room = count * 2;
		b->tags = xrealloc(b->tags, b->tag_room * sizeof(*b->tags));
	}
	/* Tags hold the leaves until the versions have their places. */
	for (size_t i = 0; i < count; i++)
		b->tags[i] = changes[i].tag_before != 0 ? ((struct version_rec *)at(s, changes[i].tag_before))->account
							: account_leaf_of(s, &changes[i].who);
	versions = record_versions(s, count);
	for (size_t i = 0; i < count && versions != 0; i++) {
		uint64_t leaf = b->tags[i];
		if (leaf == 0)
			return 0;
		b->tags[i] = versions + i * sizeof(struct version_rec);
		record_version(s, b->tags[i], leaf, height, &changes[i]);
		atomic_store_explicit(&((struct account_leaf *)at(s, leaf))->head, b->tags[i], memory_order_relaxed);
	}
	return versions;
}

static enum err
write_leaves(struct bulk *b, struct blockref ref, const struct block *block)
{
	struct store *s = b->store;
	uint64_t leaf = record_block_leaf(s, ref, &block->hash);
	struct block_iter it;
	enum rule rule;
	struct tx tx;

	if (leaf == 0)
		return ERR_NOSPC;
	note(&b->blocks, ((struct leaf *)at(s, leaf))->key, leaf);
	for (it = block_txs(block); block_next(&it, &tx, &rule);) {
		if (rule != RULE_OK)
			return ERR_FORMAT;
		if ((leaf = record_tx_leaf(s, ref, block, &it, &tx)) == 0)
			return ERR_NOSPC;
		note(&b->txs, ((struct leaf *)at(s, leaf))->key, leaf);
	}
	return OK;
}

static enum err
write_block(struct bulk *b, const struct block *block, uint64_t supply)
{
	struct store *s = b->store;
	const struct ledger_change *changes;
	struct u256 worth = record_worth(s, block->header.target);
	struct block_rec *r;
	struct blockref ref;
	uint64_t versions;
	size_t count;
	enum err e;

	changes = ledger_changes(b->ledger, &count);
	if ((e = store_reserve(s, stage_cost(block, count))) != OK)
		return e;
	versions = write_versions(b, changes, count, block->header.height);
	if (versions == 0 || (ref.v = record_block(s, b->at, block, &worth)) == 0)
		return ERR_NOSPC;
	r = block_at(s, ref.v);
	r->supply = supply;
	r->versions = versions;
	r->version_count = (uint32_t)count;
	r->index_size = (uint32_t)(sizeof(struct block_leaf) + NODE_SHARE +
				   block->tx_count * (sizeof(struct tx_leaf_rec) + NODE_SHARE));
	atomic_store_explicit(&r->flags, BLOCK_JOURNALED | BLOCK_INDEXED, memory_order_relaxed);
	if ((e = write_leaves(b, ref, block)) != OK)
		return e;
	ledger_keep(b->ledger, b->tags);
	b->at = ref;
	return OK;
}

uint64_t
bulk_least_size(const struct journal *j, const uint32_t *order, uint32_t count)
{
	/* Each has its reward, which is a transaction and changes an account. */
	uint64_t each = sizeof(struct block_rec) + sizeof(struct version_rec) + sizeof(struct block_leaf) +
			sizeof(struct tx_leaf_rec) + 2 * NODE_SHARE;
	uint64_t size = count * each;

	for (uint32_t i = 0; i < count; i++)
		size += align8(j->blocks[order[i]].size);
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
