/* Reads without a lock what others write; it only has to be right about the chain, and that is one number. */
#include "summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/mempool.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "util/log.h"

static struct summary
summary_now(const struct store *store)
{
	return (struct summary){.tip = chain_tip(store),
				.pending = mempool_count(store),
				.peers = peer_table_count(store, PEER_UP),
				.requests = role_total(store, COUNT_REQUESTS)};
}

void
summary_begin(struct summary *s, const struct store *store)
{
	*s = summary_now(store);
}

/* The transfers in the blocks above `fork` on the chain that ends in tip; each block's first one is its reward. */
static uint64_t
count_transfers(const struct store *store, struct blockref tip, struct blockref fork)
{
	uint64_t transfers = 0;
	struct block b;

	for (struct blockref at = tip; !blockref_equal(at, fork); at = chain_parent(store, at)) {
		chain_block(store, at, &b);
		transfers += b.tx_count - 1;
	}
	return transfers;
}

static void
describe_chain(char *out, size_t size, const struct store *store, struct blockref before, struct blockref now)
{
	uint64_t height = chain_height(store, now);

	if (blockref_equal(before, now)) {
		snprintf(out, size, "height %" PRIu64, height);
		return;
	}
	struct blockref fork = chain_fork(store, before, now);
	uint64_t blocks = height - chain_height(store, fork), transfers = count_transfers(store, now, fork);
	snprintf(out, size, "height %" PRIu64 " -> %" PRIu64 ", %" PRIu64 " block%s with %" PRIu64 " transfer%s",
		 chain_height(store, before), height, blocks, blocks == 1 ? "" : "s", transfers,
		 transfers == 1 ? "" : "s");
}

void
summary_tell(struct summary *s, const struct store *store)
{
	struct summary now = summary_now(store);
	char chain[160];

	if (blockref_equal(s->tip, now.tip) && s->pending == now.pending && s->peers == now.peers)
		return; /* and requests are counted up to the next line */
	describe_chain(chain, sizeof(chain), store, s->tip, now.tip);
	log_info("summary: %s; %" PRIu32 " pending, %" PRIu32 " peer%s up, %" PRIu64 " requests answered", chain,
		 now.pending, now.peers, now.peers == 1 ? "" : "s", now.requests - s->requests);
	*s = now;
}
