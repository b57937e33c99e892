/* Which address comes next, and how many neighbours are asked for at once. */
#include "peer/scan.h"

#include <string.h>

#include "suites.h"

static struct netrange ranges[2];
static struct scan scan;
static uint64_t wait_ms;

static void
scan_over(const char *first, const char *second, uint16_t port_first, uint16_t port_last)
{
	ck_assert_int_eq(netrange_parse(&ranges[0], first), OK);
	if (second != NULL)
		ck_assert_int_eq(netrange_parse(&ranges[1], second), OK);
	scan_init(&scan, ranges, second != NULL ? 2 : 1, port_first, port_last);
	scan_begin(&scan);
	/* Whatever this machine is attached to. */
	scan.onlink.count = 0;
}

static void
attach(const char *base, uint32_t bits)
{
	struct netaddr at;

	ck_assert_int_eq(netaddr_parse_ip(&at, base), OK);
	onlink_add(&scan.onlink, &at, bits);
}

/* How many addresses come before it ends or has to wait. */
static uint64_t
run(uint64_t now_ms, enum scan_step *end)
{
	struct netaddr at;
	uint64_t count = 0;

	while ((*end = scan_next(&scan, &at, &wait_ms, now_ms)) == SCAN_ADDRESS)
		count++;
	return count;
}

static const struct {
	const char *first, *second;
	uint16_t port_first, port_last;
	uint64_t count;
} rows[] = {
    {"10.0.0.0/24", NULL, 5000, 5002, 762},
    {"10.0.0.1", NULL, 65535, 65535, 1},
    {"10.0.0.1", NULL, 1, 65535, 65535},
    {"10.0.0.0/16", NULL, 5000, 5000, 65534},
    {"10.0.0.1-10.0.0.9", "10.0.0.5-10.0.0.12", 1, 2, 24},
    {"10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", 1, 1, 9},
    {"0.0.0.0-0.0.0.3", NULL, 1, 1, 3},
    {"fd00::/120", NULL, 5000, 5000, 256},
    {"::/126", "10.0.0.1", 5000, 5001, 8},
};

START_TEST(comes_by_each_address_once_and_ends)
{
	enum scan_step end;

	scan_over(rows[_i].first, rows[_i].second, rows[_i].port_first, rows[_i].port_last);
	ck_assert_uint_eq(run(0, &end), rows[_i].count);
	ck_assert_int_eq(end, SCAN_OVER);
	ck_assert(!scan.is_on);
	ck_assert_uint_eq(run(0, &end), 0);
	scan_begin(&scan);
	scan.onlink.count = 0;
	ck_assert_uint_eq(run(0, &end), rows[_i].count);
}
END_TEST

START_TEST(takes_all_ports_of_a_host_in_a_row)
{
	struct netaddr at;

	scan_over("10.0.0.1-10.0.0.2", NULL, 7, 9);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_int_eq(scan_next(&scan, &at, &wait_ms, 0), SCAN_ADDRESS);
		ck_assert_uint_eq(at.ip[3], 1 + i / 3);
		ck_assert_uint_eq(at.port, 7 + i % 3);
	}
}
END_TEST

START_TEST(without_ports_there_is_nothing_to_scan)
{
	enum scan_step end;

	scan_over("10.0.0.0/24", NULL, 0, 0);
	ck_assert(!scan.is_on);
	ck_assert_uint_eq(run(0, &end), 0);
}
END_TEST

