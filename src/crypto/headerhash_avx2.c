/* Eight nonces at a time, with rotations and logic put together from what there is. */
#include "headerhash_ways.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 8
#define LANE_CODE __attribute__((target("avx2")))
#define LANES_SCAN headerhash_avx2_scan

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

#define lanes_rotate(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define lanes_xor3(a, b, c) ((a) ^ (b) ^ (c))
#define lanes_choose(a, b, c) ((c) ^ ((a) & ((b) ^ (c))))
#define lanes_majority(a, b, c) ((b) ^ (((a) ^ (b)) & ((b) ^ (c))))
/* The compiler has b + c already, from the sum beside it. */
#define lanes_add3(a, b, c) ((a) + ((b) + (c)))
/* A bit for each lane, the first one lowest. */
#define lanes_at_most(x, limit) ((uint32_t)_mm256_movemask_ps((__m256)((x) <= (limit))))

#include "headerhash_lanes.inc"

bool
headerhash_avx2_is_possible(void)
{
	return __builtin_cpu_supports("avx2");
}
#endif
