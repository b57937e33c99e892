/*
 * The events that one listener has not been told yet, derived from what is in the segment: nothing is written for it, and
 * however far it is behind, it costs no memory to keep. src/api/event_feed.c says in which order they come.
 */
#ifndef RENSA_SRC_API_EVENT_FEED_H
#define RENSA_SRC_API_EVENT_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/block.h"
#include "event_cursor.h"
#include "event_peers.h"
#include "store/chain.h"
#include "util/attr.h"
#include "util/buf.h"

enum event_kind { EVENT_BLOCK, EVENT_TRANSACTION, EVENT_REORGANISATION, EVENT_PEER, EVENT_KINDS };

#define EVENT_ALL ((1u << EVENT_KINDS) - 1)

struct event_feed {
	const struct store *store;
	const struct event_peers *peers; /* of the worker, looked at before each walk */
	unsigned wanted;		 /* 1 << kind */
	unsigned turn;			 /* which source comes next */

	struct blockref at;	/* last block told */
	struct blockref inside; /* whose transfers are being told, a child of at; none: of no block */
	struct block_iter txs;
	bool is_reset;	     /* the listener's block is unknown here: to be told first */
	struct hash256 lost; /* that block */

	uint64_t arrival;    /* the next of the pool */
	uint64_t arrival_to; /* of this turn */
	uint64_t gone;	     /* the next of those that the pool dropped */

	uint64_t peer_change; /* last one told */
	uint32_t peer_slot;   /* the next that may have changed while nobody listened; PEER_TABLE_MAX: all were seen */

	/* Wall clock: what was there then has been told; now, and by whoever served the listener before. */
	uint64_t told_ms;
	uint64_t pool_from_ms; /* 0: all of the pool that is still to be walked is news */
	uint64_t peers_from_ms;
};

const char *event_kind_name(enum event_kind kind);

/* From now on. */
void event_feed_start(struct event_feed *f, const struct store *s, const struct event_peers *peers, unsigned wanted);
/* After a start: from there on. False: no listener of this node can have come to that place. */
bool event_feed_resume(struct event_feed *f, const struct event_cursor *from) MUSTCHECK;
/* An id alone, which tells a client where it stands without an event. */
void event_feed_place(const struct event_feed *f, struct buf *out);
/* Appends the next event, or after a long way without one its place; false: there is nothing that was not told. */
bool event_feed_next(struct event_feed *f, struct buf *out);

#endif
