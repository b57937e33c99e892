/*
 * What the master owns and its children use: the folder's lock, listeners, segment, bells, and the pipe whose end tells
 * them that the master is gone. Made before anybody is forked, and outliving each of them.
 */
#ifndef RENSA_SRC_NODE_ESTATE_H
#define RENSA_SRC_NODE_ESTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/child.h"
#include "node/handover.h"
#include "util/attr.h"
#include "util/err.h"

/* In all of these env has its configuration and the number of its workers; on failure the log says why. */

/*
 * The folder, which is locked from here on, and the listeners: those that were handed over, and others where there are
 * none or too few. What is left in h has no use here. ERR_PERM, ERR_LIMIT, ERR_FORMAT, ERR_UNSUPPORTED: a person has to look.
 */
enum err estate_settle(struct node_env *env, int *lock, struct handover *h) MUSTCHECK;
/* Bells, and the pipe; *life_write is the end that the master keeps. */
enum err estate_open_bells(struct node_env *env, int *life_write) MUSTCHECK;
/* A fresh segment, with so many slots in its role table. Of one before it nothing is left. */
enum err estate_make_store(struct node_env *env, uint32_t roles) MUSTCHECK;
/* Nobody runs any more. is_over: the chain was loaded, and is put away so that the next start is quick. The segment's names go. */
void estate_end_store(struct node_env *env, bool is_over);
void estate_close(struct node_env *env);

#endif
