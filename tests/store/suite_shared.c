/* Memory beside the segment, and what lies in it: the board of the log. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/shared.h"
#include "suites.h"
#include "util/buf.h"
#include "util/log.h"

static struct log_board *board;

static void
setup(void)
{
	board = shared_new(sizeof(*board));
	ck_assert_ptr_nonnull(board);
}

static void
teardown(void)
{
	log_share(NULL);
	log_set_level(LOG_LEVEL_INFO);
}

static struct log_levels
parsed(const char *text)
{
	struct log_levels levels;
	struct buf why;

	buf_init(&why);
	ck_assert(log_levels_parse(&levels, text, &why));
	return levels;
}

static void
in_child(void (*act)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		act();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(begins_as_zeros)
{
	static const struct log_board zeros;

	ck_assert_mem_eq(board, &zeros, sizeof(zeros));
}
END_TEST

static void
change(void)
{
	struct log_levels levels = parsed("relay=debug");

	log_change_levels(&levels);
}

START_TEST(processes_that_share_a_board_have_the_same_levels)
{
	struct log_levels levels = parsed("info, pool=warn");

	log_set_levels(&levels);
	log_share(board);
	/* It begins with what there was. */
	log_get_levels(&levels);
	ck_assert_uint_eq(levels.base, LOG_LEVEL_INFO);
	ck_assert_uint_eq(levels.at[log_module_find("pool", 4)], LOG_LEVEL_WARN);
	ck_assert(!log_is_debug("relay"));
	in_child(change);
	ck_assert(log_is_debug("relay") && !log_is_debug("pool"));
}
END_TEST

static void
lose(void)
{
	log_info("pool: lost");
}

START_TEST(what_several_processes_lose_is_one_number)
{
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* Where the first of them says so. */
	dup2(null, STDERR_FILENO);
	log_share(board);
	ck_assert_int_eq(log_open("/dev/full", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	for (int i = 0; i < 3; i++)
		in_child(lose);
	ck_assert_uint_eq(atomic_load(&board->losses[0].lines), 3);
	ck_assert_int_eq(log_open("/dev/null", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: written");
	ck_assert_uint_eq(atomic_load(&board->losses[0].lines), 0);
	ck_assert_int_eq(atomic_load(&board->losses[0].cause), 0);
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(null);
}
END_TEST

Suite *
suite_shared(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "shared", 20);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, begins_as_zeros);
	tcase_add_test(tc, processes_that_share_a_board_have_the_same_levels);
	tcase_add_test(tc, what_several_processes_lose_is_one_number);
	return suite;
}
