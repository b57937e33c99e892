/*
 * The miner: what it does in each mode, and how it answers commands. A command that asks for no block is answered as soon
 * as it is taken, so once its answer is there, whatever the miner would have done by itself before has been done.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "store/disk_maker.h"
#include "store/process.h"
#include "store/ring.h"
#include "suites.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/text.h"

#define HOPELESS 200 /* leading zero bits: no proof is ever found */
#define HOUR_MS (3600u * 1000)
#define MANY 80	 /* transfers: more than a piece of what is checked ahead … */
#define PAYERS 4 /* … by the first persons, to the one behind them */

static struct crew crew;
static struct command_result result; /* of the last command */

static void
begin(void)
{
	struct config_miner *config = &crew.config.miner;

	crew_init(&crew);
	config->address = person(5);
	text_copy(config->address_text, sizeof(config->address_text), "set");
	config->interval_ms = HOUR_MS;
	config->cpu_percent = 100;
	crew.config.node.pool_max = 2 * MANY;
}

static void
end(void)
{
	crew_close(&crew);
}

static void
ready(enum miner_mode mode)
{
	crew.config.miner.mode = mode;
	crew_open(&crew);
	crew_load(&crew);
}

static void
start(enum miner_mode mode)
{
	ready(mode);
	crew_start(&crew, "miner");
}

static int
order(enum command_kind kind, unsigned who, uint32_t blocks)
{
	struct command c = {.kind = kind, .address = person(who), .blocks = blocks};
	int slot = ring_put_command(crew.store, crew.ring, &c);

	ck_assert_int_ge(slot, 0);
	bell_ring(&crew.env.bells, BELL_MINER);
	return slot;
}

static enum err
answer(int slot)
{
	crew_until(ring_take_result(crew.store, crew.ring, slot, &result));
	return result.error;
}

static uint64_t
height(void)
{
	return chain_height(crew.store, chain_tip(crew.store));
}

/* Height once the miner has looked at its work. */
static uint64_t
settled_height(void)
{
	ck_assert_int_eq(answer(order(COMMAND_MINE, 0, 0)), OK);
	return height();
}

static uint64_t
balance(unsigned who)
{
	struct address a = person(who);
	struct account account;

	ck_assert_int_eq(chain_account(crew.store, chain_tip(crew.store), &a, &account, NULL), OK);
	return account.balance;
}

/* By a block of the test's own. */
static void
give_coin(unsigned who)
{
	struct maker m;

	maker_init(&m, crew.store, 3);
	ck_assert_int_eq(maker_begin(&m, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&m, who, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&m), OK);
	maker_clear(&m);
}

static void
pend(const struct tx *tx)
{
	struct mempool *pool = mempool_open(crew.store);

	ck_assert_int_eq(mempool_admit(pool, tx, true, clock_wall_ms()).status, ADMISSION_PENDING);
	ck_assert_int_eq(mempool_keep(pool), OK);
	mempool_close(pool);
}

START_TEST(mines_what_a_command_orders_to_the_address_in_it)
{
	struct block b;

	start(MINER_MANUAL);
	settled_height();
	crew_until(crew_heard(&crew, crew.env.bells.ring[crew.ring])); /* by its start */
	ck_assert_int_eq(answer(order(COMMAND_MINE, 2, 3)), OK);
	ck_assert_uint_eq(result.count, 3);
	ck_assert_uint_eq(height(), 3);
	for (uint64_t i = 0; i < 3; i++)
		ck_assert(blockref_equal(result.blocks[i], chain_at(crew.store, chain_tip(crew.store), i + 1)));
	ck_assert_uint_eq(balance(2), 3 * crew.config.network.reward);
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_BLOCKS), 3);
	ck_assert_uint_ge(crew_counter(&crew, "miner", COUNT_HASHES), 3);
	chain_block(crew.store, chain_tip(crew.store), &b);
	ck_assert_uint_le(b.header.time_ms, clock_wall_ms());
	/* Who asked is woken, and so is who follows the tip. */
	crew_until(crew_heard(&crew, crew.env.bells.ring[crew.ring]));
	ck_assert(crew_heard(&crew, crew.env.bells.role[BELL_POOL]));
	ck_assert(crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	ck_assert_int_eq(crew_stop(&crew, "miner"), CHILD_STOPPED);
}
END_TEST

