#include "peer/finder.h"

#include <string.h>

#include "kit.h"
#include "suites.h"
#include "util/file.h"

#define REPORTS_MAX 256
#define LONG_MS 60000

static struct loop *loop;
static struct finder *finder;
static struct finder_options options;
static struct finder_name names[8];
static char hosts[8][NETADDR_TEXT_SIZE];
static struct netrange ranges[2];

static struct {
	struct netaddr at;
	enum finder_source source;
	enum probe_result probe;
	enum handshake_outcome outcome; /* if shaken */
	bool is_shaken;
} reports[REPORTS_MAX];
static unsigned report_count, rounds, hellos;

static void
enter(void)
{
	loop = loop_new();
	memset(&options, 0, sizeof(options));
	options.names = names;
	options.scan_hosts = ranges;
	options.scan_rate = 10000;
	options.probes_open_max = 512;
	options.probe_timeout_ms = 5000;
	options.handshake_timeout_ms = LONG_MS;
	finder = NULL;
	report_count = rounds = hellos = 0;
}

static void
leave(void)
{
	finder_free(finder);
	loop_free(loop);
}

static void
fill_hello(void *ctx, struct hello *ours)
{
	(void)ctx;
	*ours = kit_hello(1);
	hellos++;
}

static void
reported(void *ctx, const struct finder_report *r)
{
	(void)ctx;
	ck_assert_uint_lt(report_count, REPORTS_MAX);
	reports[report_count].at = r->at;
	reports[report_count].source = r->source;
	reports[report_count].probe = r->probe;
	reports[report_count].is_shaken = r->handshake != NULL;
	if (r->handshake != NULL)
		reports[report_count].outcome = r->handshake->outcome;
	report_count++;
}

static void
round_done(void *ctx)
{
	(void)ctx;
	rounds++;
}

static void
add_name(const char *host, uint16_t port, bool is_dns)
{
	names[options.name_count++] = (struct finder_name){host, port, is_dns};
}

static void
add_static(const struct netaddr *at)
{
	netaddr_format_ip(hosts[options.name_count], at);
	add_name(hosts[options.name_count], at->port, false);
}

static void
scan_ports(uint16_t first, uint16_t last)
{
	ck_assert_int_eq(netrange_parse(&ranges[0], "127.0.0.1"), OK);
	options.scan_host_count = 1;
	options.scan_port_first = first;
	options.scan_port_last = last;
}

static void
begin(void)
{
	static const struct finder_callbacks callbacks = {fill_hello, reported, round_done};

	finder = finder_new(loop, &options, &callbacks, NULL);
}

static void
whole_round(const struct netaddr *known, size_t count)
{
	unsigned before = rounds;

	finder_round(finder, known, count, NULL, 0);
	ck_assert_uint_eq(rounds, before);
	ck_assert(finder_is_busy(finder));
	kit_until(loop, rounds > before);
	ck_assert(!finder_is_busy(finder));
}

static unsigned
reports_of(const struct netaddr *at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < report_count; i++)
		n += netaddr_equal(&reports[i].at, at);
	return n;
}

START_TEST(a_round_without_sources_ends_once)
{
	begin();
	whole_round(NULL, 0);
	kit_settle(loop);
	ck_assert_uint_eq(rounds, 1);
	ck_assert_uint_eq(report_count, 0);
	whole_round(NULL, 0);
	kit_settle(loop);
	ck_assert_uint_eq(rounds, 2);
}
END_TEST

START_TEST(each_address_is_tried_once_a_round_and_a_static_one_is_called_so)
{
	struct actor a;

	actor_start(&a, loop, NULL);
	add_static(&a.at);
	add_static(&a.at);
	scan_ports(a.at.port, a.at.port);
	begin();
	whole_round(&a.at, 1);
	ck_assert_uint_eq(report_count, 1);
	ck_assert_int_eq(reports[0].source, SOURCE_STATIC);
	ck_assert_int_eq(reports[0].outcome, HANDSHAKE_UP);
	ck_assert_uint_eq(a.asked[REQUEST_HELLO], 1);
	whole_round(&a.at, 1);
	ck_assert_uint_eq(report_count, 2);
	actor_stop(&a);
}
END_TEST

