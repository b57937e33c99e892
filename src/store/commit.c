/*
 * Writing. The order of stores is what makes a writer's death harmless at any point:
 *
 *	stage	the record is written beyond the arena's end, then the end moves past it. A death before leaves nothing,
 *		one after leaves a record that nobody points to
 *	commit	1  repair words: from, then to
 *		2  leaves of the new blocks are linked into the tries. Readers that find a record there look whether it
 *		   is on their tip's chain, so a leaf of a block that never came is only some bytes
 *		3  the journal: blocks and tip are on the disk. From here on the commit has happened (journaling.c)
 *		4  swap turns odd if blocks are rolled back; heads of accounts move to the new branch
 *		5  the tip: one release store, from which on everybody sees it
 *		6  swap turns even, repair words are cleared
 *
 * Repair finds `to` set: if the journal has the tip `to`, steps 4 and 5 are repeated, else 4 is done backwards. Moving
 * heads sets each to a value that depends on the two branches alone, so it may be repeated from the start as often as
 * writers die.
 *
 * Records that lose stay where they are, counted as dead, until the segment is rebuilt; what was linked never moves and
 * is never overwritten, which is why readers need no lock.
 */
#include "store/commit.h"

#include <string.h>

#include "chain/pow.h"
#include "indexing.h"
#include "journaling.h"
#include "layout.h"
#include "lock.h"
#include "records.h"
#include "trie.h"
#include "util/failpoint.h"

#define SLACK 64 /* for rounding records up to 8 bytes */

uint64_t
stage_cost(const struct block *b, size_t changes)
{
	return sizeof(struct block_rec) + b->size + SLACK + index_cost(b->tx_count) +
	       changes * (sizeof(struct version_rec) + sizeof(struct account_leaf)) + trie_cost(changes);
}

static uint64_t
record_bytes(const struct block_rec *r)
{
	return sizeof(*r) + r->size + r->version_count * sizeof(struct version_rec) + r->index_size;
}

/* The flag in each record makes both of these repeatable, and right for a branch that loses, wins and loses again. */
static void
count_dead(struct store *s, struct blockref from, struct blockref fork)
{
	for (; from.v != fork.v; from = chain_parent(s, from)) {
		struct block_rec *r = block_at(s, from.v);
		if (!(atomic_fetch_or(&r->flags, BLOCK_DEAD) & BLOCK_DEAD))
			atomic_fetch_add(&s->control->dead, record_bytes(r));
	}
}

static void
count_alive(struct store *s, struct blockref from, struct blockref fork)
{
	for (; from.v != fork.v; from = chain_parent(s, from)) {
		struct block_rec *r = block_at(s, from.v);
		if (atomic_fetch_and(&r->flags, ~(uint32_t)BLOCK_DEAD) & BLOCK_DEAD)
			atomic_fetch_sub(&s->control->dead, record_bytes(r));
	}
}

static struct version_rec *
version_at(const struct store *s, uint64_t ref)
{
	return at(s, ref);
}

static void
set_head(const struct store *s, const struct version_rec *v, uint64_t to)
{
	struct account_leaf *leaf = at(s, v->account);

	atomic_store_explicit(&leaf->head, to, memory_order_release);
}

/* Account heads from one branch to another; depends on nothing but the two, so it may be repeated. */
static void
move_heads(struct store *s, struct blockref from, struct blockref to, struct blockref fork)
{
	uint64_t height = chain_height(s, fork), top = chain_height(s, to);
	const struct block_rec *r;
	struct blockref ref;

	for (ref = from; ref.v != fork.v; ref = chain_parent(s, ref)) {
		r = block_at(s, ref.v);
		for (uint32_t i = 0; i < r->version_count; i++) {
			const struct version_rec *v = version_at(s, r->versions) + i;
			set_head(s, v, v->prev);
			FAILPOINT("commit.head-back");
		}
	}
	while (height++ < top) {
		ref = chain_at(s, to, height);
		r = block_at(s, ref.v);
		for (uint32_t i = 0; i < r->version_count; i++) {
			set_head(s, version_at(s, r->versions) + i, r->versions + i * sizeof(struct version_rec));
			FAILPOINT("commit.head-on");
		}
	}
}

static void
swap_begins(struct control *c)
{
	atomic_store_explicit(&c->swap, atomic_load(&c->swap) | 1, memory_order_relaxed);
	/* The odd number must be seen before the first head that moves. */
	atomic_thread_fence(memory_order_seq_cst);
}

static void
swap_ends(struct control *c)
{
	atomic_store_explicit(&c->swap, (atomic_load(&c->swap) | 1) + 1, memory_order_release);
}

