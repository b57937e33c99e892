/*
 * The pool's process is killed at every named point of its work, at the first, second, … pass until the point is not
 * reached any more. A fresh one then does the same again. Whatever either has promised must be in the pool, on the
 * chain, or known to be gone and why; and the pool must hold together.
 *
 * Its work: to follow a swap of branches which mines some of what is pending, brings others back and rules some out;
 * then to admit transfers that wait, that are let in after them, and that make room for themselves in a full pool. Once more
 * with a walk in pieces, and a transfer after each.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "process.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define PASSES_MAX 200
#define POOL_MAX 12
#define PROMISES_MAX 64

static const char *const points[] = {
    "pool.relinking", "pool.half-written", "pool.before-link", "pool.inserted",	 "pool.unlinked",
    "pool.half-gone", "pool.owed",	   "pool.taken",       "pool.returning", "pool.before-settled",
};

/* Which of txs the pool's process has answered with a promise. */
struct book_of_promises {
	struct tx txs[PROMISES_MAX];
	bool from_client[PROMISES_MAX];
	_Atomic uint32_t promised[PROMISES_MAX];
	uint32_t count;
	uint32_t early; /* so many are admitted before the swap */
	bool is_in_pieces;
	const char *point;
	unsigned pass;
};

static void
admit(struct mempool *pool, struct book_of_promises *b, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct admission a = mempool_admit(pool, &b->txs[i], b->from_client[i], 1000 + i);
		if (a.status == ADMISSION_PENDING || a.status == ADMISSION_WAITING || a.status == ADMISSION_CONFIRMED)
			atomic_store(&b->promised[i], 1);
	}
}

static void
work(struct store *s, void *arg)
{
	struct book_of_promises *b = arg;
	struct settle_report report;
	struct mempool *pool;

	if (b->point != NULL)
		failpoint_arm(b->point, FAILPOINT_KILL, b->pass);
	pool = mempool_open(s);
	if (!b->is_in_pieces)
		mempool_settle(pool, 2000, &report);
	for (uint32_t i = b->early; i < b->count; i++) {
		if (b->is_in_pieces)
			(void)!mempool_settle_some(pool, 2000, 1, &report);
		admit(pool, b, i, i + 1);
	}
	mempool_settle(pool, 3000, &report);
	failpoint_clear();
	mempool_close(pool);
}

static void
promise(struct book_of_promises *b, struct tx tx, bool from_client)
{
	need(b->count < PROMISES_MAX);
	b->from_client[b->count] = from_client;
	b->txs[b->count++] = tx;
}

