#include <string.h>

#include "../suite.h"
#include "chain/merkle.h"
#include "chain/tx.h"
#include "fixture.h"
#include "suites.h"

static struct world w;

static void
setup(void)
{
	world_init(&w, 0);
}

static void
teardown(void)
{
	world_clear(&w);
}

static struct tx
with_memo(const char *memo, size_t len)
{
	struct tx tx = transfer(&w, 1, 2, 500, 10, 7);
	memcpy(tx.memo, memo, len);
	tx.memo_len = (uint16_t)len;
	tx_resign(&tx, 1);
	return tx;
}

static size_t
encode(uint8_t bytes[TX_SIZE_MAX], const struct tx *tx)
{
	struct writer wr = writer_of(bytes, TX_SIZE_MAX);
	tx_encode(&wr, tx);
	ck_assert(!wr.failed);
	return writer_len(&wr);
}

START_TEST(a_transfer_is_laid_out_as_documented)
{
	struct tx tx = with_memo("hi", 2);
	uint8_t bytes[TX_SIZE_MAX];
	ck_assert_uint_eq(encode(bytes, &tx), 178);
	ck_assert_uint_eq(tx_size(&tx), 178);
	static const uint8_t numbers[] = {0, 0,	 0, 0, 0, 0, 1, 0xf4, 0, 0, 0, 0, 0,   0,
					  0, 10, 0, 0, 0, 0, 0, 0,    0, 7, 0, 2, 'h', 'i'};
	ck_assert_uint_eq(bytes[0], 1);
	ck_assert_mem_eq(bytes + 1, w.network.b, 32);
	ck_assert_mem_eq(bytes + 33, tx.sender_key.b, 33);
	ck_assert_mem_eq(bytes + 66, tx.recipient.b, 20);
	ck_assert_mem_eq(bytes + 86, numbers, sizeof(numbers));
	ck_assert_mem_eq(bytes + 114, tx.signature.b, 64);
}
END_TEST

START_TEST(a_reward_is_laid_out_as_documented)
{
	struct tx tx = reward(&w, 3, COIN, 258);
	uint8_t bytes[TX_SIZE_MAX];
	ck_assert_uint_eq(encode(bytes, &tx), TX_REWARD_SIZE);
	ck_assert_uint_eq(tx_size(&tx), TX_REWARD_SIZE);
	static const uint8_t numbers[] = {0, 0, 0, 0, 0x05, 0xf5, 0xe1, 0, 0, 0, 0, 0, 0, 0, 1, 2};
	ck_assert_uint_eq(bytes[0], 0);
	ck_assert_mem_eq(bytes + 1, w.network.b, 32);
	ck_assert_mem_eq(bytes + 33, tx.recipient.b, 20);
	ck_assert_mem_eq(bytes + 53, numbers, sizeof(numbers));
}
END_TEST

static void
assert_survives_its_bytes(const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX + 1], again[TX_SIZE_MAX];
	size_t len = encode(bytes, tx);
	bytes[len] = 0xee; /* what follows is not its business */
	struct reader r = reader_of(bytes, len + 1);
	ck_assert_uint_eq(tx_span(&r), len);
	struct tx back;
	ck_assert_int_eq(tx_decode(&back, &r), RULE_OK);
	ck_assert_uint_eq(reader_left(&r), 1);
	ck_assert_uint_eq(encode(again, &back), len);
	ck_assert_mem_eq(again, bytes, len);

	/* Any shorter and it is malformed. */
	for (size_t cut = 0; cut < len; cut++) {
		r = reader_of(bytes, cut);
		ck_assert_uint_eq(tx_span(&r), 0);
		ck_assert_int_eq(tx_decode(&back, &r), RULE_TX_MALFORMED);
		ck_assert(r.failed);
	}
}

START_TEST(decoding_is_the_inverse_of_encoding)
{
	char memo[MEMO_MAX];
	memset(memo, 'm', sizeof(memo));
	const size_t lens[] = {0, 1, 2, 100, MEMO_MAX};
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct tx tx = with_memo(memo, lens[i]);
		assert_survives_its_bytes(&tx);
	}
	struct tx tx = reward(&w, 3, COIN, 258);
	assert_survives_its_bytes(&tx);
}
END_TEST

