/* Status, peers, health. */
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"
#include "util/text.h"

static const char *const modes[] = {"manual", "on-demand", "interval", "continuous"};

static struct node n;

static void
setup(void)
{
	node_init(&n);
	n.options.miner_modes = modes;
	n.options.miner_mode_count = ARRAY_LEN(modes);
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

START_TEST(is_live_and_ready)
{
	ck_assert_int_eq(node_get(&n, "/livez"), 200);
	ck_assert(jval_bool(node_doc(&n), "live", false));
	ck_assert_int_eq(node_get(&n, "/readyz"), 200);
	ck_assert(jval_bool(node_doc(&n), "ready", false));
}
END_TEST

/* The check of that name; fails if there is none. */
static const struct jval *
check_named(const char *name)
{
	const struct jval *checks = jval_get(node_doc(&n), "checks");

	for (size_t i = 0; i < jval_count(checks); i++)
		if (strcmp(jval_str(jval_at(checks, i), "name", ""), name) == 0)
			return jval_at(checks, i);
	ck_abort_msg("no check is called %s", name);
	return NULL;
}

START_TEST(readiness_is_told_check_by_check_when_asked_for)
{
	static const char *const names[] = {"chain", "journal", "pool-log",	"processes",
					    "peers", "clock",	"configuration"};

	ck_assert_int_eq(node_get(&n, "/readyz"), 200);
	ck_assert_ptr_null(jval_get(node_doc(&n), "checks"));
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_str_eq(jval_str(check_named(names[i]), "state", ""), "ok");
		ck_assert_str_eq(jval_str(check_named(names[i]), "fix", "?"), "");
		ck_assert_str_ne(jval_str(check_named(names[i]), "found", ""), "");
	}
}
END_TEST

/* An away process is not missed at once, and a worker's place may stay empty. */
START_TEST(a_process_that_stays_away_is_a_warning_and_the_pool_a_failure)
{
	uint64_t now = clock_mono_ms();

	role_started(n.store, 1, "relay", 1, 1, now - 3000);
	role_started(n.store, 2, "pool", 1, 1, now - 60000);
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	role_stopped(n.store, 1);
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	ck_assert_str_eq(jval_str(check_named("processes"), "state", ""), "ok");
	role_started(n.store, 1, "relay", 1, 1, now - 60000);
	role_stopped(n.store, 1);
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	ck_assert_str_eq(jval_str(check_named("processes"), "state", ""), "warning");
	ck_assert_ptr_nonnull(strstr(jval_str(check_named("processes"), "found", ""), "the relay process"));
	role_stopped(n.store, 2);
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 503);
	ck_assert_str_eq(jval_str(check_named("processes"), "state", ""), "failed");
	ck_assert_ptr_nonnull(strstr(jval_str(node_doc(&n), "reason", ""), "the pool process has been away"));
}
END_TEST

START_TEST(peers_and_clocks_that_are_not_well_are_warnings)
{
	struct peer_entry e = {.state = PEER_UP, .good_ms = 1, .skew_ms = -90000};

	text_copy(e.address, sizeof(e.address), "10.0.0.1:5000");
	ck_assert(peer_table_set(n.store, &e));
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	ck_assert_str_eq(jval_str(check_named("peers"), "state", ""), "ok");
	ck_assert_str_eq(jval_str(check_named("clock"), "state", ""), "warning");
	ck_assert_ptr_nonnull(strstr(jval_str(check_named("clock"), "found", ""), "90 s ahead of"));
	e.state = PEER_SILENT;
	ck_assert(peer_table_set(n.store, &e));
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	ck_assert_str_eq(jval_str(check_named("peers"), "state", ""), "warning");
	ck_assert_str_eq(jval_str(check_named("clock"), "state", ""), "ok");
}
END_TEST

