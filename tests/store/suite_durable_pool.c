/*
 * What the pool's process told is on the disk. It is killed at every named point of its work, at the first, second, … pass,
 * and each step on the disk is refused once. A start from the disk must then know every transfer whose verdict was told; and
 * so must one after a successor has told the rest. Its work comes through a ring, as in the node: a swap of branches that
 * mines some, returns others and rules one out; transfers that wait, that make room in a full pool, that are told again.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "disk/poollog.h"
#include "disk_maker.h"
#include "process.h"
#include "store/layout.h"
#include "store/load.h"
#include "store/mempool_core.h"
#include "store/ring.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define PASSES_MAX 200
#define POOL_MAX 12
#define BATCH 3
#define ASKS_MAX 32
#define OUTSPENT 7 /* the transfer that the other branch rules out */
#define PROMOTED 5 /* a peer's that a client sends as well */
#define HISTORY ((UINT64_C(1) << 20) + (64 << 10))

struct ask {
	struct tx tx;
	struct hash256 id;
	bool from_client;
	bool is_told;
	int slot; /* in the ring; -1: not asked that way, or answered */
};

struct scene {
	const char *folder;
	struct store *s;
	uint32_t ring;
	struct ask asks[ASKS_MAX];
	uint32_t count;
	uint32_t early; /* so many were told before the swap */
};

static const struct segment_plan plan = {.pool_max = POOL_MAX}, again_plan = {.name = "again", .pool_max = POOL_MAX};

/* The pool's process in small. */
struct desk {
	struct mempool *pool;
	struct hash256 ids[BATCH];
	bool is_new[BATCH];
	size_t judged;
};

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct desk *d = ctx;
	struct reader r = reader_of(bytes, size);
	struct admission a;
	struct tx tx;

	need(tx_decode(&tx, &r) == RULE_OK && reader_done(&r));
	a = mempool_admit(d->pool, &tx, from_client, 1000);
	d->ids[d->judged] = tx_id(&tx);
	d->is_new[d->judged++] = a.is_new;
	return a;
}

static void
seal(void *ctx, struct admission *verdicts, size_t count)
{
	struct desk *d = ctx;

	need(count == d->judged);
	if (mempool_keep(d->pool) == OK)
		return;
	for (size_t i = 0; i < count; i++)
		if ((verdicts[i].status == ADMISSION_PENDING || verdicts[i].status == ADMISSION_WAITING) &&
		    !mempool_is_kept(d->pool, &d->ids[i]))
			verdicts[i].status = ADMISSION_NOT_KEPT;
	for (size_t i = 0; i < count; i++)
		if (d->is_new[i])
			mempool_withdraw(d->pool, &d->ids[i]);
}

static void
serve(struct store *s, struct mempool *pool)
{
	struct desk d = {.pool = pool};
	struct settle_report report;
	size_t drained;

	do {
		bool rang[STORE_RINGS_MAX] = {false};
		mempool_settle(pool, 2000, &report);
		d.judged = 0;
		drained = ring_drain(s, BATCH, judge, seal, &d, rang);
	} while (drained > 0);
	(void)!mempool_keep(pool);
}

struct job {
	const char *point; /* NULL: nothing happens to it */
	unsigned pass;
	bool is_tidying;
};

static void
work(struct store *s, void *arg)
{
	const struct job *job = arg;
	struct mempool *pool;

	if (job->point != NULL)
		failpoint_arm(job->point, FAILPOINT_KILL, job->pass);
	pool = mempool_open(s);
	serve(s, pool);
	if (job->is_tidying)
		need(mempool_tidy(pool) == OK);
	failpoint_clear();
	mempool_close(pool);
}

static void
ask(struct scene *c, struct tx tx, bool from_client)
{
	struct ask *a = &c->asks[c->count++];
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	need(c->count <= ASKS_MAX);
	tx_encode(&w, &tx);
	*a = (struct ask){.tx = tx, .id = tx_id(&tx), .from_client = from_client};
	a->slot = ring_put_tx(c->s, c->ring, bytes, writer_len(&w), from_client);
	need(a->slot >= 0);
}

/* Takes the verdicts that are there. Returns how many were not kept. */
static unsigned
listen(struct scene *c)
{
	unsigned not_kept = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		struct ask *a = &c->asks[i];
		struct admission v;
		if (a->slot < 0 || !ring_take_verdict(c->s, c->ring, a->slot, &v))
			continue;
		a->slot = -1;
		a->is_told = a->is_told || v.status == ADMISSION_PENDING || v.status == ADMISSION_WAITING ||
			     v.status == ADMISSION_CONFIRMED;
		need(v.status != ADMISSION_RETRY);
		not_kept += v.status == ADMISSION_NOT_KEPT;
	}
	return not_kept;
}

