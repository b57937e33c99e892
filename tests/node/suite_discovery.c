/* What discovery makes of reports: rows, slots, back-off, whom a round asks, and what is forgotten. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/discovery.h"
#include "peer/slots.h"
#include "suites.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/text.h"

#define WAIT_MS 1000

static struct discovery d;
static struct node_env env;
static struct child child;
static struct config config;
static struct netrange scanned;

static void
fill_hello(void *ctx, struct hello *ours)
{
	(void)ctx;
	memset(ours, 0, sizeof(*ours));
}

static void
round_done(void *ctx)
{
	(void)ctx;
}

static void
make_store(void)
{
	struct store_options o = {.name = "test-discovery",
				  .size_max = UINT64_C(64) << 20,
				  .roles = 2,
				  .rings = 2,
				  .pool_max = 64,
				  .params = config.network};
	char dir[64], path[160];
	struct buf why;

	snprintf(dir, sizeof(dir), "/test-discovery/%ld", (long)getpid());
	o.data_dir = dir;
	buf_init(&why);
	ck_assert_msg(store_create(&env.store, &o, &why) == OK, "%s", why.data);
	buf_clear(&why);
	/* Nothing else opens it, and so a test that fails leaves nothing behind. */
	snprintf(path, sizeof(path), "/dev/shm/%s", store_object_name(env.store));
	unlink(path);
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", store_object_name(env.store));
	unlink(path);
}

static void
enter(void)
{
	static const struct finder_callbacks callbacks = {fill_hello, discovery_report, round_done};
	struct finder_options o = {.scan_hosts = &scanned,
				   .scan_host_count = 1,
				   .scan_port_first = 5000,
				   .scan_port_last = 5002,
				   .scan_rate = 1,
				   .probes_open_max = 1};

	log_set_level(LOG_LEVEL_ERROR);
	config_default(&config);
	memset(&d, 0, sizeof(d));
	make_store();
	ck_assert_int_eq(bells_open(&env.bells, 2), OK);
	env.config = &config;
	child = (struct child){.env = &env, .role = "discovery", .loop = loop_new()};
	ck_assert_int_eq(netrange_parse(&scanned, "127.50.0.0/24"), OK);
	d.child = &child;
	d.store = env.store;
	d.wait_ms = WAIT_MS;
	d.lot = 99;
	d.finder = finder_new(child.loop, &o, &callbacks, &d);
}

static void
leave(void)
{
	discovery_known_clear(&d);
	finder_free(d.finder);
	loop_free(child.loop);
	bells_close(&env.bells);
	store_close(env.store);
	config_clear(&config);
	log_set_level(LOG_LEVEL_INFO);
}

static void
report(const char *address, enum finder_source source, enum handshake_outcome outcome, uint64_t nonce)
{
	struct handshake_result h = {.outcome = outcome};
	struct finder_report r = {.source = source, .probe = PROBE_OPEN, .handshake = &h};

	ck_assert_int_eq(netaddr_parse(&r.at, address), OK);
	if (outcome == HANDSHAKE_UP)
		h.hello.nonce = nonce;
	else
		text_copy(h.reason, sizeof(h.reason), "that is why");
	discovery_report(&d, &r);
}

static struct peer_entry
row(const char *address)
{
	struct peer_entry e;

	ck_assert_msg(peer_table_find(env.store, address, &e), "%s has no row", address);
	return e;
}

static bool
has_row(const char *address)
{
	return peer_table_has(env.store, address);
}

static enum peer_state
state_of(const char *address)
{
	return row(address).state;
}

START_TEST(a_node_that_answers_is_up_and_asked_again_next_round)
{
	uint64_t before = clock_wall_ms();
	struct peer_entry e;

	report("127.1.0.1:5000", SOURCE_SCAN, HANDSHAKE_UP, 7);
	e = row("127.1.0.1:5000");
	ck_assert_int_eq(e.state, PEER_UP);
	ck_assert_str_eq(e.source, "scan");
	ck_assert_str_eq(e.reason, "");
	ck_assert_uint_eq(e.nonce, 7);
	ck_assert_uint_ge(e.good_ms, before);
	ck_assert_uint_eq(e.next_ms, e.checked_ms + WAIT_MS);
	/* It was started anew: the same peer with another nonce. */
	report("127.1.0.1:5000", SOURCE_SCAN, HANDSHAKE_UP, 8);
	ck_assert_int_eq(state_of("127.1.0.1:5000"), PEER_UP);
	ck_assert_uint_eq(row("127.1.0.1:5000").met_ms, e.met_ms);
	ck_assert_uint_eq(row("127.1.0.1:5000").since_ms, e.since_ms);
}
END_TEST

