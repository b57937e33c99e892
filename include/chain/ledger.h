/*
 * The ledger: balances and sequences, and what a block does to them. Pure: it reads the accounts of some block through
 * a callback and keeps every change in an overlay of its own, block by block, so that a branch of any length is judged
 * without touching the chain it may replace.
 *
 * Order inside a block: transfers in listed order, each fully applied before the next; then the matured reward (the
 * block's own if maturity is 0, else that of the block `maturity` below) is credited, last.
 */
#ifndef RENSA_CHAIN_LEDGER_H
#define RENSA_CHAIN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/params.h"
#include "chain/rule.h"
#include "crypto/address.h"

struct account {
	uint64_t balance;  /* base units, spendable */
	uint64_t sequence; /* of the sender's next transfer */
};

/* Where the overlay starts from. tag is the base's own mark of the state it gave (the store: a version's offset), 0 if
 * none. */
struct ledger_base {
	void (*get)(void *ctx, const struct address *who, struct account *out, uint64_t *tag);
	void *ctx;
};

/* One account that the block in hand has touched. */
struct ledger_change {
	struct address who;
	struct account after;
	uint64_t tag_before; /* the tag of the state it had before this block */
};

/* A reward that becomes spendable with a block. */
struct payout {
	struct address to;
	uint64_t value;
};

struct ledger;

struct ledger *ledger_new(const struct params *p, const struct hash256 *network, const struct ledger_base *base);
void ledger_free(struct ledger *l);

/* The account as the overlay sees it, changes of the block in hand included. */
void ledger_get(struct ledger *l, const struct address *who, struct account *out);

/*
 * One transfer against accounts: RULE_SEQUENCE_USED, RULE_SEQUENCE_GAP or RULE_INSUFFICIENT_FUNDS, in this order, else
 * it becomes part of the block in hand. Form and signature are the caller's business. Used alone to fill a template.
 */
enum rule ledger_apply_transfer(struct ledger *l, const struct tx *tx) MUSTCHECK;

/* The subsidy of the block after supply base units exist: min(reward, MONEY_MAX - supply). */
uint64_t ledger_subsidy(const struct params *p, uint64_t supply);

/*
 * Judges the body of a parsed block and applies it as the block in hand. supply_before: minted up to the parent.
 * matured: the reward of the block `maturity` below, NULL if maturity is 0 or the chain is shorter. Checks, in order:
 * size, merkle root, reward's place, form of each transfer, its signature (through is_verified, if given, which may
 * know it already; NULL: check all), accounts, the reward's height and amount. On failure nothing of the block stays.
 * *minted is the block's subsidy.
 */
typedef bool ledger_verified(void *ctx, const uint8_t *bytes, size_t len);
struct verdict ledger_apply_block(struct ledger *l, const struct block *b, uint64_t supply_before,
				  const struct payout *matured, ledger_verified *is_verified, void *ctx,
				  uint64_t *minted) MUSTCHECK;

/*
 * The same for a block that was judged before, byte for byte: its size, merkle root, forms and signatures are not looked
 * at again, accounts and the reward are.
 */
struct verdict ledger_replay_block(struct ledger *l, const struct block *b, uint64_t supply_before,
				   const struct payout *matured, uint64_t *minted) MUSTCHECK;

/* The accounts touched by the block in hand, each once, in the order first touched. Borrowed until the next call that
 * changes. */
const struct ledger_change *ledger_changes(const struct ledger *l, size_t *count);
/* The block in hand is kept: change i is now known to the base as tags[i] (tags NULL: all 0). The next block starts. */
void ledger_keep(struct ledger *l, const uint64_t *tags);
/* The block in hand never was. */
void ledger_drop(struct ledger *l);

#endif
