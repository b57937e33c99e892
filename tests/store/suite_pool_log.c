/*
 * The log of the pool: it keeps the order of coming, is replaced by a short one once it is mostly history, and has again what
 * a swap of branches returns. Whoever replaces it may be killed, or refused by the disk, at each step.
 */
#include "disk/poollog.h"
#include "disk_maker.h"
#include "durable_kit.h"
#include "process.h"
#include "scene_kit.h"
#include "store/load.h"
#include "suites.h"
#include "util/failpoint.h"

#define HISTORY ((UINT64_C(1) << 20) + (64 << 10))

/* The ids in the order of their coming. */
static uint32_t
order_of(const struct store *s, struct hash256 ids[POOL_MAX])
{
	uint64_t arrival = 0;
	uint32_t count = 0;
	struct pool_entry e;

	while (mempool_next(s, &arrival, &e)) {
		ck_assert_uint_lt(count, POOL_MAX);
		ids[count++] = e.id;
	}
	return count;
}

static void
expect_same_order(const struct scene *c)
{
	const char *copy = scratch_make();
	struct hash256 here[POOL_MAX], there[POOL_MAX];
	struct store *again;
	uint32_t count = order_of(c->s, here);

	scratch_copy(copy, c->folder);
	again = durable_start(copy, &scene_again_plan);
	ck_assert_uint_eq(order_of(again, there), count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_msg(hash_equal(&here[i], &there[i]), "transfer %u of %u came at another time", i, count);
	segment_unmake_one(again);
}

/* A log that is mostly history: of somebody who has no money. */
static void
write_history(const char *folder)
{
	struct store *s = segment_make(&scene_again_plan);
	struct framelog *log = scratch_log(folder, LOG_POOL, s);
	struct tx tx = transfer_unsigned(s, 0, 1, COIN, 1, 9);
	struct log_place place = {0};
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct buf payload;
	struct frame f;

	tx.value = 1000 * COIN;
	tx_encode(&w, &tx);
	buf_init(&payload);
	while (payload.len < HISTORY)
		poollog_put(&payload, &(struct poollog_entry){1, true, bytes, writer_len(&w)});
	frame_begin(&f);
	ck_assert(frame_add(&f, payload.data, payload.len));
	ck_assert_int_eq(framelog_append(log, &place, &f, false), OK);
	buf_clear(&payload);
	framelog_free(log);
	segment_unmake_one(s);
}

/* Slots are used again, so what stands in the first one is not what came first. */
static void
fill_out_of_order(struct scene *c)
{
	struct mempool *pool = mempool_open(c->s);
	struct maker m;

	for (unsigned who = 0; who < 3; who++)
		scene_ask(c, transfer_unsigned(c->s, who, 4, COIN / 8, 1, 0), true);
	scene_serve(c->s, pool);
	maker_init(&m, c->s, 3);
	scene_commit(&m, chain_tip(c->s), NOBODY, (struct tx[]){c->asks[0].tx, c->asks[1].tx}, 2, 0);
	maker_clear(&m);
	for (unsigned who = 3; who < PEOPLE; who++)
		scene_ask(c, transfer_unsigned(c->s, who, 4, COIN / 8, 1, 0), who != 4);
	scene_ask(c, transfer_unsigned(c->s, 3, 4, COIN / 8, 1, 2), true);
	scene_serve(c->s, pool);
	ck_assert_uint_eq(scene_listen(c), 0);
	mempool_close(pool);
	ck_assert_uint_eq(mempool_count(c->s), 5);
}

START_TEST(the_order_of_coming_outlives_a_start)
{
	struct scene c;

	scene_begin(&c, scratch_make());
	fill_out_of_order(&c);
	expect_same_order(&c);
	scene_end(&c);
}
END_TEST

START_TEST(a_log_that_was_replaced_is_short_and_has_all_in_order)
{
	struct scene_job job = {.is_tidying = true};
	const char *folder = scratch_make();
	struct log_place before, after;
	struct scene c;

	write_history(folder);
	scene_begin(&c, folder);
	fill_out_of_order(&c);
	before = store_pool_log_place(c.s);
	ck_assert(!was_killed(c.s, STORE_POOL, 1, scene_work, &job));
	after = store_pool_log_place(c.s);
	ck_assert_uint_gt(after.file, before.file);
	expect_same_order(&c);
	scene_check_disk(&c, "replaced", &job);
	/* Short now, so it is left alone. */
	ck_assert(!was_killed(c.s, STORE_POOL, 1, scene_work, &job));
	ck_assert_uint_eq(store_pool_log_place(c.s).file, after.file);
	scene_end(&c);
}
END_TEST

#ifdef RENSA_FAILPOINTS
/* Each read of a start fails in turn: the start says so, or it has all that was promised. */
static void
check_reads_are_told(const struct scene *c)
{
	const char *copy = scratch_make();
	struct scene_job job = {.point = "disk.read"};
	enum err e = ERR_IO;

	for (job.pass = 1; e != OK; job.pass++) {
		struct store *again;
		uint32_t restored;
		struct buf why;

		scratch_copy(copy, c->folder);
		again = durable_make(copy, &scene_again_plan);
		buf_init(&why);
		failpoint_arm("disk.read", FAILPOINT_FAIL, job.pass);
		e = durable_load(again, &restored, &why);
		failpoint_clear();
		if (e == OK)
			scene_check_told(c, again, "though a read had failed", &job);
		else
			ck_assert_uint_gt(why.len, 0);
		buf_clear(&why);
		segment_unmake_one(again);
	}
	ck_assert_uint_gt(job.pass, 3);
}
#endif

/* A promised transfer was mined, the log was replaced by one without it, and its block was lost to a longer branch. */
static void
lose_a_mined_one(struct scene *c)
{
	struct scene_job job = {.is_tidying = false};
	const char *folder = scratch_make();
	struct blockref fork;
	struct maker m;

	write_history(folder);
	scene_begin(c, folder);
	fork = chain_tip(c->s);
	scene_ask(c, transfer_unsigned(c->s, 0, 1, COIN / 8, 10, 0), true);
	ck_assert(!was_killed(c->s, STORE_POOL, 1, scene_work, &job));
	ck_assert_uint_eq(scene_listen(c), 0);
	maker_init(&m, c->s, 3);
	scene_commit(&m, fork, NOBODY, &c->asks[0].tx, 1, 0);
	job.is_tidying = true;
	ck_assert(!was_killed(c->s, STORE_POOL, 1, scene_work, &job));
	ck_assert_uint_eq(mempool_count(c->s), 0);
	/* So many that the lost block is in another file than the chain's end: reading it takes a read of its own. */
	scene_commit(&m, fork, NOBODY, NULL, 0, 400);
	maker_clear(&m);
}

/* What a replaced log has no trace of comes back with the branch that had mined it. */
START_TEST(what_a_swap_returns_is_logged_again)
{
	struct scene_job job = {.is_tidying = true};
	struct pool_entry e;
	struct scene c;

	lose_a_mined_one(&c);
	/* If all die now, only the journal's lost blocks know of it. */
	scene_check_disk(&c, "before the pool heard of the swap", &job);
#ifdef RENSA_FAILPOINTS
	check_reads_are_told(&c);
#endif
	ck_assert(!was_killed(c.s, STORE_POOL, 1, scene_work, &job));
	ck_assert(mempool_find(c.s, &c.asks[0].id, &e) && e.is_kept);
	scene_check_disk(&c, "returned", &job);
	scene_end(&c);
}
END_TEST

/* The node stops, and the pool process is killed when it has given back what a swap returned and has not yet logged it. */
START_TEST(a_run_that_ends_before_the_log_has_all_has_not_ended_in_order)
{
	struct scene_job job = {.is_tidying = false};
	struct settle_report report;
	struct mempool *pool;
	struct scene c;

	lose_a_mined_one(&c);
	pool = mempool_open(c.s);
	ck_assert(mempool_settle(pool, 1, &report));
	ck_assert_uint_eq(report.returned, 1);
	mempool_close(pool);
	store_end_journal(c.s);
	scene_check_disk(&c, "after a stop", &job);
	scene_end(&c);
}
END_TEST

#ifdef RENSA_FAILPOINTS
static const char *const tidy_points[] = {"framelog.written", "framelog.before-sync", "framelog.before-rename",
					  "framelog.replaced"};

START_TEST(a_pool_process_killed_while_it_replaces_its_log_loses_nothing)
{
	const char *folder = scratch_make();
	bool killed = true;

	for (unsigned pass = 1; killed; pass++) {
		struct scene_job job = {tidy_points[_i], pass, true}, unharmed = {NULL, pass, false};
		struct scene c;

		write_history(folder);
		scene_begin(&c, folder);
		fill_out_of_order(&c);
		killed = was_killed(c.s, STORE_POOL, 1, scene_work, &job);
		scene_check_disk(&c, "after its death", &job);
		scene_ask(&c, transfer_unsigned(c.s, 5, 1, COIN / 8, 10, 1), true);
		ck_assert(!was_killed(c.s, STORE_POOL, 1, scene_work, &unharmed));
		ck_assert_uint_eq(scene_listen(&c), 0);
		scene_check_disk(&c, "after its successor", &job);
		scene_end(&c);
		ck_assert(killed || pass > 1);
	}
}
END_TEST

START_TEST(a_log_that_cannot_be_replaced_goes_on_as_it_is)
{
	const char *folder = scratch_make();
	bool has_failed = true;

	for (unsigned pass = 1; has_failed; pass++) {
		struct scene_job job = {"disk.any", pass, false};
		struct mempool *pool;
		struct scene c;

		write_history(folder);
		scene_begin(&c, folder);
		fill_out_of_order(&c);
		pool = mempool_open(c.s);
		failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
		has_failed = mempool_tidy(pool) != OK;
		failpoint_clear();
		scene_check_disk(&c, "not replaced", &job);
		scene_ask(&c, transfer_unsigned(c.s, 5, 1, COIN / 8, 10, 1), true);
		scene_serve(c.s, pool);
		ck_assert_uint_eq(scene_listen(&c), 0);
		scene_check_disk(&c, "gone on", &job);
		ck_assert_int_eq(mempool_tidy(pool), OK);
		scene_check_disk(&c, "replaced", &job);
		mempool_close(pool);
		scene_end(&c);
		ck_assert(has_failed || pass > 3);
	}
}
END_TEST
#endif

Suite *
suite_pool_log(void)
{
	Suite *suite;
	TCase *tc = durable_case(&suite, "pool log");
	tcase_add_test(tc, the_order_of_coming_outlives_a_start);
	tcase_add_test(tc, a_log_that_was_replaced_is_short_and_has_all_in_order);
	tcase_add_test(tc, what_a_swap_returns_is_logged_again);
	tcase_add_test(tc, a_run_that_ends_before_the_log_has_all_has_not_ended_in_order);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_pool_process_killed_while_it_replaces_its_log_loses_nothing, 0,
			    ARRAY_LEN(tidy_points));
	tcase_add_test(tc, a_log_that_cannot_be_replaced_goes_on_as_it_is);
#endif
	return suite;
}