/* Least pause after so many failures, in rounds, with the quarter that the lot may take off; and the most. */
static const struct {
	enum finder_source source;
	unsigned failures;
	double least, most;
} pause_rows[] = {
    {SOURCE_PEER, 1, .75, 1},	{SOURCE_PEER, 2, 1.5, 2},   {SOURCE_PEER, 5, 12, 16},	  {SOURCE_PEER, 30, 2700, 3600},
    {SOURCE_STATIC, 1, .75, 1}, {SOURCE_STATIC, 2, 1.5, 2}, {SOURCE_STATIC, 30, 2.25, 3}, {SOURCE_DNS, 30, 2.25, 3},
};

START_TEST(an_address_that_fails_rests_ever_longer_and_a_configured_one_not_for_long)
{
	static const enum handshake_outcome failures[] = {HANDSHAKE_REFUSED, HANDSHAKE_SILENT, HANDSHAKE_NO_NODE,
							  HANDSHAKE_OTHER_NETWORK};
	struct peer_entry e;
	uint64_t pause;

	for (unsigned i = 0; i < pause_rows[_i].failures; i++)
		report("127.1.0.1:5000", pause_rows[_i].source, failures[i % ARRAY_LEN(failures)], 0);
	e = row("127.1.0.1:5000");
	pause = e.next_ms - e.checked_ms;
	ck_assert_uint_eq(e.failures, pause_rows[_i].failures);
	ck_assert_uint_ge(pause, (uint64_t)(pause_rows[_i].least * WAIT_MS));
	ck_assert_uint_le(pause, (uint64_t)(pause_rows[_i].most * WAIT_MS));
	report("127.1.0.1:5000", pause_rows[_i].source, HANDSHAKE_UP, 1);
	ck_assert_uint_eq(row("127.1.0.1:5000").failures, 0);
}
END_TEST

static const struct {
	enum finder_source source;
	enum handshake_outcome outcome;
	bool has_row;
} worth_rows[] = {
    {SOURCE_HINT, HANDSHAKE_REFUSED, false},
    {SOURCE_HINT, HANDSHAKE_NO_NODE, false},
    {SOURCE_HINT, HANDSHAKE_OTHER_GENESIS, true},
    {SOURCE_HINT, HANDSHAKE_SELF, true},
    {SOURCE_HINT, HANDSHAKE_UP, true},
    {SOURCE_PEER, HANDSHAKE_REFUSED, true},
    {SOURCE_SAVED, HANDSHAKE_SILENT, true},
    {SOURCE_STATIC, HANDSHAKE_REFUSED, true},
    {SOURCE_SCAN, HANDSHAKE_NO_NODE, true},
};

START_TEST(what_says_of_itself_that_it_is_there_and_is_not_leaves_no_trace)
{
	report("127.1.0.1:5000", worth_rows[_i].source, worth_rows[_i].outcome, 1);
	ck_assert(has_row("127.1.0.1:5000") == worth_rows[_i].has_row);
}
END_TEST

START_TEST(a_probe_that_fails_counts_for_what_is_known_and_nothing_else)
{
	struct finder_report r = {.source = SOURCE_SCAN, .probe = PROBE_SILENT};

	ck_assert_int_eq(netaddr_parse(&r.at, "127.50.0.1:5000"), OK);
	discovery_report(&d, &r);
	ck_assert(!has_row("127.50.0.1:5000"));
	report("127.50.0.1:5000", SOURCE_SCAN, HANDSHAKE_UP, 1);
	discovery_report(&d, &r);
	ck_assert_int_eq(state_of("127.50.0.1:5000"), PEER_SILENT);
	ck_assert_uint_ne(row("127.50.0.1:5000").good_ms, 0);
}
END_TEST

