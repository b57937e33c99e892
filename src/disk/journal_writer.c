#include "disk/journal_writer.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define HELD_MAX (BLOCK_BYTES_LIMIT + (1u << 20))

void
journal_writer_init(struct journal_writer *w, struct framelog *log, const struct log_place *place)
{
	w->log = log;
	w->place = *place;
	w->held = xmalloc(HELD_MAX);
	w->used = 0;
	journal_frame_begin(&w->frame);
}

void
journal_writer_clear(struct journal_writer *w)
{
	free(w->held);
	w->held = NULL;
}

bool
journal_writer_fits(const struct journal_writer *w, size_t size)
{
	return w->frame.blocks < JOURNAL_BLOCKS_MAX && size <= HELD_MAX - w->used;
}

void
journal_writer_add(struct journal_writer *w, const struct hash256 *hash, const void *bytes, size_t size)
{
	memcpy(w->held + w->used, bytes, size);
	/* HELD_MAX and the blocks' heads are less than a frame, so this cannot fail for what fits. */
	(void)!journal_frame_block(&w->frame, hash, w->held + w->used, size);
	w->used += size;
}

enum err
journal_writer_flush(struct journal_writer *w, const struct head *tip)
{
	enum err e = OK;

	if (tip != NULL)
		journal_frame_tip(&w->frame, &tip->hash, tip->height);
	if (!journal_frame_is_empty(&w->frame))
		e = framelog_append(w->log, &w->place, &w->frame.frame, false);
	journal_frame_begin(&w->frame);
	w->used = 0;
	return e;
}

enum err
journal_writer_close(struct journal_writer *w, const struct head *tip)
{
	enum err e = journal_writer_flush(w, tip);

	if (e != OK)
		return e;
	journal_frame_closed(&w->frame);
	return journal_writer_flush(w, NULL);
}
