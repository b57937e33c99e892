/*
 * The rulebook, row by row. A block that breaks nothing is spoilt in one way, signed and solved again, and judged as a
 * node judges what a peer sends. Each rule that the chain layer can find broken has a row; the last test sees to that.
 */
#include <string.h>

#include "../suite.h"
#include "chain/pow.h"
#include "fixture.h"
#include "suites.h"

#define FIRST_SEQUENCE 5

enum {
	MINER,
	SENDER, /* 1,000 coins, sequence 5 */
	RECEIVER,
	MIDAS,	 /* more than there can be */
	VETERAN, /* has used every sequence below 2^53 */
};

static struct world w;

static void
setup(void)
{
	world_init(&w, 4);
	w.params.min_fee = 10;
	w.params.max_block_bytes = BLOCK_BYTES_MIN;
	w.accounts[SENDER] = (struct account){1000 * COIN, FIRST_SEQUENCE};
	w.accounts[MIDAS] = (struct account){UINT64_C(1) << 62, 0};
	w.accounts[VETERAN] = (struct account){1000 * COIN, NUMBER_MAX + 1};
	world_restart(&w);
	w.supply = 2000 * COIN;
}

static void
teardown(void)
{
	world_clear(&w);
}

/* What is right: a reward and two transfers, here at index 1 and 2. */
static void
draft_valid(struct draft *d)
{
	draft_init(d, &w);
	struct tx first = transfer(&w, SENDER, RECEIVER, 500, 10, FIRST_SEQUENCE);
	struct tx second = transfer(&w, SENDER, RECEIVER, 500, 20, FIRST_SEQUENCE + 1);
	draft_add(d, &first);
	draft_add(d, &second);
}

/* Replaces the first transfer and keeps the reward right. */
static void
replace(struct draft *d, unsigned from, uint64_t value, uint64_t fee, uint64_t sequence)
{
	d->txs[0].value += fee - d->txs[1].fee;
	d->txs[1] = transfer(&w, from, RECEIVER, value, fee, sequence);
	d->txs[2] = transfer(&w, SENDER, RECEIVER, 500, 20, from == SENDER ? FIRST_SEQUENCE + 1 : FIRST_SEQUENCE);
}

static void
spoil_nothing(struct draft *d)
{
	(void)d;
}

static void
spoil_time_huge(struct draft *d)
{
	d->header.time_ms = NUMBER_MAX + 1;
}

static void
spoil_block_version_0(struct draft *d)
{
	d->header.version = 0;
}

static void
spoil_block_version_2(struct draft *d)
{
	d->header.version = 2;
}

static void
spoil_parent(struct draft *d)
{
	d->header.previous.b[31] ^= 1;
}

static void
spoil_height(struct draft *d)
{
	d->header.height++;
	d->txs[0].sequence++;
}

static void
spoil_time_old(struct draft *d)
{
	d->header.time_ms = w.params.genesis_time_ms;
}

static void
spoil_time_new(struct draft *d)
{
	d->header.time_ms += TIME_AHEAD_MS + 1;
}

static void
spoil_target_easier(struct draft *d)
{
	d->header.target = 0x20ffffff;
}

static void
spoil_target_harder(struct draft *d)
{
	d->header.target--;
}

static void
spoil_target_form(struct draft *d)
{
	d->header.target = 0x21000fff; /* the right value, not in its one form */
	d->unsolved = true;
}

/* A nonce that is just too large, with its work. */
static void
spoil_nonce(struct buf *bytes)
{
	struct header h;
	header_decode(&h, (const uint8_t *)bytes->data);
	h.nonce = NUMBER_MAX;
	struct hash256 hash;
	do {
		h.nonce++;
		hash = header_hash(&h);
	} while (!target_is_met(h.target, &hash));
	header_encode((uint8_t *)bytes->data, &h);
}

static void
spoil_work(struct buf *bytes)
{
	struct header h;
	header_decode(&h, (const uint8_t *)bytes->data);
	struct hash256 hash;
	do {
		h.nonce++;
		hash = header_hash(&h);
	} while (target_is_met(h.target, &hash));
	header_encode((uint8_t *)bytes->data, &h);
}

static void
spoil_length(struct buf *bytes)
{
	bytes->len--;
}