START_TEST(tells_how_far_a_sync_is)
{
	static const char *const paths[] = {"/status", "/readyz"};

	ck_assert_int_eq(node_get(&n, "/readyz"), 200);
	ck_assert_ptr_null(jval_get(node_doc(&n), "sync"));
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	ck_assert(!jval_bool(jval_get(node_doc(&n), "sync"), "active", true));
	role_set(n.store, COUNT_SYNC_TARGET, 4000);
	role_set(n.store, COUNT_SYNC_HEIGHT, 999);
	role_set(n.store, COUNT_SYNC_PEERS, 3);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		/* With no rate yet nobody knows how long it takes. */
		role_set(n.store, COUNT_SYNC_RATE, 0);
		ck_assert_int_eq(node_get(&n, paths[i]), 200);
		ck_assert_ptr_null(jval_get(jval_get(node_doc(&n), "sync"), "seconds_left"));
		role_set(n.store, COUNT_SYNC_RATE, 1000);
		ck_assert_int_eq(node_get(&n, paths[i]), 200);
		const struct jval *sync = jval_get(node_doc(&n), "sync");
		ck_assert(jval_bool(sync, "active", false));
		ck_assert_uint_eq(jval_u64(sync, "height", 0), 999);
		ck_assert_uint_eq(jval_u64(sync, "target", 0), 4000);
		ck_assert_uint_eq(jval_u64(sync, "percent", 0), 24);
		ck_assert_uint_eq(jval_u64(sync, "blocks_per_second", 0), 1000);
		ck_assert_uint_eq(jval_u64(sync, "seconds_left", 0), 4);
		ck_assert_uint_eq(jval_u64(sync, "peers", 0), 3);
	}
	ck_assert(jval_bool(node_doc(&n), "ready", false));
}
END_TEST

START_TEST(tells_everything_about_the_node)
{
	char hex[HASH_HEX_SIZE];
	struct tx tx;

	node_extend(&n, chain_tip(n.store), 2, 0);
	tx = transfer(&n, 0, 1, 1, 0, 0);
	ck_assert_int_eq(node_post(&n, &tx), 202);
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	const struct jval *s = node_doc(&n);
	ck_assert_str_eq(jval_str(s, "node", ""), "test");
	ck_assert_str_eq(jval_str(s, "software", ""), "rensa/test");
	ck_assert_uint_eq(jval_u64(s, "started", 0), n.options.started_ms);
	ck_assert(jval_is_integer(jval_get(s, "uptime_ms")));
	ck_assert_str_eq(jval_str(jval_get(s, "network"), "name", ""), n.params.name);
	ck_assert_uint_eq(jval_u64(jval_get(s, "network"), "reward", 0), n.params.reward);
	hash_hex(hex, store_genesis(n.store));
	ck_assert_str_eq(jval_str(s, "genesis", ""), hex);
	hash_hex(hex, chain_hash(n.store, chain_tip(n.store)));
	ck_assert_str_eq(jval_str(s, "head", ""), hex);
	ck_assert_uint_eq(jval_u64(s, "height", 0), 2);
	ck_assert_str_eq(jval_str(jval_get(s, "journal"), "state", ""), "ok");
	ck_assert_str_eq(jval_str(jval_get(s, "pool_log"), "state", ""), "ok");
	ck_assert_uint_eq(jval_u64(s, "supply", 0), 2 * n.params.reward);
	ck_assert_uint_eq(strlen(jval_str(s, "work", "")), 64);
	ck_assert(jval_is_integer(jval_get(s, "timestamp")));
	ck_assert_uint_eq(jval_u64(jval_get(s, "pool"), "transactions", 0), 1);
	ck_assert_uint_eq(jval_u64(jval_get(s, "pool"), "capacity", 0), n.pool_max);
	ck_assert_uint_gt(jval_u64(jval_get(s, "segment"), "granted", 0), 0);
	ck_assert_str_eq(jval_str(jval_get(s, "miner"), "mode", ""), "manual");
	ck_assert_uint_eq(jval_u64(jval_get(s, "sync"), "height", 9), 0);
	const struct jval *role = jval_at(jval_get(s, "roles"), 0);
	ck_assert_str_eq(jval_str(role, "role", ""), "worker");
	ck_assert_uint_eq(jval_u64(role, "pid", 0), (uint64_t)getpid());
	ck_assert_uint_eq(jval_u64(role, "requests", 0), 1);
	ck_assert_uint_eq(jval_u64(role, "restarts", 9), 0);
}
END_TEST

