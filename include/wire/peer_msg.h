/*
 * What nodes say to one another under /peer/ (docs/protocol.md, "Between nodes"): the handshake in JSON, the rest in
 * binary. Every count is capped and checked against the bytes that are there.
 *
 * POST /peer/hello         hello -> hello
 * POST /peer/headers       locator -> headers (the common ancestor's children on, at most HEADERS_MAX)
 * POST /peer/blocks        hashes -> blocks (those it has, in order; at most BLOCKS_MAX or about 4 MiB)
 * POST /peer/block         one block -> 200 or 202
 * POST /peer/announce      a compact block, or a header alone -> 200 or 202
 * POST /peer/compact       a hash -> the compact form of that block
 * POST /peer/parts         a hash and positions -> those transactions of that block
 * POST /peer/inventory     ids of transactions -> positions of those that it lacks
 * POST /peer/transactions  transactions -> 202
 *
 * A compact block names its transfers, which most receivers have in their pools, in place of holding them. A name is
 * the whole id, because the pool finds by it at once and nothing can collide that a salt would have to keep apart, and
 * four bytes of the leaf, because two transfers of one id may differ in their signatures.
 */
#ifndef RENSA_WIRE_PEER_MSG_H
#define RENSA_WIRE_PEER_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/fork_choice.h"
#include "chain/params.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/bytes.h"
#include "util/err.h"
#include "wire/views.h"

#define PEER_PROTOCOL 1
#define PEER_BODY_TYPE "application/octet-stream"
#define PEER_PORT_HEADER "Rensa-Port" /* of a push: the port on which the sender can be asked back */
#define LOCATOR_MAX 128
#define HEADERS_MAX 2000
#define BLOCKS_MAX 512
#define BLOCKS_BYTES_MAX \
	(4u << 20) /* a reply stops after the block that passes it, so it is at most this and one block */
#define PUSH_TXS_MAX 1024
#define PUSH_BLOCK_MAX \
	(64u << 10) /* a message that is larger is not pushed: the header goes alone, the rest is asked for */
#define PUSH_WHOLE_MAX \
	4096 /* a block up to this size is pushed whole: naming its parts saves nothing worth a question */
#define COMPACT_CHECK_SIZE 4
#define COMPACT_NAME_SIZE (HASH_SIZE + COMPACT_CHECK_SIZE)
#define COMPACT_PREFIX_SIZE (BLOCK_PREFIX_SIZE + TX_REWARD_SIZE)
#define COMPACT_TXS_MAX (1 + BLOCK_BYTES_LIMIT / TX_TRANSFER_SIZE(0)) /* in one block: fits 2 bytes */
#define COMPACT_BYTES_MAX (COMPACT_PREFIX_SIZE + COMPACT_TXS_MAX * COMPACT_NAME_SIZE)
#define HELLO_SIZE_MAX 8192

struct hello {
	uint32_t protocol;
	struct params params;
	struct hash256 genesis;
	uint64_t nonce;	    /* drawn at each start: how a node recognises itself */
	char node[65];	    /* name, for people */
	char software[33];  /* "rensa/0.1.0" */
	uint16_t port;	    /* on which it can be asked, 0: none */
	char advertise[64]; /* host:port to be reached at, "" if the source address will do */
	struct head head;
	uint64_t time_ms; /* its clock */
};

void hello_encode(struct buf *out, const struct hello *h);
/*
 * Whether the other side is of our network is the caller's judgement (compare genesis, name the parameter with
 * params_difference); here only the form is. Members that we do not know are passed over, so that later versions may
 * add some; another PEER_PROTOCOL is "unsupported-protocol", whatever else the document holds.
 */
bool hello_parse(struct hello *out, const void *text, size_t len, struct field_error *error) MUSTCHECK;

/* A locator or a list of hashes: count 2 bytes, hashes. max: LOCATOR_MAX or BLOCKS_MAX. */
void hashes_encode(struct buf *out, const struct hash256 *hashes, size_t count);
/* ERR_FORMAT, ERR_LIMIT. out has room for max. */
enum err hashes_parse(struct hash256 *out, size_t *count, size_t max, const void *body, size_t len) MUSTCHECK;

/* Headers: count 2 bytes, then 96 bytes each. begin empties out; at most HEADERS_MAX are added. */
void headers_begin(struct buf *out);
void headers_add(struct buf *out, const uint8_t header[HEADER_SIZE]);
/* ERR_FORMAT, ERR_LIMIT. *first is borrowed from body. */
enum err headers_parse(const uint8_t **first, size_t *count, const void *body, size_t len) MUSTCHECK;

/* Blocks: count 2 bytes, then length 4 bytes and the block's bytes each. begin empties out; at most BLOCKS_MAX. */
void blocks_begin(struct buf *out);
void blocks_add(struct buf *out, const void *bytes, size_t size);
/*
 * Checks the whole frame first: ERR_LIMIT for more than BLOCKS_MAX blocks, or one above BLOCK_BYTES_LIMIT; ERR_FORMAT
 * if count and lengths do not fill the body exactly. Then blocks_next gives each block, false at the end.
 */
enum err blocks_open(struct reader *r, size_t *count, const void *body, size_t len) MUSTCHECK;
bool blocks_next(struct reader *r, const uint8_t **bytes, size_t *size);

/*
 * A compact block: header 96, count of all transactions 4, the reward 69, then a name for each transfer: id 32 and the
 * first 4 bytes of its leaf. compact_encode empties out; false: the block is none that could be put so (its first
 * transaction alone must be a reward).
 */
struct compact {
	struct header header;
	struct hash256 hash;
	uint32_t tx_count;
	const uint8_t *reward; /* TX_REWARD_SIZE bytes, borrowed as names are */
	const uint8_t *names;  /* tx_count - 1 of them */
};
bool compact_encode(struct buf *out, const struct block *b) MUSTCHECK;
/* ERR_FORMAT, ERR_LIMIT. */
enum err compact_parse(struct compact *out, const void *body, size_t len) MUSTCHECK;
/* The id in the name of the transaction at this position; 1 is the first transfer. */
void compact_id(struct hash256 *out, const struct compact *c, uint32_t position);
/* Are these the bytes that the name at this position means? */
bool compact_is_named(const struct compact *c, uint32_t position, const void *bytes, size_t len);

/* Positions: count 2, then 2 bytes each, rising. out has room for max. */
void positions_encode(struct buf *out, const uint16_t *positions, size_t count);
enum err positions_parse(uint16_t *out, size_t *count, size_t max, const void *body, size_t len) MUSTCHECK;

/* A request for parts of a block: hash 32, positions. */
void parts_encode(struct buf *out, const struct hash256 *block, const uint16_t *positions, size_t count);
enum err parts_parse(struct hash256 *block, uint16_t *out, size_t *count, size_t max, const void *body,
		     size_t len) MUSTCHECK;

/* A short name for a peer's address, and for an item by its hash, by which processes of one node speak of them. */
uint64_t peer_key(const char *address);
uint64_t item_key(const struct hash256 *hash);

/* Transactions: one after another; their own form gives their length. Walk with tx_decode. */

#endif
