/*
 * What a commit told is on the disk. Writers are killed at every named point of staging, commit, journal and framed log,
 * at the first, second, … pass until the point is not reached any more; and each step on the disk is refused once. Then
 * the segment must hold together and go on, and a start from the disk must come to the same chain: never to one that is
 * worse than what was told, and to another one only if it is better and its writer died before it could tell.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "chain/fork_choice.h"
#include "disk_maker.h"
#include "process.h"
#include "store/branch.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/load.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define BASE_HEIGHT 10
#define PASSES_MAX 500
#define TOLD_MAX 64
#define DEEP (JOURNAL_BLOCKS_MAX + 20)

/* Tips that commits have told of, in order; shared with the processes that commit. */
struct told {
	struct hash256 tips[TOLD_MAX];
	_Atomic uint32_t count;
};

static const struct segment_plan again_plan = {.name = "again"};

static struct store *
segment_with_base(const char *folder)
{
	struct store *s = durable_start(folder, &(struct segment_plan){0});
	struct maker m;

	maker_init(&m, s, 5);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), BASE_HEIGHT, 4), OK);
	maker_clear(&m);
	return s;
}

/* The chain that a start would come to, now. is_exact: it must be the segment's. */
static void
check_disk(const struct store *s, const char *folder, const struct told *told, bool is_exact)
{
	static const char *copy;
	struct head ours, theirs, last;
	struct store *again;
	uint32_t n = told == NULL ? 0 : atomic_load(&told->count);

	if (copy == NULL)
		copy = scratch_make();
	scratch_copy(copy, folder);
	again = durable_start(copy, &again_plan);
	witness_accounts(again);
	chain_head(s, chain_tip(s), &ours);
	chain_head(again, chain_tip(again), &theirs);
	if (is_exact || !head_is_better(&theirs, &ours))
		ck_assert_msg(hash_equal(&ours.hash, &theirs.hash), "height %lu here, %lu from the disk",
			      (unsigned long)ours.height, (unsigned long)theirs.height);
	/* The last one told was swapped for nothing worse. */
	if (n > 0) {
		chain_head(s, chain_find_any(s, &told->tips[n - 1]), &last);
		ck_assert(hash_equal(&last.hash, &theirs.hash) || head_is_better(&theirs, &last));
	}
	ck_assert_uint_eq(again->promised, 0);
	segment_unmake_one(again);
}

#ifdef RENSA_FAILPOINTS
static void
tell(struct told *t, const struct store *s)
{
	uint32_t n = atomic_load(&t->count);

	need(n < TOLD_MAX);
	t->tips[n] = *chain_hash(s, chain_tip(s));
	atomic_store(&t->count, n + 1);
}

/* A frame that was written and not marked is not the segment's, but a start finds it. */
static bool
may_be_ahead(const char *point)
{
	return strcmp(point, "framelog.written") == 0 || strcmp(point, "framelog.before-sync") == 0 ||
	       strcmp(point, "journal.before-mark") == 0;
}

static const char *const points[] = {
    "stage.accounts",	    "stage.written",	      "stage.done",	    "commit.begun",
    "commit.indexed-hash",  "commit.indexed-tx",      "commit.indexed",	    "commit.swap-begun",
    "commit.head-back",	    "commit.head-on",	      "commit.before-tip",  "commit.after-tip",
    "commit.before-clear",  "journal.before-mark",    "journal.after-mark", "framelog.written",
    "framelog.before-sync", "framelog.before-rename",
};

struct job {
	const char *point; /* NULL: nothing happens to it */
	unsigned pass;
	uint64_t seed;
	unsigned deep; /* blocks of a last, longer branch */
	unsigned sync; /* so many syncs go well before one fails; 0: all do */
	struct told told;
};

/* Three extensions of different size, a swap to a branch from three below that is longer by one, and maybe a long one. */
static void
work(struct store *s, void *arg)
{
	struct job *job = arg;
	struct blockref tip;
	struct maker m;

	maker_init(&m, s, job->seed);
	if (job->point != NULL)
		failpoint_arm(job->point, FAILPOINT_KILL, job->pass);
	if (job->point != NULL && job->sync > 0)
		failpoint_arm("disk.sync", FAILPOINT_FAIL, job->sync);
	for (unsigned i = 0; i < 3; i++) {
		need(durable_grow(&m, chain_tip(s), 1 + i % 2, 8 - 3 * i) == OK);
		tell(&job->told, s);
	}
	tip = chain_tip(s);
	need(durable_grow(&m, chain_at(s, tip, chain_height(s, tip) - 3), 4, 3) == OK);
	tell(&job->told, s);
	if (job->deep > 0) {
		tip = chain_tip(s);
		need(durable_grow(&m, chain_at(s, tip, chain_height(s, tip) - 2), job->deep, 0) == OK);
		tell(&job->told, s);
	}
	failpoint_clear();
	maker_clear(&m);
}

