/*
 * What the pool's process told is on the disk. It is killed at every named point of its work, at the first, second, … pass,
 * and each step on the disk is refused once. A start from the disk must then know every transfer whose verdict was told; and
 * so must one after a successor has told the rest. How its log is replaced is in suite_pool_log.c.
 */
#include <stdatomic.h>

#include "disk_maker.h"
#include "durable_kit.h"
#include "process.h"
#include "scene_kit.h"
#include "store/layout.h"
#include "store/load.h"
#include "store/mempool_core.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define PASSES_MAX 200

START_TEST(what_was_told_is_there_after_a_start)
{
	struct scene_job job = {0};
	struct scene c;

	scene_set(&c, scratch_make());
	scene_check_disk(&c, "before the swap", &job);
	ck_assert(!was_killed(c.s, STORE_POOL, 1, scene_work, &job));
	ck_assert_uint_eq(scene_listen(&c), 0);
	ck_assert_uint_eq(mempool_count(c.s), POOL_MAX);
	witness_pool(c.s);
	scene_check_told(&c, c.s, "here", &job);
	scene_check_disk(&c, "at the end", &job);
	scene_end(&c);
}
END_TEST

#ifdef RENSA_FAILPOINTS
static const char *const points[] = {
    "pool.half-written", "pool.before-link", "pool.inserted",	     "pool.unlinked",	    "pool.half-gone",
    "pool.owed",	 "pool.taken",	     "pool.returning",	     "pool.before-settled", "pool.before-log",
    "pool.logged",	 "framelog.written", "framelog.before-sync",
};

START_TEST(a_pool_process_killed_at_any_point_leaves_on_the_disk_what_it_told)
{
	const char *folder = scratch_make();
	unsigned pass = 1;
	bool killed = true;

	for (; killed; pass++) {
		struct scene_job job = {points[_i], pass, false}, unharmed = {NULL, pass, false};
		struct scene c;

		scene_set(&c, folder);
		killed = was_killed(c.s, STORE_POOL, 1, scene_work, &job);
		ck_assert_uint_eq(scene_listen(&c), 0);
		scene_check_disk(&c, "after its death", &job);
		ck_assert(!was_killed(c.s, STORE_POOL, 1, scene_work, &unharmed));
		ck_assert_uint_eq(scene_listen(&c), 0);
		for (uint32_t i = 0; i < c.count; i++)
			ck_assert_int_eq(c.asks[i].slot, -1);
		witness_pool(c.s);
		scene_check_told(&c, c.s, "here", &job);
		scene_check_disk(&c, "after its successor", &job);
		scene_end(&c);
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_msg(pass > 2, "%s is never reached", points[_i]);
}
END_TEST

/* Everything once more on a disk that refuses one step. */
START_TEST(what_the_disk_refuses_is_not_told_and_the_rest_goes_on)
{
	const char *folder = scratch_make();
	unsigned refused = 0;

	for (unsigned pass = 1, quiet = 0; quiet < 6; pass++) {
		struct scene_job job = {"disk.any", pass, false};
		struct mempool *pool;
		struct scene c;
		unsigned not_kept;

		scene_set(&c, folder);
		pool = mempool_open(c.s);
		failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
		scene_serve(c.s, pool);
		failpoint_clear();
		not_kept = scene_listen(&c);
		refused += not_kept;
		quiet = not_kept > 0 ? 0 : quiet + 1;
		witness_pool(c.s);
		for (uint32_t i = c.early; i < c.count; i++) {
			struct pool_entry e;
			if (!c.asks[i].is_told && i != PROMOTED && i != c.early)
				ck_assert(!mempool_find(c.s, &c.asks[i].id, &e));
		}
		/* The last batch may have been refused, and what the swap returned with it. */
		ck_assert_int_eq(mempool_keep(pool), OK);
		scene_check_disk(&c, "after a failure", &job);
		for (uint32_t i = c.early, all = c.count; i < all; i++)
			if (!c.asks[i].is_told)
				scene_ask(&c, c.asks[i].tx, c.asks[i].from_client);
		scene_serve(c.s, pool);
		ck_assert_uint_eq(scene_listen(&c), 0);
		ck_assert_int_eq(store_pool_log_err(c.s), OK);
		mempool_close(pool);
		witness_pool(c.s);
		scene_check_told(&c, c.s, "here", &job);
		scene_check_disk(&c, "after all", &job);
		scene_end(&c);
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_uint_gt(refused, 3);
}
END_TEST

/* As long as a node is not ready nobody may send it anything, so it has to find out by itself. */
START_TEST(trouble_with_the_disk_is_forgotten_once_it_takes_files_again)
{
	struct mempool *pool;
	struct scene c;

	scene_begin(&c, scratch_make());
	pool = mempool_open(c.s);
	atomic_store(&pool_at(c.s)->journal_err, ERR_NOSPC);
	atomic_store(&pool_at(c.s)->log_err, ERR_NOSPC);
	/* The folder of the log could not even be made. */
	store_probe_disk(c.s);
	ck_assert(store_journal_err(c.s) == OK && store_pool_log_err(c.s) == OK);
	scene_ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8, 10, 0), true);
	failpoint_arm("disk.any", FAILPOINT_FAIL, 1);
	scene_serve(c.s, pool);
	ck_assert_uint_eq(scene_listen(&c), 1);
	ck_assert_int_eq(store_pool_log_err(c.s), ERR_IO);
	atomic_store(&pool_at(c.s)->journal_err, ERR_IO);
	failpoint_arm("disk.any", FAILPOINT_FAIL, 1);
	store_probe_disk(c.s);
	ck_assert_int_eq(store_pool_log_err(c.s), ERR_IO);
	failpoint_clear();
	store_probe_disk(c.s);
	ck_assert_int_eq(store_pool_log_err(c.s), OK);
	ck_assert_int_eq(store_journal_err(c.s), ERR_IO);
	mempool_close(pool);
	scene_end(&c);
}
END_TEST

