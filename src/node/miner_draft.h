/*
 * The block that the miner searches a proof of work for: see miner_draft.c.
 */
#ifndef RENSA_NODE_MINER_DRAFT_H
#define RENSA_NODE_MINER_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/header_chain.h"
#include "chain/template.h"
#include "store/chain.h"
#include "util/buf.h"

struct draft {
	struct buf block; /* empty: none */
	struct blockref parent;
	struct header_state parent_state;
	struct hash256 target;
	uint64_t made_ms; /* monotonic */
	uint64_t nonce;	  /* next to try */
	uint32_t transfers;
	struct address to;
};

/* What drafts are made of, and what is known from the ones before. */
struct drafter {
	struct store *store;
	struct hash256 *seen; /* leaves of transfers whose signatures were good */
	struct candidate *candidates;
	bool is_clock_behind; /* logged once */
};

void drafter_init(struct drafter *by, struct store *s);
void drafter_clear(struct drafter *by);

void draft_init(struct draft *d);
void draft_clear(struct draft *d);
void draft_drop(struct draft *d); /* there is none any more */
/* On the tip, with what is pending. False: there is none, for nothing can be mined now, or is to be if nothing is pending. */
bool draft_make(struct draft *d, struct drafter *by, const struct address *to, bool may_be_empty);
/* None, or not on the tip, for somebody else, or made some time ago. */
bool draft_is_old(const struct draft *d, const struct store *s, const struct address *to);

#endif
