/* Fetches from nodes that do nothing wrong. */
#include "suites.h"
#include "taker.h"

static struct loop *loop;
static struct actor actor;
static struct taker taker;
static struct strand theirs, ours;

static void
enter(void)
{
	loop = loop_new();
	strand_init(&theirs);
	strand_init(&ours);
	actor_start(&actor, loop, &theirs);
	taker_init(&taker, loop);
}

static void
leave(void)
{
	taker_clear(&taker);
	actor_stop(&actor);
	strand_clear(&theirs);
	strand_clear(&ours);
	loop_free(loop);
}

static void
assert_adopted(const struct strand *s)
{
	ck_assert(hash_equal(taker_hash(&taker), strand_hash(s, strand_height(s))));
}

START_TEST(a_longer_chain_is_taken_from_genesis)
{
	const uint64_t height = 2 * BLOCKS_MAX + 44;

	strand_grow(&theirs, height, 1);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, height);
	ck_assert_uint_eq(taker.begins, 1);
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 1);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 3);
	ck_assert_uint_eq(taker.flushes, 3);
	ck_assert_uint_eq(taker.foreseen, height);
	ck_assert_uint_eq(taker.progress_height, height);
	ck_assert_uint_eq(taker.progress_target, height);
}
END_TEST

START_TEST(only_what_lies_behind_the_common_ancestor_is_fetched)
{
	strand_grow(&theirs, 50, 1);
	taker_have(&taker, &theirs, 1, 47);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, 3);
}
END_TEST

START_TEST(a_longer_branch_replaces_ours_from_the_fork_on)
{
	strand_grow(&ours, 20, 1);
	strand_clear(&theirs);
	strand_fork(&theirs, &ours, 5);
	strand_grow(&theirs, 16, 2);
	taker_have(&taker, &ours, 1, 20);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, 16);
}
END_TEST

START_TEST(the_very_chain_that_we_have_costs_one_request)
{
	strand_grow(&theirs, 30, 1);
	taker_have(&taker, &theirs, 1, 30);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 1);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 0);
	ck_assert_uint_eq(taker.begins, 0);
}
END_TEST

START_TEST(a_shorter_branch_is_left)
{
	strand_grow(&ours, 20, 1);
	strand_grow(&theirs, 19, 2);
	taker_have(&taker, &ours, 1, 20);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&ours);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 0);
}
END_TEST

/* It lost when it came, and wins now that our own chain is the shorter one: its records are still here. */
START_TEST(a_branch_whose_blocks_are_all_here_needs_no_bodies)
{
	strand_grow(&ours, 10, 1);
	strand_grow(&theirs, 12, 2);
	taker_have(&taker, &ours, 1, 10);
	taker_have(&taker, &theirs, 1, 12);
	taker.tip = 10; /* height 10 of ours */
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, 0);
	ck_assert_uint_eq(actor.asked[REQUEST_BLOCKS], 0);
}
END_TEST

START_TEST(a_branch_that_is_known_in_part_is_fetched_from_there)
{
	strand_grow(&ours, 10, 1);
	strand_grow(&theirs, 14, 2);
	taker_have(&taker, &ours, 1, 10);
	taker_have(&taker, &theirs, 1, 9);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, 5);
}
END_TEST

START_TEST(more_than_one_reply_of_headers_is_taken_part_by_part)
{
	strand_grow(&theirs, 2 * HEADERS_MAX + 10, 1);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, 2 * HEADERS_MAX + 10);
	ck_assert_uint_eq(taker.begins, 3);
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 3);
}
END_TEST

START_TEST(a_branch_that_loses_at_first_is_read_on_until_it_wins)
{
	strand_grow(&ours, HEADERS_MAX + 500, 1);
	strand_grow(&theirs, HEADERS_MAX + 501, 2);
	taker_have(&taker, &ours, 1, HEADERS_MAX + 500);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.begins, 1);
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 2);
}
END_TEST

START_TEST(a_branch_that_loses_over_several_replies_is_left)
{
	strand_grow(&ours, HEADERS_MAX + 500, 1);
	strand_grow(&theirs, HEADERS_MAX + 499, 2);
	taker_have(&taker, &ours, 1, HEADERS_MAX + 500);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&ours);
	ck_assert_uint_eq(taker.begins, 0);
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 2);
}
END_TEST

