/* 256-bit unsigned integers: targets and accumulated work. */
#ifndef RENSA_CHAIN_U256_H
#define RENSA_CHAIN_U256_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hash.h"

struct u256 {
	uint64_t w[4]; /* w[0] is the least significant */
};

struct u256 u256_of(uint64_t v);
struct u256 u256_of_hash(const struct hash256 *h); /* big-endian bytes */
struct hash256 u256_to_hash(const struct u256 *v);
int u256_compare(const struct u256 *a, const struct u256 *b);
bool u256_is_zero(const struct u256 *a);
struct u256 u256_add(const struct u256 *a, const struct u256 *b); /* saturates at 2^256 - 1 */
struct u256 u256_sub(const struct u256 *a, const struct u256 *b); /* a >= b */
struct u256 u256_shift_left(const struct u256 *a, unsigned bits); /* saturates at 2^256 - 1 */
struct u256 u256_shift_right(const struct u256 *a, unsigned bits);
/* floor(a * m / 2^shift), saturating; shift up to 64. */
struct u256 u256_mul_shift(const struct u256 *a, uint64_t m, unsigned shift);
struct u256 u256_div(const struct u256 *a, const struct u256 *b); /* floor; b > 0 */
unsigned u256_bits(const struct u256 *a);    /* position of the highest set bit plus 1, 0 for zero */
double u256_to_double(const struct u256 *a); /* for display only */

#endif
