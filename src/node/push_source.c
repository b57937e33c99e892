#include "push_source.h"

#include <string.h>

#include "util/text.h"

static const struct push_source *
find(const struct push_sources *s, const char *name)
{
	for (int i = 0; i < PUSH_SOURCES_MAX; i++)
		if (strcmp(s->at[i].name, name) == 0)
			return &s->at[i];
	return NULL;
}

/* Its slot; else that of the one whose debt runs off first, which loses least by being forgotten. */
static struct push_source *
place(struct push_sources *s, const char *name)
{
	struct push_source *best = &s->at[0];

	for (int i = 0; i < PUSH_SOURCES_MAX; i++) {
		struct push_source *at = &s->at[i];
		if (strcmp(at->name, name) == 0)
			return at;
		if (at->clear_ms < best->clear_ms)
			best = at;
	}
	text_copy(best->name, sizeof(best->name), name);
	best->clear_ms = 0;
	return best;
}

bool
push_source_may(const struct push_sources *s, const char *name, uint64_t now_ms)
{
	const struct push_source *at = find(s, name);

	return at == NULL || at->clear_ms <= now_ms + PUSH_DEBT_MAX_MS;
}

bool
push_source_spend(struct push_sources *s, const char *name, uint64_t cost_ms, uint64_t now_ms)
{
	struct push_source *at = place(s, name);
	bool may = at->clear_ms <= now_ms + PUSH_DEBT_MAX_MS;

	if (at->clear_ms < now_ms)
		at->clear_ms = now_ms;
	/* Bounded, so that nobody is passed over for long after he has stopped. */
	if (may)
		at->clear_ms += cost_ms;
	return may && at->clear_ms > now_ms + PUSH_DEBT_MAX_MS;
}
