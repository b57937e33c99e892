/*
 * The hot loop of the miner, from outside: what does not change between nonces is prepared once, a way to search sieves
 * them, and what comes through is hashed again as a whole, by libcrypto, and compared with the whole target. With a
 * target worth mining for, that is one nonce in thousands of millions.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "crypto/headerhash.h"

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

#include "headerhash_ways.h"
#include "util/attr.h"
#include "util/clock.h"

#define LOW_HALF_SPAN (UINT64_C(1) << 32)

#define TRIAL_TRIES 2048 /* the slowest way takes a millisecond for them */
#define TRIAL_ROUNDS 5

static bool
is_always_possible(void)
{
	return true;
}

const struct headerhash_way headerhash_ways[] = {
#if defined(__x86_64__)
    {"avx512", headerhash_avx512_is_possible, headerhash_avx512_scan},
    {"sha-ni", headerhash_shani_is_possible, headerhash_shani_scan},
    {"avx2", headerhash_avx2_is_possible, headerhash_avx2_scan},
#endif
    {"plain", is_always_possible, headerhash_plain_scan},
};
const size_t headerhash_way_count = ARRAY_LEN(headerhash_ways);

static const struct headerhash_way *chosen;

static uint32_t
load_be32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static void
job_prepare(struct headerhash_job *job, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target)
{
	SHA256_CTX ctx;
	SHA256_Init(&ctx);
	SHA256_Transform(&ctx, header);
	memset(job, 0, sizeof(*job));
	for (size_t i = 0; i < SHA256_STATE_WORDS; i++)
		job->midstate[i] = ctx.h[i];
	for (size_t i = 0; i < NONCE_HIGH; i++)
		job->rest[i] = load_be32(header + SHA256_CBLOCK + 4 * i);
	job->limit = load_be32(target->b);
}

static bool
is_proof(const uint8_t header[HEADERHASH_INPUT_SIZE], uint64_t nonce, const struct hash256 *target)
{
	uint8_t whole[HEADERHASH_INPUT_SIZE];
	uint64_t last = htobe64(nonce);
	memcpy(whole, header, sizeof(whole));
	memcpy(whole + sizeof(whole) - sizeof(last), &last, sizeof(last));
	struct hash256 hash = sha256d(whole, sizeof(whole));
	return hash_compare(&hash, target) <= 0;
}

bool
headerhash_search_by(const struct headerhash_way *way, uint64_t *nonce, const uint8_t header[HEADERHASH_INPUT_SIZE],
		     const struct hash256 *target, uint64_t first, uint64_t count)
{
	struct headerhash_job job;
	job_prepare(&job, header, target);
	while (count > 0) {
		uint64_t span = LOW_HALF_SPAN - (uint32_t)first;
		if (span > count)
			span = count;
		job.rest[NONCE_HIGH] = (uint32_t)(first >> 32);
		uint64_t passed = way->scan(&job, (uint32_t)first, span);
		if (passed < span) {
			if (is_proof(header, first + passed, target)) {
				*nonce = first + passed;
				return true;
			}
			passed++;
		}
		first += passed;
		count -= passed;
	}
	return false;
}

const char *
headerhash_choose(void)
{
	static const struct headerhash_job job; /* a limit of 0: no nonce so small passes */
	uint64_t best_ns = UINT64_MAX;
	for (unsigned round = 0; round < TRIAL_ROUNDS; round++)
		for (size_t i = 0; i < headerhash_way_count; i++) {
			const struct headerhash_way *way = &headerhash_ways[i];
			if (!way->is_possible())
				continue;
			/* Not by the clock on the wall, which others on the processor would take part in. */
			uint64_t since = clock_cpu_ns();
			(void)way->scan(&job, 0, TRIAL_TRIES);
			uint64_t spent = clock_cpu_ns() - since;
			if (spent < best_ns) {
				best_ns = spent;
				chosen = way;
			}
		}
	return chosen->name;
}

static const struct headerhash_way *
first_possible(void)
{
	const struct headerhash_way *way = headerhash_ways;
	while (!way->is_possible())
		way++;
	return way;
}

bool
headerhash_search(uint64_t *nonce, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target,
		  uint64_t first, uint64_t count)
{
	return headerhash_search_by(chosen ? chosen : first_possible(), nonce, header, target, first, count);
}
