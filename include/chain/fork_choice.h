/*
 * Which head wins. A pure function of the two: most accumulated work; on equal work the lower hash, so that nodes which
 * know the same blocks agree.
 */
#ifndef RENSA_CHAIN_FORK_CHOICE_H
#define RENSA_CHAIN_FORK_CHOICE_H

#include <stdbool.h>

#include "chain/u256.h"
#include "crypto/hash.h"

struct head {
	struct hash256 hash;
	struct u256 work;
	uint64_t height;
};

/* True if a node whose head is `ours` must move to `theirs`. */
bool head_is_better(const struct head *theirs, const struct head *ours);

#endif