START_TEST(mines_nothing_by_itself_when_manual)
{
	struct tx tx;

	ready(MINER_MANUAL);
	give_coin(0);
	tx = transfer(crew.store, 0, 1, 100, 10, 0);
	pend(&tx);
	crew_start(&crew, "miner");
	ck_assert_uint_eq(settled_height(), 1);
	ck_assert_uint_eq(settled_height(), 1);
}
END_TEST

START_TEST(answers_orders_one_after_another)
{
	int slots[3];

	ready(MINER_MANUAL);
	for (unsigned i = 0; i < 3; i++)
		slots[i] = order(COMMAND_MINE, i, i + 1);
	crew_start(&crew, "miner");
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(answer(slots[i]), OK);
		ck_assert_uint_eq(result.count, i + 1);
	}
	ck_assert_uint_eq(chain_height(crew.store, result.blocks[0]), 4);
	ck_assert_uint_eq(height(), 6);
	ck_assert_uint_eq(balance(1), 2 * crew.config.network.reward);
}
END_TEST

START_TEST(mines_one_block_after_another_until_it_is_told_to_stop)
{
	uint64_t stopped_at;

	start(MINER_CONTINUOUS);
	crew_until(height() >= 5);
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_MODE), MINER_CONTINUOUS);
	ck_assert_int_eq(answer(order(COMMAND_MINE_STOP, 0, 0)), OK);
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_MODE), MINER_MANUAL);
	stopped_at = height();
	ck_assert_uint_eq(settled_height(), stopped_at);
	ck_assert_uint_eq(balance(5), stopped_at * crew.config.network.reward);
	/* An order is still mined. */
	ck_assert_int_eq(answer(order(COMMAND_MINE, 1, 1)), OK);
	ck_assert_uint_eq(height(), stopped_at + 1);
}
END_TEST

START_TEST(mines_a_block_at_once_when_it_is_started_and_the_next_in_an_interval)
{
	start(MINER_MANUAL);
	ck_assert_int_eq(answer(order(COMMAND_MINE_START, 0, 0)), OK);
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_MODE), MINER_INTERVAL);
	crew_until(height() == 1);
	ck_assert_uint_eq(settled_height(), 1);
	ck_assert_uint_eq(balance(5), crew.config.network.reward);
	ck_assert(crew_said(&crew, "miner: started, a block each 3600 s"));
}
END_TEST

START_TEST(mines_a_block_each_interval)
{
	crew.config.miner.interval_ms = 20;
	start(MINER_INTERVAL);
	crew_until(height() >= 3);
	ck_assert_int_eq(answer(order(COMMAND_MINE_STOP, 0, 0)), OK);
}
END_TEST

START_TEST(mines_on_demand_when_transfers_are_pending)
{
	struct tx_place place;
	struct hash256 id;
	struct tx tx;

	ready(MINER_ON_DEMAND);
	give_coin(0);
	crew_start(&crew, "miner");
	ck_assert_uint_eq(settled_height(), 1);
	tx = transfer(crew.store, 0, 1, 100, 10, 0);
	id = tx_id(&tx);
	pend(&tx);
	bell_ring(&crew.env.bells, BELL_MINER);
	crew_until(height() == 2);
	ck_assert(chain_find_tx(crew.store, chain_tip(crew.store), &id, &place));
	ck_assert_uint_eq(balance(1), 100);
	ck_assert_uint_eq(balance(5), crew.config.network.reward + 10);
	/* It lies in the pool until somebody settles that, and is no reason for another block. */
	ck_assert_uint_eq(mempool_count(crew.store), 1);
	ck_assert_uint_eq(settled_height(), 2);
}
END_TEST

