/* Places to dial and ranges of ports, as an operator writes them. */
#include "node/endpoint.h"

#include <string.h>

#include "suites.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text, *host;
	uint16_t port;
} good[] = {
    {"10.0.0.2:5000", "10.0.0.2", 5000},
    {"[fd00::2]:5000", "fd00::2", 5000},
    {"node2.example:1", "node2.example", 1},
    {"node_2:65535", "node_2", 65535},
    {"a-b.c:80", "a-b.c", 80},
    {"2nd.example:80", "2nd.example", 80},
    {"1.2.3.example:80", "1.2.3.example", 80},
    {LABEL_63 ".example:80", LABEL_63 ".example", 80},
};

START_TEST(a_place_is_an_address_or_a_name_with_a_port)
{
	struct endpoint e;
	struct buf text;

	ck_assert_msg(endpoint_parse(&e, good[_i].text), "%s", good[_i].text);
	ck_assert_str_eq(e.host, good[_i].host);
	ck_assert_uint_eq(e.port, good[_i].port);
	buf_init(&text);
	endpoint_format(&text, &e);
	ck_assert_str_eq(text.data, good[_i].text);
	buf_clear(&text);
}
END_TEST

static const char *const bad[] = {
    "",
    "node",
    "node:",
    ":5000",
    "node:0",
    "node:65536",
    "node:5000x",
    "node:-1",
    "0.0.0.0:5000",
    "[::]:5000",
    "fd00::2",
    "[fd00::2]",
    "-a.b:80",
    "a-.b:80",
    "a..b:80",
    ".a:80",
    "a.:80",
    "a b:80",
    "a/b:80",
    /* A mistyped address would be looked up as a name for ever. */
    "10.0.0.256:80",
    "10.0.0:80",
    "10.0.0.2.3:80",
    "5000:80",
    LABEL_63 "a.example:80",
};

START_TEST(what_cannot_be_dialled_is_refused)
{
	struct endpoint e;

	ck_assert_msg(!endpoint_parse(&e, bad[_i]), "%s", bad[_i]);
}
END_TEST

START_TEST(a_name_has_at_most_253_letters)
{
	char text[ENDPOINT_HOST_MAX + 16];
	struct endpoint e;

	for (size_t i = 0; i < ENDPOINT_HOST_MAX; i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	strcpy(text + ENDPOINT_HOST_MAX, ":80");
	ck_assert(endpoint_parse(&e, text));
	ck_assert_uint_eq(strlen(e.host), ENDPOINT_HOST_MAX);
	strcpy(text + ENDPOINT_HOST_MAX, "a:80");
	ck_assert(!endpoint_parse(&e, text));
}
END_TEST

START_TEST(a_range_of_ports_is_one_or_two_of_them_in_order)
{
	static const struct {
		const char *text;
		uint16_t first, last;
	} ranges[] = {{"5000", 5000, 5000}, {"5000-5002", 5000, 5002}, {"1-65535", 1, 65535}};
	static const char *const no_ranges[] = {"",	 "0",	       "0-5",	 "5002-5000", "5000-",
						"-5000", "5000-70000", "500000", "a-b",	      "1-2-3"};
	struct port_range r;
	struct buf text;

	buf_init(&text);
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		ck_assert_msg(port_range_parse(&r, ranges[i].text), "%s", ranges[i].text);
		ck_assert_uint_eq(r.first, ranges[i].first);
		ck_assert_uint_eq(r.last, ranges[i].last);
		buf_reset(&text);
		port_range_format(&text, &r);
		ck_assert_str_eq(text.data, ranges[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(no_ranges); i++)
		ck_assert_msg(!port_range_parse(&r, no_ranges[i]), "%s", no_ranges[i]);
	buf_reset(&text);
	port_range_format(&text, &(struct port_range){0});
	ck_assert_uint_eq(text.len, 0);
	buf_clear(&text);
}
END_TEST

Suite *
suite_endpoint(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "endpoint", 10);

	tcase_add_loop_test(tc, a_place_is_an_address_or_a_name_with_a_port, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, what_cannot_be_dialled_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, a_name_has_at_most_253_letters);
	tcase_add_test(tc, a_range_of_ports_is_one_or_two_of_them_in_order);
	return suite;
}
