/*
 * The transfers of blocks that were rolled back, in the blocks' order, and chained by sender: so that the pool can give
 * them back in order, a few at a time, and yet all of one sender's at once when that one has a new transfer to hand in.
 *
 * It is made in one go, since nobody can be told that he has nothing coming before all were looked at; therefore a transfer
 * costs next to nothing here. It is only pointed to, where it lies in the segment, and its sender is known by the public
 * key: the address is hashed once a sender. The memory is a tenth of what the blocks themselves have in the segment.
 */
#include "pool_owed.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "util/mem.h"

#define TABLE_FIRST 256

void
owed_init(struct owed *o, const uint8_t seed[16])
{
	memset(o, 0, sizeof(*o));
	memcpy(o->seed, seed, sizeof(o->seed));
}

void
owed_clear(struct owed *o)
{
	free(o->txs);
	free(o->senders);
	free(o->table);
	owed_init(o, (const uint8_t[16]){0});
}

/* Where the key is in the table, or where it would be. */
static uint32_t *
cell_of(const struct owed *o, const struct pubkey *key)
{
	uint64_t hash = siphash(o->seed, key->b, sizeof(key->b));

	for (;; hash++) {
		uint32_t *cell = &o->table[hash & (o->table_size - 1)];
		if (*cell == 0 || memcmp(o->senders[*cell - 1].key.b, key->b, sizeof(key->b)) == 0)
			return cell;
	}
}

/* Half of the table stays free. */
static void
table_grow(struct owed *o)
{
	free(o->table);
	o->table_size = o->table_size == 0 ? TABLE_FIRST : o->table_size * 2;
	o->table = xcalloc(o->table_size, sizeof(*o->table));
	for (uint32_t i = 0; i < o->sender_count; i++)
		*cell_of(o, &o->senders[i].key) = i + 1;
}

static uint32_t
sender_new(struct owed *o, const struct tx *tx)
{
	if (o->sender_count == o->sender_room) {
		o->sender_room = o->sender_room == 0 ? TABLE_FIRST : o->sender_room * 2;
		o->senders = xrealloc(o->senders, o->sender_room * sizeof(*o->senders));
	}
	o->senders[o->sender_count] =
	    (struct owed_sender){.key = tx->sender_key, .who = tx_sender(tx), .first = OWED_NONE, .last = OWED_NONE};
	return o->sender_count++;
}

void
owed_add(struct owed *o, const struct tx *tx, const uint8_t *bytes, size_t size)
{
	struct owed_sender *sender;
	uint32_t *cell, i = o->count;

	if (o->sender_count * 2 >= o->table_size)
		table_grow(o);
	cell = cell_of(o, &tx->sender_key);
	if (*cell == 0)
		*cell = sender_new(o, tx) + 1;
	if (i == o->room) {
		o->room = o->room == 0 ? TABLE_FIRST : o->room * 2;
		o->txs = xrealloc(o->txs, o->room * sizeof(*o->txs));
	}
	sender = &o->senders[*cell - 1];
	o->txs[i] = (struct owed_tx){bytes, (uint32_t)size, *cell - 1, OWED_NONE};
	if (sender->first == OWED_NONE)
		sender->first = i;
	else
		o->txs[sender->last].next = i;
	sender->last = i;
	o->count++;
}

uint32_t
owed_sender_of(const struct owed *o, const struct pubkey *key)
{
	return o->table_size == 0 ? OWED_NONE : *cell_of(o, key) - 1;
}
