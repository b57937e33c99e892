/*
 * What workers need besides the configuration: listeners, bells, rings. A reload that wants others or more of them makes
 * them before it changes anything, so that it can be refused whole.
 */
#ifndef RENSA_SRC_NODE_OUTFIT_H
#define RENSA_SRC_NODE_OUTFIT_H

#include "node/child.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

struct outfit {
	uint32_t workers;
	struct listeners http, peers;
};

/* How many workers that configuration wants, and how many verifiers this machine. */
uint32_t outfit_workers(const struct config *c);
uint32_t outfit_verifiers(void);

/* For env, which has its configuration still, to run with next. On failure nothing is kept, and why (appended to) says why. */
enum err outfit_make(struct outfit *o, struct node_env *env, const struct config *next, struct buf *why) MUSTCHECK;
/* It is not to be after all. */
void outfit_drop(struct outfit *o, const struct node_env *env);
/* From here on env has it. What it had is closed, but workers keep theirs until they are replaced. */
void outfit_take(struct outfit *o, struct node_env *env);

#endif
