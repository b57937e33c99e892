/*
 * Whom we keep as peers: those we fetch from and relay to. Of all addresses where a node of our chain answers only so
 * many are kept, and they are spread, so that whoever has many addresses cannot become everybody we listen to:
 *
 *  1. Addresses that answer with one nonce are one node, and have one slot: a configured address before others, then one
 *     that has a slot, then the one that is up longest.
 *  2. Configured addresses (`peers` and `dns`) come first, and SLOTS_CONFIGURED are for them alone.
 *  3. Of the others no group (netaddr_group) has more than SLOTS_GROUP. Half of that goes to those that are up longest,
 *     whom newcomers cannot push out, however many they are; the other half by lot, so that whoever comes late to a
 *     large network is somebody's peer too.
 *  4. Those that are left alone for breaking a rule get what is over.
 *
 * A private network that lies in one group and has more nodes than a group's share is a random graph then, in which each
 * node has SLOTS_GROUP others: enough for a block to come everywhere.
 */
#ifndef RENSA_PEER_SLOTS_H
#define RENSA_PEER_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netaddr.h"

#define SLOTS_MAX 64
#define SLOTS_CONFIGURED 16
#define SLOTS_GROUP 32

enum slot_verdict {
	SLOT_KEPT,
	SLOT_SAME_NODE,	 /* as the candidate at `same_as` */
	SLOT_GROUP_FULL, /* its group has its share */
	SLOT_ALL_FULL
};

struct slot_candidate {
	struct netaddr at;
	uint64_t nonce;	   /* of the node that answers there */
	uint64_t since_ms; /* up since */
	bool is_configured;
	bool is_kept; /* now */
	bool is_paused;
	/* Results. */
	enum slot_verdict verdict;
	size_t same_as;
};

/* Judges all candidates. key: this node's own secret, which the lot is drawn with; the same key gives the same lot. */
void slots_assign(struct slot_candidate *c, size_t count, uint64_t key);

#endif
