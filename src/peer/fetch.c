/*
 * One request is under way at a time. Its callback decides what is next: more headers, bodies, or the end; `finish` is
 * always the last thing done, because the fetch may be freed in it. What stops a branch early is noted in the result
 * at once and told when the valid blocks before it are in.
 *
 * Bodies are judged while the next ones come: the request for those leaves the process when the loop turns, so the
 * judging waits for that turn. Whatever ends the fetch drops the request under way.
 */
#include "peer/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer/dial.h"
#include "util/mem.h"
#include "util/text.h"

#define BODIES_AT_ONCE BLOCKS_MAX
#define HEADERS_REPLY_MAX (2 + HEADERS_MAX * HEADER_SIZE)
#define BODIES_REPLY_MAX (2 + BLOCKS_MAX * 4 + BLOCKS_BYTES_MAX + BLOCK_BYTES_LIMIT)

struct fetch {
	struct httpc *client;
	struct loop_timer *start;
	struct loop_timer *judge; /* armed while bodies lie unjudged and the request for the next ones leaves */
	const struct params *params;
	struct fetch_callbacks cb;
	void *ctx;

	struct header_state state; /* behind the last header accepted, or the last known block */
	bool is_anchored;	   /* state is set: headers connect to a block we have */
	struct hash256 ancestor;   /* the block we have before the first pending header */
	struct hash256 *pending;   /* hashes of headers whose bodies we lack, in order */
	size_t count, room;
	size_t next;		    /* body to take next */
	size_t wanted;		    /* body to ask for next */
	size_t asked;		    /* bodies that the request under way asks for */
	struct buf bodies;	    /* the reply that is judged while the next one comes */
	bool is_unjudged;	    /* bodies holds some that were not judged yet */
	struct block *parsed;	    /* BLOCKS_MAX of them, for foresee */
	bool is_full;		    /* the last headers reply was full: there may be more */
	struct fetch_result result; /* end != FETCH_DONE: what stops us once the valid prefix is in */
};

static void ask_headers(struct fetch *f);
static void ask_bodies(struct fetch *f);
static void end_of_branch(struct fetch *f);

static void
finish(struct fetch *f)
{
	httpc_free(f->client);
	f->client = NULL;
	f->cb.done(f->ctx, &f->result);
}

/* A reason noted before is the deeper one: it stays. */
static void
finish_with(struct fetch *f, enum fetch_end end, const char *reason)
{
	if (f->result.end == FETCH_DONE) {
		f->result.end = end;
		text_copy(f->result.reason, sizeof(f->result.reason), reason);
	}
	finish(f);
}

static void
note_rule(struct fetch *f, enum rule rule, uint64_t height, const struct hash256 *hash)
{
	f->result.end = FETCH_BROKE_RULE;
	f->result.rule = rule;
	f->result.height = height;
	f->result.hash = *hash;
}

/* True if the reply is a binary one with status 200; otherwise the fetch has ended. */
static bool
is_usable(struct fetch *f, const struct httpc_reply *reply)
{
	char reason[sizeof(f->result.reason)];

	if (reply->error == OK && reply->status == 200 && strcmp(reply->content_type, PEER_BODY_TYPE) == 0)
		return true;
	if (reply->error == OK) {
		/* A busy or ailing node says so in this way, and has offended nobody. */
		bool is_unable = reply->status == 408 || reply->status == 429 || reply->status >= 500;

		snprintf(reason, sizeof(reason), "it answered with status %d and type \"%.40s\"", reply->status,
			 reply->content_type);
		finish_with(f, is_unable ? FETCH_FAILED : FETCH_MISBEHAVED, reason);
	} else if (reply->error == ERR_LIMIT || reply->error == ERR_FORMAT) {
		finish_with(f, FETCH_MISBEHAVED,
			    reply->error == ERR_LIMIT ? "its answer was too long" : "its answer was no plain HTTP");
	} else {
		finish_with(f, FETCH_FAILED,
			    reply->error == ERR_TIMEOUT ? "it did not answer in time" : "the connection was cut");
	}
	return false;
}

static void
ask(struct fetch *f, const char *path, const struct buf *body, size_t max_reply, httpc_done *done)
{
	struct httpc_request request = {.method = HTTP_POST,
					.path = path,
					.content_type = PEER_BODY_TYPE,
					.body = body->data,
					.body_len = body->len,
					.max_reply = max_reply,
					.timeout_ms = FETCH_TIMEOUT_MS};

	if (httpc_send(f->client, &request, done, f) != OK)
		finish_with(f, FETCH_FAILED, "the connection could not be used");
}

