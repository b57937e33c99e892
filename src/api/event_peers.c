#include "event_peers.h"

#include <string.h>

#include "util/text.h"

static void
describe(struct event_peer *out, const struct store *s, const struct peer_entry *e, uint64_t wall_ms)
{
	struct peer_pause pause;

	memset(out, 0, sizeof(*out));
	out->is_paused = peer_pause_find(s, e->address, wall_ms, &pause);
	out->since_ms = e->since_ms;
	text_copy(out->address, sizeof(out->address), e->address);
	text_copy(out->state, sizeof(out->state), out->is_paused ? "paused" : peer_state_name(e->state));
	text_copy(out->reason, sizeof(out->reason), out->is_paused ? pause.rule : e->reason);
	text_copy(out->node, sizeof(out->node), e->node);
}

static bool
is_same(const struct event_peer *a, const struct event_peer *b)
{
	return strcmp(a->address, b->address) == 0 && strcmp(a->state, b->state) == 0 &&
	       strcmp(a->reason, b->reason) == 0 && strcmp(a->node, b->node) == 0 && a->since_ms == b->since_ms;
}

bool
event_peers_look(struct event_peers *p, const struct store *s, uint64_t wall_ms, bool is_thorough)
{
	uint64_t before = p->changes, version = peer_table_version(s);
	struct event_peer now;
	struct peer_entry e;

	p->looked_ms = wall_ms;
	if (version == p->version && !is_thorough)
		return false;
	p->version = version; /* read before the entries: what changes meanwhile is looked at again */
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		struct event_peer *known = &p->peers[i];

		/* Discovery takes an entry away only to put a better one there, which is then told. */
		if (!peer_table_get(s, i, &e))
			continue;
		describe(&now, s, &e, wall_ms);
		if (is_same(&now, known))
			continue;
		*known = now;
		known->change = ++p->changes;
	}
	return p->changes != before;
}

const struct event_peer *
event_peers_next(const struct event_peers *p, uint64_t after)
{
	const struct event_peer *first = NULL;

	if (after >= p->changes)
		return NULL;
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (p->peers[i].change > after && (first == NULL || p->peers[i].change < first->change))
			first = &p->peers[i];
	return first;
}
