/*
 * What the three files of discovery share: role_discovery.c has the rounds, discovery_table.c makes a row of the peer
 * table of what an address turned out to be, discovery_known.c keeps and asks for addresses: the file, and what peers
 * tell.
 */
#ifndef RENSA_NODE_DISCOVERY_H
#define RENSA_NODE_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/child.h"
#include "peer/exchange.h"
#include "peer/finder.h"
#include "store/chain.h"
#include "store/peer_table.h"
#include "store/ring.h"
#include "util/buf.h"

#define EXCHANGES_MAX 8 /* peers asked whom they know at once */

/* A peer that is asked whom it knows. */
struct asking {
	struct discovery *discovery;
	struct exchange *exchange; /* NULL: free */
};

struct discovery {
	struct child *child;
	struct store *store;
	struct finder *finder;
	struct netaddr from_space;
	const struct netaddr *from; /* local address that connections leave from, or NULL */
	struct loop_timer *next;
	struct loop_timer *heights;
	struct blockref tip; /* when the peers' heights were last asked for */
	struct hint_cursor hints;
	struct finder_name *names;
	struct netaddr *neighbours; /* as last logged, sorted */
	size_t neighbour_count;
	bool has_told_neighbours;
	uint32_t rounds;
	uint64_t wait_ms; /* until the next round: what back-off counts in */
	bool is_skewed;	  /* and the log says so */

	/* discovery_table.c */
	uint64_t lot; /* a secret: which peers of many are kept */

	/* discovery_known.c */
	struct asking asking[EXCHANGES_MAX];
	uint64_t saved_ms;   /* monotonic: when the file was written last, 0: not yet */
	uint32_t saved_mark; /* of the set that is in it */
};

/* discovery_table.c */

/* The finder's: takes what an address turned out to be into the table. */
void discovery_report(void *discovery, const struct finder_report *report);
/* Whom a round shall ask, peers first, and whom it shall leave out. Both lists are the caller's. */
struct discovery_plan {
	struct netaddr *ask, *rest;
	size_t ask_count, rest_count;
};
void discovery_plan(struct discovery *d, struct discovery_plan *plan);
void discovery_plan_clear(struct discovery_plan *plan);
/* Rows of addresses that are gone for long are forgotten. */
void discovery_forget(struct discovery *d);
/* At the start of the role: what a predecessor's configuration named is nobody's word any more. */
void discovery_disown(struct discovery *d);
/* May an address that somebody told be tried now? hint: its own node told it. */
bool discovery_is_news(const struct discovery *d, const char *address, bool is_hint);

/* discovery_known.c */

/* At the start: the addresses of the file are tried. */
void discovery_load(struct discovery *d);
/* Writes the file if the set has changed and the last time is long enough ago; at the end of the role, however long. */
void discovery_save(struct discovery *d, bool is_end);
/* Asks a peer whom it knows, unless too many are asked already. */
void discovery_ask(struct discovery *d, const struct netaddr *peer);
/* Asks a few of the peers that are up. */
void discovery_ask_some(struct discovery *d);
void discovery_known_clear(struct discovery *d);

#endif
