/*
 * A table of roles in place of the node's, for tests of what starts, watches and stops them: each does what the test
 * wrote into its part, and everything that happens is noted in the order in which it did. Linked before the library,
 * whose own table then is not.
 */
#ifndef RENSA_TESTS_NODE_CAST_H
#define RENSA_TESTS_NODE_CAST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The rows of the table, and their orders of stopping. */
enum cast {
	CAST_LOADER, /* once, first; 1 */
	CAST_WORKER, /* as many as workers, early; 0 */
	CAST_HELPER, /* once loaded, may commit, niced; 1 */
	CAST_KEEPER, /* once loaded; 2 */
	CASTS
};

enum part {
	PART_SERVE, /* as a role should: until it is asked to stop */
	PART_LEAVE, /* ends at once with `code` */
	PART_CRASH, /* is killed at once */
	PART_STUCK, /* its last heartbeat was long ago, and it looks at nothing */
	PART_OWNER, /* stuck, and owns the chain's lock while it waits for the disk */
	PART_SLOW,  /* asked to stop, it goes on until `may_go` */
	PART_DEAF   /* never stops */
};

enum event { EVENT_BEGAN, EVENT_STUCK, EVENT_ASKED, EVENT_ENDED };

#define CAST_EVENTS_MAX 512

struct cast_event {
	enum event what;
	enum cast who;
	uint32_t index;
	_Atomic pid_t pid;
};

/* Shared with the roles. */
struct cast_stage {
	_Atomic int parts[CASTS];
	_Atomic int codes[CASTS];
	_Atomic bool may_go[CASTS];
	_Atomic uint32_t count;
	struct cast_event events[CAST_EVENTS_MAX];
};
extern struct cast_stage *cast_stage;

#define CAST_NICE 5 /* of the helper, on top of the master's */

/* Everybody serves; nothing has happened. */
void cast_open(void);
void cast_play(enum cast who, enum part part);
/* How often that happened to all of a row. */
uint32_t cast_count(enum event what, enum cast who);
/* Where among all that happened it did for the n-th time, from 0; fails the test if it did not. */
uint32_t cast_place(enum event what, enum cast who, uint32_t n);

#endif
