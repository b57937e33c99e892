/* The pool process: what workers put in their rings gets a verdict, and what it let in is on the disk by then. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "store/disk_maker.h"
#include "store/layout.h"
#include "store/load.h"
#include "store/process.h"
#include "store/ring.h"
#include "suites.h"
#include "util/failpoint.h"

#define MILLION 1000000

static struct crew crew;
static struct maker maker;

/* Person 0 has a coin, and the pool process runs. */
static void
begin(void)
{
	crew_init(&crew);
	crew.config.node.pool_max = 2048;
	crew_open(&crew);
	crew_load(&crew);
	maker_init(&maker, crew.store, 7);
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
}

static void
end(void)
{
	maker_clear(&maker);
	crew_close(&crew);
}

static int
put(const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	int slot;

	tx_encode(&w, tx);
	slot = ring_put_tx(crew.store, crew.ring, bytes, writer_len(&w), true);
	ck_assert_int_ge(slot, 0);
	return slot;
}

static struct admission
verdict_in(int slot)
{
	struct admission a;

	crew_until(ring_take_verdict(crew.store, crew.ring, slot, &a));
	return a;
}

/* As a worker does it. */
static struct admission
ask(const struct tx *tx)
{
	int slot = put(tx);

	bell_ring(&crew.env.bells, BELL_POOL);
	return verdict_in(slot);
}

START_TEST(takes_a_transfer_out_of_a_ring_and_tells_the_verdict)
{
	struct tx tx = transfer(crew.store, 0, 1, MILLION, 10, 0);
	struct hash256 id = tx_id(&tx);
	struct pool_entry e;
	struct admission a;

	role_set(crew.store, COUNT_OUTLETS, 1);
	role_set(crew.store, COUNT_MODE, MINER_ON_DEMAND);
	crew_start(&crew, "pool");
	a = ask(&tx);
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
	ck_assert(a.is_new);
	ck_assert(mempool_find(crew.store, &id, &e));
	ck_assert(e.is_kept && e.from_client);
	ck_assert_uint_eq(e.value, MILLION);
	/* Who waits for it is woken, and so is who goes on with it. */
	crew_until(crew_heard(&crew, crew.env.bells.ring[crew.ring]));
	crew_until(crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	crew_until(crew_heard(&crew, crew.env.bells.role[BELL_MINER]));
	ck_assert_uint_eq(crew_counter(&crew, "pool", COUNT_ACCEPTED), 1);
	/* The same again is the same, and nothing new. */
	a = ask(&tx);
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
	ck_assert(!a.is_new);
	ck_assert_uint_eq(mempool_count(crew.store), 1);
	ck_assert_int_eq(crew_stop(&crew, "pool"), CHILD_STOPPED);
}
END_TEST

START_TEST(names_the_rule_that_a_transfer_breaks)
{
	struct tx poor = transfer(crew.store, 0, 1, COIN, 10, 0), wrong = transfer(crew.store, 0, 1, 0, 10, 0);
	struct admission a;

	crew_start(&crew, "pool");
	a = ask(&poor);
	ck_assert_int_eq(a.status, ADMISSION_REFUSED);
	ck_assert_int_eq(a.rule, RULE_INSUFFICIENT_FUNDS);
	a = ask(&wrong);
	ck_assert_int_eq(a.status, ADMISSION_REFUSED);
	ck_assert_int_eq(a.rule, RULE_ZERO_VALUE);
	ck_assert_uint_eq(crew_counter(&crew, "pool", COUNT_REJECTED), 2);
	ck_assert_uint_eq(crew_counter(&crew, "pool", COUNT_ACCEPTED), 0);
	ck_assert_uint_eq(mempool_count(crew.store), 0);
}
END_TEST

/* The ring is a worker's, and what is in it may be anything once a worker is not its own master. */
START_TEST(takes_nothing_but_whole_transfers)
{
	struct tx good = transfer(crew.store, 0, 1, 100, 10, 0);
	struct tx reward = {.version = TX_REWARD, .network = *store_genesis(crew.store), .value = 1, .sequence = 2};
	uint8_t bytes[TX_SIZE_MAX + 1] = {0};
	struct writer w = writer_of(bytes, TX_SIZE_MAX);
	size_t size;
	int slots[3];

	tx_encode(&w, &good);
	size = writer_len(&w);
	slots[0] = ring_put_tx(crew.store, crew.ring, bytes, size - 1, true);
	slots[1] = ring_put_tx(crew.store, crew.ring, bytes, size + 1, true);
	slots[2] = put(&reward);
	crew_start(&crew, "pool");
	for (int i = 0; i < 3; i++) {
		struct admission a = verdict_in(slots[i]);
		ck_assert_msg(a.status == ADMISSION_REFUSED && a.rule == RULE_TX_MALFORMED, "%d: %d %d", i, a.status,
			      a.rule);
	}
	ck_assert_uint_eq(mempool_count(crew.store), 0);
}
END_TEST

START_TEST(looks_into_the_rings_also_when_nobody_rings)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	int slot;

	crew_start(&crew, "pool");
	ask(&tx); /* so that it is past its first look */
	tx = transfer(crew.store, 0, 1, 100, 10, 1);
	slot = put(&tx);
	ck_assert_int_eq(verdict_in(slot).status, ADMISSION_PENDING);
}
END_TEST

