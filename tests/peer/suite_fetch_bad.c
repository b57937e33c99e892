/* Fetches from nodes that break a rule of the chain or of the protocol, and fetches that we ourselves must stop. */
#include <string.h>

#include "suites.h"
#include "taker.h"

static struct loop *loop;
static struct actor actor;
static struct taker taker;
static struct strand theirs;

static void
enter(void)
{
	loop = loop_new();
	strand_init(&theirs);
	actor_start(&actor, loop, &theirs);
	taker_init(&taker, loop);
}

static void
leave(void)
{
	taker_clear(&taker);
	actor_stop(&actor);
	strand_clear(&theirs);
	loop_free(loop);
}

START_TEST(the_blocks_before_a_bad_header_are_taken)
{
	strand_grow(&theirs, 9, 1);
	strand_spoil_version(&theirs);
	strand_grow(&theirs, 3, 1);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_BROKE_RULE);
	ck_assert_int_eq(taker.result.rule, RULE_BLOCK_VERSION);
	ck_assert_uint_eq(taker.result.height, 9);
	ck_assert(hash_equal(&taker.result.hash, strand_hash(&theirs, 9)));
	ck_assert_uint_eq(taker_height(&taker), 8);
	ck_assert_uint_eq(taker.result.bodies, 8);
}
END_TEST

START_TEST(a_prefix_that_does_not_win_is_not_fetched)
{
	struct strand ours;

	strand_init(&ours);
	strand_grow(&ours, 9, 2);
	taker_have(&taker, &ours, 1, 9);
	strand_grow(&theirs, 9, 1);
	strand_spoil_version(&theirs);
	strand_grow(&theirs, 3, 1);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_BROKE_RULE);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 0);
	ck_assert(hash_equal(taker_hash(&taker), strand_hash(&ours, 9)));
	strand_clear(&ours);
}
END_TEST

static const uint64_t bad_bodies[] = {1, 2, 100, BLOCKS_MAX, BLOCKS_MAX + 1, BLOCKS_MAX + 72};

START_TEST(the_blocks_before_a_bad_body_are_taken)
{
	strand_grow(&theirs, BLOCKS_MAX + 72, 1);
	taker.refuse_height = bad_bodies[_i];
	taker.refuse_rule = RULE_REWARD_AMOUNT;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_BROKE_RULE);
	ck_assert_int_eq(taker.result.rule, RULE_REWARD_AMOUNT);
	ck_assert_uint_eq(taker.result.height, bad_bodies[_i]);
	ck_assert(hash_equal(&taker.result.hash, strand_hash(&theirs, bad_bodies[_i])));
	ck_assert_uint_eq(taker_height(&taker), bad_bodies[_i] - 1);
	ck_assert_uint_eq(taker.result.bodies, bad_bodies[_i] - 1);
}
END_TEST

START_TEST(what_descends_from_a_bad_block_is_not_fetched)
{
	strand_grow(&theirs, 20, 1);
	taker.bad = strand_hash(&theirs, 11);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_BROKE_RULE);
	ck_assert_int_eq(taker.result.rule, RULE_KNOWN_BAD);
	ck_assert_uint_eq(taker_height(&taker), 10);
}
END_TEST

START_TEST(a_branch_that_may_not_begin_is_not_fetched)
{
	strand_grow(&theirs, 5, 1);
	taker.begin_rule = RULE_REORG_TOO_DEEP;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_REFUSED);
	ck_assert_int_eq(taker.result.rule, RULE_REORG_TOO_DEEP);
	ck_assert_uint_eq(taker.result.height, 5);
	ck_assert_uint_eq(taker.fault_count, 0);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 0);
}
END_TEST

