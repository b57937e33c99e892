/*
 * Fetching a better chain: headers first, from the peer that says it has the chain, and every rule that headers alone
 * can break is checked before a single body is asked for; then bodies, from that peer and all others that may have
 * them, in bounded windows (peer/window.h). What our chain is and what happens to a body is the caller's, through
 * callbacks.
 *
 *	headers   ask the first peer behind our locator; repeat while replies are full and the branch does not win yet
 *	bodies    once the branch wins: ask by hash, all peers at once, each as much as it delivers; each body goes
 *		  to `body` in order of height, groups end with `flush`. Headers are read on meanwhile
 *	again     if the first peer swapped its chain meanwhile: from the start, with a new locator
 *
 * A branch is taken up to its last valid block, if that prefix wins. It always ends: each reply must lead higher than
 * the one before, what is fetched anew must have made the chain better, and who is too slow is given up.
 *
 * Whose fault is what: a body whose bytes are not what its header promises is its giver's, and is asked of another; a
 * body that breaks a rule is the chain's, so its giver's and the first peer's. A peer that was only asked for bodies and
 * has none has done no wrong, unless it turns out that the branch leads to the head that it claims.
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
#define FETCH_PEERS_MAX 8
#define FETCH_BODIES_FIRST 64 /* asked of a peer at first; more once it was fast */
#define FETCH_LATE_MS 2000    /* a good value for late_ms */

enum fetch_end {
	FETCH_DONE,	  /* nothing more to have from this peer (or nothing better) */
	FETCH_BROKE_RULE, /* verdict and block say which */
	FETCH_MISBEHAVED, /* it broke the protocol: reason */
	FETCH_FAILED,	  /* it went away or took too long: reason */
	FETCH_REFUSED,	  /* `begin` did not want the branch: nobody's fault; rule and head say why */
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

/* A peer to fetch from, and the head that its hello showed. */
struct fetch_peer {
	struct netaddr at;
	struct head head;
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
	/*
	 * This body comes after all that were foreseen before: what can be begun for it ahead. False: no room, it is shown
	 * again later. NULL for b: some that were foreseen do not come as they were. The callback itself may be NULL.
	 */
	bool (*foresee)(void *ctx, const struct block *b);
	/* The next body. False: stop; v says which rule it broke, or RULE_OK when it is our own trouble. */
	bool (*body)(void *ctx, const struct block *b, struct verdict *v);
	/* A group is through, or the last valid block is: commit it if it wins. False: stop. */
	bool (*flush)(void *ctx);
	/* So far; `target` is where the headers end, or the first peer's chain by its own word. */
	void (*progress)(void *ctx, uint64_t height, uint64_t target);
	/* What one peer did wrong (FETCH_BROKE_RULE, _MISBEHAVED, _FAILED). It is not asked any more. */
	void (*fault)(void *ctx, const struct netaddr *peer, const struct fetch_result *what);
	/* The end, for the fetch as a whole; faults have been told. */
	void (*done)(void *ctx, const struct fetch_result *result);
};

struct fetch_options {
	const struct fetch_peer *peers; /* the first gives the headers */
	size_t peer_count;
	const struct netaddr *from; /* local address, or NULL */
	const struct params *params;
	uint64_t late_ms; /* a request that takes longer is asked of another peer too */
};

struct fetch;

/* Starts; done is called once, never before this returns, and may free it. Options are copied. */
struct fetch *fetch_start(struct loop *l, const struct fetch_options *options, const struct fetch_callbacks *callbacks,
			  void *ctx);
/* One more peer to ask for bodies; nothing if it is one of them, or was, or there are FETCH_PEERS_MAX. */
void fetch_add_peer(struct fetch *f, const struct fetch_peer *peer);
/* Peers that are asked for bodies now. */
unsigned fetch_peer_count(const struct fetch *f);
void fetch_free(struct fetch *f); /* done is not called if it was not yet */

#endif
