/* Which addresses are neighbours, and which part of the net an address lies in. */
#include "net/onlink.h"

#include "suites.h"

static struct netaddr
address(const char *text)
{
	struct netaddr at;

	ck_assert_int_eq(netaddr_parse_ip(&at, text), OK);
	return at;
}

static const struct {
	const char *base;
	uint32_t bits;
	const char *at;
	bool is_on;
} rows[] = {
    {"10.1.2.3", 24, "10.1.2.99", true},
    {"10.1.2.3", 24, "10.1.3.3", false},
    {"10.1.2.3", 23, "10.1.3.3", true},
    {"10.1.2.3", 23, "10.1.4.3", false},
    {"10.1.2.3", 32, "10.1.2.3", true},
    {"10.1.2.3", 32, "10.1.2.2", false},
    {"10.1.2.3", 0, "200.1.2.2", true},
    {"10.1.2.3", 0, "fd00::1", false},
    {"fd00::1", 64, "fd00::ffff:ffff:1:1", true},
    {"fd00::1", 64, "fd00:0:0:1::1", false},
    {"fd00::1", 128, "fd00::1", true},
    {"fd00::1", 125, "fd00::8", false},
    {"fd00::1", 8, "10.0.0.1", false},
};

START_TEST(a_network_holds_what_shares_its_prefix)
{
	struct onlink o = {.count = 0};
	struct netaddr base = address(rows[_i].base), at = address(rows[_i].at);

	ck_assert(!onlink_has(&o, &at));
	onlink_add(&o, &base, rows[_i].bits);
	ck_assert(onlink_has(&o, &at) == rows[_i].is_on);
}
END_TEST

START_TEST(more_networks_than_there_is_room_for_are_left_out)
{
	struct onlink o = {.count = 0};
	struct netaddr base = address("10.0.0.1"), last = address("11.0.0.1");

	for (int i = 0; i < ONLINK_MAX; i++)
		onlink_add(&o, &base, 8);
	onlink_add(&o, &last, 8);
	ck_assert(onlink_has(&o, &base) && !onlink_has(&o, &last));
}
END_TEST

START_TEST(this_host_itself_is_no_neighbour_by_its_loopback)
{
	struct netaddr loopback = address("127.0.0.1"), loopback6 = address("::1");
	struct onlink o;

	onlink_read(&o);
	ck_assert_uint_le(o.count, ONLINK_MAX);
	ck_assert(!onlink_has(&o, &loopback) && !onlink_has(&o, &loopback6));
}
END_TEST

static const struct {
	const char *a, *b;
	bool is_same;
} groups[] = {
    {"10.1.2.3", "10.1.200.9", true},	   {"10.1.2.3", "10.2.2.3", false}, {"2001:db8::1", "2001:db8:ff::2", true},
    {"2001:db8::1", "2001:db9::1", false}, {"0.0.0.0", "::", false},	    {"0.10.0.0", "0:a::", false},
    {"::ffff:10.1.0.1", "10.1.2.3", true},
};

START_TEST(groups_are_by_prefix_and_family)
{
	struct netaddr a = address(groups[_i].a), b = address(groups[_i].b);

	ck_assert((netaddr_group(&a) == netaddr_group(&b)) == groups[_i].is_same);
	ck_assert_uint_ne(netaddr_group(&a), 0);
	ck_assert_uint_ne(netaddr_group(&b), 0);
}
END_TEST

Suite *
suite_onlink(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "onlink", 30);

	tcase_add_loop_test(tc, a_network_holds_what_shares_its_prefix, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, more_networks_than_there_is_room_for_are_left_out);
	tcase_add_test(tc, this_host_itself_is_no_neighbour_by_its_loopback);
	tcase_add_loop_test(tc, groups_are_by_prefix_and_family, 0, ARRAY_LEN(groups));
	return suite;
}
