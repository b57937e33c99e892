/*
 * What the two files of the relay share: role_relay.c decides who is told, relay_outlet.c tells one peer.
 */
#ifndef RENSA_NODE_RELAY_H
#define RENSA_NODE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "net/httpc.h"
#include "node/child.h"
#include "store/chain.h"
#include "store/peer_table.h"
#include "store/ring.h"

/* A block as it is told, made once for all who are told. */
struct news {
	struct blockref block; /* none: nothing yet */
	const char *path;
	struct buf body;
};

struct outlet {
	struct outlet *next;
	struct relay *relay;
	char address[PEER_ADDRESS_SIZE];
	uint64_t key; /* of the address */
	struct httpc *client;
	struct blockref told;	 /* last block it knows from us, none: unknown */
	struct blockref telling; /* under way */
	uint64_t arrival;	 /* next transfer to look at */
	uint64_t arrival_before; /* where the message under way began, for the case that it fails */
	uint64_t told_arrival;	 /* below this all were told once: only our clients' are told again */
	struct hash256 *offered; /* ids that it is asked about */
	uint32_t offered_count;
	uint64_t *heard;   /* keys of what it has told us, by their low bits; NULL: nothing yet */
	uint64_t retry_ms; /* monotonic: nothing is told before, after a failure */
	uint64_t asked;	   /* the burst in which it was asked last */
	bool is_listed;	   /* found in the table in the present look */
	bool is_eager;	   /* hears of everything at once */
	bool is_awake;	   /* is not eager, but is asked now */
	bool knows_mostly; /* what it was told last it had: it is told ids first */
};

struct relay {
	struct child *child;
	struct store *store;
	struct netaddr from_space;
	const struct netaddr *from;
	struct outlet *outlets;
	struct heard_cursor heard;
	struct news news;
	uint64_t peers_version; /* of the peer table, when last looked */
	uint64_t seed;		/* of the random part of the choice */
	uint64_t own_key;
	struct loop_timer *look;
	struct loop_timer *repeat;

	/* Asking those who are not told at once. */
	struct loop_timer *wave;
	bool in_burst;
	uint64_t burst; /* number of the present or last one */
	uint32_t wave_size;
	uint32_t wave_news; /* answers in the present wave that said that it was news */
	struct blockref burst_tip;
	uint64_t burst_arrival;
	char port[8];
};

/* relay_outlet.c */

struct outlet *outlet_new(struct relay *r, const struct peer_entry *e, const struct netaddr *at);
void outlet_free(struct outlet *o);
/* It has told us of this item. */
void outlet_heard(struct outlet *o, uint64_t item);
/* Tells it what there is to tell, if it is its turn and nothing is under way. */
void outlet_tell(struct outlet *o);
/* Is there something that it was not told? */
bool outlet_lacks(struct outlet *o);

/* role_relay.c */

/* Somebody who is not told at once had not heard of something. */
void relay_was_news(struct relay *r);

#endif
