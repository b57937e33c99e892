/*
 * A pool has room for many transfers, and each slot for the longest one, so a slot keeps nothing twice. All transfers of
 * a segment are of its network, whose 32 bytes it has once; and value, fee and sequence, which the pool's rules and a
 * block's template need at hand, are not kept in the canonical bytes as well. Those are joined together on reading.
 */
#include "pool_packed.h"

#include <assert.h>

#include "util/bytes.h"

void
pool_pack(struct pool_packed *out, const struct store *s, const struct tx *tx, const struct hash256 *id,
	  const struct address *sender)
{
	struct writer w = writer_of(out->rest, sizeof(out->rest));

	/* Who lets a transfer in has checked its form; of another network, it would be read as a different one. */
	assert(tx->version == TX_TRANSFER && hash_equal(&tx->network, store_genesis(s)));
	*out = (struct pool_packed){.sequence = tx->sequence,
				    .value = tx->value,
				    .fee = tx->fee,
				    .id = *id,
				    .sender = *sender,
				    .size = (uint16_t)tx_size(tx)};
	tx_encode_rest(&w, tx);
}

void
pool_unpack_bytes(uint8_t out[TX_SIZE_MAX], const struct store *s, const struct pool_packed *p)
{
	struct writer w = writer_of(out, TX_SIZE_MAX);
	struct tx_apart apart = {.network = store_genesis(s),
				 .value = p->value,
				 .fee = p->fee,
				 .sequence = p->sequence,
				 .memo_len = (uint16_t)(p->size - TX_TRANSFER_SIZE(0))};

	tx_encode_joined(&w, &apart, p->rest);
}

void
pool_unpack(struct pool_entry *out, const struct store *s, const struct pool_packed *p)
{
	out->id = p->id;
	out->sender = p->sender;
	out->sequence = p->sequence;
	out->value = p->value;
	out->fee = p->fee;
	out->arrival = p->arrival;
	out->received_ms = p->received_ms;
	out->from_client = p->from_client;
	out->is_waiting = p->is_waiting;
	out->is_kept = p->is_kept;
	out->size = p->size;
	pool_unpack_bytes(out->bytes, s, p);
}
