/*
 * The resolver: it takes in what peers push, fetches what is better from those that have it, and leaves alone who breaks
 * a rule. Peers are actors with a strand of rewards, or a second node's worker with a chain of transfers.
 */
#include <string.h>

#include "crew.h"
#include "peer/kit.h"
#include "store/disk_maker.h"
#include "store/layout.h"
#include "store/peer_table.h"
#include "store/process.h"
#include "store/ring.h"
#include "suites.h"
#include "util/clock.h"
#include "util/text.h"

#define AHEAD_MS 120000 /* of our clock, which a block may be */

static struct crew crew;
static struct loop *loop;
static struct strand strand;
static struct actor actor;
static char actor_text[NETADDR_TEXT_SIZE];

static void
begin(void)
{
	crew_ready(&crew);
	loop = loop_new();
	strand_init(&strand);
	actor_start(&actor, loop, &strand);
	netaddr_format(actor_text, &actor.at);
}

static void
end(void)
{
	crew_close(&crew);
	actor_stop(&actor);
	strand_clear(&strand);
	loop_free(loop);
}

/* Waits while the actor plays. */
#define until(condition) kit_until(loop, condition)

static uint64_t
height(void)
{
	return chain_height(crew.store, chain_tip(crew.store));
}

static bool
has_block(const struct strand *s, uint64_t at)
{
	return chain_find(crew.store, chain_tip(crew.store), strand_hash(s, at)).v != 0;
}

/* Discovery has found a peer there. */
static void
introduce(const struct netaddr *at)
{
	struct peer_entry e = {.state = PEER_UP, .source = "static", .since_ms = clock_wall_ms()};

	netaddr_format(e.address, at);
	e.checked_ms = e.since_ms;
	ck_assert(peer_table_set(crew.store, &e));
}

/* The actor's hello tells of its whole chain. */
static void
boast(void)
{
	const struct header_state *state = &strand.blocks[strand_height(&strand)].state;

	actor.hello.head = (struct head){state->hash, state->work, state->header.height};
}

static void
push(const struct strand *s, uint64_t at, const char *from)
{
	ck_assert_int_eq(ring_put_block(crew.store, crew.ring, "10.0.0.9", from, PUSH_WHOLE,
					(const uint8_t *)s->blocks[at].bytes, s->blocks[at].size),
			 OK);
	bell_ring(&crew.env.bells, BELL_RESOLVER);
}

/* PUT /consensus: what the round after it came to. */
static struct command_result
consensus(void)
{
	static struct command_result result;
	int slot = ring_put_command(crew.store, crew.ring, &(struct command){.kind = COMMAND_CONSENSUS});

	ck_assert_int_ge(slot, 0);
	bell_ring(&crew.env.bells, BELL_RESOLVER);
	until(ring_take_result(crew.store, crew.ring, slot, &result));
	ck_assert_int_eq(result.error, OK);
	return result;
}

START_TEST(a_pushed_block_that_fits_is_ours_at_once)
{
	strand_grow(&strand, 3, 1);
	crew_start(&crew, "resolver");
	for (uint64_t h = 1; h <= 3; h++) {
		push(&strand, h, "10.0.0.9:5000");
		until(height() == h);
	}
	ck_assert(has_block(&strand, 3));
	until(crew_counter(&crew, "resolver", COUNT_BLOCKS) == 3);
	ck_assert_uint_eq(crew_counter(&crew, "resolver", COUNT_REORGS), 0);
	until(crew_heard(&crew, crew.env.bells.role[BELL_POOL]));
	until(crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	until(crew_said(&crew, "from 10.0.0.9:5000, height 2 -> 3"));
	ck_assert_int_eq(crew_stop(&crew, "resolver"), CHILD_STOPPED);
}
END_TEST

START_TEST(a_pushed_block_that_breaks_a_rule_is_remembered_with_what_follows_on_it)
{
	struct strand bad;

	strand_fork(&bad, &strand, 0);
	bad.params.reward++;
	strand_grow(&bad, 2, 2);
	strand_grow(&strand, 1, 1);
	introduce(&actor.at);
	crew_start(&crew, "resolver");
	consensus(); /* no round is under way any more, so a fetch would begin at once */
	push(&bad, 1, actor_text);
	until(crew_said(&crew, "breaks rule reward-amount"));
	/* Its child is no reason to ask anybody. They are taken in order, so what comes last tells when. */
	push(&bad, 2, actor_text);
	push(&strand, 1, actor_text);
	until(height() == 1);
	ck_assert(has_block(&strand, 1));
	consensus();
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 0);
	strand_clear(&bad);
}
END_TEST

