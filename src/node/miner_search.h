/*
 * The search for the proof of work of a draft: see miner_search.c.
 */
#ifndef RENSA_NODE_MINER_SEARCH_H
#define RENSA_NODE_MINER_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/headerhash.h"
#include "miner_draft.h"
#include "spare.h"

/* Tries of a draft. */
struct slice {
	uint8_t header[HEADERHASH_INPUT_SIZE];
	struct hash256 target;
	uint64_t first;
	uint64_t count;
	bool is_found;
	uint64_t nonce;
	uint64_t tries; /* done */
};

/* A slice that the spare thread was at is over; of a draft that is no more, nothing is found. */
typedef void search_over(void *ctx, const struct slice *done, uint64_t cpu_us);

struct search {
	struct spare *spare; /* the miner's */
	search_over *over;
	void *ctx;
	uint64_t slice_us; /* processor time of a slice */
	uint64_t turn_us;  /* how often it is looked at what the search gets */
	uint32_t percent;  /* of a core that it may have */
	uint64_t slice_tries;
	bool has_way;	  /* of searching: chosen when there is first something to search for */
	struct slice out; /* the spare thread's while is_out */
	bool is_out;
	uint64_t own_cpu_us; /* what this thread has spent on it, in all */
	uint64_t looked_us;  /* monotonic: the last look; 0: none since the search began … */
	uint64_t had_us;     /* … and what both threads had spent then */
	bool is_starved;
};

/* The caller then sets slice_us, turn_us and percent. */
void search_init(struct search *s, struct spare *spare, search_over *over, void *ctx);
/* There is nothing to search for any more. */
void search_end(struct search *s);
/* Whatever is out is of a draft that is no more. */
void search_drop(struct search *s);
/* Now and then: what does it get? */
void search_look(struct search *s);
/* Until the next look; 0: it is time, or this thread has to do a slice. */
uint64_t search_patience_us(const struct search *s);
/* The next slice. True: this thread has done it. False: the spare thread is at it, or at something else. */
bool search_step(struct search *s, struct slice *done, struct draft *d);

#endif
