/* Fetches from several nodes at once: who delivers, who does not, and whose fault what is. */
#include "suites.h"
#include "taker.h"
#include "util/file.h"

#define ACTORS 3
#define LEAD 0
#define SOON_MS 20 /* a request that takes longer is late: other nodes in the same loop answer faster */

static struct loop *loop;
static struct actor actors[ACTORS];
static struct fetch_peer peers[ACTORS];
static struct taker taker;
static struct strand theirs;

static void
enter(void)
{
	loop = loop_new();
	strand_init(&theirs);
	for (int i = 0; i < ACTORS; i++)
		actor_start(&actors[i], loop, &theirs);
	taker_init(&taker, loop);
}

static void
leave(void)
{
	taker_clear(&taker);
	for (int i = 0; i < ACTORS; i++)
		actor_stop(&actors[i]);
	strand_clear(&theirs);
	loop_free(loop);
}

/* All have a chain of that height, and say so. */
static void
grow(size_t blocks)
{
	strand_grow(&theirs, blocks, 1);
	for (int i = 0; i < ACTORS; i++)
		peers[i] = (struct fetch_peer){actors[i].at, {.hash = *strand_hash(&theirs, blocks), .height = blocks}};
}

static enum fetch_end
fetch(void)
{
	return taker_fetch_many(&taker, peers, ACTORS);
}

static void
assert_adopted(void)
{
	ck_assert(hash_equal(taker_hash(&taker), strand_hash(&theirs, strand_height(&theirs))));
}

static const struct fetch_result *
fault_of(int i)
{
	return taker_fault(&taker, &actors[i].at);
}

START_TEST(bodies_come_from_all_and_headers_from_the_first)
{
	grow(4 * BLOCKS_MAX);
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	ck_assert_uint_eq(taker.fault_count, 0);
	ck_assert_uint_eq(taker.result.bodies, 4 * BLOCKS_MAX);
	for (int i = 0; i < ACTORS; i++) {
		ck_assert_uint_ge(actors[i].asked[REQUEST_BLOCKS], 1);
		ck_assert_uint_eq(actors[i].asked[REQUEST_HEADERS] > 0, i == LEAD);
	}
}
END_TEST

START_TEST(what_one_is_late_with_is_asked_of_another)
{
	grow(BLOCKS_MAX);
	taker.late_ms = SOON_MS;
	actor_play(&actors[_i], REQUEST_BLOCKS, TRICK_HANG);
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	ck_assert_uint_ge(actors[_i].asked[REQUEST_BLOCKS], 1);
}
END_TEST

START_TEST(who_is_overtaken_again_and_again_is_not_asked_any_more)
{
	grow(12 * BLOCKS_MAX);
	taker.late_ms = SOON_MS;
	actor_play(&actors[_i], REQUEST_BLOCKS, TRICK_HANG);
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	/* How often depends on who is how fast; it is never more, and after that it is told. The lead gave its headers. */
	ck_assert_uint_ge(actors[_i].asked[REQUEST_BLOCKS], 1);
	ck_assert_uint_le(actors[_i].asked[REQUEST_BLOCKS], 3);
	if (_i == LEAD)
		ck_assert_ptr_null(fault_of(_i));
	else if (fault_of(_i) != NULL)
		ck_assert_int_eq(fault_of(_i)->end, FETCH_FAILED);
}
END_TEST

/* Its chain is the branch's beginning: it gives what it has, and what it has not it does not withhold. */
START_TEST(who_has_a_part_only_is_asked_for_that_and_did_no_wrong)
{
	enum { PART = 600 };
	struct strand part;
	grow(4 * BLOCKS_MAX);
	strand_init(&part);
	strand_grow(&part, PART, 1);
	ck_assert(hash_equal(strand_hash(&part, PART), strand_hash(&theirs, PART)));
	for (int i = 1; i < ACTORS; i++) {
		actors[i].chain = &part;
		peers[i].head = (struct head){.hash = *strand_hash(&part, PART), .height = PART};
	}
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	ck_assert_uint_eq(taker.fault_count, 0);
	for (int i = 1; i < ACTORS; i++)
		ck_assert_uint_ge(actors[i].asked[REQUEST_BLOCKS], 1);
	strand_clear(&part);
}
END_TEST