START_TEST(one_whose_parent_is_missing_is_fetched_with_all_before_it)
{
	strand_grow(&strand, 10, 1);
	introduce(&actor.at);
	crew_start(&crew, "resolver");
	consensus(); /* the peer's head, as it tells it, is no better than ours */
	ck_assert_uint_eq(height(), 0);
	push(&strand, 10, actor_text);
	until(height() == 10);
	ck_assert(has_block(&strand, 10));
}
END_TEST

START_TEST(strangers_are_not_asked_for_what_they_push)
{
	struct strand other;

	strand_fork(&other, &strand, 0);
	strand_grow(&other, 1, 2);
	strand_grow(&strand, 10, 1);
	crew_start(&crew, "resolver");
	consensus();
	push(&strand, 10, actor_text);
	push(&other, 1, "");
	until(height() == 1);
	consensus();
	ck_assert_uint_eq(actor.asked[REQUEST_HEADERS], 0);
	strand_clear(&other);
}
END_TEST

START_TEST(one_that_is_early_is_held_until_its_time_has_come)
{
	uint64_t time_ms;

	strand_grow(&strand, 1, 1);
	strand_put_off(&strand, clock_wall_ms() + AHEAD_MS + 700 - strand.blocks[1].state.header.time_ms);
	time_ms = strand.blocks[1].state.header.time_ms;
	crew_start(&crew, "resolver");
	push(&strand, 1, "");
	until(height() == 1);
	ck_assert_uint_ge(clock_wall_ms() + AHEAD_MS, time_ms);
}
END_TEST

START_TEST(a_round_takes_over_the_better_chain_of_a_peer)
{
	strand_grow(&strand, 30, 1);
	boast();
	introduce(&actor.at);
	crew_start(&crew, "resolver");
	until(height() == 30);
	ck_assert(has_block(&strand, 30));
	until(crew_counter(&crew, "resolver", COUNT_ROUNDS) >= 1);
	until(crew_said(&crew, "adopted 30 blocks from 127.0.0.1"));
}
END_TEST

/* The resolver has a branch of three blocks from height 5 on, and meets one who has five there. */
static void
fork_off(struct strand *ours)
{
	strand_grow(&strand, 10, 1);
	strand_fork(ours, &strand, 5);
	strand_grow(ours, 3, 2);
	crew_start(&crew, "resolver");
	for (uint64_t h = 1; h <= 8; h++) {
		push(ours, h, "");
		until(height() == h);
	}
	boast();
	introduce(&actor.at);
}

START_TEST(a_longer_branch_swaps_out_ours_and_a_shorter_one_does_not)
{
	struct strand ours;

	fork_off(&ours);
	ck_assert(consensus().replaced);
	ck_assert_uint_eq(height(), 10);
	ck_assert(has_block(&strand, 10) && !has_block(&ours, 8));
	ck_assert_uint_eq(crew_counter(&crew, "resolver", COUNT_REORGS), 1);
	ck_assert_uint_eq(crew_counter(&crew, "resolver", COUNT_ROLLED_BACK), 3);
	ck_assert_uint_eq(crew_counter(&crew, "resolver", COUNT_DEEPEST), 3);
	ck_assert(crew_said(&crew, "in place of 3, fork at height 5"));
	/* There is nothing better any more. */
	ck_assert(!consensus().replaced);
	ck_assert_uint_eq(height(), 10);
	strand_clear(&ours);
}
END_TEST

START_TEST(a_branch_deeper_than_is_allowed_is_left_alone)
{
	struct strand ours;

	crew.config.resolver.max_reorg_depth = 2;
	fork_off(&ours);
	ck_assert(!consensus().replaced);
	ck_assert(has_block(&ours, 8));
	ck_assert(crew_said(&crew, "reorg-too-deep"));
	strand_clear(&ours);
}
END_TEST

START_TEST(who_breaks_a_rule_is_left_alone_and_what_was_good_stays)
{
	struct peer_pause pause;
	unsigned asked;

	strand_grow(&strand, 19, 1);
	strand.params.reward++;
	strand_grow(&strand, 1, 1);
	boast();
	introduce(&actor.at);
	crew_start(&crew, "resolver");
	until(peer_pause_find(crew.store, actor_text, clock_wall_ms(), &pause));
	ck_assert_str_eq(pause.rule, "reward-amount");
	ck_assert_uint_eq(height(), 19);
	ck_assert(has_block(&strand, 19));
	asked = actor.asked[REQUEST_HELLO];
	ck_assert(!consensus().replaced);
	ck_assert_uint_eq(actor.asked[REQUEST_HELLO], asked);
}
END_TEST

START_TEST(a_command_is_answered_also_when_there_is_nobody_to_ask)
{
	crew_start(&crew, "resolver");
	ck_assert(!consensus().replaced);
	until(crew_heard(&crew, crew.env.bells.ring[crew.ring]));
}
END_TEST

