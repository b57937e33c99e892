/*
 * An index in the arena: a 16-way trie over 32-bit keyed hashes. It only grows, nodes and leaves never move, and each
 * insertion is published by one release store, so readers need no lock and a writer killed at any point leaves either
 * the old trie or the new one. Nothing is ever rehashed as a whole.
 */
#ifndef RENSA_STORE_TRIE_H
#define RENSA_STORE_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "util/attr.h"
#include "util/err.h"

#define TRIE_NODE_SIZE 64

/*
 * Bytes that so many insertions take at most besides their leaves, short of an attack on SipHash: an insertion makes k
 * nodes once in 16^(k-1) times. A node may leave a unit in front of it unused.
 */
static inline uint64_t
trie_cost(uint64_t insertions)
{
	return (2 * insertions + 8) * (TRIE_NODE_SIZE + UNIT);
}

uint32_t trie_key(const struct store *s, const void *data, size_t len);
/* Offset of the first leaf with this key, 0: none; and of the next one with the key of this. */
uint64_t trie_find(const struct store *s, const struct trie_root *root, uint32_t key);
uint64_t trie_next(const struct store *s, uint64_t leaf_at);
/* Fetches into the cache what finding or inserting these keys will touch. At most TRIE_WARM_MAX. */
#define TRIE_WARM_MAX 64
void trie_warm(const struct store *s, const struct trie_root *root, const uint32_t *keys, size_t count);
/*
 * Links the leaf (written, its key set) in front of others of its key; one that is linked already stays where it is.
 * Under the lock. ERR_NOSPC.
 */
enum err trie_insert(struct store *s, struct trie_root *root, uint64_t leaf_at) MUSTCHECK;

struct trie_pair {
	uint32_t key;
	struct unit leaf;
};
/*
 * Builds the whole trie of these leaves, whatever it held; sorts pairs. Nobody may read it meanwhile. On failure
 * it is not complete.
 */
enum err trie_build(struct store *s, struct trie_root *root, struct trie_pair *pairs, size_t count) MUSTCHECK;

/* Where the arena goes on so that what begins `lead` bytes, whole units, later is in a leaf's place. */
uint64_t arena_next(const struct store *s, uint64_t lead);
/* Zeroed bytes there, under the lock; 0 if granted memory does not suffice. */
uint64_t arena_take(struct store *s, uint64_t size, uint64_t lead);

#endif
