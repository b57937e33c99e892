/*
 * A chain judged from its genesis block on, one block after another, with nothing but the blocks: headers, merkle roots,
 * signatures, balances. The clock is not looked at.
 */
#ifndef RENSA_CHAIN_REPLAY_H
#define RENSA_CHAIN_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/fork_choice.h"
#include "chain/header_chain.h"
#include "chain/params.h"
#include "chain/rule.h"
#include "util/attr.h"

struct replay;

struct replay *replay_new(const struct params *p);
void replay_free(struct replay *r);
/*
 * Judges a parsed block as the next one. On RULE_OK the chain ends in it, else it is as before. are_known: the very same
 * bytes were judged before, so that signatures need no second look; everything else gets one.
 */
struct verdict replay_add(struct replay *r, const struct block *b, bool are_known) MUSTCHECK;
/* The last block. Borrowed until the next replay_add. */
const struct header_state *replay_head(const struct replay *r);
struct head replay_tip(const struct replay *r);
uint64_t replay_supply(const struct replay *r);

/*
 * What can be said of a block alone, wherever it stands: its merkle root, the form and the signatures of its
 * transactions.
 */
struct verdict block_check_alone(const struct block *b, const struct params *p,
				 const struct hash256 *network) MUSTCHECK;

#endif
