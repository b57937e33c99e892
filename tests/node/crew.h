/*
 * A node's processes on a store and a disk of their own, with the test in the master's place: it makes what outlives a
 * role, starts roles one by one as posts.c does, and sees what they do through the segment, the bells, the sockets, the
 * log and how they end. Those that it does not start it may play itself: it has the whole segment.
 */
#ifndef RENSA_TESTS_NODE_CREW_H
#define RENSA_TESTS_NODE_CREW_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/child.h"
#include "node/config.h"
#include "store/role_table.h"
#include "store/store.h"
#include "util/attr.h"

#define CREW_ROLES 16	   /* slots of the role table */
#define CREW_WORKERS_MAX 4 /* that a test may ask for in [http] workers */
#define CREW_SIGNAL 1000   /* added to the signal that ended a role */

struct crew {
	struct config config; /* the test may change it between crew_init and crew_open */
	struct node_env env;
	struct store *store;
	const char *folder;
	char log[PATH_MAX];
	int life_write;
	uint32_t ring;			     /* the test's own, in which it plays a worker */
	struct netaddr at[CREW_WORKERS_MAX]; /* where each listens */
	pid_t pids[CREW_ROLES];		     /* by slot, 0: none */
	uint32_t rings[CREW_ROLES];	     /* likewise, of workers */
};

/* A scratch folder, and every key at its default but for what a test needs: one worker, the network of tests/peer. */
void crew_init(struct crew *c);
/* Segment, logs, bells, the master's pipe, listeners. Nothing is loaded yet. */
void crew_open(struct crew *c);
/* What the loader does, in this process; must work. */
void crew_load(struct crew *c);
/* crew_init, crew_open and crew_load. */
void crew_ready(struct crew *c);
/* Kills who still runs. */
void crew_close(struct crew *c);
/* The segment is made anew, as for a start. */
void crew_forget(struct crew *c);

/* A role begins, in the slot that its row in the table has. */
pid_t crew_start(struct crew *c, const char *role);
/* How it ended: its exit code, or CREW_SIGNAL and the signal. */
int crew_wait(struct crew *c, const char *role);
/* The same, asked to stop. */
int crew_stop(struct crew *c, const char *role);
uint32_t crew_slot(const char *role);
uint64_t crew_counter(const struct crew *c, const char *role, enum role_counter counter);
bool crew_heard(const struct crew *c, int bell); /* the bell is ringing; quiets it */

/* Does the log have a line with these words? */
bool crew_said(const struct crew *c, const char *words);

/* Waits until the condition holds. */
#define crew_until(condition)                               \
	do {                                                \
		uint64_t crew_limit = crew_deadline();      \
		while (!(condition))                        \
			crew_pause(crew_limit, #condition); \
	} while (0)
uint64_t crew_deadline(void);
void crew_pause(uint64_t deadline, const char *condition);

#endif