START_TEST(all_sources_are_merged)
{
	struct actor by_name, by_scan, known;
	struct netaddr refused = kit_closed();

	actor_start(&by_name, loop, NULL);
	actor_start(&by_scan, loop, NULL);
	actor_start(&known, loop, NULL);
	add_static(&refused);
	add_name("localhost", by_name.at.port, true);
	scan_ports(by_scan.at.port, by_scan.at.port);
	begin();
	whole_round(&known.at, 1);
	ck_assert_uint_eq(reports_of(&by_name.at), 1);
	ck_assert_uint_eq(reports_of(&by_scan.at), 1);
	ck_assert_uint_eq(reports_of(&known.at), 1);
	ck_assert_uint_eq(reports_of(&refused), 1);
	for (unsigned i = 0; i < report_count; i++) {
		if (netaddr_equal(&reports[i].at, &by_name.at))
			ck_assert_int_eq(reports[i].source, SOURCE_DNS);
		if (netaddr_equal(&reports[i].at, &by_scan.at))
			ck_assert_int_eq(reports[i].source, SOURCE_SCAN);
		if (netaddr_equal(&reports[i].at, &known.at))
			ck_assert_int_eq(reports[i].source, SOURCE_HINT);
		if (netaddr_equal(&reports[i].at, &refused))
			ck_assert_int_eq(reports[i].outcome, HANDSHAKE_REFUSED);
	}
	actor_stop(&by_name);
	actor_stop(&by_scan);
	actor_stop(&known);
}
END_TEST

START_TEST(what_a_name_stood_for_keeps_its_source_in_later_rounds)
{
	struct actor a;

	actor_start(&a, loop, NULL);
	add_name("localhost", a.at.port, false);
	begin();
	whole_round(NULL, 0);
	report_count = 0;
	whole_round(&a.at, 1);
	ck_assert_uint_eq(reports_of(&a.at), 1);
	for (unsigned i = 0; i < report_count; i++)
		ck_assert_int_eq(reports[i].source, SOURCE_STATIC);
	actor_stop(&a);
}
END_TEST

START_TEST(a_scan_probes_each_port_once_though_ranges_overlap)
{
	struct netaddr at = kit_closed();

	scan_ports(at.port, at.port);
	ck_assert_int_eq(netrange_parse(&ranges[0], "127.0.0.2-127.0.0.5"), OK);
	ck_assert_int_eq(netrange_parse(&ranges[1], "127.0.0.4-127.0.0.8"), OK);
	options.scan_host_count = 2;
	begin();
	whole_round(NULL, 0);
	ck_assert_uint_eq(report_count, 7);
	for (unsigned i = 0; i < report_count; i++) {
		ck_assert_uint_eq(reports_of(&reports[i].at), 1);
		ck_assert(!reports[i].is_shaken);
		ck_assert_int_eq(reports[i].probe, PROBE_REFUSED);
		ck_assert_int_eq(reports[i].source, SOURCE_SCAN);
	}
	ck_assert_uint_eq(hellos, 0);
}
END_TEST

START_TEST(a_scan_covers_all_addresses_and_ports)
{
	scan_ports(1, 3);
	ck_assert_int_eq(netrange_parse(&ranges[0], "127.0.1.1-127.0.1.80"), OK);
	begin();
	whole_round(NULL, 0);
	ck_assert_uint_eq(report_count, 240);
}
END_TEST

START_TEST(a_scan_leaves_out_the_address_that_is_nobodys)
{
	struct netaddr loopback;

	scan_ports(1, 1);
	ck_assert_int_eq(netrange_parse(&ranges[0], "::/127"), OK);
	ck_assert_int_eq(netaddr_parse(&loopback, "[::1]:1"), OK);
	begin();
	whole_round(NULL, 0);
	ck_assert_uint_eq(report_count, 1);
	ck_assert_uint_eq(reports_of(&loopback), 1);
}
END_TEST

/* Two probes a second: the scan of a hundred ports takes far longer than a round may. */
START_TEST(a_long_scan_goes_on_while_rounds_come_and_go)
{
	struct actor a;
	struct netaddr at = kit_closed();

	actor_start(&a, loop, NULL);
	add_static(&a.at);
	scan_ports(at.port, at.port < 65000 ? at.port + 100 : at.port);
	options.scan_rate = 2;
	options.round_max_ms = 50;
	begin();
	for (unsigned i = 1; i <= 3; i++) {
		whole_round(NULL, 0);
		ck_assert_uint_eq(reports_of(&a.at), i);
	}
	for (unsigned i = 0; i < report_count; i++)
		ck_assert(reports[i].source == SOURCE_STATIC || reports_of(&reports[i].at) == 1);
	actor_stop(&a);
}
END_TEST

