/* What a scan refuses, and what it passes over: the log has three files with frames ab, cd and ef. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logkit.h"
#include "suites.h"
#include "util/bytes.h"
#include "util/crc32c.h"
#include "util/file.h"

#define SIZE 200	     /* of a frame's payload … */
#define LENGTH (SIZE + 24)   /* … and with its header, on disk */
#define PAIR (LENGTH * 2)    /* room for two of them in each file */
#define FIRST 96	     /* where the first one stands */
#define SECOND (96 + LENGTH) /* and the next */

static void
patch_header(uint64_t file, size_t at, uint64_t value, size_t size)
{
	uint8_t header[FRAMELOG_HEADER_SIZE];
	kit_read(file, 0, header, sizeof(header));
	for (size_t i = 0; i < size; i++)
		header[at + i] = (uint8_t)(value >> 8 * (size - 1 - i));
	struct writer w = writer_of(header + 92, 4);
	put_u32(&w, crc32c(0, header, 92));
	kit_write(file, 0, header, sizeof(header));
}

static void
remove_file(uint64_t file)
{
	char name[FRAMELOG_NAME_SIZE];
	framelog_name(name, file);
	ck_assert_int_eq(remove(kit_path(name)), 0);
}

static void
make_folder_of(uint64_t file)
{
	char name[FRAMELOG_NAME_SIZE];
	framelog_name(name, file);
	remove_file(file);
	ck_assert_int_eq(mkdir(kit_path(name), 0700), 0);
}

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ne(fd, -1);
	close(fd);
}

static void
fill(uint64_t file, uint64_t from, uint64_t to, uint8_t with)
{
	for (; from < to; from++)
		kit_write(file, from, &with, 1);
}

enum harm { PATCH, CUT, REMOVE, FOLDER, FILL };

static const struct {
	enum harm harm;
	uint64_t file, a, b, c;
	enum err e;
	const char *file_name, *words;
} refusals[] = {
    /* offset, value, bytes of it */
    {PATCH, 1, 0, 0x52, 2, ERR_FORMAT, "00000001.log", "is no log of a node"},
    {PATCH, 3, 7, 'X', 1, ERR_FORMAT, "00000003.log", "is no log of a node"},
    {PATCH, 1, 8, 2, 4, ERR_UNSUPPORTED, "00000001.log", "has format 2"},
    {PATCH, 3, 8, UINT32_MAX, 4, ERR_UNSUPPORTED, "00000003.log", "has format 4294967295"},
    {PATCH, 2, 8, 0, 4, ERR_FORMAT, "00000002.log", "damaged in its header"},
    {PATCH, 1, 12, LOG_POOL, 4, ERR_FORMAT, "00000001.log", "another kind"},
    {PATCH, 2, 12, 77, 4, ERR_FORMAT, "00000002.log", "another kind"},
    {PATCH, 1, 16, 0, 1, ERR_PERM, "00000001.log", "another network: its genesis is 0011121314151617"},
    {PATCH, 3, 47, 0, 1, ERR_PERM, "00000003.log", "that of this configuration 1011121314151617"},
    {PATCH, 1, 48, 2, 8, ERR_FORMAT, "00000001.log", "is not the one that follows"},
    {PATCH, 2, 48, 3, 8, ERR_FORMAT, "00000002.log", "is not the one that follows"},
    {PATCH, 2, 56, PAIR + 8, 8, ERR_FORMAT, "00000001.log", "damaged at byte 544: what stands there is no whole frame"},
    {PATCH, 2, 56, PAIR - 8, 8, ERR_FORMAT, "00000001.log", "damaged at byte 544: what stands there is no whole frame"},
    {PATCH, 1, 56, UINT64_C(1) << 62, 8, ERR_FORMAT, "00000001.log", "damaged in its header"},
    {PATCH, 3, 56, UINT64_MAX, 8, ERR_FORMAT, "00000003.log", "damaged in its header"},
    {PATCH, 2, 56, LENGTH, 8, ERR_FORMAT, "00000002.log", "is not the one that follows"},
    {PATCH, 3, 64, 1, 4, ERR_FORMAT, "00000003.log", "is not the one that follows"},
    {PATCH, 1, 64, 1, 4, ERR_FORMAT, "00000001.log", "damaged at byte 96"},
    /* to this many bytes */
    {CUT, 1, 0, 0, 0, ERR_FORMAT, "00000001.log", "has only 0 bytes"},
    {CUT, 2, 0, 0, 0, ERR_FORMAT, "00000002.log", "has only 0 bytes"},
    {CUT, 3, 0, 0, 0, ERR_FORMAT, "00000003.log", "has only 0 bytes"},
    {CUT, 3, 95, 0, 0, ERR_FORMAT, "00000003.log", "has only 95 bytes"},
    {CUT, 1, 96, 0, 0, ERR_FORMAT, "00000001.log", "damaged at byte 96"},
    {CUT, 2, SECOND + LENGTH - 1, 0, 0, ERR_FORMAT, "00000002.log", "damaged at byte 320"},
    {REMOVE, 1, 0, 0, 0, ERR_FORMAT, "00000002.log", "lacks its first file"},
    {REMOVE, 2, 0, 0, 0, ERR_FORMAT, "00000001.log", "the file after it is missing"},
    {FOLDER, 1, 0, 0, 0, ERR_FORMAT, "00000001.log", "is no log of a node: it is no file"},
    {FOLDER, 3, 0, 0, 0, ERR_FORMAT, "00000003.log", "is no log of a node: it is no file"},
    /* from, to, with */
    {FILL, 1, 0, 96, 0, ERR_FORMAT, "00000001.log", "is no log of a node"},
    {FILL, 2, 91, 92, 1, ERR_FORMAT, "00000002.log", "damaged in its header (bytes 0 to 95)"},
    {FILL, 1, FIRST, SECOND, 0, ERR_FORMAT, "00000001.log", "damaged at byte 96: what stands there is no whole frame"},
    {FILL, 2, SECOND, SECOND + LENGTH, 0xff, ERR_FORMAT, "00000002.log", "damaged at byte 320"},
    {FILL, 3, FIRST, SECOND, 0, ERR_FORMAT, "00000003.log", "damaged at byte 96: what stands there is no whole frame"},
    {FILL, 3, FIRST + 24, FIRST + 25, 0, ERR_FORMAT, "00000003.log", "byte 96"},
};

