/*
 * The sockets on which workers serve. The master makes and keeps them, so that none is lost with a worker: the kernel
 * spreads connections over those of one address, and each is served by one worker at a time, all of them always. There
 * are as many as there were workers at most; a worker serves every one whose number leaves its own when it is divided by
 * the number of workers, so none is ever closed with connections in it because there are fewer workers.
 */
#ifndef RENSA_NODE_LISTENERS_H
#define RENSA_NODE_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/netaddr.h"
#include "util/attr.h"
#include "util/err.h"

#define LISTENERS_ALL_MAX 64 /* CONFIG_WORKERS_MAX */

struct listeners {
	int fds[LISTENERS_ALL_MAX];
	uint32_t count;
};

/*
 * Opens more until there are `count`. is_ours: this node listens at this port already, so that nobody else can have it.
 * ERR_BUSY, ERR_NOT_FOUND, ERR_PERM: as listener_open; those that were opened stay.
 */
enum err listeners_open(struct listeners *l, const struct netaddr *at, uint32_t count, bool is_ours) MUSTCHECK;
void listeners_close(struct listeners *l);
/* Closes those that `kept` has not: one of the two began as a copy of the other, or they have none in common. */
void listeners_close_since(struct listeners *l, const struct listeners *kept);
/* Does the worker with this number, of so many, serve the listener? */
bool listeners_serves(uint32_t worker, uint32_t workers, uint32_t listener);
/* Why that failed, for people. */
const char *listeners_fault(enum err e);

#endif
