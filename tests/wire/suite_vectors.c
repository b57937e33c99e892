/* The test vectors at the end of docs/protocol.md, which another program recomputes as well. */
#include <string.h>

#include "chain/pow.h"
#include "suite.h"
#include "util/file.h"
#include "util/hex.h"
#include "wire/peer_msg.h"
#include "wire/views.h"

suite_maker suite_vectors;

#define FENCE "```json\n"

static struct jdoc *
vectors_read(void)
{
	struct buf page = {0};
	char error[JSON_ERROR_SIZE];
	ck_assert_int_eq(file_read(&page, TOP_SRCDIR "/docs/protocol.md", 1 << 20), OK);
	const char *start = NULL;
	for (const char *at = page.data; (at = strstr(at, FENCE)) != NULL; at = start)
		start = at + strlen(FENCE);
	ck_assert_ptr_nonnull(start);
	const char *end = strstr(start, "```");
	ck_assert_ptr_nonnull(end);
	struct jdoc *d = jdoc_parse(start, (size_t)(end - start), error);
	ck_assert_msg(d != NULL, "%s", error);
	buf_clear(&page);
	return d;
}

static const char *
text_at(const struct jval *v, const char *key, size_t index)
{
	size_t len;
	const char *text = jval_text(jval_at(jval_get(v, key), index), &len);
	ck_assert_msg(text != NULL, "%s[%zu] is missing", key, index);
	return text;
}

static void
hex_assert_equal(const void *bytes, size_t len, const char *expected)
{
	char *hex = malloc(2 * len + 1);
	hex_encode(hex, bytes, len);
	ck_assert_str_eq(hex, expected);
	free(hex);
}

static void
hash_assert_equal(struct hash256 hash, const char *expected)
{
	hex_assert_equal(hash.b, sizeof(hash.b), expected);
}

/* The bytes of documented block `index`, parsed. */
static void
block_read(struct block *b, uint8_t bytes[1024], const struct jval *v, size_t index)
{
	const char *hex = text_at(v, "blocks", index);
	size_t size = strlen(hex) / 2;
	ck_assert_uint_le(size, 1024);
	ck_assert_int_eq(hex_decode(bytes, size, hex), OK);
	ck_assert_int_eq(block_parse(b, bytes, size), RULE_OK);
}

START_TEST(documented_parameters_give_the_documented_genesis)
{
	struct jdoc *d = vectors_read();
	const struct jval *v = jdoc_root(d);
	struct params p;
	uint8_t bytes[PARAMS_SIZE_MAX], genesis[BLOCK_PREFIX_SIZE];
	params_default(&p);
	hex_assert_equal(bytes, params_encode(bytes, &p), jval_str(v, "parameters", ""));
	hash_assert_equal(params_hash(&p), jval_str(v, "parameters_hash", ""));
	genesis_encode(genesis, &p);
	hex_assert_equal(genesis, sizeof(genesis), text_at(v, "blocks", 0));
	hash_assert_equal(genesis_hash(&p), text_at(v, "block_hashes", 0));
	jdoc_free(d);
}
END_TEST

START_TEST(documented_keys_give_the_documented_addresses_and_signature)
{
	struct jdoc *d = vectors_read();
	const struct jval *v = jdoc_root(d);
	struct params p;
	struct pubkey keys[2];
	struct seckey secrets[2] = {{{[31] = 1}}, {{[31] = 2}}};
	params_default(&p);
	for (size_t i = 0; i < 2; i++) {
		char text[ADDRESS_TEXT_SIZE];
		ck_assert_int_eq(key_public(&keys[i], &secrets[i]), OK);
		hex_assert_equal(keys[i].b, sizeof(keys[i].b), text_at(v, "public_keys", i));
		struct address address = address_of(&keys[i]);
		address_format(text, &address, p.address_version);
		ck_assert_str_eq(text, text_at(v, "addresses", i));
	}
	struct tx tx = {
	    .version = TX_TRANSFER,
	    .network = genesis_hash(&p),
	    .recipient = address_of(&keys[1]),
	    .value = 30000000,
	    .fee = 1000,
	    .memo = "tea \xe2\x98\x83",
	    .memo_len = 7,
	};
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	ck_assert_int_eq(tx_sign(&tx, &secrets[0]), OK);
	tx_encode(&w, &tx);
	hex_assert_equal(bytes, writer_len(&w), jval_str(v, "transfer", ""));
	hash_assert_equal(tx_id(&tx), jval_str(v, "transfer_id", ""));
	jdoc_free(d);
}
END_TEST

