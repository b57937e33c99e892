#include "peer/window.h"

#include <stdlib.h>
#include <string.h>

#define SPANS_MAX (2 * WINDOW_SPANS)

static void
span_empty(struct span *s)
{
	buf_clear(&s->bytes);
	free(s->blocks);
	s->blocks = NULL;
	s->is_here = false;
	s->judged = 0;
	s->giver = NOBODY;
	for (int i = 0; i < SPAN_ASKED; i++)
		s->asked[i] = NOBODY;
}

static void
span_init(struct span *s, uint64_t from, uint32_t count)
{
	memset(s, 0, sizeof(*s));
	s->from = from;
	s->count = count;
	span_empty(s);
}

static int
span_askers(const struct span *s)
{
	int n = 0;

	for (int i = 0; i < SPAN_ASKED; i++)
		n += s->asked[i] != NOBODY;
	return n;
}

static bool
span_is_asked(const struct span *s, int who)
{
	for (int i = 0; i < SPAN_ASKED; i++)
		if (s->asked[i] == who)
			return true;
	return false;
}

static struct span *
span_ask(struct span *s, int who, uint64_t now_ms)
{
	for (int i = 0; i < SPAN_ASKED; i++)
		if (s->asked[i] == NOBODY) {
			s->asked[i] = who;
			s->since_ms = now_ms;
			return s;
		}
	return NULL;
}

void
window_init(struct window *w, size_t reply_max)
{
	memset(w, 0, sizeof(*w));
	w->reply_max = reply_max;
}

void
window_clear(struct window *w)
{
	for (size_t i = 0; i < w->count; i++)
		span_empty(&w->spans[i]);
	w->count = 0;
}

void
window_begin(struct window *w, uint64_t from)
{
	window_clear(w);
	w->next = from;
}

/* One more reply fits. The first may always come. */
static bool
has_room(const struct window *w)
{
	size_t bytes = w->reply_max;

	if (w->count == 0)
		return true;
	for (size_t i = 0; i < w->count; i++)
		bytes += w->spans[i].is_here ? w->spans[i].bytes.len : w->reply_max;
	return w->count < WINDOW_SPANS && bytes <= WINDOW_BYTES;
}

struct span *
window_assign(struct window *w, int who, uint32_t share, uint64_t end, uint64_t now_ms, uint64_t late_ms)
{
	for (size_t i = 0; i < w->count; i++)
		if (!w->spans[i].is_here && w->spans[i].from < end && span_askers(&w->spans[i]) == 0)
			return span_ask(&w->spans[i], who, now_ms);
	if (w->next < end && has_room(w)) {
		struct span *s = &w->spans[w->count++];
		span_init(s, w->next, end - w->next < share ? (uint32_t)(end - w->next) : share);
		w->next += s->count;
		return span_ask(s, who, now_ms);
	}
	for (size_t i = 0; i < w->count; i++) {
		struct span *s = &w->spans[i];
		if (!s->is_here && s->from < end && !span_is_asked(s, who) && now_ms - s->since_ms >= late_ms &&
		    span_ask(s, who, now_ms) != NULL)
			return s;
	}
	return NULL;
}

struct span *
window_asked(struct window *w, int who)
{
	for (size_t i = 0; i < w->count; i++)
		if (span_is_asked(&w->spans[i], who))
			return &w->spans[i];
	return NULL;
}

void
window_release(struct window *w, int who)
{
	for (size_t i = 0; i < w->count; i++)
		for (int k = 0; k < SPAN_ASKED; k++)
			if (w->spans[i].asked[k] == who)
				w->spans[i].asked[k] = NOBODY;
}

/* Makes the span shorter; what is cut off is wanted by itself, or comes again as something new. */
static void
split(struct window *w, size_t at, uint32_t count)
{
	struct span *s = &w->spans[at];
	uint64_t rest = s->from + count;
	uint32_t left = s->count - count;

	s->count = count;
	if (at == w->count - 1) {
		w->next = rest;
		return;
	}
	if (w->count == SPANS_MAX) {
		/* Somebody sends crumbs. The farthest span is begun again later. */
		w->next = w->spans[--w->count].from;
		span_empty(&w->spans[w->count]);
		if (at == w->count - 1) {
			w->next = rest;
			return;
		}
	}
	memmove(s + 2, s + 1, (w->count - at - 1) * sizeof(*s));
	w->count++;
	span_init(s + 1, rest, left);
}

void
window_fill(struct window *w, struct span *span, int who, uint32_t count, struct buf *bytes, struct block *blocks)
{
	if (count < span->count)
		split(w, (size_t)(span - w->spans), count);
	span_empty(span);
	span->is_here = true;
	span->giver = who;
	span->bytes = *bytes;
	span->blocks = blocks;
	buf_init(bytes);
}

struct span *
window_first(struct window *w)
{
	return w->count > 0 && w->spans[0].is_here ? &w->spans[0] : NULL;
}

const struct block *
window_block(const struct window *w, uint64_t height)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct span *s = &w->spans[i];
		if (height >= s->from && height - s->from < s->count)
			return s->is_here ? &s->blocks[height - s->from] : NULL;
	}
	return NULL;
}

void
window_shift(struct window *w)
{
	span_empty(&w->spans[0]);
	w->count--;
	memmove(w->spans, w->spans + 1, w->count * sizeof(w->spans[0]));
}

void
window_reject(struct window *w)
{
	struct span *s = &w->spans[0];

	s->from += s->judged;
	s->count -= s->judged;
	span_empty(s);
}
