/* Hashes of blocks that broke a rule, so that they and what descends from them are not fetched again. Bounded: the
 * oldest go. */
#ifndef RENSA_NODE_BAD_BLOCKS_H
#define RENSA_NODE_BAD_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"

#define BAD_BLOCKS_MAX 1024

struct bad_blocks {
	struct hash256 hashes[BAD_BLOCKS_MAX];
	uint64_t count; /* ever remembered */
};

static inline bool
bad_blocks_has(const struct bad_blocks *b, const struct hash256 *hash)
{
	uint64_t n = b->count < BAD_BLOCKS_MAX ? b->count : BAD_BLOCKS_MAX;

	for (uint64_t i = 0; i < n; i++)
		if (hash_equal(&b->hashes[i], hash))
			return true;
	return false;
}

static inline void
bad_blocks_add(struct bad_blocks *b, const struct hash256 *hash)
{
	if (!bad_blocks_has(b, hash))
		b->hashes[b->count++ % BAD_BLOCKS_MAX] = *hash;
}

#endif
