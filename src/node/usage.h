/*
 * What a process takes of the machine, told once a second in its own page: nobody else need look into /proc, which
 * systemd's ProtectProc hides from all but root.
 */
#ifndef RENSA_SRC_NODE_USAGE_H
#define RENSA_SRC_NODE_USAGE_H

#include "store/store.h"

/* A role of itself: adds what it has taken since it was called last. */
void usage_tell(struct store *s);
/* The master of itself. */
void usage_tell_master(struct store *s);

#endif
