/* Base58Check: one text for each payload, and nothing else is accepted. */
#include <string.h>

#include "crypto/base58.h"
#include "crypto/hash.h"
#include "suites.h"
#include "unhex.h"

static const struct {
	const char *payload;
	const char *text;
} rows[] = {
    {"", "3QJmnh"},
    {"00", "1Wh4bh"},
    {"000000000000000000000000000000000000000000", "1111111111111111111114oLvT2"},
    {"00751e76e8199196d454941c45d1b3a323f1433bd6", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"},
    {"800000000000000000000000000000000000000000000000000000000000000001",
     "5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf"},
};

START_TEST(agrees_with_known_texts)
{
	uint8_t payload[BASE58CHECK_PAYLOAD_MAX];
	uint8_t again[BASE58CHECK_PAYLOAD_MAX];
	char text[BASE58CHECK_TEXT_SIZE];
	size_t len = strlen(rows[_i].payload) / 2;
	unhex(payload, len, rows[_i].payload);
	ck_assert_uint_eq(base58check_encode(text, payload, len), strlen(rows[_i].text));
	ck_assert_str_eq(text, rows[_i].text);
	ck_assert_int_eq(base58check_decode(again, len, text), OK);
	if (len > 0)
		ck_assert_mem_eq(again, payload, len);
}
END_TEST

static void
assert_round_trip(const uint8_t *payload, size_t len)
{
	uint8_t again[BASE58CHECK_PAYLOAD_MAX + 1];
	char text[BASE58CHECK_TEXT_SIZE];
	size_t text_len = base58check_encode(text, payload, len);
	ck_assert_uint_eq(text_len, strlen(text));
	ck_assert_uint_lt(text_len, BASE58CHECK_TEXT_SIZE);
	ck_assert_uint_eq(strspn(text, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"), text_len);

	again[len] = 0x5a;
	ck_assert_int_eq(base58check_decode(again, len, text), OK);
	if (len > 0)
		ck_assert_mem_eq(again, payload, len);
	ck_assert_uint_eq(again[len], 0x5a);

	/* The same text is no payload of another length. */
	if (len > 0)
		ck_assert_int_eq(base58check_decode(again, len - 1, text), ERR_FORMAT);
	if (len < BASE58CHECK_PAYLOAD_MAX)
		ck_assert_int_eq(base58check_decode(again, len + 1, text), ERR_FORMAT);
}

START_TEST(decodes_what_it_encodes_for_every_length_and_number_of_leading_zeros)
{
	uint8_t payload[BASE58CHECK_PAYLOAD_MAX];
	size_t len = (size_t)_i;
	for (size_t zeros = 0; zeros <= len; zeros++) {
		memset(payload, 0, sizeof(payload));
		memset(payload + zeros, 0xff, len - zeros);
		assert_round_trip(payload, len);
		for (size_t i = zeros; i < len; i++)
			payload[i] = (uint8_t)(i * 91 + len * 7 + 1);
		assert_round_trip(payload, len);
	}
}
END_TEST

START_TEST(refuses_payloads_that_are_too_long)
{
	uint8_t payload[BASE58CHECK_PAYLOAD_MAX + 1] = {1};
	char text[BASE58CHECK_TEXT_SIZE] = "x";
	ck_assert_uint_eq(base58check_encode(text, payload, sizeof(payload)), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(base58check_decode(payload, sizeof(payload), "3QJmnh"), ERR_LIMIT);
}
END_TEST

START_TEST(refuses_a_text_with_any_letter_changed)
{
	static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	char text[] = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH";
	uint8_t out[21];
	memset(out, 0x5a, sizeof(out));
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char was = text[i];
		for (const char *digit = digits; *digit != '\0'; digit++) {
			text[i] = *digit;
			if (*digit != was)
				ck_assert_int_eq(base58check_decode(out, sizeof(out), text), ERR_FORMAT);
		}
		text[i] = was;
	}
	for (size_t i = 0; i < sizeof(out); i++)
		ck_assert_uint_eq(out[i], 0x5a);
	ck_assert_int_eq(base58check_decode(out, sizeof(out), text), OK);
}
END_TEST

START_TEST(refuses_endless_texts_without_reading_them)
{
	static const char fills[] = {'1', 'z', '2', '0'};
	size_t len = 1000000;
	uint8_t out[BASE58CHECK_PAYLOAD_MAX];
	char *text = malloc(len + 1);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
		memset(text, fills[i], len);
		text[len] = '\0';
		ck_assert_int_eq(base58check_decode(out, sizeof(out), text), ERR_FORMAT);
	}
	free(text);
}
END_TEST

START_TEST(refuses_texts_whose_number_is_too_large)
{
	/* 89 letters are within the length of texts, but beyond 64 bytes. */
	uint8_t out[BASE58CHECK_PAYLOAD_MAX];
	char text[BASE58CHECK_TEXT_SIZE];
	for (size_t len = 1; len < sizeof(text); len++) {
		memset(text, 'z', len);
		text[len] = '\0';
		ck_assert_int_eq(base58check_decode(out, sizeof(out), text), ERR_FORMAT);
	}
}
END_TEST

Suite *
suite_base58(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "base58", 20);
	tcase_add_loop_test(tc, agrees_with_known_texts, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, decodes_what_it_encodes_for_every_length_and_number_of_leading_zeros, 0,
			    BASE58CHECK_PAYLOAD_MAX + 1);
	tcase_add_test(tc, refuses_payloads_that_are_too_long);
	tcase_add_test(tc, refuses_a_text_with_any_letter_changed);
	tcase_add_test(tc, refuses_endless_texts_without_reading_them);
	tcase_add_test(tc, refuses_texts_whose_number_is_too_large);
	return suite;
}