static void
commit(struct maker *m, struct blockref from, unsigned miner, const struct tx *txs, size_t count, unsigned more)
{
	need(maker_begin(m, from) == OK && maker_add(m, miner, txs, count, 20000 + count) == OK);
	for (unsigned i = 0; i < more; i++)
		need(maker_add(m, miner, NULL, 0, 21000) == OK);
	need(durable_commit(m) == OK);
}

/* Everybody has two coins. */
static void
begin(struct scene *c, const char *folder)
{
	struct maker m;

	memset(c, 0, sizeof(*c));
	c->folder = folder;
	c->s = durable_start(folder, &plan);
	ck_assert_int_eq(ring_assign(c->s, &c->ring), OK);
	maker_init(&m, c->s, 8);
	ck_assert_int_eq(maker_begin(&m, chain_tip(c->s)), OK);
	for (unsigned i = 0; i < 2 * PEOPLE; i++)
		ck_assert_int_eq(maker_add(&m, i % PEOPLE, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&m), OK);
	maker_clear(&m);
}

/* Everything up to the moment when the pool's process hears of the swap. */
static void
set_the_scene(struct scene *c, const char *folder)
{
	struct mempool *pool;
	struct blockref fork;
	struct maker m;
	struct tx other;

	begin(c, folder);
	fork = chain_tip(c->s);
	for (uint64_t i = 0; i < 4; i++)
		ask(c, transfer_unsigned(c->s, 0, 1, COIN / 8 + i, 10, i), true);
	for (uint64_t i = 0; i < 3; i++)
		ask(c, transfer_unsigned(c->s, 1, 2, COIN / 4 + i, 20, i), i != 1);
	ask(c, transfer_unsigned(c->s, 2, 3, COIN, 5, 0), true);
	c->early = c->count;
	pool = mempool_open(c->s);
	serve(c->s, pool);
	ck_assert_uint_eq(listen(c), 0);

	/* Branch A mines the first three of 0 and one of 1 and of 2; the pool hears of it. */
	maker_init(&m, c->s, 9);
	commit(&m, fork, 4, (struct tx[]){c->asks[0].tx, c->asks[1].tx, c->asks[2].tx, c->asks[4].tx, c->asks[7].tx}, 5,
	       1);
	serve(c->s, pool);
	mempool_close(pool);
	for (uint32_t i = 0; i < c->early; i++)
		ck_assert(c->asks[i].is_told);
	ck_assert_uint_eq(mempool_count(c->s), 3);

	/* Branch B has one of them too, and spends what 2 had promised on something else. */
	other = transfer_unsigned(c->s, 2, 5, COIN + COIN / 2, 1, 0);
	commit(&m, fork, 5, (struct tx[]){c->asks[0].tx, other}, 2, 2);
	maker_clear(&m);

	/* What comes after the swap: backwards, so that all but the last wait; then peers' with rising fees. */
	ask(c, c->asks[PROMOTED].tx, true);
	for (uint64_t i = 4; i-- > 0;)
		ask(c, transfer_unsigned(c->s, 3, 0, COIN / 16, 1 + i, i), true);
	for (uint64_t i = 0; i < 6; i++)
		ask(c, transfer_unsigned(c->s, 4, 0, COIN / 16, 100 + 50 * i, i), false);
	ask(c, transfer_unsigned(c->s, 5, 0, COIN / 16, 0, 0), true);
}

/* Is it promised by anybody to a client? */
static bool
is_a_clients(const struct scene *c, const struct hash256 *id)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->asks[i].is_told && c->asks[i].from_client && hash_equal(&c->asks[i].id, id))
			return true;
	return false;
}

/* Where a transfer that was told may be; s: the segment, or one that was started from the disk. */
static void
check_told(const struct scene *c, const struct store *s, const char *when, const struct job *job)
{
	const char *point = job->point == NULL ? "unharmed" : job->point;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct ask *a = &c->asks[i];
		struct pool_entry e;
		struct tx_place place;

		if (!a->is_told)
			continue;
		if (mempool_find(s, &a->id, &e))
			ck_assert_msg(e.from_client || !is_a_clients(c, &a->id),
				      "%s, pass %u, %s: transfer %u is not a client's any more", point, job->pass, when,
				      i);
		else if (!chain_find_tx(s, chain_tip(s), &a->id, &place))
			/* The one that was outspent; and peers' that made room. */
			ck_assert_msg(i == OUTSPENT || !is_a_clients(c, &a->id),
				      "%s, pass %u, %s: transfer %u was told and is nowhere", point, job->pass, when,
				      i);
	}
}

