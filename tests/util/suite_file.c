/* Whole files and folders: read within bounds, replaced in one step or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "suites.h"
#include "util/failpoint.h"
#include "util/file.h"

START_TEST(appends_the_whole_file)
{
	scratch_write("part", "two\0three", 9);
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "one ");
	ck_assert_int_eq(file_read(&b, scratch_path("part"), 100), OK);
	ck_assert_uint_eq(b.len, 13);
	ck_assert_mem_eq(b.data, "one two\0three", 14);
	buf_clear(&b);
}
END_TEST

START_TEST(reads_up_to_the_limit_and_no_byte_more)
{
	char bytes[1000];
	memset(bytes, 'x', sizeof(bytes));
	scratch_write("limit", bytes, sizeof(bytes));
	struct buf b;
	buf_init(&b);
	ck_assert_int_eq(file_read(&b, scratch_path("limit"), sizeof(bytes)), OK);
	ck_assert_uint_eq(b.len, sizeof(bytes));
	ck_assert_int_eq(file_read(&b, scratch_path("limit"), sizeof(bytes) - 1), ERR_LIMIT);
	/* What was there before is there still. */
	ck_assert_uint_eq(b.len, sizeof(bytes));
	ck_assert_uint_eq(strlen(b.data), sizeof(bytes));
	ck_assert_int_eq(file_read(&b, scratch_path("limit"), 0), ERR_LIMIT);
	buf_clear(&b);
}
END_TEST

START_TEST(reads_a_file_of_many_steps)
{
	size_t len = 300001;
	char *bytes = malloc(len);
	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 >> 3);
	scratch_write("long", bytes, len);
	struct buf b;
	buf_init(&b);
	ck_assert_int_eq(file_read(&b, scratch_path("long"), SIZE_MAX), OK);
	ck_assert_uint_eq(b.len, len);
	ck_assert_mem_eq(b.data, bytes, len);
	buf_clear(&b);
	free(bytes);
}
END_TEST

START_TEST(reads_files_that_do_not_know_their_size)
{
	struct buf b;
	buf_init(&b);
	ck_assert_int_eq(file_read(&b, "/proc/self/status", 1 << 20), OK);
	ck_assert_ptr_nonnull(strstr(b.data, "Pid:"));
	buf_reset(&b);
	ck_assert_int_eq(file_read(&b, "/dev/zero", 100000), ERR_LIMIT);
	ck_assert_uint_eq(b.len, 0);
	buf_clear(&b);
}
END_TEST

START_TEST(says_why_a_file_cannot_be_read)
{
	struct buf b;
	buf_init(&b);
	ck_assert_int_eq(file_read(&b, scratch_path("absent"), 10), ERR_NOT_FOUND);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(file_read(&b, scratch_path(""), 10), ERR_IO);
	ck_assert_int_eq(errno, EISDIR);
	buf_clear(&b);
}
END_TEST

