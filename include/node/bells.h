/*
 * Wake-ups between processes: event descriptors, made by the master before it forks and inherited by all. A bell says
 * "look again" and nothing else; what there is to see lies in the segment. Ringing never blocks, and many rings before
 * a look are one.
 */
#ifndef RENSA_NODE_BELLS_H
#define RENSA_NODE_BELLS_H

#include <stdint.h>

#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

enum bell { BELL_POOL, BELL_RESOLVER, BELL_MINER, BELL_RELAY, BELL_DISCOVERY, BELL_VERIFIERS, BELL_MASTER, BELL_ROLES };

struct bells {
	int role[BELL_ROLES];
	int ring[STORE_RINGS_MAX]; /* the worker that owns the ring; -1 beyond the rings there are */
};

enum err bells_open(struct bells *b, uint32_t rings) MUSTCHECK;
/* Rings for more workers; those that there are stay. */
enum err bells_extend(struct bells *b, uint32_t rings) MUSTCHECK;
void bells_close(struct bells *b);
void bell_ring(const struct bells *b, enum bell which);
void bell_ring_worker(const struct bells *b, uint32_t ring);
void bell_ring_workers(const struct bells *b);
/* After a wake-up, before looking: so that a ring during the look wakes again. */
void bell_quiet(int fd);
/* The tip has moved: everybody who follows it looks. */
void bell_ring_tip(const struct bells *b);

#endif
