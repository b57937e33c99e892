/*
 * What belongs to a block is written beyond the arena's end, and then the end moves past it: a writer that dies before
 * that leaves nothing, one that dies later leaves bytes that nobody points to. The exception is a new account, which gets
 * its leaf, and the trie its nodes, before: an account without versions is as good as none.
 *
 * Nothing is kept that can be had from what lies beside it: the number of transactions stands in the block's bytes, places
 * follow from counts, and work takes one word as long as it fits.
 */
#include "records.h"

#include <string.h>

#include "chain/pow.h"
#include "trie.h"
#include "util/failpoint.h"

#define WIDE_SIZE (WIDE_WORDS * sizeof(uint64_t))

uint64_t
record_cost(const struct block *b, size_t changes)
{
	/* A unit for the place of the first leaf, one for the last bytes, one for each new account. */
	return 2 * UNIT + changes * (sizeof(struct version_rec) + sizeof(struct account_leaf) + UNIT) +
	       trie_cost(changes) + b->tx_count * sizeof(struct tx_leaf) + BLOCK_REC_SIZE + b->size + WIDE_SIZE;
}

static bool
is_wide(const struct block_rec *r)
{
	return (atomic_load_explicit(&r->flags, memory_order_relaxed) & BLOCK_WIDE) != 0;
}

uint64_t
record_bytes(const struct block_rec *r)
{
	return align8(r->version_count * sizeof(struct version_rec) + block_tx_count(r) * sizeof(struct tx_leaf) +
		      BLOCK_REC_SIZE + r->size + (is_wide(r) ? WIDE_SIZE : 0));
}

struct u256
record_work(const struct block_rec *r)
{
	struct u256 work = u256_of(r->work);

	if (is_wide(r))
		memcpy(&work.w[1], r->bytes + r->size, WIDE_SIZE);
	return work;
}

void
record_set_head(const struct store *s, const struct version_rec *v, uint64_t version)
{
	struct account_leaf *leaf = at(s, unit_offset(v->account));

	unit_store(&leaf->head, version);
}

/* The leaf of an account, made if there is none. 0: no room. */
static uint64_t
account_leaf_of(struct store *s, const struct address *who)
{
	uint32_t key = trie_key(s, who, sizeof(*who));
	uint64_t leaf_at = trie_find(s, &s->control->accounts, key);
	struct account_leaf *leaf;

	for (; leaf_at != 0; leaf_at = trie_next(s, leaf_at)) {
		leaf = at(s, leaf_at);
		if (address_equal(&leaf->address, who))
			return leaf_at;
	}
	if ((leaf_at = arena_take(s, sizeof(*leaf), 0)) == 0)
		return 0;
	leaf = at(s, leaf_at);
	leaf->leaf.key = key;
	leaf->address = *who;
	return trie_insert(s, &s->control->accounts, leaf_at) == OK ? leaf_at : 0;
}

static struct unit
account_of(struct store *s, const struct ledger_change *c)
{
	const struct version_rec *before = at(s, c->tag_before);

	return c->tag_before != 0 ? before->account : unit_of(account_leaf_of(s, &c->who));
}

static void
write_version(struct store *s, struct version_rec *v, uint64_t height, const struct ledger_change *c)
{
	*v = (struct version_rec){.balance = c->after.balance,
				  .height = (uint32_t)height,
				  .sequence = (uint32_t)c->after.sequence,
				  .prev = unit_of(c->tag_before),
				  .account = account_of(s, c)};
}

static enum err
write_leaves(const struct store *s, struct tx_leaf *leaf, const struct block *b)
{
	struct block_iter it;
	struct hash256 id;
	enum rule rule;
	struct tx tx;

	for (it = block_txs(b); block_next(&it, &tx, &rule); leaf++) {
		if (rule != RULE_OK)
			return ERR_FORMAT;
		id = tx_id(&tx);
		*leaf = (struct tx_leaf){.leaf.key = trie_key(s, &id, sizeof(id)),
					 .offset = (uint32_t)(it.bytes - b->bytes),
					 .distance = b->tx_count - it.index};
	}
	return OK;
}

/* The work of one block of this target: a long division, and with most blocks the target is that of the one before. */
static struct u256
worth_of(struct store *s, uint32_t target)
{
	if (s->worth_target != target || target == 0) {
		s->worth = target_work(target);
		s->worth_target = target;
	}
	return s->worth;
}

/* Two jumps of equal length below the parent are jumped over in one; see chain.c. */
static uint64_t
jump_of(const struct store *s, uint64_t self, uint64_t parent)
{
	const struct block_rec *p, *pj, *pjj;

	if (parent == 0)
		return self;
	p = block_at(s, parent);
	pj = block_at(s, unit_offset(p->jump));
	pjj = block_at(s, unit_offset(pj->jump));
	return p->height - pj->height == pj->height - pjj->height ? unit_offset(pj->jump) : parent;
}

static struct u256
work_with(struct store *s, struct blockref parent, const struct block *b)
{
	struct u256 worth, before;

	if (parent.v == 0)
		return u256_of(0);
	worth = worth_of(s, b->header.target);
	before = record_work(block_at(s, parent.v));
	return u256_add(&before, &worth);
}

enum err
record_block(struct store *s, struct blockref *out, struct blockref parent, const struct block *b, uint64_t supply,
	     const struct ledger_change *changes, size_t count)
{
	struct control *c = s->control;
	struct u256 work = work_with(s, parent, b);
	bool has_wide_work = (work.w[1] | work.w[2] | work.w[3]) != 0;
	uint64_t versions, leaves, ref, end;
	struct block_rec *r;
	enum err e;

	/* Ways to ancestors follow from heights alone (chain.c): a wrong one would lead out of the chain. */
	if (b->header.height != (parent.v == 0 ? 0 : chain_height(s, parent) + 1))
		return ERR_FORMAT;
	for (size_t i = 0; i < count; i++)
		if (account_of(s, &changes[i]).v == 0)
			return ERR_NOSPC;
	FAILPOINT("stage.accounts");

	versions = arena_next(s, count * sizeof(struct version_rec));
	leaves = versions + count * sizeof(struct version_rec);
	ref = leaves + b->tx_count * sizeof(struct tx_leaf);
	end = align8(ref + BLOCK_REC_SIZE + b->size + (has_wide_work ? WIDE_SIZE : 0));
	if (end > atomic_load(&c->granted))
		return ERR_NOSPC;
	for (size_t i = 0; i < count; i++)
		write_version(s, (struct version_rec *)at(s, versions) + i, b->header.height, &changes[i]);
	if ((e = write_leaves(s, at(s, leaves), b)) != OK)
		return e;
	r = block_at(s, ref);
	r->leaf = (struct leaf){.key = trie_key(s, &b->hash, sizeof(b->hash))};
	r->parent = unit_of(parent.v);
	r->jump = unit_of(jump_of(s, ref, parent.v));
	r->height = (uint32_t)b->header.height;
	r->size = (uint32_t)b->size;
	r->work = work.w[0];
	r->supply = supply;
	r->hash = b->hash;
	r->version_count = (uint16_t)count;
	atomic_store_explicit(&r->flags, has_wide_work ? BLOCK_WIDE : 0, memory_order_relaxed);
	memcpy(r->bytes, b->bytes, b->size);
	if (has_wide_work)
		memcpy(r->bytes + b->size, &work.w[1], WIDE_SIZE);
	FAILPOINT("stage.written");
	atomic_store_explicit(&c->end, end, memory_order_release);
	out->v = ref;
	return OK;
}