static bool
die_and_go_on(struct job *job, const char *folder, const char *point, unsigned pass)
{
	struct store *s = segment_with_base(folder);
	uint64_t height;
	struct maker m;
	bool killed;

	memset(&job->told, 0, sizeof(job->told));
	job->point = point;
	job->pass = pass;
	job->seed = 1000 + pass;
	killed = was_killed(s, STORE_COMMIT, 1, work, job);
	witness_accounts(s);
	check_disk(s, folder, &job->told, !killed || !may_be_ahead(point));
	/* One step and everything dies; and a longer way. */
	maker_init(&m, s, pass);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 1, 0), OK);
	maker_clear(&m);
	check_disk(s, folder, NULL, true);
	height = chain_height(s, chain_tip(s));
	memset(&job->told, 0, sizeof(job->told));
	job->point = NULL;
	ck_assert(!was_killed(s, STORE_COMMIT, 1, work, job));
	ck_assert_uint_gt(chain_height(s, chain_tip(s)), height);
	witness_accounts(s);
	check_disk(s, folder, &job->told, true);
	segment_unmake_one(s);
	return killed;
}

START_TEST(a_writer_killed_at_any_point_leaves_on_the_disk_what_it_told)
{
	struct job *job = share(sizeof(*job));
	const char *folder = scratch_make(), *empty = scratch_make();
	/* Points that are passed for each transfer are tried at every third pass. */
	unsigned step =
	    strcmp(points[_i], "commit.indexed-tx") == 0 || strncmp(points[_i], "commit.head", 11) == 0 ? 3 : 1;
	unsigned pass = 1;

	while (die_and_go_on(job, folder, points[_i], pass)) {
		scratch_copy(folder, empty);
		pass += step;
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_msg(pass > 1, "%s is never reached", points[_i]);
}
END_TEST

static const char *const deep_points[] = {
    "journal.before-mark", "journal.after-mark", "framelog.written", "framelog.before-rename", "commit.begun",
};

/* The last steps of work: a branch that takes several frames. */
START_TEST(a_writer_killed_while_a_long_branch_is_staged_leaves_on_the_disk_what_it_told)
{
	struct job *job = share(sizeof(*job));
	const char *folder = scratch_make(), *empty = scratch_make();
	unsigned pass = 1;

	job->deep = DEEP;
	while (die_and_go_on(job, folder, deep_points[_i], pass)) {
		scratch_copy(folder, empty);
		ck_assert_uint_lt(++pass, PASSES_MAX);
	}
	ck_assert_uint_gt(pass, 3);
}
END_TEST

/* A file that was begun, could not be synced and is followed by another one already, when its writer dies. */
START_TEST(a_writer_killed_after_a_sync_failed_leaves_on_the_disk_what_it_told)
{
	struct job *job = share(sizeof(*job));
	const char *folder = scratch_make(), *empty = scratch_make();

	for (unsigned pass = 1; pass <= 4; pass++)
		for (job->sync = 1; job->sync <= 8; job->sync++) {
			ck_assert(die_and_go_on(job, folder, "journal.before-mark", pass));
			scratch_copy(folder, empty);
		}
}
END_TEST

struct turn {
	struct told told[2];
	const char *point;
	unsigned pass;
	_Atomic uint32_t is_over; /* the one that dies is dead */
};

static void
take_turns(struct store *s, struct turn *turn, unsigned self)
{
	struct maker m;

	maker_init(&m, s, 70 + self);
	for (unsigned n = 0; n < 12;) {
		struct blockref tip;
		enum err e;

		/* One is still there when the other is dead. */
		if (self == 1 && n == 8)
			wait_for(&turn->is_over, 1);
		tip = chain_tip(s);
		need(maker_stage(&m, tip, 1 + n % 2, 1 + n % 7) == OK && store_begin(s, 30000) == OK);
		e = commit_tip(s, tip, m.at);
		store_end(s);
		need(e == OK || e == ERR_STALE);
		if (e != OK)
			continue;
		m.kept = m.at;
		turn->told[self].tips[n] = *chain_hash(s, m.at);
		atomic_store(&turn->told[self].count, ++n);
	}
	maker_clear(&m);
}

static void
one(struct store *s, void *arg)
{
	struct turn *turn = arg;

	failpoint_arm(turn->point, FAILPOINT_KILL, turn->pass);
	take_turns(s, turn, 0);
	failpoint_clear();
}

static void
other(struct store *s, void *arg)
{
	take_turns(s, arg, 1);
}

static const char *const turn_points[] = {"journal.before-mark",    "journal.after-mark", "framelog.written",
					  "framelog.before-rename", "commit.before-tip",  "commit.indexed"};

/* Whoever is left goes on in files that the dead one had begun or had not. */
START_TEST(of_two_committers_one_dies_and_nothing_of_either_is_lost)
{
	struct turn *turn = share(sizeof(*turn));
	const char *folder = scratch_make(), *empty = scratch_make(), *copy = scratch_make();

	for (unsigned pass = 1; pass <= 3; pass++) {
		struct store *s = segment_with_base(folder), *again;
		pid_t a, b;

		memset(turn, 0, sizeof(*turn));
		turn->point = turn_points[_i];
		turn->pass = pass;
		a = spawn(s, STORE_COMMIT, 1, 0, one, turn);
		b = spawn(s, STORE_COMMIT, 2, 0, other, turn);
		/* How many files begin in its own turns is a matter of luck. */
		ck_assert(WIFSIGNALED(await(s, a)) || strcmp(turn->point, "framelog.before-rename") == 0);
		atomic_store(&turn->is_over, 1);
		await_ok(s, b);
		witness_accounts(s);
		scratch_copy(copy, folder);
		again = durable_start(copy, &again_plan);
		ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(again, chain_tip(again))));
		for (unsigned who = 0; who < 2; who++)
			for (uint32_t n = 0; n < atomic_load(&turn->told[who].count); n++)
				ck_assert(chain_find(again, chain_tip(again), &turn->told[who].tips[n]).v != 0);
		witness_accounts(again);
		segment_unmake();
		scratch_copy(folder, empty);
	}
}
END_TEST

