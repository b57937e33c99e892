/* The arena's records as commits and loads write them. Private to the store; see layout.h for how they lie. */
#ifndef RENSA_STORE_RECORDS_H
#define RENSA_STORE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/ledger.h"
#include "chain/u256.h"
#include "layout.h"
#include "store/chain.h"
#include "util/attr.h"
#include "util/err.h"

/* Bytes that a block with so many changes of accounts takes at most, but for the nodes of its own leaves. */
uint64_t record_cost(const struct block *b, size_t changes);
/* Bytes of what lies together with this record, and is lost with it. */
uint64_t record_bytes(const struct block_rec *r);
/*
 * Writes a judged block and all that belongs to it, leaves of new accounts included, and moves the arena's end past it.
 * Nobody is told. ERR_NOSPC; ERR_FORMAT if it is no block.
 */
enum err record_block(struct store *s, struct blockref *out, struct blockref parent, const struct block *b,
		      uint64_t supply, const struct ledger_change *changes, size_t count) MUSTCHECK;

struct u256 record_work(const struct block_rec *r);
/* The newest version of an account becomes v, or what was before it. */
void record_set_head(const struct store *s, const struct version_rec *v, uint64_t version);

#endif
