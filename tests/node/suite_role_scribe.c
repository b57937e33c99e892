/* The scribe: the transcript follows the chain, but for its newest blocks, through turns, deaths and a lack of room. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "store/chain.h"
#include "store/disk_maker.h"
#include "store/transcript.h"
#include "suites.h"

#define YOUNG 8 /* small blocks that are left out */

static struct crew crew;
static struct maker m;

static void
begin_with(uint64_t size_max)
{
	crew_ready(&crew);
	ck_assert_int_eq(transcript_create(&crew.env.transcript, size_max), OK);
	maker_init(&m, crew.store, 33);
}

static void
begin(void)
{
	begin_with(UINT64_C(16) << 20);
}

static void
end(void)
{
	maker_clear(&m);
	transcript_free(crew.env.transcript);
	crew_close(&crew);
}

static void
grow(struct blockref from, unsigned blocks)
{
	ck_assert_int_eq(durable_grow(&m, from, blocks, 0), OK);
}

struct sight {
	struct blockref top;
	struct passage whole; /* from genesis to the top */
	uint64_t blocks;      /* ever written */
};

/* As a worker sees it, which is a process of its own. */
static struct sight
see(void)
{
	struct transcript *t = crew.env.transcript;
	struct transcript_usage usage;
	struct sight sight = {.blocks = 0};
	int pipe_fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (store_attach(crew.store, STORE_READ, 0, 0) != OK || transcript_attach(t, false) != OK)
			_exit(1);
		sight.top = transcript_top(t);
		transcript_usage(t, &usage);
		sight.blocks = usage.blocks;
		if (sight.top.v != 0)
			sight.whole = transcript_find(t, crew.store, sight.top, 0, chain_height(crew.store, sight.top));
		_exit(write(pipe_fds[1], &sight, sizeof(sight)) == (ssize_t)sizeof(sight) ? 0 : 1);
	}
	ck_assert_int_eq(read(pipe_fds[0], &sight, sizeof(sight)), sizeof(sight));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return sight;
}

/* Is all written but for the newest? */
static bool
has_caught_up(unsigned young)
{
	struct blockref tip = chain_tip(crew.store), top = see().top;

	return top.v != 0 && chain_height(crew.store, top) + young == chain_height(crew.store, tip) &&
	       chain_contains(crew.store, tip, top);
}

START_TEST(writes_all_but_the_newest_blocks_once)
{
	struct sight sight;

	grow(chain_tip(crew.store), 1500);
	crew_start(&crew, "scribe");
	crew_until(has_caught_up(YOUNG));
	grow(chain_tip(crew.store), 5);
	crew_until(has_caught_up(YOUNG));
	sight = see();
	ck_assert_uint_eq(sight.blocks, 1505 - YOUNG + 1);
	ck_assert_uint_eq(sight.whole.blocks, sight.blocks);
	ck_assert_int_eq(crew_stop(&crew, "scribe"), CHILD_STOPPED);
}
END_TEST

START_TEST(leaves_nothing_behind_of_what_is_swapped_out_soon)
{
	struct blockref tip;

	grow(chain_tip(crew.store), 50);
	crew_start(&crew, "scribe");
	crew_until(has_caught_up(YOUNG));
	for (unsigned i = 0; i < 3; i++) {
		tip = chain_tip(crew.store);
		grow(chain_at(crew.store, tip, chain_height(crew.store, tip) - YOUNG + 1), YOUNG + 2);
		crew_until(has_caught_up(YOUNG));
	}
	ck_assert_uint_eq(see().blocks, chain_height(crew.store, see().top) + 1);
}
END_TEST

START_TEST(follows_a_deep_turn_and_back)
{
	struct blockref first;

	grow(chain_tip(crew.store), 100);
	first = chain_tip(crew.store);
	crew_start(&crew, "scribe");
	crew_until(has_caught_up(YOUNG));
	grow(chain_at(crew.store, first, 40), 80);
	crew_until(has_caught_up(YOUNG));
	ck_assert_uint_eq(see().whole.blocks, 41);
	grow(first, 60);
	crew_until(has_caught_up(YOUNG));
	ck_assert_uint_eq(see().blocks, 100 - YOUNG + 1 + 80 - YOUNG + 120 - YOUNG);
}
END_TEST

START_TEST(goes_on_where_one_that_was_killed_stood)
{
	grow(chain_tip(crew.store), 40);
	crew_start(&crew, "scribe");
	crew_until(has_caught_up(YOUNG));
	kill(crew.pids[crew_slot("scribe")], SIGKILL);
	ck_assert_int_eq(crew_wait(&crew, "scribe"), CREW_SIGNAL + SIGKILL);
	grow(chain_tip(crew.store), 10);
	crew_start(&crew, "scribe");
	crew_until(has_caught_up(YOUNG));
	ck_assert_uint_eq(see().blocks, 50 - YOUNG + 1);
	ck_assert_uint_eq(see().whole.blocks, 50 - YOUNG + 1);
}
END_TEST

START_TEST(says_once_that_there_is_no_more_room)
{
	struct sight sight;

	transcript_free(crew.env.transcript);
	ck_assert_int_eq(transcript_create(&crew.env.transcript, UINT64_C(300) << 10), OK);
	grow(chain_tip(crew.store), 1500);
	crew_start(&crew, "scribe");
	crew_until(crew_said(&crew, "[http] chain_cache is used up"));
	sight = see();
	ck_assert_uint_ge(sight.blocks, 100);
	ck_assert_uint_lt(sight.blocks, 1000);
	ck_assert_uint_eq(sight.whole.blocks, sight.blocks);
	ck_assert_int_eq(crew_stop(&crew, "scribe"), CHILD_STOPPED);
}
END_TEST

START_TEST(has_nothing_to_do_in_a_node_without_a_transcript)
{
	transcript_free(crew.env.transcript);
	crew.env.transcript = NULL;
	crew_start(&crew, "scribe");
	ck_assert_int_eq(crew_stop(&crew, "scribe"), CHILD_STOPPED);
}
END_TEST

Suite *
suite_role_scribe(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role scribe", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, writes_all_but_the_newest_blocks_once);
	tcase_add_test(tc, leaves_nothing_behind_of_what_is_swapped_out_soon);
	tcase_add_test(tc, follows_a_deep_turn_and_back);
	tcase_add_test(tc, goes_on_where_one_that_was_killed_stood);
	tcase_add_test(tc, says_once_that_there_is_no_more_room);
	tcase_add_test(tc, has_nothing_to_do_in_a_node_without_a_transcript);
	return suite;
}
