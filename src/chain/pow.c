/*
 * Proof of work. Everything here is integer arithmetic that any language with big integers repeats exactly.
 *
 * Block 1, and every block of a network with fixed difficulty, has the easiest target E = 2^(256 - difficulty) - 1. Any
 * other block with time t, on a parent with time u and target P, for a target interval T (times in ms):
 *
 *   e = floor((t - u - T) * 2^32 / (60 * T))        the exponent, 32 bits behind the point; floor below zero too
 *   k = floor(e / 2^32), limited to -256..256       its integer part
 *   f = e mod 2^32                                  its fraction
 *   F = 2^63; for i = 1, 2, ..., 32: if bit 32 - i of f is set, F = floor(F * K[i] / 2^63)
 *   N = floor(P * F / 2^63)
 *   N = N * 2^k if k >= 0, else floor(N / 2^-k)
 *   N = 1 if N < 1; N = E if N > E
 *   target = compact(N), which rounds down
 *
 * where K[1] = isqrt(2^127) and K[i + 1] = isqrt(K[i] * 2^63), isqrt being the floor of the square root, so that
 * K[i] / 2^63 is 2^(2^-i). F stays between 2^63 and 2^64, so no step needs more than 320 bits. In Python:
 *
 *   e = ((t - u - T) << 32) // (60 * T)
 *   F = 1 << 63
 *   for i in range(1, 33):
 *       if e >> (32 - i) & 1: F = F * K[i] >> 63
 *   k = max(-256, min(256, e >> 32))
 *   N = P * F >> 63
 *   N = max(1, min(E, N << k if k >= 0 else N >> -k))
 *
 * Exponents add up along a branch: between its limits a target follows from how far the branch's clock is from its
 * schedule, not from how the blocks lie between, so that a wrong time in one block leaves no trace in those after it.
 * Rounding down makes blocks come later by less than a thousandth (tests/chain/retarget_sim.c).
 */
#include "chain/pow.h"

#include "util/attr.h"

#define MANTISSA_BITS 24
#define MANTISSA_MASK UINT32_C(0xffffff)
#define EXPONENT_MIN 3
#define EXPONENT_MAX 32

#define RETARGET_SPAN 60 /* blocks' worth of delay that double the target */
#define SHIFT_MAX 256

/* floor(2^63 * 2^(2^-i)) for i = 1 to 32, by square roots as above; the tests compute them again. */
static const uint64_t roots_of_two[32] = {
    UINT64_C(0xb504f333f9de6484), UINT64_C(0x9837f0518db8a96f), UINT64_C(0x8b95c1e3ea8bd6e6),
    UINT64_C(0x85aac367cc487b14), UINT64_C(0x82cd8698ac2ba1d6), UINT64_C(0x8164d1f3bc030772),
    UINT64_C(0x80b1ed4fd999ab6b), UINT64_C(0x8058d7d2d5e5f6b0), UINT64_C(0x802c6436d0e04f50),
    UINT64_C(0x8016302f17467627), UINT64_C(0x800b179c82028fcf), UINT64_C(0x80058baf7fee3b5c),
    UINT64_C(0x8002c5d00fdcfcb6), UINT64_C(0x800162e61bed4a48), UINT64_C(0x8000b17292f702a3),
    UINT64_C(0x800058b92abbae01), UINT64_C(0x80002c5c8dade4d6), UINT64_C(0x8000162e44eaf635),
    UINT64_C(0x80000b1721fa7c17), UINT64_C(0x8000058b90de7e4c), UINT64_C(0x800002c5c8678f36),
    UINT64_C(0x80000162e431db9f), UINT64_C(0x800000b1721872d0), UINT64_C(0x80000058b90c1aa8),
    UINT64_C(0x8000002c5c8605a4), UINT64_C(0x800000162e4300e6), UINT64_C(0x8000000b17217ff8),
    UINT64_C(0x800000058b90bfdd), UINT64_C(0x80000002c5c85fe6), UINT64_C(0x8000000162e42ff1),
    UINT64_C(0x80000000b17217f8), UINT64_C(0x8000000058b90bfb),
};

