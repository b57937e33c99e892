/*
 * Bodies, from all sources at once, each with one request under way. A source is asked for more at a time while it
 * answers fast, and for less when it was slow; what it is late with is asked of another, and the one that answers
 * first counts. What a reply says is compared with the headers here: that the bytes are those blocks' is judged later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch_parts.h"
#include "peer/dial.h"
#include "util/clock.h"
#include "util/mem.h"

#define SHARE_SLOW 16	/* at most, for one that others overtook */
#define OVERTAKEN_MAX 3 /* in a row; then it is only a burden */

const struct hash256 *
fetch_hash_at(const struct fetch *f, uint64_t height)
{
	return &f->pending[height - f->base];
}

bool
fetch_must_have(const struct source *s, uint64_t height)
{
	return s->is_on_branch && height <= s->head.height;
}

static int
number_of(const struct source *s)
{
	return (int)(s - s->fetch->sources);
}

unsigned
fetch_peer_count(const struct fetch *f)
{
	unsigned n = 0;

	for (int i = 0; i < f->source_count; i++)
		n += f->sources[i].client != NULL;
	return n;
}

static bool
is_pending(const struct fetch *f, const struct hash256 *hash)
{
	for (size_t i = f->count; i-- > 0;)
		if (hash_equal(&f->pending[i], hash))
			return true;
	return false;
}

void
fetch_add_peer(struct fetch *f, const struct fetch_peer *peer)
{
	for (int i = 0; i < f->source_count; i++)
		if (netaddr_equal(&f->sources[i].at, &peer->at))
			return;
	if (f->source_count == FETCH_PEERS_MAX)
		return;
	/* It is asked when the loop comes to that: no step of the fetch may be taken in the caller's stack. */
	f->sources[f->source_count++] = (struct source){.fetch = f,
							.at = peer->at,
							.head = peer->head,
							.client = peer_dial(f->loop, &peer->at, f->from),
							.share = FETCH_BODIES_FIRST,
							.is_on_branch = is_pending(f, &peer->head.hash)};
}

static void
hang_up(struct fetch *f, struct source *s)
{
	httpc_free(s->client);
	s->client = NULL;
	window_release(&f->window, number_of(s));
}

void
fetch_tell(struct fetch *f, struct source *s)
{
	if (!s->is_untold)
		return;
	s->is_untold = false;
	f->cb.fault(f->ctx, &s->at, &s->fault);
}

void
fetch_drop_source(struct fetch *f, struct source *s, const struct fetch_result *fault)
{
	hang_up(f, s);
	if (s == &f->sources[0]) {
		httpc_free(f->reader);
		f->reader = NULL;
		f->is_full = false;
	}
	/* Once is enough, but for an offence of one that was only said to be gone. */
	if (fault == NULL || (s->fault.end != FETCH_DONE && s->fault.end != FETCH_FAILED) || s->fault.end == fault->end)
		return;
	s->fault = f->last = *fault;
	s->is_untold = true;
	/* If this was the only one, what it gave is taken before it is told of. */
	if (fetch_peer_count(f) > 0)
		fetch_tell(f, s);
}

/* It has none of what it was asked for, from this height on. */
static void
lacks(struct fetch *f, struct source *s, uint64_t from)
{
	struct fetch_result fault = fetch_fault(FETCH_MISBEHAVED, "it withholds the bodies of its headers");

	s->lacked = from;
	fetch_drop_source(f, s, fetch_must_have(s, from) || number_of(s) == 0 ? &fault : NULL);
}

/* Their requests were answered by somebody else. */
static void
call_off_overtaken(struct fetch *f)
{
	struct fetch_result fault = fetch_fault(FETCH_FAILED, "other peers were faster again and again");

	for (int i = 0; i < f->source_count; i++) {
		struct source *s = &f->sources[i];
		if (s->client == NULL || !httpc_is_busy(s->client) || window_asked(&f->window, i) != NULL)
			continue;
		if (++s->overtaken == OVERTAKEN_MAX) {
			/* The lead may be quick with headers, and nobody else gives those. */
			if (i == 0)
				hang_up(f, s);
			else
				fetch_drop_source(f, s, &fault);
			f->last = fault;
			continue;
		}
		if (s->share > SHARE_SLOW)
			s->share = SHARE_SLOW;
		httpc_free(s->client);
		s->client = peer_dial(f->loop, &s->at, f->from);
	}
}

/* How much to ask of it next time. */
static void
adapt_share(struct source *s, uint32_t asked, uint32_t came, size_t bytes)
{
	uint64_t took = clock_mono_ms() - s->asked_ms, late = s->fetch->late_ms;

	if (came < asked)
		s->share = came;
	else if (took < late / 4 && bytes < BLOCKS_BYTES_MAX / 2)
		s->share = s->share * 2 < BLOCKS_MAX ? s->share * 2 : BLOCKS_MAX;
	else if (took > late && s->share > 1)
		s->share /= 2;
}

