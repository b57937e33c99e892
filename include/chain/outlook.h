/*
 * When the next block can be expected, as far as that can be known: the pace of the last blocks, by work and time, is
 * taken for the power of all miners together. Silence since the last one counts, so that an estimate made before the
 * miners went away does not stay.
 */
#ifndef RENSA_CHAIN_OUTLOOK_H
#define RENSA_CHAIN_OUTLOOK_H

#include <stdint.h>

#include "chain/header_chain.h"

/* Fewer would jump about, more would notice late that miners came or went. */
#define OUTLOOK_BLOCKS 20

/* Tries and tries a second; 0 where nothing is known. */
struct outlook {
	double needed;	    /* by a block at the target of this moment, in the mean */
	double pace;	    /* of the last blocks */
	double expected_ms; /* until the next block, in the mean, if all stays as it is */
};

/*
 * tip: the last block; work: of the blocks after the one that has past_ms as its time, up to the tip; 0: there are
 * none. own_pace: what our miner does itself; if it is more than the blocks tell, it counts.
 */
struct outlook outlook_at(const struct params *p, const struct header *tip, double work, uint64_t past_ms,
			  double own_pace, uint64_t now_ms);

#endif
