/* Rewriting a journal without the blocks of lost branches. Nobody else may have it open. */
#ifndef RENSA_DISK_COMPACT_H
#define RENSA_DISK_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include "disk/journal.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define COMPACT_WORTH_BYTES (UINT64_C(64) << 20)

struct compact_report {
	uint32_t kept, dropped;	      /* blocks */
	uint64_t dropped_bytes;	      /* of blocks */
	uint64_t bytes_before, after; /* of all frames */
};

/* Do blocks of lost branches take more than half of it, and COMPACT_WORTH_BYTES? */
bool compact_is_worth(struct journal *j);
/*
 * j is an open journal, checked whole. In one step the new file replaces the old ones: before it they are all that
 * counts, behind it the new one is. Close j afterwards and open it anew. ERR_FORMAT: the chain does not reach down to the
 * genesis block, so nothing may be dropped; ERR_NOSPC: the disk has no room for a copy of the chain; ERR_IO, ERR_PERM.
 * progress may be NULL.
 */
enum err journal_compact(struct journal *j, struct compact_report *out,
			 void (*progress)(void *ctx, uint32_t done, uint32_t of), void *ctx, struct buf *why) MUSTCHECK;

#endif