static void
check_disk(const struct scene *c, const char *when, const struct job *job)
{
	static const char *copy;
	struct store *again;

	if (copy == NULL)
		copy = scratch_make();
	scratch_copy(copy, c->folder);
	again = durable_start(copy, &again_plan);
	ck_assert(hash_equal(chain_hash(c->s, chain_tip(c->s)), chain_hash(again, chain_tip(again))));
	witness_pool(again);
	check_told(c, again, when, job);
	segment_unmake_one(again);
}

static void
end(struct scene *c)
{
	static const char *empty;

	if (empty == NULL)
		empty = scratch_make();
	segment_unmake_one(c->s);
	scratch_copy(c->folder, empty);
}

START_TEST(what_was_told_is_there_after_a_start)
{
	struct job job = {0};
	struct scene c;

	set_the_scene(&c, scratch_make());
	check_disk(&c, "before the swap", &job);
	ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &job));
	ck_assert_uint_eq(listen(&c), 0);
	ck_assert_uint_eq(mempool_count(c.s), POOL_MAX);
	witness_pool(c.s);
	check_told(&c, c.s, "here", &job);
	check_disk(&c, "at the end", &job);
	end(&c);
}
END_TEST

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
	again = durable_start(copy, &again_plan);
	ck_assert_uint_eq(order_of(again, there), count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_msg(hash_equal(&here[i], &there[i]), "transfer %u of %u came at another time", i, count);
	segment_unmake_one(again);
}

/* A log that is mostly history: of somebody who has no money. */
static void
write_history(const char *folder)
{
	struct store *s = segment_make(&again_plan);
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
		ask(c, transfer_unsigned(c->s, who, 4, COIN / 8, 1, 0), true);
	serve(c->s, pool);
	maker_init(&m, c->s, 3);
	commit(&m, chain_tip(c->s), NOBODY, (struct tx[]){c->asks[0].tx, c->asks[1].tx}, 2, 0);
	maker_clear(&m);
	for (unsigned who = 3; who < PEOPLE; who++)
		ask(c, transfer_unsigned(c->s, who, 4, COIN / 8, 1, 0), who != 4);
	ask(c, transfer_unsigned(c->s, 3, 4, COIN / 8, 1, 2), true);
	serve(c->s, pool);
	ck_assert_uint_eq(listen(c), 0);
	mempool_close(pool);
	ck_assert_uint_eq(mempool_count(c->s), 5);
}

START_TEST(the_order_of_coming_outlives_a_start)
{
	struct scene c;

	begin(&c, scratch_make());
	fill_out_of_order(&c);
	expect_same_order(&c);
	end(&c);
}
END_TEST

START_TEST(a_log_that_was_replaced_is_short_and_has_all_in_order)
{
	struct job job = {.is_tidying = true};
	const char *folder = scratch_make();
	struct log_place before, after;
	struct scene c;

	write_history(folder);
	begin(&c, folder);
	fill_out_of_order(&c);
	before = store_pool_log_place(c.s);
	ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &job));
	after = store_pool_log_place(c.s);
	ck_assert_uint_gt(after.file, before.file);
	expect_same_order(&c);
	check_disk(&c, "replaced", &job);
	/* Short now, so it is left alone. */
	ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &job));
	ck_assert_uint_eq(store_pool_log_place(c.s).file, after.file);
	end(&c);
}
END_TEST

#ifdef RENSA_FAILPOINTS
/* Each read of a start fails in turn: the start says so, or it has all that was promised. */
static void
check_reads_are_told(const struct scene *c)
{
	const char *copy = scratch_make();
	struct job job = {.point = "disk.read"};
	enum err e = ERR_IO;

	for (job.pass = 1; e != OK; job.pass++) {
		struct store *again;
		uint32_t restored;
		struct buf why;

		scratch_copy(copy, c->folder);
		again = durable_make(copy, &again_plan);
		buf_init(&why);
		failpoint_arm("disk.read", FAILPOINT_FAIL, job.pass);
		e = durable_load(again, &restored, &why);
		failpoint_clear();
		if (e == OK)
			check_told(c, again, "though a read had failed", &job);
		else
			ck_assert_uint_gt(why.len, 0);
		buf_clear(&why);
		segment_unmake_one(again);
	}
	ck_assert_uint_gt(job.pass, 3);
}
#endif