static void
mend(struct store *s, void *arg)
{
	failpoint_arm("repair.before-tip", FAILPOINT_KILL, 1);
	store_bury(s, *(const pid_t *)arg);
	need(!"it was to die while it repaired");
}

START_TEST(a_repair_that_completes_a_commit_may_be_killed_too)
{
	struct job *job = share(sizeof(*job));
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder);
	pid_t writer, mender;
	siginfo_t info;

	*job = (struct job){.point = "journal.after-mark", .pass = 4, .seed = 3};
	writer = spawn(s, STORE_COMMIT, 1, 0, work, job);
	ck_assert_int_eq(waitid(P_PID, (id_t)writer, &info, WEXITED | WNOWAIT), 0);
	mender = spawn(s, STORE_COMMIT, 2, 0, mend, &writer);
	ck_assert(WIFSIGNALED(await(s, mender)));
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
	ck_assert_uint_eq(atomic_load(&job->told.count), 3);
	/* The journal has it, so the chain ends in what nobody was told of. */
	ck_assert(!hash_equal(chain_hash(s, chain_tip(s)), &job->told.tips[2]));
	witness_accounts(s);
	check_disk(s, folder, &job->told, true);
}
END_TEST

/* One step on the disk is refused; first_sync: and a sync before it, so that what is refused may be the way out. */
static bool
work_on_a_bad_disk(const char *folder, unsigned pass, unsigned first_sync)
{
	struct store *s = segment_with_base(folder);
	struct maker m;
	bool has_failed = false;

	maker_init(&m, s, 2000 + pass);
	failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
	if (first_sync > 0)
		failpoint_arm("disk.sync", FAILPOINT_FAIL, first_sync);
	for (unsigned n = 0; n < 7; n++) {
		struct blockref tip = chain_tip(s);
		/* The fourth swaps to a branch, the sixth is longer than a frame. */
		uint64_t from = chain_height(s, tip) - (n == 3 ? 2 : 0);
		enum err e;

		ck_assert_int_eq(maker_stage(&m, chain_at(s, tip, from), n == 3 ? 3 : 1, 9 - n), OK);
		e = durable_commit(&m);
		ck_assert(blockref_equal(chain_tip(s), e == OK ? m.at : tip));
		ck_assert_int_eq(store_journal_err(s), e);
		has_failed = has_failed || e != OK;
		/* The very same blocks once more, or others. */
		if (e != OK && n % 2 == 1 && durable_commit(&m) == OK)
			ck_assert(blockref_equal(chain_tip(s), m.at));
		witness_chain(s);
	}
	failpoint_clear();
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 1, 2), OK);
	maker_clear(&m);
	ck_assert_uint_eq(s->promised, 0);
	witness_accounts(s);
	check_disk(s, folder, NULL, true);
	segment_unmake_one(s);
	return has_failed;
}

