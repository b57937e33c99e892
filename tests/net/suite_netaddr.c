/* Addresses and ranges: what text means, and which text means nothing. */
#include <netinet/in.h>
#include <string.h>

#include "net/netaddr.h"
#include "suites.h"

static const struct {
	const char *text;
	const char *formatted; /* NULL: refused */
} addresses[] = {
    {"10.0.0.1:5000", "10.0.0.1:5000"},
    {"255.255.255.255:65535", "255.255.255.255:65535"},
    {"[::1]:5000", "[::1]:5000"},
    {"[2001:DB8:0::1]:1", "[2001:db8::1]:1"},
    {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"[::ffff:10.0.0.1]:5000", "10.0.0.1:5000"},
    {"", NULL},
    {":5000", NULL},
    {"10.0.0.1", NULL},
    {"10.0.0.1:", NULL},
    {"10.0.0.1:0", NULL},
    {"10.0.0.1:65536", NULL},
    {"10.0.0.1:05000", NULL},
    {"10.0.0.1:+5", NULL},
    {"10.0.0.1:5000 ", NULL},
    {" 10.0.0.1:5000", NULL},
    {"10.0.0:5000", NULL},
    {"010.0.0.1:5000", NULL},
    {"10.0.0.256:5000", NULL},
    {"localhost:5000", NULL},
    {"::1:5000", NULL},
    {"[::1]", NULL},
    {"[::1]5000", NULL},
    {"[::1:5000", NULL},
    {"[10.0.0.1]:5000", NULL},
    {"[fe80::1%eth0]:5000", NULL},
    {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", NULL},
};

START_TEST(reads_numeric_addresses_only)
{
	struct netaddr a;
	char text[NETADDR_TEXT_SIZE];
	memset(&a, 0x55, sizeof(a));
	struct netaddr before = a;
	enum err e = netaddr_parse(&a, addresses[_i].text);
	if (addresses[_i].formatted == NULL) {
		ck_assert_msg(e == ERR_FORMAT, "%s", addresses[_i].text);
		ck_assert_mem_eq(&a, &before, sizeof(a));
		return;
	}
	ck_assert_int_eq(e, OK);
	netaddr_format(text, &a);
	ck_assert_str_eq(text, addresses[_i].formatted);

	struct sockaddr_storage sa;
	struct netaddr back;
	ck_assert_uint_eq(netaddr_to_sockaddr(&sa, &a),
			  a.is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	ck_assert_int_eq(netaddr_from_sockaddr(&back, (const struct sockaddr *)&sa), OK);
	ck_assert(netaddr_equal(&a, &back));
}
END_TEST

START_TEST(refuses_socket_addresses_of_other_families)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};
	struct netaddr a;
	ck_assert_int_eq(netaddr_from_sockaddr(&a, &sa), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(formats_addresses_without_port)
{
	struct netaddr a;
	char text[NETADDR_TEXT_SIZE];
	ck_assert_int_eq(netaddr_parse_ip(&a, "::1"), OK);
	netaddr_format(text, &a);
	ck_assert_str_eq(text, "::1");
	a.port = 80;
	netaddr_format_ip(text, &a);
	ck_assert_str_eq(text, "::1");
	ck_assert_int_eq(netaddr_parse_ip(&a, "10.0.0.1:80"), ERR_FORMAT);
	ck_assert_int_eq(netaddr_parse_ip(&a, ""), ERR_FORMAT);
}
END_TEST

START_TEST(orders_addresses_by_family_then_ip_then_port)
{
	static const char *const sorted[] = {"9.255.255.255:2", "10.0.0.1:1", "10.0.0.1:5000", "[::1]:1", "[fe80::]:1"};
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			struct netaddr a, b;
			ck_assert_int_eq(netaddr_parse(&a, sorted[i]), OK);
			ck_assert_int_eq(netaddr_parse(&b, sorted[j]), OK);
			ck_assert_int_eq(netaddr_compare(&a, &b), (i > j) - (i < j));
			ck_assert_int_eq(netaddr_equal(&a, &b), i == j);
		}
}
END_TEST

START_TEST(knows_special_addresses)
{
	static const struct {
		const char *ip;
		bool is_loopback, is_link_local, is_any;
	} rows[] = {
	    {"127.0.0.1", true, false, false},	  {"127.255.0.9", true, false, false},
	    {"128.0.0.1", false, false, false},	  {"::1", true, false, false},
	    {"::2", false, false, false},	  {"169.254.1.1", false, true, false},
	    {"169.255.1.1", false, false, false}, {"fe80::1", false, true, false},
	    {"febf::1", false, true, false},	  {"fec0::1", false, false, false},
	    {"0.0.0.0", false, false, true},	  {"::", false, false, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct netaddr a;
		ck_assert_int_eq(netaddr_parse_ip(&a, rows[i].ip), OK);
		ck_assert_msg(netaddr_is_loopback(&a) == rows[i].is_loopback, "%s", rows[i].ip);
		ck_assert_msg(netaddr_is_link_local(&a) == rows[i].is_link_local, "%s", rows[i].ip);
		ck_assert_msg(netaddr_is_any(&a) == rows[i].is_any, "%s", rows[i].ip);
	}
}
END_TEST

START_TEST(resolves_numeric_hosts_and_localhost)
{
	struct netaddr found[4];
	size_t count;
	ck_assert_int_eq(netaddr_resolve(found, 4, &count, "10.0.0.1", 5000), OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(found[0].port, 5000);
	ck_assert_int_eq(netaddr_resolve(found, 4, &count, "localhost", 5000), OK);
	ck_assert_uint_ge(count, 1);
	for (size_t i = 0; i < count; i++) {
		ck_assert(netaddr_is_loopback(&found[i]));
		ck_assert_uint_eq(found[i].port, 5000);
		for (size_t j = 0; j < i; j++)
			ck_assert(!netaddr_equal(&found[i], &found[j]));
	}
	ck_assert_int_eq(netaddr_resolve(found, 0, &count, "10.0.0.1", 5000), OK);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static const struct {
	const char *text;
	enum err err;
	const char *first, *last;
	uint64_t count;
} ranges[] = {
    {"10.0.0.2-10.0.0.9", OK, "10.0.0.2", "10.0.0.9", 8},
    {"10.0.0.255-10.0.1.1", OK, "10.0.0.255", "10.0.1.1", 3},
    {"10.0.0.7", OK, "10.0.0.7", "10.0.0.7", 1},
    {"10.0.0.7-10.0.0.7", OK, "10.0.0.7", "10.0.0.7", 1},
    {"10.0.0.0/24", OK, "10.0.0.1", "10.0.0.254", 254},
    {"10.0.0.77/24", OK, "10.0.0.1", "10.0.0.254", 254},
    {"10.0.0.0/30", OK, "10.0.0.1", "10.0.0.2", 2},
    {"10.0.0.0/31", OK, "10.0.0.0", "10.0.0.1", 2},
    {"10.0.0.9/32", OK, "10.0.0.9", "10.0.0.9", 1},
    {"10.0.0.0/8", OK, "10.0.0.1", "10.255.255.254", (1 << 24) - 2},
    {"0.0.0.0-0.255.255.255", OK, "0.0.0.0", "0.255.255.255", 1 << 24},
    {"2001:db8::1-2001:db8::1:0", OK, "2001:db8::1", "2001:db8::1:0", 0x10000},
    {"2001:db8::/120", OK, "2001:db8::", "2001:db8::ff", 256},
    {"2001:db8::/104", OK, "2001:db8::", "2001:db8::ff:ffff", 1 << 24},
    {"::1/128", OK, "::1", "::1", 1},
    {"10.0.0.0/7", ERR_LIMIT, NULL, NULL, 0},
    {"0.0.0.0/0", ERR_LIMIT, NULL, NULL, 0},
    {"0.0.0.0-1.0.0.0", ERR_LIMIT, NULL, NULL, 0},
    {"0.0.0.0-255.255.255.255", ERR_LIMIT, NULL, NULL, 0},
    {"2001:db8::/64", ERR_LIMIT, NULL, NULL, 0},
    {"::/0", ERR_LIMIT, NULL, NULL, 0},
    {"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ERR_LIMIT, NULL, NULL, 0},
    {"10.0.0.9-10.0.0.2", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.2-::1", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.2-", ERR_FORMAT, NULL, NULL, 0},
    {"-10.0.0.2", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.0/33", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.0/", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.0/-1", ERR_FORMAT, NULL, NULL, 0},
    {"::/129", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.2 - 10.0.0.9", ERR_FORMAT, NULL, NULL, 0},
    {"10.0.0.2-10.0.0.9-10.0.0.12", ERR_FORMAT, NULL, NULL, 0},
    {"", ERR_FORMAT, NULL, NULL, 0},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ERR_FORMAT, NULL, NULL, 0},
};

START_TEST(reads_ranges_and_counts_them)
{
	struct netrange r;
	char text[NETADDR_TEXT_SIZE];
	ck_assert_msg(netrange_parse(&r, ranges[_i].text) == ranges[_i].err, "%s", ranges[_i].text);
	if (ranges[_i].err != OK)
		return;
	netaddr_format(text, &r.first);
	ck_assert_str_eq(text, ranges[_i].first);
	netaddr_format(text, &r.last);
	ck_assert_str_eq(text, ranges[_i].last);
	ck_assert_uint_eq(netrange_count(&r), ranges[_i].count);

	struct netaddr first = netrange_at(&r, 0, 0);
	struct netaddr last = netrange_at(&r, ranges[_i].count - 1, 80);
	struct netaddr beyond = netrange_at(&r, ranges[_i].count, 0);
	ck_assert(netaddr_equal(&first, &r.first));
	ck_assert(netaddr_same_ip(&last, &r.last));
	ck_assert_uint_eq(last.port, 80);
	ck_assert(netrange_contains(&r, &first));
	ck_assert(netrange_contains(&r, &last));
	ck_assert(!netrange_contains(&r, &beyond));
}
END_TEST

START_TEST(contains_only_its_own_family)
{
	struct netrange r;
	struct netaddr a;
	ck_assert_int_eq(netrange_parse(&r, "0.0.0.0/8"), OK);
	ck_assert_int_eq(netaddr_parse_ip(&a, "::5"), OK);
	ck_assert(!netrange_contains(&r, &a));
}
END_TEST

Suite *
suite_netaddr(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "netaddr", 30);
	tcase_add_loop_test(tc, reads_numeric_addresses_only, 0, (int)ARRAY_LEN(addresses));
	tcase_add_test(tc, refuses_socket_addresses_of_other_families);
	tcase_add_test(tc, formats_addresses_without_port);
	tcase_add_test(tc, orders_addresses_by_family_then_ip_then_port);
	tcase_add_test(tc, knows_special_addresses);
	tcase_add_test(tc, resolves_numeric_hosts_and_localhost);
	tcase_add_loop_test(tc, reads_ranges_and_counts_them, 0, (int)ARRAY_LEN(ranges));
	tcase_add_test(tc, contains_only_its_own_family);
	return suite;
}
