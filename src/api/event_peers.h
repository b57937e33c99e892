/*
 * What changed in the peer table, numbered, for one worker's listeners. The table keeps no history, so it is looked at
 * now and then and compared with what stood there before: a peer that goes and comes back between two looks is one
 * change. An address that is left alone for a while ("paused") shows as that, as in GET /peers.
 */
#ifndef RENSA_SRC_API_EVENT_PEERS_H
#define RENSA_SRC_API_EVENT_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/peer_table.h"
#include "store/store.h"

struct event_peer {
	char address[PEER_ADDRESS_SIZE]; /* "": nobody */
	char state[24];
	char reason[sizeof(((struct peer_entry *)0)->reason)];
	char node[sizeof(((struct peer_entry *)0)->node)];
	uint64_t since_ms; /* wall clock: in this state, as the table says */
	bool is_paused;
	uint64_t change; /* number of its last change, from 1 */
};

struct event_peers {
	struct event_peer peers[PEER_TABLE_MAX];
	uint64_t changes;   /* number of the last change */
	uint64_t version;   /* of the table, as last looked at */
	uint64_t looked_ms; /* wall clock: of the last look */
};

/* True if something changed. Pauses do not show in the table's version: only a thorough look finds them. */
bool event_peers_look(struct event_peers *p, const struct store *s, uint64_t wall_ms, bool is_thorough);
/* The first change after that number; NULL: none. */
const struct event_peer *event_peers_next(const struct event_peers *p, uint64_t after);

#endif
