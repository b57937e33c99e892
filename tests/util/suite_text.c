/* Strict numbers, bounded copies, UTF-8, and guesses at what was meant. */
#include <inttypes.h>
#include <string.h>

#include "suites.h"
#include "util/text.h"

#define UNTOUCHED UINT64_C(4711)

static const struct {
	const char *text;
	uint64_t max;
	enum err ret;
	uint64_t value;
} number_rows[] = {
    {"0", 0, OK, 0},
    {"7", 10, OK, 7},
    {"10", 10, OK, 10},
    {"18446744073709551615", UINT64_MAX, OK, UINT64_MAX},
    {"11", 10, ERR_LIMIT, UNTOUCHED},
    {"1", 0, ERR_LIMIT, UNTOUCHED},
    {"18446744073709551616", UINT64_MAX, ERR_LIMIT, UNTOUCHED},
    {"18446744073709551620", UINT64_MAX, ERR_LIMIT, UNTOUCHED},
    {"99999999999999999999999999999999", UINT64_MAX, ERR_LIMIT, UNTOUCHED},
    {"99999999999999999999999999999999x", UINT64_MAX, ERR_FORMAT, UNTOUCHED},
    {"", 10, ERR_FORMAT, UNTOUCHED},
    {"00", 10, ERR_FORMAT, UNTOUCHED},
    {"01", 10, ERR_FORMAT, UNTOUCHED},
    {"+1", 10, ERR_FORMAT, UNTOUCHED},
    {"-1", 10, ERR_FORMAT, UNTOUCHED},
    {" 1", 10, ERR_FORMAT, UNTOUCHED},
    {"1 ", 10, ERR_FORMAT, UNTOUCHED},
    {"1.0", 10, ERR_FORMAT, UNTOUCHED},
    {"1e1", 10, ERR_FORMAT, UNTOUCHED},
    {"0x1", 10, ERR_FORMAT, UNTOUCHED},
    {"1/", 10, ERR_FORMAT, UNTOUCHED},
    {"1:", 10, ERR_FORMAT, UNTOUCHED},
};

START_TEST(reads_plain_decimal_numbers_only)
{
	uint64_t value = UNTOUCHED;
	ck_assert_int_eq(text_u64(&value, number_rows[_i].text, number_rows[_i].max), number_rows[_i].ret);
	ck_assert_uint_eq(value, number_rows[_i].value);
}
END_TEST

static const struct {
	const char *text;
	size_t size;
	const char *copy;
	bool fits;
} copy_rows[] = {
    {"", 1, "", true},
    {"a", 1, "", false},
    {"abc", 4, "abc", true},
    {"abc", 3, "ab", false},
    {"abc", 100, "abc", true},
    /* é is two bytes and 連 three: a character that does not fit whole is left out whole. */
    {"caf\xc3\xa9", 6, "caf\xc3\xa9", true},
    {"caf\xc3\xa9", 5, "caf", false},
    {"\xe9\x80\xa3", 3, "", false},
    {"\xe9\x80\xa3", 2, "", false},
};

START_TEST(copies_what_fits_and_says_whether_all_did)
{
	char out[100];
	memset(out, '#', sizeof(out));
	ck_assert(text_copy(out, copy_rows[_i].size, copy_rows[_i].text) == copy_rows[_i].fits);
	ck_assert_str_eq(out, copy_rows[_i].copy);
	if (copy_rows[_i].size < sizeof(out))
		ck_assert_int_eq(out[copy_rows[_i].size], '#');
}
END_TEST

#define ROW(text, good)                      \
	{                                    \
		text, sizeof(text) - 1, good \
	}
static const struct {
	const char *text;
	size_t len;
	bool good;
} utf8_rows[] = {
    ROW("", true),
    ROW("plain", true),
    ROW("longer than eight bytes of ASCII", true),
    ROW("a\0b", true),
    ROW("\x7f", true),
    ROW("\xc2\x80", true),
    ROW("\xdf\xbf", true),
    ROW("\xe0\xa0\x80", true),
    ROW("\xed\x9f\xbf", true),
    ROW("\xee\x80\x80", true),
    ROW("\xef\xbf\xbf", true),
    ROW("\xf0\x90\x80\x80", true),
    ROW("\xf4\x8f\xbf\xbf", true),
    ROW("12345678\xe9\x80\xa3\xe9\x8e\x96", true),
    ROW("\x80", false), /* a continuation alone */
    ROW("\xbf", false),
    ROW("\xc0\x80", false),	    /* overlong NUL */
    ROW("\xc1\xbf", false),	    /* overlong */
    ROW("\xe0\x9f\xbf", false),	    /* overlong */
    ROW("\xf0\x8f\xbf\xbf", false), /* overlong */
    ROW("\xed\xa0\x80", false),	    /* surrogates */
    ROW("\xed\xbf\xbf", false),
    ROW("\xf4\x90\x80\x80", false), /* beyond U+10FFFF */
    ROW("\xf5\x80\x80\x80", false),
    ROW("\xff", false),
    ROW("\xfe", false),
    ROW("\xc3", false), /* cut short */
    ROW("\xe9\x80", false),
    ROW("\xf0\x90\x80", false),
    ROW("\xc3(", false), /* a wrong continuation in each place */
    ROW("\xe9(\xa3", false),
    ROW("\xe9\x80(", false),
    ROW("\xf0(\x80\x80", false),
    ROW("\xf0\x90(\x80", false),
    ROW("\xf0\x90\x80(", false),
    ROW("12345678\x80", false),
    ROW("1234567\xe9\x80", false),
};
#undef ROW

