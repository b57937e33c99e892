/*
 * What is dropped counted for nothing already: replay ends at the last tip, and only its ancestors are read. Still it is
 * said how much it was, because a branch that lost here may be one that somebody looks for.
 */
#include "disk/compact.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "disk/journal_writer.h"
#include "util/failpoint.h"

bool
compact_is_worth(struct journal *j)
{
	uint64_t stale;

	if (FAILPOINT_FAILS("compact.worth"))
		return journal_stale_bytes(j) > 0;
	if (j->scan.bytes <= COMPACT_WORTH_BYTES)
		return false;
	stale = journal_stale_bytes(j);
	return stale > COMPACT_WORTH_BYTES && stale > j->scan.bytes / 2;
}

struct compacting {
	struct journal *journal;
	const uint32_t *order;
	uint32_t count;
	struct journal_writer writer;
	void (*progress)(void *ctx, uint32_t done, uint32_t of);
	void *ctx;
	struct buf *why;
};

static enum err
copy_block(struct compacting *c, uint32_t index)
{
	const struct journal_block *at = &c->journal->blocks[index];
	char name[FRAMELOG_NAME_SIZE];
	struct block b;
	enum err e = journal_block(c->journal, &b, index);

	if (e == OK && !hash_equal(&b.hash, &at->hash))
		e = ERR_FORMAT;
	if (e != OK) {
		framelog_name(name, at->file);
		buf_printf(c->why, "%s/%s: the block at byte %" PRIu64 " cannot be read: %s",
			   framelog_folder(c->journal->log), name, at->offset, err_text(e));
		return e;
	}
	if (!journal_writer_fits(&c->writer, b.size) && (e = journal_writer_flush(&c->writer, NULL)) != OK)
		return e;
	journal_writer_add(&c->writer, &b.hash, b.bytes, b.size);
	return OK;
}

static enum err
copy(struct compacting *c)
{
	struct head tip = {.hash = c->journal->tip, .height = c->journal->tip_height};
	enum err e = OK;

	for (uint32_t i = 0; i < c->count && e == OK; i++) {
		e = copy_block(c, c->order[i]);
		if (c->progress != NULL)
			c->progress(c->ctx, i + 1, c->count);
	}
	if (e != OK)
		return e;
	/* Whether the last run was stopped in order is still to be told. */
	if (c->journal->is_closed)
		return journal_writer_close(&c->writer, c->count > 0 ? &tip : NULL);
	return journal_writer_flush(&c->writer, c->count > 0 ? &tip : NULL);
}

static enum err
replace(struct compacting *c, struct compact_report *out)
{
	struct framelog *log = c->journal->log;
	struct log_place place = c->journal->scan.place;
	uint64_t start = place.position;
	enum err e = framelog_replace_begin(log, &place), end;

	if (e == OK) {
		journal_writer_init(&c->writer, log, &place);
		e = copy(c);
		place = c->writer.place;
		journal_writer_clear(&c->writer);
		end = framelog_replace_end(log, &place, e == OK);
		if (e == OK)
			e = end;
	}
	out->after = e == OK ? place.position - start : 0;
	if (e != OK && c->why->len == 0)
		buf_printf(c->why, "cannot write a new file in %s: %s; the journal is as it was", framelog_folder(log),
			   e == ERR_NOSPC ? "the disk has no room for a copy of the chain" : err_text(e));
	return e;
}

/* Does the chain go down to the genesis block? Otherwise what looks lost may be what is missing. */
static enum err
check_whole(struct compacting *c)
{
	struct journal *j = c->journal;
	struct block b;
	enum err e = OK;

	if (c->count > 0)
		e = journal_block(j, &b, c->order[0]);
	if (e == OK && (c->count != j->tip_height || (c->count > 0 && b.header.height != 1)))
		e = ERR_FORMAT;
	if (e == ERR_FORMAT)
		buf_printf(c->why,
			   "the journal in %s ends in block %" PRIu64
			   ", but not all blocks lead to it: nothing was dropped",
			   framelog_folder(j->log), j->tip_height);
	else if (e != OK)
		buf_printf(c->why, "cannot read the journal in %s: %s", framelog_folder(j->log), err_text(e));
	return e;
}

enum err
journal_compact(struct journal *j, struct compact_report *out, void (*progress)(void *ctx, uint32_t done, uint32_t of),
		void *ctx, struct buf *why)
{
	struct compacting c = {.journal = j, .progress = progress, .ctx = ctx, .why = why};
	uint32_t *order;
	enum err e;

	journal_chain(j, &order, &c.count);
	c.order = order;
	*out = (struct compact_report){.kept = c.count,
				       .dropped = j->count - c.count,
				       .dropped_bytes = journal_stale_bytes(j),
				       .bytes_before = j->scan.bytes};
	if ((e = check_whole(&c)) == OK)
		e = replace(&c, out);
	free(order);
	return e;
}
