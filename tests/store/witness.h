/*
 * Recomputes what the store says from the blocks' bytes alone: links, indexes, accounts, supply, the pool. Fails the
 * test where the two differ.
 */
#ifndef RENSA_TESTS_STORE_WITNESS_H
#define RENSA_TESTS_STORE_WITNESS_H

#include "chain_maker.h"

/* Accounts as of one block. */
struct book {
	struct account of[PEOPLE];
	uint64_t supply;
};

/* Every block from genesis to tip by parent links alone; refs is the caller's, to be freed. Returns height + 1. */
size_t witness_walk(const struct store *s, struct blockref tip, struct blockref **refs);
/* Adds block refs[height] to the book of its parent. */
void witness_apply(const struct store *s, const struct blockref *refs, uint64_t height, struct book *b);
/* Links, heights, work, supply, merkle roots, jumps, look-ups by hash, height and id, accounts at the tip. */
void witness_chain(const struct store *s);
/* And every account at every height; at 2000 of them if there are more. */
void witness_accounts(const struct store *s);
/*
 * The pool by itself and against the chain, once it has settled: walks and look-ups agree, nothing in it is mined,
 * each sender's transfers go on from its account and can be paid, the right ones wait.
 */
void witness_pool(const struct store *s);

#endif