START_TEST(shows_the_mode_that_the_miner_is_in)
{
	role_started(n.store, 1, "miner", getpid(), clock_wall_ms(), clock_mono_ms());
	/* The one process of this test writes role 0's page; a miner there stands for the real one. */
	role_stopped(n.store, 1);
	role_started(n.store, 0, "miner", getpid(), clock_wall_ms(), clock_mono_ms());
	role_set(n.store, COUNT_MODE, 2);
	role_set(n.store, COUNT_HASHES, 77);
	role_set(n.store, COUNT_BLOCKS, 3);
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	const struct jval *miner = jval_get(node_doc(&n), "miner");
	ck_assert_str_eq(jval_str(miner, "mode", ""), "interval");
	ck_assert_uint_eq(jval_u64(miner, "hashes", 0), 77);
	ck_assert_uint_eq(jval_u64(miner, "blocks", 0), 3);
}
END_TEST

START_TEST(tells_when_the_next_block_can_be_expected)
{
	/* Nothing was mined yet. */
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	ck_assert(jval_is_null(jval_get(jval_get(node_doc(&n), "mining"), "expected_ms")));
	node_extend(&n, chain_tip(n.store), 2, 0);
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	const struct jval *mining = jval_get(node_doc(&n), "mining");
	uint64_t needed = jval_u64(mining, "hashes_needed", 0);
	ck_assert_uint_ge(needed, UINT64_C(1) << n.params.difficulty);
	ck_assert_uint_eq(jval_u64(mining, "hash_rate", 9), 0);
	ck_assert_uint_eq(jval_u64(mining, "blocks_measured", 0), 1);
	ck_assert(jval_is_integer(jval_get(mining, "since_ms")));
	ck_assert(jval_is_integer(jval_get(mining, "network_hash_rate")));
	ck_assert(jval_is_integer(jval_get(mining, "expected_ms")));
	/* Our own miner knows better how fast it is. */
	role_started(n.store, 0, "miner", getpid(), clock_wall_ms(), clock_mono_ms());
	role_set(n.store, COUNT_HASH_RATE, needed * 2000);
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	mining = jval_get(node_doc(&n), "mining");
	ck_assert_uint_eq(jval_u64(mining, "hash_rate", 0), needed * 2000);
	ck_assert_uint_le(jval_u64(mining, "expected_ms", 9), 1);
}
END_TEST

static void
know(const char *address, enum peer_state state, const char *reason, uint64_t height)
{
	struct peer_entry e;

	memset(&e, 0, sizeof(e));
	text_copy(e.address, sizeof(e.address), address);
	text_copy(e.reason, sizeof(e.reason), reason);
	text_copy(e.source, sizeof(e.source), "static");
	e.state = state;
	if (state == PEER_REFUSED) {
		e.next_ms = 123456;
		e.failures = 3;
	}
	if (height > 0) {
		text_copy(e.node, sizeof(e.node), "other");
		e.head.height = height;
		e.head.hash.b[0] = 1;
		e.head.work = u256_of(height * 16);
		e.skew_ms = -12;
		e.latency_us = 345;
	}
	ck_assert(peer_table_set(n.store, &e));
}

