/* Steps on open files: whole or an error, told by errno, and each can be refused by its failpoint. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "suites.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/fileio.h"

static int fd;

static void
open_new(void)
{
	failpoint_clear();
	ck_assert_int_eq(file_unlink(scratch_path("file")), OK);
	ck_assert_int_eq(file_open(&fd, scratch_path("file"), O_RDWR | O_CREAT | O_EXCL, 0600), OK);
}

static void
close_it(void)
{
	failpoint_clear();
	fd_close(&fd);
}

static uint64_t
size_now(void)
{
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	return (uint64_t)st.st_size;
}

static const struct {
	int number;
	enum err e;
} errno_rows[] = {
    {ENOENT, ERR_NOT_FOUND}, {EEXIST, ERR_EXISTS}, {ENOTDIR, ERR_EXISTS},     {EACCES, ERR_PERM}, {EPERM, ERR_PERM},
    {EROFS, ERR_PERM},	     {ENOSPC, ERR_NOSPC},  {EDQUOT, ERR_NOSPC},	      {EFBIG, ERR_LIMIT}, {EIO, ERR_IO},
    {EBADF, ERR_IO},	     {EINVAL, ERR_IO},	   {ENAMETOOLONG, ERR_LIMIT},
};

START_TEST(has_an_error_for_each_errno)
{
	errno = errno_rows[_i].number;
	ck_assert_int_eq(err_of_errno(), errno_rows[_i].e);
}
END_TEST

START_TEST(writes_all_parts_in_a_row)
{
	struct iovec parts[] = {{(void *)(uintptr_t) "ab", 2}, {NULL, 0}, {(void *)(uintptr_t) "cde", 3}, {NULL, 0}};
	char back[8];
	size_t got;
	ck_assert_int_eq(file_write_at(fd, parts, ARRAY_LEN(parts), 3), OK);
	ck_assert_uint_eq(size_now(), 8);
	ck_assert_int_eq(file_read_at(fd, back, sizeof(back), 0, &got), OK);
	ck_assert_uint_eq(got, 8);
	ck_assert_mem_eq(back, "\0\0\0abcde", 8);
	ck_assert_int_eq(file_write_at(fd, parts, 0, 0), OK);
}
END_TEST

START_TEST(writes_more_parts_than_one_call_takes)
{
	static uint8_t bytes[5000], back[5001];
	static struct iovec parts[5000];
	size_t got;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 256);
		parts[i] = (struct iovec){bytes + i, 1};
	}
	ck_assert_int_eq(file_write_at(fd, parts, ARRAY_LEN(parts), 0), OK);
	ck_assert_int_eq(file_read_at(fd, back, sizeof(back), 0, &got), OK);
	ck_assert_uint_eq(got, sizeof(bytes));
	ck_assert_mem_eq(bytes, back, sizeof(bytes));
}
END_TEST

START_TEST(reads_less_only_at_the_end)
{
	struct iovec part = {(void *)(uintptr_t) "abcdef", 6};
	char back[6];
	size_t got;
	ck_assert_int_eq(file_write_at(fd, &part, 1, 0), OK);
	ck_assert_int_eq(file_read_at(fd, back, 6, 2, &got), OK);
	ck_assert_uint_eq(got, 4);
	ck_assert_mem_eq(back, "cdef", 4);
	ck_assert_int_eq(file_read_at(fd, back, 6, 6, &got), OK);
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(file_read_at(fd, back, 6, 600, &got), OK);
	ck_assert_uint_eq(got, 0);
}
END_TEST

START_TEST(allocates_and_cuts_to_the_byte)
{
	ck_assert_int_eq(file_allocate(fd, 0, 10000), OK);
	ck_assert_uint_eq(size_now(), 10000);
	ck_assert_int_eq(file_allocate(fd, 5000, 7000), OK);
	ck_assert_uint_eq(size_now(), 12000);
	/* What is there already stays. */
	ck_assert_int_eq(file_allocate(fd, 0, 100), OK);
	ck_assert_uint_eq(size_now(), 12000);
	ck_assert_int_eq(file_truncate(fd, 17), OK);
	ck_assert_uint_eq(size_now(), 17);
	ck_assert_int_eq(file_sync(fd), OK);
}
END_TEST

START_TEST(says_what_the_system_says)
{
	char back[4];
	size_t got;
	int other = -1, none = -1;
	struct iovec part = {back, sizeof(back)};
	memset(back, 0, sizeof(back));
	ck_assert_int_eq(file_open(&other, scratch_path("file"), O_RDWR | O_CREAT | O_EXCL, 0600), ERR_EXISTS);
	ck_assert_int_eq(other, -1);
	ck_assert_int_eq(file_open(&other, scratch_path("nothing"), O_RDONLY, 0), ERR_NOT_FOUND);
	ck_assert_int_eq(file_open(&other, scratch_path("file/below"), O_RDONLY, 0), ERR_EXISTS);
	ck_assert_int_eq(file_write_at(none, &part, 1, 0), ERR_IO);
	ck_assert_int_eq(file_read_at(none, back, sizeof(back), 0, &got), ERR_IO);
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(file_sync(none), ERR_IO);
	ck_assert_int_eq(file_allocate(none, 0, 1), ERR_IO);
	ck_assert_int_eq(file_truncate(none, 0), ERR_IO);
	ck_assert_int_eq(file_rename(scratch_path("nothing"), scratch_path("other")), ERR_NOT_FOUND);
	ck_assert_int_eq(folder_sync(scratch_path("nothing")), ERR_NOT_FOUND);
	ck_assert_int_eq(folder_sync(scratch_path("file")), ERR_EXISTS);
}
END_TEST

