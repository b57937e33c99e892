/* Commands: workers ask, miner and resolver answer; either may die or lose interest at any moment. */
#include <string.h>

#include "process.h"
#include "store/layout.h"
#include "store/ring.h"
#include "suites.h"

#define KIND(k) (1u << (k))
#define MINER (KIND(COMMAND_MINE) | KIND(COMMAND_MINE_START) | KIND(COMMAND_MINE_STOP))
#define RESOLVER KIND(COMMAND_CONSENSUS)

static struct store *
segment_with_ring(uint32_t *ring)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	ck_assert_int_eq(ring_assign(s, ring), OK);
	return s;
}

static int
ask(struct store *s, uint32_t ring, enum command_kind kind, uint32_t blocks)
{
	struct command c = {.kind = kind, .blocks = blocks, .address = person(blocks % PEOPLE)};

	return ring_put_command(s, ring, &c);
}

static uint32_t
slot_state(const struct store *s, uint32_t ring, int slot)
{
	return atomic_load(&ring_at(s, ring)->commands[slot].state);
}

START_TEST(are_answered_with_what_was_done)
{
	static struct command_result result;
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	struct address who = person(3);
	int slot = ask(s, ring, COMMAND_MINE, 3);

	ck_assert_int_eq(slot, 0);
	ck_assert(!ring_take_result(s, ring, slot, &result));
	ck_assert(command_next(s, MINER, &h, &c));
	ck_assert_int_eq(c.kind, COMMAND_MINE);
	ck_assert_uint_eq(c.blocks, 3);
	ck_assert(address_equal(&c.address, &who));
	ck_assert(!command_next(s, MINER, &h, &c));
	ck_assert(!ring_take_result(s, ring, slot, &result));
	h = (struct command_handle){ring, (uint32_t)slot};
	for (uint64_t i = 1; i <= 3; i++)
		command_mined(s, h, (struct blockref){i * 1000});
	ck_assert(!command_is_cancelled(s, h));
	command_finish(s, h, ERR_TIMEOUT, true);
	ck_assert(ring_take_result(s, ring, slot, &result));
	ck_assert_int_eq(result.error, ERR_TIMEOUT);
	ck_assert(result.replaced);
	ck_assert_uint_eq(result.count, 3);
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(result.blocks[i - 1].v, i * 1000);
	ck_assert(!ring_take_result(s, ring, slot, &result));
	/* The slot begins anew. */
	ck_assert_int_eq(ask(s, ring, COMMAND_CONSENSUS, 0), slot);
	ck_assert(command_next(s, RESOLVER, &h, &c));
	command_finish(s, h, OK, false);
	ck_assert(ring_take_result(s, ring, slot, &result));
	ck_assert_int_eq(result.error, OK);
	ck_assert(!result.replaced);
	ck_assert_uint_eq(result.count, 0);
}
END_TEST

START_TEST(go_to_who_wants_their_kind)
{
	static const enum command_kind kinds[] = {COMMAND_CONSENSUS, COMMAND_MINE_STOP, COMMAND_MINE,
						  COMMAND_MINE_START};
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	for (uint32_t i = 0; i < ARRAY_LEN(kinds); i++)
		ck_assert_int_eq(ask(s, ring, kinds[i], i), (int)i);
	ck_assert_int_eq(ask(s, ring, COMMAND_MINE, 0), -1);
	ck_assert(!command_next(s, 0, &h, &c));
	ck_assert(command_next(s, KIND(COMMAND_MINE), &h, &c) && c.kind == COMMAND_MINE && h.slot == 2);
	ck_assert(command_next(s, MINER, &h, &c) && c.kind == COMMAND_MINE_STOP);
	ck_assert(command_next(s, MINER, &h, &c) && c.kind == COMMAND_MINE_START);
	ck_assert(!command_next(s, MINER, &h, &c));
	ck_assert(command_next(s, RESOLVER, &h, &c) && c.kind == COMMAND_CONSENSUS);
	ck_assert(!command_next(s, MINER | RESOLVER, &h, &c));
}
END_TEST

START_TEST(of_rings_that_belong_to_nobody_are_not_done)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct command_handle h;
	struct command c;

	ck_assert_int_eq(ask(s, 1, COMMAND_MINE, 1), 0);
	ck_assert(!command_next(s, MINER, &h, &c));
}
END_TEST

