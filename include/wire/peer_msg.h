/*
 * What nodes say to one another under /peer/ (docs/protocol.md, "Between nodes"): the handshake in JSON, the rest in
 * binary. Every count is capped and checked against the bytes that are there.
 *
 * POST /peer/hello         hello -> hello
 * POST /peer/headers       locator -> headers (the common ancestor's children on, at most HEADERS_MAX)
 * POST /peer/blocks        hashes -> blocks (those it has, in order; at most BLOCKS_MAX or about 4 MiB)
 * POST /peer/block         one block -> 200 or 202
 * POST /peer/transactions  transactions -> 202
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
#define PUSH_BLOCK_MAX (64u << 10) /* a larger one is only announced by its header, and fetched from who pushed it */
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

/* Transactions: one after another; their own form gives their length. Walk with tx_decode. */

#endif
