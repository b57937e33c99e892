/* Lower-case hexadecimal, both ways. */
#include <string.h>

#include "suites.h"
#include "util/hex.h"

START_TEST(encodes_every_byte_and_decodes_it_again)
{
	uint8_t bytes[256];
	uint8_t again[256];
	char text[2 * sizeof(bytes) + 1];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	hex_encode(text, bytes, sizeof(bytes));
	ck_assert_uint_eq(strlen(text), 512);
	ck_assert_int_eq(strncmp(text, "000102030405060708090a0b0c0d0e0f10", 34), 0);
	ck_assert_str_eq(text + 506, "fdfeff");
	ck_assert_int_eq(hex_decode(again, sizeof(again), text), OK);
	ck_assert_mem_eq(again, bytes, sizeof(bytes));
}
END_TEST

START_TEST(encodes_nothing_as_an_empty_text)
{
	char text[1] = {'x'};
	hex_encode(text, NULL, 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(hex_decode(NULL, 0, ""), OK);
}
END_TEST

/* None of these is two bytes. */
static const char *const bad_rows[] = {
    "",	     "0",    "012",  "01234", "0123a", "012345", "ABCD", "abcD", "01 2",
    " 0123", "0x12", "012g", "01/2",  "01:2",  "01`2",	 "01@2", "+123", "\xff\xff\xff\xff",
};

START_TEST(refuses_what_is_not_exactly_so_many_lower_case_digits)
{
	uint8_t out[2] = {0xaa, 0xbb};
	ck_assert_int_eq(hex_decode(out, sizeof(out), bad_rows[_i]), ERR_FORMAT);
	ck_assert_uint_eq(out[0], 0xaa);
	ck_assert_uint_eq(out[1], 0xbb);
}
END_TEST

Suite *
suite_hex(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "hex", 10);
	tcase_add_test(tc, encodes_every_byte_and_decodes_it_again);
	tcase_add_test(tc, encodes_nothing_as_an_empty_text);
	tcase_add_loop_test(tc, refuses_what_is_not_exactly_so_many_lower_case_digits, 0, ARRAY_LEN(bad_rows));
	return suite;
}
