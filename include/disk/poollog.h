/*
 * The pool's log: a framed log of transfers that were let in, each before its sender heard so (docs/protocol.md,
 * "Files"). It says nothing of those that left: a start lets in what still fits the chain. When most of it is history,
 * the pool process replaces it by what is pending.
 */
#ifndef RENSA_DISK_POOLLOG_H
#define RENSA_DISK_POOLLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk/framelog.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define POOLLOG_FOLDER "pool" /* in the data folder */
#define POOLLOG_FILE_MAX (UINT64_C(16) << 20)
#define POOLLOG_STEP (UINT64_C(1) << 20)
/* The whole step: clients wait for each sync, and one in which the file system has more to note than bytes is far slower. */
#define POOLLOG_FILL POOLLOG_STEP

struct poollog_entry {
	uint64_t received_ms; /* wall clock */
	bool from_client;
	const uint8_t *bytes; /* the canonical transfer, borrowed */
	size_t size;	      /* at most TX_SIZE_MAX */
};

/* Appends an entry to a payload in the making. */
void poollog_put(struct buf *payload, const struct poollog_entry *e);
/* What one entry adds to a payload at most. */
#define POOLLOG_ENTRY_MAX (5 + 9 + TX_SIZE_MAX)

/* In the order of writing; not OK ends the reading. The rest as framelog_scan. */
typedef enum err poollog_visit(void *ctx, const struct poollog_entry *e);
enum err poollog_read(struct framelog *l, struct framelog_scan *out, bool may_mend, poollog_visit *visit, void *ctx,
		      struct buf *why) MUSTCHECK;

#endif