/* While a disk is full a pool that is asked all the time must not grow a list of what it could not keep. */
START_TEST(what_could_not_be_kept_is_forgotten)
{
	struct mempool *pool;
	struct scene c;

	scene_begin(&c, scratch_make());
	pool = mempool_open(c.s);
	/* The folder is there. */
	scene_ask(&c, transfer_unsigned(c.s, 1, 0, COIN / 8, 10, 0), true);
	scene_serve(c.s, pool);
	ck_assert_uint_eq(scene_listen(&c), 0);
	for (unsigned n = 0; n < 1000; n++) {
		c.count = 0;
		scene_ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8 + n, 10, 0), true);
		failpoint_arm("disk.any", FAILPOINT_FAIL, 1);
		scene_serve(c.s, pool);
		failpoint_clear();
		ck_assert_msg(scene_listen(&c) == 1, "transfer %u was kept", n);
	}
	ck_assert_uint_le(pool->unkept_count, POOL_MAX);
	c.count = 0;
	scene_ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8, 10, 0), true);
	scene_serve(c.s, pool);
	ck_assert_uint_eq(scene_listen(&c), 0);
	scene_check_disk(&c, "after all", &(struct scene_job){0});
	mempool_close(pool);
	scene_end(&c);
}
END_TEST
#endif

Suite *
suite_durable_pool(void)
{
	Suite *suite;
	TCase *tc = durable_case(&suite, "durable pool");
	tcase_add_test(tc, what_was_told_is_there_after_a_start);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_pool_process_killed_at_any_point_leaves_on_the_disk_what_it_told, 0,
			    ARRAY_LEN(points));
	tcase_add_test(tc, what_the_disk_refuses_is_not_told_and_the_rest_goes_on);
	tcase_add_test(tc, what_could_not_be_kept_is_forgotten);
	tcase_add_test(tc, trouble_with_the_disk_is_forgotten_once_it_takes_files_again);
#endif
	return suite;
}
