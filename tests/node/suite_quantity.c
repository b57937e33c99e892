/* Quantities and places as an operator writes them. */
#include <inttypes.h>
#include <string.h>

#include "node/endpoint.h"
#include "node/quantity.h"
#include "suites.h"
#include "util/buf.h"

static const struct {
	enum quantity q;
	const char *text;
	uint64_t value;
	const char *written; /* NULL: as text */
} good_rows[] = {
    {QUANTITY_NUMBER, "0", 0, NULL},
    {QUANTITY_NUMBER, "18446744073709551615", UINT64_MAX, NULL},
    {QUANTITY_SIZE, "0", 0, NULL},
    {QUANTITY_SIZE, "1000", 1000, NULL},
    {QUANTITY_SIZE, "1024", 1024, "1K"},
    {QUANTITY_SIZE, "4096K", 4 << 20, "4M"},
    {QUANTITY_SIZE, "1GiB", 1 << 30, "1G"},
    {QUANTITY_SIZE, "1025K", 1025 << 10, NULL},
    {QUANTITY_SIZE, "16777215T", UINT64_C(16777215) << 40, NULL},
    {QUANTITY_DURATION, "0", 0, NULL},
    {QUANTITY_DURATION, "20", 20000, "20s"},
    {QUANTITY_DURATION, "500ms", 500, NULL},
    {QUANTITY_DURATION, "1500ms", 1500, NULL},
    {QUANTITY_DURATION, "90s", 90000, NULL},
    {QUANTITY_DURATION, "120s", 120000, "2m"},
    {QUANTITY_DURATION, "24h", 86400000, "1d"},
    {QUANTITY_COINS, "0", 0, NULL},
    {QUANTITY_COINS, "1", 100000000, NULL},
    {QUANTITY_COINS, "1.50", 150000000, "1.5"},
    {QUANTITY_COINS, "0.1", 10000000, NULL},
    {QUANTITY_COINS, "0.00000001", 1, NULL},
    {QUANTITY_COINS, "90071992.54740991", (UINT64_C(1) << 53) - 1, NULL},
    {QUANTITY_COINS, "184467440737.09551615", UINT64_MAX, NULL},
    {QUANTITY_TIME, "1970-01-01T00:00:00Z", 0, NULL},
    {QUANTITY_TIME, "2026-01-01T00:00:00Z", UINT64_C(1767225600000), NULL},
    {QUANTITY_TIME, "2024-02-29T23:59:59.25Z", UINT64_C(1709251199250), "2024-02-29T23:59:59.250Z"},
    {QUANTITY_TIME, "9999-12-31T23:59:59.999Z", UINT64_C(253402300799999), NULL},
};

START_TEST(reads_quantity_and_writes_it_so_that_it_reads_back)
{
	uint64_t value;
	struct buf text;
	buf_init(&text);
	ck_assert_int_eq(quantity_parse(&value, good_rows[_i].q, good_rows[_i].text), OK);
	ck_assert_msg(value == good_rows[_i].value, "%s is %" PRIu64, good_rows[_i].text, value);
	quantity_format(&text, good_rows[_i].q, value);
	ck_assert_str_eq(text.data, good_rows[_i].written != NULL ? good_rows[_i].written : good_rows[_i].text);
	ck_assert_int_eq(quantity_parse(&value, good_rows[_i].q, text.data), OK);
	ck_assert(value == good_rows[_i].value);
	buf_clear(&text);
}
END_TEST