START_TEST(leaves_out_a_transfer_whose_signature_is_bad)
{
	struct tx tx;

	ready(MINER_MANUAL);
	give_coin(0);
	tx = transfer(crew.store, 0, 1, 100, 10, 0);
	tx.signature.b[10] ^= 1;
	pend(&tx);
	crew_start(&crew, "miner");
	ck_assert_int_eq(answer(order(COMMAND_MINE, 2, 1)), OK);
	ck_assert_uint_eq(height(), 2);
	ck_assert_uint_eq(balance(1), 0);
	ck_assert_uint_eq(balance(2), crew.config.network.reward);
}
END_TEST

START_TEST(an_order_that_is_cancelled_is_answered_with_what_was_done)
{
	int working, waiting;

	crew.config.network.difficulty = HOPELESS;
	start(MINER_MANUAL);
	working = order(COMMAND_MINE, 1, 1);
	waiting = order(COMMAND_MINE, 2, 1);
	crew_until(crew_counter(&crew, "miner", COUNT_HASHES) > 0);
	ring_cancel_command(crew.store, crew.ring, waiting);
	bell_ring(&crew.env.bells, BELL_MINER);
	ck_assert_int_eq(answer(waiting), ERR_TIMEOUT);
	ck_assert(!ring_take_result(crew.store, crew.ring, working, &result));
	ring_cancel_command(crew.store, crew.ring, working);
	bell_ring(&crew.env.bells, BELL_MINER);
	ck_assert_int_eq(answer(working), ERR_TIMEOUT);
	ck_assert_uint_eq(result.count, 0);
	ck_assert_uint_eq(height(), 0);
}
END_TEST

START_TEST(a_successor_answers_the_orders_of_a_dead_one)
{
	int slot;

	crew.config.network.difficulty = HOPELESS;
	start(MINER_MANUAL);
	slot = order(COMMAND_MINE, 1, 1);
	crew_until(crew_counter(&crew, "miner", COUNT_HASHES) > 0);
	ck_assert_int_eq(kill(crew.pids[crew_slot("miner")], SIGKILL), 0);
	ck_assert_int_eq(crew_wait(&crew, "miner"), CREW_SIGNAL + SIGKILL);
	crew_start(&crew, "miner");
	ck_assert_int_eq(answer(slot), ERR_CLOSED);
	crew_until(crew_heard(&crew, crew.env.bells.ring[crew.ring]));
}
END_TEST

START_TEST(a_successor_goes_on_with_the_orders_of_one_that_ended_in_order)
{
	int first, second;

	crew.config.miner.cpu_percent = 1;
	start(MINER_MANUAL);
	first = order(COMMAND_MINE, 1, 50);
	crew_until(height() > 0);
	second = order(COMMAND_MINE, 2, 1);
	ck_assert_int_eq(crew_stop(&crew, "miner"), CHILD_STOPPED);
	ck_assert(!ring_take_result(crew.store, crew.ring, first, &result));
	crew.config.miner.cpu_percent = 100;
	crew_start(&crew, "miner");
	ck_assert_int_eq(answer(first), OK);
	ck_assert_uint_eq(result.count, 50);
	ck_assert_int_eq(answer(second), OK);
	ck_assert_uint_eq(result.count, 1);
	ck_assert_uint_eq(height(), 51);
	ck_assert_uint_eq(balance(1), 50 * crew.config.network.reward);
}
END_TEST

START_TEST(a_successor_stays_in_the_mode_that_a_command_has_set)
{
	start(MINER_CONTINUOUS);
	ck_assert_int_eq(answer(order(COMMAND_MINE_STOP, 0, 0)), OK);
	ck_assert_int_eq(crew_stop(&crew, "miner"), CHILD_STOPPED);
	crew_start(&crew, "miner");
	settled_height();
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_MODE), MINER_MANUAL);
	ck_assert_int_eq(crew_stop(&crew, "miner"), CHILD_STOPPED);
	/* A configuration that was read anew counts again. */
	crew.env.configured++;
	crew_start(&crew, "miner");
	settled_height();
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_MODE), MINER_CONTINUOUS);
}
END_TEST