START_TEST(a_round_under_way_is_not_started_again)
{
	struct actor a;

	actor_start(&a, loop, NULL);
	actor_play(&a, REQUEST_HELLO, TRICK_HANG);
	add_static(&a.at);
	begin();
	finder_round(finder, NULL, 0, NULL, 0);
	kit_until(loop, a.held_count == 1);
	finder_round(finder, NULL, 0, NULL, 0);
	kit_settle(loop);
	ck_assert_uint_eq(a.asked[REQUEST_HELLO], 1);
	ck_assert_uint_eq(rounds, 0);
	actor_stop(&a);
	kit_until(loop, rounds == 1);
	kit_settle(loop);
	ck_assert_uint_eq(rounds, 1);
}
END_TEST

START_TEST(a_hint_is_tried_at_once_also_if_the_round_has_tried_it)
{
	struct actor slow;
	struct netaddr at = kit_closed();
	int fd;

	actor_start(&slow, loop, NULL);
	actor_play(&slow, REQUEST_HELLO, TRICK_HANG);
	add_static(&slow.at);
	add_static(&at);
	options.handshake_timeout_ms = LONG_MS;
	begin();
	finder_round(finder, NULL, 0, NULL, 0);
	kit_until(loop, reports_of(&at) == 1);
	ck_assert_int_eq(reports[0].outcome, HANDSHAKE_REFUSED);
	/* It comes up in the middle of the round, and tells us. */
	struct actor late;
	actor_start(&late, loop, NULL);
	fd = kit_listen_at(&at);
	ck_assert_int_eq(httpd_serve(late.server, fd), OK);
	finder_hint(finder, &at);
	kit_until(loop, reports_of(&at) == 2);
	ck_assert_int_eq(reports[report_count - 1].outcome, HANDSHAKE_UP);
	ck_assert_uint_eq(rounds, 0);
	finder_free(finder);
	finder = NULL;
	actor_stop(&late);
	actor_stop(&slow);
	fd_close(&fd);
}
END_TEST

START_TEST(a_hint_of_this_host_counts_only_if_it_is_named_or_scanned)
{
	struct netaddr named = kit_closed(), other;

	ck_assert_int_eq(netaddr_parse(&other, "127.0.0.77:9"), OK);
	add_static(&named);
	begin();
	whole_round(NULL, 0);
	finder_hint(finder, &other);
	kit_settle(loop);
	ck_assert_uint_eq(reports_of(&other), 0);
	/* The same host on another port is one that the operator named. */
	named.port = named.port > 2 ? named.port - 1 : named.port + 1;
	finder_hint(finder, &named);
	kit_until(loop, reports_of(&named) == 1);
	ck_assert_int_eq(reports[report_count - 1].source, SOURCE_HINT);
}
END_TEST

START_TEST(hints_without_a_port_or_a_host_are_dropped)
{
	struct netaddr at;

	scan_ports(1, 1);
	begin();
	ck_assert_int_eq(netaddr_parse_ip(&at, "127.0.0.1"), OK);
	finder_hint(finder, &at);
	ck_assert_int_eq(netaddr_parse(&at, "0.0.0.0:5000"), OK);
	finder_hint(finder, &at);
	kit_settle(loop);
	ck_assert_uint_eq(hellos, 0);
}
END_TEST

/* Also of hosts that are scanned: a port is easily invented. */
START_TEST(hints_under_way_are_capped)
{
	struct netaddr at[20];
	int fds[20];

	ck_assert_int_eq(netrange_parse(&ranges[0], "127.0.0.1"), OK);
	options.scan_host_count = 1;
	options.scan_port_first = 1;
	options.scan_port_last = UINT16_MAX;
	begin();
	for (int i = 0; i < 20; i++) {
		fds[i] = kit_silent(&at[i]);
		finder_hint(finder, &at[i]);
		finder_hint(finder, &at[i]);
	}
	ck_assert_uint_eq(hellos, 16);
	for (int i = 0; i < 20; i++)
		fd_close(&fds[i]);
	kit_until(loop, report_count == 16);
	at[0] = kit_closed();
	finder_hint(finder, &at[0]);
	ck_assert_uint_eq(hellos, 17);
	kit_until(loop, report_count == 17);
	ck_assert_uint_eq(rounds, 0);
}
END_TEST

