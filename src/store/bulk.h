/*
 * Building a long chain that nobody sees yet: what a start does. Private to the store; see bulk.c.
 */
#ifndef RENSA_STORE_BULK_H
#define RENSA_STORE_BULK_H

#include "chain/block.h"
#include "chain/rule.h"
#include "disk/journal.h"
#include "store/chain.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

struct bulk;

/* Bytes of the arena that these blocks will take, if they hold nothing but rewards to few people. */
uint64_t bulk_least_size(const struct journal *j, const uint32_t *order, uint32_t count);

/* The segment holds the genesis block alone, and nobody else writes it until bulk_end. */
struct bulk *bulk_begin(struct store *s);
void bulk_free(struct bulk *b);
/*
 * The next block, whose bytes were judged when they first came: only accounts and reward are looked at again. What
 * branch_add says of its results holds here.
 */
enum err bulk_add(struct bulk *b, const struct block *block, struct verdict *v) MUSTCHECK;
/* The chain ends in the last block added, with everything indexed. */
enum err bulk_end(struct bulk *b) MUSTCHECK;

#endif
