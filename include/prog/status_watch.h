/* A node's status, watched: a line a second. */
#ifndef RENSA_PROG_STATUS_WATCH_H
#define RENSA_PROG_STATUS_WATCH_H

#include "prog/cli.h"
#include "prog/remote.h"

/* Until SIGINT or SIGTERM, or until the node does not answer any more. */
enum cli_exit status_watch(struct cli *c, struct remote *r);

#endif
