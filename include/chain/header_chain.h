/*
 * The rules of headers alone: everything about a branch that can be judged before a single body is fetched.
 */
#ifndef RENSA_CHAIN_HEADER_CHAIN_H
#define RENSA_CHAIN_HEADER_CHAIN_H

#include <stdint.h>

#include "chain/block.h"
#include "chain/params.h"
#include "chain/rule.h"
#include "chain/u256.h"

/* What the next header is judged against: a block and the times around it. A value; copy it to fork. */
struct header_state {
	struct header header; /* the last one accepted */
	struct hash256 hash;
	struct u256 work;		/* accumulated, this block's included; genesis counts 0 */
	uint64_t times_ms[MEDIAN_SPAN]; /* times of the last blocks up to this one, in ring order */
	uint32_t times;			/* how many of them are set: min(height + 1, MEDIAN_SPAN) */
	uint32_t at;			/* where the next one goes */
};

/* The state after the genesis block. */
void header_state_genesis(struct header_state *s, const struct params *p);
/*
 * The state at a block deep in a chain: times of the last `count` blocks up to and including it, oldest first
 * (count = min(height + 1, MEDIAN_SPAN)).
 */
void header_state_at(struct header_state *s, const struct header *h, const struct hash256 *hash,
		     const struct u256 *work, const uint64_t *times_ms, uint32_t count);
uint64_t header_state_median_ms(const struct header_state *s);

/* Judges h (with its hash) as the child of s, in the order of docs/protocol.md. The clock is not looked at. */
enum rule header_check(const struct header_state *s, const struct header *h, const struct hash256 *hash,
		       const struct params *p) MUSTCHECK;
/* RULE_TIME_TOO_NEW if h is more than TIME_AHEAD_MS ahead of now_ms. Not for good: try again later. */
enum rule header_check_clock(const struct header *h, uint64_t now_ms) MUSTCHECK;
/* Moves s on to h, which header_check accepted. */
void header_state_advance(struct header_state *s, const struct header *h, const struct hash256 *hash);

#endif
