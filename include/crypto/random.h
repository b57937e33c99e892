/* Random bytes from the system (getrandom). Failure ends the process: there is no safe way on. */
#ifndef RENSA_CRYPTO_RANDOM_H
#define RENSA_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
uint64_t random_u64(void);

#endif