START_TEST(lets_wait_who_is_ahead_of_his_turn)
{
	struct tx first = transfer(crew.store, 0, 1, 100, 10, 0), second = transfer(crew.store, 0, 1, 100, 10, 1);
	struct hash256 id = tx_id(&second);
	struct pool_entry e;

	crew_start(&crew, "pool");
	ck_assert_int_eq(ask(&second).status, ADMISSION_WAITING);
	ck_assert_int_eq(ask(&first).status, ADMISSION_PENDING);
	ck_assert(mempool_find(crew.store, &id, &e));
	ck_assert(!e.is_waiting);
}
END_TEST

START_TEST(drops_what_a_new_block_holds)
{
	struct tx mined = transfer(crew.store, 0, 1, 100, 10, 0), other = transfer(crew.store, 0, 1, 100, 10, 1);

	crew_start(&crew, "pool");
	ask(&mined);
	ask(&other);
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 1, &mined, 1, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	bell_ring_tip(&crew.env.bells);
	crew_until(mempool_count(crew.store) == 1);
	ck_assert_int_eq(ask(&mined).status, ADMISSION_CONFIRMED);
	ck_assert_int_eq(ask(&other).status, ADMISSION_PENDING);
}
END_TEST

START_TEST(returns_what_a_longer_chain_swapped_out)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	struct blockref fork = chain_tip(crew.store);

	ck_assert_int_eq(maker_begin(&maker, fork), OK);
	ck_assert_int_eq(maker_add(&maker, 1, &tx, 1, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	crew_start(&crew, "pool");
	ck_assert_int_eq(ask(&tx).status, ADMISSION_CONFIRMED);
	ck_assert_int_eq(maker_begin(&maker, fork), OK);
	ck_assert_int_eq(maker_add(&maker, 2, NULL, 0, 20000), OK);
	ck_assert_int_eq(maker_add(&maker, 2, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	ck_assert(!crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	bell_ring(&crew.env.bells, BELL_POOL);
	crew_until(mempool_count(crew.store) == 1);
	crew_until(crew_counter(&crew, "pool", COUNT_RETURNED) == 1);
	crew_until(crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	ck_assert(crew_said(&crew, "returned 1 and ruled out 0"));
}
END_TEST

START_TEST(wakes_nobody_to_whom_a_transfer_is_no_news)
{
	struct tx tx;

	role_set(crew.store, COUNT_MODE, MINER_CONTINUOUS);
	crew_start(&crew, "pool");
	/* The verdict of the second is told when all that the first has brought about is done. */
	for (uint64_t i = 0; i < 2; i++) {
		tx = transfer(crew.store, 0, 1, 100, 10, i);
		ck_assert_int_eq(ask(&tx).status, ADMISSION_PENDING);
	}
	ck_assert(!crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	ck_assert(!crew_heard(&crew, crew.env.bells.role[BELL_MINER]));
}
END_TEST

/* A worker that has nothing in its ring hears of a change only if somebody listens. */
START_TEST(rings_all_workers_while_there_are_listeners)
{
	int other = crew.env.bells.ring[crew.ring == 0 ? 1 : 0];
	struct tx tx;

	crew_start(&crew, "pool");
	/* All of them once, when it begins. */
	crew_until(crew_heard(&crew, other));
	/* The verdict of the second is told when all that the first has brought about is done. */
	for (uint64_t i = 0; i < 2; i++) {
		tx = transfer(crew.store, 0, 1, 100, 10, i);
		ck_assert_int_eq(ask(&tx).status, ADMISSION_PENDING);
	}
	ck_assert(!crew_heard(&crew, other));
	role_set(crew.store, COUNT_LISTENERS, 1);
	tx = transfer(crew.store, 0, 1, 100, 10, 2);
	ask(&tx);
	crew_until(crew_heard(&crew, other));
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 1, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	bell_ring_tip(&crew.env.bells);
	crew_until(crew_heard(&crew, other));
}
END_TEST

START_TEST(judges_what_came_in_before_it_stops)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	pid_t pid = crew_start(&crew, "pool");
	struct admission a;
	int slot;

	ask(&tx); /* so that it is in its loop */
	tx = transfer(crew.store, 0, 1, 100, 10, 1);
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	slot = put(&tx);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(crew_wait(&crew, "pool"), CHILD_STOPPED);
	ck_assert(ring_take_verdict(crew.store, crew.ring, slot, &a));
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
}
END_TEST

START_TEST(empties_and_frees_the_ring_of_a_dead_worker)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	uint32_t other;

	put(&tx);
	ring_orphan(crew.store, crew.ring);
	ck_assert_int_eq(ring_assign(crew.store, &other), OK);
	ck_assert_uint_ne(other, crew.ring);
	crew_start(&crew, "pool");
	crew_until(mempool_count(crew.store) == 1);
	crew_until(ring_assign(crew.store, &other) == OK);
	ck_assert_uint_eq(other, crew.ring);
}
END_TEST

/* As if it had died, or had no bell to ring, when the verdict was given and its place in the ring was behind it. */
START_TEST(a_successor_wakes_who_was_not_told_of_a_verdict)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	int slot = put(&tx), bell = crew.env.bells.ring[crew.ring];
	pid_t pid = crew_start(&crew, "pool");
	struct admission a;

	crew_until(atomic_load(&ring_at(crew.store, crew.ring)->tx_done) == 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(crew_wait(&crew, "pool"), CREW_SIGNAL + SIGKILL);
	while (crew_heard(&crew, bell))
		;
	crew_start(&crew, "pool");
	crew_until(crew_heard(&crew, bell));
	ck_assert(ring_take_verdict(crew.store, crew.ring, slot, &a));
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
}
END_TEST

#ifdef RENSA_FAILPOINTS
/*
 * Somebody has coins, and so many blocks are full of its transfers. The pool was there: the walk away from the tip is its to do.
 * Returns the block before them.
 */
static struct blockref
full_blocks(unsigned count)
{
	struct blockref fork;
	struct tx given[BLOCK_TXS_MAX];

	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 1, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	fork = chain_tip(crew.store);
	ck_assert_int_eq(maker_begin(&maker, fork), OK);
	for (unsigned i = 0; i < count; i++) {
		for (unsigned k = 0; k < BLOCK_TXS_MAX; k++)
			given[k] = transfer_unsigned(crew.store, 1, 2, 100, 1, i * BLOCK_TXS_MAX + k);
		ck_assert_int_eq(maker_add(&maker, 2, given, BLOCK_TXS_MAX, 20000), OK);
	}
	ck_assert_int_eq(durable_commit(&maker), OK);
	atomic_store(&pool_at(crew.store)->settled, chain_tip(crew.store).v);
	return fork;
}

/* What comes back fills more than one turn. It is stopped in the second, with more to give back than it may in one. */
START_TEST(a_new_transfer_does_not_wait_until_all_have_come_back)
{
	enum { BLOCKS = 20, TRANSFERS = BLOCKS * BLOCK_TXS_MAX, A_TURN = 512 };
	int bell = crew.env.bells.ring[crew.ring == 0 ? 1 : 0], slot, status;
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	struct blockref fork;
	struct admission a;
	uint64_t rings;
	pid_t pid;

	fork = full_blocks(BLOCKS);
	ck_assert_int_eq(chain_swap(crew.store, fork), OK);
	role_set(crew.store, COUNT_LISTENERS, 1);
	slot = put(&tx);
	failpoint_arm("pool.returning", FAILPOINT_STOP, A_TURN + 1);
	pid = crew_start(&crew, "pool");
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert(ring_take_verdict(crew.store, crew.ring, slot, &a));
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
	ck_assert_uint_le(mempool_count(crew.store), A_TURN + 2);
	ck_assert_uint_eq(crew_counter(&crew, "pool", COUNT_RETURNED), 0);
	/* All of them once, when it begins. Of what came in since, listeners hear when it is where the chain is. */
	ck_assert_int_eq(read(bell, &rings, sizeof(rings)), sizeof(rings));
	ck_assert_uint_eq(rings, 1);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	crew_until(crew_counter(&crew, "pool", COUNT_RETURNED) == TRANSFERS);
	crew_until(crew_heard(&crew, bell));
	ck_assert_uint_eq(mempool_count(crew.store), TRANSFERS + 1);
	ck_assert_int_eq(crew_stop(&crew, "pool"), CHILD_STOPPED);
}
END_TEST

/*
 * The node stops in the midst of a walk. The pool process gives the rest back first, since nobody would look for it after a
 * run that ended in order; if it is killed instead, the run has not.
 */
START_TEST(a_node_that_stops_during_a_walk_loses_nothing)
{
	enum { BLOCKS = 30, TRANSFERS = BLOCKS * BLOCK_TXS_MAX };
	struct blockref fork;
	uint32_t restored;
	struct buf why;
	int status;
	pid_t pid;

	fork = full_blocks(BLOCKS);
	ck_assert_int_eq(maker_begin(&maker, fork), OK);
	for (unsigned i = 0; i < BLOCKS + 1; i++)
		ck_assert_int_eq(maker_add(&maker, 2, NULL, 0, 20001), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	failpoint_arm("pool.returning", FAILPOINT_STOP, 10);
	pid = crew_start(&crew, "pool");
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(kill(pid, _i == 0 ? SIGTERM : SIGKILL), 0);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(crew_wait(&crew, "pool"), _i == 0 ? CHILD_STOPPED : CREW_SIGNAL + SIGKILL);
	if (_i == 0)
		ck_assert_uint_eq(mempool_count(crew.store), TRANSFERS);
	failpoint_clear();
	store_end_journal(crew.store);
	crew_forget(&crew);
	buf_init(&why);
	ck_assert_msg(durable_load(crew.store, &restored, &why) == OK, "%s", why.data);
	buf_clear(&why);
	ck_assert_uint_eq(restored, TRANSFERS);
}
END_TEST

START_TEST(what_the_disk_refuses_is_not_let_in)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	struct admission a;

	failpoint_arm("disk.write", FAILPOINT_FAIL, 1);
	crew_start(&crew, "pool");
	a = ask(&tx);
	ck_assert_int_eq(a.status, ADMISSION_NOT_KEPT);
	ck_assert_uint_eq(mempool_count(crew.store), 0);
	ck_assert_uint_eq(crew_counter(&crew, "pool", COUNT_UNKEPT), 1);
	ck_assert_uint_eq(crew_counter(&crew, "pool", COUNT_ACCEPTED), 0);
	ck_assert(crew_said(&crew, "level=error role=pool"));
	/* Once only; then all is well by itself. */
	a = ask(&tx);
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
	ck_assert(a.is_new);
	crew_until(crew_said(&crew, "can be written again"));
}
END_TEST

START_TEST(a_successor_gives_the_verdicts_that_a_dead_one_owed)
{
	static const char *const points[] = {"pool.judged", "pool.before-log", "pool.logged", "pool.half-written"};
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, 0);
	int slot = put(&tx);
	struct admission a;

	failpoint_arm(points[_i], FAILPOINT_KILL, 1);
	crew_start(&crew, "pool");
	ck_assert_int_eq(crew_wait(&crew, "pool"), CREW_SIGNAL + SIGKILL);
	ck_assert(!ring_take_verdict(crew.store, crew.ring, slot, &a));
	failpoint_clear();
	crew_start(&crew, "pool");
	a = verdict_in(slot);
	ck_assert_int_eq(a.status, ADMISSION_PENDING);
	ck_assert_uint_eq(mempool_count(crew.store), 1);
}
END_TEST
#endif

Suite *
suite_role_pool(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role pool", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, takes_a_transfer_out_of_a_ring_and_tells_the_verdict);
	tcase_add_test(tc, names_the_rule_that_a_transfer_breaks);
	tcase_add_test(tc, takes_nothing_but_whole_transfers);
	tcase_add_test(tc, looks_into_the_rings_also_when_nobody_rings);
	tcase_add_test(tc, lets_wait_who_is_ahead_of_his_turn);
	tcase_add_test(tc, drops_what_a_new_block_holds);
	tcase_add_test(tc, returns_what_a_longer_chain_swapped_out);
	tcase_add_test(tc, wakes_nobody_to_whom_a_transfer_is_no_news);
	tcase_add_test(tc, rings_all_workers_while_there_are_listeners);
	tcase_add_test(tc, judges_what_came_in_before_it_stops);
	tcase_add_test(tc, empties_and_frees_the_ring_of_a_dead_worker);
	tcase_add_test(tc, a_successor_wakes_who_was_not_told_of_a_verdict);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, a_new_transfer_does_not_wait_until_all_have_come_back);
	tcase_add_loop_test(tc, a_node_that_stops_during_a_walk_loses_nothing, 0, 2);
	tcase_add_test(tc, what_the_disk_refuses_is_not_let_in);
	tcase_add_loop_test(tc, a_successor_gives_the_verdicts_that_a_dead_one_owed, 0, 4);
#endif
	return suite;
}