static const struct {
	const char *what;
	enum request on;
	enum trick trick;
	int status;
	unsigned from; /* which request of the kind is answered so */
	enum fetch_end end;
	uint64_t height; /* what we have in the end */
} rows[] = {
    {"headers as text", REQUEST_HEADERS, TRICK_TYPE, 0, 0, FETCH_MISBEHAVED, 0},
    {"headers cut short", REQUEST_HEADERS, TRICK_GARBAGE, 0, 0, FETCH_MISBEHAVED, 0},
    {"headers without end", REQUEST_HEADERS, TRICK_HUGE, 0, 0, FETCH_MISBEHAVED, 0},
    {"headers that follow on nothing of ours", REQUEST_HEADERS, TRICK_STRANGE, 0, 0, FETCH_MISBEHAVED, 0},
    {"no headers", REQUEST_HEADERS, TRICK_EMPTY, 0, 0, FETCH_DONE, 0},
    {"not found", REQUEST_HEADERS, TRICK_STATUS, 404, 0, FETCH_MISBEHAVED, 0},
    {"a node that is busy", REQUEST_HEADERS, TRICK_STATUS, 503, 0, FETCH_FAILED, 0},
    {"a node that limits us", REQUEST_HEADERS, TRICK_STATUS, 429, 0, FETCH_FAILED, 0},
    {"bodies as text", REQUEST_BLOCKS, TRICK_TYPE, 0, 0, FETCH_MISBEHAVED, 0},
    {"bodies cut short", REQUEST_BLOCKS, TRICK_GARBAGE, 0, 0, FETCH_MISBEHAVED, 0},
    {"bodies without end", REQUEST_BLOCKS, TRICK_HUGE, 0, 0, FETCH_MISBEHAVED, 0},
    {"no bodies", REQUEST_BLOCKS, TRICK_EMPTY, 0, 0, FETCH_MISBEHAVED, 0},
    {"no bodies in the end", REQUEST_BLOCKS, TRICK_EMPTY, 0, 1, FETCH_MISBEHAVED, FETCH_BODIES_FIRST},
    {"bodies that nobody asked for", REQUEST_BLOCKS, TRICK_STRANGE, 0, 0, FETCH_MISBEHAVED, 0},
    {"one body more than asked for", REQUEST_BLOCKS, TRICK_SURPLUS, 0, 0, FETCH_MISBEHAVED, 0},
    {"an error in the middle", REQUEST_BLOCKS, TRICK_STATUS, 500, 1, FETCH_FAILED, FETCH_BODIES_FIRST},
};

START_TEST(what_breaks_the_protocol_ends_the_fetch)
{
	strand_grow(&theirs, rows[_i].from == 0 ? 150 : BLOCKS_MAX + 22, 1);
	actor_play(&actor, rows[_i].on, rows[_i].trick);
	actor.trick_status = rows[_i].status;
	actor.trick_from = rows[_i].from;
	ck_assert_msg(taker_fetch(&taker, &actor.at) == rows[_i].end, "%s: %d", rows[_i].what, taker.result.end);
	ck_assert_msg(rows[_i].end == FETCH_DONE || taker.result.reason[0] != '\0', "%s: no reason", rows[_i].what);
	ck_assert_msg(taker_height(&taker) == rows[_i].height, "%s: height %d", rows[_i].what,
		      (int)taker_height(&taker));
}
END_TEST

/* The same 2,000 headers for ever would otherwise keep us busy for ever. */
START_TEST(known_headers_again_and_again_are_not_read_on)
{
	struct strand ours;

	strand_init(&ours);
	strand_grow(&theirs, HEADERS_MAX + 5, 1);
	strand_grow(&ours, HEADERS_MAX + 600, 2);
	taker_have(&taker, &ours, 1, HEADERS_MAX + 600);
	taker_have(&taker, &theirs, 1, HEADERS_MAX);
	actor_play(&actor, REQUEST_HEADERS, TRICK_FROM_THE_START);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_FAILED);
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 2);
	strand_clear(&ours);
}
END_TEST

START_TEST(a_rule_broken_before_is_told_though_the_rest_fails)
{
	strand_grow(&theirs, 9, 1);
	strand_spoil_version(&theirs);
	actor_play(&actor, REQUEST_BLOCKS, TRICK_STATUS);
	actor.trick_status = 500;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_BROKE_RULE);
	ck_assert_int_eq(taker.result.rule, RULE_BLOCK_VERSION);
}
END_TEST

