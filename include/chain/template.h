/*
 * Which pending transfers a new block takes: highest fee per byte first, then first come, each sender's in sequence
 * order, within the block's size, each valid after those before it.
 */
#ifndef RENSA_CHAIN_TEMPLATE_H
#define RENSA_CHAIN_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "chain/header_chain.h"
#include "chain/ledger.h"
#include "chain/tx.h"
#include "util/buf.h"

struct candidate {
	struct address sender;
	uint64_t sequence;
	uint64_t fee;
	uint64_t arrival; /* order of coming: lower first */
	uint32_t size;	  /* of its bytes */
	uint32_t ref;	  /* the caller's name for it */
};

/*
 * Asks the caller for candidate ref: its transaction, canonical bytes in bytes[TX_SIZE_MAX], after checking its
 * signature. False: leave it out (it is gone, or bad), and with it the sender's later ones.
 */
typedef bool template_fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes);

/*
 * Orders and selects: appends chosen transfers' bytes to body, applies each to l (as the block in hand), adds up their
 * fees. room: bytes that transfers may take. Returns how many were taken.
 */
uint32_t template_fill(struct buf *body, uint64_t *fees, struct ledger *l, const struct candidate *candidates,
		       size_t count, size_t room, template_fetch *fetch, void *ctx);

/*
 * Builds the unsolved block as all that is in out: reward to `to`, then the transfers in body (count of them). time_ms
 * is the header's time; parent gives height, target and previous. Leaves the nonce 0.
 */
void template_block(struct buf *out, const struct header_state *parent, const struct params *p,
		    const struct hash256 *network, const struct address *to, uint64_t supply_before, uint64_t fees,
		    const struct buf *body, uint32_t count, uint64_t time_ms);

#endif
