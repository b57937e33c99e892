/*
 * Addresses that others told, waiting to be tried. Others could fill it, or aim us at somebody: so it has room for TOLD_MAX
 * and drops the rest, and lets out no more than TOLD_A_SECOND.
 */
#ifndef RENSA_PEER_TOLD_H
#define RENSA_PEER_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netaddr.h"

#define TOLD_MAX 256
#define TOLD_A_SECOND 64

struct told {
	struct netaddr at;
	int source; /* the caller's */
};

struct told_queue {
	struct told all[TOLD_MAX]; /* count of them from first on, around the end */
	size_t first, count;
	uint64_t second_ms; /* monotonic: when the present second began … */
	uint32_t in_second; /* … and how many were let out in it */
};

/* False: there is no room. */
bool told_put(struct told_queue *q, const struct told *t);
/* The next one. False: there is none, or (*wait_ms > 0) none before so long. */
bool told_next(struct told_queue *q, struct told *out, uint64_t *wait_ms, uint64_t now_ms);

#endif