START_TEST(a_round_does_not_wait_for_hints)
{
	struct netaddr at, refused = kit_closed();
	int fd = kit_silent(&at);

	add_static(&refused);
	begin();
	whole_round(NULL, 0);
	finder_hint(finder, &at);
	whole_round(NULL, 0);
	ck_assert_uint_eq(reports_of(&refused), 2);
	ck_assert_uint_eq(reports_of(&at), 0);
	fd_close(&fd);
}
END_TEST

START_TEST(those_that_rest_are_left_out_of_the_round_whatever_source_names_them)
{
	struct actor named, scanned;

	actor_start(&named, loop, NULL);
	actor_start(&scanned, loop, NULL);
	add_static(&named.at);
	scan_ports(scanned.at.port, scanned.at.port);
	begin();
	finder_round(finder, NULL, 0, &named.at, 1);
	kit_until(loop, rounds == 1);
	ck_assert_uint_eq(reports_of(&named.at), 0);
	ck_assert_uint_eq(reports_of(&scanned.at), 1);
	finder_round(finder, NULL, 0, &scanned.at, 1);
	kit_until(loop, rounds == 2);
	ck_assert_uint_eq(reports_of(&named.at), 1);
	ck_assert_uint_eq(reports_of(&scanned.at), 1);
	/* Told by itself, it is tried all the same. */
	finder_hint(finder, &scanned.at);
	kit_until(loop, reports_of(&scanned.at) == 2);
	actor_stop(&named);
	actor_stop(&scanned);
}
END_TEST

START_TEST(what_others_told_is_tried_a_few_at_a_time_and_keeps_its_source)
{
	struct netaddr at[40], late = kit_closed(), nobody = {0}, far;
	int fds[40];

	scan_ports(1, UINT16_MAX);
	options.scan_rate = 1;
	options.round_max_ms = 1;
	begin();
	for (int i = 0; i < 40; i++) {
		fds[i] = kit_silent(&at[i]);
		finder_tell(finder, &at[i], SOURCE_PEER);
	}
	finder_tell(finder, &nobody, SOURCE_PEER);
	ck_assert_uint_eq(hellos, 0); /* never from within */
	kit_until(loop, hellos == 16);
	kit_settle(loop);
	ck_assert_uint_eq(hellos, 16);
	/* Hints do not wait behind them. */
	finder_hint(finder, &late);
	ck_assert_uint_eq(hellos, 17);
	for (int i = 0; i < 40; i++)
		fd_close(&fds[i]);
	kit_until(loop, report_count == 41);
	for (int i = 0; i < 40; i++)
		ck_assert_uint_eq(reports_of(&at[i]), 1);
	/* The scan's own keep the scan's name; of another host only what the round, or names, make plausible is tried. */
	ck_assert_int_eq(reports[0].source, SOURCE_SCAN);
	ck_assert_int_eq(netaddr_parse(&far, "127.0.0.99:5"), OK);
	finder_tell(finder, &far, SOURCE_SAVED);
	kit_settle(loop);
	ck_assert_uint_eq(reports_of(&far), 0);
}
END_TEST

START_TEST(what_is_told_during_a_round_that_tried_it_is_not_tried_again)
{
	struct actor a, slow;

	actor_start(&a, loop, NULL);
	actor_start(&slow, loop, NULL);
	actor_play(&slow, REQUEST_HELLO, TRICK_HANG);
	add_static(&a.at);
	add_static(&slow.at);
	begin();
	finder_tell(finder, &a.at, SOURCE_SAVED);
	finder_round(finder, NULL, 0, NULL, 0);
	kit_until(loop, reports_of(&a.at) == 1 && slow.held_count == 1);
	finder_tell(finder, &a.at, SOURCE_PEER);
	kit_settle(loop);
	ck_assert_uint_eq(a.asked[REQUEST_HELLO], 1);
	ck_assert_int_eq(reports[0].source, SOURCE_STATIC);
	actor_stop(&slow);
	kit_until(loop, rounds == 1);
	finder_tell(finder, &a.at, SOURCE_PEER);
	kit_until(loop, reports_of(&a.at) == 2);
	actor_stop(&a);
}
END_TEST