static void
repair(struct store *s)
{
	struct control *c = s->control;
	struct blockref to = {atomic_load_explicit(&c->to, memory_order_acquire)};
	struct blockref from = {atomic_load(&c->from)}, fork;

	if (to.v == 0)
		return;
	swap_begins(c);
	if (from.v != 0) {
		fork = chain_fork(s, from, to);
		if (journaling_has_tip(s, to)) {
			move_heads(s, from, to, fork);
			FAILPOINT("repair.before-tip");
			atomic_store_explicit(&c->tip, to.v, memory_order_release);
			count_dead(s, from, fork);
			count_alive(s, to, fork);
		} else {
			move_heads(s, to, from, fork);
			count_dead(s, to, fork);
		}
	}
	FAILPOINT("repair.before-clear");
	swap_ends(c);
	atomic_store_explicit(&c->to, 0, memory_order_release);
	atomic_fetch_add(&c->repairs, 1);
}

enum err
store_begin(struct store *s, uint32_t timeout_ms)
{
	enum err e = lock_acquire(s, timeout_ms);

	if (e == OK)
		repair(s);
	return e;
}

void
store_end(struct store *s)
{
	lock_release(s);
}

bool
store_bury(struct store *s, pid_t dead)
{
	if (dead <= 0 || !lock_inherit(s, (uint32_t)dead))
		return false;
	atomic_store(&s->control->in_sync_wait, 0);
	repair(s);
	lock_release(s);
	return true;
}

uint64_t
account_leaf_of(struct store *s, const struct address *who)
{
	uint64_t key = trie_key(s, who, sizeof(*who));
	uint64_t leaf_at = trie_find(s, &s->control->accounts, key);
	struct account_leaf *leaf;

	for (; leaf_at != 0; leaf_at = leaf->leaf.next) {
		leaf = at(s, leaf_at);
		if (address_equal(&leaf->address, who))
			return leaf_at;
	}
	if ((leaf_at = arena_take(s, sizeof(*leaf))) == 0)
		return 0;
	leaf = at(s, leaf_at);
	leaf->leaf.key = key;
	leaf->address = *who;
	return trie_insert(s, &s->control->accounts, leaf_at) == OK ? leaf_at : 0;
}

struct u256
record_worth(struct store *s, uint32_t target)
{
	/* A long division; and with most blocks the target is that of the one before. */
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
	pj = block_at(s, p->jump);
	pjj = block_at(s, pj->jump);
	return p->height - pj->height == pj->height - pjj->height ? pj->jump : parent;
}

static void
fill_block(const struct store *s, struct block_rec *r, uint64_t self, struct blockref parent, const struct block *b,
	   const struct u256 *worth)
{
	memset(r, 0, sizeof(*r));
	r->hash = b->hash;
	r->height = b->header.height;
	r->parent = parent.v;
	r->jump = jump_of(s, self, parent.v);
	if (parent.v != 0)
		r->work = u256_add(&block_at(s, parent.v)->work, worth);
	r->tx_count = b->tx_count;
	r->size = (uint32_t)b->size;
	memcpy(r->bytes, b->bytes, b->size);
}

void
record_version(struct store *s, uint64_t where, uint64_t account_leaf, uint64_t height,
	       const struct ledger_change *change)
{
	*version_at(s, where) = (struct version_rec){.height = height,
						     .balance = change->after.balance,
						     .sequence = change->after.sequence,
						     .prev = change->tag_before,
						     .account = account_leaf};
}

uint64_t
record_versions(struct store *s, size_t count)
{
	return arena_take(s, count * sizeof(struct version_rec));
}

uint64_t
record_block(struct store *s, struct blockref parent, const struct block *b, const struct u256 *worth)
{
	uint64_t ref = arena_take(s, sizeof(struct block_rec) + b->size);

	if (ref != 0)
		fill_block(s, block_at(s, ref), ref, parent, b, worth);
	return ref;
}

