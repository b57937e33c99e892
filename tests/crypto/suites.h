/* The suites of the crypto layer's test program. */
#ifndef RENSA_TESTS_CRYPTO_SUITES_H
#define RENSA_TESTS_CRYPTO_SUITES_H

#include "../suite.h"

suite_maker suite_address, suite_base58, suite_hash, suite_headerhash, suite_key, suite_random;

#endif
