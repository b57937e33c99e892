/* Small text helpers: strict numbers, copies that cannot overflow, UTF-8, nearest names for error messages. */
#ifndef RENSA_UTIL_TEXT_H
#define RENSA_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/err.h"

/* Decimal digits only (no sign, space or leading zero but "0" itself), at most max. ERR_FORMAT or ERR_LIMIT. */
enum err text_u64(uint64_t *out, const char *text, uint64_t max) MUSTCHECK;
/* Copies with truncation, never inside a UTF-8 character; true if the whole text fitted. size >= 1. */
bool text_copy(char *out, size_t size, const char *text);
/* Well-formed UTF-8 (RFC 3629: no overlong forms, surrogates or values above U+10FFFF). NUL bytes are allowed. */
bool text_is_utf8(const void *data, size_t len);
/* Bytes of the one well-formed character that data starts with; 0 if it starts with none. */
size_t text_utf8_next(const void *data, size_t len);
/* The name closest to `word` by edit distance, or NULL if none is near enough to be what was meant. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

#endif
