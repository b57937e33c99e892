/* The archiver: when many blocks have come, there is a snapshot of them soon, and nobody was in its way. */
#include <signal.h>
#include <sys/stat.h>

#include "crew.h"
#include "node/storage.h"
#include "store/disk_maker.h"
#include "store/snapshot.h"
#include "suites.h"

#define DUE 2000 /* blocks that are worth a snapshot */

static struct crew crew;

static void
begin(void)
{
	struct maker m;

	crew_ready(&crew);
	maker_init(&m, crew.store, 21);
	ck_assert_int_eq(durable_grow(&m, chain_tip(crew.store), DUE, 0), OK);
	maker_clear(&m);
}

static void
end(void)
{
	crew_close(&crew);
}

START_TEST(writes_a_snapshot_from_which_a_start_goes_on)
{
	struct hash256 tip = *chain_hash(crew.store, chain_tip(crew.store));
	struct store_usage before, after;
	char path[PATH_MAX];
	struct stat st;

	storage_snapshot(path, &crew.config);
	ck_assert(snapshot_is_due(crew.store, path));
	store_usage(crew.store, &before);
	crew_start(&crew, "archiver");
	crew_until(stat(path, &st) == 0);
	ck_assert_uint_eq(snapshot_height(crew.store, path), DUE);
	ck_assert(!snapshot_is_due(crew.store, path));
	crew_until(crew_said(&crew, "archiver: wrote a snapshot of the chain at height 2000"));
	/* It is built beside the live chain, without its lock. */
	store_usage(crew.store, &after);
	ck_assert_uint_eq(after.arena_used, before.arena_used);
	ck_assert_uint_eq(after.lock_waits, before.lock_waits);
	ck_assert_int_eq(crew_stop(&crew, "archiver"), CHILD_STOPPED);

	crew_forget(&crew);
	crew_start(&crew, "loader");
	ck_assert_int_eq(crew_wait(&crew, "loader"), CHILD_STOPPED);
	ck_assert(hash_equal(chain_hash(crew.store, chain_tip(crew.store)), &tip));
	ck_assert(crew_said(&crew, "holds the chain up to height 2000"));
}
END_TEST

START_TEST(leaves_at_once_when_it_is_asked_to)
{
	char path[PATH_MAX];
	struct stat st;

	storage_snapshot(path, &crew.config);
	crew_start(&crew, "archiver");
	ck_assert_int_eq(crew_stop(&crew, "archiver"), CHILD_STOPPED);
	ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

Suite *
suite_role_archiver(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role archiver", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, writes_a_snapshot_from_which_a_start_goes_on);
	tcase_add_test(tc, leaves_at_once_when_it_is_asked_to);
	return suite;
}