/* Parses what came for a span. Returns how many of the first are what was asked for; if not all, *fault says why. */
static uint32_t
parse_bodies(const struct fetch *f, const struct span *span, struct block *blocks, struct reader r,
	     struct fetch_result *fault)
{
	const uint8_t *bytes;
	uint32_t n = 0;
	size_t size;

	for (; blocks_next(&r, &bytes, &size); n++) {
		const struct hash256 *wanted = fetch_hash_at(f, span->from + n);
		struct hash256 hash;
		enum rule rule;

		/* The header says which block it is, also where the rest does not parse. */
		if (size >= HEADER_SIZE)
			hash = header_hash_bytes(bytes);
		if (size < HEADER_SIZE || !hash_equal(&hash, wanted)) {
			*fault = fetch_fault(FETCH_MISBEHAVED, "it sent another block than it was asked for");
			break;
		}
		rule = block_parse_known(&blocks[n], bytes, size, wanted);
		if (rule != RULE_OK) {
			*fault = fetch_fault_rule(rule, span->from + n, wanted);
			break;
		}
	}
	return n;
}

static void
take_reply(struct fetch *f, struct source *s, const struct httpc_reply *reply)
{
	struct span *span = window_asked(&f->window, number_of(s));
	struct fetch_result fault = {.end = FETCH_DONE};
	struct block *blocks;
	uint32_t asked = span->count, came;
	struct buf bytes;
	struct reader r;
	size_t count;

	buf_init(&bytes);
	if (!fetch_reply_is_usable(reply, &fault)) {
		fetch_drop_source(f, s, &fault);
		return;
	}
	buf_append(&bytes, reply->body, reply->len);
	if (blocks_open(&r, &count, bytes.data, bytes.len) != OK || count > asked) {
		fault = fetch_fault(FETCH_MISBEHAVED, "its bodies are malformed");
		fetch_drop_source(f, s, &fault);
	} else if (count == 0) {
		lacks(f, s, span->from);
	} else {
		blocks = xcalloc(count, sizeof(*blocks));
		came = parse_bodies(f, span, blocks, r, &fault);
		s->overtaken = 0;
		if (came > 0) {
			adapt_share(s, asked, came, bytes.len);
			f->gained += came;
			f->gained_bytes += bytes.len;
			window_fill(&f->window, span, number_of(s), came, &bytes, blocks);
			call_off_overtaken(f);
		} else {
			free(blocks);
		}
		if (fault.end != FETCH_DONE)
			fetch_drop_source(f, s, &fault);
	}
	buf_clear(&bytes);
}

static void
got_bodies(void *ctx, const struct httpc_reply *reply)
{
	struct source *s = ctx;
	struct fetch *f = s->fetch;

	take_reply(f, s, reply);
	fetch_go_on(f);
}

static void
ask(struct fetch *f, struct source *s, const struct span *span)
{
	struct httpc_request request = {.method = HTTP_POST,
					.path = "/peer/blocks",
					.content_type = PEER_BODY_TYPE,
					.max_reply = f->window.reply_max,
					.timeout_ms = FETCH_TIMEOUT_MS};
	struct buf body;
	enum err e;

	buf_init(&body);
	hashes_encode(&body, fetch_hash_at(f, span->from), span->count);
	request.body = body.data;
	request.body_len = body.len;
	s->asked_ms = clock_mono_ms();
	e = httpc_send(s->client, &request, got_bodies, s);
	buf_clear(&body);
	if (e != OK) {
		struct fetch_result fault = fetch_fault(FETCH_FAILED, "the connection could not be used");
		fetch_drop_source(f, s, &fault);
	}
}

/* What stands below this height can be asked of it. Whoever only helps has nothing above its own head. */
static uint64_t
end_for(const struct fetch *f, const struct source *s)
{
	uint64_t end = f->base + f->count;

	return number_of(s) == 0 || end <= s->head.height ? end : s->head.height + 1;
}

void
fetch_ask_bodies(struct fetch *f)
{
	for (int i = 0; i < f->source_count; i++) {
		struct source *s = &f->sources[i];
		uint64_t end = end_for(f, s);
		struct span *span;

		if (s->client == NULL || httpc_is_busy(s->client))
			continue;
		span = window_assign(&f->window, i, s->share, end, clock_mono_ms(), f->late_ms);
		if (span != NULL)
			ask(f, s, span);
		else if (i != 0 && s->head.height < f->next)
			hang_up(f, s); /* nothing is left that it could give */
	}
}