bool
target_expand(struct u256 *out, uint32_t compact)
{
	unsigned exponent = compact >> MANTISSA_BITS;
	uint32_t mantissa = compact & MANTISSA_MASK;
	if (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX || mantissa == 0)
		return false;
	if (exponent > EXPONENT_MIN && mantissa >> (MANTISSA_BITS - 8) == 0)
		return false;
	struct u256 m = u256_of(mantissa);
	*out = u256_shift_left(&m, 8 * (exponent - EXPONENT_MIN));
	return true;
}

uint32_t
target_compact(const struct u256 *target)
{
	unsigned exponent = (u256_bits(target) + 7) / 8;
	if (exponent < EXPONENT_MIN)
		exponent = EXPONENT_MIN;
	struct u256 mantissa = u256_shift_right(target, 8 * (exponent - EXPONENT_MIN));
	return exponent << MANTISSA_BITS | (uint32_t)mantissa.w[0];
}

/* 2^(256 - difficulty) - 1. */
static struct u256
easiest(const struct params *p)
{
	struct u256 all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	return u256_shift_right(&all, p->difficulty);
}

uint32_t
target_easiest(const struct params *p)
{
	struct u256 target = easiest(p);
	return target_compact(&target);
}

struct u256
target_work(uint32_t compact)
{
	struct u256 target;
	if (!target_expand(&target, compact))
		return u256_of(0);
	/* 2^256 itself does not fit: floor(2^256 / n) = floor((2^256 - n) / n) + 1, and 2^256 - n is n's complement. */
	struct u256 one = u256_of(1);
	struct u256 n = u256_add(&target, &one);
	struct u256 rest = {{~target.w[0], ~target.w[1], ~target.w[2], ~target.w[3]}};
	struct u256 work = u256_div(&rest, &n);
	return u256_add(&work, &one);
}

bool
target_is_met(uint32_t compact, const struct hash256 *hash)
{
	struct u256 target, number = u256_of_hash(hash);
	return target_expand(&target, compact) && u256_compare(&number, &target) <= 0;
}

uint64_t
target_factor(uint32_t fraction)
{
	uint64_t factor = UINT64_C(1) << 63;
	for (size_t i = 0; i < ARRAY_LEN(roots_of_two); i++)
		if (fraction >> (31 - i) & 1)
			factor = (uint64_t)((unsigned __int128)factor * roots_of_two[i] >> 63);
	return factor;
}

/* floor(a / b) for b > 0: C rounds towards zero. */
static __int128
floor_div(__int128 a, __int128 b)
{
	return a / b - (a % b < 0);
}

uint32_t
target_next(const struct params *p, uint64_t parent_height, uint32_t parent_compact, uint64_t parent_time_ms,
	    uint64_t time_ms)
{
	struct u256 parent;
	if (p->retarget == RETARGET_FIXED || parent_height == 0 || !target_expand(&parent, parent_compact))
		return target_easiest(p);

	__int128 interval = p->target_interval_ms;
	__int128 late = (__int128)time_ms - parent_time_ms - interval;
	__int128 exponent = floor_div(late * (INT64_C(1) << 32), RETARGET_SPAN * interval);
	__int128 whole = floor_div(exponent, INT64_C(1) << 32);
	int shift = whole < -SHIFT_MAX ? -SHIFT_MAX : whole > SHIFT_MAX ? SHIFT_MAX : (int)whole;
	uint64_t factor = target_factor((uint32_t)exponent);

	struct u256 next;
	if (shift >= 0) {
		/* What saturates here would be limited to the easiest target anyway. */
		next = u256_mul_shift(&parent, factor, 63);
		next = u256_shift_left(&next, (unsigned)shift);
	} else {
		/* One bit of the shift joins the division by 2^63, so that an easy parent's product still fits. */
		next = u256_mul_shift(&parent, factor, 64);
		next = u256_shift_right(&next, (unsigned)-shift - 1);
	}

	struct u256 limit = easiest(p);
	if (u256_compare(&next, &limit) > 0)
		next = limit;
	if (u256_is_zero(&next))
		next = u256_of(1);
	return target_compact(&next);
}
