/*
 * The rulebook: every way in which a transaction or block can be wrong has one name, one place that checks it and one
 * test that breaks only it. Names are stable: they are the `code` of API errors and the word that logs use.
 */
#ifndef RENSA_CHAIN_RULE_H
#define RENSA_CHAIN_RULE_H

#include <stdint.h>

/* X(enumerator, name, sentence) */
#define RULES(X)                                                                                                  \
	X(RULE_OK, "ok", "every rule holds")                                                                      \
	/* a transfer by itself */                                                                                \
	X(RULE_TX_MALFORMED, "tx-malformed", "the transaction's bytes do not follow the format")                  \
	X(RULE_TX_VERSION, "tx-version", "the transaction's version is unknown; transfers have version 1")        \
	X(RULE_WRONG_NETWORK, "wrong-network", "the transaction was signed for another network")                  \
	X(RULE_ZERO_VALUE, "zero-value", "a transfer must move at least one base unit")                           \
	X(RULE_VALUE_TOO_LARGE, "value-too-large", "value and fee must each be below 2^53")                       \
	X(RULE_BELOW_MINIMUM_FEE, "below-minimum-fee", "the fee is below the network's minimum")                  \
	X(RULE_SEQUENCE_TOO_LARGE, "sequence-too-large", "the sequence must be below 2^53")                       \
	X(RULE_MEMO_TOO_LONG, "memo-too-long", "a memo has at most 256 bytes")                                    \
	X(RULE_MEMO_NOT_UTF8, "memo-not-utf8", "a memo must be well-formed UTF-8")                                \
	X(RULE_BAD_PUBLIC_KEY, "bad-public-key", "the sender's public key is not a compressed secp256k1 point")   \
	X(RULE_BAD_SIGNATURE, "bad-signature", "the signature does not match the transaction and its public key") \
	X(RULE_HIGH_S, "high-s-signature", "the signature's s is in the upper half of the group order")           \
	/* a transfer against accounts */                                                                         \
	X(RULE_SEQUENCE_USED, "sequence-used", "the sender has used this sequence already")                       \
	X(RULE_SEQUENCE_GAP, "sequence-gap", "the sender has not used the sequences before this one")             \
	X(RULE_INSUFFICIENT_FUNDS, "insufficient-funds", "the sender cannot pay value plus fee")                  \
	/* a transfer against the pool */                                                                         \
	X(RULE_SEQUENCE_TAKEN, "sequence-taken", "another pending transfer of the sender has this sequence")      \
	X(RULE_SEQUENCE_TOO_FAR, "sequence-too-far", "the sequence is more than 64 ahead of the next one")        \
	X(RULE_POOL_FULL, "pool-full", "the pool of pending transactions is full")                                \
	/* a header */                                                                                            \
	X(RULE_BLOCK_MALFORMED, "block-malformed", "the block's bytes do not follow the format")                  \
	X(RULE_BLOCK_VERSION, "block-version", "the block's version is unknown; blocks have version 1")           \
	X(RULE_UNKNOWN_PARENT, "unknown-parent", "the block before this one is not known")                        \
	X(RULE_WRONG_HEIGHT, "wrong-height", "the height is not the parent's plus one")                           \
	X(RULE_WRONG_TARGET, "wrong-target", "the target is not the one that the retarget rule gives")            \
	X(RULE_NONCE_TOO_LARGE, "nonce-too-large", "the nonce must be below 2^53")                                \
	X(RULE_INSUFFICIENT_WORK, "insufficient-work", "the block's hash is above its target")                    \
	X(RULE_TIME_TOO_OLD, "time-too-old", "the time is not later than the median of the last 11 blocks")       \
	X(RULE_TIME_TOO_NEW, "time-too-new", "the time is more than 120 s ahead of the clock")                    \
	/* a block */                                                                                             \
	X(RULE_BLOCK_TOO_LARGE, "block-too-large", "the block has more bytes than the network allows")            \
	X(RULE_WRONG_MERKLE_ROOT, "wrong-merkle-root", "the merkle root does not match the transactions")         \
	X(RULE_REWARD_MISSING, "reward-missing", "a block's first transaction must be its reward")                \
	X(RULE_REWARD_REPEATED, "reward-repeated", "only a block's first transaction may be a reward")            \
	X(RULE_REWARD_HEIGHT, "reward-height", "the reward does not carry the block's height")                    \
	X(RULE_REWARD_AMOUNT, "reward-amount", "the reward is not the block's subsidy plus its fees")             \
	/* a branch */                                                                                            \
	X(RULE_REORG_TOO_DEEP, "reorg-too-deep", "the branch forks off deeper than max_reorg_depth allows")       \
	X(RULE_KNOWN_BAD, "known-bad", "the block, or one before it, broke a rule earlier")

enum rule {
#define RULE_ENUM(id, name, text) id,
	RULES(RULE_ENUM)
#undef RULE_ENUM
	    RULE_COUNT
};

#define VERDICT_NO_TX UINT32_MAX

/* A judgement about somebody's data: the rule that broke and where. RULE_OK: none did. */
struct verdict {
	enum rule rule;
	uint32_t tx; /* position in the block, VERDICT_NO_TX if the rule is about the block itself */
};

const char *rule_name(enum rule r);
const char *rule_text(enum rule r);
struct verdict verdict_ok(void);
struct verdict verdict_of(enum rule r); /* about the whole */
struct verdict verdict_at(enum rule r, uint32_t tx);

#endif
