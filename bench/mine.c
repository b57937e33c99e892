/*
 * How fast headers are hashed. CPU time is what counts, of this process and of the miner's: what others on the machine
 * take does not.
 *
 *	mine ways	rows of JSON, medians of 7 alternations: what headerhash_choose chooses, and each way that this
 *			processor has, in million headers a second of CPU time on a core
 *			yardstick: libcrypto by its public interface, the state after the first 64 bytes being kept
 *	mine bare S	the chosen way alone for S seconds; prints its headers and its CPU time in ns, for bench/mine.py
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "crypto/headerhash_ways.h"
#include "maker.h"
#include "util/clock.h"
#include "util/text.h"

#define ROUND_NS UINT64_C(150000000)
#define BATCH 32768 /* the slowest way takes some ms for them */

static const struct hash256 hopeless; /* a hash of nothing but zeros is never found */

static double
rate(uint64_t headers, uint64_t cpu_ns)
{
	return (double)headers * 1e3 / (double)cpu_ns;
}

static double
rate_of_openssl(const uint8_t header[HEADERHASH_INPUT_SIZE])
{
	uint64_t since = clock_cpu_ns(), headers = 0, spent;
	uint8_t rest[HEADERHASH_INPUT_SIZE - SHA256_CBLOCK], hash[SHA256_DIGEST_LENGTH];
	SHA256_CTX midstate, ctx;

	SHA256_Init(&midstate);
	SHA256_Update(&midstate, header, SHA256_CBLOCK);
	memcpy(rest, header + SHA256_CBLOCK, sizeof(rest));
	do {
		for (int i = 0; i < BATCH; i++, headers++) {
			memcpy(rest + sizeof(rest) - sizeof(headers), &headers, sizeof(headers));
			ctx = midstate;
			SHA256_Update(&ctx, rest, sizeof(rest));
			SHA256_Final(hash, &ctx);
			SHA256_Init(&ctx);
			SHA256_Update(&ctx, hash, sizeof(hash));
			SHA256_Final(hash, &ctx);
			must(memcmp(hash, hopeless.b, sizeof(hash)) != 0, "a hash of zeros");
		}
		spent = clock_cpu_ns() - since;
	} while (spent < ROUND_NS);
	return rate(headers, spent);
}

static double
rate_of_way(const struct headerhash_way *way, const uint8_t header[HEADERHASH_INPUT_SIZE])
{
	uint64_t since = clock_cpu_ns(), headers = 0, spent, nonce;

	do {
		must(!headerhash_search_by(way, &nonce, header, &hopeless, headers, BATCH), "a hash of zeros");
		headers += BATCH;
		spent = clock_cpu_ns() - since;
	} while (spent < ROUND_NS);
	return rate(headers, spent);
}

static void
compare_ways(const uint8_t header[HEADERHASH_INPUT_SIZE])
{
	const char *chosen = headerhash_choose();

	for (size_t i = 0; i < headerhash_way_count; i++) {
		const struct headerhash_way *way = &headerhash_ways[i];
		double ours[ROUNDS_MAX], openssl[ROUNDS_MAX];
		char name[32];

		if (!way->is_possible())
			continue;
		for (int round = 0; round < ROUNDS_MAX; round++) {
			ours[round] = rate_of_way(way, header);
			openssl[round] = rate_of_openssl(header);
		}
		snprintf(name, sizeof(name), "way-%s", way->name);
		row_print(name, ours, openssl, ROUNDS_MAX, "MH/s", 1.0, false);
		if (strcmp(way->name, chosen) == 0)
			row_print("openssl", ours, openssl, ROUNDS_MAX, "MH/s", 1.0, false);
	}
}

static void
search_bare(const uint8_t header[HEADERHASH_INPUT_SIZE], uint64_t seconds)
{
	uint64_t until = clock_mono_ms() + seconds * 1000, headers = 0, since, nonce;

	(void)headerhash_choose();
	for (since = clock_cpu_ns(); clock_mono_ms() < until; headers += BATCH)
		must(!headerhash_search(&nonce, header, &hopeless, headers, BATCH), "a hash of zeros");
	printf("%" PRIu64 " %" PRIu64 "\n", headers, clock_cpu_ns() - since);
}

int
main(int argc, char **argv)
{
	static uint8_t header[HEADERHASH_INPUT_SIZE];
	uint64_t seconds;

	for (size_t i = 0; i < sizeof(header); i++)
		header[i] = (uint8_t)(17 * i);
	if (argc == 2 && strcmp(argv[1], "ways") == 0) {
		compare_ways(header);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "bare") == 0 && text_u64(&seconds, argv[2], 3600) == OK) {
		search_bare(header, seconds);
		return 0;
	}
	fprintf(stderr, "usage: mine ways | mine bare SECONDS\n");
	return 2;
}