static const unsigned first_syncs[] = {0, 1, 2, 3, 5};

START_TEST(a_step_that_the_disk_refuses_leaves_the_chain_as_it_was)
{
	const char *folder = scratch_make(), *empty = scratch_make();
	unsigned quiet = 0, failures = 0;

	/* Some failures are got over without a word, as one of the first sync of a file. */
	for (unsigned pass = 1; quiet < 8; pass++) {
		bool has_failed = work_on_a_bad_disk(folder, pass, first_syncs[_i]);
		quiet = has_failed ? 0 : quiet + 1;
		failures += has_failed;
		scratch_copy(folder, empty);
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_uint_gt(failures, 3);
}
END_TEST

START_TEST(a_start_that_the_disk_refuses_says_so_and_the_next_one_works)
{
	const char *folder = scratch_make(), *copy = scratch_make();
	struct store *s = segment_with_base(folder);
	bool has_failed = true;
	uint32_t restored;
	struct buf why;

	for (unsigned pass = 1; has_failed; pass++) {
		struct store *again;
		enum err e;

		scratch_copy(copy, folder);
		again = durable_make(copy, &again_plan);
		buf_init(&why);
		failpoint_arm("disk.any", FAILPOINT_FAIL, pass);
		e = durable_load(again, &restored, &why);
		failpoint_clear();
		has_failed = e != OK;
		ck_assert(e == OK || why.len > 0);
		ck_assert(e == OK || !store_is_loaded(again));
		buf_clear(&why);
		segment_unmake_one(again);
		again = durable_start(copy, &again_plan);
		ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(again, chain_tip(again))));
		segment_unmake_one(again);
		ck_assert(has_failed || pass > 2);
	}
}
END_TEST

/* Memory that the system does not grant, step by step, until all is granted. */
START_TEST(a_start_that_is_refused_memory_says_so_and_the_next_one_works)
{
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder), *again;
	unsigned refused = 0;
	uint32_t restored;
	struct buf why;
	struct maker m;
	enum err e;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 110, BLOCK_TXS_MAX), OK);
	maker_clear(&m);
	for (unsigned pass = 1;; pass++) {
		uint64_t granted;
		again = durable_make(folder, &again_plan);
		/* Nothing smaller than what is asked for is left to try. */
		granted = atomic_load(&again->control->granted);
		failpoint_arm("segment.grant", FAILPOINT_FAIL, pass);
		failpoint_arm("shm.any", FAILPOINT_FAIL, pass + 1);
		buf_init(&why);
		e = durable_load(again, &restored, &why);
		failpoint_clear();
		ck_assert(e == OK || (e == ERR_NOSPC && strstr(why.data, "/dev/shm") != NULL));
		ck_assert(e != OK || atomic_load(&again->control->granted) > granted);
		refused += e != OK;
		buf_clear(&why);
		segment_unmake_one(again);
		if (e == OK)
			break;
	}
	ck_assert_uint_gt(refused, 0);
	again = durable_start(folder, &again_plan);
	ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(again, chain_tip(again))));
}
END_TEST
#endif

/* Whatever was tried, the chain is the best of the tips that were committed, here and after a start. */
START_TEST(a_start_comes_to_the_best_of_all_committed_tips)
{
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder);
	struct blockref known[200] = {chain_tip(s)};
	uint64_t random = 900 + (unsigned)_i;
	unsigned count = 1, swaps = 0;
	struct blockref old, none = {0};
	struct head head, best;
	struct branch b;
	struct maker m;

	maker_init(&m, s, random);
	branch_init(&b, s);
	chain_head(s, chain_tip(s), &best);
	for (unsigned n = 0; n < 50; n++) {
		struct blockref from = known[count - 1 - random_below(&random, count < 6 ? count : 6)];
		struct blockref before = chain_tip(s);

		/* As a resolver: what it staged is a branch, which wins or not. */
		ck_assert_int_eq(maker_stage(&m, from, 1 + (unsigned)random_below(&random, 3), 2), OK);
		chain_head(s, m.at, &head);
		if (head_is_better(&head, &best)) {
			ck_assert_int_eq(durable_commit(&m), OK);
			best = head;
			swaps += !chain_contains(s, chain_tip(s), before);
			known[count++] = m.at;
		} else {
			/* A branch that is not better is no commit. */
			ck_assert_int_eq(branch_begin(&b, from), OK);
			ck_assert_int_eq(branch_commit(&b, none, &old), OK);
			ck_assert_uint_eq(old.v, 0);
			branch_end(&b);
		}
		chain_head(s, chain_tip(s), &head);
		ck_assert(hash_equal(&head.hash, &best.hash));
		if (n % 10 == 9)
			check_disk(s, folder, NULL, true);
	}
	maker_clear(&m);
	ck_assert_uint_gt(swaps, 2);
	ck_assert_uint_eq(s->promised, 0);
	witness_accounts(s);
}
END_TEST

