/*
 * Base58Check as in Bitcoin: a payload and the first four bytes of its double SHA-256, as a number in base 58 with the
 * digits 1-9, A-Z, a-z without 0, O, I and l; each leading zero byte is one leading `1`.
 */
#ifndef RENSA_CRYPTO_BASE58_H
#define RENSA_CRYPTO_BASE58_H

#include <stddef.h>

#include "util/attr.h"
#include "util/err.h"

#define BASE58CHECK_PAYLOAD_MAX 60
#define BASE58CHECK_TEXT_SIZE 90 /* 64 bytes have at most 88 digits */

/* Returns the length of the text; 0 and an empty text if the payload is longer than BASE58CHECK_PAYLOAD_MAX. */
size_t base58check_encode(char text[BASE58CHECK_TEXT_SIZE], const void *payload, size_t len);
/*
 * A payload of exactly len bytes. ERR_FORMAT: a character that is no digit, another length, a wrong checksum; out is
 * untouched then. ERR_LIMIT: len is above BASE58CHECK_PAYLOAD_MAX.
 */
enum err base58check_decode(void *out, size_t len, const char *text) MUSTCHECK;

#endif
