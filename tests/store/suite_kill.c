/*
 * A writer is killed at every named point of a commit, at the first, second, … pass until the point is not reached
 * any more. The test plays the master: it peeks at the dead, buries, reaps. Then a new writer process does the same
 * work, and all that the segment holds is compared with what the blocks themselves say.
 *
 * The work: an extension of the tip by two blocks, and a swap to a branch from three below it that is longer by one;
 * with transfers, and with accounts that are new.
 */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "store/commit.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define BASE_HEIGHT 10
#define PASSES_MAX 500

/* Every point that a committing writer passes. Those of the pool's process are in suite_kill_pool.c. */
static const char *const points[] = {
    "trie.before-link",	 "stage.accounts",	"stage.written",     "stage.done",
    "commit.begun",	 "commit.indexed-hash", "commit.indexed-tx", "commit.indexed",
    "commit.swap-begun", "commit.head-back",	"commit.head-on",    "commit.before-tip",
    "commit.after-tip",	 "commit.before-clear", "lock.after-wait",   "lock.before-post",
};

static const char *const others[] = {
    /* suite_durable.c */
    "repair.before-tip",
    "journal.before-mark",
    "journal.after-mark",
    /* suite_durable_pool.c */
    "pool.before-log",
    "pool.logged",
    "repair.before-clear", /* a_repair_that_is_killed_too_is_repeated */
    /* suite_segment.c, suite_commit.c, suite_durable.c: these fail and do not kill */
    "segment.grant",
    "shm.any",
    "shm.open",
    "shm.size",
    "shm.semaphore",
    "shm.map",
    "shm.read",
    "board.taken", /* suite_board.c */
    /* suite_kill_pool.c */
    "pool.relinking",
    "pool.half-written",
    "pool.before-link",
    "pool.inserted",
    "pool.unlinked",
    "pool.half-gone",
    "pool.owed",
    "pool.taken",
    "pool.returning",
    "pool.before-settled",
    /* suite_transcript.c */
    "transcript.written",
    "transcript.counted",
    "transcript.shown",
    "transcript.interrupted",
};

#ifdef RENSA_FAILPOINTS
struct job {
	const char *point; /* NULL: nothing happens to it */
	unsigned pass;
	uint64_t seed;
};

static void
work(struct store *s, void *arg)
{
	const struct job *job = arg;
	struct blockref tip = chain_tip(s);
	struct maker m;

	maker_init(&m, s, job->seed);
	if (job->point != NULL)
		failpoint_arm(job->point, FAILPOINT_KILL, job->pass);
	need(maker_grow(&m, tip, 2, 3) == OK);
	tip = chain_tip(s);
	need(maker_grow(&m, chain_at(s, tip, chain_height(s, tip) - 3), 4, 3) == OK);
	failpoint_clear();
}

static struct store *
segment_with_base(void)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct maker m;

	maker_init(&m, s, 5);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), BASE_HEIGHT, 4), OK);
	ck_assert_uint_gt(m.transfers_made, BASE_HEIGHT);
	witness_accounts(s);
	maker_clear(&m);
	return s;
}

START_TEST(a_writer_killed_at_any_point_leaves_a_chain_that_the_next_one_goes_on_with)
{
	unsigned pass = 1;

	for (;; pass++) {
		/* The same segment again for each pass, so that each is the same work. */
		struct store *s = segment_with_base();
		struct job job = {points[_i], pass, 1000 + pass};
		bool killed = was_killed(s, STORE_COMMIT, 1, work, &job);
		uint64_t height;

		witness_accounts(s);
		height = chain_height(s, chain_tip(s));
		ck_assert_uint_ge(height, BASE_HEIGHT);
		job.point = NULL;
		ck_assert(!was_killed(s, STORE_COMMIT, 1, work, &job));
		ck_assert_uint_eq(chain_height(s, chain_tip(s)), height + 3);
		witness_accounts(s);
		segment_unmake();
		if (!killed)
			break;
		ck_assert_uint_lt(pass, PASSES_MAX);
	}
	ck_assert_msg(pass > 1, "%s is never reached", points[_i]);
}
END_TEST

