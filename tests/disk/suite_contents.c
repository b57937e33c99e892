/* What a reset finds in a data folder and deletes: a node's own files, in an order that leaves no hole, and nothing else. */
#include "disk/contents.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/journal.h"
#include "disk/netfile.h"
#include "disk/poollog.h"
#include "suites.h"
#include "util/failpoint.h"
#include "util/scratch.h"

/* As they may be deleted: what is derived first, of a log the newest first, and last what says whose folder it is. */
static const char *const ours[] = {
    CONTENTS_SNAPSHOT,
    CONTENTS_SNAPSHOT ".new",
    POOLLOG_FOLDER "/00000002.log",
    POOLLOG_FOLDER "/00000001.log",
    JOURNAL_FOLDER "/100000000.log",
    JOURNAL_FOLDER "/00000011.log",
    JOURNAL_FOLDER "/00000002.log",
    JOURNAL_FOLDER "/00000001.log",
    NETFILE_NAME,
};

static const char *const others[] = {
    "notes.txt",
    "00000001.log",
    JOURNAL_FOLDER "/1.log",
    JOURNAL_FOLDER "/00000001.logs",
    JOURNAL_FOLDER "/0000000a.log",
    JOURNAL_FOLDER "/00000001",
    JOURNAL_FOLDER "/notes.txt",
    POOLLOG_FOLDER "/.log",
};

static struct buf why;
static struct contents contents;

static void
begin(void)
{
	mkdir(scratch_path("data"), 0700);
	mkdir(scratch_path("data/" JOURNAL_FOLDER), 0700);
	mkdir(scratch_path("data/" POOLLOG_FOLDER), 0700);
	buf_init(&why);
}

static void
end(void)
{
	contents_clear(&contents);
	buf_clear(&why);
}

static const char *
path_of(const char *name)
{
	char below[256];

	snprintf(below, sizeof(below), "data/%s", name);
	return scratch_path(below);
}

static bool
is_there(const char *name)
{
	struct stat st;

	return lstat(path_of(name), &st) == 0;
}

static void
make(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		FILE *f = fopen(path_of(names[i]), "we");
		ck_assert_msg(f != NULL, "%s", names[i]);
		/* Each has a size of its own. */
		for (size_t k = 0; k <= i; k++)
			fputc('x', f);
		ck_assert_int_eq(fclose(f), 0);
	}
}

static void
list(void)
{
	enum err e = contents_list(&contents, scratch_path("data"), &why);

	ck_assert_msg(e == OK, "%s", why.len > 0 ? why.data : err_text(e));
}

START_TEST(lists_a_nodes_files_in_the_order_in_which_they_may_go)
{
	make(others, ARRAY_LEN(others));
	make(ours, ARRAY_LEN(ours));
	list();
	ck_assert_uint_eq(contents.count, ARRAY_LEN(ours));
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		ck_assert_str_eq(contents.items[i].name, ours[i]);
		ck_assert_uint_eq(contents.items[i].size, i + 1);
	}
	ck_assert_uint_eq(contents.items[4].number, 100000000);
	ck_assert_uint_eq(contents.items[7].number, 1);
}
END_TEST

START_TEST(what_looks_different_is_somebody_elses)
{
	/* A link may lead anywhere, and a folder is no log. */
	make(ours + 8, 1);
	ck_assert_int_eq(symlink("notes.txt", path_of(CONTENTS_SNAPSHOT)), 0);
	ck_assert_int_eq(mkdir(path_of(JOURNAL_FOLDER "/00000001.log"), 0700), 0);
	list();
	ck_assert_uint_eq(contents.count, 1);
	ck_assert_str_eq(contents.items[0].name, NETFILE_NAME);
}
END_TEST

START_TEST(deletes_what_it_listed_and_nothing_else)
{
	make(others, ARRAY_LEN(others));
	make(ours, ARRAY_LEN(ours));
	list();
	/* One that went by itself meanwhile does not matter. */
	ck_assert_int_eq(unlink(path_of(ours[3])), 0);
	ck_assert_int_eq(contents_delete(&contents, scratch_path("data"), &why), OK);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		ck_assert_msg(!is_there(ours[i]), "%s", ours[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_msg(is_there(others[i]), "%s", others[i]);
	contents_clear(&contents);
	list();
	ck_assert_uint_eq(contents.count, 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_has_no_files)
{
	ck_assert_int_eq(contents_list(&contents, scratch_path("nowhere"), &why), OK);
	ck_assert_uint_eq(contents.count, 0);
	ck_assert_int_eq(contents_delete(&contents, scratch_path("nowhere"), &why), OK);
}
END_TEST

START_TEST(a_folder_that_cannot_be_read_is_named)
{
	ck_assert_int_eq(rmdir(path_of(JOURNAL_FOLDER)), 0);
	make((const char *const[]){JOURNAL_FOLDER}, 1);
	ck_assert_int_ne(contents_list(&contents, scratch_path("data"), &why), OK);
	ck_assert_msg(strstr(why.data, path_of(JOURNAL_FOLDER)) != NULL, "%s", why.data);
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(stops_at_what_cannot_be_deleted_and_what_is_left_is_a_shorter_history)
{
	make(ours, ARRAY_LEN(ours));
	list();
	failpoint_arm("disk.unlink", FAILPOINT_FAIL, (unsigned)_i + 1);
	ck_assert_int_ne(contents_delete(&contents, scratch_path("data"), &why), OK);
	ck_assert_msg(strstr(why.data, path_of(ours[_i])) != NULL, "%s", why.data);
	for (int i = 0; i < (int)ARRAY_LEN(ours); i++)
		ck_assert_msg(is_there(ours[i]) == (i >= _i), "%s", ours[i]);
	failpoint_clear();
	ck_assert_int_eq(contents_delete(&contents, scratch_path("data"), &why), OK);
}
END_TEST
#endif

Suite *
suite_contents(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "contents", 10);

	scratch_use_each(tc);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, lists_a_nodes_files_in_the_order_in_which_they_may_go);
	tcase_add_test(tc, what_looks_different_is_somebody_elses);
	tcase_add_test(tc, deletes_what_it_listed_and_nothing_else);
	tcase_add_test(tc, a_folder_that_is_not_there_has_no_files);
	tcase_add_test(tc, a_folder_that_cannot_be_read_is_named);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, stops_at_what_cannot_be_deleted_and_what_is_left_is_a_shorter_history, 0,
			    ARRAY_LEN(ours));
#endif
	return suite;
}
