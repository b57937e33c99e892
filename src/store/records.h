/* The arena's records as commits and loads write them. Private to the store. */
#ifndef RENSA_STORE_RECORDS_H
#define RENSA_STORE_RECORDS_H

#include "chain/ledger.h"
#include "chain/u256.h"
#include "layout.h"
#include "store/chain.h"

/* The leaf of an account, made if there is none. 0: no room. */
uint64_t account_leaf_of(struct store *s, const struct address *who);
/* Room for so many versions in a row, not filled yet. 0: none. */
uint64_t record_versions(struct store *s, size_t count);
void record_version(struct store *s, uint64_t where, uint64_t account_leaf, uint64_t height,
		    const struct ledger_change *change);
/* The work of one block of this target. */
struct u256 record_worth(struct store *s, uint32_t target);
/*
 * The record of a block on its parent, but for supply, versions and flags. worth: see
 * record_worth. 0: no room.
 */
uint64_t record_block(struct store *s, struct blockref parent, const struct block *b, const struct u256 *worth);
/* The leaves by which a block and a transaction of it (where the iterator stands) are found, not linked yet. 0: no room. */
uint64_t record_block_leaf(struct store *s, struct blockref ref, const struct hash256 *hash);
uint64_t record_tx_leaf(struct store *s, struct blockref ref, const struct block *b, const struct block_iter *it,
			const struct tx *tx);

#endif
