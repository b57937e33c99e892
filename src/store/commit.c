/*
 * Writing. The order of stores is what makes a writer's death harmless at any point:
 *
 *	stage	the record is written beyond the arena's end, then the end moves past it (records.c). A death before
 *		leaves nothing, one after leaves a record that nobody points to
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

#include "indexing.h"
#include "journaling.h"
#include "layout.h"
#include "lock.h"
#include "records.h"
#include "util/failpoint.h"

uint64_t
stage_cost(const struct block *b, size_t changes)
{
	return record_cost(b, changes) + index_cost(b->tx_count);
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
		if (atomic_fetch_and(&r->flags, (uint16_t)~BLOCK_DEAD) & BLOCK_DEAD)
			atomic_fetch_sub(&s->control->dead, record_bytes(r));
	}
}

/* Account heads from one branch to another; depends on nothing but the two, so it may be repeated. */
static void
move_heads(struct store *s, struct blockref from, struct blockref to, struct blockref fork)
{
	uint64_t height = chain_height(s, fork), top = chain_height(s, to);
	const struct version_rec *v;
	const struct block_rec *r;
	struct blockref ref;
	uint64_t versions;

	for (ref = from; ref.v != fork.v; ref = chain_parent(s, ref)) {
		r = block_at(s, ref.v);
		v = at(s, block_versions(r, ref.v));
		for (uint32_t i = 0; i < r->version_count; i++, v++) {
			record_set_head(s, v, unit_offset(v->prev));
			FAILPOINT("commit.head-back");
		}
	}
	while (height++ < top) {
		ref = chain_at(s, to, height);
		r = block_at(s, ref.v);
		versions = block_versions(r, ref.v);
		for (uint32_t i = 0; i < r->version_count; i++, versions += sizeof(*v)) {
			record_set_head(s, at(s, versions), versions);
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

enum err
stage_block(struct store *s, struct blockref *out, struct blockref parent, const struct block *b, uint64_t supply,
	    const struct ledger_change *changes, size_t count, uint64_t *tags)
{
	enum err e = record_block(s, out, parent, b, supply, changes, count);

	if (e != OK)
		return e;
	s->promised += index_cost(b->tx_count);
	FAILPOINT("stage.done");
	if (tags != NULL)
		stage_tags(s, *out, tags, count);
	return OK;
}

void
stage_tags(const struct store *s, struct blockref ref, uint64_t *tags, size_t count)
{
	const struct block_rec *r = block_at(s, ref.v);
	uint64_t versions = block_versions(r, ref.v);

	for (size_t i = 0; i < count; i++)
		tags[i] = i < r->version_count ? versions + i * sizeof(struct version_rec) : 0;
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
			index_promise_ends(s, block_tx_count(r));
	}
}