/* Two chains of which the second takes more than a quarter of the arena. */
START_TEST(a_segment_of_lost_branches_wants_to_be_rebuilt_and_is_small_then)
{
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder), *again;
	struct blockref fork = chain_tip(s);
	struct store_usage usage;
	uint64_t used;
	struct maker m;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, fork, 110, BLOCK_TXS_MAX), OK);
	ck_assert(!store_wants_rebuild(s));
	ck_assert_int_eq(durable_grow(&m, fork, 111, BLOCK_TXS_MAX), OK);
	ck_assert(store_wants_rebuild(s));
	maker_clear(&m);
	store_usage(s, &usage);
	ck_assert_uint_ge(usage.arena_dead * 4, usage.arena_used);
	used = usage.arena_used;
	segment_unmake_one(s);

	again = durable_start(folder, &again_plan);
	store_usage(again, &usage);
	ck_assert_uint_eq(usage.arena_dead, 0);
	ck_assert_uint_lt(usage.arena_used, used * 3 / 4);
	ck_assert_uint_eq(again->promised, 0);
	ck_assert(!store_wants_rebuild(again));
	witness_accounts(again);
	/* Full, and nothing to gain. */
	ck_assert_int_eq(store_reserve(again, again->super->size_max - usage.arena_used), ERR_LIMIT);
	ck_assert(!store_wants_rebuild(again));
	/* Full, and a sixteenth to gain. */
	maker_init(&m, again, 5);
	ck_assert_int_eq(maker_stage(&m, chain_tip(again), 12, BLOCK_TXS_MAX), OK);
	maker_clear(&m);
	store_usage(again, &usage);
	ck_assert_uint_gt(usage.arena_dead * 16, usage.arena_used);
	ck_assert_uint_lt(usage.arena_dead * 4, usage.arena_used);
	ck_assert(store_wants_rebuild(again));
	ck_assert_uint_eq(again->promised, 0);
}
END_TEST

START_TEST(a_chain_larger_than_the_segment_may_be_is_refused_with_a_sentence)
{
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder), *small;
	struct store_usage usage;
	uint32_t restored;
	struct buf why;
	struct maker m;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 160, BLOCK_TXS_MAX), OK);
	maker_clear(&m);
	store_usage(s, &usage);
	buf_init(&why);
	small =
	    durable_make(folder, &(struct segment_plan){.name = "small", .size_max = segment_tables(s) + (1 << 21)});
	ck_assert_uint_gt(usage.arena_used, 1 << 21);
	ck_assert_int_eq(durable_load(small, &restored, &why), ERR_LIMIT);
	ck_assert_ptr_nonnull(strstr(why.data, "shm_max"));
	ck_assert(!store_is_loaded(small));
	buf_clear(&why);
}
END_TEST

/* Both reserved the same bytes, and the other one was quicker. */
START_TEST(a_branch_whose_room_went_to_another_committer_is_committed_all_the_same)
{
	struct store *s = segment_with_base(scratch_make());
	struct blockref none = {0}, old, tip = chain_tip(s);
	struct verdict v;
	struct branch b;
	struct block block;
	struct maker m;

	maker_init(&m, s, 3);
	ck_assert_int_eq(maker_stage(&m, tip, 1, 30), OK);
	chain_block(s, m.at, &block);
	maker_clear(&m);
	branch_init(&b, s);
	ck_assert_int_eq(branch_begin(&b, tip), OK);
	ck_assert_int_eq(branch_add(&b, &block, true, &v), OK);
	ck_assert_int_eq(v.rule, RULE_OK);
	/* As if it had staged a large block. */
	atomic_store(&s->control->end, atomic_load(&s->control->granted) - 64);
	ck_assert_int_eq(branch_commit(&b, none, &old), OK);
	ck_assert(old.v == tip.v && chain_tip(s).v == b.at.v);
	branch_end(&b);
	ck_assert_uint_eq(s->promised, 0);
	witness_accounts(s);
}
END_TEST

