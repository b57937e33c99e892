/*
 * What the chain's tests stand on: a few people with fixed keys, a base of accounts as plain array, blocks that can be
 * changed field by field before they are encoded, and one function that judges bytes as a node would.
 */
#ifndef RENSA_TESTS_CHAIN_FIXTURE_H
#define RENSA_TESTS_CHAIN_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/header_chain.h"
#include "chain/ledger.h"
#include "chain/params.h"
#include "chain/tx.h"
#include "crypto/address.h"
#include "crypto/key.h"
#include "util/buf.h"

#define PEOPLE 16
#define INTERVAL UINT64_C(20000)

/* The fixed keys of person who (0 to PEOPLE - 1). */
struct seckey person_secret(unsigned who);
struct pubkey person_key(unsigned who);
struct address person_address(unsigned who);

/* Random numbers that are the same in each run (SplitMix64). */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t bound);

/* A chain as its last block leaves it. */
struct world {
	struct params params;
	struct hash256 network;
	struct header_state head;
	struct account accounts[PEOPLE]; /* the base of the ledger */
	uint64_t tags[PEOPLE];
	unsigned asked; /* how often the base was asked */
	struct ledger *ledger;
	uint64_t supply;
};

/* After genesis, with default parameters but for the difficulty. All accounts are empty. */
void world_init(struct world *w, uint32_t difficulty);
/* Takes changed parameters or accounts into use, as if nothing had happened yet. */
void world_restart(struct world *w);
void world_clear(struct world *w);
struct account world_account(struct world *w, unsigned who);
uint64_t world_balance(struct world *w, unsigned who);

/* A signed transfer. */
struct tx transfer(const struct world *w, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence);
void tx_resign(struct tx *tx, unsigned from);
struct tx reward(const struct world *w, unsigned to, uint64_t value, uint64_t height);

#define DRAFT_TXS 8

/* A block about to be. */
struct draft {
	struct header header;
	struct tx txs[DRAFT_TXS];
	uint32_t count;
	uint8_t raw[512]; /* if raw_len is not 0: one more transaction's bytes, behind the others */
	size_t raw_len;
	bool keep_root; /* do not set the merkle root */
	bool unsolved;	/* set no nonce */
};

/* The next valid block of w: a reward for person 0 that fits the transfers added, an interval after the last. */
void draft_init(struct draft *d, const struct world *w);
void draft_add(struct draft *d, const struct tx *tx);
/* Encodes it with its root and, after that, its lowest nonce that meets its target. */
void draft_encode(struct draft *d, struct buf *out);

/* Parse, header, clock (the head's time plus an interval) and body, as the block after w's head. Stays in hand if fine.
 */
struct verdict world_judge(struct world *w, const void *bytes, size_t len);
/* The same, and it becomes the head: fails the test if a rule is broken. */
void world_extend(struct world *w, const void *bytes, size_t len);
void world_extend_draft(struct world *w, struct draft *d);

#endif
