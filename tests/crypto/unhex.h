/* Test vectors are written in hexadecimal. */
#ifndef RENSA_TESTS_CRYPTO_UNHEX_H
#define RENSA_TESTS_CRYPTO_UNHEX_H

#include <check.h>

#include "util/hex.h"

static inline void
unhex(void *out, size_t len, const char *text)
{
	ck_assert_msg(hex_decode(out, len, text) == OK, "%s is not %zu bytes in hexadecimal", text, len);
}

#endif
