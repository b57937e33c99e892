/* The master: owner of the segment, parent of every role. */
#ifndef RENSA_NODE_MASTER_H
#define RENSA_NODE_MASTER_H

#include "node/config.h"

/*
 * Runs the node until it is told to stop; returns the exit code. A reload replaces what is in config, which stays the
 * caller's to clear. It was read from inputs, and is read from them again then.
 */
int master_run(struct config *config, const struct config_inputs *inputs);

#endif
