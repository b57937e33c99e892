/*
 * The ways to search, one room each (headerhash_NAME.c), and what they have in common. A way only sieves: it looks at
 * the first word of each hash, which all but a few nonces fail, and headerhash.c judges what passes by the whole of it.
 * So the instructions that a processor may lack never decide what is a proof of work.
 */
#ifndef RENSA_CRYPTO_HEADERHASH_WAYS_H
#define RENSA_CRYPTO_HEADERHASH_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/headerhash.h"

#define SHA256_STATE_WORDS 8
#define SHA256_BLOCK_WORDS 16

/*
 * Places in the header's second block. It is padded with PADDING_WORD, zeros and, in the last word, the header's length
 * in bits. The block of the second hash has the first hash before its padding, which begins at the same place.
 */
#define NONCE_HIGH 6
#define NONCE_LOW 7
#define PADDING 8
#define PADDING_WORD UINT32_C(0x80000000)
#define HEADER_BITS (HEADERHASH_INPUT_SIZE * 8)
#define OUTER_BITS (HASH_SIZE * 8)

struct headerhash_job {
	uint32_t midstate[SHA256_STATE_WORDS]; /* after the first 64 bytes of the header */
	uint32_t rest[PADDING]; /* the second block up to its padding; what is at NONCE_LOW does not count */
	uint32_t limit;		/* the first word of the target */
};

/*
 * Looks at count nonces from first on (their low halves: first + count is at most 2^32). Returns how many it passed
 * over before the first one whose hash begins with a word of at most limit; count if there is none.
 */
typedef uint64_t headerhash_scan(const struct headerhash_job *job, uint32_t first, uint64_t count);

struct headerhash_way {
	const char *name;
	bool (*is_possible)(void); /* on this processor */
	headerhash_scan *scan;
};

/* Best first as a rule; the last one is possible everywhere. */
extern const struct headerhash_way headerhash_ways[];
extern const size_t headerhash_way_count;

/* As headerhash_search, by a way that is possible. */
bool headerhash_search_by(const struct headerhash_way *way, uint64_t *nonce,
			  const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target, uint64_t first,
			  uint64_t count);

headerhash_scan headerhash_plain_scan;
#if defined(__x86_64__)
headerhash_scan headerhash_avx512_scan, headerhash_avx2_scan, headerhash_shani_scan;
bool headerhash_avx512_is_possible(void);
bool headerhash_avx2_is_possible(void);
bool headerhash_shani_is_possible(void);
#endif

#endif
