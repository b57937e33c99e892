/* The signatures of one pushed block: those known to be good, by where their transfers stand in it. */
#ifndef RENSA_NODE_PUSH_VERIFY_H
#define RENSA_NODE_PUSH_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/ledger.h"
#include "node/child.h"

struct push_verify {
	const uint8_t *bytes; /* of the block, borrowed */
	uint32_t *good;
	uint32_t count;
	bool is_sorted;
};

/* Checks them. The merkle root was checked: work stands behind the bytes. */
void push_verify_begin(struct push_verify *v, const struct node_env *env, const struct block *b);
void push_verify_end(struct push_verify *v);
/* ctx: a struct push_verify between the two. */
ledger_verified push_verify_is_good;

#endif