START_TEST(can_be_cancelled_and_still_say_what_was_done)
{
	static struct command_result result;
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	int slot = ask(s, ring, COMMAND_MINE, 1000), other = ask(s, ring, COMMAND_MINE, 1);

	ck_assert(command_next(s, MINER, &h, &c));
	command_mined(s, h, (struct blockref){8});
	ring_cancel_command(s, ring, slot);
	ck_assert(command_is_cancelled(s, h));
	ck_assert(!command_is_cancelled(s, (struct command_handle){ring, (uint32_t)other}));
	command_finish(s, h, OK, false);
	ck_assert(ring_take_result(s, ring, slot, &result));
	ck_assert_uint_eq(result.count, 1);
	/* The next command in that slot is not. */
	ck_assert_int_eq(ask(s, ring, COMMAND_MINE, 5), slot);
	ck_assert(!command_is_cancelled(s, h));
}
END_TEST

/* When the worker loses interest: before it is taken up, while it is worked at, after it was answered. */
START_TEST(that_nobody_waits_for_free_their_slot)
{
	static struct command_result result;
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	int slot = ask(s, ring, COMMAND_MINE, 1);

	if (_i == 0)
		ring_forget_command(s, ring, slot);
	ck_assert(command_next(s, MINER, &h, &c));
	if (_i == 1)
		ring_forget_command(s, ring, slot);
	ck_assert(command_is_cancelled(s, h) == (_i < 2));
	command_finish(s, h, OK, false);
	if (_i == 2)
		ring_forget_command(s, ring, slot);
	ck_assert_uint_eq(slot_state(s, ring, slot), SLOT_FREE);
	ck_assert(!ring_take_result(s, ring, slot, &result));
	/* The next one in this slot is waited for. */
	ck_assert_int_eq(ask(s, ring, COMMAND_MINE, 1), slot);
	ck_assert(command_next(s, MINER, &h, &c));
	command_finish(s, h, OK, false);
	ck_assert(ring_take_result(s, ring, slot, &result));
}
END_TEST

START_TEST(that_a_dead_consumer_was_at_are_answered_by_the_next)
{
	static struct command_result result;
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	int mine = ask(s, ring, COMMAND_MINE, 7), consensus = ask(s, ring, COMMAND_CONSENSUS, 0);
	int waiting = ask(s, ring, COMMAND_MINE, 2), forgotten = ask(s, ring, COMMAND_MINE_START, 0);

	ck_assert(command_next(s, KIND(COMMAND_MINE), &h, &c));
	command_mined(s, h, (struct blockref){8});
	command_mined(s, h, (struct blockref){16});
	ck_assert(command_next(s, RESOLVER, &h, &c));
	ck_assert(command_next(s, KIND(COMMAND_MINE_START), &h, &c));
	ring_forget_command(s, ring, forgotten);
	command_recover(s, MINER);
	/* With what its predecessor had done before it died. */
	ck_assert(ring_take_result(s, ring, mine, &result));
	ck_assert_int_eq(result.error, ERR_CLOSED);
	ck_assert_uint_eq(result.count, 2);
	ck_assert_uint_eq(slot_state(s, ring, forgotten), SLOT_FREE);
	/* The other consumer lives and is at its own; what nobody has begun is done as usual. */
	ck_assert_uint_eq(slot_state(s, ring, consensus), SLOT_BUSY);
	ck_assert(command_next(s, MINER, &h, &c));
	ck_assert_int_eq((int)h.slot, waiting);
	command_recover(s, RESOLVER);
	ck_assert(ring_take_result(s, ring, consensus, &result));
	ck_assert_int_eq(result.error, ERR_CLOSED);
}
END_TEST

START_TEST(that_a_consumer_hands_back_are_gone_on_with_by_the_next)
{
	static struct command_result result;
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	int slot = ask(s, ring, COMMAND_MINE, 3);

	ck_assert(command_next(s, MINER, &h, &c));
	ck_assert_uint_eq(command_mined_count(s, h), 0);
	command_mined(s, h, (struct blockref){8});
	command_hand_back(s, h);
	ck_assert(!ring_take_result(s, ring, slot, &result));
	command_recover(s, MINER);
	ck_assert(!ring_take_result(s, ring, slot, &result));
	ck_assert(command_next(s, MINER, &h, &c));
	ck_assert_int_eq((int)h.slot, slot);
	ck_assert_uint_eq(c.blocks, 3);
	ck_assert_uint_eq(command_mined_count(s, h), 1);
	command_mined(s, h, (struct blockref){16});
	command_finish(s, h, OK, false);
	ck_assert(ring_take_result(s, ring, slot, &result));
	ck_assert_uint_eq(result.count, 2);
	ck_assert_uint_eq(result.blocks[0].v, 8);
	ck_assert_uint_eq(result.blocks[1].v, 16);
}
END_TEST

static size_t
drain_nothing(struct store *s)
{
	bool rang[STORE_RINGS_MAX] = {false};

	return ring_drain(s, 0, NULL, NULL, NULL, rang);
}

