/*
 * rensad --doctor: looks at this host, at the data folder and at the peers with the node's own configuration, and tells what
 * stands in a node's way and what to do about it. It is rensad's work and not the client's, because it needs what only the
 * node has: the configuration as a whole, the names of shared memory, and the handshake. `rensa doctor` starts it, adds what
 * a running node says of itself and what it sees of the wallets, and shows all of it to people.
 *
 * What must stay true: nothing is written, anywhere, and nothing waits for longer than a few seconds, whatever peers or
 * name servers do. What an ordinary user may not see is said, and is no fault.
 */
#ifndef RENSA_NODE_DOCTOR_H
#define RENSA_NODE_DOCTOR_H

#include <stdbool.h>

#include "node/config.h"
#include "util/buf.h"

/* Is there a check of that name? */
bool doctor_knows(const char *check);
/* Appends the names of all, with commas between. */
void doctor_names(struct buf *out);

/*
 * Runs the checks that `only` names (NULL at its end; NULL: all) for a configuration that was read from path, and appends
 * one JSON document:
 *
 *     {"http":"http://127.0.0.1:5000","node":PID or null,"checks":[{"name","state","message","fix"},...]}
 *
 * True if no finding is a problem.
 */
bool doctor_run(struct buf *out, const struct config *config, const char *path, const char *const *only);
/* The same document for a configuration that is refused with these errors, a line each; false. */
bool doctor_refuse(struct buf *out, const char *errors);

#endif