START_TEST(the_operators_word_counts_while_he_gives_it_and_any_other_keeps)
{
	static const struct {
		enum finder_source by;
		const char *then;
	} steps[] = {
	    {SOURCE_PEER, "peer"},     {SOURCE_SCAN, "peer"}, {SOURCE_HINT, "peer"}, {SOURCE_DNS, "dns"},
	    {SOURCE_STATIC, "static"}, {SOURCE_HINT, "hint"}, {SOURCE_SCAN, "hint"},
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		report("127.1.0.1:5000", steps[i].by, HANDSHAKE_UP, 1);
		ck_assert_str_eq(row("127.1.0.1:5000").source, steps[i].then);
	}
	report("127.1.0.1:5000", SOURCE_STATIC, HANDSHAKE_UP, 1);
	discovery_disown(&d);
	ck_assert_str_eq(row("127.1.0.1:5000").source, "saved");
	ck_assert_int_eq(state_of("127.1.0.1:5000"), PEER_UP);
}
END_TEST

START_TEST(one_node_has_one_slot_and_its_other_address_takes_over)
{
	report("127.1.0.1:5000", SOURCE_SCAN, HANDSHAKE_UP, 7);
	report("127.2.0.1:5000", SOURCE_SCAN, HANDSHAKE_UP, 7);
	ck_assert_int_eq(state_of("127.1.0.1:5000"), PEER_UP);
	ck_assert_int_eq(state_of("127.2.0.1:5000"), PEER_SAME_NODE);
	ck_assert_str_eq(row("127.2.0.1:5000").reason, "the same node as 127.1.0.1:5000");
	report("127.1.0.1:5000", SOURCE_SCAN, HANDSHAKE_REFUSED, 0);
	ck_assert_int_eq(state_of("127.1.0.1:5000"), PEER_REFUSED);
	ck_assert_int_eq(state_of("127.2.0.1:5000"), PEER_UP);
	ck_assert_str_eq(row("127.2.0.1:5000").reason, "");
}
END_TEST

START_TEST(one_more_address_of_a_node_pushes_out_none_that_is_known)
{
	char address[NETADDR_TEXT_SIZE];
	uint64_t version;

	for (unsigned i = 0; i < PEER_GROUP_ROWS; i++) {
		snprintf(address, sizeof(address), "127.1.0.%u:5000", i + 1);
		report(address, SOURCE_SCAN, HANDSHAKE_UP, 7);
	}
	ck_assert_uint_eq(peer_table_count(env.store, PEER_SAME_NODE), PEER_GROUP_ROWS - 1);
	version = peer_table_version(env.store);
	report("127.1.0.250:5000", SOURCE_SCAN, HANDSHAKE_UP, 7);
	ck_assert(!has_row("127.1.0.250:5000"));
	ck_assert_uint_eq(peer_table_version(env.store), version);
}
END_TEST

START_TEST(a_slot_that_gets_free_goes_to_one_in_reserve)
{
	char address[NETADDR_TEXT_SIZE];
	struct peer_entry e;

	for (unsigned i = 0; i <= SLOTS_GROUP; i++) {
		snprintf(address, sizeof(address), "127.1.0.%u:5000", i + 1);
		report(address, SOURCE_SCAN, HANDSHAKE_UP, 100 + i);
	}
	ck_assert_uint_eq(peer_table_count(env.store, PEER_UP), SLOTS_GROUP);
	ck_assert_uint_eq(peer_table_count(env.store, PEER_SPARE), 1);
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(env.store, i, &e) && e.state == PEER_SPARE) {
			ck_assert_str_eq(e.reason, "in reserve: 127.1.0.0/16 has its share of 32 peers");
			ck_assert_uint_gt(e.next_ms, e.checked_ms + 10 * WAIT_MS);
		}
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(env.store, i, &e) && e.state == PEER_UP)
			break;
	report(e.address, SOURCE_SCAN, HANDSHAKE_SILENT, 0);
	ck_assert_uint_eq(peer_table_count(env.store, PEER_UP), SLOTS_GROUP);
	ck_assert_uint_eq(peer_table_count(env.store, PEER_SPARE), 0);
}
END_TEST

/* Rounds. */