START_TEST(replaces_a_file_with_the_mode_asked_for)
{
	struct stat st;
	mode_t old_mask = umask(077);
	ck_assert_int_eq(file_write(scratch_path("new"), "first", 5, 0644), OK);
	umask(old_mask);
	ck_assert_str_eq(scratch_read("new"), "first");
	ck_assert_int_eq(stat(scratch_path("new"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);

	ck_assert_int_eq(file_write(scratch_path("new"), "2nd", 3, 0600), OK);
	ck_assert_str_eq(scratch_read("new"), "2nd");
	ck_assert_int_eq(stat(scratch_path("new"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);

	ck_assert_int_eq(file_write(scratch_path("new"), NULL, 0, 0600), OK);
	ck_assert_str_eq(scratch_read("new"), "");
}
END_TEST

START_TEST(leaves_nothing_else_in_the_folder)
{
	ck_assert_int_eq(file_write(scratch_path("only"), "x", 1, 0600), OK);
	size_t count = scratch_count();
	ck_assert_int_eq(file_write(scratch_path("only"), "y", 1, 0600), OK);
	ck_assert_uint_eq(scratch_count(), count);
}
END_TEST

START_TEST(keeps_the_old_file_when_the_new_one_does_not_fit)
{
	struct rlimit old_limit;
	char bytes[4096] = {0};
	ck_assert_int_eq(file_write(scratch_path("full"), "old", 3, 0600), OK);
	size_t count = scratch_count();

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old_limit);
	struct rlimit small = {.rlim_cur = 1000, .rlim_max = old_limit.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	enum err ret = file_write(scratch_path("full"), bytes, sizeof(bytes), 0600);
	int cause = errno;
	setrlimit(RLIMIT_FSIZE, &old_limit);
	signal(SIGXFSZ, SIG_DFL);

	ck_assert_int_eq(ret, ERR_LIMIT);
	ck_assert_int_eq(cause, EFBIG);
	ck_assert_str_eq(scratch_read("full"), "old");
	ck_assert_uint_eq(scratch_count(), count);
}
END_TEST

START_TEST(says_why_a_file_cannot_be_written)
{
	char path[PATH_MAX + 10];
	ck_assert_int_eq(file_write(scratch_path("absent/file"), "x", 1, 0600), ERR_NOT_FOUND);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(file_write(path, "x", 1, 0600), ERR_LIMIT);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	/* A folder in the file's place. */
	ck_assert_int_eq(dir_make(scratch_path("taken/deep")), OK);
	size_t count = scratch_count();
	ck_assert_int_ne(file_write(scratch_path("taken"), "x", 1, 0600), OK);
	ck_assert_uint_eq(scratch_count(), count);
}
END_TEST

#ifdef RENSA_FAILPOINTS
static const struct {
	const char *failpoint;
	const char *content; /* afterwards */
} step_rows[] = {
    {"file.write", "old"},
    {"file.sync", "old"},
    {"file.rename", "old"},
    {"file.folder", "new"}, /* only whether the name is durable is not known */
};

START_TEST(fails_at_each_step_with_the_old_file_or_the_new_one)
{
	ck_assert_int_eq(file_write(scratch_path("step"), "old", 3, 0600), OK);
	size_t count = scratch_count();
	failpoint_arm(step_rows[_i].failpoint, FAILPOINT_FAIL, 1);
	ck_assert_int_eq(file_write(scratch_path("step"), "new", 3, 0600), ERR_IO);
	failpoint_clear();
	ck_assert_int_eq(errno, EIO);
	ck_assert_str_eq(scratch_read("step"), step_rows[_i].content);
	ck_assert_uint_eq(scratch_count(), count);
}
END_TEST
#endif

START_TEST(makes_a_folder_with_its_parents_for_its_owner_alone)
{
	struct stat st;
	mode_t old_mask = umask(0);
	ck_assert_int_eq(dir_make(scratch_path("a/b//c/")), OK);
	umask(old_mask);
	const char *const made[] = {"a", "a/b", "a/b/c"};
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		ck_assert_int_eq(stat(scratch_path(made[i]), &st), 0);
		ck_assert(S_ISDIR(st.st_mode));
		ck_assert_uint_eq(st.st_mode & 07777, 0700);
	}
	ck_assert_int_eq(dir_make(scratch_path("a/b/c")), OK);
	ck_assert_int_eq(dir_make("/"), OK);
}
END_TEST

START_TEST(says_why_a_folder_cannot_be_made)
{
	char path[PATH_MAX + 10];
	scratch_write("file", "x", 1);
	ck_assert_int_eq(dir_make(scratch_path("file")), ERR_EXISTS);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(dir_make(scratch_path("file/below")), ERR_EXISTS);
	ck_assert_int_eq(dir_make(""), ERR_ARG);
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(dir_make(path), ERR_LIMIT);
}
END_TEST

START_TEST(closes_a_descriptor_once_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY);
	int number = fd;
	ck_assert_int_ne(fd, -1);
	errno = ENOSPC;
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(errno, ENOSPC);
	fd_close(&fd);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(fcntl(number, F_GETFD), -1);
}
END_TEST

Suite *
suite_file(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "file", 20);
	scratch_use(tc);
	tcase_add_test(tc, appends_the_whole_file);
	tcase_add_test(tc, reads_up_to_the_limit_and_no_byte_more);
	tcase_add_test(tc, reads_a_file_of_many_steps);
	tcase_add_test(tc, reads_files_that_do_not_know_their_size);
	tcase_add_test(tc, says_why_a_file_cannot_be_read);
	tcase_add_test(tc, replaces_a_file_with_the_mode_asked_for);
	tcase_add_test(tc, leaves_nothing_else_in_the_folder);
	tcase_add_test(tc, keeps_the_old_file_when_the_new_one_does_not_fit);
	tcase_add_test(tc, says_why_a_file_cannot_be_written);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, fails_at_each_step_with_the_old_file_or_the_new_one, 0, ARRAY_LEN(step_rows));
#endif
	tcase_add_test(tc, makes_a_folder_with_its_parents_for_its_owner_alone);
	tcase_add_test(tc, says_why_a_folder_cannot_be_made);
	tcase_add_test(tc, closes_a_descriptor_once_and_keeps_errno);
	return suite;
}
