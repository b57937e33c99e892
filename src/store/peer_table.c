/*
 * A flat table: few hundred entries, looked through from end to end. When it is full, or one part of the net has as much
 * of it as it may, an entry that is worth less makes room for a new one; a peer that is up is never displaced.
 */
#include "store/peer_table.h"

#include <stdlib.h>
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
    [PEER_SPARE] = "spare",
    [PEER_SAME_NODE] = "same-node",
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

static int
compare_skews(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t
peer_table_skew(const struct store *s, uint32_t *count)
{
	int64_t skews[PEER_TABLE_MAX];
	struct peer_entry e;

	*count = 0;
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(s, i, &e) && e.state == PEER_UP)
			skews[(*count)++] = e.skew_ms;
	if (*count == 0)
		return 0;
	qsort(skews, *count, sizeof(*skews), compare_skews);
	/* Of an even number the one nearer to none: half of the peers agree with us that far. */
	int64_t low = skews[(*count - 1) / 2], high = skews[*count / 2];
	return llabs(low) < llabs(high) ? low : high;
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
peer_is_configured(const struct peer_entry *e)
{
	return strcmp(e->source, "static") == 0 || strcmp(e->source, "dns") == 0;
}

/* What keeps an entry in a full table: one that is worth more takes its place. */
static int
worth(const struct peer_entry *e)
{
	if (e->state == PEER_UP)
		return 4;
	if (peer_is_configured(e))
		return 3;
	if (e->state == PEER_SPARE)
		return 2;
	/* One that answered once may do so again. */
	return e->good_ms != 0;
}

/* Of two entries that could make room, is a the one? */
static bool
goes_first(const struct peer_entry *a, const struct peer_entry *b)
{
	return worth(a) != worth(b) ? worth(a) < worth(b) : a->good_ms < b->good_ms;
}

bool
peer_table_set(struct store *s, const struct peer_entry *e)
{
	struct peer_slot *same = NULL, *empty = NULL, *last = NULL, *last_of_group = NULL;
	uint32_t of_group = 0;
	bool is_counted = e->group != 0 && !peer_is_configured(e);

	for (uint32_t i = 0; i < PEER_TABLE_MAX && same == NULL; i++) {
		struct peer_slot *slot = &peers(s)->slots[i];

		if (!atomic_load_explicit(&slot->is_used, memory_order_relaxed)) {
			empty = empty == NULL ? slot : empty;
			continue;
		}
		if (strcmp(slot->entry.address, e->address) == 0)
			same = slot;
		if (last == NULL || goes_first(&slot->entry, &last->entry))
			last = slot;
		if (!is_counted || slot->entry.group != e->group || peer_is_configured(&slot->entry))
			continue;
		of_group++;
		if (last_of_group == NULL || goes_first(&slot->entry, &last_of_group->entry))
			last_of_group = slot;
	}
	if (same == NULL && of_group >= PEER_GROUP_ROWS) {
		empty = NULL;
		last = last_of_group;
	}
	if (same == NULL && empty == NULL && worth(&last->entry) >= worth(e))
		return false;
	slot_write(s, same != NULL ? same : empty != NULL ? empty : last, e);
	return true;
}

/* The only writer need not read as carefully as others do. */
static bool
is_at(const struct peer_slot *slot, const char *address)
{
	return atomic_load_explicit(&slot->is_used, memory_order_relaxed) && strcmp(slot->entry.address, address) == 0;
}

bool
peer_table_has(const struct store *s, const char *address)
{
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (is_at(&peers(s)->slots[i], address))
			return true;
	return false;
}

void
peer_table_remove(struct store *s, const char *address)
{
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		struct peer_slot *slot = &peers(s)->slots[i];
		if (is_at(slot, address))
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
