/*
 * What proves that a block holds a transaction, to somebody who has no more of the chain than its headers: the transaction's
 * bytes, the branch of the merkle tree over them, and the header in which the tree ends (docs/protocol.md, "Proofs").
 */
#include <stdlib.h>

#include "chain/block.h"
#include "chain/merkle.h"
#include "freshness.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/chain.h"
#include "store/mempool.h"
#include "util/mem.h"

/* The block is on our chain, so its size is one that the rules allow. Returns the length of the branch. */
static size_t
make_path(struct hash256 path[MERKLE_LEVELS], const struct block *b, uint32_t index)
{
	struct hash256 *leaves = xcalloc(b->tx_count, sizeof(*leaves));
	struct block_iter it = block_txs(b);
	size_t count = 0, len;
	enum rule rule;
	struct tx tx;

	while (count < b->tx_count && block_next(&it, &tx, &rule))
		leaves[count++] = tx_leaf(it.bytes, it.size);
	len = merkle_path(path, leaves, count, index);
	free(leaves);
	return len;
}

static void
write_proof(struct jout *j, const struct block *b, const struct tx_place *place, const struct hash256 *id)
{
	struct hash256 path[MERKLE_LEVELS];
	size_t len = make_path(path, b, place->index);

	jout_object(j);
	jout_khex(j, "id", id->b, sizeof(id->b));
	jout_khex(j, "transaction", place->bytes, place->size);
	jout_ku64(j, "index", place->index);
	jout_ku64(j, "leaves", b->tx_count);
	jout_key(j, "path");
	jout_array(j);
	for (size_t i = 0; i < len; i++)
		jout_hex(j, path[i].b, sizeof(path[i].b));
	jout_array_end(j);
	jout_khex(j, "header", b->bytes, HEADER_SIZE);
	jout_khex(j, "hash", b->hash.b, sizeof(b->hash.b));
	jout_ku64(j, "height", b->header.height);
	jout_object_end(j);
}

void
proof_get(struct api *a, struct http_req *req, const char *name)
{
	struct blockref tip = chain_tip(a->store);
	struct pool_entry entry;
	struct tx_place place;
	struct hash256 id;
	struct block b;

	if (!input_hash(a, req, &id, name, "a transaction's id"))
		return;
	if (!chain_find_tx(a->store, tip, &id, &place)) {
		bool is_pooled = mempool_find(a->store, &id, &entry);

		reply_error(
		    a, req, 404, is_pooled ? "not-confirmed" : "not-found",
		    is_pooled ? "this transaction is in no block yet, so nothing proves it: wait until it is confirmed"
			      : "no transaction with this id is on the chain of this node");
		return;
	}
	/* Another tip may lie on a branch that holds the transaction in another block, or not at all. */
	if (freshness_chain(a, req, tip))
		return;
	chain_block(a->store, place.block, &b);
	struct jout j = reply_begin(a);
	write_proof(&j, &b, &place, &id);
	reply_end_kept(a, req, 200);
}
