/* One data folder has one node: the lock that says so. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/datadir.h"
#include "suites.h"
#include "util/file.h"
#include "util/scratch.h"

static struct buf why;

START_TEST(makes_the_folder_and_writes_who_holds_it)
{
	int fd;

	buf_init(&why);
	ck_assert_int_eq(datadir_lock(&fd, scratch_path("a/b/data"), 0, &why), OK);
	ck_assert_int_eq(atoi(scratch_read("a/b/data/" DATADIR_LOCK_NAME)), getpid());
	fd_close(&fd);
	buf_clear(&why);
}
END_TEST

START_TEST(a_second_one_is_refused_and_told_by_whom_until_the_first_is_gone)
{
	char pid[32];
	int first, second;

	buf_init(&why);
	ck_assert_int_eq(datadir_lock(&first, scratch_path("data"), 0, &why), OK);
	ck_assert_int_eq(datadir_lock(&second, scratch_path("data"), 60, &why), ERR_BUSY);
	ck_assert_int_eq(second, -1);
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	ck_assert_msg(strstr(why.data, pid) != NULL && strstr(why.data, scratch_path("data")) != NULL, "%s", why.data);
	fd_close(&first);
	ck_assert_int_eq(datadir_lock(&second, scratch_path("data"), 0, &why), OK);
	fd_close(&second);
	buf_clear(&why);
}
END_TEST

START_TEST(whoever_asks_is_told_who_holds_it_and_changes_nothing)
{
	char holder[DATADIR_HOLDER_SIZE], pid[32];
	int fd;

	buf_init(&why);
	ck_assert(!datadir_is_held(scratch_path("none"), holder));
	ck_assert_int_ne(access(scratch_path("none"), F_OK), 0);
	ck_assert_int_eq(datadir_lock(&fd, scratch_path("asked"), 0, &why), OK);
	ck_assert(datadir_is_held(scratch_path("asked"), holder));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_msg(strstr(holder, pid) != NULL, "%s", holder);
	fd_close(&fd);
	ck_assert(!datadir_is_held(scratch_path("asked"), holder));
	buf_clear(&why);
}
END_TEST

START_TEST(a_lock_that_was_handed_over_is_taken_if_it_is_of_this_folder)
{
	int fd, other;

	buf_init(&why);
	ck_assert_int_eq(datadir_lock(&fd, scratch_path("handed"), 0, &why), OK);
	scratch_write("handed/" DATADIR_LOCK_NAME, "1", 1);
	ck_assert(datadir_adopt(fd, scratch_path("handed")));
	ck_assert_int_eq(atoi(scratch_read("handed/" DATADIR_LOCK_NAME)), getpid());
	/* It is held as before. */
	ck_assert_int_eq(datadir_lock(&other, scratch_path("handed"), 0, &why), ERR_BUSY);
	ck_assert_int_eq(datadir_lock(&other, scratch_path("another"), 0, &why), OK);
	ck_assert(!datadir_adopt(fd, scratch_path("another")));
	ck_assert(!datadir_adopt(fd, scratch_path("none")));
	ck_assert(!datadir_adopt(-1, scratch_path("handed")));
	/* One that is open but that somebody else holds. */
	fd_close(&other);
	other = open(scratch_path("handed/" DATADIR_LOCK_NAME), O_RDWR);
	ck_assert(!datadir_adopt(other, scratch_path("handed")));
	fd_close(&other);
	fd_close(&fd);
	buf_clear(&why);
}
END_TEST

START_TEST(what_cannot_be_a_folder_is_refused_by_its_path)
{
	char longest[5000];
	int fd;

	buf_init(&why);
	scratch_write("file", "x", 1);
	ck_assert_int_ne(datadir_lock(&fd, scratch_path("file/data"), 0, &why), OK);
	ck_assert_int_eq(fd, -1);
	ck_assert_msg(strstr(why.data, scratch_path("file/data")) != NULL, "%s", why.data);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(datadir_lock(&fd, longest, 0, &why), ERR_LIMIT);
	ck_assert_int_eq(fd, -1);
	buf_clear(&why);
}
END_TEST

Suite *
suite_datadir(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "datadir", 10);
	scratch_use(tc);
	tcase_add_test(tc, makes_the_folder_and_writes_who_holds_it);
	tcase_add_test(tc, a_second_one_is_refused_and_told_by_whom_until_the_first_is_gone);
	tcase_add_test(tc, whoever_asks_is_told_who_holds_it_and_changes_nothing);
	tcase_add_test(tc, a_lock_that_was_handed_over_is_taken_if_it_is_of_this_folder);
	tcase_add_test(tc, what_cannot_be_a_folder_is_refused_by_its_path);
	return suite;
}
