/* The header Date. */
#include "net/httpd_date.h"

#include <check.h>
#include <string.h>

#include "suites.h"
#include "util/clock.h"

START_TEST(writes_a_date_as_http_has_it)
{
	static const struct {
		uint64_t wall_ms;
		const char *text;
	} rows[] = {
	    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
	    {784111777000, "Sun, 06 Nov 1994 08:49:37 GMT"},
	    {784111777999, "Sun, 06 Nov 1994 08:49:37 GMT"},
	    {951827696000, "Tue, 29 Feb 2000 12:34:56 GMT"},
	    {4102444799000, "Thu, 31 Dec 2099 23:59:59 GMT"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[HTTP_DATE_SIZE];
		http_date_format(text, rows[i].wall_ms);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(writes_the_date_of_today)
{
	/* A second may pass between the two. */
	for (int tries = 0; tries < 5; tries++) {
		char text[HTTP_DATE_SIZE];
		http_date_format(text, clock_wall_ms());
		if (strcmp(text, http_date()) == 0)
			return;
	}
	ck_abort_msg("%s", http_date());
}
END_TEST

Suite *
suite_httpd_date(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd-date", 60);
	tcase_add_test(tc, writes_a_date_as_http_has_it);
	tcase_add_test(tc, writes_the_date_of_today);
	return suite;
}