/* The lead has no bodies, and what is left nobody else can have: the fetch ends, with what there was. */
START_TEST(a_fetch_ends_when_nobody_is_left_who_could_have_the_rest)
{
	enum { PART = 600 };
	struct strand part;
	grow(4 * BLOCKS_MAX);
	strand_init(&part);
	strand_grow(&part, PART, 1);
	for (int i = 1; i < ACTORS; i++) {
		actors[i].chain = &part;
		peers[i].head = (struct head){.hash = *strand_hash(&part, PART), .height = PART};
	}
	actor_play(&actors[LEAD], REQUEST_BLOCKS, TRICK_EMPTY);
	ck_assert_int_eq(fetch(), FETCH_MISBEHAVED);
	ck_assert(hash_equal(taker_hash(&taker), strand_hash(&part, PART)));
	ck_assert_uint_eq(taker.fault_count, 1);
	ck_assert_ptr_nonnull(fault_of(LEAD));
	strand_clear(&part);
}
END_TEST

static const struct {
	const char *what;
	enum trick trick;
	int status;
	unsigned from;
	enum fetch_end end;
	enum rule rule;
} rows[] = {
    {"no bodies", TRICK_EMPTY, 0, 0, FETCH_MISBEHAVED, RULE_OK},
    {"no bodies later", TRICK_EMPTY, 0, 1, FETCH_MISBEHAVED, RULE_OK},
    {"other bodies", TRICK_STRANGE, 0, 0, FETCH_MISBEHAVED, RULE_OK},
    {"spoiled bodies", TRICK_SPOILED, 0, 0, FETCH_BROKE_RULE, RULE_WRONG_MERKLE_ROOT},
    {"spoiled bodies later", TRICK_SPOILED, 0, 1, FETCH_BROKE_RULE, RULE_WRONG_MERKLE_ROOT},
    {"a surplus", TRICK_SURPLUS, 0, 0, FETCH_MISBEHAVED, RULE_OK},
    {"garbage", TRICK_GARBAGE, 0, 0, FETCH_MISBEHAVED, RULE_OK},
    {"bodies without end", TRICK_HUGE, 0, 0, FETCH_MISBEHAVED, RULE_OK},
    {"busy", TRICK_STATUS, 503, 0, FETCH_FAILED, RULE_OK},
    {"not found", TRICK_STATUS, 404, 0, FETCH_MISBEHAVED, RULE_OK},
};

/* Each row once with the first peer and once with another. */
START_TEST(who_does_wrong_is_named_and_the_others_go_on)
{
	size_t row = (size_t)_i / 2;
	int who = _i % 2;

	grow(2 * BLOCKS_MAX);
	actor_play(&actors[who], REQUEST_BLOCKS, rows[row].trick);
	actors[who].trick_status = rows[row].status;
	actors[who].trick_from = rows[row].from;
	ck_assert_msg(fetch() == FETCH_DONE, "%s by %d: %d", rows[row].what, who, taker.result.end);
	assert_adopted();
	ck_assert_uint_eq(taker.fault_count, 1);
	ck_assert_ptr_nonnull(fault_of(who));
	ck_assert_msg(fault_of(who)->end == rows[row].end, "%s by %d: fault %d", rows[row].what, who,
		      fault_of(who)->end);
	ck_assert_int_eq(fault_of(who)->rule, rows[row].rule);
	ck_assert_uint_ge(taker.forgotten, rows[row].trick == TRICK_SPOILED);
}
END_TEST

START_TEST(when_all_do_wrong_each_is_named)
{
	grow(2 * BLOCKS_MAX);
	for (int i = 0; i < ACTORS; i++)
		actor_play(&actors[i], REQUEST_BLOCKS, TRICK_SPOILED);
	ck_assert_int_eq(fetch(), FETCH_BROKE_RULE);
	ck_assert_int_eq(taker.result.rule, RULE_WRONG_MERKLE_ROOT);
	ck_assert_uint_eq(taker_height(&taker), 0);
	ck_assert_uint_eq(taker.fault_count, ACTORS);
	for (int i = 0; i < ACTORS; i++)
		ck_assert_ptr_nonnull(fault_of(i));
}
END_TEST

