/*
 * Values as users see them. Binary is canonical and JSON a view of it: what is written here can be read back to the
 * same bytes, and what is derived (ids, addresses, hashes) is shown but never trusted when it comes in.
 */
#include "wire/views.h"

#include <string.h>

#define REWARD_SENDER "THE BLOCKCHAIN"

void
view_tx(struct jout *j, const struct tx *tx, uint8_t address_version)
{
	struct hash256 id = tx_id(tx);
	char address[ADDRESS_TEXT_SIZE];
	bool is_reward = tx->version == TX_REWARD;

	jout_object(j);
	jout_khex(j, "id", id.b, sizeof(id.b));
	jout_ku64(j, "version", tx->version);
	jout_khex(j, "network", tx->network.b, sizeof(tx->network.b));
	jout_key(j, "sender_public_key");
	if (is_reward) {
		jout_null(j);
		jout_kstring(j, "sender_blockchain_address", REWARD_SENDER);
	} else {
		jout_hex(j, tx->sender_key.b, sizeof(tx->sender_key.b));
		struct address sender = tx_sender(tx);
		address_format(address, &sender, address_version);
		jout_kstring(j, "sender_blockchain_address", address);
	}
	address_format(address, &tx->recipient, address_version);
	jout_kstring(j, "recipient_blockchain_address", address);
	jout_ku64(j, "value", tx->value);
	jout_ku64(j, "fee", is_reward ? 0 : tx->fee);
	jout_ku64(j, "sequence", tx->sequence);
	jout_key(j, "memo");
	jout_string_len(j, tx->memo, is_reward ? 0 : tx->memo_len);
	jout_key(j, "signature");
	if (is_reward)
		jout_null(j);
	else
		jout_hex(j, tx->signature.b, sizeof(tx->signature.b));
	jout_object_end(j);
}

void
view_block(struct jout *j, const struct block *b, const struct params *p)
{
	const struct header *h = &b->header;
	const uint8_t target[4] = {(uint8_t)(h->target >> 24), (uint8_t)(h->target >> 16), (uint8_t)(h->target >> 8),
				   (uint8_t)h->target};

	jout_object(j);
	jout_ku64(j, "height", h->height);
	jout_khex(j, "hash", b->hash.b, sizeof(b->hash.b));
	jout_ku64(j, "version", h->version);
	jout_khex(j, "previous_hash", h->previous.b, sizeof(h->previous.b));
	jout_khex(j, "merkle_root", h->merkle_root.b, sizeof(h->merkle_root.b));
	jout_ku64(j, "timestamp", h->time_ms);
	jout_khex(j, "target", target, sizeof(target));
	jout_ku64(j, "nonce", h->nonce);
	jout_key(j, "transactions");
	jout_array(j);
	struct tx tx;
	enum rule rule;
	struct block_iter it = block_txs(b);
	while (block_next(&it, &tx, &rule)) {
		/* A block on the chain decodes; one shown from elsewhere may not, and its place must not vanish. */
		if (rule == RULE_OK)
			view_tx(j, &tx, p->address_version);
		else
			jout_null(j);
	}
	jout_array_end(j);
	if (h->height == 0) {
		jout_key(j, "parameters");
		view_params(j, p);
	}
	jout_object_end(j);
}

static const char *const retarget_names[] = {[RETARGET_FIXED] = "fixed", [RETARGET_PER_BLOCK] = "per-block"};

void
view_params(struct jout *j, const struct params *p)
{
	jout_object(j);
	jout_kstring(j, "name", p->name);
	jout_ku64(j, "genesis_time", p->genesis_time_ms);
	jout_ku64(j, "target_interval", p->target_interval_ms);
	jout_kstring(j, "retarget", retarget_names[p->retarget]);
	jout_ku64(j, "difficulty", p->difficulty);
	jout_ku64(j, "reward", p->reward);
	jout_ku64(j, "address_version", p->address_version);
	jout_ku64(j, "maturity", p->maturity);
	jout_ku64(j, "minimum_fee", p->min_fee);
	jout_ku64(j, "max_block_bytes", p->max_block_bytes);
	jout_object_end(j);
}

static void
memo_read(struct fields *f, struct tx *tx)
{
	size_t len;
	const char *memo = field_text(f, "memo", &len);
	if (len > MEMO_MAX) {
		fields_fail_rule(f, RULE_MEMO_TOO_LONG);
		return;
	}
	memcpy(tx->memo, memo, len);
	tx->memo_len = (uint16_t)len;
}

