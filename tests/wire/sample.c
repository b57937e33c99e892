#include "sample.h"

#include <string.h>

#include "suite.h"

struct params
sample_params(void)
{
	struct params p;
	params_default(&p);
	return p;
}

static struct seckey
secret(uint8_t number)
{
	struct seckey key = {{0}};
	key.b[31] = number;
	return key;
}

static struct hash256
sample_network(void)
{
	struct params p = sample_params();
	return genesis_hash(&p);
}

struct tx
sample_transfer(void)
{
	static const char memo[] = "two \"teas\" \xe2\x98\x83";
	struct seckey from = secret(1), to = secret(2);
	struct pubkey to_key;
	ck_assert_int_eq(key_public(&to_key, &to), OK);
	struct tx tx = {
	    .version = TX_TRANSFER,
	    .network = sample_network(),
	    .recipient = address_of(&to_key),
	    .value = 7,
	    .fee = 3,
	    .sequence = 5,
	    .memo_len = sizeof(memo), /* with its NUL */
	};
	memcpy(tx.memo, memo, sizeof(memo));
	ck_assert_int_eq(tx_sign(&tx, &from), OK);
	return tx;
}

struct tx
sample_reward(void)
{
	struct tx transfer = sample_transfer();
	return (struct tx){
	    .version = TX_REWARD,
	    .network = transfer.network,
	    .recipient = transfer.recipient,
	    .value = COIN + transfer.fee,
	    .sequence = 9,
	};
}

static void
tx_append(struct buf *out, const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	tx_encode(&w, tx);
	ck_assert(!w.failed);
	buf_append(out, bytes, writer_len(&w));
}

void
sample_block(struct buf *out, struct block *b)
{
	struct header h = {
	    .version = BLOCK_VERSION,
	    .previous = sample_network(),
	    .time_ms = 1767225620000,
	    .target = 0x1f0fffff,
	    .height = 9,
	    .nonce = 9007199254740991,
	};
	h.merkle_root.b[0] = 0xab;
	struct tx reward = sample_reward(), transfer = sample_transfer();
	block_begin(out, &h, 2);
	tx_append(out, &reward);
	tx_append(out, &transfer);
	ck_assert_int_eq(block_parse(b, out->data, out->len), RULE_OK);
}
