/*
 * The block that the miner searches a proof of work for: see miner_draft.c.
 */
#ifndef RENSA_NODE_MINER_DRAFT_H
#define RENSA_NODE_MINER_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/header_chain.h"
#include "chain/template.h"
#include "spare.h"
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

#define AHEAD_MAX 64 /* signatures checked in a piece */

/* A pending transfer whose signature is checked ahead. */
struct ahead {
	struct hash256 leaf;
	uint32_t size;
	bool is_good;
	uint8_t bytes[TX_SIZE_MAX];
};

/* What drafts are made of, and what is known from the ones before. */
struct drafter {
	struct store *store;
	struct hash256 *seen; /* leaves of transfers whose signatures were good */
	struct candidate *candidates;
	bool is_clock_behind; /* logged once */
	uint64_t walked;      /* the walk by arrival through the pool, for what is checked ahead */
	struct ahead ahead[AHEAD_MAX];
	uint32_t ahead_count;
	bool is_ahead_out; /* they are the spare thread's */
	spare_over *over;
	void *over_ctx;
};

void drafter_init(struct drafter *by, struct store *s);
void drafter_clear(struct drafter *by);

/* More than a few transfers have come that were not looked at ahead, or some are being looked at. */
bool drafter_is_behind(const struct drafter *by);
/* Has the next of them checked. False: a piece of work is out already, or there can be no thread. */
bool drafter_look_ahead(struct drafter *by, struct spare *s, spare_over *over, void *ctx);

void draft_init(struct draft *d);
void draft_clear(struct draft *d);
void draft_drop(struct draft *d); /* there is none any more */
/* On the tip, with what is pending. False: there is none, for nothing can be mined now, or is to be if nothing is pending. */
bool draft_make(struct draft *d, struct drafter *by, const struct address *to, bool may_be_empty);
/* None, or not on the tip, for somebody else, or made some time ago. */
bool draft_is_old(const struct draft *d, const struct store *s, const struct address *to);

#endif
