/*
 * The processor's own instructions for SHA-256. One does two rounds and takes some cycles for them, but another may
 * begin meanwhile: so several nonces go side by side, each a stream of its own.
 *
 * The state is in two registers as the instructions want it, a b e f and c d g h from the top down, the schedule in
 * four of four words each, the earliest lowest. W(t) below stands for words 4t to 4t + 3 of it.
 */
#include "headerhash_ways.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include "sha256_tables.h"

#define STREAMS 4
#define SHANI_CODE __attribute__((target("sha,sse4.1")))
#define SHANI_INLINE SHANI_CODE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16")

struct stream {
	__m128i abef, cdgh;
	__m128i words[4]; /* W(t) at t % 4 */
};

SHANI_INLINE __m128i
four_words(const uint32_t *p)
{
	return _mm_loadu_si128((const void *)p);
}

SHANI_INLINE void
state_load(struct stream *s, const uint32_t state[SHA256_STATE_WORDS])
{
	s->abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
	s->cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
}

/* Rounds 4t to 4t + 3. After two rounds what was a b e f has become c d g h. */
SHANI_INLINE void
four_rounds(struct stream *s, unsigned t)
{
	__m128i words = _mm_add_epi32(s->words[t % 4], four_words(&sha256_k[4 * t]));
	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, words);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(words, 0x0e));
}

/* W(t) takes the place of W(t - 4), of which it is made with the three after it. */
SHANI_INLINE void
schedule(struct stream *s, unsigned t)
{
	__m128i *w = s->words;
	__m128i seven_before = _mm_alignr_epi8(w[(t + 3) % 4], w[(t + 2) % 4], 4);
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[t % 4], w[(t + 1) % 4]), seven_before);
	w[t % 4] = _mm_sha256msg2_epu32(sum, w[(t + 3) % 4]);
}

/* What follows half a block of message. */
SHANI_INLINE void
pad(struct stream *s, int bits)
{
	s->words[2] = _mm_set_epi32(0, 0, 0, (int)PADDING_WORD);
	s->words[3] = _mm_set_epi32(bits, 0, 0, 0);
}

/* What a stream has come to makes the first hash, which is the message of the second. */
SHANI_INLINE void
start_outer(struct stream *s, const struct stream *midstate)
{
	__m128i abef = _mm_add_epi32(s->abef, midstate->abef);
	__m128i cdgh = _mm_add_epi32(s->cdgh, midstate->cdgh);
	s->words[0] = _mm_shuffle_epi32(_mm_unpackhi_epi64(abef, cdgh), 0xb1); /* d c b a from the top down */
	s->words[1] = _mm_shuffle_epi32(_mm_unpacklo_epi64(abef, cdgh), 0xb1);
	pad(s, OUTER_BITS);
	state_load(s, sha256_initial);
}

/* All rounds from 4t on, in all streams. The schedule is given up to W(given). */
SHANI_INLINE void
rest_of_rounds(struct stream streams[STREAMS], unsigned t, unsigned given)
{
	UNROLLED
	for (; t < SHA256_BLOCK_WORDS; t++)
		UNROLLED
	for (unsigned i = 0; i < STREAMS; i++) {
		if (t > given)
			schedule(&streams[i], t);
		four_rounds(&streams[i], t);
	}
}

SHANI_CODE uint64_t
headerhash_shani_scan(const struct headerhash_job *job, uint32_t first, uint64_t count)
{
	struct stream midstate, ahead, streams[STREAMS];

	/* The nonce is in W(1), so W(0) and W(4) are the same for all. */
	state_load(&midstate, job->midstate);
	ahead = midstate;
	ahead.words[0] = four_words(&job->rest[0]);
	ahead.words[1] = four_words(&job->rest[4]);
	pad(&ahead, HEADER_BITS);
	four_rounds(&ahead, 0);
	schedule(&ahead, 4);

	for (uint64_t done = 0; done < count; done += STREAMS) {
		UNROLLED
		for (unsigned i = 0; i < STREAMS; i++) {
			uint32_t nonce = first + (uint32_t)done + i;
			streams[i] = ahead;
			streams[i].words[1] = _mm_insert_epi32(ahead.words[1], (int)nonce, NONCE_LOW % 4);
		}
		rest_of_rounds(streams, 1, 4);

		UNROLLED
		for (unsigned i = 0; i < STREAMS; i++)
			start_outer(&streams[i], &midstate);
		rest_of_rounds(streams, 0, 3);

		UNROLLED
		for (unsigned i = 0; i < STREAMS; i++) {
			uint32_t a = (uint32_t)_mm_extract_epi32(streams[i].abef, 3);
			if (a + sha256_initial[0] <= job->limit) /* streams beyond count were run too */
				return done + i < count ? done + i : count;
		}
	}
	return count;
}

bool
headerhash_shani_is_possible(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) && __builtin_cpu_supports("sse4.1");
}
#endif
