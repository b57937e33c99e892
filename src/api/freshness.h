/*
 * How long others may keep an answer, and whether the client still has it (RFC 9110, section 13; RFC 9111). What must
 * stay true: nothing that a reorganisation can change is called immutable. So there are three kinds of answers:
 *
 * - A block asked for by its hash is the same bytes for ever. Once it lies SETTLED_DEPTH blocks below the tip it is
 *   "immutable" and kept for a day without asking; a day and no longer because a newer node may show more of it.
 * - What follows from blocks but may follow from others later (a block by height, lists of blocks, a confirmed
 *   transaction with its count of confirmations, a block by hash that is not settled) is kept, but asked about each
 *   time: "no-cache" with an ETag. An unchanged one costs a 304 and is not rendered.
 * - Everything else, errors too, is "no-store"; reply.c says so.
 *
 * An ETag is the hash of the last block that the answer follows from, which stands for all blocks before it, and a mark
 * of the software, whose next version may write the same block otherwise.
 */
#ifndef RENSA_SRC_API_FRESHNESS_H
#define RENSA_SRC_API_FRESHNESS_H

#include <stdbool.h>

#include "net/httpd.h"
#include "state.h"
#include "store/chain.h"

/*
 * Blocks behind which a block counts as settled. Nothing but the block's own bytes is staked on it: with no limit on
 * reorganisations, which is the default, no depth is beyond their reach, and what is kept for that day may then be a
 * block that is no longer on the chain.
 */
#define SETTLED_DEPTH 100

/*
 * Each is called before the answer with status 200 is given, puts the headers on it, and returns true if the client has
 * that answer: then it was given 304, and the request is done.
 */
/* The block at ref on the chain that ends in tip. */
bool freshness_block(struct api *a, struct http_req *req, struct blockref tip, struct blockref ref, bool is_by_hash);
/* Whatever this path shows of the chain that ends in `last`: the same as long as that block is asked of. */
bool freshness_chain(struct api *a, struct http_req *req, struct blockref last);
/* The blocks of tip's chain from a height up to, not including, end; of none nothing is to be kept. */
bool freshness_list(struct api *a, struct http_req *req, struct blockref tip, uint64_t from, uint64_t end);
/* Nothing of this answer is to be kept. */
void freshness_none(struct http_req *req);

#endif