/* At any moment no more than a window's worth were asked for within its time. */
START_TEST(absent_neighbours_never_fill_the_table)
{
	uint64_t count = 0, now_ms = 5000;
	enum scan_step end;

	scan_over("10.0.0.0/16", NULL, 5000, 5001);
	attach("10.0.200.7", 16);
	for (;;) {
		uint64_t came = run(now_ms, &end);
		ck_assert_uint_le(came, 2 * SCAN_NEIGHBOURS_MAX);
		count += came;
		if (end == SCAN_OVER)
			break;
		ck_assert_uint_eq(came, 2 * SCAN_NEIGHBOURS_MAX);
		ck_assert_uint_eq(wait_ms, SCAN_NEIGHBOURS_MS);
		ck_assert_uint_eq(run(now_ms + SCAN_NEIGHBOURS_MS - 1, &end), 0);
		now_ms += SCAN_NEIGHBOURS_MS;
	}
	ck_assert_uint_eq(count, 2 * 65534);
	/* 65,534 hosts, 800 within each window. */
	ck_assert_uint_eq((now_ms - 5000) / SCAN_NEIGHBOURS_MS, 65534 / SCAN_NEIGHBOURS_MAX);
}
END_TEST

START_TEST(the_window_slides)
{
	struct netaddr at;

	scan_over("10.0.0.0/16", NULL, 1, 1);
	attach("10.0.0.1", 16);
	for (uint64_t i = 0; i < SCAN_NEIGHBOURS_MAX; i++)
		ck_assert_int_eq(scan_next(&scan, &at, &wait_ms, 1000 + i), SCAN_ADDRESS);
	ck_assert_int_eq(scan_next(&scan, &at, &wait_ms, 1000 + SCAN_NEIGHBOURS_MAX), SCAN_LATER);
	ck_assert_uint_eq(wait_ms, SCAN_NEIGHBOURS_MS - SCAN_NEIGHBOURS_MAX);
	/* As each leaves, one may come; also if the scan begins again. */
	scan_begin(&scan);
	scan.onlink.count = 0;
	attach("10.0.0.1", 16);
	ck_assert_int_eq(scan_next(&scan, &at, &wait_ms, 1000 + SCAN_NEIGHBOURS_MS), SCAN_ADDRESS);
	ck_assert_int_eq(scan_next(&scan, &at, &wait_ms, 1000 + SCAN_NEIGHBOURS_MS), SCAN_LATER);
	ck_assert_uint_eq(wait_ms, 1);
}
END_TEST

START_TEST(those_behind_a_gateway_are_not_held_up)
{
	enum scan_step end;

	scan_over("10.0.0.0/16", NULL, 1, 1);
	attach("192.168.0.1", 16);
	attach("fd00::1", 64);
	ck_assert_uint_eq(run(0, &end), 65534);
	ck_assert_int_eq(end, SCAN_OVER);
}
END_TEST

START_TEST(knows_what_it_will_come_to)
{
	struct netaddr at;

	scan_over("10.0.0.0/24", "fd00::/126", 5000, 5002);
	ck_assert_int_eq(netaddr_parse(&at, "10.0.0.7:5002"), OK);
	ck_assert(scan_has_host(&scan, &at) && scan_covers(&scan, &at));
	at.port = 5003;
	ck_assert(scan_has_host(&scan, &at) && !scan_covers(&scan, &at));
	ck_assert_int_eq(netaddr_parse(&at, "[fd00::3]:5000"), OK);
	ck_assert(scan_covers(&scan, &at));
	ck_assert_int_eq(netaddr_parse(&at, "10.0.1.7:5000"), OK);
	ck_assert(!scan_has_host(&scan, &at) && !scan_covers(&scan, &at));
	scan_over("10.0.1.0/24", NULL, 0, 0);
	ck_assert(!scan_has_host(&scan, &at));
}
END_TEST

Suite *
suite_scan(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "scan", 30);

	tcase_add_loop_test(tc, comes_by_each_address_once_and_ends, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, takes_all_ports_of_a_host_in_a_row);
	tcase_add_test(tc, without_ports_there_is_nothing_to_scan);
	tcase_add_test(tc, absent_neighbours_never_fill_the_table);
	tcase_add_test(tc, the_window_slides);
	tcase_add_test(tc, those_behind_a_gateway_are_not_held_up);
	tcase_add_test(tc, knows_what_it_will_come_to);
	return suite;
}
