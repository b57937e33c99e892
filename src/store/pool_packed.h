/*
 * A pooled transfer as its slot keeps it. Readers are given a struct pool_entry; see pool_packed.c for what is left out.
 */
#ifndef RENSA_STORE_POOL_PACKED_H
#define RENSA_STORE_POOL_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/tx.h"
#include "crypto/address.h"
#include "crypto/hash.h"
#include "store/mempool.h"
#include "store/store.h"

/* The fields are those of struct pool_entry; from the widest to the narrowest, so that nothing lies between them. */
struct pool_packed {
	uint64_t arrival;
	uint64_t received_ms;
	uint64_t sequence;
	uint64_t value;
	uint64_t fee;
	struct hash256 id;
	struct address sender;
	uint16_t size; /* of the canonical bytes */
	bool from_client;
	bool is_waiting;
	bool is_kept;
	uint8_t rest[TX_REST_MAX]; /* of the transfer, see tx_encode_rest */
};

/* What the transfer says; all else is 0. It is of the segment's network. Who has it already gives its id and sender. */
void pool_pack(struct pool_packed *out, const struct store *s, const struct tx *tx, const struct hash256 *id,
	       const struct address *sender);
/* Sizes in *p are trusted. */
void pool_unpack(struct pool_entry *out, const struct store *s, const struct pool_packed *p);
/* The canonical bytes alone, p->size of them. */
void pool_unpack_bytes(uint8_t out[TX_SIZE_MAX], const struct store *s, const struct pool_packed *p);

#endif
