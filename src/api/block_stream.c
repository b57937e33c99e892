/*
 * Blocks as JSON. The tip is loaded once by who asks, and everything shown hangs together however long the client takes
 * and whatever is swapped meanwhile.
 *
 * A block's text comes from the transcript if it is there, and is written anew if not; nothing that a client sees depends
 * on which. Long passages of the transcript are only named, and go from the kernel's cache to the socket (sendfile): for
 * a chain of 10,000 blocks that is a twentieth of the work of writing it. Short ones are copied, which is cheaper than a
 * call to the kernel of their own. What the transcript lacks is usually the few newest blocks.
 *
 * Before anything is sent, the answer is planned: its long passages from the start, and the rest as text, if that is
 * little. If the plan comes to the end, the length is known, and sent; the answer then needs neither the segment nor
 * anything else any more, and a short one leaves in one piece. Else it is streamed, chunked, and each step looks for
 * itself. What a stalled reader costs is the plan and one piece, less than 64 KiB.
 */
#include "block_stream.h"

#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "store/transcript.h"
#include "util/mem.h"
#include "wire/views.h"

#define TEXT_MAX ((size_t)32 << 10)	 /* of a plan, and about so much of a stream's piece */
#define PASSAGE_MIN ((uint64_t)16 << 10) /* shorter ones are copied */
#define PASSAGES_MAX 32			 /* in a plan: one, and one more for each reorganisation that reached into it */
#define WINDOW 128			 /* blocks looked up at once */

struct stream {
	const struct api *api;
	struct block_list left; /* what neither the plan nor the client has yet */
	bool is_begun;
	uint64_t written; /* heights below this were in the transcript when the stream began */
	struct passage plan[PASSAGES_MAX];
	size_t plan_count, plan_at;
	struct buf rest; /* what comes behind the plan's passages, if that is all */
	bool has_rest;
	/* Of the blocks that are not in the transcript. */
	struct blockref window[WINDOW];
	uint64_t window_from;
	size_t window_count;
};

/* The longest passage that comes next, a single block if the newest come first. */
static struct passage
next_passage(const struct stream *s)
{
	const struct block_list *l = &s->left;
	uint64_t from = l->is_descending ? l->end - 1 : l->from, last = l->is_descending ? from : l->end - 1;

	if (from >= s->written)
		return (struct passage){0};
	return transcript_find(s->api->o.transcript, s->api->store, l->tip, from, last);
}

static void
skip_blocks(struct stream *s, uint64_t blocks)
{
	if (s->left.is_descending)
		s->left.end -= blocks;
	else
		s->left.from += blocks;
	s->is_begun = true;
}

/* The next block, which is not in the transcript. */
static void
write_block(struct stream *s, struct buf *out)
{
	const struct block_list *l = &s->left;
	uint64_t height = l->is_descending ? l->end - 1 : l->from, count = l->end - l->from;
	struct jout j = jout_to(out);
	struct block b;

	if (height < s->window_from || height - s->window_from >= s->window_count) {
		if (count > WINDOW)
			count = WINDOW;
		s->window_from = l->is_descending ? l->end - count : l->from;
		s->window_count = chain_window(s->api->store, l->tip, s->window_from, s->window, count);
	}
	chain_block(s->api->store, s->window[height - s->window_from], &b);
	view_block(&j, &b, s->api->params);
	skip_blocks(s, 1);
}

/*
 * Goes on until the text has enough bytes, or the next passage is one to be named: that is taken, if there is a place for
 * it. False: that was all, and its end is in the text.
 */
static bool
write_some(struct stream *s, struct buf *out, size_t enough, struct passage *named)
{
	struct passage p;

	while (s->left.from < s->left.end) {
		if (out->len >= enough)
			return true;
		p = next_passage(s);
		if (p.len >= PASSAGE_MIN && named == NULL)
			return true;
		buf_puts(out, s->is_begun ? "," : s->left.opening);
		if (p.blocks == 0) {
			write_block(s, out);
			continue;
		}
		skip_blocks(s, p.blocks);
		if (p.len >= PASSAGE_MIN) {
			*named = p;
			return true;
		}
		buf_append(out, transcript_text(s->api->o.transcript, &p), p.len);
	}
	if (!s->is_begun)
		buf_puts(out, s->left.opening);
	buf_puts(out, s->left.closing);
	return false;
}

static void
name_passage(const struct stream *s, struct http_piece *piece, const struct passage *p)
{
	piece->fd = transcript_fd(s->api->o.transcript);
	piece->at = p->at;
	piece->len = p->len;
}

static bool
stream_more(void *ctx, struct http_piece *piece)
{
	struct stream *s = ctx;
	struct passage named = {0};
	bool is_more;

	if (s->plan_at < s->plan_count) {
		buf_puts(&piece->bytes, s->plan_at > 0 ? "," : s->left.opening);
		name_passage(s, piece, &s->plan[s->plan_at++]);
		return true;
	}
	if (s->has_rest) {
		buf_append(&piece->bytes, s->rest.data, s->rest.len);
		return false;
	}
	is_more = write_some(s, &piece->bytes, piece->bytes.len + TEXT_MAX, &named);
	if (named.len > 0)
		name_passage(s, piece, &named);
	return is_more;
}

/* The answer's length, or HTTP_LENGTH_UNKNOWN. out gets the text behind the plan's passages if it is known. */
static uint64_t
make_plan(struct stream *s, struct buf *out)
{
	uint64_t length = 0;
	struct passage p;

	while (s->left.from < s->left.end && s->plan_count < PASSAGES_MAX && (p = next_passage(s)).len >= PASSAGE_MIN) {
		length += p.len + (s->is_begun ? strlen(",") : strlen(s->left.opening));
		skip_blocks(s, p.blocks);
		s->plan[s->plan_count++] = p;
	}
	struct block_list left = s->left;
	bool is_begun = s->is_begun;
	s->has_rest = !write_some(s, out, TEXT_MAX, NULL);
	if (s->has_rest)
		return length + out->len;
	buf_reset(out);
	s->left = left;
	s->is_begun = is_begun;
	return HTTP_LENGTH_UNKNOWN;
}

static void
stream_end(void *ctx)
{
	struct stream *s = ctx;

	buf_clear(&s->rest);
	free(s);
}

void
block_stream(struct api *a, struct http_req *req, const struct block_list *list)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	uint64_t length;

	s->api = a;
	s->left = *list;
	if (a->o.transcript != NULL && transcript_top(a->o.transcript).v != 0)
		s->written =
		    chain_height(a->store, chain_fork(a->store, transcript_top(a->o.transcript), list->tip)) + 1;
	reply_begin(a);
	length = make_plan(s, &a->out);
	if (s->has_rest && s->plan_count == 0) {
		stream_end(s);
		reply_end_kept(a, req, 200);
		return;
	}
	buf_append(&s->rest, a->out.data, a->out.len);
	reply_count(a, 200);
	http_reply_stream(req, 200, "application/json", length, stream_more, stream_end, s);
}
