/* Hashes against the vectors that their inventors published, and SipHash also against libcrypto's. */
#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/hash.h"
#include "suites.h"
#include "unhex.h"

/* FIPS 180-4 and the examples that NIST gives with it. */
static const struct {
	const char *text;
	const char *hash;
} sha256_rows[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void
assert_hash(const struct hash256 *h, const char *wanted)
{
	char text[HASH_HEX_SIZE];
	hash_hex(text, h);
	ck_assert_str_eq(text, wanted);
}

START_TEST(sha256_agrees_with_nist)
{
	struct hash256 h = sha256(sha256_rows[_i].text, strlen(sha256_rows[_i].text));
	assert_hash(&h, sha256_rows[_i].hash);
}
END_TEST

START_TEST(sha256_of_a_million_letters_agrees_with_nist)
{
	size_t len = 1000000;
	char *text = malloc(len);
	ck_assert_ptr_nonnull(text);
	memset(text, 'a', len);
	struct hash256 h = sha256(text, len);
	free(text);
	assert_hash(&h, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(sha256d_of_the_first_bitcoin_header_is_known)
{
	uint8_t header[80];
	unhex(header, sizeof(header),
	      "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61"
	      "7fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c");
	struct hash256 h = sha256d(header, sizeof(header));
	assert_hash(&h, "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000");
}
END_TEST

START_TEST(a_tagged_hash_is_that_of_tag_and_pieces_in_a_row)
{
	static const char text[] = "\x01left and right";
	struct hash256 whole = sha256(text, sizeof(text) - 1);
	for (size_t split = 0; split <= sizeof(text) - 2; split++) {
		struct hash256 h = sha256_tagged(1, text + 1, split, text + 1 + split, sizeof(text) - 2 - split);
		ck_assert(hash_equal(&h, &whole));
	}
	struct hash256 h = sha256_tagged(1, text + 1, sizeof(text) - 2, NULL, 0);
	ck_assert(hash_equal(&h, &whole));
}
END_TEST

START_TEST(the_empty_merkle_leaf_agrees_with_rfc_6962)
{
	struct hash256 h = sha256_tagged(0, NULL, 0, NULL, 0);
	assert_hash(&h, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}
END_TEST

static const struct {
	const char *pubkey;
	const char *hash;
} hash160_rows[] = {
    {"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "751e76e8199196d454941c45d1b3a323f1433bd6"},
    {"0250863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352", "f54a5851e9372b87810a8e60cdd2e7cfd80b6e31"},
};

START_TEST(hash160_of_known_keys_is_that_of_their_addresses)
{
	uint8_t key[33];
	char text[41];
	unhex(key, sizeof(key), hash160_rows[_i].pubkey);
	struct hash160 h = hash160(key, sizeof(key));
	hex_encode(text, h.b, sizeof(h.b));
	ck_assert_str_eq(text, hash160_rows[_i].hash);
}
END_TEST

/* The reference vectors: key 00 01 .. 0f, the message of row i is 00 01 .. (i - 1); the last is the paper's example. */
static const uint64_t siphash_rows[] = {
    UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
    UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
    UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
    UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
    UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
    UINT64_C(0xa129ca6149be45e5),
};

START_TEST(siphash_agrees_with_its_paper)
{
	uint8_t bytes[16];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t len = 0; len < ARRAY_LEN(siphash_rows); len++)
		ck_assert_uint_eq(siphash(bytes, bytes, len), siphash_rows[len]);
}
END_TEST

static uint64_t
siphash_of_libcrypto(EVP_MAC *mac, const uint8_t key[16], const uint8_t *data, size_t len)
{
	unsigned int size = 8;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
	uint64_t out = 0;
	size_t out_len = 0;
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	ck_assert_int_eq(EVP_MAC_init(ctx, key, 16, params), 1);
	ck_assert_int_eq(EVP_MAC_update(ctx, data, len), 1);
	ck_assert_int_eq(EVP_MAC_final(ctx, (unsigned char *)&out, &out_len, sizeof(out)), 1);
	EVP_MAC_CTX_free(ctx);
	ck_assert_uint_eq(out_len, sizeof(out));
	return le64toh(out);
}

START_TEST(siphash_agrees_with_libcrypto_for_every_length_and_alignment)
{
	uint8_t bytes[128 + 16];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	ck_assert_ptr_nonnull(mac);
	for (size_t len = 0; len <= 128; len++) {
		const uint8_t *at = bytes + len % 16;
		ck_assert_uint_eq(siphash(bytes + 3, at, len), siphash_of_libcrypto(mac, bytes + 3, at, len));
	}
	EVP_MAC_free(mac);
}
END_TEST

START_TEST(compares_hashes_as_big_endian_numbers)
{
	struct hash256 zero = {{0}};
	struct hash256 small = {{0}};
	struct hash256 large = {{0}};
	small.b[31] = 0xff;
	large.b[0] = 0x80;
	ck_assert(hash_is_zero(&zero));
	ck_assert(!hash_is_zero(&small));
	ck_assert(!hash_is_zero(&large));
	ck_assert_int_eq(hash_compare(&small, &small), 0);
	ck_assert_int_lt(hash_compare(&zero, &small), 0);
	ck_assert_int_lt(hash_compare(&small, &large), 0);
	ck_assert_int_gt(hash_compare(&large, &small), 0);
	ck_assert(hash_equal(&large, &large));
	ck_assert(!hash_equal(&large, &small));
}
END_TEST

Suite *
suite_hash(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "hash", 10);
	tcase_add_loop_test(tc, sha256_agrees_with_nist, 0, ARRAY_LEN(sha256_rows));
	tcase_add_test(tc, sha256_of_a_million_letters_agrees_with_nist);
	tcase_add_test(tc, sha256d_of_the_first_bitcoin_header_is_known);
	tcase_add_test(tc, a_tagged_hash_is_that_of_tag_and_pieces_in_a_row);
	tcase_add_test(tc, the_empty_merkle_leaf_agrees_with_rfc_6962);
	tcase_add_loop_test(tc, hash160_of_known_keys_is_that_of_their_addresses, 0, ARRAY_LEN(hash160_rows));
	tcase_add_test(tc, siphash_agrees_with_its_paper);
	tcase_add_test(tc, siphash_agrees_with_libcrypto_for_every_length_and_alignment);
	tcase_add_test(tc, compares_hashes_as_big_endian_numbers);
	return suite;
}
