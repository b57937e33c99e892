/*
 * Arithmetic on 256-bit numbers as four 64-bit limbs. Results that would not fit are 2^256 - 1: a saturated target is
 * the easiest there is and saturated work the most, so no comparison turns round by overflow.
 */
#include "chain/u256.h"

#define LIMBS 4
#define LIMB_BITS 64
#define BITS (LIMBS * LIMB_BITS)

typedef unsigned __int128 wide;

static const struct u256 u256_max = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

struct u256
u256_of(uint64_t v)
{
	return (struct u256){{v, 0, 0, 0}};
}

struct u256
u256_of_hash(const struct hash256 *h)
{
	struct u256 v = {{0}};
	for (unsigned i = 0; i < HASH_SIZE; i++) {
		uint64_t *limb = &v.w[LIMBS - 1 - i / 8];
		*limb = *limb << 8 | h->b[i];
	}
	return v;
}

struct hash256
u256_to_hash(const struct u256 *v)
{
	struct hash256 h;
	for (unsigned i = 0; i < HASH_SIZE; i++)
		h.b[i] = (uint8_t)(v->w[LIMBS - 1 - i / 8] >> (56 - 8 * (i % 8)));
	return h;
}

int
u256_compare(const struct u256 *a, const struct u256 *b)
{
	for (int i = LIMBS - 1; i >= 0; i--)
		if (a->w[i] != b->w[i])
			return a->w[i] < b->w[i] ? -1 : 1;
	return 0;
}

bool
u256_is_zero(const struct u256 *a)
{
	return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

struct u256
u256_add(const struct u256 *a, const struct u256 *b)
{
	struct u256 sum;
	wide carry = 0;
	for (int i = 0; i < LIMBS; i++) {
		carry += (wide)a->w[i] + b->w[i];
		sum.w[i] = (uint64_t)carry;
		carry >>= LIMB_BITS;
	}
	return carry ? u256_max : sum;
}

struct u256
u256_sub(const struct u256 *a, const struct u256 *b)
{
	struct u256 difference;
	uint64_t borrow = 0;
	for (int i = 0; i < LIMBS; i++) {
		wide d = (wide)a->w[i] - b->w[i] - borrow;
		difference.w[i] = (uint64_t)d;
		borrow = (uint64_t)(d >> LIMB_BITS) & 1;
	}
	return difference;
}

struct u256
u256_shift_left(const struct u256 *a, unsigned bits)
{
	if (u256_is_zero(a))
		return *a;
	if (bits > BITS || u256_bits(a) + bits > BITS)
		return u256_max;
	struct u256 out = {{0}};
	unsigned limbs = bits / LIMB_BITS, rest = bits % LIMB_BITS;
	for (unsigned i = limbs; i < LIMBS; i++) {
		out.w[i] = a->w[i - limbs] << rest;
		if (rest && i > limbs)
			out.w[i] |= a->w[i - limbs - 1] >> (LIMB_BITS - rest);
	}
	return out;
}

struct u256
u256_shift_right(const struct u256 *a, unsigned bits)
{
	struct u256 out = {{0}};
	unsigned limbs = bits / LIMB_BITS, rest = bits % LIMB_BITS;
	for (unsigned i = 0; i + limbs < LIMBS; i++) {
		out.w[i] = a->w[i + limbs] >> rest;
		if (rest && i + limbs + 1 < LIMBS)
			out.w[i] |= a->w[i + limbs + 1] << (LIMB_BITS - rest);
	}
	return out;
}

struct u256
u256_mul_shift(const struct u256 *a, uint64_t m, unsigned shift)
{
	uint64_t product[LIMBS + 1];
	wide carry = 0;
	for (int i = 0; i < LIMBS; i++) {
		carry += (wide)a->w[i] * m;
		product[i] = (uint64_t)carry;
		carry >>= LIMB_BITS;
	}
	product[LIMBS] = (uint64_t)carry;

	/* What stays above the 256 bits after the shift does not fit. */
	if (shift < LIMB_BITS && product[LIMBS] >> shift)
		return u256_max;
	struct u256 out;
	for (int i = 0; i < LIMBS; i++)
		out.w[i] = (uint64_t)(((wide)product[i + 1] << LIMB_BITS | product[i]) >> shift);
	return out;
}

/* Long division, one bit of the quotient a step: as many steps as the quotient has bits, a dozen for usual targets. */
struct u256
u256_div(const struct u256 *a, const struct u256 *b)
{
	struct u256 quotient = {{0}}, rest = *a;
	unsigned a_bits = u256_bits(a), b_bits = u256_bits(b);
	if (a_bits < b_bits)
		return quotient;
	unsigned step = a_bits - b_bits;
	struct u256 part = u256_shift_left(b, step);
	for (;; step--) {
		if (u256_compare(&rest, &part) >= 0) {
			rest = u256_sub(&rest, &part);
			quotient.w[step / LIMB_BITS] |= UINT64_C(1) << step % LIMB_BITS;
		}
		if (step == 0)
			return quotient;
		part = u256_shift_right(&part, 1);
	}
}

unsigned
u256_bits(const struct u256 *a)
{
	for (int i = LIMBS - 1; i >= 0; i--)
		if (a->w[i])
			return (unsigned)(i + 1) * LIMB_BITS - (unsigned)__builtin_clzll(a->w[i]);
	return 0;
}

double
u256_to_double(const struct u256 *a)
{
	double v = 0;
	for (int i = LIMBS - 1; i >= 0; i--)
		v = v * 18446744073709551616.0 + (double)a->w[i];
	return v;
}