static bool
is_listed(const struct netaddr *list, size_t count, const char *address)
{
	struct netaddr at;

	ck_assert_int_eq(netaddr_parse(&at, address), OK);
	for (size_t i = 0; i < count; i++)
		if (netaddr_equal(&list[i], &at))
			return true;
	return false;
}

static void
set(const char *address, enum peer_state state, uint64_t next_ms)
{
	struct peer_entry e;

	memset(&e, 0, sizeof(e));
	text_copy(e.address, sizeof(e.address), address);
	text_copy(e.source, sizeof(e.source), "peer");
	e.state = state;
	e.next_ms = next_ms;
	ck_assert(peer_table_set(env.store, &e));
}

static const struct {
	const char *address;
	enum peer_state state;
	int64_t next; /* from now */
	bool asked, rests;
} plan_rows[] = {
    {"127.1.0.1:5000", PEER_UP, 5000, true, false},
    {"127.1.0.1:5000", PEER_REFUSED, -1, true, false},
    {"127.1.0.1:5000", PEER_REFUSED, 50000, false, true},
    {"127.1.0.1:5000", PEER_SPARE, 50000, false, true},
    {"127.1.0.1:5000", PEER_SPARE, -1, true, false},
    /* A clock that was set back by a day. */
    {"127.1.0.1:5000", PEER_REFUSED, 86400000, true, false},
    /* The scan may probe what was absent, and not what answered otherwise. */
    {"127.50.0.1:5000", PEER_SILENT, 50000, false, false},
    {"127.50.0.1:4999", PEER_SILENT, 50000, false, true},
    {"127.50.0.1:5000", PEER_NO_NODE, 50000, false, true},
    {"127.50.0.1:5000", PEER_SELF, 50000, false, true},
};

START_TEST(a_round_asks_those_whose_time_has_come_and_leaves_out_those_that_rest)
{
	struct discovery_plan plan;

	set(plan_rows[_i].address, plan_rows[_i].state, clock_wall_ms() + (uint64_t)plan_rows[_i].next);
	discovery_plan(&d, &plan);
	ck_assert(is_listed(plan.ask, plan.ask_count, plan_rows[_i].address) == plan_rows[_i].asked);
	ck_assert(is_listed(plan.rest, plan.rest_count, plan_rows[_i].address) == plan_rows[_i].rests);
	discovery_plan_clear(&plan);
}
END_TEST

START_TEST(peers_are_asked_before_all_others)
{
	struct discovery_plan plan;

	set("127.1.0.1:5000", PEER_REFUSED, 0);
	set("127.1.0.9:5000", PEER_UP, 0);
	set("127.1.0.2:5000", PEER_SPARE, 0);
	set("127.1.0.8:5000", PEER_UP, 0);
	discovery_plan(&d, &plan);
	ck_assert_uint_eq(plan.ask_count, 4);
	ck_assert(is_listed(plan.ask, 2, "127.1.0.8:5000") && is_listed(plan.ask, 2, "127.1.0.9:5000"));
	discovery_plan_clear(&plan);
}
END_TEST

START_TEST(no_round_asks_all_of_a_table_at_once)
{
	struct discovery_plan plan;
	char address[NETADDR_TEXT_SIZE];

	for (unsigned i = 0; i < 300; i++) {
		snprintf(address, sizeof(address), "127.1.%u.%u:5000", i / 200, 1 + i % 200);
		set(address, i < 10 ? PEER_UP : PEER_REFUSED, 0);
	}
	discovery_plan(&d, &plan);
	ck_assert_uint_eq(plan.ask_count, 10 + 128);
	ck_assert_uint_eq(plan.rest_count, 0);
	discovery_plan_clear(&plan);
}
END_TEST

static const struct {
	enum peer_state state;
	const char *source;
	uint64_t good_hours; /* ago; 0: never */
	uint32_t failures;
	bool stays;
} forget_rows[] = {
    {PEER_REFUSED, "peer", 23, 100, true},    {PEER_REFUSED, "peer", 25, 1, false},
    {PEER_REFUSED, "peer", 0, 7, true},	      {PEER_SILENT, "peer", 0, 8, false},
    {PEER_SILENT, "static", 0, 800, true},    {PEER_SILENT, "dns", 99, 800, true},
    {PEER_UNREACHABLE, "scan", 25, 1, false}, {PEER_UP, "peer", 25, 0, true},
    {PEER_SPARE, "peer", 25, 0, true},	      {PEER_SELF, "scan", 0, 100, true},
};

