/*
 * Sixteen nonces at a time. A rotation and any function of three words are an instruction each, and the state and all
 * words of the schedule fit the registers, so what limits the search is how many additions, rotations and such
 * functions the processor does at a time, and how long they wait for one another.
 */
#include "headerhash_ways.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 16
/*
 * Not with AddressSanitizer: where it looks for uses after a return it puts locals into frames of its own, which gcc 12 aligns
 * to 32 bytes, and sixteen lanes need 64. Their tests compare each result with libcrypto's.
 */
#define LANE_CODE __attribute__((target("avx512f"), no_sanitize_address))
#define LANES_SCAN headerhash_avx512_scan

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/* Macros: without optimisation a constant operand would not stay one on its way through a function. */
#define lanes_rotate(x, n) ((lanes)_mm512_ror_epi32((__m512i)(x), n))
/* truth: bit 4a + 2b + c of it is the result for bits a, b and c. */
#define lanes_logic(a, b, c, truth) ((lanes)_mm512_ternarylogic_epi32((__m512i)(a), (__m512i)(b), (__m512i)(c), truth))
#define lanes_xor3(a, b, c) lanes_logic(a, b, c, 0x96)
#define lanes_choose(a, b, c) lanes_logic(a, b, c, 0xca)
#define lanes_majority(a, b, c) lanes_logic(a, b, c, 0xe8)
/* c comes last: an addition more than if b + c were shared with the sum beside it, and a shorter wait. */
#define lanes_add3(a, b, c) (((a) + (b)) + (c))
/* A bit for each lane, the first one lowest. */
#define lanes_at_most(x, limit) _mm512_cmple_epu32_mask((__m512i)(x), (__m512i)(limit))

#include "headerhash_lanes.inc"

bool
headerhash_avx512_is_possible(void)
{
	return __builtin_cpu_supports("avx512f");
}
#endif