START_TEST(knows_well_formed_utf8)
{
	/* In memory of its very size, so that a read behind the end is seen by the sanitizers. */
	char *exact = malloc(utf8_rows[_i].len + 1);
	ck_assert_ptr_nonnull(exact);
	char *text = exact + 1;
	memcpy(text, utf8_rows[_i].text, utf8_rows[_i].len);
	ck_assert(text_is_utf8(text, utf8_rows[_i].len) == utf8_rows[_i].good);
	free(exact);
}
END_TEST

START_TEST(measures_one_character)
{
	ck_assert_uint_eq(text_utf8_next("", 0), 0);
	ck_assert_uint_eq(text_utf8_next("ab", 2), 1);
	ck_assert_uint_eq(text_utf8_next("\xc3\xa9z", 3), 2);
	ck_assert_uint_eq(text_utf8_next("\xe9\x80\xa3z", 4), 3);
	ck_assert_uint_eq(text_utf8_next("\xf0\x9f\x94\x97z", 5), 4);
	ck_assert_uint_eq(text_utf8_next("\xf0\x9f\x94\x97", 3), 0);
	ck_assert_uint_eq(text_utf8_next("\x80", 1), 0);
}
END_TEST

static const char *const names[] = {"listen", "workers", "admin_allow", "log_level", "log_format", "data_dir", "dns"};

static const struct {
	const char *word;
	const char *nearest;
} nearest_rows[] = {
    {"listen", "listen"},
    {"Listen", "listen"},
    {"lisetn", "listen"},    /* neighbours swapped */
    {"owrkesr", "workers"},  /* twice, which replacing alone would take four letters for */
    {"lsten", "listen"},     /* a letter lost */
    {"workerss", "workers"}, /* one too many */
    {"admin-allow", "admin_allow"},
    {"admnallo", NULL}, /* three away, where a third of the word is two */
    {"loglevel", "log_level"},
    {"log_levle", "log_level"},
    {"log_fromat", "log_format"},
    {"data_directory", NULL},
    {"nds", "dns"},
    {"", NULL},
    {"x", NULL},
    {"xy", NULL}, /* all of it would have to change */
    {"peers", NULL},
    {"something else entirely", NULL},
    {"a word that is longer than any name could be, so that nobody would take it for one of them", NULL},
};

START_TEST(finds_the_name_that_was_meant)
{
	const char *nearest = text_nearest(nearest_rows[_i].word, names, ARRAY_LEN(names));
	if (nearest_rows[_i].nearest == NULL)
		ck_assert_msg(nearest == NULL, "%s for %s", nearest, nearest_rows[_i].word);
	else
		ck_assert_pstr_eq(nearest, nearest_rows[_i].nearest);
}
END_TEST

START_TEST(prefers_the_nearer_name_and_then_the_first)
{
	static const char *const alike[] = {"port_a", "port_b", "ports"};
	ck_assert_pstr_eq(text_nearest("port", alike, 3), "ports");
	ck_assert_pstr_eq(text_nearest("port_x", alike, 3), "port_a");
	ck_assert_ptr_null(text_nearest("port", alike, 0));
}
END_TEST

Suite *
suite_text(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "text", 10);
	tcase_add_loop_test(tc, reads_plain_decimal_numbers_only, 0, ARRAY_LEN(number_rows));
	tcase_add_loop_test(tc, copies_what_fits_and_says_whether_all_did, 0, ARRAY_LEN(copy_rows));
	tcase_add_loop_test(tc, knows_well_formed_utf8, 0, ARRAY_LEN(utf8_rows));
	tcase_add_test(tc, measures_one_character);
	tcase_add_loop_test(tc, finds_the_name_that_was_meant, 0, ARRAY_LEN(nearest_rows));
	tcase_add_test(tc, prefers_the_nearer_name_and_then_the_first);
	return suite;
}