/* The first line of a file. */
static bool
text_of(char *text, int size, const char *path)
{
	FILE *f = fopen(path, "r");
	bool is_there = f != NULL && fgets(text, size, f) != NULL;

	if (f != NULL)
		fclose(f);
	return is_there;
}

/* Processor time in ns that a thread of the miner has had; its own thread's if name is NULL. */
static uint64_t
cpu_of(const char *name)
{
	pid_t pid = crew.pids[crew_slot("miner")];
	char path[64], text[64];
	uint64_t cpu = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	for (struct dirent *d; (d = readdir(tasks)) != NULL;) {
		bool is_wanted = name == NULL && atoi(d->d_name) == pid;

		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/comm", (int)pid, d->d_name);
		if (name != NULL && text_of(text, sizeof(text), path))
			is_wanted = strncmp(text, name, strlen(name)) == 0;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", (int)pid, d->d_name);
		if (is_wanted && text_of(text, sizeof(text), path))
			cpu = strtoull(text, NULL, 10);
	}
	closedir(tasks);
	return cpu;
}

/* Each with a signature that nobody here has checked; the one of that number is bad. */
static void
pend_many(unsigned bad)
{
	struct mempool *pool;

	for (unsigned who = 0; who < PAYERS; who++)
		give_coin(who);
	pool = mempool_open(crew.store);
	for (unsigned i = 0; i < MANY; i++) {
		struct tx tx = transfer(crew.store, i % PAYERS, PAYERS, 1, 0, i / PAYERS);

		tx.signature.b[10] ^= i == bad;
		ck_assert_int_eq(mempool_admit(pool, &tx, true, clock_wall_ms()).status, ADMISSION_PENDING);
	}
	ck_assert_int_eq(mempool_keep(pool), OK);
	mempool_close(pool);
}

START_TEST(has_signatures_checked_ahead_by_a_thread_that_gives_way)
{
	uint64_t checked;

	ready(MINER_MANUAL);
	pend_many(MANY);
	crew_start(&crew, "miner");
	settled_height();
	ck_assert_uint_eq(cpu_of("spare"), 0);
	ck_assert_int_eq(answer(order(COMMAND_MINE, 6, 1)), OK);
	ck_assert_uint_eq(balance(PAYERS), MANY);
	/* The block was found by the first tries, which are not that thread's. */
	ck_assert_uint_gt(cpu_of("spare"), 1000000);
	/* None was checked twice. */
	checked = crew_counter(&crew, "miner", COUNT_SIGNATURES);
	ck_assert_uint_eq(checked, MANY);
}
END_TEST

START_TEST(a_bad_signature_is_not_good_for_having_been_looked_at_ahead)
{
	ready(MINER_MANUAL);
	pend_many(20);
	crew_start(&crew, "miner");
	ck_assert_int_eq(answer(order(COMMAND_MINE, 6, 2)), OK);
	/* Its payer has no more than the five before it. */
	ck_assert_uint_eq(balance(PAYERS), MANY - MANY / PAYERS + 5);
}
END_TEST

