/* Merkle trees as RFC 6962 section 2.1: leaf prefix 0x00, node prefix 0x01, no duplication. */
#ifndef RENSA_CHAIN_MERKLE_H
#define RENSA_CHAIN_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"

struct hash256 merkle_leaf(const void *data, size_t len);
/* The root over leaf hashes; leaves is overwritten. The empty tree has the hash of nothing, as the RFC says. */
struct hash256 merkle_root(struct hash256 *leaves, size_t count);

#define MERKLE_LEVELS 32 /* fewer than 2^32 leaves */

/*
 * The audit path of the leaf at index (section 2.1.1), from the leaf up: with these hashes whoever knows the leaf, its index
 * and count comes to the root. Returns how many there are; leaves is overwritten.
 */
size_t merkle_path(struct hash256 path[MERKLE_LEVELS], struct hash256 *leaves, size_t count, size_t index);

/* A tree that grows leaf by leaf, in fixed space: the roots of its full subtrees, one for each set bit of count. */
struct merkle {
	struct hash256 full[MERKLE_LEVELS];
	uint32_t count;
};

void merkle_init(struct merkle *m);
void merkle_add(struct merkle *m, const struct hash256 *leaf);
struct hash256 merkle_top(const struct merkle *m); /* the root so far */

#endif
