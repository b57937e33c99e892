/* Addresses and WIF texts, by Bitcoin's published ones and those that must be refused. */
#include <string.h>

#include "crypto/address.h"
#include "crypto/base58.h"
#include "suites.h"
#include "unhex.h"

#define ORDER "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define GOOD_ADDRESS "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"

static const struct {
	uint8_t version;
	const char *hash;
	const char *text;
} address_rows[] = {
    {0, "751e76e8199196d454941c45d1b3a323f1433bd6", GOOD_ADDRESS},
    {0, "f54a5851e9372b87810a8e60cdd2e7cfd80b6e31", "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs"},
    {0, "65a16059864a2fdbc7c99a4723a8395bc6f188eb", "1AGNa15ZQXAZUgFiqJ2i7Z2DPU2J6hW62i"},
    /* Leading zero bytes after the version's own. */
    {0, "0000000000000000000000000000000000000000", "1111111111111111111114oLvT2"},
    {111, "751e76e8199196d454941c45d1b3a323f1433bd6", "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r"},
    {111, "53c0307d6851aa0ce7825ba883c6bd9ad242b486", "mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs"},
};

START_TEST(formats_and_parses_known_addresses)
{
	struct address a;
	struct address again;
	char text[ADDRESS_TEXT_SIZE];
	unhex(a.b, sizeof(a.b), address_rows[_i].hash);
	address_format(text, &a, address_rows[_i].version);
	ck_assert_str_eq(text, address_rows[_i].text);
	ck_assert_int_eq(address_parse(&again, text, address_rows[_i].version), OK);
	ck_assert(address_equal(&again, &a));
}
END_TEST

START_TEST(fits_its_text_with_every_version)
{
	struct address lowest;
	struct address highest;
	struct address again;
	memset(lowest.b, 0, sizeof(lowest.b));
	memset(highest.b, 0xff, sizeof(highest.b));
	for (unsigned version = 0; version < 256; version++) {
		char text[ADDRESS_TEXT_SIZE];
		address_format(text, &lowest, (uint8_t)version);
		ck_assert_int_eq(address_parse(&again, text, (uint8_t)version), OK);
		ck_assert(address_equal(&again, &lowest));
		address_format(text, &highest, (uint8_t)version);
		ck_assert_int_eq(address_parse(&again, text, (uint8_t)version), OK);
		ck_assert(address_equal(&again, &highest));
		ck_assert(!address_equal(&again, &lowest));
	}
}
END_TEST

START_TEST(refuses_an_address_of_another_network)
{
	struct address a;
	ck_assert_int_eq(address_parse(&a, GOOD_ADDRESS, 1), ERR_UNSUPPORTED);
	ck_assert_int_eq(address_parse(&a, "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r", 0), ERR_UNSUPPORTED);
}
END_TEST

static const char *const bad_addresses[] = {
    "",
    "1",
    " ",
    "THE BLOCKCHAIN",
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMJ",  /* checksum */
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAM",   /* cut */
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMHH", /* longer */
    "BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",   /* the leading zero byte lost */
    "11BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", /* or doubled */
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAM0",  /* the four letters that are no digits */
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMO",
    "IBgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
    "lBgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
    " 1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH ",
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH\n",
    "1bgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", /* case */
    "\xff\xfe\xfd",
    "caf\xc3\xa9",
    "751e76e8199196d454941c45d1b3a323f1433bd6",
    "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "3QJmnh", /* right checksum, no payload */
};

START_TEST(refuses_what_is_no_address)
{
	struct address a;
	memset(a.b, 0x5a, sizeof(a.b));
	struct address untouched = a;
	ck_assert_int_eq(address_parse(&a, bad_addresses[_i], 0), ERR_FORMAT);
	ck_assert(address_equal(&a, &untouched));
}
END_TEST

START_TEST(reads_a_text_alike_however_often)
{
	struct address a, again;
	char text[ADDRESS_TEXT_SIZE], mistyped[ADDRESS_TEXT_SIZE];
	memset(a.b, 0x5a, sizeof(a.b));
	address_format(text, &a, 60);
	address_format(mistyped, &a, 60);
	mistyped[10] = mistyped[10] == 'x' ? 'y' : 'x';
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(address_parse(&again, text, 60), OK);
		ck_assert(address_equal(&again, &a));
		ck_assert_int_eq(address_parse(&again, text, 61), ERR_UNSUPPORTED);
		ck_assert_int_eq(address_parse(&again, mistyped, 60), ERR_FORMAT);
	}
}
END_TEST

START_TEST(refuses_a_true_checksum_over_another_length)
{
	struct address a;
	uint8_t payload[22] = {0, 1, 2, 3};
	char text[BASE58CHECK_TEXT_SIZE];
	for (size_t len = 0; len <= sizeof(payload); len++) {
		ck_assert_uint_gt(base58check_encode(text, payload, len), 0);
		ck_assert_int_eq(address_parse(&a, text, 0), len == 21 ? OK : ERR_FORMAT);
	}
}
END_TEST