/* What a replaced log has no trace of comes back with the branch that had mined it. */
START_TEST(what_a_swap_returns_is_logged_again)
{
	struct job job = {.is_tidying = true};
	const char *folder = scratch_make();
	struct blockref fork;
	struct pool_entry e;
	struct maker m;
	struct scene c;

	write_history(folder);
	begin(&c, folder);
	fork = chain_tip(c.s);
	ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8, 10, 0), true);
	job.is_tidying = false;
	ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &job));
	ck_assert_uint_eq(listen(&c), 0);
	maker_init(&m, c.s, 3);
	commit(&m, fork, NOBODY, &c.asks[0].tx, 1, 0);
	job.is_tidying = true;
	ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &job));
	ck_assert_uint_eq(mempool_count(c.s), 0);
	/* So many that the lost block is in another file than the chain's end: reading it takes a read of its own. */
	commit(&m, fork, NOBODY, NULL, 0, 400);
	maker_clear(&m);
	/* If all die now, only the journal's lost blocks know of it. */
	check_disk(&c, "before the pool heard of the swap", &job);
#ifdef RENSA_FAILPOINTS
	check_reads_are_told(&c);
#endif
	ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &job));
	ck_assert(mempool_find(c.s, &c.asks[0].id, &e) && e.is_kept);
	check_disk(&c, "returned", &job);
	end(&c);
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
		struct job job = {points[_i], pass, false}, unharmed = {NULL, pass, false};
		struct scene c;

		set_the_scene(&c, folder);
		killed = was_killed(c.s, STORE_POOL, 1, work, &job);
		ck_assert_uint_eq(listen(&c), 0);
		check_disk(&c, "after its death", &job);
		ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &unharmed));
		ck_assert_uint_eq(listen(&c), 0);
		for (uint32_t i = 0; i < c.count; i++)
			ck_assert_int_eq(c.asks[i].slot, -1);
		witness_pool(c.s);
		check_told(&c, c.s, "here", &job);
		check_disk(&c, "after its successor", &job);
		end(&c);
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_msg(pass > 2, "%s is never reached", points[_i]);
}
END_TEST

static const char *const tidy_points[] = {"framelog.written", "framelog.before-sync", "framelog.before-rename",
					  "framelog.replaced"};

START_TEST(a_pool_process_killed_while_it_replaces_its_log_loses_nothing)
{
	const char *folder = scratch_make();
	bool killed = true;

	for (unsigned pass = 1; killed; pass++) {
		struct job job = {tidy_points[_i], pass, true}, unharmed = {NULL, pass, false};
		struct scene c;

		write_history(folder);
		begin(&c, folder);
		fill_out_of_order(&c);
		killed = was_killed(c.s, STORE_POOL, 1, work, &job);
		check_disk(&c, "after its death", &job);
		ask(&c, transfer_unsigned(c.s, 5, 1, COIN / 8, 10, 1), true);
		ck_assert(!was_killed(c.s, STORE_POOL, 1, work, &unharmed));
		ck_assert_uint_eq(listen(&c), 0);
		check_disk(&c, "after its successor", &job);
		end(&c);
		ck_assert(killed || pass > 1);
	}
}
END_TEST

