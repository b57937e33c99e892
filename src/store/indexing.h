/*
 * New blocks and their transactions into the tries, once in each record's life. Private to the store; under the lock.
 */
#ifndef RENSA_STORE_INDEXING_H
#define RENSA_STORE_INDEXING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/chain.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

#define INDEXING_BATCH 64

struct indexing {
	struct store *store;
	struct indexing_leaf {
		uint64_t leaf;
		uint64_t block;
		bool is_tx;
		bool is_last;	  /* of its block */
	} leaves[INDEXING_BATCH]; /* to be linked */
	size_t count;
};

void indexing_begin(struct indexing *x, struct store *s);
/*
 * The block with everything in it, if it is not there yet; some of it is linked only at the end. ERR_NOSPC, and it may be
 * tried again. Memory for it is what index_cost says, promised when the block was staged.
 */
enum err indexing_add(struct indexing *x, struct blockref ref) MUSTCHECK;
enum err indexing_end(struct indexing *x) MUSTCHECK;

/* What indexing a block of so many transactions takes at most: nodes, for its leaves lie with it. */
uint64_t index_cost(uint64_t tx_count);
/* The block was indexed, or never will be: the memory kept for that may serve others. */
void index_promise_ends(struct store *s, uint32_t tx_count);

#endif
