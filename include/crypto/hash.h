/*
 * Hashes: SHA-256 (FIPS 180-4), its double form as in Bitcoin, RIPEMD-160 over SHA-256, by libcrypto; and the keyed
 * hash SipHash-2-4 (Aumasson and Bernstein, 2012) that index tables use so that nobody outside can aim at one bucket.
 */
#ifndef RENSA_CRYPTO_HASH_H
#define RENSA_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32
#define HASH_HEX_SIZE 65 /* with the NUL */

struct hash256 {
	uint8_t b[HASH_SIZE];
};

struct hash160 {
	uint8_t b[20];
};

struct hash256 sha256(const void *data, size_t len);
struct hash256 sha256d(const void *data, size_t len);
/* SHA-256 over a prefix byte and then up to two pieces: Merkle leaves and nodes. b may be NULL with blen 0. */
struct hash256 sha256_tagged(uint8_t tag, const void *a, size_t alen, const void *b, size_t blen);
struct hash160 hash160(const void *data, size_t len);

/* SipHash-2-4 with a 16-byte key. */
uint64_t siphash(const uint8_t key[16], const void *data, size_t len);

bool hash_equal(const struct hash256 *a, const struct hash256 *b);
int hash_compare(const struct hash256 *a, const struct hash256 *b); /* as big-endian numbers */
bool hash_is_zero(const struct hash256 *a);
void hash_hex(char text[HASH_HEX_SIZE], const struct hash256 *h);

#endif
