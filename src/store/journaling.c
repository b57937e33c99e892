/*
 * A block is on the disk before the chain ends in it. A commit writes one frame that holds the blocks the journal lacks
 * and the new tip, and syncs it; then the mark moves on, in one store, and that is the moment from which on the commit
 * has happened:
 *
 *	death before	the mark still says where that frame began; the next writer writes its own there. Repair undoes
 *	death after	the tip entry on disk names the block that the repair words name; repair completes
 *
 * The same if all die at once: replay ends at the last tip entry that is whole.
 *
 * The mark has several words, so there are two of them and a number that says which one counts.
 */
#include "journaling.h"

#include <string.h>

#include "store/commit.h"
#include "store/tally.h"
#include "util/clock.h"
#include "util/failpoint.h"

static const struct journal_mark *
mark_of(const struct store *s)
{
	const struct control *c = s->control;

	return &c->marks[atomic_load_explicit(&c->mark, memory_order_acquire) % 2];
}

static void
mark_set(struct store *s, const struct log_place *place, uint64_t tip)
{
	struct control *c = s->control;
	uint64_t next = atomic_load_explicit(&c->mark, memory_order_relaxed) + 1;

	c->marks[next % 2] = (struct journal_mark){*place, tip};
	atomic_store_explicit(&c->mark, next, memory_order_release);
}

bool
journaling_has_tip(const struct store *s, struct blockref tip)
{
	return mark_of(s)->tip == tip.v;
}

struct log_place
journaling_place(const struct store *s)
{
	return mark_of(s)->place;
}

void
journaling_start(struct store *s, const struct log_place *place)
{
	mark_set(s, place, chain_tip(s).v);
}

static bool
is_journaled(const struct store *s, struct blockref ref)
{
	return (atomic_load_explicit(&block_at(s, ref.v)->flags, memory_order_acquire) & BLOCK_JOURNALED) != 0;
}

/* The lowest of the blocks up to tip that the journal lacks; tip itself comes into question. Their height's end: none. */
static uint64_t
first_missing(const struct store *s, struct blockref tip)
{
	struct blockref ref = tip;

	while (ref.v != 0 && !is_journaled(s, ref))
		ref = chain_parent(s, ref);
	return ref.v == 0 ? 1 : chain_height(s, ref) + 1;
}

/* Puts blocks from a height on into the frame, as many as there is room for. */
static uint64_t
fill(struct store *s, struct blockref tip, uint64_t from)
{
	struct blockref refs[JOURNAL_BLOCKS_MAX];
	size_t count = chain_window(s, tip, from, refs, JOURNAL_BLOCKS_MAX), i = 0;

	journal_frame_begin(s->journal_frame);
	for (; i < count; i++) {
		const struct block_rec *r = block_at(s, refs[i].v);
		if (!journal_frame_block(s->journal_frame, &r->hash, r->bytes, r->size))
			break;
	}
	return from + i;
}

static void
set_journaled(struct store *s, struct blockref tip, uint64_t from, uint64_t end)
{
	while (end-- > from) {
		tip = chain_at(s, tip, end);
		atomic_fetch_or_explicit(&block_at(s, tip.v)->flags, BLOCK_JOURNALED, memory_order_release);
	}
}

/* On failure the tip stays, but where a failed sync has left the place is kept: nothing may be written there again. */
static enum err
append(struct store *s, uint64_t tip, bool is_vital)
{
	struct control *c = s->control;
	struct log_place place = journaling_place(s);
	uint64_t since_us = clock_mono_us();
	enum err e;

	/* The watchdog spares who owns the lock and waits for the disk. */
	atomic_store(&c->in_sync_wait, 1);
	e = framelog_append(s->journal, &place, &s->journal_frame->frame, is_vital);
	tally_took(s, TALLY_JOURNAL_SYNC, clock_mono_us() - since_us);
	FAILPOINT("journal.before-mark");
	mark_set(s, &place, e == OK ? tip : mark_of(s)->tip);
	atomic_store(&c->in_sync_wait, 0);
	atomic_store(&pool_at(s)->journal_err, e);
	FAILPOINT("journal.after-mark");
	return e;
}

enum err
journaling_commit(struct store *s, struct blockref tip)
{
	uint64_t from, end;
	const struct block_rec *r = block_at(s, tip.v);
	struct log_place place = journaling_place(s);
	enum err e;

	if (s->journal == NULL) {
		mark_set(s, &place, tip.v);
		return OK;
	}
	from = first_missing(s, tip);
	end = fill(s, tip, from);
	/* Branches too large for one frame are staged by their owner beforehand. */
	if (end <= r->height)
		return ERR_LIMIT;
	journal_frame_tip(s->journal_frame, &r->hash, r->height);
	if ((e = append(s, tip.v, from > r->height)) == OK)
		set_journaled(s, tip, from, end);
	return e;
}

enum err
store_stage_journal(struct store *s, struct blockref tip, bool *is_done)
{
	uint64_t from, end;
	enum err e;

	*is_done = true;
	if (s->journal == NULL)
		return OK;
	from = first_missing(s, tip);
	end = fill(s, tip, from);
	if (end > chain_height(s, tip))
		return OK;
	if ((e = append(s, mark_of(s)->tip, false)) != OK)
		return e;
	set_journaled(s, tip, from, end);
	*is_done = false;
	return OK;
}
