/*
 * Writing many blocks to a journal: collects them into frames. For whoever has the folder's lock, or a folder that nobody
 * else knows yet; a running node writes frames of its own.
 */
#ifndef RENSA_DISK_JOURNAL_WRITER_H
#define RENSA_DISK_JOURNAL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/fork_choice.h"
#include "disk/journal.h"
#include "util/attr.h"
#include "util/err.h"

struct journal_writer {
	struct framelog *log; /* borrowed */
	struct log_place place;
	struct journal_frame frame;
	uint8_t *held; /* the bytes of the frame's blocks */
	size_t used;
};

void journal_writer_init(struct journal_writer *w, struct framelog *log, const struct log_place *place);
void journal_writer_clear(struct journal_writer *w);
/* Will a block of that size go into the frame in the making? If not, flush first. An empty one takes any block. */
bool journal_writer_fits(const struct journal_writer *w, size_t size);
/* Copies the block, which fits. */
void journal_writer_add(struct journal_writer *w, const struct hash256 *hash, const void *bytes, size_t size);
/* Writes and syncs the frame, with the tip (may be NULL) behind its blocks; nothing if it is empty. As framelog_append. */
enum err journal_writer_flush(struct journal_writer *w, const struct head *tip) MUSTCHECK;
/* Flushes, and notes that all is in order: the next start has nothing to wonder about. */
enum err journal_writer_close(struct journal_writer *w, const struct head *tip) MUSTCHECK;

#endif