START_TEST(leaves_the_search_to_a_thread_that_gives_way)
{
	crew.config.network.difficulty = HOPELESS;
	start(MINER_CONTINUOUS);
	/* Some pieces of work; more would be long in coming while others want all cores. */
	crew_until(cpu_of("spare") > 20000000);
	ck_assert_int_eq(crew_stop(&crew, "miner"), CHILD_STOPPED);
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(checks_signatures_itself_where_that_thread_gets_nothing)
{
	failpoint_arm("spare.starve", FAILPOINT_FAIL, 1);
	ready(MINER_MANUAL);
	pend_many(MANY);
	crew_start(&crew, "miner");
	ck_assert_int_eq(answer(order(COMMAND_MINE, 6, 1)), OK);
	ck_assert_uint_eq(balance(PAYERS), MANY);
}
END_TEST

START_TEST(searches_itself_where_that_thread_gets_nothing)
{
	uint64_t hashes;

	crew.config.network.difficulty = HOPELESS;
	failpoint_arm("spare.starve", FAILPOINT_FAIL, 3);
	start(MINER_CONTINUOUS);
	crew_until((hashes = crew_counter(&crew, "miner", COUNT_HASHES)) > 0);
	/* What it needs beside the search would be so much after a minute. */
	crew_until(cpu_of(NULL) > 300000000);
	ck_assert_uint_gt(crew_counter(&crew, "miner", COUNT_HASHES), hashes);
	ck_assert_int_eq(crew_stop(&crew, "miner"), CHILD_STOPPED);
}
END_TEST

START_TEST(says_why_a_block_could_not_be_kept)
{
	failpoint_arm("disk.write", FAILPOINT_FAIL, 1);
	start(MINER_MANUAL);
	ck_assert_int_eq(answer(order(COMMAND_MINE, 1, 2)), ERR_IO);
	ck_assert_uint_eq(result.count, 0);
	ck_assert_uint_eq(height(), 0);
	ck_assert_uint_eq(crew_counter(&crew, "miner", COUNT_UNKEPT), 1);
	ck_assert(crew_said(&crew, "miner: block 1 cannot be kept"));
	/* The disk is well again. */
	ck_assert_int_eq(answer(order(COMMAND_MINE, 1, 1)), OK);
	ck_assert_uint_eq(height(), 1);
}
END_TEST
#endif

START_TEST(mines_nothing_while_the_clock_is_far_behind_the_chain)
{
	/* Genesis is ahead of our clock by more than others would take. */
	crew.config.network.genesis_time_ms = clock_wall_ms() + HOUR_MS;
	start(MINER_CONTINUOUS);
	crew_until(crew_said(&crew, "s behind the chain: no block until it is set right"));
	ck_assert_uint_eq(settled_height(), 0);
	ck_assert(!crew_said(&crew, "breaks rule"));
}
END_TEST

Suite *
suite_role_miner(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role miner", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, mines_what_a_command_orders_to_the_address_in_it);
	tcase_add_test(tc, mines_nothing_by_itself_when_manual);
	tcase_add_test(tc, answers_orders_one_after_another);
	tcase_add_test(tc, mines_one_block_after_another_until_it_is_told_to_stop);
	tcase_add_test(tc, mines_a_block_at_once_when_it_is_started_and_the_next_in_an_interval);
	tcase_add_test(tc, mines_a_block_each_interval);
	tcase_add_test(tc, mines_on_demand_when_transfers_are_pending);
	tcase_add_test(tc, leaves_out_a_transfer_whose_signature_is_bad);
	tcase_add_test(tc, an_order_that_is_cancelled_is_answered_with_what_was_done);
	tcase_add_test(tc, a_successor_answers_the_orders_of_a_dead_one);
	tcase_add_test(tc, a_successor_goes_on_with_the_orders_of_one_that_ended_in_order);
	tcase_add_test(tc, a_successor_stays_in_the_mode_that_a_command_has_set);
	tcase_add_test(tc, has_signatures_checked_ahead_by_a_thread_that_gives_way);
	tcase_add_test(tc, a_bad_signature_is_not_good_for_having_been_looked_at_ahead);
	tcase_add_test(tc, leaves_the_search_to_a_thread_that_gives_way);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, checks_signatures_itself_where_that_thread_gets_nothing);
	tcase_add_test(tc, searches_itself_where_that_thread_gets_nothing);
	tcase_add_test(tc, says_why_a_block_could_not_be_kept);
#endif
	tcase_add_test(tc, mines_nothing_while_the_clock_is_far_behind_the_chain);
	return suite;
}