/* Nobody has promised to have the chain that another has. */
START_TEST(who_is_on_another_branch_has_done_no_wrong)
{
	struct strand other;

	strand_init(&other);
	strand_grow(&other, 2 * BLOCKS_MAX, 2);
	grow(2 * BLOCKS_MAX);
	actors[1].chain = &other;
	peers[1].head.hash = *strand_hash(&other, 2 * BLOCKS_MAX);
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	ck_assert_uint_eq(actors[1].asked[REQUEST_BLOCKS], 1);
	ck_assert_uint_eq(taker.fault_count, 0);
	strand_clear(&other);
}
END_TEST

/* Its head comes in the second reply of headers, when it has long answered that it has nothing. */
START_TEST(who_withholds_is_named_as_soon_as_its_head_is_seen)
{
	grow(HEADERS_MAX + 10);
	actor_play(&actors[1], REQUEST_BLOCKS, TRICK_EMPTY);
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	ck_assert_uint_eq(taker.fault_count, 1);
	ck_assert_int_eq(fault_of(1)->end, FETCH_MISBEHAVED);
}
END_TEST

START_TEST(a_bad_block_is_the_fault_of_the_chain)
{
	grow(2 * BLOCKS_MAX);
	taker.refuse_height = 700;
	taker.refuse_rule = RULE_REWARD_AMOUNT;
	ck_assert_int_eq(fetch(), FETCH_BROKE_RULE);
	ck_assert_int_eq(taker.result.rule, RULE_REWARD_AMOUNT);
	ck_assert_uint_eq(taker_height(&taker), 699);
	ck_assert_ptr_nonnull(fault_of(LEAD));
	ck_assert_int_eq(fault_of(LEAD)->rule, RULE_REWARD_AMOUNT);
	ck_assert_uint_le(taker.fault_count, 2);
}
END_TEST

START_TEST(crumbs_are_taken_and_hold_up_nobody)
{
	grow(BLOCKS_MAX);
	for (int i = 0; i <= _i; i++)
		actor_play(&actors[i], REQUEST_BLOCKS, TRICK_CRUMBS);
	ck_assert_int_eq(fetch(), FETCH_DONE);
	assert_adopted();
	ck_assert_uint_eq(taker.result.bodies, BLOCKS_MAX);
}
END_TEST

static void
cut(void *ctx, enum request kind)
{
	struct actor *a = ctx;

	if (kind == REQUEST_BLOCKS && a->asked[REQUEST_BLOCKS] == 2)
		actor_play(a, REQUEST_BLOCKS, TRICK_HANG);
}

START_TEST(who_goes_away_in_the_middle_is_replaced)
{
	grow(8 * BLOCKS_MAX);
	actors[_i].before = cut;
	actors[_i].ctx = &actors[_i];
	taker_start_many(&taker, peers, ACTORS);
	kit_until(loop, actors[_i].held_count == 1);
	actor_stop(&actors[_i]);
	kit_until(loop, taker.done == 1);
	/* Headers are not had from anybody but the first; all that were there lead to bodies. */
	ck_assert_uint_gt(taker_height(&taker), BLOCKS_MAX);
	if (_i != LEAD)
		assert_adopted();
	ck_assert_int_eq(fault_of(_i)->end, FETCH_FAILED);
}
END_TEST

/* It comes when the only other one has stopped answering. */
START_TEST(one_that_is_added_later_is_asked_too)
{
	grow(8 * BLOCKS_MAX);
	taker.late_ms = SOON_MS;
	actors[LEAD].before = cut;
	actors[LEAD].ctx = &actors[LEAD];
	taker_start_many(&taker, peers, 1);
	kit_until(loop, actors[LEAD].held_count == 1);
	ck_assert_uint_eq(fetch_peer_count(taker.fetch), 1);
	fetch_add_peer(taker.fetch, &peers[LEAD]);
	ck_assert_uint_eq(fetch_peer_count(taker.fetch), 1);
	fetch_add_peer(taker.fetch, &peers[1]);
	ck_assert_uint_eq(fetch_peer_count(taker.fetch), 2);
	kit_until(loop, taker.done == 1);
	ck_assert_int_eq(taker.result.end, FETCH_DONE);
	assert_adopted();
}
END_TEST