/* What the document claims about the transfer must be what its bytes say. */
static void
claims_check(struct fields *f, const struct tx *tx, const struct address *sender)
{
	if (f->failed)
		return;
	struct address derived = tx_sender(tx);
	if (!address_equal(sender, &derived)) {
		fields_fail(f, "address-mismatch", "sender_blockchain_address is not the address of sender_public_key");
		return;
	}
	if (!field_given(f, "id"))
		return;
	struct hash256 claimed, id = tx_id(tx);
	field_hex(f, "id", claimed.b, sizeof(claimed.b));
	if (f->failed || hash_equal(&claimed, &id))
		return;
	char hex[HASH_HEX_SIZE];
	hash_hex(hex, &id);
	fields_fail(f, "id-mismatch", "id is not the hash of this transaction, which is %s; it may be left out", hex);
}

bool
view_tx_parse(struct tx *out, const struct jval *v, uint8_t address_version, struct field_error *error)
{
	static const char *const names[] = {
	    "id",
	    "version",
	    "network",
	    "sender_public_key",
	    "sender_blockchain_address",
	    "recipient_blockchain_address",
	    "value",
	    "fee",
	    "sequence",
	    "memo",
	    "signature",
	};
	memset(out, 0, sizeof(*out));
	struct address sender;
	struct fields f = fields_of(v, "a transaction", error);
	fields_only(&f, names, ARRAY_LEN(names));
	out->version = (uint8_t)field_u64(&f, "version", UINT8_MAX, RULE_TX_VERSION);
	/* Rewards are made by blocks and never come alone; saying so beats a complaint about their null members. */
	if (out->version != TX_TRANSFER)
		fields_fail_rule(&f, RULE_TX_VERSION);
	field_hex(&f, "network", out->network.b, sizeof(out->network.b));
	field_hex(&f, "sender_public_key", out->sender_key.b, sizeof(out->sender_key.b));
	field_address(&f, "sender_blockchain_address", &sender, address_version);
	field_address(&f, "recipient_blockchain_address", &out->recipient, address_version);
	out->value = field_amount(&f, "value", MONEY_MAX, RULE_VALUE_TOO_LARGE);
	out->fee = field_amount(&f, "fee", MONEY_MAX, RULE_VALUE_TOO_LARGE);
	out->sequence = field_u64(&f, "sequence", NUMBER_MAX, RULE_SEQUENCE_TOO_LARGE);
	memo_read(&f, out);
	field_hex(&f, "signature", out->signature.b, sizeof(out->signature.b));
	claims_check(&f, out, &sender);
	return !f.failed;
}

static enum retarget
retarget_read(struct fields *f)
{
	size_t len;
	const char *text = field_text(f, "retarget", &len);
	for (size_t i = 0; i < ARRAY_LEN(retarget_names); i++)
		if (len == strlen(retarget_names[i]) && memcmp(text, retarget_names[i], len) == 0)
			return (enum retarget)i;
	fields_fail(f, "bad-value", "retarget must be \"per-block\" or \"fixed\"");
	return RETARGET_FIXED;
}

bool
view_params_parse(struct params *out, const struct jval *v, struct field_error *error)
{
	static const char *const names[] = {
	    "name",   "genesis_time",	 "target_interval", "retarget",	   "difficulty",
	    "reward", "address_version", "maturity",	    "minimum_fee", "max_block_bytes",
	};
	memset(out, 0, sizeof(*out));
	struct fields f = fields_of(v, "the parameters of a network", error);
	fields_only(&f, names, ARRAY_LEN(names));
	field_name(&f, "name", out->name, sizeof(out->name));
	out->genesis_time_ms = field_u64(&f, "genesis_time", NUMBER_MAX, RULE_OK);
	out->target_interval_ms = field_u64(&f, "target_interval", NUMBER_MAX, RULE_OK);
	out->retarget = retarget_read(&f);
	out->difficulty = (uint32_t)field_u64(&f, "difficulty", DIFFICULTY_LIMIT, RULE_OK);
	out->reward = field_amount(&f, "reward", MONEY_MAX, RULE_OK);
	out->address_version = (uint8_t)field_u64(&f, "address_version", UINT8_MAX, RULE_OK);
	out->maturity = (uint32_t)field_u64(&f, "maturity", MATURITY_LIMIT, RULE_OK);
	out->min_fee = field_amount(&f, "minimum_fee", MONEY_MAX, RULE_OK);
	out->max_block_bytes = (uint32_t)field_u64(&f, "max_block_bytes", BLOCK_BYTES_LIMIT, RULE_OK);
	const char *bad = NULL;
	if (!f.failed && params_check(out, &bad) != OK)
		fields_fail(&f, "bad-value", "the network parameter %s is out of its bounds", bad);
	return !f.failed;
}