static void
begin_bodies(struct fetch *f)
{
	enum rule rule = f->cb.begin(f->ctx, &f->ancestor);

	f->next = f->wanted = 0;
	if (rule != RULE_OK) {
		note_rule(f, rule, f->state.header.height, &f->state.hash);
		finish(f);
	} else if (f->count > 0) {
		ask_bodies(f);
	} else if (f->cb.flush(f->ctx)) {
		/* We have it all from an earlier day, when it lost: nothing to fetch. */
		end_of_branch(f);
	} else {
		if (f->result.end == FETCH_DONE)
			f->result.end = FETCH_STOPPED;
		finish(f);
	}
}

static void
note_misbehaviour(struct fetch *f, const char *reason)
{
	f->result.end = FETCH_MISBEHAVED;
	text_copy(f->result.reason, sizeof(f->result.reason), reason);
}

/* Finds our block before the first header of a fetch. */
static bool
anchor(struct fetch *f, const struct hash256 *previous)
{
	f->is_anchored = f->cb.known(f->ctx, previous, &f->state);
	f->ancestor = *previous;
	return f->is_anchored;
}

/* One header of a reply. False: it ends the usable part. */
static bool
take_header(struct fetch *f, const uint8_t *bytes)
{
	struct hash256 hash = header_hash_bytes(bytes);
	struct header_state known;
	struct header h;
	enum rule rule;

	header_decode(&h, bytes);
	if (!f->is_anchored && !anchor(f, &h.previous)) {
		note_misbehaviour(f, "its headers do not connect to our chain");
		return false;
	}
	if (f->count == 0 && hash_equal(&h.previous, &f->state.hash) && f->cb.known(f->ctx, &hash, &known)) {
		f->state = known;
		f->ancestor = hash;
		return true;
	}
	if (f->cb.is_bad(f->ctx, &hash) || f->cb.is_bad(f->ctx, &h.previous))
		rule = RULE_KNOWN_BAD;
	else
		rule = header_check(&f->state, &h, &hash, f->params);
	if (rule != RULE_OK) {
		note_rule(f, rule, h.height, &hash);
		return false;
	}
	/* Slightly early blocks are not wrong: what stands before them is taken now, they in a later round. */
	if (header_check_clock(&h, f->cb.now_ms(f->ctx)) != RULE_OK) {
		f->result.is_early = true;
		return false;
	}
	if (f->count == f->room) {
		f->room = f->room == 0 ? 256 : f->room * 2;
		f->pending = xrealloc(f->pending, f->room * sizeof(*f->pending));
	}
	f->pending[f->count++] = hash;
	header_state_advance(&f->state, &h, &hash);
	return true;
}

/* A reply that goes on where the last one ended. It does not if the peer swapped its chain in between: no offence. */
static bool
follows_on(const struct fetch *f, const uint8_t *first)
{
	struct header h;

	header_decode(&h, first);
	return hash_equal(&h.previous, &f->state.hash);
}

static void
got_headers(void *ctx, const struct httpc_reply *reply)
{
	struct fetch *f = ctx;
	const uint8_t *bytes;
	size_t count, i;
	struct head head;

	if (!is_usable(f, reply))
		return;
	if (headers_parse(&bytes, &count, reply->body, reply->len) != OK) {
		finish_with(f, FETCH_MISBEHAVED, "its headers are malformed");
		return;
	}
	if (f->is_anchored && count > 0 && !follows_on(f, bytes)) {
		finish_with(f, FETCH_FAILED, "its chain changed meanwhile");
		return;
	}
	for (i = 0; i < count; i++)
		if (!take_header(f, bytes + i * HEADER_SIZE))
			break;
	f->is_full = count == HEADERS_MAX && i == count;
	head = (struct head){f->state.hash, f->state.work, f->state.header.height};
	if (f->is_anchored && f->cb.wins(f->ctx, &head))
		begin_bodies(f);
	else if (f->is_full && f->count < FETCH_HEADERS_MAX)
		ask_headers(f);
	else if (f->is_full)
		finish_with(f, FETCH_MISBEHAVED, "it has headers without end and without the work of our chain");
	else
		finish(f);
}

static void
ask_headers(struct fetch *f)
{
	struct hash256 hashes[LOCATOR_MAX];
	struct buf body;
	size_t count;

	buf_init(&body);
	count = f->cb.locator(f->ctx, hashes);
	if (f->is_anchored) {
		/* Go on where the last reply ended. */
		hashes[0] = f->state.hash;
		count = 1;
	}
	hashes_encode(&body, hashes, count);
	ask(f, "/peer/headers", &body, HEADERS_REPLY_MAX, got_headers);
	buf_clear(&body);
}

/* All bodies of the pending headers are in, or the rest is not to be had. */
static void
end_of_branch(struct fetch *f)
{
	if (f->is_full && f->result.end == FETCH_DONE) {
		f->count = 0;
		f->is_anchored = false;
		ask_headers(f);
	} else {
		finish(f);
	}
}

