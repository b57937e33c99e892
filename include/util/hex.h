/* Lower-case hexadecimal, the form of every hash, key and signature in JSON. */
#ifndef RENSA_UTIL_HEX_H
#define RENSA_UTIL_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/err.h"

/* Writes 2 * len digits and a NUL to text. */
void hex_encode(char *text, const void *data, size_t len);
/* Exactly 2 * len lower-case digits, then the end of text; ERR_FORMAT otherwise, and out is untouched. */
enum err hex_decode(void *out, size_t len, const char *text) MUSTCHECK;
/* 2 * len such digits out of a longer text, which need not end there. False: they are not; out is spoilt then. */
bool hex_read(void *out, size_t len, const char *text) MUSTCHECK;

#endif