enum err
stage_block(struct store *s, struct blockref *out, struct blockref parent, const struct block *b, uint64_t supply,
	    const struct ledger_change *changes, size_t count, uint64_t *tags)
{
	struct control *c = s->control;
	uint64_t versions, ref, size = sizeof(struct block_rec) + b->size;
	struct u256 worth = record_worth(s, b->header.target);
	struct block_rec *r;

	/* Leaves of new accounts first: they may need trie nodes, and an account without versions is as good as none.
	 */
	for (size_t i = 0; i < count; i++)
		if (account_leaf_of(s, &changes[i].who) == 0)
			return ERR_NOSPC;
	FAILPOINT("stage.accounts");

	versions = atomic_load_explicit(&c->end, memory_order_relaxed);
	ref = align8(versions + count * sizeof(struct version_rec));
	if (align8(ref + size) > atomic_load(&c->granted))
		return ERR_NOSPC;
	for (size_t i = 0; i < count; i++) {
		record_version(s, versions + i * sizeof(struct version_rec), account_leaf_of(s, &changes[i].who),
			       b->header.height, &changes[i]);
		if (tags != NULL)
			tags[i] = versions + i * sizeof(struct version_rec);
	}
	r = block_at(s, ref);
	fill_block(s, r, ref, parent, b, &worth);
	r->supply = supply;
	r->versions = versions;
	r->version_count = (uint32_t)count;
	FAILPOINT("stage.written");
	atomic_store_explicit(&c->end, align8(ref + size), memory_order_release);
	s->promised += index_cost(b->tx_count);
	out->v = ref;
	FAILPOINT("stage.done");
	return OK;
}

void
stage_tags(const struct store *s, struct blockref ref, uint64_t *tags, size_t count)
{
	const struct block_rec *r = block_at(s, ref.v);

	for (size_t i = 0; i < count; i++)
		tags[i] = i < r->version_count ? r->versions + i * sizeof(struct version_rec) : 0;
}

uint64_t
record_block_leaf(struct store *s, struct blockref ref, const struct hash256 *hash)
{
	uint64_t leaf = arena_take(s, sizeof(struct block_leaf));

	if (leaf != 0)
		*(struct block_leaf *)at(s, leaf) =
		    (struct block_leaf){.leaf.key = trie_key(s, hash, sizeof(*hash)), .block = ref.v};
	return leaf;
}

uint64_t
record_tx_leaf(struct store *s, struct blockref ref, const struct block *b, const struct block_iter *it,
	       const struct tx *tx)
{
	uint64_t leaf = arena_take(s, sizeof(struct tx_leaf_rec));
	struct hash256 id = tx_id(tx);

	if (leaf != 0)
		*(struct tx_leaf_rec *)at(s, leaf) = (struct tx_leaf_rec){.leaf.key = trie_key(s, &id, sizeof(id)),
									  .block = ref.v,
									  .offset = (uint32_t)(it->bytes - b->bytes),
									  .index = it->index};
	return leaf;
}

static enum err
index_branch(struct store *s, struct blockref fork, struct blockref tip)
{
	uint64_t first = fork.v == 0 ? 0 : chain_height(s, fork) + 1, top = chain_height(s, tip);
	struct indexing x;
	enum err e = OK;

	indexing_begin(&x, s);
	for (uint64_t height = first; height <= top && e == OK; height++)
		e = indexing_add(&x, chain_at(s, tip, height));
	return e == OK ? indexing_end(&x) : e;
}

enum err
commit_tip(struct store *s, struct blockref expected, struct blockref tip)
{
	struct control *c = s->control;
	struct blockref old = chain_tip(s), fork = old;
	enum err e;

	if (old.v != expected.v)
		return ERR_STALE;
	atomic_store_explicit(&c->from, old.v, memory_order_relaxed);
	atomic_store_explicit(&c->to, tip.v, memory_order_release);
	FAILPOINT("commit.begun");

	if (old.v != 0)
		fork = chain_fork(s, old, tip);
	e = index_branch(s, fork, tip);
	FAILPOINT("commit.indexed");
	if (e == OK)
		e = journaling_commit(s, tip);
	if (e != OK) {
		atomic_store_explicit(&c->to, 0, memory_order_release);
		return e;
	}
	if (old.v != 0) {
		if (fork.v != old.v)
			swap_begins(c);
		FAILPOINT("commit.swap-begun");
		move_heads(s, old, tip, fork);
	}
	FAILPOINT("commit.before-tip");
	atomic_store_explicit(&c->tip, tip.v, memory_order_release);
	FAILPOINT("commit.after-tip");
	if (fork.v != old.v)
		swap_ends(c);
	if (old.v != 0) {
		count_dead(s, old, fork);
		count_alive(s, tip, fork);
	}
	FAILPOINT("commit.before-clear");
	atomic_store_explicit(&c->to, 0, memory_order_release);
	return OK;
}

void
stage_abandon(struct store *s, struct blockref ref, struct blockref fork)
{
	count_dead(s, ref, fork);
	for (; ref.v != fork.v; ref = chain_parent(s, ref)) {
		const struct block_rec *r = block_at(s, ref.v);
		if (!(atomic_load_explicit(&r->flags, memory_order_relaxed) & BLOCK_INDEXED))
			index_promise_ends(s, r->tx_count);
	}
}