START_TEST(what_is_gone_for_long_is_forgotten)
{
	struct peer_entry e;

	set("127.1.0.1:5000", forget_rows[_i].state, 0);
	e = row("127.1.0.1:5000");
	text_copy(e.source, sizeof(e.source), forget_rows[_i].source);
	e.good_ms = forget_rows[_i].good_hours == 0 ? 0 : clock_wall_ms() - forget_rows[_i].good_hours * 3600000;
	e.failures = forget_rows[_i].failures;
	ck_assert(peer_table_set(env.store, &e));
	discovery_forget(&d);
	ck_assert(has_row("127.1.0.1:5000") == forget_rows[_i].stays);
}
END_TEST

static const struct {
	enum peer_state state;
	int64_t next, checked; /* from now */
	bool for_itself, for_others;
} news_rows[] = {
    {PEER_UP, -1, -90000, false, false},	 {PEER_SPARE, -1, -90000, false, false},
    {PEER_SAME_NODE, -1, -90000, false, false},	 {PEER_SELF, -1, -90000, false, false},
    {PEER_REFUSED, 500000, -5000, true, false},	 {PEER_REFUSED, 500000, -60001, true, true},
    {PEER_REFUSED, -1, -5000, true, true},	 {PEER_NO_NODE, 500000, -90000, true, false},
    {PEER_OTHER_GENESIS, -1, -5000, true, true},
};

START_TEST(an_address_that_calls_is_tried_at_once_and_one_that_others_tell_not_all_the_time)
{
	struct peer_entry e;
	uint64_t now_ms = clock_wall_ms();

	ck_assert(discovery_is_news(&d, "127.1.0.1:5000", true) && discovery_is_news(&d, "127.1.0.1:5000", false));
	set("127.1.0.1:5000", news_rows[_i].state, now_ms + (uint64_t)news_rows[_i].next);
	e = row("127.1.0.1:5000");
	e.checked_ms = now_ms + (uint64_t)news_rows[_i].checked;
	ck_assert(peer_table_set(env.store, &e));
	ck_assert(discovery_is_news(&d, "127.1.0.1:5000", true) == news_rows[_i].for_itself);
	ck_assert(discovery_is_news(&d, "127.1.0.1:5000", false) == news_rows[_i].for_others);
}
END_TEST

Suite *
suite_discovery(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "discovery", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, a_node_that_answers_is_up_and_asked_again_next_round);
	tcase_add_loop_test(tc, an_address_that_fails_rests_ever_longer_and_a_configured_one_not_for_long, 0,
			    ARRAY_LEN(pause_rows));
	tcase_add_loop_test(tc, what_says_of_itself_that_it_is_there_and_is_not_leaves_no_trace, 0,
			    ARRAY_LEN(worth_rows));
	tcase_add_test(tc, a_probe_that_fails_counts_for_what_is_known_and_nothing_else);
	tcase_add_test(tc, the_operators_word_counts_while_he_gives_it_and_any_other_keeps);
	tcase_add_test(tc, one_node_has_one_slot_and_its_other_address_takes_over);
	tcase_add_test(tc, one_more_address_of_a_node_pushes_out_none_that_is_known);
	tcase_add_test(tc, a_slot_that_gets_free_goes_to_one_in_reserve);
	tcase_add_loop_test(tc, a_round_asks_those_whose_time_has_come_and_leaves_out_those_that_rest, 0,
			    ARRAY_LEN(plan_rows));
	tcase_add_test(tc, peers_are_asked_before_all_others);
	tcase_add_test(tc, no_round_asks_all_of_a_table_at_once);
	tcase_add_loop_test(tc, what_is_gone_for_long_is_forgotten, 0, ARRAY_LEN(forget_rows));
	tcase_add_loop_test(tc, an_address_that_calls_is_tried_at_once_and_one_that_others_tell_not_all_the_time, 0,
			    ARRAY_LEN(news_rows));
	return suite;
}