START_TEST(more_told_than_the_queue_holds_is_dropped)
{
	struct netaddr at;

	ck_assert_int_eq(netaddr_parse(&at, "127.0.0.1:1"), OK);
	scan_ports(1, 1);
	begin();
	for (unsigned i = 0; i < 1000; i++) {
		at.port = (uint16_t)(1 + i);
		finder_tell(finder, &at, SOURCE_PEER);
	}
	kit_until(loop, hellos >= 200);
	for (unsigned i = 0; i < 20; i++)
		kit_settle(loop);
	ck_assert_uint_le(hellos, 256);
}
END_TEST

START_TEST(it_can_be_freed_in_the_middle)
{
	struct actor a;
	struct netaddr at = kit_closed(), silent;
	int fd = kit_silent(&silent);

	actor_start(&a, loop, NULL);
	actor_play(&a, REQUEST_HELLO, TRICK_HANG);
	add_static(&a.at);
	add_name("localhost", at.port, true);
	scan_ports(at.port, at.port);
	ck_assert_int_eq(netrange_parse(&ranges[0], "127.0.0.0/16"), OK);
	options.scan_rate = 10;
	begin();
	finder_round(finder, NULL, 0, NULL, 0);
	finder_hint(finder, &silent);
	finder_tell(finder, &at, SOURCE_PEER);
	if (_i > 0)
		kit_until(loop, a.held_count == 1);
	finder_free(finder);
	finder = NULL;
	actor_stop(&a);
	kit_settle(loop);
	ck_assert_uint_eq(rounds, 0);
	fd_close(&fd);
}
END_TEST

START_TEST(sources_have_names)
{
	ck_assert_str_eq(finder_source_name(SOURCE_STATIC), "static");
	ck_assert_str_eq(finder_source_name(SOURCE_DNS), "dns");
	ck_assert_str_eq(finder_source_name(SOURCE_SCAN), "scan");
	ck_assert_str_eq(finder_source_name(SOURCE_HINT), "hint");
	ck_assert_str_eq(finder_source_name(SOURCE_PEER), "peer");
	ck_assert_str_eq(finder_source_name(SOURCE_SAVED), "saved");
}
END_TEST

Suite *
suite_finder(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "finder", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, a_round_without_sources_ends_once);
	tcase_add_test(tc, each_address_is_tried_once_a_round_and_a_static_one_is_called_so);
	tcase_add_test(tc, all_sources_are_merged);
	tcase_add_test(tc, what_a_name_stood_for_keeps_its_source_in_later_rounds);
	tcase_add_test(tc, a_scan_probes_each_port_once_though_ranges_overlap);
	tcase_add_test(tc, a_scan_covers_all_addresses_and_ports);
	tcase_add_test(tc, a_scan_leaves_out_the_address_that_is_nobodys);
	tcase_add_test(tc, a_long_scan_goes_on_while_rounds_come_and_go);
	tcase_add_test(tc, a_round_under_way_is_not_started_again);
	tcase_add_test(tc, a_hint_is_tried_at_once_also_if_the_round_has_tried_it);
	tcase_add_test(tc, a_hint_of_this_host_counts_only_if_it_is_named_or_scanned);
	tcase_add_test(tc, hints_without_a_port_or_a_host_are_dropped);
	tcase_add_test(tc, hints_under_way_are_capped);
	tcase_add_test(tc, a_round_does_not_wait_for_hints);
	tcase_add_test(tc, those_that_rest_are_left_out_of_the_round_whatever_source_names_them);
	tcase_add_test(tc, what_others_told_is_tried_a_few_at_a_time_and_keeps_its_source);
	tcase_add_test(tc, what_is_told_during_a_round_that_tried_it_is_not_tried_again);
	tcase_add_test(tc, more_told_than_the_queue_holds_is_dropped);
	tcase_add_loop_test(tc, it_can_be_freed_in_the_middle, 0, 2);
	tcase_add_test(tc, sources_have_names);
	return suite;
}
