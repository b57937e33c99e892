/* Amounts: what people write, to base units and back. */
#include <inttypes.h>

#include "chain/params.h"
#include "prog/amount.h"
#include "suites.h"

static const struct {
	const char *text;
	enum err result;
	uint64_t units;
} rows[] = {
    {"1", OK, COIN},
    {"0", OK, 0},
    {"1.5", OK, COIN + COIN / 2},
    {"0.00000001", OK, 1},
    {"0.1", OK, COIN / 10},
    {"0.10000000", OK, COIN / 10},
    {"12.00000034", OK, 12 * COIN + 34},
    {"90071992.54740991", OK, MONEY_MAX},
    {"90071992.54740992", ERR_LIMIT, 0},
    {"90071993", ERR_LIMIT, 0},
    {"18446744073709551616", ERR_LIMIT, 0},
    {"184467440737.09551617", ERR_LIMIT, 0},
    {"99999999999999999999999999999999999999.5", ERR_LIMIT, 0},
    {"99999999999999999999999999999999999999x", ERR_FORMAT, 0},
    {"", ERR_FORMAT, 0},
    {".", ERR_FORMAT, 0},
    {".5", ERR_FORMAT, 0},
    {"1.", ERR_FORMAT, 0},
    {"1.000000001", ERR_FORMAT, 0},
    {"1.0000000000", ERR_FORMAT, 0},
    {"01", ERR_FORMAT, 0},
    {"00.5", ERR_FORMAT, 0},
    {"-1", ERR_FORMAT, 0},
    {"+1", ERR_FORMAT, 0},
    {" 1", ERR_FORMAT, 0},
    {"1 ", ERR_FORMAT, 0},
    {"1\n", ERR_FORMAT, 0},
    {"1e3", ERR_FORMAT, 0},
    {"0x10", ERR_FORMAT, 0},
    {"1,5", ERR_FORMAT, 0},
    {"1_000", ERR_FORMAT, 0},
    {"1.5.5", ERR_FORMAT, 0},
    {"NaN", ERR_FORMAT, 0},
    {"inf", ERR_FORMAT, 0},
};

START_TEST(reads_coins_exactly_and_refuses_everything_else)
{
	uint64_t units = 77;
	enum err result = amount_parse(&units, rows[_i].text);
	ck_assert_msg(result == rows[_i].result, "'%s' gives %d", rows[_i].text, (int)result);
	ck_assert_msg(units == (result == OK ? rows[_i].units : 77), "'%s' is %" PRIu64, rows[_i].text, units);
}
END_TEST

START_TEST(shows_the_shortest_form_that_reads_back_the_same)
{
	static const struct {
		uint64_t units;
		const char *text;
	} forms[] = {
	    {0, "0"},
	    {1, "0.00000001"},
	    {COIN, "1"},
	    {10 * COIN, "10"},
	    {COIN / 10, "0.1"},
	    {150000000, "1.5"},
	    {MONEY_MAX, "90071992.54740991"},
	};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		char text[AMOUNT_TEXT_SIZE];
		uint64_t back;
		amount_format(text, forms[i].units);
		ck_assert_str_eq(text, forms[i].text);
		ck_assert_int_eq(amount_parse(&back, text), OK);
		ck_assert(back == forms[i].units);
	}
}
END_TEST

START_TEST(shows_even_the_largest_number_whole)
{
	char text[AMOUNT_TEXT_SIZE];
	amount_format(text, UINT64_MAX);
	ck_assert_str_eq(text, "184467440737.09551615");
}
END_TEST

Suite *
suite_amount(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "amount", 10);
	tcase_add_loop_test(tc, reads_coins_exactly_and_refuses_everything_else, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, shows_the_shortest_form_that_reads_back_the_same);
	tcase_add_test(tc, shows_even_the_largest_number_whole);
	return s;
}
