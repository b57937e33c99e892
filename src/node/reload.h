/* A reload of the configuration as far as it is reading, comparing and telling; the master then does it. */
#ifndef RENSA_SRC_NODE_RELOAD_H
#define RENSA_SRC_NODE_RELOAD_H

#include <stdbool.h>

#include "node/config.h"
#include "store/reload_note.h"
#include "util/attr.h"

/*
 * Reads the configuration again for a node that uses `running`. True: next is what it shall use from here on, to be
 * cleared, and the note says what that changes; false: the note says why it is refused. The note is that of the last
 * reload and becomes that of this one; keys that wait for a restart go on waiting when a later reload is refused.
 */
bool reload_read(struct config *next, struct reload_note *note, const struct config *running,
		 const struct config_inputs *in) MUSTCHECK;
/* It is refused after all, for a reason that only showed when it was tried. last: the note of the reload before. */
void reload_refuse(struct reload_note *note, const struct reload_note *last, const char *why);
/* Tells the log what came of it. */
void reload_tell(const struct reload_note *note);

#endif
