/*
 * Fetching a better chain from one peer: headers first, from the common ancestor on, and every rule that headers alone
 * can break is checked before a single body is asked for; then bodies, in order, in bounded batches. What our chain is
 * and what happens to a body is the caller's, through callbacks.
 *
 *	headers   ask behind our locator; repeat while replies are full and the branch does not win yet
 *	bodies    once the branch wins: ask by hash, batch after batch; each goes to `body`, each batch ends with
 *		  `flush`, and the next batch is on its way meanwhile
 *	again     a full headers reply may have more behind it: from the start, with a new locator
 *
 * A branch is taken up to its last valid block, if that prefix wins. It always ends: each reply must lead higher than
 * the one before, and what is fetched anew must have made the chain better.
 */
#ifndef RENSA_PEER_FETCH_H
#define RENSA_PEER_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/fork_choice.h"
#include "chain/header_chain.h"
#include "chain/rule.h"
#include "net/loop.h"
#include "net/netaddr.h"
#include "wire/peer_msg.h"

/* Headers kept at once while a branch does not win yet; a longer losing branch is given up. */
#define FETCH_HEADERS_MAX 200000
#define FETCH_TIMEOUT_MS 20000

enum fetch_end {
	FETCH_DONE,	  /* nothing more to have from this peer (or nothing better) */
	FETCH_BROKE_RULE, /* verdict and block say which */
	FETCH_MISBEHAVED, /* it broke the protocol: reason */
	FETCH_FAILED,	  /* it went away or took too long: reason */
	FETCH_STOPPED	  /* a callback wanted to stop: our own trouble, or the chain moved on */
};

struct fetch_result {
	enum fetch_end end;
	enum rule rule;
	uint64_t height; /* of the block that broke it */
	struct hash256 hash;
	char reason[120];
	uint64_t bodies; /* taken in all */
	bool is_early;	 /* it has blocks ahead of our clock, which were left out */
};

struct fetch_callbacks {
	/* Hashes of our chain from the tip down, thinning out, genesis last. Returns how many (at most LOCATOR_MAX). */
	size_t (*locator)(void *ctx, struct hash256 *out);
	/* A block that we have, on our chain or off it, and judged good: the state behind it. */
	bool (*known)(void *ctx, const struct hash256 *hash, struct header_state *out);
	/* Broke a rule before, and so does what descends from it. */
	bool (*is_bad)(void *ctx, const struct hash256 *hash);
	/* Would a chain with this head replace ours? */
	bool (*wins)(void *ctx, const struct head *head);
	uint64_t (*now_ms)(void *ctx);
	/* Bodies come next, the first being the child of ancestor. Not OK: RULE_REORG_TOO_DEEP, say. */
	enum rule (*begin)(void *ctx, const struct hash256 *ancestor);
	/* These bodies come next, if their forms hold: what can be done for all of them at once. NULL: nothing. */
	void (*foresee)(void *ctx, const struct block *blocks, size_t count);
	/* The next body. False: stop; v says which rule it broke, or RULE_OK when it is our own trouble. */
	bool (*body)(void *ctx, const struct block *b, struct verdict *v);
	/* A batch is through, or the last valid block is: commit it if it wins. False: stop. */
	bool (*flush)(void *ctx);
	void (*progress)(void *ctx, uint64_t height, uint64_t target);
	void (*done)(void *ctx, const struct fetch_result *result);
};

struct fetch;

/* Starts; done is called once, never before this returns, and may free it. */
struct fetch *fetch_start(struct loop *l, const struct netaddr *peer, const struct netaddr *from,
			  const struct params *params, const struct fetch_callbacks *callbacks, void *ctx);
void fetch_free(struct fetch *f); /* done is not called if it was not yet */

#endif