static const struct {
	enum request held;
	unsigned from;
	uint64_t height;
} cuts[] = {{REQUEST_HEADERS, 0, 0}, {REQUEST_BLOCKS, 0, 0}, {REQUEST_BLOCKS, 1, FETCH_BODIES_FIRST}};

START_TEST(a_peer_that_goes_away_ends_the_fetch)
{
	strand_grow(&theirs, BLOCKS_MAX + 22, 1);
	actor_play(&actor, cuts[_i].held, TRICK_HANG);
	actor.trick_from = cuts[_i].from;
	taker_start(&taker, &actor.at);
	kit_until(loop, actor.held_count == 1);
	actor_stop(&actor);
	kit_until(loop, taker.done == 1);
	ck_assert_int_eq(taker.result.end, FETCH_FAILED);
	ck_assert_uint_eq(taker_height(&taker), cuts[_i].height);
}
END_TEST

START_TEST(a_peer_that_is_not_there_ends_the_fetch)
{
	struct netaddr at = kit_closed();

	ck_assert_int_eq(taker_fetch(&taker, &at), FETCH_FAILED);
}
END_TEST

START_TEST(a_body_that_we_cannot_keep_stops_the_fetch)
{
	strand_grow(&theirs, 20, 1);
	taker.refuse_height = 6;
	taker.refuse_rule = RULE_OK;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_STOPPED);
	ck_assert_uint_eq(taker_height(&taker), 5);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 1);
}
END_TEST

START_TEST(a_batch_that_cannot_be_committed_stops_the_fetch)
{
	strand_grow(&theirs, 16 * BLOCKS_MAX, 1);
	taker.flushes_left = 1;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_STOPPED);
	ck_assert_uint_ge(taker_height(&taker), FETCH_BODIES_FIRST);
	ck_assert_uint_gt(taker.bodies, taker_height(&taker));
	ck_assert_uint_lt(taker.bodies, 16 * BLOCKS_MAX);
	/* What was on its way already is dropped. */
	kit_settle(loop);
	ck_assert_uint_eq(taker.done, 1);
	ck_assert_uint_eq(taker.flushes, 2);
}
END_TEST

START_TEST(a_branch_of_known_blocks_that_cannot_be_committed_stops_the_fetch)
{
	strand_grow(&theirs, 12, 1);
	taker_have(&taker, &theirs, 1, 12);
	taker.tip = 0;
	taker.flushes_left = 0;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_STOPPED);
}
END_TEST

Suite *
suite_fetch_bad(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "fetch-bad", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, the_blocks_before_a_bad_header_are_taken);
	tcase_add_test(tc, a_prefix_that_does_not_win_is_not_fetched);
	tcase_add_loop_test(tc, the_blocks_before_a_bad_body_are_taken, 0, ARRAY_LEN(bad_bodies));
	tcase_add_test(tc, what_descends_from_a_bad_block_is_not_fetched);
	tcase_add_test(tc, a_branch_that_may_not_begin_is_not_fetched);
	tcase_add_loop_test(tc, what_breaks_the_protocol_ends_the_fetch, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, known_headers_again_and_again_are_not_read_on);
	tcase_add_test(tc, a_rule_broken_before_is_told_though_the_rest_fails);
	tcase_add_loop_test(tc, a_peer_that_goes_away_ends_the_fetch, 0, ARRAY_LEN(cuts));
	tcase_add_test(tc, a_peer_that_is_not_there_ends_the_fetch);
	tcase_add_test(tc, a_body_that_we_cannot_keep_stops_the_fetch);
	tcase_add_test(tc, a_batch_that_cannot_be_committed_stops_the_fetch);
	tcase_add_test(tc, a_branch_of_known_blocks_that_cannot_be_committed_stops_the_fetch);
	return suite;
}
