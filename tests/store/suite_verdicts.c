/*
 * Verdicts on transfers: what workers hand over to the pool's process is judged in the order of asking, and the answer comes
 * back to the slot that asked; also when nobody waits for it any more, when either side dies, and in heavy traffic.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "court_kit.h"
#include "process.h"
#include "store/layout.h"
#include "store/ring.h"
#include "suites.h"

START_TEST(verdicts_come_back_to_the_slot_that_asked_in_the_order_of_asking)
{
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = court_segment(&ring);

	/* More than once around. */
	for (uint32_t n = 0; n < 3 * RING_TXS; n += 7) {
		int slots[7];
		for (uint32_t i = 0; i < 7; i++) {
			slots[i] = court_put(s, ring, n + i);
			ck_assert_int_eq(slots[i], (int)((n + i) % RING_TXS));
			ck_assert(!ring_take_verdict(s, ring, slots[i], &a));
		}
		ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 7);
		for (uint32_t i = 0; i < 7; i++) {
			ck_assert_uint_eq(c.numbers[i], n + i);
			ck_assert_uint_eq(c.sizes[i], 100);
			ck_assert(c.from_client[i] == ((n + i) % 3 == 0));
		}
		for (uint32_t r = 0; r < STORE_RINGS_MAX; r++)
			ck_assert(c.rang[r] == (r == ring));
		/* Taken in whatever order. */
		for (uint32_t i = 7; i-- > 0;) {
			ck_assert(ring_take_verdict(s, ring, slots[i], &a));
			ck_assert_int_eq(a.status, ADMISSION_REFUSED);
			ck_assert_int_eq(a.rule, (n + i) % RULE_COUNT);
			ck_assert(a.is_new == ((n + i) % 2 != 0));
			ck_assert(!ring_take_verdict(s, ring, slots[i], &a));
		}
		ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 0);
	}
}
END_TEST

START_TEST(a_full_ring_takes_no_more_until_a_verdict_was_taken)
{
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = court_segment(&ring);

	for (uint32_t n = 0; n < RING_TXS; n++)
		ck_assert_int_eq(court_put(s, ring, n), (int)n);
	ck_assert_int_eq(court_put(s, ring, 9999), -1);
	/* Judged in portions. */
	ck_assert_uint_eq(court_drain(s, &c, 0), 0);
	ck_assert_uint_eq(court_drain(s, &c, 200), 200);
	ck_assert_uint_eq(c.numbers[199], 199);
	ck_assert_int_eq(court_put(s, ring, 9999), -1);
	ck_assert_uint_eq(court_drain(s, &c, 400), RING_TXS - 200);
	ck_assert_uint_eq(c.numbers[0], 200);
	/* Not the next place: what comes has to stay in order. */
	ck_assert(ring_take_verdict(s, ring, 1, &a));
	ck_assert_int_eq(court_put(s, ring, 9999), -1);
	ck_assert(ring_take_verdict(s, ring, 0, &a));
	ck_assert_int_eq(court_put(s, ring, 1000), 0);
	ck_assert_int_eq(court_put(s, ring, 1001), 1);
	ck_assert_int_eq(court_put(s, ring, 1002), -1);
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 2);
}
END_TEST

START_TEST(transfers_of_every_size_fit_and_none_that_is_larger)
{
	uint8_t bytes[TX_SIZE_MAX + 1] = {0};
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = court_segment(&ring);

	ck_assert_int_eq(ring_put_tx(s, ring, bytes, TX_SIZE_MAX + 1, true), -1);
	ck_assert_int_eq(ring_put_tx(s, ring, bytes, SIZE_MAX, true), -1);
	for (size_t size = 0; size <= TX_SIZE_MAX; size += 27) {
		int slot = ring_put_tx(s, ring, bytes, size, true);
		ck_assert_int_ge(slot, 0);
		ck_assert_uint_eq(court_drain(s, &c, 1), 1);
		ck_assert_uint_eq(c.sizes[0], size);
		ck_assert(ring_take_verdict(s, ring, slot, &a));
	}
}
END_TEST

