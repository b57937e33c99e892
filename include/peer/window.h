/*
 * The window of a fetch: which bodies of a branch are asked of whom, and which are here and wait for their judgement.
 * Bodies are named by height. Spans of them lie in order and without gaps, so what is judged next is always the first
 * span's; and what nobody delivers holds up the window, never memory.
 *
 *	wanted   nobody is asked for it: given back by somebody who had no answer
 *	asked    one or two are; the second when the first was late
 *	here     bodies of one giver, as many as the span has
 *
 * The bytes here and the replies that may still come are bounded by WINDOW_BYTES, beside one reply of each that is
 * asked second. Pure: no clock, no network.
 */
#ifndef RENSA_PEER_WINDOW_H
#define RENSA_PEER_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "util/buf.h"

#define WINDOW_SPANS 8
#define WINDOW_BYTES (32u << 20)
#define SPAN_ASKED 2
#define NOBODY (-1)

struct span {
	uint64_t from; /* height of the first body */
	uint32_t count;
	uint32_t judged; /* so many of them are done with */
	bool is_here;
	int asked[SPAN_ASKED]; /* numbers of peers, or NOBODY */
	uint64_t since_ms;     /* when it was asked of somebody last */
	int giver;
	struct buf bytes;     /* the reply */
	struct block *blocks; /* parsed, borrowing from bytes */
};

struct window {
	struct span spans[2 * WINDOW_SPANS]; /* replies that are shorter than what was asked for split some */
	size_t count;
	uint64_t next; /* height behind the last span */
	size_t reply_max;
};

/* reply_max: bytes that one reply may have. */
void window_init(struct window *w, size_t reply_max);
void window_clear(struct window *w);
/* Empties it; the first span begins at that height. */
void window_begin(struct window *w, uint64_t from);

/*
 * What to ask of peer `who` now, none of it beginning at height `end` or above: something that was given back; else at
 * most `share` new bodies, if there is room; else what somebody else was asked for late_ms ago or before. NULL: nothing.
 * It counts as asked of him.
 */
struct span *window_assign(struct window *w, int who, uint32_t share, uint64_t end, uint64_t now_ms, uint64_t late_ms);
/* The span that he is asked for; NULL: none, or somebody else was faster. */
struct span *window_asked(struct window *w, int who);
/* He is asked for nothing any more. */
void window_release(struct window *w, int who);
/*
 * His reply brought the first `count` bodies of the span, at least one: it is here, and nobody is asked for it any
 * more. The rest of it is wanted again. Takes bytes and blocks over, leaving *bytes empty.
 */
void window_fill(struct window *w, struct span *span, int who, uint32_t count, struct buf *bytes, struct block *blocks);

/* The first span if it is here; NULL otherwise. */
struct span *window_first(struct window *w);
/* The body at that height if it is here; NULL otherwise. */
const struct block *window_block(const struct window *w, uint64_t height);
/* The first span is done with. */
void window_shift(struct window *w);
/* What was not judged of the first span is no good: wanted again. */
void window_reject(struct window *w);

#endif
