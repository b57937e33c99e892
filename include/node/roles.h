/* The roles of a node. Adding one is a row in the table of src/node/roles.c and a file for its main. */
#ifndef RENSA_NODE_ROLES_H
#define RENSA_NODE_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "node/child.h"
#include "store/store.h"

enum role_number {
	NUMBER_ONE,
	NUMBER_WORKERS,	  /* as many as [http] workers */
	NUMBER_VERIFIERS, /* one for each core but one: the resolver checks along */
};

enum role_start {
	START_ONCE,  /* first of all, a single time: the others need what it leaves */
	START_EARLY, /* soon, also while the chain is still loaded, to say so */
	START_LOADED /* when the chain is there */
};

/* How a role shares the cores when there are too few. */
enum role_pace {
	PACE_USUAL,
	PACE_BRISK, /* somebody waits for its answer: little at a time, and soon */
	PACE_BATCH  /* it computes for long: much at a time, when it is its turn */
};

struct role {
	const char *name;	      /* also its comm in ps: at most 15 letters */
	int (*main)(struct child *c); /* returns the exit code */
	enum store_access access;
	enum role_pace pace;
	int nice; /* on top of the node's own */
	enum role_number number;
	enum role_start start;
	int stop_order; /* lower ends first; the next order when all of it are gone */
};

extern const struct role node_roles[];
extern const size_t node_role_count;
/* How many processes of a role there shall be. */
uint32_t role_number(const struct role *r, const struct node_env *env);
/* How many there may come to be while the node runs. */
uint32_t role_places(const struct role *r, const struct node_env *env);

int role_loader(struct child *c);
int role_archiver(struct child *c);
int role_scribe(struct child *c);
int role_verifier(struct child *c);
int role_worker(struct child *c);
int role_pool(struct child *c);
int role_relay(struct child *c);
int role_discovery(struct child *c);
int role_resolver(struct child *c);
int role_miner(struct child *c);

#endif
