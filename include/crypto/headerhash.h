/*
 * The search for a proof of work: double SHA-256 of a 96-byte header whose last 8 bytes are the nonce. The first 64
 * bytes are hashed once (the midstate), so a try costs two compressions; where the processor has the instructions, many
 * are tried at a time.
 */
#ifndef RENSA_CRYPTO_HEADERHASH_H
#define RENSA_CRYPTO_HEADERHASH_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"

#define HEADERHASH_INPUT_SIZE 96

/*
 * Tries nonces first, first + 1, … (count of them) and stops at the first whose hash, read as a big-endian number, is
 * at most target. True: *nonce is the one. The nonce bytes of header are ignored.
 */
bool headerhash_search(uint64_t *nonce, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target,
		       uint64_t first, uint64_t count);

/*
 * Races the ways to search that this processor offers against one another, some milliseconds in all; the fastest is
 * taken in this process from now on. Returns its name: avx512, sha-ni, avx2 or plain. Without it the one is taken that
 * is usually the fastest of them.
 */
const char *headerhash_choose(void);

#endif
