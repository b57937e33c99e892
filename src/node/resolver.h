/*
 * What the files of the resolver share: role_resolver.c has the rounds, resolver_fetch.c takes a better chain from one
 * peer, resolver_push.c takes in what peers push, resolver_compact.c builds blocks that were announced by their names.
 */
#ifndef RENSA_NODE_RESOLVER_H
#define RENSA_NODE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "bad_blocks.h"
#include "chain/rule.h"
#include "node/child.h"
#include "peer/fetch.h"
#include "peer/handshake.h"
#include "push_source.h"
#include "store/branch.h"
#include "store/peer_table.h"
#include "store/ring.h"

#define HELD_MAX 16
#define FAILED_MAX PEER_TABLE_MAX
#define WAITING_MAX (STORE_RINGS_MAX * RING_COMMANDS)

/* A peer asked in this round. */
struct asked {
	struct resolver *resolver;
	struct netaddr at;
	struct handshake *handshake; /* NULL once it answered */
	struct head head;
	bool is_wanted; /* its head wins over ours */
};

/* What was pushed of a block, and by whom: strings and bytes are the caller's. */
struct push {
	const char *source; /* host */
	const char *from;   /* host:port, "" if it named no port */
	enum push_kind kind;
	const uint8_t *bytes;
	size_t size;
};

/* A pushed block that is ahead of our clock. */
struct held {
	struct buf bytes; /* empty: free */
	enum push_kind kind;
	char source[RING_ADDRESS_SIZE];
	char from[RING_ADDRESS_SIZE];
	uint64_t due_ms; /* wall clock: when it is not ahead any more */
};

struct resolver {
	struct child *child;
	struct store *store;
	struct netaddr from_space;
	const struct netaddr *from; /* local address that connections leave from, or NULL */

	/* Rounds. */
	struct loop_timer *next;
	bool in_round;
	bool wants_round;	/* another shall follow this one, or the fetch under way */
	bool replaced;		/* the chain, in this round */
	uint64_t peers_version; /* of the peer table, when last looked */
	uint64_t newest_peer;	/* since_ms of the peer that came up last, when last looked */
	struct asked asked[PEER_TABLE_MAX];
	uint32_t asked_count, answers_due;
	struct command_handle waiting[WAITING_MAX]; /* consensus commands … */
	uint32_t waiting_count;
	uint32_t due_count; /* … of which the first so many are answered by the present round */

	/* The fetch under way, in a round or for a push. */
	struct fetch *fetch;
	struct netaddr fetch_from;
	struct loop_timer *patience; /* armed until the headers have shown that its chain wins */
	uint64_t early_after_ms;     /* monotonic: no line before about blocks ahead of our clock */
	struct u256 promised;	     /* work that it said its chain has; 0: it did not say */
	struct branch branch;
	struct blockref news_from;	   /* tip before what was adopted and not logged yet; none: nothing was */
	uint64_t news_ms;		   /* monotonic: when that was */
	struct netaddr failed[FAILED_MAX]; /* peers that did not answer when last fetched from: asked last */
	uint32_t failed_count;		   /* ever */
	struct bad_blocks bad;
	struct checked *checked; /* signatures that this process knows to be good: resolver_verify.c */
	enum err trouble;	 /* why the last block could not be kept */

	/* Pushes. */
	struct loop_timer *more;      /* there are more, after the loop had a turn */
	uint64_t push_fetch_after_ms; /* monotonic: pushes do not start a fetch before */
	uint64_t complain_after_ms;   /* monotonic: about bad pushes */
	uint64_t complaints;	      /* not logged since */
	struct push_sources sources;  /* who has pushed what was good for nothing */
	struct compacts *compacts;    /* blocks being built: resolver_compact.c */
	char fetching_for
	    [RING_ADDRESS_SIZE];     /* source of the push that the last fetch was for, "" once that is settled */
	struct blockref fetching_at; /* tip when it began */
	struct loop_timer *retry;    /* held blocks */
	struct held held[HELD_MAX];
	struct pushed_block pushed;
};

/* role_resolver.c */

bool resolver_wins(const struct resolver *r, const struct head *head);
bool resolver_is_too_deep(const struct resolver *r, struct blockref from);
bool resolver_is_paused(const struct resolver *r, const struct netaddr *at);
/* The chain has moved from old to the present tip: counts it and tells everybody. */
void resolver_adopted(struct resolver *r, struct blockref old);
void resolver_say_adopted(struct resolver *r, struct blockref old, const char *from);
/* A block cannot be kept, or (OK) one was: logged when that changes. */
void resolver_say_trouble(struct resolver *r, enum err e, uint64_t height);
/* Remembered only if the bytes are really that block's: a body with another merkle root says nothing about the block.
 */
void resolver_remember_bad(struct resolver *r, const struct block *b);
/* A round shall come, in so many ms or after what is under way. Asked again, it comes no later. */
void resolver_want_round(struct resolver *r, uint64_t after_ms);
/* Is there another whose head wins, to be asked in this round? */
bool resolver_has_other(struct resolver *r);
/* No fetch is under way any more: the next one, or the end of the round. */
void resolver_go_on(struct resolver *r);

/* resolver_fetch.c */

/* promised: the work of its chain, as it says itself; NULL: it has not said. */
void resolver_fetch(struct resolver *r, const struct netaddr *peer, const struct u256 *promised);
/* The headers have not come in a while: if somebody else waits for his turn, it is his. */
void resolver_lose_patience(void *resolver);
/* It did not answer when last fetched from. */
bool resolver_has_failed(const struct resolver *r, const struct netaddr *at);

/* resolver_verify.c */

/* Checks the signatures of bodies that come next, on all cores. */
void resolver_foresee(void *resolver, const struct block *blocks, size_t count);
ledger_verified resolver_is_checked;
void resolver_verify_init(struct resolver *r);
void resolver_verify_clear(struct resolver *r);

/* resolver_push.c */

/* Takes what lies in the rings. */
void resolver_take_pushes(struct resolver *r);
void resolver_take_push(struct resolver *r, const struct push *p);
/* A push was bad: who did what is said (once in a while), and it counts against its source. */
void resolver_complain(struct resolver *r, const struct push *p, const char *what);
void resolver_spend(struct resolver *r, const struct push *p, uint64_t cost_ms);
/* Is it a peer of ours that may be asked? */
bool resolver_can_ask(const struct resolver *r, const char *from, struct netaddr *at);
void resolver_retry_held(void *resolver);

/* resolver_compact.c */

void resolver_compacts_init(struct resolver *r);
void resolver_compacts_clear(struct resolver *r);
/* A compact block or a header whose parent is known and which would win: builds the block and takes it. */
void resolver_build(struct resolver *r, const struct push *p, const struct header *h, const struct hash256 *hash);
/* Its parent is being built: it is taken once that is done. False: its parent is not. */
bool resolver_build_after(struct resolver *r, const struct push *p, const struct header *h, const struct hash256 *hash);

#endif