START_TEST(keeps_descriptors_to_itself)
{
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(renames_over_what_is_there_and_removes_what_is_not)
{
	scratch_write("old", "old", 3);
	scratch_write("new", "new", 3);
	ck_assert_int_eq(file_rename(scratch_path("new"), scratch_path("old")), OK);
	ck_assert_str_eq(scratch_read("old"), "new");
	ck_assert_int_eq(file_unlink(scratch_path("new")), OK);
	ck_assert_int_eq(file_unlink(scratch_path("old")), OK);
	ck_assert_int_eq(file_unlink(scratch_path("old")), OK);
	ck_assert_int_ne(access(scratch_path("old"), F_OK), 0);
}
END_TEST

START_TEST(syncs_the_folder_of_any_path)
{
	char longest[5000];
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + sizeof(longest) - 3, "/y", 3);
	ck_assert_int_eq(folder_sync_of(scratch_path("whatever")), OK);
	ck_assert_int_eq(folder_sync_of("without-a-slash"), OK);
	ck_assert_int_eq(folder_sync_of("/in-the-root"), OK);
	ck_assert_int_eq(folder_sync_of(scratch_path("nothing/below")), ERR_NOT_FOUND);
	ck_assert_int_eq(folder_sync_of(longest), ERR_LIMIT);
}
END_TEST

#ifdef RENSA_FAILPOINTS
static enum err
step(const char *name)
{
	struct iovec part = {(void *)(uintptr_t) "abc", 3};
	char back[3];
	size_t got;
	int other = -1;
	enum err e = ERR_ARG;

	if (strcmp(name, "disk.open") == 0)
		e = file_open(&other, scratch_path("file"), O_RDONLY, 0);
	else if (strcmp(name, "disk.write") == 0)
		e = file_write_at(fd, &part, 1, 0);
	else if (strcmp(name, "disk.read") == 0)
		e = file_read_at(fd, back, sizeof(back), 0, &got);
	else if (strcmp(name, "disk.sync") == 0)
		e = file_sync(fd);
	else if (strcmp(name, "disk.allocate") == 0)
		e = file_allocate(fd, 0, 4096);
	else if (strcmp(name, "disk.truncate") == 0)
		e = file_truncate(fd, 1);
	else if (strcmp(name, "disk.rename") == 0)
		e = file_rename(scratch_path("file"), scratch_path("file"));
	else if (strcmp(name, "disk.unlink") == 0)
		e = file_unlink(scratch_path("file"));
	else if (strcmp(name, "disk.dirsync") == 0)
		e = folder_sync(scratch_path(""));
	fd_close(&other);
	return e;
}

static const char *const step_names[] = {
    "disk.open",     "disk.write",  "disk.read",   "disk.sync",	   "disk.allocate",
    "disk.truncate", "disk.rename", "disk.unlink", "disk.dirsync",
};

START_TEST(fails_where_a_test_wants_it_and_does_nothing)
{
	const char *name = step_names[_i];
	enum err as = strcmp(name, "disk.allocate") == 0 ? ERR_NOSPC : ERR_IO;
	const char *const points[] = {name, "disk.any"};

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		failpoint_arm(points[i], FAILPOINT_FAIL, 1);
		ck_assert_int_eq(step(name), as);
		ck_assert_int_eq(errno, as == ERR_NOSPC ? ENOSPC : EIO);
		ck_assert_uint_eq(size_now(), 0);
		ck_assert_int_eq(access(scratch_path("file"), F_OK), 0);
	}
	ck_assert_int_eq(step(name), OK);
}
END_TEST

START_TEST(counts_passes_of_all_steps_together_and_of_each)
{
	failpoint_arm("disk.any", FAILPOINT_FAIL, 3);
	failpoint_arm("disk.sync", FAILPOINT_FAIL, 2);
	ck_assert_int_eq(step("disk.sync"), OK);
	ck_assert_int_eq(step("disk.write"), OK);
	/* Both at once are one failure. */
	ck_assert_int_eq(step("disk.sync"), ERR_IO);
	ck_assert_int_eq(step("disk.sync"), OK);
	ck_assert_int_eq(step("disk.write"), OK);
}
END_TEST
#endif

Suite *
suite_fileio(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "fileio", 10);
	scratch_use(tc);
	tcase_add_checked_fixture(tc, open_new, close_it);
	tcase_add_loop_test(tc, has_an_error_for_each_errno, 0, ARRAY_LEN(errno_rows));
	tcase_add_test(tc, writes_all_parts_in_a_row);
	tcase_add_test(tc, writes_more_parts_than_one_call_takes);
	tcase_add_test(tc, reads_less_only_at_the_end);
	tcase_add_test(tc, allocates_and_cuts_to_the_byte);
	tcase_add_test(tc, says_what_the_system_says);
	tcase_add_test(tc, keeps_descriptors_to_itself);
	tcase_add_test(tc, renames_over_what_is_there_and_removes_what_is_not);
	tcase_add_test(tc, syncs_the_folder_of_any_path);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, fails_where_a_test_wants_it_and_does_nothing, 0, ARRAY_LEN(step_names));
	tcase_add_test(tc, counts_passes_of_all_steps_together_and_of_each);
#endif
	return suite;
}
