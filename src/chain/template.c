/*
 * Filling a block: the best of the candidates whose turn it is, again and again, as long as there is room. One that is
 * left out leaves out its successors: none is ever tried out of sequence.
 */
#include "chain/template.h"

#include <stdbool.h>

#include "chain/merkle.h"
#include "chain/pow.h"
#include "lineup.h"
#include "util/bytes.h"

/* When so many in a row did not fit, the gap at the end of the block is not worth the search. */
#define MISFITS_MAX 1000

struct filling {
	struct buf *body;
	uint64_t fees;
	struct ledger *ledger;
	size_t room;
	uint32_t taken;
	template_fetch *fetch;
	void *ctx;
};

/* Takes a candidate whose turn it is; false leaves it out. */
static bool
take(struct filling *f, const struct candidate *c)
{
	struct tx tx;
	uint8_t bytes[TX_SIZE_MAX];
	if (!f->fetch(f->ctx, c->ref, &tx, bytes))
		return false;
	size_t size = tx_size(&tx);
	if (size > f->room || ledger_apply_transfer(f->ledger, &tx) != RULE_OK)
		return false;
	buf_append(f->body, bytes, size);
	f->fees += tx.fee;
	f->room -= size;
	f->taken++;
	return true;
}

uint32_t
template_fill(struct buf *body, uint64_t *fees, struct ledger *l, const struct candidate *candidates, size_t count,
	      size_t room, template_fetch *fetch, void *ctx)
{
	struct filling f = {
	    .body = body,
	    .ledger = l,
	    .room = room,
	    .fetch = fetch,
	    .ctx = ctx,
	};
	struct lineup lineup;
	unsigned misfits = 0;
	lineup_begin(&lineup, candidates, count);
	while (f.room >= TX_TRANSFER_SIZE(0) && misfits < MISFITS_MAX) {
		const struct candidate *c = lineup_next(&lineup, l);
		if (!c)
			break;
		misfits = c->size > f.room ? misfits + 1 : 0;
		if (c->size <= f.room && take(&f, c))
			lineup_taken(&lineup);
		else
			lineup_left_out(&lineup);
	}
	lineup_end(&lineup);
	*fees = f.fees;
	return f.taken;
}

void
template_block(struct buf *out, const struct header_state *parent, const struct params *p,
	       const struct hash256 *network, const struct address *to, uint64_t supply_before, uint64_t fees,
	       const struct buf *body, uint32_t count, uint64_t time_ms)
{
	struct header h = {
	    .version = BLOCK_VERSION,
	    .previous = parent->hash,
	    .time_ms = time_ms,
	    .target = target_next(p, parent->header.height, parent->header.target, parent->header.time_ms, time_ms),
	    .height = parent->header.height + 1,
	};
	struct tx reward = {
	    .version = TX_REWARD,
	    .network = *network,
	    .recipient = *to,
	    .value = ledger_subsidy(p, supply_before) + fees,
	    .sequence = h.height,
	};
	uint8_t reward_bytes[TX_REWARD_SIZE];
	struct writer w = writer_of(reward_bytes, sizeof(reward_bytes));
	tx_encode(&w, &reward);

	struct merkle tree;
	merkle_init(&tree);
	struct hash256 leaf = tx_leaf(reward_bytes, sizeof(reward_bytes));
	merkle_add(&tree, &leaf);
	struct reader r = reader_of(body->data, body->len);
	for (uint32_t i = 0; i < count; i++) {
		size_t span = tx_span(&r);
		leaf = tx_leaf(get_span(&r, span), span);
		merkle_add(&tree, &leaf);
	}
	h.merkle_root = merkle_top(&tree);

	buf_reset(out);
	block_begin(out, &h, count + 1);
	buf_append(out, reward_bytes, sizeof(reward_bytes));
	if (body->len > 0)
		buf_append(out, body->data, body->len);
}