/* Everything up to the moment when the pool's process hears of a swap. */
static struct store *
set_the_scene(struct book_of_promises *b)
{
	struct store *s = segment_make(&(struct segment_plan){.pool_max = POOL_MAX});
	struct mempool *pool;
	struct settle_report report;
	struct blockref fork;
	struct maker m;
	struct tx other;

	maker_init(&m, s, 8);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	for (unsigned i = 0; i < 2 * PEOPLE; i++)
		ck_assert_int_eq(maker_add(&m, i % PEOPLE, NULL, 0, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	fork = chain_tip(s);

	memset(b, 0, sizeof(*b));
	for (uint64_t i = 0; i < 4; i++)
		promise(b, transfer_unsigned(s, 0, 1, COIN / 8 + i, 10, i), true);
	for (uint64_t i = 0; i < 3; i++)
		promise(b, transfer_unsigned(s, 1, 2, COIN / 4 + i, 20, i), i != 1);
	promise(b, transfer_unsigned(s, 2, 3, COIN, 5, 0), true);
	b->early = b->count;
	pool = mempool_open(s);
	admit(pool, b, 0, b->early);

	/* Branch A mines the first three of 0 and one of 1 and of 2; the pool hears of it. */
	ck_assert_int_eq(maker_begin(&m, fork), OK);
	ck_assert_int_eq(maker_add(&m, 4, (struct tx[]){b->txs[0], b->txs[1], b->txs[4], b->txs[7]}, 4, 20000), OK);
	ck_assert_int_eq(maker_add(&m, 4, &b->txs[2], 1, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	ck_assert(mempool_settle(pool, 1500, &report));
	ck_assert_uint_eq(report.mined, 5);
	mempool_close(pool);
	for (uint32_t i = 0; i < b->early; i++)
		ck_assert_uint_eq(atomic_load(&b->promised[i]), 1);

	/* Branch B has one of them too, and spends what 2 had promised on something else. */
	other = transfer_unsigned(s, 2, 5, COIN + COIN / 2, 1, 0);
	ck_assert_int_eq(maker_begin(&m, fork), OK);
	ck_assert_int_eq(maker_add(&m, 5, (struct tx[]){b->txs[0], other}, 2, 21000), OK);
	ck_assert_int_eq(maker_add(&m, 5, NULL, 0, 21000), OK);
	ck_assert_int_eq(maker_add(&m, 5, NULL, 0, 21000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	maker_clear(&m);

	/* What comes after the swap: backwards, so that all but the last wait; then peers' with rising fees. */
	for (uint64_t i = 4; i-- > 0;)
		promise(b, transfer_unsigned(s, 3, 0, COIN / 16, 1 + i, i), true);
	for (uint64_t i = 0; i < 6; i++)
		promise(b, transfer_unsigned(s, 4, 0, COIN / 16, 100 + 50 * i, i), false);
	promise(b, transfer_unsigned(s, 5, 0, COIN / 16, 0, 0), true);
	return s;
}

static void
check_promises(const struct store *s, const struct book_of_promises *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		struct hash256 id = tx_id(&b->txs[i]);
		struct pool_entry e;
		struct pool_gone gone;
		struct tx_place place;

		if (!atomic_load(&b->promised[i]) || mempool_find(s, &id, &e) ||
		    chain_find_tx(s, chain_tip(s), &id, &place))
			continue;
		ck_assert_msg(mempool_gone(s, &id, &gone), "%s, pass %u: promised transfer %u is nowhere",
			      b->point == NULL ? "unharmed" : b->point, b->pass, i);
		/* Only the one that was outspent; and peers' that made room. */
		ck_assert_msg(i == 7 || (!b->from_client[i] && gone.rule == RULE_POOL_FULL),
			      "%s, pass %u: transfer %u was ruled out by %s", b->point, b->pass, i,
			      rule_name(gone.rule));
		if (i == 7)
			ck_assert_int_eq(gone.rule, RULE_SEQUENCE_USED);
	}
}

START_TEST(work_that_nothing_happens_to_keeps_every_promise)
{
	struct book_of_promises *b = share(sizeof(*b));
	struct store *s = set_the_scene(b);

	b->is_in_pieces = _i;
	ck_assert(!was_killed(s, STORE_POOL, 1, work, b));
	witness_pool(s);
	check_promises(s, b);
	ck_assert_uint_eq(mempool_count(s), POOL_MAX);
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(a_pool_process_killed_at_any_point_keeps_every_promise)
{
	struct book_of_promises *b = share(sizeof(*b));
	const char *point = points[_i / 2];
	unsigned pass = 1;

	for (;; pass++) {
		struct store *s = set_the_scene(b);
		bool killed;

		b->is_in_pieces = _i % 2;
		b->point = point;
		b->pass = pass;
		killed = was_killed(s, STORE_POOL, 1, work, b);
		b->point = NULL;
		ck_assert(!was_killed(s, STORE_POOL, 1, work, b));
		b->point = point;
		witness_pool(s);
		check_promises(s, b);
		segment_unmake();
		if (!killed)
			break;
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_msg(pass > 1, "%s is never reached", point);
}
END_TEST

static void
open_slowly(struct store *s, void *arg)
{
	(void)arg;
	failpoint_arm("pool.relinking", FAILPOINT_STOP, 1);
	mempool_close(mempool_open(s));
}

/* A start, or a successor that mends: who lists the pool meanwhile must not find it empty. */
START_TEST(a_pool_process_that_begins_hides_nothing_from_those_who_walk)
{
	struct book_of_promises *b = share(sizeof(*b));
	struct store *s = set_the_scene(b);
	uint32_t count = mempool_count(s), met = 0;
	uint64_t arrival = 0;
	struct pool_entry e;
	pid_t pid = spawn(s, STORE_POOL, 1, 0, open_slowly, NULL);
	int status;

	ck_assert_uint_gt(count, 1);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	while (mempool_next(s, &arrival, &e))
		met++;
	ck_assert_uint_eq(met, count);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	await_ok(s, pid);
	arrival = met = 0;
	while (mempool_next(s, &arrival, &e))
		met++;
	ck_assert_uint_eq(met, count);
}
END_TEST

/* The chains may stand open: each look for what is not there then lasts as long as a reader's patience, so few do. */
START_TEST(readers_of_a_pool_whose_process_just_died_come_to_an_end)
{
	struct book_of_promises *b = share(sizeof(*b));
	struct store *s = set_the_scene(b);
	struct candidate candidates[POOL_MAX];
	struct address who = person(0);
	struct pool_sender sender;
	struct pool_entry e;
	struct pool_gone gone;
	uint64_t arrival = 0;

	b->point = points[_i];
	b->pass = 1;
	ck_assert(was_killed(s, STORE_POOL, 1, work, b));
	while (mempool_next(s, &arrival, &e))
		ck_assert_uint_le(e.size, TX_SIZE_MAX);
	ck_assert_uint_le(mempool_candidates(s, candidates, POOL_MAX), POOL_MAX);
	mempool_sender(s, &who, 0, &sender);
	ck_assert_uint_le(sender.count, POOL_MAX);
	for (uint32_t i = 0; i < b->count; i += b->count - 1) {
		struct hash256 id = tx_id(&b->txs[i]);
		if (mempool_find(s, &id, &e))
			ck_assert(hash_equal(&e.id, &id));
	}
	for (uint32_t i = 0; i < b->count; i++) {
		struct hash256 id = tx_id(&b->txs[i]);
		if (mempool_gone(s, &id, &gone))
			ck_assert_int_ne(gone.rule, RULE_OK);
	}
}
END_TEST
#endif

Suite *
suite_kill_pool(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "kill pool", 240);
	tcase_add_loop_test(tc, work_that_nothing_happens_to_keeps_every_promise, 0, 2);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_pool_process_killed_at_any_point_keeps_every_promise, 0, 2 * ARRAY_LEN(points));
	tcase_add_test(tc, a_pool_process_that_begins_hides_nothing_from_those_who_walk);
	tcase_add_loop_test(tc, readers_of_a_pool_whose_process_just_died_come_to_an_end, 0, ARRAY_LEN(points));
#else
	(void)points;
#endif
	return suite;
}
