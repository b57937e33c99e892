/*
 * What a commit told is on the disk. Writers are killed at every named point of staging, commit, journal and framed log,
 * at the first, second, … pass until the point is not reached any more; and each step on the disk is refused once. Then
 * the segment must hold together and go on, and a start from the disk must come to the same chain: never to one that is
 * worse than what was told, and to another one only if it is better and its writer died before it could tell.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include "disk_maker.h"
#include "durable_kit.h"
#include "process.h"
#include "store/branch.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/load.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define PASSES_MAX 500
#define DEEP (JOURNAL_BLOCKS_MAX + 20)

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
	struct store *s = durable_base(folder);
	uint64_t height;
	struct maker m;
	bool killed;

	memset(&job->told, 0, sizeof(job->told));
	job->point = point;
	job->pass = pass;
	job->seed = 1000 + pass;
	killed = was_killed(s, STORE_COMMIT, 1, work, job);
	witness_accounts(s);
	durable_check(s, folder, &job->told, !killed || !may_be_ahead(point));
	/* One step and everything dies; and a longer way. */
	maker_init(&m, s, pass);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), 1, 0), OK);
	maker_clear(&m);
	durable_check(s, folder, NULL, true);
	height = chain_height(s, chain_tip(s));
	memset(&job->told, 0, sizeof(job->told));
	job->point = NULL;
	ck_assert(!was_killed(s, STORE_COMMIT, 1, work, job));
	ck_assert_uint_gt(chain_height(s, chain_tip(s)), height);
	witness_accounts(s);
	durable_check(s, folder, &job->told, true);
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
		struct store *s = durable_base(folder), *again;
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
	struct store *s = durable_base(folder);
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
	durable_check(s, folder, &job->told, true);
}
END_TEST

/* One step on the disk is refused; first_sync: and a sync before it, so that what is refused may be the way out. */
static bool
work_on_a_bad_disk(const char *folder, unsigned pass, unsigned first_sync)
{
	struct store *s = durable_base(folder);
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
	durable_check(s, folder, NULL, true);
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
#endif

/* Both reserved the same bytes, and the other one was quicker. */
START_TEST(a_branch_whose_room_went_to_another_committer_is_committed_all_the_same)
{
	struct store *s = durable_base(scratch_make());
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

Suite *
suite_durable(void)
{
	Suite *suite;
	TCase *tc = durable_case(&suite, "durable");
	tcase_add_test(tc, a_branch_whose_room_went_to_another_committer_is_committed_all_the_same);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_writer_killed_at_any_point_leaves_on_the_disk_what_it_told, 0, ARRAY_LEN(points));
	tcase_add_loop_test(tc, a_writer_killed_while_a_long_branch_is_staged_leaves_on_the_disk_what_it_told, 0,
			    ARRAY_LEN(deep_points));
	tcase_add_test(tc, a_writer_killed_after_a_sync_failed_leaves_on_the_disk_what_it_told);
	tcase_add_loop_test(tc, of_two_committers_one_dies_and_nothing_of_either_is_lost, 0, ARRAY_LEN(turn_points));
	tcase_add_test(tc, a_repair_that_completes_a_commit_may_be_killed_too);
	tcase_add_loop_test(tc, a_step_that_the_disk_refuses_leaves_the_chain_as_it_was, 0, ARRAY_LEN(first_syncs));
#endif
	return suite;
}