START_TEST(lists_peers_with_state_and_reason)
{
	know("127.0.0.2:5000", PEER_UP, "", 7);
	know("127.0.0.3:5001", PEER_REFUSED, "connection refused", 0);
	know("127.0.0.4:5002", PEER_UP, "", 9);
	peer_pause_set(n.store, "127.0.0.4:5002", "reward-amount", clock_wall_ms());
	know("127.0.0.5:5003", PEER_UP, "", 11);
	for (int i = 3; i <= 5; i++) /* seen at peers that are up, and behind a pause */
		peer_note_set(n.store,
			      i == 3   ? "127.0.0.3:5001"
			      : i == 4 ? "127.0.0.4:5002"
				       : "127.0.0.5:5003",
			      "reorg-too-deep");

	ck_assert_int_eq(node_get(&n, "/peers"), 200);
	const struct jval *peers = jval_get(node_doc(&n), "peers");
	ck_assert_uint_eq(jval_count(peers), 4);
	const struct jval *up = jval_at(peers, 0), *refused = jval_at(peers, 1), *paused = jval_at(peers, 2);
	ck_assert_str_eq(jval_str(up, "address", ""), "127.0.0.2:5000");
	ck_assert_str_eq(jval_str(up, "state", ""), "up");
	ck_assert_str_eq(jval_str(up, "reason", "?"), "");
	ck_assert_str_eq(jval_str(up, "node", ""), "other");
	ck_assert_uint_eq(jval_u64(up, "height", 0), 7);
	ck_assert_uint_eq(strlen(jval_str(up, "head", "")), 64);
	ck_assert_uint_eq(jval_u64(up, "latency_us", 0), 345);
	ck_assert_ptr_nonnull(strstr(n.reply.body.data, "\"skew_ms\":-12"));
	ck_assert_str_eq(jval_str(up, "source", ""), "static");
	ck_assert_str_eq(jval_str(refused, "state", ""), "refused");
	ck_assert_str_eq(jval_str(refused, "reason", ""), "connection refused");
	ck_assert(jval_is_null(jval_get(refused, "height")));
	ck_assert_str_eq(jval_str(paused, "state", ""), "paused");
	ck_assert_str_eq(jval_str(paused, "reason", ""), "reward-amount");
	ck_assert_uint_gt(jval_u64(paused, "paused_until", 0), jval_u64(node_doc(&n), "timestamp", 0));
	ck_assert(jval_is_null(jval_get(up, "paused_until")));
	ck_assert(jval_is_null(jval_get(up, "next_try")) && jval_is_null(jval_get(up, "met")));
	ck_assert_uint_eq(jval_u64(refused, "next_try", 0), 123456);
	ck_assert_uint_eq(jval_u64(refused, "failures", 0), 3);
	ck_assert_str_eq(jval_str(jval_at(peers, 3), "state", ""), "up");
	ck_assert_str_eq(jval_str(jval_at(peers, 3), "reason", ""), "reorg-too-deep");

	ck_assert_int_eq(node_get(&n, "/status"), 200);
	ck_assert_uint_eq(jval_u64(jval_get(node_doc(&n), "peers"), "up", 0), 3);
	ck_assert_uint_eq(jval_u64(jval_get(node_doc(&n), "peers"), "known", 0), 4);
	ck_assert_ptr_nonnull(strstr(n.reply.body.data, "\"skew_ms\":-12"));
}
END_TEST

Suite *
suite_status(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "status", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_live_and_ready);
	tcase_add_test(tc, readiness_is_told_check_by_check_when_asked_for);
	tcase_add_test(tc, a_process_that_stays_away_is_a_warning_and_the_pool_a_failure);
	tcase_add_test(tc, peers_and_clocks_that_are_not_well_are_warnings);
	tcase_add_test(tc, tells_how_far_a_sync_is);
	tcase_add_test(tc, tells_everything_about_the_node);
	tcase_add_test(tc, shows_the_mode_that_the_miner_is_in);
	tcase_add_test(tc, tells_when_the_next_block_can_be_expected);
	tcase_add_test(tc, lists_peers_with_state_and_reason);
	return s;
}
