/*
 * The blocks of the journal's chain, in order. On an empty segment they are built in one go (bulk.c); on one that holds a
 * snapshot they are judged and staged as a branch on top of what is there, and committed in groups, as if a peer had sent
 * them.
 */
#include "store/load.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ahead.h"
#include "bulk.h"
#include "journaling.h"
#include "pool_slots.h"
#include "store/branch.h"
#include "util/mem.h"

#define GROUP_BLOCKS 4096
#define PROGRESS_BLOCKS 64		/* full ones take so long that whoever watches might think that we are stuck */
#define BULK_BLOCKS 64			/* fewer are committed like any others */
#define REBUILD_MIN (UINT64_C(2) << 20) /* less is not worth a pause */
#define GROUP_BYTES (UINT64_C(16) << 20)

struct load {
	struct store *store;
	struct journal *journal;
	struct branch branch;
	uint64_t group_blocks, group_bytes;
	struct buf *why;
};

static enum err
refuse(const struct load *l, uint32_t index, const char *what)
{
	const struct journal_block *b = &l->journal->blocks[index];
	char name[FRAMELOG_NAME_SIZE], hash[HASH_HEX_SIZE];

	framelog_name(name, b->file);
	hash_hex(hash, &b->hash);
	buf_printf(l->why, "%s/%s: block %.16s at byte %" PRIu64 " %s", framelog_folder(l->journal->log), name, hash,
		   b->offset, what);
	return ERR_FORMAT;
}

static enum err
no_room(const struct load *l, enum err e)
{
	struct store_usage u;

	store_usage(l->store, &u);
	if (e == ERR_LIMIT)
		buf_printf(l->why, "the chain does not fit into shm_max (%" PRIu64 " MiB): raise [node] shm_max",
			   u.size_max >> 20);
	else if (e == ERR_NOSPC)
		buf_printf(l->why,
			   "no room in /dev/shm for the chain, which has taken %" PRIu64
			   " MiB so far: free some or enlarge it (docker: shm_size)",
			   u.granted >> 20);
	else
		buf_printf(l->why, "the chain cannot be loaded: %s", err_text(e));
	return e;
}

static enum err
commit_group(struct load *l)
{
	struct blockref none = {0}, old, at = l->branch.at;
	enum err e = branch_commit(&l->branch, none, &old);

	if (e == OK && old.v != 0)
		e = branch_begin(&l->branch, at);
	l->group_blocks = l->group_bytes = 0;
	return e;
}

static enum err
add_block(struct load *l, uint32_t index)
{
	struct verdict v;
	struct block b;
	enum err e = journal_block_as_stored(l->journal, &b, index);

	if (e == ERR_FORMAT)
		return refuse(l, index, "is no block");
	if (e == OK && (e = branch_add(&l->branch, &b, true, &v)) == OK && v.rule != RULE_OK)
		return refuse(l, index, rule_text(v.rule));
	if (e != OK)
		return no_room(l, e);
	atomic_fetch_or(&block_at(l->store, l->branch.at.v)->flags, BLOCK_JOURNALED);
	l->group_blocks++;
	l->group_bytes += b.size;
	return l->group_blocks < GROUP_BLOCKS && l->group_bytes < GROUP_BYTES ? OK : commit_group(l);
}

/* The block that order[0] builds on: ours. */
static enum err
begin(struct load *l, uint32_t first)
{
	struct blockref parent;
	struct block b;
	enum err e = journal_block_as_stored(l->journal, &b, first);

	if (e != OK)
		return e == ERR_FORMAT ? refuse(l, first, "is no block") : no_room(l, e);
	parent = chain_find_any(l->store, &b.header.previous);
	if (parent.v == 0)
		return refuse(l, first, "builds on a block that is not there");
	e = branch_begin(&l->branch, parent);
	return e == OK ? OK : no_room(l, e);
}