START_TEST(documented_blocks_have_the_documented_hashes_and_root)
{
	struct jdoc *d = vectors_read();
	const struct jval *v = jdoc_root(d);
	uint8_t bytes[1024];
	struct block b;
	for (size_t i = 0; i < 3; i++) {
		block_read(&b, bytes, v, i);
		hash_assert_equal(b.hash, text_at(v, "block_hashes", i));
	}
	hash_assert_equal(block_merkle_root(&b), jval_str(v, "merkle_root", ""));
	struct tx tx;
	enum rule rule;
	struct block_iter it = block_txs(&b);
	ck_assert(block_next(&it, &tx, &rule));
	hash_assert_equal(tx_id(&tx), jval_str(v, "reward_id", ""));
	hash_assert_equal(tx_leaf(it.bytes, it.size), text_at(v, "leaves", 0));
	ck_assert(block_next(&it, &tx, &rule));
	hash_assert_equal(tx_id(&tx), jval_str(v, "transfer_id", ""));
	hash_assert_equal(tx_leaf(it.bytes, it.size), text_at(v, "leaves", 1));
	ck_assert(!block_next(&it, &tx, &rule));
	jdoc_free(d);
}
END_TEST

START_TEST(documented_block_has_the_documented_compact_form)
{
	struct jdoc *d = vectors_read();
	const struct jval *v = jdoc_root(d);
	uint8_t bytes[1024];
	struct buf compact = {0};
	struct block b;
	block_read(&b, bytes, v, 2);
	ck_assert(compact_encode(&compact, &b));
	hex_assert_equal(compact.data, compact.len, jval_str(v, "compact_block", ""));
	buf_clear(&compact);
	jdoc_free(d);
}
END_TEST

START_TEST(documented_targets_follow_from_the_retarget_rule)
{
	struct jdoc *d = vectors_read();
	const struct jval *rows = jval_get(jdoc_root(d), "retarget");
	struct params p;
	params_default(&p);
	ck_assert_uint_gt(jval_count(rows), 10);
	for (size_t i = 0; i < jval_count(rows); i++) {
		/* Delays may be negative, which numbers of documents never are: dumped and read again. */
		struct buf late = {0};
		size_t len;
		jval_dump(&late, jval_at(jval_at(rows, i), 0));
		uint64_t parent_ms = UINT64_C(1000000000000000);
		uint64_t time_ms = parent_ms + (uint64_t)strtoll(late.data, NULL, 10);
		uint32_t parent = (uint32_t)strtoul(jval_text(jval_at(jval_at(rows, i), 1), &len), NULL, 16);
		uint32_t target = (uint32_t)strtoul(jval_text(jval_at(jval_at(rows, i), 2), &len), NULL, 16);
		ck_assert_uint_eq(target_next(&p, 7, parent, parent_ms, time_ms), target);
		buf_clear(&late);
	}
	jdoc_free(d);
}
END_TEST

START_TEST(documented_work_follows_from_the_targets)
{
	struct jdoc *d = vectors_read();
	const struct jval *rows = jval_get(jdoc_root(d), "target_works");
	uint8_t bytes[1024];
	struct u256 sum = u256_of(0);
	for (size_t i = 1; i < 3; i++) {
		struct block b;
		block_read(&b, bytes, jdoc_root(d), i);
		struct u256 work = target_work(b.header.target);
		sum = u256_add(&sum, &work);
	}
	hash_assert_equal(u256_to_hash(&sum), jval_str(jdoc_root(d), "work", ""));
	ck_assert_uint_eq(jval_count(rows), 4);
	for (size_t i = 0; i < jval_count(rows); i++) {
		size_t len;
		char hex[HASH_HEX_SIZE];
		uint32_t target = (uint32_t)strtoul(jval_text(jval_at(jval_at(rows, i), 0), &len), NULL, 16);
		struct u256 work = target_work(target);
		struct hash256 bytes_of_work = u256_to_hash(&work);
		hash_hex(hex, &bytes_of_work);
		ck_assert_str_eq(hex + strspn(hex, "0"), jval_text(jval_at(jval_at(rows, i), 1), &len));
	}
	jdoc_free(d);
}
END_TEST

Suite *
suite_vectors(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "vectors", 10);
	tcase_add_test(tc, documented_parameters_give_the_documented_genesis);
	tcase_add_test(tc, documented_keys_give_the_documented_addresses_and_signature);
	tcase_add_test(tc, documented_blocks_have_the_documented_hashes_and_root);
	tcase_add_test(tc, documented_block_has_the_documented_compact_form);
	tcase_add_test(tc, documented_targets_follow_from_the_retarget_rule);
	tcase_add_test(tc, documented_work_follows_from_the_targets);
	return s;
}
