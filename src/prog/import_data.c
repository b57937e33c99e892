/*
 * Into a folder. Blocks are written behind what the journal has, like those of a branch that a node fetches: they count
 * from the moment on in which a tip entry behind them names a better chain than the one there was. From then on every
 * frame has one, so whatever cuts the import short, what is in the journal is the best chain so far.
 *
 * The transfers of blocks that lose their place go to the pool's log: the node takes back what the new chain allows.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "disk/journal_writer.h"
#include "disk/poollog.h"
#include "prog/folder.h"
#include "prog/import.h"
#include "prog/source.h"
#include "util/clock.h"
#include "util/mem.h"

#define POOL_PAYLOAD (1u << 20)

struct into_folder {
	struct import *m;
	struct folder f;
	struct journal_writer writer;
	uint32_t *order, count; /* the chain that was there */
	struct head ours;	/* its head */
	uint64_t shared;	/* its blocks up to this height are in the file too */
	uint64_t pending;	/* blocks that no tip counts yet */
	bool has_failed;	/* the journal cannot be written: nothing more is tried */
};

static bool
is_there(void *ctx, const struct hash256 *hash, uint64_t height)
{
	struct into_folder *t = ctx;

	(void)height;
	return t->f.journal.count > 0 && journal_find(&t->f.journal, hash) != JOURNAL_NONE;
}

static enum cli_exit
fail_write(struct into_folder *t, enum err e)
{
	t->has_failed = true;
	return cli_fail(t->m->cli, CLI_LOCAL, e == ERR_NOSPC ? "disk-full" : "local-file",
			"cannot write the journal of %s: %s; it holds the chain up to block %" PRIu64, t->f.path,
			err_text(e), t->m->after.height);
}

/* What was collected is written; if the chain so far wins, it is the chain from now on. */
static enum cli_exit
flush(struct into_folder *t, bool is_last)
{
	struct head tip = replay_tip(t->m->replay);
	bool wins = head_is_better(&tip, &t->m->after);
	enum err e;

	if (!wins && is_last)
		return CLI_DONE;
	if (is_last)
		e = journal_writer_close(&t->writer, &tip);
	else
		e = journal_writer_flush(&t->writer, wins ? &tip : NULL);
	if (e != OK)
		return fail_write(t, e);
	if (wins) {
		t->m->after = tip;
		t->m->imported += t->pending;
		t->pending = 0;
	}
	return CLI_DONE;
}

static enum cli_exit
take(struct into_folder *t, const struct block *b)
{
	struct import *m = t->m;
	enum cli_exit ret = CLI_DONE;

	if (is_there(t, &b->hash, b->header.height)) {
		m->known++;
		if (b->header.height <= t->count &&
		    hash_equal(&t->f.journal.blocks[t->order[b->header.height - 1]].hash, &b->hash))
			t->shared = b->header.height;
		return CLI_DONE;
	}
	journal_writer_add(&t->writer, &b->hash, b->bytes, b->size);
	t->pending++;
	if (!journal_writer_fits(&t->writer, m->file.head.params.max_block_bytes))
		ret = flush(t, false);
	return ret;
}

/* Does the file promise anything better? *is_done: there is nothing to do, and why was said. */
static enum cli_exit
compare(struct into_folder *t, bool *is_done)
{
	const struct head *theirs = &t->m->file.head.tip;
	struct cli *c = t->m->cli;

	*is_done = true;
	if (hash_equal(&theirs->hash, &t->ours.hash) ||
	    (theirs->height <= t->count && theirs->height > 0 &&
	     hash_equal(&t->f.journal.blocks[t->order[theirs->height - 1]].hash, &theirs->hash)) ||
	    theirs->height == 0) {
		t->m->known = theirs->height;
		cli_say(c, "nothing to do: %s has all of it", t->f.path);
		return CLI_DONE;
	}
	if (!head_is_better(theirs, &t->ours))
		return cli_fail(c, CLI_REFUSED, "less-work",
				"nothing was imported: the chain in %s (height %" PRIu64
				") has less work than another one that is in %s (height %" PRIu64
				"), or as much and loses the tie",
				t->m->file.name, theirs->height, t->f.path, t->ours.height);
	*is_done = false;
	return CLI_DONE;
}

