#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "chain/block.h"
#include "chain/merkle.h"
#include "chain/pow.h"
#include "fixture.h"
#include "suites.h"

static struct world w;
static struct buf bytes;

/* A block of a reward and two transfers. */
static void
setup(void)
{
	world_init(&w, 0);
	struct draft d;
	draft_init(&d, &w);
	struct tx first = transfer(&w, 1, 2, 5, 1, 0), second = transfer(&w, 1, 3, 6, 1, 1);
	memcpy(second.memo, "memo", 4);
	second.memo_len = 4;
	tx_resign(&second, 1);
	draft_add(&d, &first);
	draft_add(&d, &second);
	buf_init(&bytes);
	draft_encode(&d, &bytes);
}

static void
teardown(void)
{
	buf_clear(&bytes);
	world_clear(&w);
}

START_TEST(a_header_is_laid_out_as_documented)
{
	struct header h = {
	    .version = 1,
	    .previous = {{1, 2, 3}},
	    .merkle_root = {{4, 5, 6}},
	    .time_ms = UINT64_C(0x0102030405060708),
	    .target = 0x1f0fffff,
	    .height = UINT64_C(0x1112131415161718),
	    .nonce = UINT64_C(0x2122232425262728),
	};
	uint8_t out[HEADER_SIZE], again[HEADER_SIZE];
	header_encode(out, &h);
	static const uint8_t version[] = {0, 0, 0, 1};
	static const uint8_t tail[] = {1,    2,	   3,	 4,    5,    6,	   7,	 8,    0x1f, 0x0f,
				       0xff, 0xff, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
				       0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28};
	ck_assert_mem_eq(out, version, 4);
	ck_assert_mem_eq(out + 4, h.previous.b, 32);
	ck_assert_mem_eq(out + 36, h.merkle_root.b, 32);
	ck_assert_mem_eq(out + 68, tail, sizeof(tail));

	struct header back;
	header_decode(&back, out);
	header_encode(again, &back);
	ck_assert_mem_eq(again, out, HEADER_SIZE);
	struct hash256 expected = sha256d(out, HEADER_SIZE), hash = header_hash(&h);
	ck_assert(hash_equal(&hash, &expected));
	hash = header_hash_bytes(out);
	ck_assert(hash_equal(&hash, &expected));
}
END_TEST

START_TEST(a_block_gives_its_transactions_in_order)
{
	struct block b;
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert_uint_eq(b.tx_count, 3);
	ck_assert_uint_eq(b.header.height, 1);
	ck_assert_ptr_eq(b.bytes, bytes.data);
	ck_assert_uint_eq(b.size, 100 + 69 + 176 + 180);
	struct hash256 hash = header_hash(&b.header);
	ck_assert(hash_equal(&hash, &b.hash));

	static const struct {
		size_t at, size;
		uint64_t value;
	} expected[] = {{100, 69, COIN + 2}, {169, 176, 5}, {345, 180, 6}};
	struct block_iter it = block_txs(&b);
	struct tx tx;
	enum rule rule;
	uint32_t count = 0;
	for (; block_next(&it, &tx, &rule); count++) {
		ck_assert_int_eq(rule, RULE_OK);
		ck_assert_uint_eq(it.index, count);
		ck_assert_ptr_eq(it.bytes, b.bytes + expected[count].at);
		ck_assert_uint_eq(it.size, expected[count].size);
		ck_assert_uint_eq(tx.value, expected[count].value);
	}
	ck_assert_uint_eq(count, 3);
	ck_assert(!block_next(&it, &tx, &rule)); /* and stays at the end */
}
END_TEST

START_TEST(the_merkle_root_is_over_whole_transactions)
{
	struct block b;
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	struct hash256 leaves[] = {merkle_leaf(b.bytes + 100, 69), merkle_leaf(b.bytes + 169, 176),
				   merkle_leaf(b.bytes + 345, 180)};
	struct hash256 expected = merkle_root(leaves, 3), root = block_merkle_root(&b);
	ck_assert(hash_equal(&root, &expected));
	ck_assert(hash_equal(&root, &b.header.merkle_root));
}
END_TEST

START_TEST(a_cut_or_longer_block_is_malformed)
{
	struct block b;
	for (size_t len = 0; len < bytes.len; len++) {
		/* A copy of just that length, so that a read behind it is seen. */
		uint8_t *cut = malloc(len ? len : 1);
		memcpy(cut, bytes.data, len);
		ck_assert_int_eq(block_parse(&b, cut, len), RULE_BLOCK_MALFORMED);
		free(cut);
	}
	buf_putc(&bytes, 0);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_BLOCK_MALFORMED);
}
END_TEST

START_TEST(a_count_that_is_not_so_is_malformed)
{
	struct block b;
	static const uint32_t counts[] = {0, 1, 2, 4, 0x7fffffff, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		for (unsigned k = 0; k < 4; k++)
			bytes.data[96 + k] = (char)(counts[i] >> (24 - 8 * k));
		ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_BLOCK_MALFORMED);
	}
}
END_TEST

START_TEST(a_transaction_of_unknown_version_makes_it_malformed)
{
	struct block b;
	bytes.data[169] = 2;
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_BLOCK_MALFORMED);
}
END_TEST

START_TEST(nothing_above_the_limit_is_parsed)
{
	uint8_t *large = calloc(1, BLOCK_BYTES_LIMIT + 1);
	struct block b;
	ck_assert_int_eq(block_parse(&b, large, BLOCK_BYTES_LIMIT + 1), RULE_BLOCK_TOO_LARGE);
	ck_assert_int_eq(block_parse(&b, large, BLOCK_BYTES_LIMIT), RULE_BLOCK_MALFORMED);
	free(large);
}
END_TEST

START_TEST(genesis_commits_to_the_parameters)
{
	uint8_t genesis[BLOCK_PREFIX_SIZE];
	genesis_encode(genesis, &w.params);
	struct block b;
	ck_assert_int_eq(block_parse(&b, genesis, sizeof(genesis)), RULE_OK);
	struct hash256 params = params_hash(&w.params), hash = genesis_hash(&w.params);
	ck_assert_uint_eq(b.header.version, BLOCK_VERSION);
	ck_assert(hash_is_zero(&b.header.previous));
	ck_assert(hash_equal(&b.header.merkle_root, &params));
	ck_assert_uint_eq(b.header.time_ms, w.params.genesis_time_ms);
	ck_assert_uint_eq(b.header.target, target_easiest(&w.params));
	ck_assert_uint_eq(b.header.height, 0);
	ck_assert_uint_eq(b.header.nonce, 0);
	ck_assert_uint_eq(b.tx_count, 0);
	ck_assert(hash_equal(&b.hash, &hash));

	w.params.reward++;
	struct hash256 other = genesis_hash(&w.params);
	ck_assert(!hash_equal(&hash, &other));
}
END_TEST

Suite *
suite_block(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "block", 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_header_is_laid_out_as_documented);
	tcase_add_test(tc, a_block_gives_its_transactions_in_order);
	tcase_add_test(tc, the_merkle_root_is_over_whole_transactions);
	tcase_add_test(tc, a_cut_or_longer_block_is_malformed);
	tcase_add_test(tc, a_count_that_is_not_so_is_malformed);
	tcase_add_test(tc, a_transaction_of_unknown_version_makes_it_malformed);
	tcase_add_test(tc, nothing_above_the_limit_is_parsed);
	tcase_add_test(tc, genesis_commits_to_the_parameters);
	return suite;
}
