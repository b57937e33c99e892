/* The master: owner of the segment, parent of every role. */
#ifndef RENSA_NODE_MASTER_H
#define RENSA_NODE_MASTER_H

#include "node/config.h"
#include "node/upgrade.h"

/*
 * Runs the node until it is told to stop; returns the exit code. A reload replaces what is in config, which stays the
 * caller's to clear. It was read from inputs, and is read from them again then. program: what an upgrade executes, NULL:
 * there is none. handed: what the program before this one left, which is taken; NULL: there was none.
 */
int master_run(struct config *config, const struct config_inputs *inputs, const struct program *program,
	       struct handover *handed);

#endif
