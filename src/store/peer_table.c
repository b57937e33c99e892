/*
 * A flat table: few hundred entries, looked through from end to end. When it is full, an entry that is no peer makes
 * room for a new one; a peer that is up is never displaced.
 */
#include "store/peer_table.h"

#include <string.h>

#include "layout.h"
#include "seqslot.h"
#include "util/text.h"

static const char *const state_names[PEER_STATES] = {
    [PEER_UNKNOWN] = "unknown",
    [PEER_UP] = "up",
    [PEER_REFUSED] = "refused",
    [PEER_SILENT] = "silent",
    [PEER_UNREACHABLE] = "unreachable",
    [PEER_NO_NODE] = "no-node",
    [PEER_OTHER_NETWORK] = "other-network",
    [PEER_OTHER_GENESIS] = "other-genesis",
    [PEER_OTHER_PROTOCOL] = "other-protocol",
    [PEER_SELF] = "self",
};

const char *
peer_state_name(enum peer_state state)
{
	return (unsigned)state < PEER_STATES ? state_names[state] : "unknown";
}

static struct peer_region *
peers(const struct store *s)
{
	return at(s, s->super->peers_at);
}

bool
peer_table_get(const struct store *s, uint32_t i, struct peer_entry *out)
{
	const struct peer_slot *slot = &peers(s)->slots[i < PEER_TABLE_MAX ? i : 0];

	return i < PEER_TABLE_MAX && seqslot_read(&slot->seq, &slot->is_used, out, &slot->entry, sizeof(*out));
}

bool
peer_table_find(const struct store *s, const char *address, struct peer_entry *out)
{
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(s, i, out) && strcmp(out->address, address) == 0)
			return true;
	return false;
}

uint32_t
peer_table_count(const struct store *s, enum peer_state state)
{
	struct peer_entry e;
	uint32_t count = 0;

	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(s, i, &e) && e.state == state)
			count++;
	return count;
}

uint64_t
peer_table_version(const struct store *s)
{
	return atomic_load_explicit(&peers(s)->version, memory_order_acquire);
}

static void
slot_write(struct store *s, struct peer_slot *slot, const struct peer_entry *e)
{
	seqslot_open(&slot->seq);
	if (e != NULL)
		seqslot_write(&slot->entry, e, sizeof(*e));
	else
		seqslot_wipe(&slot->entry, sizeof(slot->entry));
	atomic_store_explicit(&slot->is_used, e != NULL, memory_order_relaxed);
	seqslot_close(&slot->seq);
	atomic_fetch_add_explicit(&peers(s)->version, 1, memory_order_release);
}

bool
peer_table_set(struct store *s, const struct peer_entry *e)
{
	struct peer_slot *place = NULL;
	int rank = 0; /* how good a place is: 3 the same address, 2 free, 1 no peer */

	for (uint32_t i = 0; i < PEER_TABLE_MAX && rank < 3; i++) {
		struct peer_slot *slot = &peers(s)->slots[i];
		int r = !atomic_load_explicit(&slot->is_used, memory_order_relaxed) ? 2
			: strcmp(slot->entry.address, e->address) == 0		    ? 3
			: slot->entry.state != PEER_UP				    ? 1
										    : 0;
		if (r > rank) {
			rank = r;
			place = slot;
		}
	}
	/* An address that is no peer itself does not push out others. */
	if (place == NULL || (rank == 1 && e->state != PEER_UP))
		return false;
	slot_write(s, place, e);
	return true;
}

void
peer_table_remove(struct store *s, const char *address)
{
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		struct peer_slot *slot = &peers(s)->slots[i];
		if (atomic_load_explicit(&slot->is_used, memory_order_relaxed) &&
		    strcmp(slot->entry.address, address) == 0)
			slot_write(s, slot, NULL);
	}
}

void
peer_table_recover(struct store *s)
{
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		struct peer_slot *slot = &peers(s)->slots[i];
		if (atomic_load(&slot->seq) & 1)
			slot_write(s, slot, NULL);
	}
}