static const struct {
	enum quantity q;
	const char *text;
	enum err e;
} bad_rows[] = {
    {QUANTITY_NUMBER, "", ERR_FORMAT},
    {QUANTITY_NUMBER, "-1", ERR_FORMAT},
    {QUANTITY_NUMBER, "+1", ERR_FORMAT},
    {QUANTITY_NUMBER, "1.0", ERR_FORMAT},
    {QUANTITY_NUMBER, "0x10", ERR_FORMAT},
    {QUANTITY_NUMBER, "007", ERR_FORMAT},
    {QUANTITY_NUMBER, "1s", ERR_FORMAT},
    {QUANTITY_NUMBER, "18446744073709551616", ERR_LIMIT},
    {QUANTITY_NUMBER, "999999999999999999999999", ERR_LIMIT},
    {QUANTITY_NUMBER, "999999999999999999999999x", ERR_FORMAT},
    {QUANTITY_SIZE, "", ERR_FORMAT},
    {QUANTITY_SIZE, "M", ERR_FORMAT},
    {QUANTITY_SIZE, "4m", ERR_FORMAT},
    {QUANTITY_SIZE, "4 M", ERR_FORMAT},
    {QUANTITY_SIZE, "1.5G", ERR_FORMAT},
    {QUANTITY_SIZE, "16777216T", ERR_LIMIT},
    {QUANTITY_DURATION, "", ERR_FORMAT},
    {QUANTITY_DURATION, "s", ERR_FORMAT},
    {QUANTITY_DURATION, "20 s", ERR_FORMAT},
    {QUANTITY_DURATION, "4M", ERR_FORMAT},
    {QUANTITY_DURATION, "1m30s", ERR_FORMAT},
    {QUANTITY_DURATION, "0.5s", ERR_FORMAT},
    {QUANTITY_DURATION, "18446744073709552", ERR_LIMIT},
    {QUANTITY_COINS, "", ERR_FORMAT},
    {QUANTITY_COINS, ".5", ERR_FORMAT},
    {QUANTITY_COINS, "1.", ERR_FORMAT},
    {QUANTITY_COINS, "1.123456789", ERR_FORMAT},
    {QUANTITY_COINS, "1e8", ERR_FORMAT},
    {QUANTITY_COINS, "1,5", ERR_FORMAT},
    {QUANTITY_COINS, "184467440737.09551616", ERR_LIMIT},
    {QUANTITY_TIME, "", ERR_FORMAT},
    {QUANTITY_TIME, "1767225600000", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01 00:00:00Z", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T00:00:00", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T00:00:00+00:00", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T00:00:00.Z", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T00:00:00.0000Z", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T00:00:00Zx", ERR_FORMAT},
    {QUANTITY_TIME, "2026-02-29T00:00:00Z", ERR_FORMAT},
    {QUANTITY_TIME, "2026-13-01T00:00:00Z", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T24:00:00Z", ERR_FORMAT},
    {QUANTITY_TIME, "2026-01-01T00:00:60Z", ERR_FORMAT},
    {QUANTITY_TIME, "1969-12-31T23:59:59Z", ERR_FORMAT},
};

START_TEST(refuses_what_is_no_quantity)
{
	uint64_t value = 42;
	ck_assert_msg(quantity_parse(&value, bad_rows[_i].q, bad_rows[_i].text) == bad_rows[_i].e, "%s",
		      bad_rows[_i].text);
	ck_assert_msg(value == 42, "%s changed the value", bad_rows[_i].text);
}
END_TEST

static const struct {
	const char *text;
	const char *host; /* NULL: refused */
	unsigned port;
} endpoint_rows[] = {
    {"10.0.0.2:5000", "10.0.0.2", 5000},
    {"[fd00::2]:1", "fd00::2", 1},
    {"node2:65535", "node2", 65535},
    {"rensa_node-2.Example.org:5000", "rensa_node-2.Example.org", 5000},
    {"3com.example:80", "3com.example", 80},
    {"", NULL, 0},
    {":5000", NULL, 0},
    {"node2", NULL, 0},
    {"node2:", NULL, 0},
    {"node2:0", NULL, 0},
    {"node2:65536", NULL, 0},
    {"node2:05000", NULL, 0},
    {"node2:50 00", NULL, 0},
    {"node 2:5000", NULL, 0},
    {"-node:5000", NULL, 0},
    {"node-:5000", NULL, 0},
    {"node..2:5000", NULL, 0},
    {"node2.:5000", NULL, 0},
    {"10.0.0:5000", NULL, 0},
    {"10.0.0.256:5000", NULL, 0},
    {"10.0.0.2.3:5000", NULL, 0},
    {"fd00::2:5000", NULL, 0},
    {"[fd00::2]", NULL, 0},
    {"[fd00::2:5000", NULL, 0},
    {"[node2]:5000", NULL, 0},
    {"0.0.0.0:5000", NULL, 0},
    {"[::]:5000", NULL, 0},
    {"http://node2:5000", NULL, 0},
    {"node2:5000/", NULL, 0},
};

START_TEST(reads_host_and_port_and_refuses_mistyped_addresses)
{
	struct endpoint e = {.port = 1};
	const char *text = endpoint_rows[_i].text;
	bool is_good = endpoint_parse(&e, text);
	ck_assert_msg(is_good == (endpoint_rows[_i].host != NULL), "%s", text);
	if (!is_good)
		return;
	struct buf written;
	buf_init(&written);
	endpoint_format(&written, &e);
	ck_assert_str_eq(e.host, endpoint_rows[_i].host);
	ck_assert_uint_eq(e.port, endpoint_rows[_i].port);
	ck_assert_str_eq(written.data, text);
	buf_clear(&written);
}
END_TEST

START_TEST(refuses_host_names_beyond_the_length_that_dns_allows)
{
	struct endpoint e;
	char text[ENDPOINT_HOST_MAX + 8];
	for (size_t i = 0; i < ENDPOINT_HOST_MAX + 1; i++)
		text[i] = i % 60 == 59 ? '.' : 'a';
	strcpy(text + ENDPOINT_HOST_MAX, ":1");
	ck_assert(endpoint_parse(&e, text));
	strcpy(text + ENDPOINT_HOST_MAX, "a:1");
	ck_assert(!endpoint_parse(&e, text));
	memset(text, 'a', 64);
	strcpy(text + 63, ":1");
	ck_assert(endpoint_parse(&e, text));
	strcpy(text + 63, "a:1");
	ck_assert(!endpoint_parse(&e, text));
}
END_TEST

static const struct {
	const char *text;
	unsigned first, last; /* 0: refused */
} port_rows[] = {
    {"5000", 5000, 5000}, {"5000-5002", 5000, 5002}, {"1-65535", 1, 65535}, {"", 0, 0},	   {"0", 0, 0},
    {"5002-5000", 0, 0},  {"5000-", 0, 0},	     {"-5000", 0, 0},	    {"a", 0, 0},   {"5000-65536", 0, 0},
    {"5000 -5002", 0, 0}, {"5000-5001-5002", 0, 0},  {"5000,5001", 0, 0},   {"0-5", 0, 0}, {"1234567", 0, 0},
};

START_TEST(reads_ranges_of_ports)
{
	struct port_range r = {0};
	const char *text = port_rows[_i].text;
	bool is_good = port_range_parse(&r, text);
	ck_assert_msg(is_good == (port_rows[_i].first > 0), "%s", text);
	ck_assert_uint_eq(r.first, port_rows[_i].first);
	ck_assert_uint_eq(r.last, port_rows[_i].last);
	struct buf written;
	buf_init(&written);
	port_range_format(&written, &r);
	if (is_good)
		ck_assert_str_eq(written.data, text);
	else
		ck_assert_uint_eq(written.len, 0);
	buf_clear(&written);
}
END_TEST

Suite *
suite_quantity(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "quantity", 10);
	tcase_add_loop_test(tc, reads_quantity_and_writes_it_so_that_it_reads_back, 0, ARRAY_LEN(good_rows));
	tcase_add_loop_test(tc, refuses_what_is_no_quantity, 0, ARRAY_LEN(bad_rows));
	tcase_add_loop_test(tc, reads_host_and_port_and_refuses_mistyped_addresses, 0, ARRAY_LEN(endpoint_rows));
	tcase_add_test(tc, refuses_host_names_beyond_the_length_that_dns_allows);
	tcase_add_loop_test(tc, reads_ranges_of_ports, 0, ARRAY_LEN(port_rows));
	return suite;
}
