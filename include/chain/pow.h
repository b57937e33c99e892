/*
 * Proof of work: compact targets, work, and the retarget rule (docs/protocol.md, "Difficulty").
 */
#ifndef RENSA_CHAIN_POW_H
#define RENSA_CHAIN_POW_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/params.h"
#include "chain/u256.h"
#include "crypto/hash.h"

/*
 * A compact target is an exponent byte e (3 to 32) and below it a 24-bit mantissa m: m * 256^(e - 3). Canonical: m has
 * its top byte set unless e is 3, so each value has one form. Zero is never a target.
 */
bool target_expand(struct u256 *out, uint32_t compact) MUSTCHECK; /* false: not canonical, zero, or above 2^256 - 1 */
uint32_t target_compact(const struct u256 *target);		  /* rounds down */
uint32_t target_easiest(const struct params *p);		  /* from `difficulty` leading zero bits */
struct u256 target_work(uint32_t compact);			  /* 2^256 / (target + 1): tries a block is worth */
bool target_is_met(uint32_t compact, const struct hash256 *hash);

/*
 * The target of a block with time time_ms on a parent with parent_height, parent_compact and parent_time_ms:
 * parent's * 2^((t - t_parent - T) / 60T), never easier than `difficulty`. Block 1 has the easiest target.
 */
uint32_t target_next(const struct params *p, uint64_t parent_height, uint32_t parent_compact, uint64_t parent_time_ms,
		     uint64_t time_ms);
/* The factor in it: 2^63 * 2^(fraction / 2^32), rounded as the protocol says. */
uint64_t target_factor(uint32_t fraction);

#endif
