/*
 * What a node has done in the last minute, as one line of the log for its operator: how the chain grew, transfers
 * confirmed, the pool, peers, requests. A node on which nothing moved says nothing; that it was asked for its state (by a
 * health check, say, or by its peers' rounds) is no news.
 */
#ifndef RENSA_SRC_NODE_SUMMARY_H
#define RENSA_SRC_NODE_SUMMARY_H

#include <stdint.h>

#include "store/chain.h"
#include "store/store.h"

#define SUMMARY_MS 60000

/* As it was when the last minute ended. */
struct summary {
	struct blockref tip;
	uint32_t pending;
	uint32_t peers;
	uint64_t requests;
};

void summary_begin(struct summary *s, const struct store *store);
/* Tells what is different now, and goes on from there. */
void summary_tell(struct summary *s, const struct store *store);

#endif