START_TEST(a_command_that_waits_when_a_resolver_ends_in_order_is_answered_by_the_next)
{
	static struct command_result result;
	const _Atomic uint32_t *state;
	int slot;

	introduce(&actor.at);
	slot = ring_put_command(crew.store, crew.ring, &(struct command){.kind = COMMAND_CONSENSUS});
	ck_assert_int_ge(slot, 0);
	state = &ring_at(crew.store, crew.ring)->commands[slot].state;
	crew_start(&crew, "resolver");
	/* The actor does not play yet, so the round goes on. */
	crew_until(atomic_load(state) == SLOT_BUSY);
	ck_assert_int_eq(crew_stop(&crew, "resolver"), CHILD_STOPPED);
	ck_assert(!ring_take_result(crew.store, crew.ring, slot, &result));
	crew_start(&crew, "resolver");
	until(ring_take_result(crew.store, crew.ring, slot, &result));
	ck_assert_int_eq(result.error, OK);
}
END_TEST

/* A second node, whose worker serves a chain with signed transfers in its last block, one of them bad or not. */
static void
make_other(struct crew *other, bool is_bad)
{
	struct tx txs[BLOCK_TXS_MAX];
	struct maker m;

	crew_init(other);
	other->env.nonce++;
	crew_open(other);
	crew_load(other);
	maker_init(&m, other->store, 51);
	ck_assert_int_eq(maker_begin(&m, chain_tip(other->store)), OK);
	ck_assert_int_eq(maker_add(&m, 0, NULL, 0, 20000), OK);
	for (unsigned i = 0; i < BLOCK_TXS_MAX; i++)
		txs[i] = transfer(other->store, 0, 1 + i % 4, 100, 10, i);
	if (is_bad)
		txs[BLOCK_TXS_MAX / 2].signature.b[7] ^= 1;
	ck_assert_int_eq(maker_add(&m, 5, txs, BLOCK_TXS_MAX, 20000), OK);
	ck_assert_int_eq(durable_commit(&m), OK);
	maker_clear(&m);
	crew_start(other, "worker");
	introduce(&other->at[0]);
}

START_TEST(signatures_of_a_fetched_chain_are_checked_with_the_help_of_verifiers)
{
	struct crew other;
	struct account account;
	struct address a = person(1);

	make_other(&other, false);
	crew_start(&crew, "verifier");
	crew_start(&crew, "resolver");
	until(height() == 2);
	ck_assert(
	    hash_equal(chain_hash(crew.store, chain_tip(crew.store)), chain_hash(other.store, chain_tip(other.store))));
	ck_assert_int_eq(chain_account(crew.store, chain_tip(crew.store), &a, &account, NULL), OK);
	ck_assert_uint_eq(account.balance, BLOCK_TXS_MAX / 4 * 100);
	crew_close(&other);
}
END_TEST

START_TEST(one_bad_signature_among_many_is_found)
{
	char text[NETADDR_TEXT_SIZE];
	struct peer_pause pause;
	struct crew other;

	make_other(&other, true);
	crew_start(&crew, "verifier");
	crew_start(&crew, "resolver");
	netaddr_format(text, &other.at[0]);
	until(peer_pause_find(crew.store, text, clock_wall_ms(), &pause));
	ck_assert_str_eq(pause.rule, "bad-signature");
	ck_assert_uint_eq(height(), 1);
	crew_close(&other);
}
END_TEST

Suite *
suite_role_resolver(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role resolver", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_pushed_block_that_fits_is_ours_at_once);
	tcase_add_test(tc, a_pushed_block_that_breaks_a_rule_is_remembered_with_what_follows_on_it);
	tcase_add_test(tc, one_whose_parent_is_missing_is_fetched_with_all_before_it);
	tcase_add_test(tc, strangers_are_not_asked_for_what_they_push);
	tcase_add_test(tc, one_that_is_early_is_held_until_its_time_has_come);
	tcase_add_test(tc, a_round_takes_over_the_better_chain_of_a_peer);
	tcase_add_test(tc, a_longer_branch_swaps_out_ours_and_a_shorter_one_does_not);
	tcase_add_test(tc, a_branch_deeper_than_is_allowed_is_left_alone);
	tcase_add_test(tc, who_breaks_a_rule_is_left_alone_and_what_was_good_stays);
	tcase_add_test(tc, a_command_that_waits_when_a_resolver_ends_in_order_is_answered_by_the_next);
	tcase_add_test(tc, a_command_is_answered_also_when_there_is_nobody_to_ask);
	tcase_add_test(tc, signatures_of_a_fetched_chain_are_checked_with_the_help_of_verifiers);
	tcase_add_test(tc, one_bad_signature_among_many_is_found);
	return suite;
}