/* Everything once more on a disk that refuses one step. */
START_TEST(what_the_disk_refuses_is_not_told_and_the_rest_goes_on)
{
	const char *folder = scratch_make();
	unsigned refused = 0;

	for (unsigned pass = 1, quiet = 0; quiet < 6; pass++) {
		struct job job = {"disk.any", pass, false};
		struct mempool *pool;
		struct scene c;
		unsigned not_kept;

		set_the_scene(&c, folder);
		pool = mempool_open(c.s);
		failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
		serve(c.s, pool);
		failpoint_clear();
		not_kept = listen(&c);
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
		check_disk(&c, "after a failure", &job);
		for (uint32_t i = c.early, all = c.count; i < all; i++)
			if (!c.asks[i].is_told)
				ask(&c, c.asks[i].tx, c.asks[i].from_client);
		serve(c.s, pool);
		ck_assert_uint_eq(listen(&c), 0);
		ck_assert_int_eq(store_pool_log_err(c.s), OK);
		mempool_close(pool);
		witness_pool(c.s);
		check_told(&c, c.s, "here", &job);
		check_disk(&c, "after all", &job);
		end(&c);
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_uint_gt(refused, 3);
}
END_TEST

START_TEST(a_log_that_cannot_be_replaced_goes_on_as_it_is)
{
	const char *folder = scratch_make();
	bool has_failed = true;

	for (unsigned pass = 1; has_failed; pass++) {
		struct job job = {"disk.any", pass, false};
		struct mempool *pool;
		struct scene c;

		write_history(folder);
		begin(&c, folder);
		fill_out_of_order(&c);
		pool = mempool_open(c.s);
		failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
		has_failed = mempool_tidy(pool) != OK;
		failpoint_clear();
		check_disk(&c, "not replaced", &job);
		ask(&c, transfer_unsigned(c.s, 5, 1, COIN / 8, 10, 1), true);
		serve(c.s, pool);
		ck_assert_uint_eq(listen(&c), 0);
		check_disk(&c, "gone on", &job);
		ck_assert_int_eq(mempool_tidy(pool), OK);
		check_disk(&c, "replaced", &job);
		mempool_close(pool);
		end(&c);
		ck_assert(has_failed || pass > 3);
	}
}
END_TEST

/* As long as a node is not ready nobody may send it anything, so it has to find out by itself. */
START_TEST(trouble_with_the_disk_is_forgotten_once_it_takes_files_again)
{
	struct mempool *pool;
	struct scene c;

	begin(&c, scratch_make());
	pool = mempool_open(c.s);
	atomic_store(&pool_at(c.s)->journal_err, ERR_NOSPC);
	atomic_store(&pool_at(c.s)->log_err, ERR_NOSPC);
	/* The folder of the log could not even be made. */
	store_probe_disk(c.s);
	ck_assert(store_journal_err(c.s) == OK && store_pool_log_err(c.s) == OK);
	ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8, 10, 0), true);
	failpoint_arm("disk.any", FAILPOINT_FAIL, 1);
	serve(c.s, pool);
	ck_assert_uint_eq(listen(&c), 1);
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
	end(&c);
}
END_TEST

/* While a disk is full a pool that is asked all the time must not grow a list of what it could not keep. */
START_TEST(what_could_not_be_kept_is_forgotten)
{
	struct mempool *pool;
	struct scene c;

	begin(&c, scratch_make());
	pool = mempool_open(c.s);
	/* The folder is there. */
	ask(&c, transfer_unsigned(c.s, 1, 0, COIN / 8, 10, 0), true);
	serve(c.s, pool);
	ck_assert_uint_eq(listen(&c), 0);
	for (unsigned n = 0; n < 1000; n++) {
		c.count = 0;
		ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8 + n, 10, 0), true);
		failpoint_arm("disk.any", FAILPOINT_FAIL, 1);
		serve(c.s, pool);
		failpoint_clear();
		ck_assert_msg(listen(&c) == 1, "transfer %u was kept", n);
	}
	ck_assert_uint_le(pool->unkept_count, POOL_MAX);
	c.count = 0;
	ask(&c, transfer_unsigned(c.s, 0, 1, COIN / 8, 10, 0), true);
	serve(c.s, pool);
	ck_assert_uint_eq(listen(&c), 0);
	check_disk(&c, "after all", &(struct job){0});
	mempool_close(pool);
	end(&c);
}
END_TEST
#endif

Suite *
suite_durable_pool(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "durable pool", 600);
	tcase_add_checked_fixture(tc, NULL, scratch_unmake);
	tcase_add_test(tc, what_was_told_is_there_after_a_start);
	tcase_add_test(tc, the_order_of_coming_outlives_a_start);
	tcase_add_test(tc, a_log_that_was_replaced_is_short_and_has_all_in_order);
	tcase_add_test(tc, what_a_swap_returns_is_logged_again);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_pool_process_killed_at_any_point_leaves_on_the_disk_what_it_told, 0,
			    ARRAY_LEN(points));
	tcase_add_loop_test(tc, a_pool_process_killed_while_it_replaces_its_log_loses_nothing, 0,
			    ARRAY_LEN(tidy_points));
	tcase_add_test(tc, what_the_disk_refuses_is_not_told_and_the_rest_goes_on);
	tcase_add_test(tc, a_log_that_cannot_be_replaced_goes_on_as_it_is);
	tcase_add_test(tc, what_could_not_be_kept_is_forgotten);
	tcase_add_test(tc, trouble_with_the_disk_is_forgotten_once_it_takes_files_again);
#endif
	return suite;
}
