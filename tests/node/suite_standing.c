/* The line in which a node says what it is doing. */
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "crew.h"
#include "node/standing.h"
#include "store/chain.h"
#include "store/disk_maker.h"
#include "store/layout.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"

static struct crew crew;
static char line[200];

static void
begin(void)
{
	crew_init(&crew);
	crew_open(&crew);
	/* Sums are of roles that were started: here it is this process that counts. */
	role_started(crew.store, 0, "resolver", getpid(), clock_wall_ms(), clock_mono_ms());
}

static void
end(void)
{
	crew_close(&crew);
}

static const char *
now(bool is_refused)
{
	standing_describe(line, sizeof(line), crew.store, is_refused);
	return line;
}

static void
meet(const char *address)
{
	struct peer_entry e = {.state = PEER_UP};

	snprintf(e.address, sizeof(e.address), "%s", address);
	ck_assert(peer_table_set(crew.store, &e));
}

START_TEST(a_chain_that_is_not_loaded_is_being_loaded)
{
	ck_assert_str_eq(now(false), "loading the chain");
	atomic_store(&crew.store->control->load_of, 4000000000u);
	atomic_store(&crew.store->control->load_done, 1500000000u);
	ck_assert_str_eq(now(false), "loading the chain: 37 %, 1500000000 of 4000000000 blocks");
}
END_TEST

START_TEST(says_how_high_the_chain_is_and_how_many_peers_are_there)
{
	struct maker m;

	crew_load(&crew);
	ck_assert_str_eq(now(false), "height 0, 0 peers");
	maker_init(&m, crew.store, 5);
	ck_assert_int_eq(durable_grow(&m, chain_tip(crew.store), 7, 0), OK);
	maker_clear(&m);
	meet("10.0.0.2:5000");
	ck_assert_str_eq(now(false), "height 7, 1 peer");
	meet("10.0.0.3:5000");
	ck_assert_str_eq(now(false), "height 7, 2 peers");
}
END_TEST

START_TEST(says_how_far_a_sync_is)
{
	crew_load(&crew);
	role_set(crew.store, COUNT_SYNC_TARGET, 2000);
	role_set(crew.store, COUNT_SYNC_HEIGHT, 500);
	ck_assert_str_eq(now(false), "fetching blocks: 25 % of 2000, height 0, 0 peers");
	/* At its end there is nothing to tell. */
	role_set(crew.store, COUNT_SYNC_HEIGHT, 2000);
	ck_assert_str_eq(now(false), "height 0, 0 peers");
}
END_TEST

START_TEST(says_that_another_configuration_is_in_use_than_the_operator_may_think)
{
	crew_load(&crew);
	ck_assert_str_eq(now(true), "height 0, 0 peers; the last reload was refused");
}
END_TEST

static const struct {
	enum err journal, pool;
	const char *words;
} obstacles[] = {
    {ERR_NOSPC, OK, "height 0, 0 peers; takes nothing new: the disk is full"},
    {OK, ERR_NOSPC, "height 0, 0 peers; takes nothing new: the disk is full"},
    {ERR_LIMIT, OK, "height 0, 0 peers; takes nothing new: the shared memory is full"},
    {ERR_NOMEM, OK, "height 0, 0 peers; takes nothing new: the shared memory is full"},
    {ERR_IO, OK, "height 0, 0 peers; takes nothing new: the disk refused a write"},
    {OK, ERR_IO, "height 0, 0 peers; takes nothing new: the disk refused a write"},
};

START_TEST(says_why_it_takes_nothing_new)
{
	crew_load(&crew);
	atomic_store(&pool_at(crew.store)->journal_err, obstacles[_i].journal);
	atomic_store(&pool_at(crew.store)->log_err, obstacles[_i].pool);
	ck_assert_str_eq(now(false), obstacles[_i].words);
}
END_TEST

Suite *
suite_standing(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "standing", 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_chain_that_is_not_loaded_is_being_loaded);
	tcase_add_test(tc, says_how_high_the_chain_is_and_how_many_peers_are_there);
	tcase_add_test(tc, says_how_far_a_sync_is);
	tcase_add_test(tc, says_that_another_configuration_is_in_use_than_the_operator_may_think);
	tcase_add_loop_test(tc, says_why_it_takes_nothing_new, 0, ARRAY_LEN(obstacles));
	return suite;
}
