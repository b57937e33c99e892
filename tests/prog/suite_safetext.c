/* Text from outside: nothing in it may steer a terminal. */
#include <string.h>

#include "prog/safetext.h"
#include "suites.h"

#define ROW(in, out)                    \
	{                               \
		in, sizeof(in) - 1, out \
	}

static const struct row {
	const char *in;
	size_t len;
	const char *out;
} lines[] =
    {
	ROW("", ""),
	ROW("plain text \xc3\xa4\xe9\x80\xa3\xf0\x9f\x8d\xb5", "plain text \xc3\xa4\xe9\x80\xa3\xf0\x9f\x8d\xb5"),
	ROW("\x1b[31mred", "\\x1b[31mred"),
	ROW("a\nb\tc\rd\0e", "a\\nb\\tc\\x0dd\\x00e"),
	ROW("\x7f", "\\x7f"),
	ROW("\xc2\x9b"
	    "31m",
	    "\\u{9b}31m"), /* C1 control sequence introducer */
	ROW("\x9b"
	    "31m",
	    "\\x9b31m"), /* the same as a bare byte */
	ROW("\xe2\x80\xae"
	    "abc",
	    "\\u{202e}abc"), /* right-to-left override */
	ROW("\xe2\x80\x8b", "\\u{200b}"),
	ROW("\xef\xbb\xbf", "\\u{feff}"),
	ROW("\xf3\xa0\x81\x81", "\\u{e0041}"), /* tag letter */
	ROW("\xc0\xaf", "\\xc0\\xaf"),	       /* overlong */
	ROW("\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
	ROW("\xed\xa0\x80", "\\xed\\xa0\\x80"),		 /* surrogate */
	ROW("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"), /* above U+10FFFF */
	ROW("\xff\xfe", "\\xff\\xfe"),
	ROW("cut \xe9\x80", "cut \\xe9\\x80"),
	ROW("\xe9"
	    "ab",
	    "\\xe9"
	    "ab"),
},
  documents[] = {
      ROW("{\n  \"a\": \"b\"\n}", "{\n  \"a\": \"b\"\n}"),
      ROW("\"\xe9\x80\xa3\"", "\"\xe9\x80\xa3\""),
      ROW("\"\x7f\"", "\"\\u007f\""),
      ROW("\"\xc2\x9b\"", "\"\\u009b\""),
      ROW("\"\xe2\x80\xae\"", "\"\\u202e\""),
      ROW("\"\xf3\xa0\x81\x81\"", "\"\\udb40\\udc41\""),
      ROW("\"\xff\"", "\"\\ufffd\""),
};

START_TEST(escapes_what_a_terminal_would_obey)
{
	struct buf out;
	buf_init(&out);
	buf_puts(&out, "");
	safetext_line(&out, lines[_i].in, lines[_i].len, 1000);
	ck_assert_str_eq(out.data, lines[_i].out);
	buf_clear(&out);
}
END_TEST

START_TEST(escapes_json_without_changing_its_meaning)
{
	struct buf out;
	buf_init(&out);
	safetext_json(&out, documents[_i].in, documents[_i].len);
	ck_assert_str_eq(out.data, documents[_i].out);
	buf_clear(&out);
}
END_TEST

START_TEST(cuts_long_text_and_counts_characters)
{
	struct buf out;
	buf_init(&out);
	ck_assert_uint_eq(safetext_line(&out, "\xc3\xa4\xc3\xa4\xc3\xa4", 6, 10), 3);
	buf_reset(&out);
	ck_assert_uint_eq(safetext_line(&out, "abcdefgh", 8, 3), 6);
	ck_assert_str_eq(out.data, "abc...");
	buf_clear(&out);
}
END_TEST

Suite *
suite_safetext(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "safetext", 10);
	tcase_add_loop_test(tc, escapes_what_a_terminal_would_obey, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(tc, escapes_json_without_changing_its_meaning, 0, ARRAY_LEN(documents));
	tcase_add_test(tc, cuts_long_text_and_counts_characters);
	return s;
}
