/*
 * What every role shares: one prologue, one struct, one way to end. A role's main fills in its own part and calls
 * child_run.
 *
 * A child ends with CHILD_STOPPED when it was asked to (SIGTERM, or the master is gone), CHILD_AGAIN when a new one
 * shall be started, and CHILD_NEVER when a new one would fail the same way.
 */
#ifndef RENSA_NODE_CHILD_H
#define RENSA_NODE_CHILD_H

#include <stdint.h>

#include "net/loop.h"
#include "node/bells.h"
#include "node/config.h"
#include "store/store.h"
#include "store/transcript.h"
#include "util/attr.h"
#include "wire/peer_msg.h"

enum child_exit { CHILD_STOPPED = 0, CHILD_AGAIN = 1, CHILD_NEVER = 2 };

/* What the master hands every child through the fork. */
struct node_env {
	const struct config *config;
	struct store *store;
	struct transcript *transcript; /* not attached; NULL: the node has none. A child uses its own */
	struct bells bells;
	int life;	/* read end of a pipe that only the master holds open: its end of file is the master's death */
	uint64_t nonce; /* drawn at each start: how the node recognises itself */
	uint64_t started_ms; /* wall clock */
	uint64_t configured; /* counts the configurations that roles were started with, from 1 */
	uint32_t workers;
	uint32_t verifiers;
	int *listeners;	     /* one for each worker */
	int *peer_listeners; /* likewise, or NULL: peers use the others */
};

struct child {
	const struct node_env *env;
	const char *role;	       /* "worker", … */
	uint32_t slot;		       /* in the role table */
	uint32_t index;		       /* among the role's own, from 0 */
	uint32_t ring;		       /* worker: its ring */
	struct transcript *transcript; /* attached, in workers and the scribe; NULL: none */
	struct loop *loop;
	/* Asked to stop: NULL stops the loop; a role that has work in hand sets its own, which must stop the loop in
	 * the end. */
	loop_callback *on_stop;
	void *on_stop_ctx;
	/* The rest is the prologue's. */
	struct loop_watch *watches[3];
	struct loop_timer *beat;
	int exit_code;
};

/*
 * In the fresh child: name, signals, descriptors, segment, loop. Ends the process if that fails. Afterwards the role
 * makes what it needs and calls child_run.
 */
void child_begin(struct child *c);
/* Runs the loop until the role stops; returns the exit code. */
int child_run(struct child *c);
/* Stops the loop; the process ends with this code. */
void child_end(struct child *c, enum child_exit code);
/* Watches one of the role's bells: quiets it, then calls back. The watch lives as long as the process. */
void child_on_bell(struct child *c, int fd, loop_callback *rang, void *ctx);
/* At the start of a role that takes commands: those that its predecessor was at when it died are answered. */
void child_recover_commands(struct child *c, uint32_t kinds);
/* Our hello, as of now. */
void child_hello(const struct child *c, struct hello *out);
/* The local address that outgoing connections leave from: that of a specific listener. NULL: any. */
const struct netaddr *child_from(const struct child *c, struct netaddr *space);
/* The port on which other nodes reach /peer/. */
uint16_t node_peer_port(const struct config *config);

#endif
