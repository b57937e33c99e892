/*
 * One who follows the events of a node, and what it was told in few words. Requests are HTTP/1.0, so that the body
 * comes as it is and ends with the connection.
 */
#ifndef RENSA_TESTS_API_FOLLOWER_H
#define RENSA_TESTS_API_FOLLOWER_H

#include "node.h"

#define FOLLOWER_ID_SIZE 160

/* A node that takes three of them. */
void follower_node_start(struct node *n);

/* Opens a stream; id NULL: from now on. Returns once the server has begun to answer. */
void follower_open(struct raw *c, struct node *n, const char *target, const char *id);
int follower_status(const struct raw *c);
/* All that the client was told, in few words; and the last id. */
void follower_story(struct buf *out, char id[FOLLOWER_ID_SIZE], const struct raw *c);
/* Waits until exactly this was told. Returns the last id, in a static buffer. */
const char *follower_expect(struct raw *c, struct node *n, const char *expected);

/* What there is to hear of, and the bell that says so: blocks on top of fork, … */
void node_tell_blocks(struct node *n, struct blockref fork, size_t count, unsigned miner);
/* … a transfer, … */
void node_tell_tx(struct node *n, const struct tx *tx);
/* … and some transfer of person 0. */
void node_tell_some_tx(struct node *n, uint64_t sequence);

#endif