START_TEST(a_transfer_that_nobody_waits_for_is_judged_and_its_slot_freed)
{
	struct court c;
	uint32_t ring;
	struct store *s = court_segment(&ring);
	int before = court_put(s, ring, 1), after = court_put(s, ring, 2), last;

	ring_forget_tx(s, ring, before);
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 2);
	ring_forget_tx(s, ring, after);
	for (uint32_t n = 2; n < RING_TXS; n++)
		ck_assert_int_eq(court_put(s, ring, n), (int)n);
	/* Around again: both slots are free, and nothing of the old remains in them. */
	last = court_put(s, ring, 5);
	ck_assert_int_eq(last, before);
	ck_assert_int_eq(court_put(s, ring, 6), after);
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), RING_TXS);
	ck_assert_uint_eq(atomic_load(&ring_at(s, ring)->txs[last].state), SLOT_DONE);
}
END_TEST

/* The pool's process died after it had judged, before or after it had said so. */
START_TEST(a_new_pool_process_goes_on_where_its_predecessor_died)
{
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = court_segment(&ring);
	struct ring_region *r = ring_at(s, ring);

	for (uint32_t n = 0; n < 5; n++)
		court_put(s, ring, n);
	ck_assert_uint_eq(court_drain(s, &c, 3), 3);
	atomic_store(&r->tx_done, 1);
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 2);
	ck_assert_uint_eq(c.numbers[0], 3);
	ck_assert_uint_eq(atomic_load(&r->tx_done), 5);
	/* Slots that are done all the same wake the worker, who may not have heard of them. */
	atomic_store(&r->tx_done, 2);
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 0);
	ck_assert(c.rang[ring]);
	for (int i = 0; i < 5; i++)
		ck_assert(ring_take_verdict(s, ring, i, &a));
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 0);
	ck_assert(!c.rang[ring]);
}
END_TEST

START_TEST(no_ring_is_always_the_last_to_be_judged)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	bool was_first[RINGS] = {false};
	struct admission a;
	struct court c;
	uint32_t rings[RINGS];

	for (int i = 0; i < RINGS; i++)
		ck_assert_int_eq(ring_assign(s, &rings[i]), OK);
	for (int round = 0; round < RINGS; round++) {
		int slots[RINGS];
		for (uint32_t i = 0; i < RINGS; i++)
			slots[i] = court_put(s, rings[i], i);
		ck_assert_uint_eq(court_drain(s, &c, 1), 1);
		was_first[c.numbers[0]] = true;
		ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), RINGS - 1);
		for (uint32_t i = 0; i < RINGS; i++)
			ck_assert(ring_take_verdict(s, rings[i], slots[i], &a));
		/* Two drains a round: an odd number of them moves the start. */
		court_drain(s, &c, 0);
	}
	for (int i = 0; i < RINGS; i++)
		ck_assert(was_first[i]);
}
END_TEST

static struct store *segment_of_court;

/* The judge's court sits while the master makes more rings. */
static struct admission
judge_and_grow(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	need(store_want_rings(segment_of_court, 3 * RINGS) == OK);
	return court_judge(ctx, bytes, size, from_client);
}

START_TEST(rings_that_come_in_the_middle_of_a_look_have_no_ring_judged_twice)
{
	struct store *s = segment_of_court = segment_make(&(struct segment_plan){.rings = RINGS});
	struct admission a;
	struct court c;
	uint32_t rings[RINGS];
	int slots[RINGS];

	for (int i = 0; i < RINGS; i++)
		ck_assert_int_eq(ring_assign(s, &rings[i]), OK);
	/* So many looks before that the turn comes to ring 7 % 4, and, if it were counted anew, to ring 15 % 12 later. */
	while (s->next_ring < 2 * RINGS - 1)
		court_drain(s, &c, 0);
	for (uint32_t i = 0; i < RINGS; i++)
		slots[i] = court_put(s, rings[i], i);
	memset(&c, 0, sizeof(c));
	ck_assert_uint_eq(ring_drain(s, SIZE_MAX, judge_and_grow, NULL, &c, c.rang), RINGS);
	ck_assert_uint_eq(c.count, RINGS);
	for (uint32_t i = 0; i < RINGS; i++) {
		ck_assert(ring_take_verdict(s, rings[i], slots[i], &a));
		ck_assert_int_eq(a.rule, i % RULE_COUNT);
	}
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 0);
}
END_TEST

