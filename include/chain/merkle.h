/* Merkle trees as RFC 6962 section 2.1: leaf prefix 0x00, node prefix 0x01, no duplication. */
#ifndef RENSA_CHAIN_MERKLE_H
#define RENSA_CHAIN_MERKLE_H

#include <stddef.h>

#include "crypto/hash.h"

struct hash256 merkle_leaf(const void *data, size_t len);
/* The root over leaf hashes; leaves is overwritten. The empty tree has the hash of nothing, as the RFC says. */
struct hash256 merkle_root(struct hash256 *leaves, size_t count);

#endif
