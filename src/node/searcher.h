/*
 * A thread that searches for proofs of work while nobody else on this machine wants the core: see searcher.c.
 */
#ifndef RENSA_NODE_SEARCHER_H
#define RENSA_NODE_SEARCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/headerhash.h"
#include "net/loop.h"

struct searcher;

/* What came of a piece of work. */
struct search_result {
	bool is_found; /* not if the piece was dropped */
	uint64_t nonce;
	uint64_t tries; /* done, also of a piece that was dropped */
	uint64_t cpu_us;
};

typedef void searcher_over(void *ctx, const struct search_result *r);

/* over is called in the loop when a piece is done or was left off. NULL: there can be no thread. */
struct searcher *searcher_new(struct loop *l, searcher_over *over, void *ctx);
void searcher_free(struct searcher *s); /* NULL is fine; over is not called any more */

/* A piece of work, as for headerhash_search. False: the one before is not over. */
bool searcher_begin(struct searcher *s, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target,
		    uint64_t first, uint64_t count);
bool searcher_is_out(const struct searcher *s); /* a piece has begun and is not over; NULL: never */
/* What it is at, if anything, is worth nothing any more: it soon leaves off. */
void searcher_drop(struct searcher *s); /* NULL is fine */
/* Processor time spent on all pieces so far, to within a bit of one; of NULL: none. */
uint64_t searcher_cpu_us(const struct searcher *s);

#endif
