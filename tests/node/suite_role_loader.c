/*
 * The loader: the segment holds afterwards what the disk has, or its exit code says whether another try may help, and the
 * log why not.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "node/storage.h"
#include "store/disk_maker.h"
#include "store/load.h"
#include "store/process.h"
#include "store/snapshot.h"
#include "suites.h"
#include "util/clock.h"
#include "util/failpoint.h"

#define HEIGHT 60

static struct crew crew;
static struct maker maker;

static void
begin(void)
{
	crew_ready(&crew);
}

static void
end(void)
{
	crew_close(&crew);
}

/* A chain is on the disk; its tip's hash. */
static struct hash256
put_chain(unsigned blocks)
{
	struct hash256 hash;

	maker_init(&maker, crew.store, 11);
	ck_assert_int_eq(durable_grow(&maker, chain_tip(crew.store), blocks, 3), OK);
	maker_clear(&maker);
	hash = *chain_hash(crew.store, chain_tip(crew.store));
	return hash;
}

/* A fresh segment, and a loader for it. */
static int
load(void)
{
	crew_forget(&crew);
	crew_start(&crew, "loader");
	return crew_wait(&crew, "loader");
}

static bool
has_tip(const struct hash256 *hash)
{
	return hash_equal(chain_hash(crew.store, chain_tip(crew.store)), hash);
}

static void
journal_path(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/journal/00000001.log", crew.folder);
}