static void
spoil_count(struct buf *bytes)
{
	bytes->data[HEADER_SIZE + 3]++;
}

/* Three transfers with long memos, each as right as the others. */
static void
spoil_size(struct draft *d)
{
	for (uint64_t i = 2; i < 5; i++) {
		struct tx tx = transfer(&w, SENDER, RECEIVER, 500, 10, FIRST_SEQUENCE + i);
		memset(tx.memo, 'm', MEMO_MAX);
		tx.memo_len = MEMO_MAX;
		tx_resign(&tx, SENDER);
		draft_add(d, &tx);
	}
}

static void
spoil_root(struct draft *d)
{
	d->keep_root = true;
}

static void
spoil_empty(struct draft *d)
{
	d->count = 0;
}

static void
spoil_reward_late(struct draft *d)
{
	struct tx first = d->txs[0];
	d->txs[0] = d->txs[1];
	d->txs[1] = first;
}

static void
spoil_reward_twice(struct draft *d)
{
	d->txs[d->count++] = d->txs[0];
}

static void
spoil_reward_height(struct draft *d)
{
	d->txs[0].sequence++;
}

static void
spoil_reward_more(struct draft *d)
{
	d->txs[0].value++;
}

static void
spoil_reward_less(struct draft *d)
{
	d->txs[0].value--;
}

static void
spoil_reward_huge(struct draft *d)
{
	d->txs[0].value = UINT64_MAX;
}

static void
spoil_reward_network(struct draft *d)
{
	d->txs[0].network.b[0] ^= 1;
}

static void
spoil_network(struct draft *d)
{
	d->txs[1].network.b[0] ^= 1;
	tx_resign(&d->txs[1], SENDER);
}

static void
spoil_value_zero(struct draft *d)
{
	replace(d, SENDER, 0, 10, FIRST_SEQUENCE);
}

static void
spoil_value_large(struct draft *d)
{
	replace(d, MIDAS, MONEY_MAX + 1, 10, 0);
}

static void
spoil_fee_large(struct draft *d)
{
	replace(d, MIDAS, 500, MONEY_MAX + 1, 0);
}

static void
spoil_fee_low(struct draft *d)
{
	replace(d, SENDER, 500, 9, FIRST_SEQUENCE);
}

static void
spoil_sequence_large(struct draft *d)
{
	replace(d, VETERAN, 500, 10, NUMBER_MAX + 1);
}

static void
spoil_memo_text(struct draft *d)
{
	memcpy(d->txs[1].memo, "caf\xe9", 4);
	d->txs[1].memo_len = 4;
	tx_resign(&d->txs[1], SENDER);
}

/* A third transfer, right but for a memo of 257 bytes, which no struct tx can hold. */
static void
spoil_memo_length(struct draft *d)
{
	struct tx tx = transfer(&w, SENDER, RECEIVER, 500, 10, FIRST_SEQUENCE + 2);
	struct writer wr = writer_of(d->raw, sizeof(d->raw));
	tx_encode(&wr, &tx);
	wr = writer_of(d->raw + 110, sizeof(d->raw) - 110);
	put_u16(&wr, MEMO_MAX + 1);
	memset(wr.at, 'm', MEMO_MAX + 1);
	size_t signed_len = 112 + MEMO_MAX + 1;
	struct hash256 id = sha256d(d->raw, signed_len);
	struct seckey secret = person_secret(SENDER);
	struct signature signature;
	ck_assert_int_eq(key_sign(&signature, &id, &secret), OK);
	memcpy(d->raw + signed_len, signature.b, sizeof(signature.b));
	d->raw_len = signed_len + sizeof(signature.b);
	d->txs[0].value += 10;
}

static void
spoil_key(struct draft *d)
{
	d->txs[1].sender_key.b[0] = 5;
}

static void
spoil_key_off_curve(struct draft *d)
{
	memset(d->txs[1].sender_key.b + 1, 0xff, 32);
}

static void
spoil_signature(struct draft *d)
{
	d->txs[1].signature.b[5] ^= 1;
}

static void
spoil_signed_value(struct draft *d)
{
	d->txs[1].value++;
}

