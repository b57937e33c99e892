/* What rolled-back blocks may have to give back to the pool: private to one walk of the pool process. */
#ifndef RENSA_STORE_POOL_OWED_H
#define RENSA_STORE_POOL_OWED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/tx.h"
#include "crypto/address.h"

#define OWED_NONE UINT32_MAX

struct owed_tx {
	const uint8_t *bytes; /* borrowed from its block */
	uint32_t size;
	uint32_t sender; /* its place in `senders` */
	uint32_t next;	 /* of the same sender, or OWED_NONE */
};

struct owed_sender {
	struct pubkey key;
	struct address who;
	uint32_t first, last;
	bool is_settled; /* whatever it had to get it has got, or was refused */
};

/* All zero but for the seed: nothing is owed. */
struct owed {
	uint8_t seed[16];
	struct owed_tx *txs; /* in the order of adding */
	uint32_t count, room;
	struct owed_sender *senders;
	uint32_t sender_count, sender_room;
	uint32_t *table;     /* places of senders, from 1; 0: free */
	uint32_t table_size; /* power of two, or 0 */
};

void owed_init(struct owed *o, const uint8_t seed[16]);
void owed_clear(struct owed *o);
/* A transfer, decoded and as it stands in its block. */
void owed_add(struct owed *o, const struct tx *tx, const uint8_t *bytes, size_t size);
/* OWED_NONE: the sender has none. */
uint32_t owed_sender_of(const struct owed *o, const struct pubkey *key);

#endif
