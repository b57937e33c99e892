/* The chain as others read it: its head, its blocks, all of them or some. */
#include "store/chain.h"

#include <string.h>

#include "block_stream.h"
#include "freshness.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "util/text.h"

#define BLOCKS_DEFAULT 20
#define BLOCKS_LIST_MAX 100

void
chain_get(struct api *a, struct http_req *req, const char *name)
{
	struct blockref tip = chain_tip(a->store);
	uint64_t above = chain_height(a->store, tip) + 1, from, limit;

	(void)name;
	if (!input_number(a, req, "from", &from, 0, 0, NUMBER_MAX) ||
	    !input_number(a, req, "limit", &limit, NUMBER_MAX, 0, NUMBER_MAX))
		return;
	if (from > above)
		from = above;
	uint64_t end = above - from < limit ? above : from + limit;
	if (freshness_list(a, req, tip, from, end))
		return;
	block_stream(
	    a, req,
	    &(struct block_list){.tip = tip, .from = from, .end = end, .opening = "{\"chain\":[", .closing = "]}"});
}

void
blocks_get(struct api *a, struct http_req *req, const char *name)
{
	struct blockref tip = chain_tip(a->store);
	uint64_t above = chain_height(a->store, tip) + 1, before, limit;

	(void)name;
	if (!input_number(a, req, "before", &before, above, 0, NUMBER_MAX) ||
	    !input_number(a, req, "limit", &limit, BLOCKS_DEFAULT, 1, BLOCKS_LIST_MAX))
		return;
	if (before > above)
		before = above;
	uint64_t from = before < limit ? 0 : before - limit;
	if (freshness_list(a, req, tip, from, before))
		return;
	block_stream(a, req,
		     &(struct block_list){.tip = tip,
					  .from = from,
					  .end = before,
					  .is_descending = true,
					  .opening = "{\"blocks\":[",
					  .closing = "]}"});
}

void
chain_head_get(struct api *a, struct http_req *req, const char *name)
{
	struct blockref tip = chain_tip(a->store);
	struct block b;
	struct head head;

	(void)name;
	chain_block(a->store, tip, &b);
	chain_head(a->store, tip, &head);
	struct hash256 work = u256_to_hash(&head.work);
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_ku64(&j, "height", head.height);
	jout_khex(&j, "hash", head.hash.b, sizeof(head.hash.b));
	jout_khex(&j, "work", work.b, sizeof(work.b));
	jout_ku64(&j, "timestamp", b.header.time_ms);
	jout_object_end(&j);
	reply_end(a, req, 200);
}

/* A hash has 64 characters; a height, being below 2^53, at most 16. */
void
block_get(struct api *a, struct http_req *req, const char *name)
{
	struct blockref tip = chain_tip(a->store), ref;
	struct hash256 hash;
	uint64_t height;
	bool is_by_hash = strlen(name) == 2 * HASH_SIZE;

	if (is_by_hash) {
		if (!input_hash(a, req, &hash, name, "a block's hash"))
			return;
		ref = chain_find(a->store, tip, &hash);
	} else if (text_u64(&height, name, NUMBER_MAX) == OK) {
		ref = chain_at(a->store, tip, height);
	} else {
		reply_error(a, req, 400, "bad-parameter",
			    "a block is named by its height, or by its hash of 64 lower-case hexadecimal digits");
		return;
	}
	if (ref.v == 0) {
		reply_error(a, req, 404, "not-found", "there is no such block on this node's chain of height %llu",
			    (unsigned long long)chain_height(a->store, tip));
		return;
	}
	if (freshness_block(a, req, tip, ref, is_by_hash))
		return;
	height = chain_height(a->store, ref);
	block_stream(a, req,
		     &(struct block_list){.tip = tip, .from = height, .end = height + 1, .opening = "", .closing = ""});
}
