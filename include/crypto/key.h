/*
 * secp256k1 keys and compact ECDSA signatures (64 bytes, r then s, big-endian; RFC 6979 nonces) by libsecp256k1.
 * Only low-S signatures (BIP 146) are made and accepted. Secret keys live in fixed buffers: wipe with key_wipe.
 */
#ifndef RENSA_CRYPTO_KEY_H
#define RENSA_CRYPTO_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "util/attr.h"
#include "util/err.h"

#define PUBKEY_SIZE 33
#define SIGNATURE_SIZE 64

struct seckey {
	uint8_t b[32];
};

struct pubkey {
	uint8_t b[PUBKEY_SIZE]; /* compressed */
};

struct signature {
	uint8_t b[SIGNATURE_SIZE];
};

enum signature_state { SIGNATURE_GOOD, SIGNATURE_BAD, SIGNATURE_HIGH_S, SIGNATURE_BAD_KEY };

void key_generate(struct seckey *out);
bool key_is_valid(const struct seckey *key);
/* ERR_ARG if the secret is zero or not below the group order. */
enum err key_public(struct pubkey *out, const struct seckey *key) MUSTCHECK;
enum err key_sign(struct signature *out, const struct hash256 *digest, const struct seckey *key) MUSTCHECK;
enum signature_state key_verify(const struct signature *sig, const struct hash256 *digest,
				const struct pubkey *key) MUSTCHECK;
/* Does the key parse as a compressed point on the curve? */
bool pubkey_is_valid(const struct pubkey *key);
void key_wipe(void *secret, size_t len);

#endif
