/*
 * The hot loop of the miner. What does not change between tries is prepared once: the state after the first 64 bytes
 * of the header, the padded second block around the nonce, and the padded block of the second hash. A try is then two
 * compressions, and all but one in four thousand million end at the first word of the comparison.
 *
 * search_prepare and the search itself are apart so that other ways to search (several nonces in the lanes of a vector
 * register) can take the same struct search and be chosen in headerhash_search by what the processor can do. sha256d
 * over the whole header is the oracle for each of them.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "crypto/headerhash.h"

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

#define BLOCK_SIZE SHA256_CBLOCK
#define NONCE_AT (HEADERHASH_INPUT_SIZE - BLOCK_SIZE - 8) /* in the second block */
#define STATE_WORDS 8

struct search {
	uint32_t midstate[STATE_WORDS]; /* after the first 64 bytes of the header */
	uint32_t initial[STATE_WORDS];	/* before any byte */
	uint8_t tail[BLOCK_SIZE];	/* the rest of the header, padded; the nonce at NONCE_AT */
	uint8_t outer[BLOCK_SIZE];    /* the block of the second hash, padded; the first hash goes before the padding */
	uint32_t target[STATE_WORDS]; /* as words, most significant first */
};

/* SHA-256's padding: one bit, zeros, and the length of the whole message in bits. */
static void
block_pad(uint8_t block[BLOCK_SIZE], size_t used, size_t message_len)
{
	uint64_t bits = htobe64((uint64_t)message_len * 8);
	memset(block + used, 0, BLOCK_SIZE - used);
	block[used] = 0x80;
	memcpy(block + BLOCK_SIZE - sizeof(bits), &bits, sizeof(bits));
}

static void
search_prepare(struct search *s, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target)
{
	SHA256_CTX ctx;
	SHA256_Init(&ctx);
	memcpy(s->initial, ctx.h, sizeof(s->initial));
	SHA256_Transform(&ctx, header);
	memcpy(s->midstate, ctx.h, sizeof(s->midstate));

	memcpy(s->tail, header + BLOCK_SIZE, HEADERHASH_INPUT_SIZE - BLOCK_SIZE);
	block_pad(s->tail, HEADERHASH_INPUT_SIZE - BLOCK_SIZE, HEADERHASH_INPUT_SIZE);
	block_pad(s->outer, HASH_SIZE, HASH_SIZE);

	memcpy(s->target, target->b, sizeof(s->target));
	for (size_t i = 0; i < STATE_WORDS; i++)
		s->target[i] = be32toh(s->target[i]);
}

static bool
state_is_at_most(const uint32_t state[STATE_WORDS], const uint32_t target[STATE_WORDS])
{
	for (size_t i = 0; i < STATE_WORDS; i++)
		if (state[i] != target[i])
			return state[i] < target[i];
	return true;
}

/* One nonce after the other, by libcrypto's compression function. */
static bool
search_plain(struct search *s, uint64_t *nonce, uint64_t first, uint64_t count)
{
	SHA256_CTX ctx;
	SHA256_Init(&ctx);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t n = htobe64(first + i);
		memcpy(s->tail + NONCE_AT, &n, sizeof(n));
		memcpy(ctx.h, s->midstate, sizeof(s->midstate));
		SHA256_Transform(&ctx, s->tail);

		for (size_t w = 0; w < STATE_WORDS; w++) {
			uint32_t word = htobe32(ctx.h[w]);
			memcpy(s->outer + sizeof(word) * w, &word, sizeof(word));
		}
		memcpy(ctx.h, s->initial, sizeof(s->initial));
		SHA256_Transform(&ctx, s->outer);
		if (state_is_at_most(ctx.h, s->target)) {
			*nonce = first + i;
			return true;
		}
	}
	return false;
}

bool
headerhash_search(uint64_t *nonce, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target,
		  uint64_t first, uint64_t count)
{
	struct search s;
	search_prepare(&s, header, target);
	return search_plain(&s, nonce, first, count);
}
