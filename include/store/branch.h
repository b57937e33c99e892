/*
 * A branch in the making: blocks judged one after another on top of a block that we have, staged as they pass, and made
 * our chain when they win. Used by the resolver for what peers send and by the miner for what it found.
 *
 * The chain may move meanwhile. An extension of our tip does no harm; when the fork point itself has left the chain,
 * branch_add and branch_commit say ERR_STALE and the branch has to be begun again.
 */
#ifndef RENSA_STORE_BRANCH_H
#define RENSA_STORE_BRANCH_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/ledger.h"
#include "store/chain.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

struct branch {
	struct store *store;
	struct chain_base base; /* accounts as of the fork */
	struct ledger *ledger;	/* NULL: not begun */
	struct blockref fork;	/* last block that the branch shares with our chain, as of its beginning */
	struct blockref at;	/* its last judged block */
	struct blockref kept;	/* up to here its records were there before, or are committed */
	/* Asked besides the pool whether a transfer's signature was checked; NULL: nobody else. */
	ledger_verified *is_verified;
	void *is_verified_ctx;
	uint64_t *tags;
	size_t tag_room;
};

void branch_init(struct branch *b, struct store *s);
/* On top of `from`, any judged record; records between the fork and it are applied again, without signatures. */
enum err branch_begin(struct branch *b, struct blockref from) MUSTCHECK;
void branch_end(struct branch *b); /* forgets; what was staged and not committed is counted as dead */
/*
 * Judges the body of the next block (its header was judged) and stages it. OK with v->rule RULE_OK; OK with another
 * rule: it broke that; an error: ERR_STALE, ERR_NOSPC, ERR_LIMIT, ERR_TIMEOUT. is_trusted: its signatures were checked
 * by this process.
 */
enum err branch_add(struct branch *b, const struct block *block, bool is_trusted, struct verdict *v) MUSTCHECK;
/*
 * Makes the branch our chain if it wins over the present tip. *old is the tip that it replaced; none if it did not win.
 * only_on: if not none, the tip must still be this one (ERR_STALE otherwise).
 */
enum err branch_commit(struct branch *b, struct blockref only_on, struct blockref *old) MUSTCHECK;

#endif