/* Secrets with their WIF texts and addresses for version 0. */
static const struct {
	const char *secret;
	const char *wif;
	const char *address;
} key_rows[] = {
    {"0000000000000000000000000000000000000000000000000000000000000001",
     "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn", GOOD_ADDRESS},
    {"0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d",
     "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617", "1LoVGDgRs9hTfTNJNuXKSpywcbdvwRXpmK"},
    {"18e14a7b6a307f426a94f8114701e7c8e774e7f9a47e2c2035db29a206321725", NULL, "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs"},
};

START_TEST(leads_from_a_secret_to_its_address_and_wif)
{
	struct seckey key;
	struct seckey again;
	struct pubkey pub;
	char text[ADDRESS_TEXT_SIZE];
	char wif[WIF_TEXT_SIZE];
	unhex(key.b, sizeof(key.b), key_rows[_i].secret);
	ck_assert_int_eq(key_public(&pub, &key), OK);
	struct address a = address_of(&pub);
	address_format(text, &a, 0);
	ck_assert_str_eq(text, key_rows[_i].address);
	wif_format(wif, &key, 0);
	if (key_rows[_i].wif != NULL)
		ck_assert_str_eq(wif, key_rows[_i].wif);
	ck_assert_int_eq(wif_parse(&again, wif, 0), OK);
	ck_assert_mem_eq(again.b, key.b, sizeof(key.b));
}
END_TEST

START_TEST(carries_a_secret_with_every_version)
{
	struct seckey key;
	struct seckey again;
	key_generate(&key);
	for (unsigned version = 0; version < 256; version++) {
		char wif[WIF_TEXT_SIZE];
		wif_format(wif, &key, (uint8_t)version);
		ck_assert_int_eq(wif_parse(&again, wif, (uint8_t)version), OK);
		ck_assert_mem_eq(again.b, key.b, sizeof(key.b));
		ck_assert_int_eq(wif_parse(&again, wif, (uint8_t)(version + 1)), ERR_UNSUPPORTED);
	}
}
END_TEST

static const char *const bad_wifs[] = {
    "",
    GOOD_ADDRESS,
    "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWm",  /* checksum */
    "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoW",   /* cut */
    "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn ", /* longer */
    "5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf",   /* of an uncompressed key */
};

START_TEST(refuses_what_is_no_wif)
{
	struct seckey key;
	memset(key.b, 0x5a, sizeof(key.b));
	struct seckey untouched = key;
	ck_assert_int_eq(wif_parse(&key, bad_wifs[_i], 0), ERR_FORMAT);
	ck_assert_mem_eq(key.b, untouched.b, sizeof(key.b));
}
END_TEST

static const struct {
	const char *secret;
	uint8_t mark;
	enum err ret;
} payload_rows[] = {
    {"0000000000000000000000000000000000000000000000000000000000000001", 1, OK},
    {"0000000000000000000000000000000000000000000000000000000000000001", 0, ERR_FORMAT},
    {"0000000000000000000000000000000000000000000000000000000000000001", 2, ERR_FORMAT},
    {"0000000000000000000000000000000000000000000000000000000000000000", 1, ERR_FORMAT},
    {ORDER, 1, ERR_FORMAT},
};

START_TEST(refuses_a_wif_whose_secret_is_none)
{
	struct seckey key;
	uint8_t payload[34] = {128};
	char text[BASE58CHECK_TEXT_SIZE];
	unhex(payload + 1, 32, payload_rows[_i].secret);
	payload[33] = payload_rows[_i].mark;
	ck_assert_uint_gt(base58check_encode(text, payload, sizeof(payload)), 0);
	ck_assert_int_eq(wif_parse(&key, text, 0), payload_rows[_i].ret);
}
END_TEST

Suite *
suite_address(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "address", 20);
	tcase_add_loop_test(tc, formats_and_parses_known_addresses, 0, ARRAY_LEN(address_rows));
	tcase_add_test(tc, fits_its_text_with_every_version);
	tcase_add_test(tc, refuses_an_address_of_another_network);
	tcase_add_loop_test(tc, refuses_what_is_no_address, 0, ARRAY_LEN(bad_addresses));
	tcase_add_test(tc, reads_a_text_alike_however_often);
	tcase_add_test(tc, refuses_a_true_checksum_over_another_length);
	tcase_add_loop_test(tc, leads_from_a_secret_to_its_address_and_wif, 0, ARRAY_LEN(key_rows));
	tcase_add_test(tc, carries_a_secret_with_every_version);
	tcase_add_loop_test(tc, refuses_what_is_no_wif, 0, ARRAY_LEN(bad_wifs));
	tcase_add_loop_test(tc, refuses_a_wif_whose_secret_is_none, 0, ARRAY_LEN(payload_rows));
	return suite;
}
