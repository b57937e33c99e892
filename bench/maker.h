/*
 * What the programs that measure stand on: a chain that is made block by block out of nothing, with real signatures and
 * proofs of work, and rows of results.
 */
#ifndef RENSA_BENCH_MAKER_H
#define RENSA_BENCH_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/header_chain.h"
#include "chain/params.h"
#include "chain/tx.h"
#include "crypto/key.h"
#include "util/buf.h"

#define SENDERS 100

struct person {
	struct seckey secret;
	struct pubkey key;
	struct address address;
	uint64_t sequence; /* of the next transfer */
};

/* Rewards go to the people in turn, and from the time that each has one they send one another a unit at a time. */
struct maker {
	struct params params;
	struct hash256 network;
	struct header_state state; /* behind the last block */
	struct person people[SENDERS];
	uint64_t supply;
	struct buf body, block;
};

/* The default network, but with difficulty 0 and fixed targets. */
void maker_params(struct params *p);
void maker_init(struct maker *m);
/* The same on a network of another difficulty, in leading zero bits. */
void maker_init_at(struct maker *m, uint32_t difficulty);
void maker_clear(struct maker *m);
/* The next transfer of the n-th person to the one after. */
void maker_sign(struct maker *m, struct tx *tx, uint32_t n);
/* The next block, with so many transfers once everybody has coins. Its bytes are good until the next call. */
void maker_next(struct maker *m, uint64_t transfers, struct block *out);

/* Ends the program if it is not fine. */
void must(bool is_fine, const char *what);

#define ROUNDS_MAX 7
/*
 * Prints a row of JSON: medians over the rounds, and the ratio of ours to the yardstick, turned over for a cost, so that
 * more is always better. It holds when the median ratio is within its spread (between the quartiles) of the mark. The
 * same figures make the same row in bench/kit.py.
 */
void row_print(const char *name, const double *ours, const double *yardstick, int rounds, const char *unit, double mark,
	       bool is_cost);

#endif