/* How many of them the segment has already: where one is, its ancestors are. */
static uint32_t
count_there(const struct load *l, const uint32_t *order, uint32_t count)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (chain_find_any(l->store, &l->journal->blocks[order[middle]].hash).v != 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A long chain on a segment that holds none. */
static enum err
build_all(struct load *l, const uint32_t *order, uint32_t count, load_progress *progress, void *ctx)
{
	struct ahead *ahead = ahead_begin(l->store, bulk_least_size(l->journal, order, count));
	struct bulk *bulk = bulk_begin(l->store);
	struct verdict v = verdict_ok();
	struct block b;
	enum err e = OK;

	for (uint32_t i = 0; i < count && e == OK; i++) {
		if ((e = journal_block_as_stored(l->journal, &b, order[i])) == ERR_FORMAT)
			e = refuse(l, order[i], "is no block");
		else if (e != OK || (e = bulk_add(bulk, &b, &v)) != OK)
			e = no_room(l, e);
		else if (v.rule != RULE_OK)
			e = refuse(l, order[i], rule_text(v.rule));
		atomic_store_explicit(&l->store->control->load_done, i + 1, memory_order_relaxed);
		if (progress != NULL && (i + 1) % PROGRESS_BLOCKS == 0)
			progress(ctx, i + 1, count);
	}
	if (e == OK && (e = bulk_end(bulk)) != OK)
		e = no_room(l, e);
	bulk_free(bulk);
	ahead_end(ahead);
	return e;
}

static bool
is_worth_bulk(const struct load *l, uint32_t first, uint32_t count)
{
	return first == 0 && count >= BULK_BLOCKS && blockref_equal(chain_tip(l->store), chain_genesis(l->store));
}

static enum err
add_all(struct load *l, const uint32_t *order, uint32_t count, load_progress *progress, void *ctx)
{
	uint32_t i = count_there(l, order, count);
	enum err e;

	if (i == count)
		return OK;
	e = begin(l, order[i]);
	if (e == OK && is_worth_bulk(l, i, count)) {
		branch_end(&l->branch);
		return build_all(l, order, count, progress, ctx);
	}
	for (; i < count && e == OK; i++) {
		e = add_block(l, order[i]);
		atomic_store_explicit(&l->store->control->load_done, i + 1, memory_order_relaxed);
		if (progress != NULL && (i + 1) % PROGRESS_BLOCKS == 0)
			progress(ctx, i + 1, count);
	}
	if (e == OK)
		e = commit_group(l);
	branch_end(&l->branch);
	return e;
}

enum err
store_load(struct store *s, struct journal *j, load_progress *progress, void *ctx, struct buf *why)
{
	struct load l = {.store = s, .journal = j, .why = why};
	struct framelog *log = s->journal;
	uint32_t *order, count;
	char hash[HASH_HEX_SIZE];
	enum err e;

	/* What comes from the journal is not written to it. */
	s->journal = NULL;
	branch_init(&l.branch, s);
	journal_chain(j, &order, &count);
	atomic_store(&s->control->load_of, count);
	e = add_all(&l, order, count, progress, ctx);
	free(order);
	s->journal = log;
	/* Fork choice is a function of the blocks known, and each tip that was written was better than the one before. */
	if (e == OK && j->tip_height > 0 && !hash_equal(chain_hash(s, chain_tip(s)), &j->tip)) {
		hash_hex(hash, &j->tip);
		buf_printf(why, "%s ends in block %.16s, which is not there or not the best: the journal is damaged",
			   framelog_folder(j->log), hash);
		e = ERR_FORMAT;
	}
	return e;
}

void
store_use_logs(struct store *s, struct framelog *journal_take, struct framelog *pool_take)
{
	s->journal = journal_take;
	s->journal_frame = xmalloc(sizeof(*s->journal_frame));
	s->pool_log = pool_take;
}

struct framelog *
store_journal(struct store *s)
{
	return s->journal;
}

void
store_loaded(struct store *s, const struct log_place *place)
{
	journaling_start(s, place);
	atomic_store(&s->control->is_loaded, 1);
}

void
store_end_journal(struct store *s)
{
	struct log_place place = journaling_place(s);
	const struct pool_region *p = pool_at(s);

	if (s->journal == NULL || place.file == 0)
		return;
	/*
	 * A pool process that was killed in the midst of a walk, or before its log had what it gave back, or whose disk refused
	 * that: let a start look for it among lost blocks.
	 */
	if (atomic_load(&p->owed[0]) != 0 || atomic_load(&p->settled) != chain_tip(s).v || pool_has_unkept(s))
		return;
	journal_frame_begin(s->journal_frame);
	journal_frame_closed(s->journal_frame);
	(void)!framelog_append(s->journal, &place, &s->journal_frame->frame, true);
}

bool
store_wants_rebuild(const struct store *s)
{
	const struct control *c = s->control;
	uint64_t used = atomic_load(&c->end) - s->super->arena_at, dead = atomic_load(&c->dead);

	if (s->journal == NULL || !store_is_loaded(s))
		return false;
	return (used >= REBUILD_MIN && dead >= used / 4) || (atomic_load(&c->is_full) && dead >= used / 16);
}

bool
store_is_loaded(const struct store *s)
{
	return atomic_load_explicit(&s->control->is_loaded, memory_order_acquire) != 0;
}

void
store_load_progress(const struct store *s, uint32_t *done, uint32_t *of)
{
	*done = atomic_load(&s->control->load_done);
	*of = atomic_load(&s->control->load_of);
}

enum err
store_journal_err(const struct store *s)
{
	return (enum err)atomic_load(&pool_at(s)->journal_err);
}

struct log_place
store_journal_place(const struct store *s)
{
	return journaling_place(s);
}