static enum cli_exit
read_all(struct into_folder *t)
{
	struct block b;
	bool is_end = false;
	enum cli_exit ret = CLI_DONE, end;

	while (ret == CLI_DONE) {
		ret = import_next(t->m, &b, &is_end, is_there, t);
		if (is_end || ret != CLI_DONE)
			break;
		ret = take(t, &b);
	}
	if (t->has_failed)
		return ret;
	/* A file that is damaged, or breaks a rule, is good up to there. */
	end = flush(t, true);
	return end != CLI_DONE ? end : ret;
}

static enum err
put_transfers(struct into_folder *t, struct log_place *place, struct buf *payload, const struct block *b)
{
	struct block_iter it = block_txs(b);
	struct frame frame;
	enum err e = OK;
	enum rule rule;
	struct tx tx;

	while (e == OK && block_next(&it, &tx, &rule)) {
		if (tx.version != TX_TRANSFER)
			continue;
		poollog_put(payload, &(struct poollog_entry){clock_wall_ms(), false, it.bytes, it.size});
		if (payload->len < POOL_PAYLOAD)
			continue;
		frame_begin(&frame);
		e = frame_add(&frame, payload->data, payload->len)
			? framelog_append(t->f.pool_log, place, &frame, false)
			: ERR_LIMIT;
		buf_reset(payload);
	}
	return e;
}

static enum err
pass_over(void *ctx, const struct poollog_entry *e)
{
	(void)ctx;
	(void)e;
	return OK;
}

/* The transfers of blocks that were on the chain and are not any more. */
static enum cli_exit
return_transfers(struct into_folder *t)
{
	struct framelog_scan scan;
	struct buf payload, why;
	struct frame frame;
	struct block b;
	enum err e;

	if (t->shared >= t->count || !head_is_better(&t->m->after, &t->ours))
		return CLI_DONE;
	buf_init(&payload);
	buf_init(&why);
	e = poollog_read(t->f.pool_log, &scan, true, pass_over, NULL, &why);
	for (uint64_t i = t->shared; i < t->count && e == OK; i++)
		if ((e = journal_block(&t->f.journal, &b, t->order[i])) == OK)
			e = put_transfers(t, &scan.place, &payload, &b);
	if (e == OK && payload.len > 0) {
		frame_begin(&frame);
		e = frame_add(&frame, payload.data, payload.len)
			? framelog_append(t->f.pool_log, &scan.place, &frame, false)
			: ERR_LIMIT;
	}
	cli_say(t->m->cli,
		"%" PRIu64 " blocks of the chain that was there lost their place; their transfers wait in the pool",
		t->count - t->shared);
	if (e != OK)
		cli_say(t->m->cli, "note: not all of them, since the pool's log cannot be written: %s",
			why.len > 0 ? why.data : err_text(e));
	buf_clear(&payload);
	buf_clear(&why);
	return CLI_DONE;
}

static enum cli_exit
begin(struct into_folder *t, const char *data)
{
	enum cli_exit ret = folder_lock(&t->f, t->m->cli, data, &t->m->file.head.params);

	if (ret == CLI_DONE)
		ret = folder_read(&t->f);
	if (ret != CLI_DONE)
		return ret;
	journal_chain(&t->f.journal, &t->order, &t->count);
	ret = source_head(&t->f, &t->ours, t->order, t->count);
	t->m->before = t->ours.height;
	t->m->after = t->ours;
	return ret;
}

enum cli_exit
import_data(struct import *m, const char *data)
{
	struct into_folder t = {.m = m};
	bool is_done = true;
	enum cli_exit ret = begin(&t, data);

	journal_writer_init(&t.writer, t.f.journal_log, &t.f.journal.scan.place);
	if (ret == CLI_DONE)
		ret = compare(&t, &is_done);
	if (!is_done) {
		ret = read_all(&t);
		(void)!return_transfers(&t);
		/* Good blocks, but too few of them. */
		if (ret != CLI_DONE && !head_is_better(&m->after, &t.ours))
			cli_say(m->cli, "nothing was imported: what is good of %s has not more work than what is there",
				m->file.name);
	}
	journal_writer_clear(&t.writer);
	free(t.order);
	folder_close(&t.f);
	return ret;
}