/* The same writer dies again and again in one segment, each time one pass later: what it leaves behind adds up. */
START_TEST(a_writer_that_dies_at_each_attempt_leaves_nothing_that_adds_up)
{
	struct store *s = segment_with_base();
	struct store_usage before, after;

	store_usage(s, &before);
	for (unsigned pass = 1; pass < 12; pass++) {
		struct job job = {points[_i], pass, 77};
		was_killed(s, STORE_COMMIT, 1, work, &job);
	}
	witness_accounts(s);
	store_usage(s, &after);
	ck_assert_uint_lt(after.arena_used, before.arena_used + (UINT64_C(2) << 20));
}
END_TEST

static void
mend(struct store *s, void *arg)
{
	failpoint_arm("repair.before-clear", FAILPOINT_KILL, 1);
	store_bury(s, *(const pid_t *)arg);
	need(!"it was to die while it repaired");
}

/* Whoever repairs may die as well; then the repair starts from the beginning. */
START_TEST(a_repair_that_is_killed_too_is_repeated)
{
	struct store *s = segment_with_base();
	struct job job = {points[_i], 1, 4};
	pid_t writer, mender;
	siginfo_t info;
	int status;

	writer = spawn(s, STORE_COMMIT, 1, 0, work, &job);
	ck_assert_int_eq(waitid(P_PID, (id_t)writer, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(info.si_code, CLD_KILLED);
	mender = spawn(s, STORE_COMMIT, 2, 0, mend, &writer);
	status = await(s, mender);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert(!store_bury(s, writer));
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
	witness_accounts(s);
	job.point = NULL;
	ck_assert(!was_killed(s, STORE_COMMIT, 1, work, &job));
	witness_accounts(s);
}
END_TEST
#endif

static bool
is_listed(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(points); i++)
		if (strcmp(points[i], name) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(others[i], name) == 0)
			return true;
	return false;
}

START_TEST(every_point_in_the_sources_is_tried)
{
	glob_t sources;
	unsigned found = 0;

	ck_assert_int_eq(glob(STORE_SOURCES "/*.c", 0, NULL, &sources), 0);
	for (size_t f = 0; f < sources.gl_pathc; f++) {
		const char *path = sources.gl_pathv[f];
		char line[512];
		FILE *in;

		in = fopen(path, "r");
		ck_assert_msg(in != NULL, "cannot read %s", path);
		while (fgets(line, sizeof(line), in) != NULL) {
			char *name = strstr(line, "FAILPOINT"), *end;
			if (name == NULL)
				name = strstr(line, "fails(");
			if (name == NULL || (name = strchr(name, '"')) == NULL)
				continue;
			end = strchr(++name, '"');
			ck_assert_ptr_nonnull(end);
			*end = '\0';
			ck_assert_msg(is_listed(name), "no test kills at %s", name);
			found++;
		}
		fclose(in);
	}
	globfree(&sources);
	ck_assert_uint_ge(found, ARRAY_LEN(points) + ARRAY_LEN(others));
}
END_TEST

Suite *
suite_kill(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "kill", 240);
	tcase_add_test(tc, every_point_in_the_sources_is_tried);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_writer_killed_at_any_point_leaves_a_chain_that_the_next_one_goes_on_with, 0,
			    ARRAY_LEN(points));
	tcase_add_loop_test(tc, a_writer_that_dies_at_each_attempt_leaves_nothing_that_adds_up, 0, ARRAY_LEN(points));
	/* Those that leave something to repair: from commit.begun to commit.before-clear. */
	tcase_add_loop_test(tc, a_repair_that_is_killed_too_is_repeated, 4, 14);
#endif
	return suite;
}
