/*
 * Transactions: canonical bytes, identity, signatures (docs/protocol.md, "Transactions").
 * Version 0 is a block's reward, version 1 a transfer.
 */
#ifndef RENSA_CHAIN_TX_H
#define RENSA_CHAIN_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/params.h"
#include "chain/rule.h"
#include "crypto/address.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "util/bytes.h"

#define TX_REWARD 0
#define TX_TRANSFER 1

/*
 * Transfer: version 1, network 32, sender key 33, recipient 20, value 8, fee 8, sequence 8, memo length 2, memo,
 * signature 64. Reward:   version 1, network 32, recipient 20, value 8, height 8.
 */
#define TX_TRANSFER_SIZE(memo_len) (176 + (size_t)(memo_len))
#define TX_REWARD_SIZE 69
#define TX_SIZE_MAX TX_TRANSFER_SIZE(MEMO_MAX)

struct tx {
	uint8_t version;
	struct hash256 network;	  /* hash of the genesis block */
	struct pubkey sender_key; /* transfer only */
	struct address recipient;
	uint64_t value;	   /* base units */
	uint64_t fee;	   /* base units; transfer only */
	uint64_t sequence; /* transfer: the sender's counter from 0; reward: the block's height */
	uint16_t memo_len; /* transfer only */
	uint8_t memo[MEMO_MAX];
	struct signature signature; /* transfer only */
};

size_t tx_size(const struct tx *tx);
void tx_encode(struct writer *w, const struct tx *tx);
/*
 * A transfer taken apart, for who keeps many of one network and wants their numbers at hand: what stands in tx_apart,
 * and the rest of its bytes. That is sender key, recipient, memo and signature, in this order.
 */
#define TX_REST_SIZE(memo_len) (117 + (size_t)(memo_len))
#define TX_REST_MAX TX_REST_SIZE(MEMO_MAX)
struct tx_apart {
	const struct hash256 *network;
	uint64_t value, fee, sequence;
	uint16_t memo_len;
};
void tx_encode_rest(struct writer *w, const struct tx *tx);
/* The transfer's canonical bytes; rest has TX_REST_SIZE(apart->memo_len). */
void tx_encode_joined(struct writer *w, const struct tx_apart *apart, const uint8_t *rest);
/*
 * Takes one transaction off the reader. RULE_OK, or RULE_TX_VERSION, RULE_MEMO_TOO_LONG, RULE_TX_MALFORMED (r->failed).
 * Only the form is checked: values may still break rules.
 */
enum rule tx_decode(struct tx *out, struct reader *r) MUSTCHECK;
/* Length of the transaction at the reader without decoding it, 0 if it cannot be one. The reader does not move. */
size_t tx_span(const struct reader *r);

/* Double SHA-256 of everything but the signature. It is also what the signature signs. */
struct hash256 tx_id(const struct tx *tx);
/* The Merkle leaf, hash of the whole with its signature: the key of any cache of verified signatures. */
struct hash256 tx_leaf(const void *bytes, size_t len);
struct address tx_sender(const struct tx *tx); /* transfer only */

enum err tx_sign(struct tx *tx, const struct seckey *key) MUSTCHECK; /* sets sender_key and signature */

/* What a transfer must hold by itself, without accounts and without its signature. */
enum rule tx_check_form(const struct tx *tx, const struct params *p, const struct hash256 *network) MUSTCHECK;
/* The expensive part: public key and signature. */
enum rule tx_check_signature(const struct tx *tx) MUSTCHECK;
/* The same for who has the id already. */
enum rule tx_check_signature_of(const struct tx *tx, const struct hash256 *id) MUSTCHECK;

#endif
