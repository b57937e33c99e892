/*
 * Canonical blocks, all integers big-endian.
 *
 *   header: version 4, previous 32, merkle root 32, time 8, target 4, height 8, nonce 8 (96 bytes)
 *   block:  header, transaction count 4, transactions
 *
 * Hash of a block: double SHA-256 of its header. The nonce is last, so that a search hashes the first 64 bytes once.
 */
#include "chain/block.h"

#include "chain/merkle.h"
#include "chain/pow.h"

void
header_encode(uint8_t out[HEADER_SIZE], const struct header *h)
{
	struct writer w = writer_of(out, HEADER_SIZE);
	put_u32(&w, h->version);
	put_bytes(&w, h->previous.b, sizeof(h->previous.b));
	put_bytes(&w, h->merkle_root.b, sizeof(h->merkle_root.b));
	put_u64(&w, h->time_ms);
	put_u32(&w, h->target);
	put_u64(&w, h->height);
	put_u64(&w, h->nonce);
}

void
header_decode(struct header *out, const uint8_t bytes[HEADER_SIZE])
{
	struct reader r = reader_of(bytes, HEADER_SIZE);
	out->version = get_u32(&r);
	get_bytes(&r, out->previous.b, sizeof(out->previous.b));
	get_bytes(&r, out->merkle_root.b, sizeof(out->merkle_root.b));
	out->time_ms = get_u64(&r);
	out->target = get_u32(&r);
	out->height = get_u64(&r);
	out->nonce = get_u64(&r);
}

struct hash256
header_hash(const struct header *h)
{
	uint8_t bytes[HEADER_SIZE];
	header_encode(bytes, h);
	return header_hash_bytes(bytes);
}

struct hash256
header_hash_bytes(const uint8_t bytes[HEADER_SIZE])
{
	return sha256d(bytes, HEADER_SIZE);
}

enum rule
block_parse_known(struct block *out, const void *bytes, size_t size, const struct hash256 *hash)
{
	if (size > BLOCK_BYTES_LIMIT)
		return RULE_BLOCK_TOO_LARGE;
	if (size < BLOCK_PREFIX_SIZE)
		return RULE_BLOCK_MALFORMED;
	struct reader r = reader_of(bytes, size);
	const uint8_t *header = get_span(&r, HEADER_SIZE);
	uint32_t count = get_u32(&r);
	for (uint32_t i = 0; i < count; i++) {
		size_t span = tx_span(&r);
		if (span == 0)
			return RULE_BLOCK_MALFORMED;
		(void)get_span(&r, span);
	}
	if (!reader_done(&r))
		return RULE_BLOCK_MALFORMED;

	header_decode(&out->header, header);
	out->hash = *hash;
	out->bytes = bytes;
	out->size = size;
	out->tx_count = count;
	return RULE_OK;
}

enum rule
block_parse(struct block *out, const void *bytes, size_t size)
{
	static const struct hash256 unknown;
	enum rule rule = block_parse_known(out, bytes, size, &unknown);

	if (rule == RULE_OK)
		out->hash = header_hash_bytes(out->bytes);
	return rule;
}

struct block_iter
block_txs(const struct block *b)
{
	return (struct block_iter){.r = reader_of(b->bytes + BLOCK_PREFIX_SIZE, b->size - BLOCK_PREFIX_SIZE)};
}

/* Moves on to the next transaction's bytes. */
static bool
block_iter_step(struct block_iter *it)
{
	size_t span = tx_span(&it->r);
	if (span == 0)
		return false;
	it->index += it->started;
	it->started = true;
	it->bytes = get_span(&it->r, span);
	it->size = span;
	return true;
}

bool
block_next(struct block_iter *it, struct tx *out, enum rule *rule)
{
	if (!block_iter_step(it))
		return false;
	struct reader r = reader_of(it->bytes, it->size);
	*rule = tx_decode(out, &r);
	return true;
}

struct hash256
block_merkle_root(const struct block *b)
{
	struct merkle tree;
	merkle_init(&tree);
	for (struct block_iter it = block_txs(b); block_iter_step(&it);) {
		struct hash256 leaf = tx_leaf(it.bytes, it.size);
		merkle_add(&tree, &leaf);
	}
	return merkle_top(&tree);
}

/* What every block starts with. */
static void
prefix_encode(uint8_t out[BLOCK_PREFIX_SIZE], const struct header *h, uint32_t tx_count)
{
	header_encode(out, h);
	struct writer w = writer_of(out + HEADER_SIZE, BLOCK_PREFIX_SIZE - HEADER_SIZE);
	put_u32(&w, tx_count);
}

void
block_begin(struct buf *out, const struct header *h, uint32_t tx_count)
{
	uint8_t prefix[BLOCK_PREFIX_SIZE];
	prefix_encode(prefix, h, tx_count);
	buf_append(out, prefix, sizeof(prefix));
}

void
genesis_encode(uint8_t out[BLOCK_PREFIX_SIZE], const struct params *p)
{
	struct header h = {
	    .version = BLOCK_VERSION,
	    .merkle_root = params_hash(p),
	    .time_ms = p->genesis_time_ms,
	    .target = target_easiest(p),
	};
	prefix_encode(out, &h, 0);
}

struct hash256
genesis_hash(const struct params *p)
{
	uint8_t genesis[BLOCK_PREFIX_SIZE];
	genesis_encode(genesis, p);
	return header_hash_bytes(genesis);
}
