/*
 * Blocks: the 96-byte header and the canonical bytes around it (docs/protocol.md, "Blocks").
 * A block is header, transaction count (4 bytes), transactions one after another.
 */
#ifndef RENSA_CHAIN_BLOCK_H
#define RENSA_CHAIN_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/params.h"
#include "chain/rule.h"
#include "chain/tx.h"
#include "crypto/hash.h"
#include "util/attr.h"
#include "util/buf.h"

#define HEADER_SIZE 96
#define BLOCK_VERSION 1
#define BLOCK_PREFIX_SIZE (HEADER_SIZE + 4) /* header and count: a block without transactions */

struct header {
	uint32_t version;
	struct hash256 previous;
	struct hash256 merkle_root;
	uint64_t time_ms; /* wall clock, since 1970 */
	uint32_t target;  /* compact */
	uint64_t height;
	uint64_t nonce;
};

void header_encode(uint8_t out[HEADER_SIZE], const struct header *h);
void header_decode(struct header *out, const uint8_t bytes[HEADER_SIZE]);
struct hash256 header_hash(const struct header *h);
struct hash256 header_hash_bytes(const uint8_t bytes[HEADER_SIZE]);

/* A parsed block that borrows its bytes. */
struct block {
	struct header header;
	struct hash256 hash;
	const uint8_t *bytes; /* borrowed: the whole canonical encoding */
	size_t size;
	uint32_t tx_count;
};

/*
 * Parses the frame: header, count, and transactions whose lengths fill the rest exactly. RULE_BLOCK_MALFORMED if they
 * do not, RULE_BLOCK_TOO_LARGE above BLOCK_BYTES_LIMIT. No other rule is looked at.
 */
enum rule block_parse(struct block *out, const void *bytes, size_t size) MUSTCHECK;

/* The same where the hash is known. */
enum rule block_parse_known(struct block *out, const void *bytes, size_t size, const struct hash256 *hash) MUSTCHECK;

/* Walks a parsed block's transactions. */
struct block_iter {
	struct reader r;
	uint32_t index;	      /* of the one that the last call gave */
	const uint8_t *bytes; /* of that one: borrowed from the block */
	size_t size;
	bool started;
};

struct block_iter block_txs(const struct block *b);
/* False at the end. A transaction of parsed block always decodes by length; *rule is what tx_decode said of it. */
bool block_next(struct block_iter *it, struct tx *out, enum rule *rule);

/* The merkle root of a parsed block's transactions. */
struct hash256 block_merkle_root(const struct block *b);

/* Appends header h and the count to out, ready for transactions to be appended behind. */
void block_begin(struct buf *out, const struct header *h, uint32_t tx_count);

/* The genesis block of a network: BLOCK_PREFIX_SIZE bytes, no transactions. */
void genesis_encode(uint8_t out[BLOCK_PREFIX_SIZE], const struct params *p);
struct hash256 genesis_hash(const struct params *p);

#endif