START_TEST(what_was_taken_apart_is_joined_to_the_same_bytes)
{
	char memo[MEMO_MAX];
	const size_t lens[] = {0, 1, 2, 100, MEMO_MAX};
	uint8_t bytes[TX_SIZE_MAX], rest[TX_REST_MAX], again[TX_SIZE_MAX];

	memset(memo, 'm', sizeof(memo));
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct tx tx = with_memo(memo, lens[i]);
		struct tx_apart apart = {&w.network, tx.value, tx.fee, tx.sequence, tx.memo_len};
		struct writer of_rest = writer_of(rest, TX_REST_SIZE(lens[i]));
		struct writer joined = writer_of(again, TX_TRANSFER_SIZE(lens[i]));
		size_t len = encode(bytes, &tx);

		tx_encode_rest(&of_rest, &tx);
		ck_assert(!of_rest.failed);
		ck_assert_uint_eq(writer_len(&of_rest), TX_REST_SIZE(lens[i]));
		/* All of it but version, network, numbers and the memo's length. */
		ck_assert_mem_eq(rest, bytes + 33, 53);
		ck_assert_mem_eq(rest + 53, bytes + 112, len - 112);
		tx_encode_joined(&joined, &apart, rest);
		ck_assert(!joined.failed);
		ck_assert_uint_eq(writer_len(&joined), len);
		ck_assert_mem_eq(again, bytes, len);
	}
}
END_TEST

START_TEST(an_unknown_version_is_named)
{
	uint8_t bytes[TX_SIZE_MAX] = {0};
	for (unsigned version = 2; version < 256; version++) {
		bytes[0] = (uint8_t)version;
		struct reader r = reader_of(bytes, sizeof(bytes));
		struct tx tx;
		ck_assert_uint_eq(tx_span(&r), 0);
		ck_assert_int_eq(tx_decode(&tx, &r), RULE_TX_VERSION);
	}
}
END_TEST

START_TEST(a_memo_beyond_its_limit_is_named_and_passed_over)
{
	static uint8_t bytes[176 + 65535];
	const size_t lens[] = {257, 1000, 65535};
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		bytes[0] = TX_TRANSFER;
		bytes[110] = (uint8_t)(lens[i] >> 8);
		bytes[111] = (uint8_t)lens[i];
		struct reader r = reader_of(bytes, 176 + lens[i]);
		struct tx tx;
		ck_assert_uint_eq(tx_span(&r), 176 + lens[i]);
		ck_assert_int_eq(tx_decode(&tx, &r), RULE_MEMO_TOO_LONG);
		ck_assert_uint_eq(tx.memo_len, 0);
		ck_assert(reader_done(&r));
		r = reader_of(bytes, 176 + lens[i] - 1);
		ck_assert_int_eq(tx_decode(&tx, &r), RULE_TX_MALFORMED);
	}
}
END_TEST

START_TEST(the_id_covers_everything_but_the_signature)
{
	struct tx tx = with_memo("memo", 4);
	uint8_t bytes[TX_SIZE_MAX];
	size_t len = encode(bytes, &tx);
	struct hash256 id = tx_id(&tx), expected = sha256d(bytes, len - 64);
	ck_assert(hash_equal(&id, &expected));
	for (size_t i = 1; i < len; i++) {
		if (i == 110 || i == 111)
			continue; /* the memo's length */
		struct tx other;
		bytes[i] ^= 1;
		struct reader r = reader_of(bytes, len);
		ck_assert_int_eq(tx_decode(&other, &r), RULE_OK);
		struct hash256 other_id = tx_id(&other), leaf = tx_leaf(bytes, len);
		ck_assert_msg(hash_equal(&id, &other_id) == (i >= len - 64), "byte %zu", i);
		bytes[i] ^= 1;
		struct hash256 own_leaf = tx_leaf(bytes, len);
		ck_assert(!hash_equal(&leaf, &own_leaf));
	}
	struct tx minted = reward(&w, 3, COIN, 258);
	len = encode(bytes, &minted);
	id = tx_id(&minted);
	expected = sha256d(bytes, len);
	ck_assert(hash_equal(&id, &expected));
}
END_TEST