/* s -> n - s, which verifies as well but for its being high. */
static void
spoil_signature_high(struct draft *d)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
					  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	struct hash256 n, s;
	memcpy(n.b, order, 32);
	memcpy(s.b, d->txs[1].signature.b + 32, 32);
	struct u256 group = u256_of_hash(&n), low = u256_of_hash(&s), high = u256_sub(&group, &low);
	s = u256_to_hash(&high);
	memcpy(d->txs[1].signature.b + 32, s.b, 32);
}

static void
spoil_sequence_used(struct draft *d)
{
	replace(d, SENDER, 500, 10, FIRST_SEQUENCE - 1);
	d->txs[2] = transfer(&w, SENDER, RECEIVER, 500, 20, FIRST_SEQUENCE);
}

static void
spoil_sequence_repeated(struct draft *d)
{
	d->txs[2] = d->txs[1];
	d->txs[0].value -= 10;
}

static void
spoil_sequence_gap(struct draft *d)
{
	replace(d, SENDER, 500, 10, FIRST_SEQUENCE + 1);
}

static void
spoil_funds(struct draft *d)
{
	replace(d, SENDER, 1000 * COIN, 10, FIRST_SEQUENCE);
}

static const struct {
	enum rule rule;
	uint32_t tx;
	void (*draft)(struct draft *d);
	void (*bytes)(struct buf *bytes); /* after the work, instead */
} rows[] = {
    {RULE_OK, VERDICT_NO_TX, spoil_nothing, NULL},

    {RULE_BLOCK_MALFORMED, VERDICT_NO_TX, NULL, spoil_length},
    {RULE_BLOCK_MALFORMED, VERDICT_NO_TX, NULL, spoil_count},
    {RULE_BLOCK_MALFORMED, VERDICT_NO_TX, spoil_time_huge, NULL},
    {RULE_BLOCK_VERSION, VERDICT_NO_TX, spoil_block_version_0, NULL},
    {RULE_BLOCK_VERSION, VERDICT_NO_TX, spoil_block_version_2, NULL},
    {RULE_UNKNOWN_PARENT, VERDICT_NO_TX, spoil_parent, NULL},
    {RULE_WRONG_HEIGHT, VERDICT_NO_TX, spoil_height, NULL},
    {RULE_TIME_TOO_OLD, VERDICT_NO_TX, spoil_time_old, NULL},
    {RULE_TIME_TOO_NEW, VERDICT_NO_TX, spoil_time_new, NULL},
    {RULE_WRONG_TARGET, VERDICT_NO_TX, spoil_target_easier, NULL},
    {RULE_WRONG_TARGET, VERDICT_NO_TX, spoil_target_harder, NULL},
    {RULE_WRONG_TARGET, VERDICT_NO_TX, spoil_target_form, NULL},
    {RULE_NONCE_TOO_LARGE, VERDICT_NO_TX, NULL, spoil_nonce},
    {RULE_INSUFFICIENT_WORK, VERDICT_NO_TX, NULL, spoil_work},

    {RULE_BLOCK_TOO_LARGE, VERDICT_NO_TX, spoil_size, NULL},
    {RULE_WRONG_MERKLE_ROOT, VERDICT_NO_TX, spoil_root, NULL},
    {RULE_REWARD_MISSING, VERDICT_NO_TX, spoil_empty, NULL},
    {RULE_REWARD_MISSING, VERDICT_NO_TX, spoil_reward_late, NULL},
    {RULE_WRONG_NETWORK, 0, spoil_reward_network, NULL},
    {RULE_REWARD_REPEATED, 3, spoil_reward_twice, NULL},
    {RULE_REWARD_HEIGHT, 0, spoil_reward_height, NULL},
    {RULE_REWARD_AMOUNT, 0, spoil_reward_more, NULL},
    {RULE_REWARD_AMOUNT, 0, spoil_reward_less, NULL},
    {RULE_REWARD_AMOUNT, 0, spoil_reward_huge, NULL},

    {RULE_WRONG_NETWORK, 1, spoil_network, NULL},
    {RULE_ZERO_VALUE, 1, spoil_value_zero, NULL},
    {RULE_VALUE_TOO_LARGE, 1, spoil_value_large, NULL},
    {RULE_VALUE_TOO_LARGE, 1, spoil_fee_large, NULL},
    {RULE_BELOW_MINIMUM_FEE, 1, spoil_fee_low, NULL},
    {RULE_SEQUENCE_TOO_LARGE, 1, spoil_sequence_large, NULL},
    {RULE_MEMO_TOO_LONG, 3, spoil_memo_length, NULL},
    {RULE_MEMO_NOT_UTF8, 1, spoil_memo_text, NULL},
    {RULE_BAD_PUBLIC_KEY, 1, spoil_key, NULL},
    {RULE_BAD_PUBLIC_KEY, 1, spoil_key_off_curve, NULL},
    {RULE_BAD_SIGNATURE, 1, spoil_signature, NULL},
    {RULE_BAD_SIGNATURE, 1, spoil_signed_value, NULL},
    {RULE_HIGH_S, 1, spoil_signature_high, NULL},

    {RULE_SEQUENCE_USED, 1, spoil_sequence_used, NULL},
    {RULE_SEQUENCE_USED, 2, spoil_sequence_repeated, NULL},
    {RULE_SEQUENCE_GAP, 1, spoil_sequence_gap, NULL},
    {RULE_INSUFFICIENT_FUNDS, 1, spoil_funds, NULL},
};

