/* One nonce after the other, by libcrypto's compression function: the way for processors that offer no better one. */
#define OPENSSL_API_COMPAT 0x10101000L

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

#include "headerhash_ways.h"

uint64_t
headerhash_plain_scan(const struct headerhash_job *job, uint32_t first, uint64_t count)
{
	uint32_t inner[SHA256_BLOCK_WORDS] = {
	    [PADDING] = htobe32(PADDING_WORD),
	    [SHA256_BLOCK_WORDS - 1] = htobe32(HEADER_BITS),
	};
	uint32_t outer[SHA256_BLOCK_WORDS] = {
	    [PADDING] = htobe32(PADDING_WORD),
	    [SHA256_BLOCK_WORDS - 1] = htobe32(OUTER_BITS),
	};
	SHA256_CTX start, ctx;
	SHA256_Init(&start);
	ctx = start;
	for (size_t i = 0; i < PADDING; i++)
		inner[i] = htobe32(job->rest[i]);

	for (uint64_t i = 0; i < count; i++) {
		inner[NONCE_LOW] = htobe32(first + (uint32_t)i);
		memcpy(ctx.h, job->midstate, sizeof(ctx.h));
		SHA256_Transform(&ctx, (const unsigned char *)inner);
		for (size_t w = 0; w < SHA256_STATE_WORDS; w++)
			outer[w] = htobe32(ctx.h[w]);
		memcpy(ctx.h, start.h, sizeof(ctx.h));
		SHA256_Transform(&ctx, (const unsigned char *)outer);
		if (ctx.h[0] <= job->limit)
			return i;
	}
	return count;
}
