/*
 * Where a listener of GET /events stands, as a text that it gives back after a break (the `id` of server-sent events):
 *
 *     HEAD-LIFE-ARRIVAL-GONE-TIME
 *
 * HEAD, 64 hexadecimal digits, is the last block told. ARRIVAL and GONE, decimal, number what came into the pool and what
 * it dropped; they mean something in one life of the segment only, which LIFE, 8 hexadecimal digits, names. TIME, decimal
 * milliseconds of the wall clock, is for everything else: what was there then has been told.
 *
 * HEAD alone is a place too: after this block, and otherwise from now on.
 */
#ifndef RENSA_SRC_API_EVENT_CURSOR_H
#define RENSA_SRC_API_EVENT_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "util/attr.h"
#include "util/buf.h"

struct event_cursor {
	struct hash256 head;
	bool is_head_only; /* the rest was not given */
	uint32_t life;
	uint64_t arrival; /* next to be told */
	uint64_t gone;	  /* next to be told */
	uint64_t time_ms;
};

void event_cursor_write(struct buf *out, const struct event_cursor *c);
/* False: it is none. */
bool event_cursor_read(struct event_cursor *out, const char *text) MUSTCHECK;

#endif
