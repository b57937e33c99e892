/* The pool process's private index: each sender's pending transfers in sequence order. Rebuilt from the slots at its
 * start. */
#ifndef RENSA_STORE_SENDER_INDEX_H
#define RENSA_STORE_SENDER_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/address.h"
#include "util/attr.h"

struct pending {
	uint64_t sequence;
	uint64_t cost; /* value + fee */
	uint32_t slot;
};

struct sender {
	struct sender *next; /* same bucket */
	struct address who;
	uint64_t outgoing;    /* sum of costs */
	uint64_t walk;	      /* the last one that has rechecked it */
	struct pending *list; /* by sequence */
	uint32_t count;
	uint32_t room;
};

struct sender_index;

struct sender_index *sender_index_new(const uint8_t seed[16]);
void sender_index_free(struct sender_index *x);
struct sender *sender_find(const struct sender_index *x, const struct address *who); /* NULL: nothing pending */
void sender_add(struct sender_index *x, const struct address *who, struct pending p);
/* The sender may be freed by this, when it was its last; `who` must not point into it. */
void sender_remove(struct sender_index *x, const struct address *who, uint64_t sequence);
/* Position in the list of the first one whose sequence is not below. */
uint32_t sender_place(const struct sender *s, uint64_t sequence);
/* NULL: the sender has none with it. */
const struct pending *sender_at(const struct sender *s, uint64_t sequence);
/* The first sequence from `from` on that is not pending. */
uint64_t sender_next(const struct sender *s, uint64_t from);
typedef void sender_visit(void *ctx, const struct address *who);
/*
 * Walks over all senders in pieces of a few: *bucket is where, from 0, and moves on. False: none is left. The visitor may
 * remove the one it is given. Between two pieces senders may come and go: who stays all the time is met, perhaps twice.
 */
bool sender_each_of(struct sender_index *x, uint32_t *bucket, sender_visit *visit, void *ctx) MUSTCHECK;

#endif