/* The headers that lead to its head had come before it did. */
START_TEST(one_that_is_added_later_and_withholds_is_named)
{
	grow(8 * BLOCKS_MAX);
	actors[LEAD].before = cut;
	actors[LEAD].ctx = &actors[LEAD];
	actor_play(&actors[1], REQUEST_BLOCKS, TRICK_EMPTY);
	peers[1].head.hash = *strand_hash(&theirs, HEADERS_MAX - 1);
	taker_start_many(&taker, peers, 1);
	kit_until(loop, actors[LEAD].held_count == 1);
	fetch_add_peer(taker.fetch, &peers[1]);
	kit_until(loop, taker.fault_count == 1);
	ck_assert_int_eq(fault_of(1)->end, FETCH_MISBEHAVED);
}
END_TEST

START_TEST(it_takes_so_many_and_no_more)
{
	struct fetch_peer silent = {.head = {.height = 1}};
	int fds[FETCH_PEERS_MAX + 1];

	grow(10);
	actor_play(&actors[LEAD], REQUEST_HEADERS, TRICK_HANG);
	taker_start_many(&taker, peers, 1);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = kit_silent(&silent.at);
		fetch_add_peer(taker.fetch, &silent);
	}
	ck_assert_uint_eq(fetch_peer_count(taker.fetch), FETCH_PEERS_MAX);
	fetch_free(taker.fetch);
	taker.fetch = NULL;
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(&fds[i]);
}
END_TEST

START_TEST(it_can_be_freed_while_several_are_asked)
{
	grow(2 * BLOCKS_MAX);
	for (int i = 0; i < ACTORS; i++)
		actor_play(&actors[i], REQUEST_BLOCKS, TRICK_HANG);
	taker_start_many(&taker, peers, ACTORS);
	kit_until(loop, actors[0].held_count + actors[1].held_count + actors[2].held_count >= ACTORS);
	fetch_free(taker.fetch);
	taker.fetch = NULL;
	kit_settle(loop);
	ck_assert_uint_eq(taker.done, 0);
}
END_TEST

Suite *
suite_fetch_many(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "fetch-many", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, bodies_come_from_all_and_headers_from_the_first);
	tcase_add_test(tc, who_has_a_part_only_is_asked_for_that_and_did_no_wrong);
	tcase_add_test(tc, a_fetch_ends_when_nobody_is_left_who_could_have_the_rest);
	tcase_add_loop_test(tc, what_one_is_late_with_is_asked_of_another, 0, 2);
	tcase_add_loop_test(tc, who_is_overtaken_again_and_again_is_not_asked_any_more, 0, 2);
	tcase_add_loop_test(tc, who_does_wrong_is_named_and_the_others_go_on, 0, 2 * (int)ARRAY_LEN(rows));
	tcase_add_test(tc, when_all_do_wrong_each_is_named);
	tcase_add_test(tc, who_is_on_another_branch_has_done_no_wrong);
	tcase_add_test(tc, who_withholds_is_named_as_soon_as_its_head_is_seen);
	tcase_add_test(tc, a_bad_block_is_the_fault_of_the_chain);
	tcase_add_loop_test(tc, crumbs_are_taken_and_hold_up_nobody, 0, ACTORS);
	tcase_add_loop_test(tc, who_goes_away_in_the_middle_is_replaced, 0, 2);
	tcase_add_test(tc, one_that_is_added_later_is_asked_too);
	tcase_add_test(tc, one_that_is_added_later_and_withholds_is_named);
	tcase_add_test(tc, it_takes_so_many_and_no_more);
	tcase_add_test(tc, it_can_be_freed_while_several_are_asked);
	return suite;
}
