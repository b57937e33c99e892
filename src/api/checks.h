/*
 * What is well with this node and what is not, check by check, for GET /readyz and whoever asks it: each has a name that
 * stays, a state, what was found, and what to do about it.
 *
 * A failed check means that the node cannot take in new work now. A warning does not: it tells what a person should see to
 * before it fails. Neither peers nor the age of the last block make a node unready.
 */
#ifndef RENSA_SRC_API_CHECKS_H
#define RENSA_SRC_API_CHECKS_H

#include <stddef.h>

#include "state.h"

enum check_state { CHECK_OK, CHECK_WARNING, CHECK_FAILED, CHECK_STATES };

struct check {
	const char *name;
	enum check_state state;
	char found[192];
	const char *fix; /* "" while there is nothing to do */
};

#define CHECKS_MAX 12

/* How many there are. */
size_t checks_make(struct check out[CHECKS_MAX], const struct api *a);
/* The first that failed; NULL: the node is ready. */
const struct check *checks_failed(const struct check *checks, size_t count);
const char *check_state_name(enum check_state state);

#endif
