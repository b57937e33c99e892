/*
 * What the resolver holds against addresses: pauses of those that broke a rule, and notes on those that did no wrong and
 * yet have nothing for us. One slot for an address; when all are taken, the one whose pause ends first makes room, so a
 * mere note before any pause.
 */
#include <string.h>

#include "layout.h"
#include "seqslot.h"
#include "store/peer_table.h"
#include "util/text.h"

#define PAUSE_FIRST_MS 30000
#define PAUSE_MAX_MS 3600000

static struct pause_region *
pauses(const struct store *s)
{
	return at(s, s->super->pauses_at);
}

bool
peer_pause_get(const struct store *s, uint32_t i, struct peer_pause *out)
{
	const struct pause_slot *slot = &pauses(s)->slots[i < PAUSE_TABLE_MAX ? i : 0];

	return i < PAUSE_TABLE_MAX && seqslot_read(&slot->seq, &slot->is_used, out, &slot->pause, sizeof(*out));
}

static bool
read_slot(const struct store *s, const char *address, struct peer_pause *out)
{
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		if (peer_pause_get(s, i, out) && strcmp(out->address, address) == 0)
			return true;
	return false;
}

bool
peer_pause_find(const struct store *s, const char *address, uint64_t now_ms, struct peer_pause *out)
{
	return read_slot(s, address, out) && out->until_ms > now_ms;
}

bool
peer_note_find(const struct store *s, const char *address, struct peer_pause *out)
{
	return read_slot(s, address, out) && out->note[0] != '\0';
}

/* A predecessor died here. */
static void
repair(struct pause_slot *slot)
{
	if (!(atomic_load(&slot->seq) & 1))
		return;
	atomic_store(&slot->is_used, 0);
	seqslot_wipe(&slot->pause, sizeof(slot->pause));
	seqslot_close(&slot->seq);
}

/* The address's slot, with *p as it stands there; or one for it, with *p as for an address never seen. */
static struct pause_slot *
place_of(struct store *s, const char *address, struct peer_pause *p)
{
	struct pause_slot *place = NULL;

	memset(p, 0, sizeof(*p));
	text_copy(p->address, sizeof(p->address), address);
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++) {
		struct pause_slot *slot = &pauses(s)->slots[i];
		repair(slot);
		if (!atomic_load(&slot->is_used)) {
			if (place == NULL || atomic_load(&place->is_used))
				place = slot;
		} else if (strcmp(slot->pause.address, address) == 0) {
			*p = slot->pause;
			return slot;
		} else if (place == NULL ||
			   (atomic_load(&place->is_used) && slot->pause.until_ms < place->pause.until_ms)) {
			place = slot;
		}
	}
	return place;
}

static void
write_slot(struct pause_slot *slot, const struct peer_pause *p)
{
	seqslot_open(&slot->seq);
	seqslot_write(&slot->pause, p, sizeof(*p));
	atomic_store_explicit(&slot->is_used, 1, memory_order_relaxed);
	seqslot_close(&slot->seq);
}

void
peer_pause_put(struct store *s, uint32_t i, const struct peer_pause *p)
{
	if (i < PAUSE_TABLE_MAX)
		write_slot(&pauses(s)->slots[i], p);
}

uint64_t
peer_pause_set(struct store *s, const char *address, const char *rule, uint64_t now_ms)
{
	struct peer_pause p;
	struct pause_slot *place = place_of(s, address, &p);
	uint64_t length = PAUSE_FIRST_MS;

	for (uint32_t i = 0; i < p.count && length < PAUSE_MAX_MS; i++)
		length *= 2;
	if (length > PAUSE_MAX_MS)
		length = PAUSE_MAX_MS;
	text_copy(p.rule, sizeof(p.rule), rule);
	p.until_ms = now_ms + length;
	p.count++;
	write_slot(place, &p);
	return length;
}

void
peer_note_set(struct store *s, const char *address, const char *note)
{
	struct peer_pause p;
	struct pause_slot *place;

	if (!read_slot(s, address, &p) ? note[0] == '\0' : strcmp(p.note, note) == 0)
		return;
	place = place_of(s, address, &p);
	text_copy(p.note, sizeof(p.note), note);
	write_slot(place, &p);
}
