/* A reload of the configuration: reading, comparing, taking over and telling; the master then replaces the roles. */
#ifndef RENSA_SRC_NODE_RELOAD_H
#define RENSA_SRC_NODE_RELOAD_H

#include <stdbool.h>

#include "node/child.h"
#include "node/config.h"
#include "store/reload_note.h"
#include "util/attr.h"

/*
 * Reads the configuration again for a node that uses `running`. True: env and running are as it says from here on, and the
 * note tells what that changes; *concerns_roles: they have to be replaced for it. False: nothing has changed, and the note
 * tells why it is refused. The note is that of the last reload and becomes that of this one; keys that wait for a restart go
 * on waiting when a later reload is refused.
 */
bool reload_take(struct node_env *env, struct config *running, struct reload_note *note, const struct config_inputs *in,
		 bool *concerns_roles) MUSTCHECK;
/* Tells the log what came of it. */
void reload_tell(const struct reload_note *note);

#endif
