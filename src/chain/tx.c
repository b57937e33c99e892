/*
 * Canonical transactions, all integers big-endian. A value has exactly one encoding and an encoding exactly one value:
 * identity, signature and Merkle leaf are hashes of these bytes.
 *
 *   transfer: version 1 (= 1), network 32, sender key 33, recipient 20, value 8, fee 8, sequence 8,
 *             memo length 2, memo, signature 64
 *   reward:   version 1 (= 0), network 32, recipient 20, value 8, height 8
 *
 * The signature is last so that the id covers a prefix.
 */
#include "chain/tx.h"

#include "chain/merkle.h"
#include "util/text.h"

#define MEMO_LEN_OFFSET 110 /* version, network, sender key, recipient, value, fee, sequence */
#define PEOPLE_SIZE (sizeof(struct pubkey) + sizeof(struct address)) /* what of the rest stands before the numbers */

size_t
tx_size(const struct tx *tx)
{
	return tx->version == TX_REWARD ? TX_REWARD_SIZE : TX_TRANSFER_SIZE(tx->memo_len);
}

/* Everything but the signature. */
static void
tx_encode_signed_part(struct writer *w, const struct tx *tx)
{
	put_u8(w, tx->version);
	put_bytes(w, tx->network.b, sizeof(tx->network.b));
	if (tx->version != TX_REWARD)
		put_bytes(w, tx->sender_key.b, sizeof(tx->sender_key.b));
	put_bytes(w, tx->recipient.b, sizeof(tx->recipient.b));
	put_u64(w, tx->value);
	if (tx->version != TX_REWARD)
		put_u64(w, tx->fee);
	put_u64(w, tx->sequence);
	if (tx->version != TX_REWARD) {
		put_u16(w, tx->memo_len);
		put_bytes(w, tx->memo, tx->memo_len);
	}
}

void
tx_encode(struct writer *w, const struct tx *tx)
{
	tx_encode_signed_part(w, tx);
	if (tx->version != TX_REWARD)
		put_bytes(w, tx->signature.b, sizeof(tx->signature.b));
}

void
tx_encode_rest(struct writer *w, const struct tx *tx)
{
	put_bytes(w, tx->sender_key.b, sizeof(tx->sender_key.b));
	put_bytes(w, tx->recipient.b, sizeof(tx->recipient.b));
	put_bytes(w, tx->memo, tx->memo_len);
	put_bytes(w, tx->signature.b, sizeof(tx->signature.b));
}

void
tx_encode_joined(struct writer *w, const struct tx_apart *apart, const uint8_t *rest)
{
	put_u8(w, TX_TRANSFER);
	put_bytes(w, apart->network->b, sizeof(apart->network->b));
	put_bytes(w, rest, PEOPLE_SIZE);
	put_u64(w, apart->value);
	put_u64(w, apart->fee);
	put_u64(w, apart->sequence);
	put_u16(w, apart->memo_len);
	put_bytes(w, rest + PEOPLE_SIZE, TX_REST_SIZE(apart->memo_len) - PEOPLE_SIZE);
}

enum rule
tx_decode(struct tx *out, struct reader *r)
{
	*out = (struct tx){.version = get_u8(r)};
	if (out->version > TX_TRANSFER)
		return RULE_TX_VERSION;
	get_bytes(r, out->network.b, sizeof(out->network.b));
	if (out->version == TX_REWARD) {
		get_bytes(r, out->recipient.b, sizeof(out->recipient.b));
		out->value = get_u64(r);
		out->sequence = get_u64(r);
		return r->failed ? RULE_TX_MALFORMED : RULE_OK;
	}
	get_bytes(r, out->sender_key.b, sizeof(out->sender_key.b));
	get_bytes(r, out->recipient.b, sizeof(out->recipient.b));
	out->value = get_u64(r);
	out->fee = get_u64(r);
	out->sequence = get_u64(r);
	uint16_t memo_len = get_u16(r);
	if (memo_len <= MEMO_MAX) {
		out->memo_len = memo_len;
		get_bytes(r, out->memo, memo_len);
	} else {
		(void)get_span(r, memo_len);
	}
	get_bytes(r, out->signature.b, sizeof(out->signature.b));
	if (r->failed)
		return RULE_TX_MALFORMED;
	return memo_len > MEMO_MAX ? RULE_MEMO_TOO_LONG : RULE_OK;
}

size_t
tx_span(const struct reader *r)
{
	struct reader ahead = *r;
	uint8_t version = get_u8(&ahead);
	size_t span = 0;
	if (version == TX_REWARD) {
		span = TX_REWARD_SIZE;
	} else if (version == TX_TRANSFER) {
		(void)get_span(&ahead, MEMO_LEN_OFFSET - 1);
		span = TX_TRANSFER_SIZE(get_u16(&ahead));
	}
	return !ahead.failed && span <= reader_left(r) ? span : 0;
}

struct hash256
tx_id(const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	tx_encode_signed_part(&w, tx);
	return sha256d(bytes, writer_len(&w));
}

struct hash256
tx_leaf(const void *bytes, size_t len)
{
	return merkle_leaf(bytes, len);
}

struct address
tx_sender(const struct tx *tx)
{
	return address_of(&tx->sender_key);
}

enum err
tx_sign(struct tx *tx, const struct seckey *key)
{
	enum err err = key_public(&tx->sender_key, key);
	if (err != OK)
		return err;
	struct hash256 id = tx_id(tx);
	return key_sign(&tx->signature, &id, key);
}

enum rule
tx_check_form(const struct tx *tx, const struct params *p, const struct hash256 *network)
{
	if (tx->version != TX_TRANSFER)
		return RULE_TX_VERSION;
	if (!hash_equal(&tx->network, network))
		return RULE_WRONG_NETWORK;
	if (tx->value == 0)
		return RULE_ZERO_VALUE;
	if (tx->value > MONEY_MAX || tx->fee > MONEY_MAX)
		return RULE_VALUE_TOO_LARGE;
	if (tx->fee < p->min_fee)
		return RULE_BELOW_MINIMUM_FEE;
	if (tx->sequence > NUMBER_MAX)
		return RULE_SEQUENCE_TOO_LARGE;
	if (tx->memo_len > MEMO_MAX)
		return RULE_MEMO_TOO_LONG;
	if (!text_is_utf8(tx->memo, tx->memo_len))
		return RULE_MEMO_NOT_UTF8;
	return RULE_OK;
}

enum rule
tx_check_signature(const struct tx *tx)
{
	struct hash256 id = tx_id(tx);
	return tx_check_signature_of(tx, &id);
}

enum rule
tx_check_signature_of(const struct tx *tx, const struct hash256 *id)
{
	switch (key_verify(&tx->signature, id, &tx->sender_key)) {
	case SIGNATURE_GOOD:
		return RULE_OK;
	case SIGNATURE_HIGH_S:
		return RULE_HIGH_S;
	case SIGNATURE_BAD_KEY:
		return RULE_BAD_PUBLIC_KEY;
	case SIGNATURE_BAD:
		break;
	}
	return RULE_BAD_SIGNATURE;
}
