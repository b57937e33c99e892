/*
 * Addresses: Base58Check(version byte, RIPEMD160(SHA256(compressed public key))) as Bitcoin's pay-to-pubkey-hash, with
 * the network's own version byte. Binary forms carry the 20 raw bytes. Secret keys travel as WIF with version byte +
 * 128.
 */
#ifndef RENSA_CRYPTO_ADDRESS_H
#define RENSA_CRYPTO_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "util/attr.h"
#include "util/err.h"

struct address {
	uint8_t b[20];
};

#define ADDRESS_TEXT_SIZE 36 /* at most 35 characters and the NUL */
#define WIF_TEXT_SIZE 53

struct address address_of(const struct pubkey *key);
bool address_equal(const struct address *a, const struct address *b);
void address_format(char text[ADDRESS_TEXT_SIZE], const struct address *a, uint8_t version);
/* ERR_FORMAT: not Base58, wrong length or checksum; ERR_UNSUPPORTED: another version byte. */
enum err address_parse(struct address *out, const char *text, uint8_t version) MUSTCHECK;

void wif_format(char text[WIF_TEXT_SIZE], const struct seckey *key, uint8_t version);
enum err wif_parse(struct seckey *out, const char *text, uint8_t version) MUSTCHECK;

#endif