START_TEST(a_block_that_breaks_one_rule_is_told_which_and_where)
{
	struct draft d;
	draft_valid(&d);
	if (rows[_i].draft)
		rows[_i].draft(&d);
	struct buf bytes;
	buf_init(&bytes);
	draft_encode(&d, &bytes);
	if (rows[_i].bytes)
		rows[_i].bytes(&bytes);

	struct verdict v = world_judge(&w, bytes.data, bytes.len);
	ck_assert_msg(v.rule == rows[_i].rule && v.tx == rows[_i].tx, "row %d: expected %s at %d, got %s at %d", _i,
		      rule_name(rows[_i].rule), (int)rows[_i].tx, rule_name(v.rule), (int)v.tx);
	size_t changes;
	ledger_changes(w.ledger, &changes);
	ck_assert_uint_eq(changes, v.rule == RULE_OK ? 3 : 0);

	/* And it was no other rule's doing: the valid one passes after it. */
	ledger_drop(w.ledger);
	draft_valid(&d);
	world_extend_draft(&w, &d);
	buf_clear(&bytes);
}
END_TEST

/* What only a transaction by itself can break: in a block such bytes make the block malformed. */
START_TEST(a_transaction_by_itself_is_judged_by_the_same_names)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct tx tx = transfer(&w, SENDER, RECEIVER, 500, 10, FIRST_SEQUENCE), back;
	struct writer wr = writer_of(bytes, sizeof(bytes));
	tx_encode(&wr, &tx);
	struct reader r = reader_of(bytes, writer_len(&wr) - 1);
	ck_assert_int_eq(tx_decode(&back, &r), RULE_TX_MALFORMED);
	bytes[0] = 2;
	r = reader_of(bytes, writer_len(&wr));
	ck_assert_int_eq(tx_decode(&back, &r), RULE_TX_VERSION);

	ck_assert_int_eq(tx_check_form(&tx, &w.params, &w.network), RULE_OK);
	struct tx minted = reward(&w, SENDER, COIN, 1);
	ck_assert_int_eq(tx_check_form(&minted, &w.params, &w.network), RULE_TX_VERSION);
}
END_TEST

START_TEST(each_rule_of_this_layer_has_a_row)
{
	static const enum rule elsewhere[] = {
	    RULE_TX_MALFORMED,	 RULE_TX_VERSION,			/* the test above */
	    RULE_SEQUENCE_TAKEN, RULE_SEQUENCE_TOO_FAR, RULE_POOL_FULL, /* the pool */
	    RULE_REORG_TOO_DEEP, RULE_KNOWN_BAD,			/* a node's memory of branches */
	};
	for (int r = 0; r < RULE_COUNT; r++) {
		bool found = false;
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			found = found || rows[i].rule == (enum rule)r;
		for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
			found = found || elsewhere[i] == (enum rule)r;
		ck_assert_msg(found, "no row breaks %s", rule_name((enum rule)r));
	}
}
END_TEST

Suite *
suite_judgement(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "judgement", 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_block_that_breaks_one_rule_is_told_which_and_where, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, a_transaction_by_itself_is_judged_by_the_same_names);
	tcase_add_test(tc, each_rule_of_this_layer_has_a_row);
	return suite;
}