START_TEST(the_leaf_is_that_of_the_merkle_tree)
{
	struct hash256 a = tx_leaf("bytes", 5), b = merkle_leaf("bytes", 5);
	ck_assert(hash_equal(&a, &b));
}
END_TEST

START_TEST(signing_sets_the_sender)
{
	struct tx tx = with_memo("", 0);
	struct pubkey key = person_key(1);
	struct address sender = tx_sender(&tx), address = person_address(1);
	ck_assert_mem_eq(tx.sender_key.b, key.b, sizeof(key.b));
	ck_assert(address_equal(&sender, &address));
	ck_assert_int_eq(tx_check_signature(&tx), RULE_OK);

	struct seckey zero = {{0}};
	struct tx before = tx;
	ck_assert_int_eq(tx_sign(&tx, &zero), ERR_ARG);
	ck_assert_mem_eq(&tx.signature, &before.signature, sizeof(tx.signature));
}
END_TEST

START_TEST(nobody_signs_for_another)
{
	struct tx tx = with_memo("", 0);
	tx.sender_key = person_key(2);
	ck_assert_int_eq(tx_check_signature(&tx), RULE_BAD_SIGNATURE);
}
END_TEST

START_TEST(form_is_judged_at_its_limits)
{
	struct tx tx = with_memo("", 0);
	tx.value = tx.fee = MONEY_MAX;
	tx.sequence = NUMBER_MAX;
	tx.memo_len = MEMO_MAX;
	memset(tx.memo, 'm', MEMO_MAX);
	ck_assert_int_eq(tx_check_form(&tx, &w.params, &w.network), RULE_OK);
	tx.memo_len++;
	ck_assert_int_eq(tx_check_form(&tx, &w.params, &w.network), RULE_MEMO_TOO_LONG);
	tx.memo_len = 0;
	w.params.min_fee = 10;
	tx.fee = 10;
	ck_assert_int_eq(tx_check_form(&tx, &w.params, &w.network), RULE_OK);
	tx.fee = 9;
	ck_assert_int_eq(tx_check_form(&tx, &w.params, &w.network), RULE_BELOW_MINIMUM_FEE);
}
END_TEST

START_TEST(a_memo_may_hold_any_text)
{
	static const char *const texts[] = {"", "plain", "\xe9\x80\xa3\xe9\x8e\x96", "\xf0\x9f\x94\x97"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct tx tx = with_memo(texts[i], strlen(texts[i]));
		ck_assert_int_eq(tx_check_form(&tx, &w.params, &w.network), RULE_OK);
	}
	struct tx nul = with_memo("a\0b", 3);
	ck_assert_int_eq(tx_check_form(&nul, &w.params, &w.network), RULE_OK);
}
END_TEST

Suite *
suite_tx(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "tx", 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_transfer_is_laid_out_as_documented);
	tcase_add_test(tc, a_reward_is_laid_out_as_documented);
	tcase_add_test(tc, decoding_is_the_inverse_of_encoding);
	tcase_add_test(tc, what_was_taken_apart_is_joined_to_the_same_bytes);
	tcase_add_test(tc, an_unknown_version_is_named);
	tcase_add_test(tc, a_memo_beyond_its_limit_is_named_and_passed_over);
	tcase_add_test(tc, the_id_covers_everything_but_the_signature);
	tcase_add_test(tc, the_leaf_is_that_of_the_merkle_tree);
	tcase_add_test(tc, signing_sets_the_sender);
	tcase_add_test(tc, nobody_signs_for_another);
	tcase_add_test(tc, form_is_judged_at_its_limits);
	tcase_add_test(tc, a_memo_may_hold_any_text);
	return suite;
}