START_TEST(of_a_dead_worker_are_cancelled_and_hold_its_ring_until_done)
{
	struct command_handle taken, untouched;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	ask(s, ring, COMMAND_MINE, 1000);
	ask(s, ring, COMMAND_CONSENSUS, 0);
	ck_assert(command_next(s, MINER, &taken, &c));
	ring_orphan(s, ring);
	ck_assert(command_is_cancelled(s, taken));
	drain_nothing(s);
	ck_assert_uint_eq(atomic_load(ring_state(s, ring)), RING_ORPHANED);
	command_finish(s, taken, OK, false);
	drain_nothing(s);
	ck_assert_uint_eq(atomic_load(ring_state(s, ring)), RING_ORPHANED);
	ck_assert(command_next(s, RESOLVER, &untouched, &c));
	ck_assert(command_is_cancelled(s, untouched));
	command_finish(s, untouched, OK, false);
	drain_nothing(s);
	ck_assert_uint_eq(atomic_load(ring_state(s, ring)), RING_FREE);
}
END_TEST

START_TEST(whose_numbers_lie_harm_nobody)
{
	static const uint32_t kinds[] = {4, 31, 32, 33, 64, UINT32_MAX};
	struct command_handle h;
	struct command c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	struct ring_command *slot = &ring_at(s, ring)->commands[0];

	ck_assert_int_eq(ask(s, ring, COMMAND_MINE, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		memcpy(&slot->command.kind, &kinds[i], sizeof(kinds[i]));
		ck_assert(!command_next(s, MINER | RESOLVER, &h, &c));
	}
	slot->command.kind = COMMAND_MINE;
	ck_assert(command_next(s, MINER, &h, &c));
	/* Results are written where there is room for them. */
	for (uint64_t i = 0; i < RING_MINE_MAX + 5; i++)
		command_mined(s, h, (struct blockref){i + 1});
	ck_assert_uint_eq(slot->result.count, RING_MINE_MAX);
	ck_assert_uint_eq(slot->result.blocks[RING_MINE_MAX - 1].v, RING_MINE_MAX);
	slot->result.count = UINT32_MAX;
	command_mined(s, h, (struct blockref){1});
	ck_assert_uint_eq(slot->result.count, UINT32_MAX);
	ck_assert_uint_eq(atomic_load(&ring_at(s, ring)->commands[1].state), SLOT_FREE);
}
END_TEST

/* Forgetting and finishing at the same moment, over and over: one of the two must free the slot. */
enum { ROUNDS = 600 };
struct duel {
	_Atomic uint32_t is_over;
	_Atomic uint32_t is_seen[ROUNDS + 1];
};

static void
finish_all(struct store *s, void *arg)
{
	struct duel *d = arg;
	struct command_handle h;
	struct command c;

	while (!atomic_load(&d->is_over)) {
		if (!command_next(s, MINER, &h, &c))
			continue;
		atomic_store(&d->is_seen[c.blocks], 1);
		command_finish(s, h, OK, false);
	}
}

START_TEST(forgotten_and_finished_in_one_moment_are_free_after_it)
{
	struct duel *d = share(sizeof(*d));
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	pid_t pid = spawn(s, STORE_COMMIT, 0, 0, finish_all, d);

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		int slot = ask(s, ring, COMMAND_MINE, i);
		/* All four slots stay usable for ever only if each is freed each time. */
		while (slot < 0)
			slot = ask(s, ring, COMMAND_MINE, i);
		if (i % 3 != 0)
			wait_for(&d->is_seen[i], 1);
		ring_forget_command(s, ring, slot);
	}
	for (int i = 0; i < RING_COMMANDS; i++)
		wait_for(&ring_at(s, ring)->commands[i].state, SLOT_FREE);
	atomic_store(&d->is_over, 1);
	await_ok(s, pid);
}
END_TEST

Suite *
suite_command(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "command", 30);
	tcase_add_test(tc, are_answered_with_what_was_done);
	tcase_add_test(tc, go_to_who_wants_their_kind);
	tcase_add_test(tc, of_rings_that_belong_to_nobody_are_not_done);
	tcase_add_test(tc, can_be_cancelled_and_still_say_what_was_done);
	tcase_add_loop_test(tc, that_nobody_waits_for_free_their_slot, 0, 3);
	tcase_add_test(tc, that_a_dead_consumer_was_at_are_answered_by_the_next);
	tcase_add_test(tc, that_a_consumer_hands_back_are_gone_on_with_by_the_next);
	tcase_add_test(tc, of_a_dead_worker_are_cancelled_and_hold_its_ring_until_done);
	tcase_add_test(tc, whose_numbers_lie_harm_nobody);
	tcase_add_test(tc, forgotten_and_finished_in_one_moment_are_free_after_it);
	return suite;
}
