/*
 * Headers, from the lead alone, on a connection of their own: one request at a time, and after bodies have begun only
 * so far ahead that these never wait for a header.
 */
#include <stdio.h>

#include "fetch_parts.h"
#include "util/mem.h"

#define HEADERS_REPLY_MAX (2 + HEADERS_MAX * HEADER_SIZE)
#define HEADERS_AHEAD (4 * HEADERS_MAX)

/* Finds our block before the first header of a fetch. */
static bool
anchor(struct fetch *f, const struct hash256 *previous)
{
	f->is_anchored = f->cb.known(f->ctx, previous, &f->state);
	f->ancestor = *previous;
	return f->is_anchored;
}

/* Some source says that this is its head. What it lacks of the branch, it withholds. */
static void
note_heads(struct fetch *f, const struct hash256 *hash)
{
	for (int i = 0; i < f->source_count; i++) {
		struct source *s = &f->sources[i];
		if (!hash_equal(&s->head.hash, hash))
			continue;
		s->is_on_branch = true;
		s->head.height = f->state.header.height; /* whatever it said */
		if (s->lacked != 0 && fetch_must_have(s, s->lacked)) {
			struct fetch_result fault =
			    fetch_fault(FETCH_MISBEHAVED, "it withholds the bodies of its headers");
			fetch_drop_source(f, s, &fault);
		}
	}
}

static void
add_pending(struct fetch *f, const struct hash256 *hash)
{
	if (f->count == f->room) {
		f->room = f->room == 0 ? 256 : f->room * 2;
		f->pending = xrealloc(f->pending, f->room * sizeof(*f->pending));
	}
	f->pending[f->count++] = *hash;
}

/* One header of a reply. False: it ends the usable part. */
static bool
take_header(struct fetch *f, const uint8_t *bytes)
{
	struct hash256 hash = header_hash_bytes(bytes);
	struct fetch_result fault;
	struct header_state known;
	struct header h;
	enum rule rule;

	header_decode(&h, bytes);
	if (!f->is_anchored && !anchor(f, &h.previous)) {
		fault = fetch_fault(FETCH_MISBEHAVED, "its headers do not connect to our chain");
		fetch_note(f, &fault);
		return false;
	}
	if (!f->has_begun && f->count == 0 && hash_equal(&h.previous, &f->state.hash) &&
	    f->cb.known(f->ctx, &hash, &known)) {
		f->state = known;
		f->ancestor = hash;
		return true;
	}
	if (f->cb.is_bad(f->ctx, &hash) || f->cb.is_bad(f->ctx, &h.previous))
		rule = RULE_KNOWN_BAD;
	else
		rule = header_check(&f->state, &h, &hash, &f->params);
	if (rule != RULE_OK) {
		fault = fetch_fault_rule(rule, h.height, &hash);
		fetch_note(f, &fault);
		return false;
	}
	/* Slightly early blocks are not wrong: what stands before them is taken now, they in a later round. */
	if (header_check_clock(&h, f->cb.now_ms(f->ctx)) != RULE_OK) {
		f->result.is_early = true;
		return false;
	}
	add_pending(f, &hash);
	header_state_advance(&f->state, &h, &hash);
	note_heads(f, &hash);
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

/* No more headers: what is noted counts once the bodies are in. */
static void
stop_reading(struct fetch *f)
{
	f->is_full = false;
	if (f->has_begun)
		fetch_go_on(f);
	else
		fetch_finish(f);
}

static void
stop_for(struct fetch *f, const struct fetch_result *fault)
{
	fetch_note(f, fault);
	stop_reading(f);
}

static void
take_headers(struct fetch *f, const uint8_t *bytes, size_t count)
{
	struct head head;
	size_t i;

	for (i = 0; i < count; i++)
		if (!take_header(f, bytes + i * HEADER_SIZE))
			break;
	f->gained += i;
	f->is_full = count == HEADERS_MAX && i == count;
	head = (struct head){f->state.hash, f->state.work, f->state.header.height};
	if (f->has_begun) {
		fetch_go_on(f);
	} else if (f->is_anchored && f->cb.wins(f->ctx, &head)) {
		fetch_begin_bodies(f);
	} else if (f->is_full && f->count < FETCH_HEADERS_MAX) {
		fetch_read_headers(f);
	} else {
		if (f->count >= FETCH_HEADERS_MAX) {
			struct fetch_result fault = fetch_fault(
			    FETCH_MISBEHAVED, "it has headers without end and without the work of our chain");
			fetch_note(f, &fault);
		}
		fetch_finish(f);
	}
}

static void
got_headers(void *ctx, const struct httpc_reply *reply)
{
	struct fetch *f = ctx;
	struct fetch_result fault;
	const uint8_t *bytes;
	size_t count;

	if (!fetch_reply_is_usable(reply, &fault)) {
		stop_for(f, &fault);
	} else if (headers_parse(&bytes, &count, reply->body, reply->len) != OK) {
		fault = fetch_fault(FETCH_MISBEHAVED, "its headers are malformed");
		stop_for(f, &fault);
	} else if (f->is_anchored && count > 0 && !follows_on(f, bytes)) {
		f->is_swapped = f->has_begun;
		fault = fetch_fault(FETCH_FAILED, "its chain changed meanwhile");
		if (f->is_swapped)
			stop_reading(f);
		else
			stop_for(f, &fault);
	} else {
		take_headers(f, bytes, count);
	}
}

void
fetch_read_headers(struct fetch *f)
{
	struct hash256 hashes[LOCATOR_MAX];
	struct httpc_request request = {.method = HTTP_POST,
					.path = "/peer/headers",
					.content_type = PEER_BODY_TYPE,
					.max_reply = HEADERS_REPLY_MAX,
					.timeout_ms = FETCH_TIMEOUT_MS};
	struct buf body;
	size_t count = 1;
	enum err e;

	if (f->is_anchored)
		hashes[0] = f->state.hash; /* go on where the last reply ended */
	else
		count = f->cb.locator(f->ctx, hashes);
	buf_init(&body);
	hashes_encode(&body, hashes, count);
	request.body = body.data;
	request.body_len = body.len;
	e = httpc_send(f->reader, &request, got_headers, f);
	buf_clear(&body);
	if (e != OK) {
		struct fetch_result fault = fetch_fault(FETCH_FAILED, "the connection could not be used");
		stop_for(f, &fault);
	}
}

void
fetch_read_on(struct fetch *f)
{
	if (f->is_full && f->reader != NULL && !httpc_is_busy(f->reader) &&
	    f->base + f->count - f->next < HEADERS_AHEAD)
		fetch_read_headers(f);
}