/*
 * By luck: workers that put and take and forget as fast as they can, a pool that drains, for many times around. Both
 * sides are killed now and then. Every verdict must belong to what was asked.
 */
struct traffic {
	_Atomic uint32_t is_over;
	_Atomic uint32_t rounds[RINGS];
	_Atomic uint32_t judged;
};

static struct admission
judge_traffic(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct traffic *t = ctx;
	uint32_t number;

	need(size == 100);
	memcpy(&number, bytes, sizeof(number));
	need(from_client == (number % 3 == 0));
	atomic_fetch_add(&t->judged, 1);
	return (struct admission){ADMISSION_REFUSED, (enum rule)(number % RULE_COUNT), number % 2 != 0};
}

static void
drain_for_ever(struct store *s, void *arg)
{
	bool rang[STORE_RINGS_MAX];

	for (;;)
		ring_drain(s, 64, judge_traffic, NULL, arg, rang);
}

static void
ask_for_ever(struct store *s, void *arg)
{
	struct traffic *t = arg;
	uint32_t ring = s->role, number = ring, asked[RING_TXS];
	bool waits[RING_TXS] = {false};
	uint64_t random = ring;
	struct admission a;

	while (!atomic_load(&t->is_over)) {
		int slot = court_put(s, ring, number);
		if (slot >= 0) {
			need(!waits[slot]);
			asked[slot] = number;
			waits[slot] = true;
			number += 5;
			if (random_below(&random, 8) == 0) {
				ring_forget_tx(s, ring, slot);
				waits[slot] = false;
			}
		}
		if (slot >= 0 && random_below(&random, 3) != 0)
			continue;
		for (int i = 0; i < RING_TXS; i++) {
			if (!waits[i] || !ring_take_verdict(s, ring, i, &a))
				continue;
			waits[i] = false;
			need(a.rule == (enum rule)(asked[i] % RULE_COUNT) && a.is_new == (asked[i] % 2 != 0));
			atomic_fetch_add(&t->rounds[ring], 1);
		}
	}
}

START_TEST(every_worker_gets_its_own_verdicts_while_pools_are_killed)
{
	enum { KILLS = 60, ROUNDS_MIN = 3 * RING_TXS };
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	struct traffic *t = share(sizeof(*t));
	uint64_t random = 12;
	pid_t workers[2], pool;
	int kills = 0;
	uint32_t ring;

	for (uint32_t i = 0; i < ARRAY_LEN(workers); i++) {
		ck_assert_int_eq(ring_assign(s, &ring), OK);
		workers[i] = spawn(s, STORE_WORKER, ring, ring, ask_for_ever, t);
	}
	while (kills < KILLS || atomic_load(&t->rounds[0]) < ROUNDS_MIN || atomic_load(&t->rounds[1]) < ROUNDS_MIN) {
		struct timespec moment = {0, (long)random_below(&random, 8000000)};
		int status;

		pool = spawn(s, STORE_POOL, 7, 0, drain_for_ever, t);
		nanosleep(&moment, NULL);
		ck_assert_int_eq(kill(pool, SIGKILL), 0);
		status = await(s, pool);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		kills++;
	}
	atomic_store(&t->is_over, 1);
	for (uint32_t i = 0; i < ARRAY_LEN(workers); i++)
		await_ok(s, workers[i]);
}
END_TEST

Suite *
suite_verdicts(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "verdicts", 60);
	tcase_add_test(tc, verdicts_come_back_to_the_slot_that_asked_in_the_order_of_asking);
	tcase_add_test(tc, a_full_ring_takes_no_more_until_a_verdict_was_taken);
	tcase_add_test(tc, transfers_of_every_size_fit_and_none_that_is_larger);
	tcase_add_test(tc, a_transfer_that_nobody_waits_for_is_judged_and_its_slot_freed);
	tcase_add_test(tc, a_new_pool_process_goes_on_where_its_predecessor_died);
	tcase_add_test(tc, no_ring_is_always_the_last_to_be_judged);
	tcase_add_test(tc, rings_that_come_in_the_middle_of_a_look_have_no_ring_judged_twice);
	tcase_add_test(tc, every_worker_gets_its_own_verdicts_while_pools_are_killed);
	return suite;
}
