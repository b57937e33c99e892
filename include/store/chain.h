/*
 * Reading the chain. A block is an immutable record named by a blockref; the whole chain is one number, the tip. Load
 * it once with chain_tip and everything reached from it stays complete and consistent for as long as you like, without
 * a lock, whatever is swapped meanwhile. Pointers into records are good until the store is closed.
 *
 * Accounts are different: their heads follow the current tip, so chain_account says ERR_STALE when the block asked
 * about has left the chain; start again from a new tip then.
 */
#ifndef RENSA_STORE_CHAIN_H
#define RENSA_STORE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/fork_choice.h"
#include "chain/header_chain.h"
#include "chain/ledger.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

struct blockref {
	uint64_t v; /* offset of the record; 0: none */
};

static inline bool
blockref_equal(struct blockref a, struct blockref b)
{
	return a.v == b.v;
}

struct blockref chain_tip(const struct store *s);
struct blockref chain_genesis(const struct store *s);
/* The block at ref, its bytes borrowed from the segment. */
void chain_block(const struct store *s, struct blockref ref, struct block *out);
uint64_t chain_height(const struct store *s, struct blockref ref);
const struct hash256 *chain_hash(const struct store *s, struct blockref ref);
struct blockref chain_parent(const struct store *s, struct blockref ref); /* of genesis: none */
uint64_t chain_supply(const struct store *s, struct blockref ref);	  /* base units minted up to and with it */
void chain_head(const struct store *s, struct blockref ref, struct head *out);
/* What the child of ref is judged against. */
void chain_header_state(const struct store *s, struct blockref ref, struct header_state *out);

/* The block at a height on the chain that ends in tip; none above the tip. O(log height). */
struct blockref chain_at(const struct store *s, struct blockref tip, uint64_t height);
bool chain_contains(const struct store *s, struct blockref tip, struct blockref ref);
/* The last block that both chains have. */
struct blockref chain_fork(const struct store *s, struct blockref a, struct blockref b);
/*
 * refs[i] = block at from + i on tip's chain, for as many as exist up to max; returns how many. Costs one step a block:
 * the way to stream.
 */
size_t chain_window(const struct store *s, struct blockref tip, uint64_t from, struct blockref *refs, size_t max);
/* By hash: on tip's chain; or (find_any) any record, also one that lost. None if unknown. */
struct blockref chain_find(const struct store *s, struct blockref tip, const struct hash256 *hash);
struct blockref chain_find_any(const struct store *s, const struct hash256 *hash);

struct tx_place {
	struct blockref block;
	uint32_t index;	      /* in the block */
	const uint8_t *bytes; /* borrowed */
	size_t size;
};
/* A transaction by id on tip's chain. */
bool chain_find_tx(const struct store *s, struct blockref tip, const struct hash256 *id,
		   struct tx_place *out) MUSTCHECK;

/*
 * An account as of block `at`, which must be on the current chain (ERR_STALE otherwise; ERR_BUSY if a writer died
 * half-way and nobody has repaired yet). tag names the state for stage_block; it may be NULL. An address never seen is
 * all zero.
 */
enum err chain_account(const struct store *s, struct blockref at, const struct address *who, struct account *out,
		       uint64_t *tag) MUSTCHECK;

/* A ledger base as of `at`. failed is set (and zeros were given) when a look-up was not OK: judge nothing by it then.
 */
struct chain_base {
	const struct store *store;
	struct blockref at;
	enum err failed;
};
struct ledger_base chain_base_of(struct chain_base *b);
/* The reward that becomes spendable with the child of `parent`; false if none does (maturity 0, or too early). */
bool chain_matured(const struct store *s, struct blockref parent, struct payout *out);

#endif