START_TEST(a_full_reply_of_known_blocks_is_read_on)
{
	strand_grow(&theirs, HEADERS_MAX + 700, 1);
	strand_grow(&ours, HEADERS_MAX + 600, 2);
	taker_have(&taker, &ours, 1, HEADERS_MAX + 600);
	taker_have(&taker, &theirs, 1, HEADERS_MAX);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&theirs);
	ck_assert_uint_eq(taker.result.bodies, 700);
}
END_TEST

/* Slightly early blocks are nobody's fault: what stands before them is taken now. */
START_TEST(a_block_ahead_of_the_clock_ends_the_usable_part)
{
	strand_grow(&theirs, 10, 1);
	taker.clock_ms = theirs.blocks[7].state.header.time_ms - TIME_AHEAD_MS;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	ck_assert_uint_eq(taker_height(&taker), 7);
	ck_assert_uint_eq(taker.result.bodies, 7);
	ck_assert(taker.result.is_early);
}
END_TEST

static void
swap_chain(void *ctx, enum request kind)
{
	(void)ctx;
	if (kind == REQUEST_HEADERS && actor.asked[REQUEST_HEADERS] == 2)
		actor.chain = &ours;
}

/* Its second reply of headers begins at another ancestor. */
START_TEST(a_peer_that_swaps_its_chain_meanwhile_has_not_offended)
{
	struct strand mine;

	strand_init(&mine);
	strand_grow(&mine, HEADERS_MAX + 500, 3);
	taker_have(&taker, &mine, 1, HEADERS_MAX + 500);
	strand_grow(&theirs, HEADERS_MAX + 501, 1);
	strand_grow(&ours, HEADERS_MAX + 502, 2);
	actor.before = swap_chain;
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_FAILED);
	ck_assert_int_eq(taker_fetch(&taker, &actor.at), FETCH_DONE);
	assert_adopted(&ours);
	strand_clear(&mine);
}
END_TEST

static const struct {
	enum request held;
	unsigned from;
} states[] = {{REQUEST_HEADERS, 0}, {REQUEST_HEADERS, 1}, {REQUEST_BLOCKS, 0}, {REQUEST_BLOCKS, 1}};

START_TEST(it_can_be_freed_at_any_point)
{
	strand_grow(&theirs, HEADERS_MAX + 300, 1);
	actor_play(&actor, states[_i].held, TRICK_HANG);
	actor.trick_from = states[_i].from;
	taker_start(&taker, &actor.at);
	kit_until(loop, actor.held_count == 1);
	fetch_free(taker.fetch);
	taker.fetch = NULL;
	kit_settle(loop);
	ck_assert_uint_eq(taker.done, 0);
	/* And before anything happened. */
	taker_start(&taker, &actor.at);
	fetch_free(taker.fetch);
	taker.fetch = NULL;
	fetch_free(NULL);
	kit_settle(loop);
	ck_assert_uint_eq(taker.done, 0);
}
END_TEST

Suite *
suite_fetch(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "fetch", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, a_longer_chain_is_taken_from_genesis);
	tcase_add_test(tc, only_what_lies_behind_the_common_ancestor_is_fetched);
	tcase_add_test(tc, a_longer_branch_replaces_ours_from_the_fork_on);
	tcase_add_test(tc, the_very_chain_that_we_have_costs_one_request);
	tcase_add_test(tc, a_shorter_branch_is_left);
	tcase_add_test(tc, a_branch_whose_blocks_are_all_here_needs_no_bodies);
	tcase_add_test(tc, a_branch_that_is_known_in_part_is_fetched_from_there);
	tcase_add_test(tc, more_than_one_reply_of_headers_is_taken_part_by_part);
	tcase_add_test(tc, a_branch_that_loses_at_first_is_read_on_until_it_wins);
	tcase_add_test(tc, a_branch_that_loses_over_several_replies_is_left);
	tcase_add_test(tc, a_full_reply_of_known_blocks_is_read_on);
	tcase_add_test(tc, a_block_ahead_of_the_clock_ends_the_usable_part);
	tcase_add_test(tc, a_peer_that_swaps_its_chain_meanwhile_has_not_offended);
	tcase_add_loop_test(tc, it_can_be_freed_at_any_point, 0, ARRAY_LEN(states));
	return suite;
}