START_TEST(refuses_what_is_not_as_it_was_written)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	uint64_t file = refusals[_i].file, a = refusals[_i].a, b = refusals[_i].b, c = refusals[_i].c;
	kit_put_all(l, &place, "abcdef", SIZE);
	framelog_free(l);
	switch (refusals[_i].harm) {
	case PATCH:
		patch_header(file, (size_t)a, b, (size_t)c);
		break;
	case CUT:
		kit_cut(file, a);
		break;
	case REMOVE:
		remove_file(file);
		break;
	case FOLDER:
		make_folder_of(file);
		break;
	case FILL:
		fill(file, a, b, (uint8_t)c);
		break;
	}
	size_t files = kit_count();
	for (int may_mend = 0; may_mend < 2; may_mend++) {
		const struct kit_scan *s = kit_scan(may_mend);
		ck_assert_msg(s->e == refusals[_i].e, "%d: %s", s->e, s->why);
		ck_assert_msg(strstr(s->why, refusals[_i].file_name) != NULL, "%s", s->why);
		ck_assert_msg(strstr(s->why, refusals[_i].words) != NULL, "%s", s->why);
		ck_assert_msg(strstr(s->why, kit_folder()) != NULL, "%s", s->why);
		/* Nothing is taken away from who wants to look. */
		ck_assert_uint_eq(kit_count(), files);
	}
}
END_TEST

START_TEST(refuses_a_folder_that_is_none)
{
	make_file(kit_folder());
	const struct kit_scan *s = kit_scan(true);
	ck_assert_int_ne(s->e, OK);
	ck_assert_ptr_nonnull(strstr(s->why, kit_folder()));
	struct framelog *l = kit_open(0);
	struct log_place place = {0}, before = place;
	ck_assert_int_ne(kit_try(l, &place, 'a', 1, true), OK);
	ck_assert_mem_eq(&place, &before, sizeof(place));
	framelog_free(l);
}
END_TEST

/* A log with frames abc, and an empty file of another name in its folder. */
static void
put_abc_beside(const char *name)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	kit_put_all(l, &place, "abc", SIZE);
	framelog_free(l);
	make_file(kit_path(name));
}

static const char *const strange_names[] = {
    "notes.txt",
    "2.log",
    "0000002.log",
    "00000002.log~",
    "00000002.LOG",
    "x0000002.log",
    "00000000.log",
    "000000001.log",
    "000000009.log",
    "-0000009.log",
    "00000009.log.new.old",
    "99999999999999999999.log",
    "00000009log",
    "00000009",
    "123456789012345678901234567890.log",
};

START_TEST(passes_over_names_that_are_none_of_its_own)
{
	put_abc_beside(strange_names[_i]);
	kit_expect_goes_on("abc");
	ck_assert(kit_has(strange_names[_i]));
}
END_TEST

static const char *const unfinished_names[] = {"00000001.log.new", "00000003.log.new", "00000000.log.new",
					       "12345678901.log.new"};

START_TEST(removes_files_that_never_got_their_name)
{
	put_abc_beside(unfinished_names[_i]);
	kit_expect(false, "abc");
	ck_assert(kit_has(unfinished_names[_i]));
	kit_expect(true, "abc");
	ck_assert(!kit_has(unfinished_names[_i]));
	kit_expect_goes_on("abc");
}
END_TEST

START_TEST(names_files_by_at_least_eight_digits)
{
	char name[FRAMELOG_NAME_SIZE];
	framelog_name(name, 1);
	ck_assert_str_eq(name, "00000001.log");
	framelog_name(name, 1234567890);
	ck_assert_str_eq(name, "1234567890.log");
}
END_TEST

Suite *
suite_framelog_refused(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "framelog-refused", 30);
	kit_use(tc);
	tcase_add_checked_fixture(tc, kit_clear, kit_clear);
	tcase_add_loop_test(tc, refuses_what_is_not_as_it_was_written, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, refuses_a_folder_that_is_none);
	tcase_add_loop_test(tc, passes_over_names_that_are_none_of_its_own, 0, ARRAY_LEN(strange_names));
	tcase_add_loop_test(tc, removes_files_that_never_got_their_name, 0, ARRAY_LEN(unfinished_names));
	tcase_add_test(tc, names_files_by_at_least_eight_digits);
	return suite;
}