/* The next body of a reply. False: it ends the fetch. */
static bool
take_body(struct fetch *f, const uint8_t *bytes, size_t size, uint64_t *height)
{
	struct verdict v = verdict_ok();
	struct block b;

	enum rule rule = block_parse(&b, bytes, size);
	struct hash256 hash;

	/* The header says which block it is, also where the rest does not parse. */
	if (size >= HEADER_SIZE)
		hash = header_hash_bytes(bytes);
	if (size < HEADER_SIZE || !hash_equal(&hash, &f->pending[f->next])) {
		note_misbehaviour(f, "it sent another block than it was asked for");
		return false;
	}
	if (rule != RULE_OK) {
		header_decode(&b.header, bytes);
		note_rule(f, rule, b.header.height, &hash);
		return false;
	}
	if (!f->cb.body(f->ctx, &b, &v)) {
		if (v.rule != RULE_OK)
			note_rule(f, v.rule, b.header.height, &b.hash);
		else
			f->result.end = FETCH_STOPPED;
		return false;
	}
	*height = b.header.height;
	f->next++;
	f->result.bodies++;
	return true;
}

/* Shows the owner what comes next, as far as it is what was asked for. */
static void
foresee(struct fetch *f, struct reader r)
{
	const uint8_t *bytes;
	size_t size, count = 0;

	if (f->cb.foresee == NULL)
		return;
	if (f->parsed == NULL)
		f->parsed = xcalloc(BLOCKS_MAX, sizeof(*f->parsed));
	while (count < BLOCKS_MAX && f->next + count < f->count && blocks_next(&r, &bytes, &size) &&
	       block_parse(&f->parsed[count], bytes, size) == RULE_OK &&
	       hash_equal(&f->parsed[count].hash, &f->pending[f->next + count]))
		count++;
	f->cb.foresee(f->ctx, f->parsed, count);
}

/* Judges the bodies of a reply. False: the fetch has ended. */
static bool
judge(struct fetch *f)
{
	const uint8_t *bytes;
	struct reader r;
	uint64_t height = 0;
	size_t count, size;
	bool go_on = blocks_open(&r, &count, f->bodies.data, f->bodies.len) == OK;

	f->is_unjudged = false;
	foresee(f, r);
	while (go_on && blocks_next(&r, &bytes, &size))
		go_on = take_body(f, bytes, size, &height);
	/* Whatever stopped us, the valid blocks before it count. */
	if (!f->cb.flush(f->ctx) && go_on) {
		f->result.end = FETCH_STOPPED;
		go_on = false;
	}
	if (!go_on) {
		finish(f);
		return false;
	}
	f->cb.progress(f->ctx, height, f->state.header.height);
	return true;
}

static void
judge_meanwhile(void *ctx)
{
	struct fetch *f = ctx;

	if (f->is_unjudged)
		(void)judge(f);
}

static void
got_bodies(void *ctx, const struct httpc_reply *reply)
{
	struct fetch *f = ctx;
	struct reader r;
	size_t count;

	/* Whatever this reply is, those before it count. */
	if (f->is_unjudged && !judge(f))
		return;
	if (!is_usable(f, reply))
		return;
	if (blocks_open(&r, &count, reply->body, reply->len) != OK || count > f->asked) {
		finish_with(f, FETCH_MISBEHAVED, "its bodies are malformed");
		return;
	}
	if (count == 0) {
		finish_with(f, FETCH_MISBEHAVED, "it withholds the bodies of its headers");
		return;
	}
	buf_reset(&f->bodies);
	buf_append(&f->bodies, reply->body, reply->len);
	f->is_unjudged = true;
	f->wanted = f->next + count;
	if (f->wanted < f->count) {
		loop_timer_arm(f->judge, 0);
		ask_bodies(f);
	} else if (judge(f)) {
		end_of_branch(f);
	}
}

static void
ask_bodies(struct fetch *f)
{
	struct buf body;

	f->asked = f->count - f->wanted < BODIES_AT_ONCE ? f->count - f->wanted : BODIES_AT_ONCE;
	buf_init(&body);
	hashes_encode(&body, f->pending + f->wanted, f->asked);
	ask(f, "/peer/blocks", &body, BODIES_REPLY_MAX, got_bodies);
	buf_clear(&body);
}

static void
begin(void *ctx)
{
	ask_headers(ctx);
}

struct fetch *
fetch_start(struct loop *l, const struct netaddr *peer, const struct netaddr *from, const struct params *params,
	    const struct fetch_callbacks *callbacks, void *ctx)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->client = peer_dial(l, peer, from);
	buf_init(&f->bodies);
	f->start = loop_timer_new(l, begin, f);
	f->judge = loop_timer_new(l, judge_meanwhile, f);
	f->params = params;
	f->cb = *callbacks;
	f->ctx = ctx;
	loop_timer_arm(f->start, 0);
	return f;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	loop_timer_free(f->start);
	loop_timer_free(f->judge);
	httpc_free(f->client);
	buf_clear(&f->bodies);
	free(f->parsed);
	free(f->pending);
	free(f);
}
