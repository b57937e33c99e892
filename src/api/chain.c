/*
 * The chain as others read it. A list of blocks is streamed: the tip is loaded once, and everything shown hangs
 * together however long the client takes and whatever is swapped meanwhile. What a stalled reader costs is one piece.
 */
#include "store/chain.h"

#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/views.h"

#define PIECE_SIZE (64u << 10)
#define WINDOW 128 /* blocks looked up at once */
#define BLOCKS_DEFAULT 20
#define BLOCKS_LIST_MAX 100

/* A run of blocks on their way to a client: heights from `from` up to, not including, `end`. */
struct stream {
	const struct store *store;
	const struct params *params;
	struct blockref tip;
	uint64_t from;
	uint64_t end;
	bool is_descending;
	const char *opening; /* what comes before the first block */
	bool is_begun;
	struct blockref window[WINDOW];
	size_t at; /* in window */
	size_t count;
};

/* The next block to show; false: that was all. */
static bool
stream_next(struct stream *s, struct blockref *ref)
{
	if (s->at == s->count) {
		uint64_t left = s->end - s->from;
		size_t count = left < WINDOW ? (size_t)left : WINDOW;

		s->count =
		    chain_window(s->store, s->tip, s->is_descending ? s->end - count : s->from, s->window, count);
		s->at = 0;
		if (s->count == 0)
			return false;
		if (s->is_descending)
			s->end -= s->count;
		else
			s->from += s->count;
	}
	*ref = s->window[s->is_descending ? s->count - 1 - s->at : s->at];
	s->at++;
	return true;
}

static bool
stream_more(void *ctx, struct http_piece *next)
{
	struct stream *s = ctx;
	struct buf *piece = &next->bytes;
	size_t enough = piece->len + PIECE_SIZE;
	struct blockref ref;
	struct block b;

	while (piece->len < enough) {
		if (!stream_next(s, &ref)) {
			buf_puts(piece, s->is_begun ? "]}" : s->opening);
			if (!s->is_begun)
				buf_puts(piece, "]}");
			return false;
		}
		buf_puts(piece, s->is_begun ? "," : s->opening);
		s->is_begun = true;
		chain_block(s->store, ref, &b);
		struct jout j = jout_to(piece);
		view_block(&j, &b, s->params);
	}
	return true;
}

static void
stream_start(struct api *a, struct http_req *req, const char *opening, struct blockref tip, uint64_t from, uint64_t end,
	     bool is_descending)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->store = a->store;
	s->params = a->params;
	s->tip = tip;
	s->from = from;
	s->end = end;
	s->is_descending = is_descending;
	s->opening = opening;
	reply_count(a, 200);
	http_reply_stream(req, 200, "application/json", HTTP_LENGTH_UNKNOWN, stream_more, free, s);
}

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
	stream_start(a, req, "{\"chain\":[", tip, from, above - from < limit ? above : from + limit, false);
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
	stream_start(a, req, "{\"blocks\":[", tip, before < limit ? 0 : before - limit, before, true);
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
	struct block b;

	if (strlen(name) == 2 * HASH_SIZE) {
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
	chain_block(a->store, ref, &b);
	struct jout j = reply_begin(a);
	view_block(&j, &b, a->params);
	reply_end(a, req, 200);
}