static void
flip_journal_byte(off_t at)
{
	char path[PATH_MAX];
	uint8_t byte;
	int fd;

	journal_path(path);
	fd = open(path, O_RDWR);
	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

START_TEST(loads_every_block_of_the_journal_and_says_so)
{
	struct hash256 tip = put_chain(HEIGHT);
	uint32_t done, of;

	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(store_is_loaded(crew.store));
	ck_assert(has_tip(&tip));
	ck_assert_uint_eq(chain_height(crew.store, chain_tip(crew.store)), HEIGHT);
	store_load_progress(crew.store, &done, &of);
	ck_assert_uint_eq(done, of);
	ck_assert(crew_said(&crew, "loader: height 60 "));
	/* Nobody noted an orderly end. */
	ck_assert(crew_said(&crew, "the last run was not stopped in order"));
}
END_TEST

START_TEST(what_it_loaded_goes_on_growing)
{
	struct hash256 tip;

	put_chain(HEIGHT);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	tip = put_chain(HEIGHT / 2);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
	ck_assert_uint_eq(chain_height(crew.store, chain_tip(crew.store)), HEIGHT + HEIGHT / 2);
}
END_TEST

START_TEST(an_empty_folder_is_a_chain_of_genesis_alone)
{
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(store_is_loaded(crew.store));
	ck_assert(blockref_equal(chain_tip(crew.store), chain_genesis(crew.store)));
}
END_TEST

START_TEST(an_orderly_end_is_no_reason_for_a_word)
{
	struct settle_report report;
	struct mempool *pool;

	put_chain(HEIGHT);
	pool = mempool_open(crew.store);
	ck_assert(mempool_settle(pool, 1, &report));
	mempool_close(pool);
	store_end_journal(crew.store);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(crew_said(&crew, "loader: height 60 "));
	ck_assert(!crew_said(&crew, "was not stopped in order"));
}
END_TEST

START_TEST(pending_transfers_come_back)
{
	struct mempool *pool;
	struct pool_entry e;
	struct hash256 id;
	struct tx tx;

	maker_init(&maker, crew.store, 11);
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	maker_clear(&maker);
	tx = transfer(crew.store, 0, 1, 100, 10, 0);
	id = tx_id(&tx);
	pool = mempool_open(crew.store);
	ck_assert_int_eq(mempool_admit(pool, &tx, true, clock_wall_ms()).status, ADMISSION_PENDING);
	ck_assert_int_eq(mempool_keep(pool), OK);
	mempool_close(pool);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(mempool_find(crew.store, &id, &e));
	ck_assert(e.is_kept && e.from_client);
	ck_assert(crew_said(&crew, "and 1 pending transfers loaded"));
}
END_TEST

START_TEST(a_damaged_journal_is_refused_for_good_with_its_place)
{
	put_chain(HEIGHT);
	put_chain(1);
	flip_journal_byte(FRAMELOG_HEADER_SIZE + FRAME_HEADER_SIZE + 200);
	ck_assert_int_eq(load(), CHILD_NEVER);
	ck_assert(!store_is_loaded(crew.store));
	ck_assert(crew_said(&crew, "level=error role=loader"));
	ck_assert(crew_said(&crew, "00000001"));
	ck_assert(crew_said(&crew, "Restore the data folder from a backup"));
}
END_TEST

START_TEST(a_journal_of_another_network_is_refused_for_good)
{
	put_chain(HEIGHT);
	crew.config.network.reward++;
	ck_assert_int_eq(load(), CHILD_NEVER);
	ck_assert(!store_is_loaded(crew.store));
	ck_assert(crew_said(&crew, "level=error role=loader"));
}
END_TEST

START_TEST(a_torn_tail_is_cut_off_and_told)
{
	struct hash256 tip = put_chain(HEIGHT);
	off_t whole;

	/* The last frame alone: nobody was told of what it holds. */
	whole = (off_t)store_journal_place(crew.store).offset;
	put_chain(1);
	flip_journal_byte(whole + FRAME_HEADER_SIZE + 10);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
	ck_assert(crew_said(&crew, "were cut off: the last write was never finished"));
}
END_TEST

START_TEST(goes_on_from_a_snapshot)
{
	char path[PATH_MAX];
	struct hash256 tip;

	put_chain(HEIGHT);
	storage_snapshot(path, &crew.config);
	ck_assert_int_eq(snapshot_write(crew.store, path), OK);
	tip = put_chain(5);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
	ck_assert(crew_said(&crew, "holds the chain up to height 60"));
}
END_TEST

START_TEST(a_snapshot_that_is_damaged_costs_time_and_nothing_else)
{
	char path[PATH_MAX];
	struct hash256 tip;

	tip = put_chain(HEIGHT);
	storage_snapshot(path, &crew.config);
	ck_assert_int_eq(snapshot_write(crew.store, path), OK);
	ck_assert_int_eq(truncate(path, 5000), 0);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
	ck_assert(crew_said(&crew, "is not used: it is damaged; the chain is built from the journal"));
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(another_try_may_help_when_the_system_refused_something)
{
	static const char *const points[] = {"disk.open", "disk.read"};
	struct hash256 tip = put_chain(HEIGHT);

	failpoint_arm(points[_i], FAILPOINT_FAIL, 1);
	ck_assert_int_eq(load(), CHILD_AGAIN);
	ck_assert(!store_is_loaded(crew.store));
	ck_assert(crew_said(&crew, "level=error role=loader"));
	ck_assert(!crew_said(&crew, "Restore the data folder"));
	failpoint_clear();
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
}
END_TEST

START_TEST(a_journal_that_is_mostly_lost_branches_is_written_anew)
{
	struct hash256 tip;
	struct stat st;
	char path[PATH_MAX];

	put_chain(HEIGHT);
	maker_init(&maker, crew.store, 12);
	ck_assert_int_eq(durable_grow(&maker, chain_genesis(crew.store), HEIGHT + 1, 3), OK);
	maker_clear(&maker);
	tip = *chain_hash(crew.store, chain_tip(crew.store));
	failpoint_arm("compact.worth", FAILPOINT_FAIL, 1);
	/* Not after a run that was cut short: it may owe its clients transfers that are in those blocks alone. */
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
	journal_path(path);
	ck_assert_int_eq(stat(path, &st), 0);
	store_end_journal(crew.store);
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
	ck_assert(crew_said(&crew, "loader: 60 blocks of lost branches"));
	ck_assert_int_eq(stat(path, &st), -1);
	/* And it loads once more from what was written. */
	failpoint_clear();
	ck_assert_int_eq(load(), CHILD_STOPPED);
	ck_assert(has_tip(&tip));
}
END_TEST

START_TEST(is_stopped_at_once)
{
	siginfo_t info = {0};
	pid_t pid;

	put_chain(HEIGHT);
	crew_forget(&crew);
	failpoint_arm("loader.checked", FAILPOINT_STOP, 1);
	pid = crew_start(&crew, "loader");
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(crew_wait(&crew, "loader"), CREW_SIGNAL + SIGTERM);
	ck_assert(!store_is_loaded(crew.store));
}
END_TEST
#endif

Suite *
suite_role_loader(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role loader", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, loads_every_block_of_the_journal_and_says_so);
	tcase_add_test(tc, what_it_loaded_goes_on_growing);
	tcase_add_test(tc, an_empty_folder_is_a_chain_of_genesis_alone);
	tcase_add_test(tc, an_orderly_end_is_no_reason_for_a_word);
	tcase_add_test(tc, pending_transfers_come_back);
	tcase_add_test(tc, a_damaged_journal_is_refused_for_good_with_its_place);
	tcase_add_test(tc, a_journal_of_another_network_is_refused_for_good);
	tcase_add_test(tc, a_torn_tail_is_cut_off_and_told);
	tcase_add_test(tc, goes_on_from_a_snapshot);
	tcase_add_test(tc, a_snapshot_that_is_damaged_costs_time_and_nothing_else);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, another_try_may_help_when_the_system_refused_something, 0, 2);
	tcase_add_test(tc, a_journal_that_is_mostly_lost_branches_is_written_anew);
	tcase_add_test(tc, is_stopped_at_once);
#endif
	return suite;
}