struct steps {
	uint32_t reading, building;
};

static void
reading(void *ctx, uint32_t blocks)
{
	struct steps *n = ctx;

	ck_assert_uint_le(blocks - n->reading, 64);
	n->reading = blocks;
}

static void
building(void *ctx, uint32_t blocks, uint32_t of)
{
	struct steps *n = ctx;

	ck_assert_uint_le(blocks - n->building, 64);
	ck_assert_uint_le(blocks, of);
	n->building = blocks;
}

/* Blocks may be large: a loader that is silent for thousands of them would pass for one that is stuck. */
START_TEST(a_start_tells_every_few_blocks_how_far_it_is)
{
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder);
	struct steps n = {0};
	struct journal j;
	struct buf why;
	struct maker m;

	maker_init(&m, s, 4);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 200, 0), OK);
	maker_clear(&m);
	s = durable_make(folder, &again_plan);
	buf_init(&why);
	ck_assert_int_eq(journal_open(&j, store_journal(s), true, reading, &n, &why), OK);
	ck_assert_int_eq(store_load(s, &j, building, &n, &why), OK);
	journal_close(&j);
	buf_clear(&why);
	ck_assert_uint_ge(n.reading, 200 + BASE_HEIGHT - 64);
	ck_assert_uint_ge(n.building, 200 + BASE_HEIGHT - 64);
}
END_TEST

/* What a start has read from the journal is not written there again. */
START_TEST(a_commit_after_a_start_writes_its_own_blocks_only)
{
	static const unsigned lengths[] = {3, 300};
	const char *folder = scratch_make();
	struct store *s = segment_with_base(folder);
	uint64_t before;
	struct maker m;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		maker_init(&m, s, 4);
		ck_assert_int_eq(durable_grow(&m, chain_tip(s), lengths[i], 1), OK);
		maker_clear(&m);
		segment_unmake_one(s);
		s = durable_start(folder, &again_plan);
		before = store_journal_place(s).position;
		maker_init(&m, s, 5);
		ck_assert_int_eq(durable_grow(&m, chain_tip(s), 1, 0), OK);
		maker_clear(&m);
		ck_assert_uint_lt(store_journal_place(s).position - before, 1000);
	}
}
END_TEST

static TCase *
durable_case(Suite **suite, const char *name)
{
	TCase *tc = segment_case(suite, name, 600);

	tcase_add_checked_fixture(tc, NULL, scratch_unmake);
	return tc;
}

Suite *
suite_durable(void)
{
	Suite *suite;
	TCase *tc = durable_case(&suite, "durable");
	tcase_add_loop_test(tc, a_start_comes_to_the_best_of_all_committed_tips, 0, 3);
	tcase_add_test(tc, a_branch_whose_room_went_to_another_committer_is_committed_all_the_same);
	tcase_add_test(tc, a_start_tells_every_few_blocks_how_far_it_is);
	tcase_add_test(tc, a_commit_after_a_start_writes_its_own_blocks_only);
	tcase_add_test(tc, a_segment_of_lost_branches_wants_to_be_rebuilt_and_is_small_then);
	tcase_add_test(tc, a_chain_larger_than_the_segment_may_be_is_refused_with_a_sentence);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_writer_killed_at_any_point_leaves_on_the_disk_what_it_told, 0, ARRAY_LEN(points));
	tcase_add_loop_test(tc, a_writer_killed_while_a_long_branch_is_staged_leaves_on_the_disk_what_it_told, 0,
			    ARRAY_LEN(deep_points));
	tcase_add_test(tc, a_writer_killed_after_a_sync_failed_leaves_on_the_disk_what_it_told);
	tcase_add_loop_test(tc, of_two_committers_one_dies_and_nothing_of_either_is_lost, 0, ARRAY_LEN(turn_points));
	tcase_add_test(tc, a_repair_that_completes_a_commit_may_be_killed_too);
	tcase_add_loop_test(tc, a_step_that_the_disk_refuses_leaves_the_chain_as_it_was, 0, ARRAY_LEN(first_syncs));
	tcase_add_test(tc, a_start_that_the_disk_refuses_says_so_and_the_next_one_works);
	tcase_add_test(tc, a_start_that_is_refused_memory_says_so_and_the_next_one_works);
#endif
	return suite;
}
