/* Ini files: every setting with its line, every bad line with its number. */
#include <string.h>

#include "scratch.h"
#include "suites.h"
#include "util/buf.h"
#include "util/inifile.h"

/* Notes "line section key value" of each setting, "line [section]" and "line !fault", bar by bar. */
static void
note_setting(void *ctx, const char *section, const char *key, const char *value, int line)
{
	buf_printf(ctx, "%d %s %s %s|", line, section, key, value);
}

static void
note_section(void *ctx, const char *section, int line)
{
	buf_printf(ctx, "%d [%s]|", line, section);
}

static void
note_fault(void *ctx, enum inifile_fault fault, int line)
{
	buf_printf(ctx, "%d !%s|", line, fault == INIFILE_NOT_INI ? "ini" : fault == INIFILE_TOO_LONG ? "long" : "nul");
}

static enum err
read_into(struct buf *b, const char *path)
{
	const struct inifile_reader reader = {note_section, note_setting, note_fault, b};
	return inifile_read(path, &reader);
}

#define ROW(text, notes)                      \
	{                                     \
		text, sizeof(text) - 1, notes \
	}
static const struct {
	const char *text;
	size_t len;
	const char *notes;
} rows[] = {
    ROW("", ""),
    ROW("[node]\nname = a\n", "1 [node]|2 node name a|"),
    ROW("[node]\nname = a", "1 [node]|2 node name a|"),
    ROW("[node]\r\nname = a\r\n", "1 [node]|2 node name a|"),
    ROW("\xef\xbb\xbf[node]\nname = a\n", "1 [node]|2 node name a|"),
    ROW("top = 1\n[a]\nx=1\n\n; no\n# no\nx=2\n[b]\nx=3\n", "1  top 1|2 [a]|3 a x 1|7 a x 2|8 [b]|9 b x 3|"),
    ROW("[a]\nx = 1 ; why\ny = a;b\nz =\n", "1 [a]|2 a x 1|3 a y a;b|4 a z |"),
    ROW("[a]\nx = a = b\n", "1 [a]|2 a x a = b|"),
    /* Indentation changes nothing. */
    ROW("[a]\n  x = 1\n\ty = 2\n", "1 [a]|2 a x 1|3 a y 2|"),
    /* Sections without settings are told too, and what stands behind a bracket is no part of it. */
    ROW("[a]\n[b] ; why\n [c]\n[d]", "1 [a]|2 [b]|3 [c]|4 [d]|"),
    ROW("[a] x\n[b]# no\n[]\n", "1 !ini|2 [b]|3 []|"),
    /* The rest is read in spite of bad lines, and all of them are told. */
    ROW("[a]\nx = 1\nnonsense\ny = 2\n", "1 [a]|2 a x 1|3 !ini|4 a y 2|"),
    ROW("[a\nx = 1\n", "1 !ini|2  x 1|"),
    ROW("nonsense\nmore nonsense", "1 !ini|2 !ini|"),
    ROW("[a]\nx = 1\0 2\ny = 3\n", "1 [a]|2 !nul|3 a y 3|"),
    ROW("\n\n[a]\nx\n\0\n", "3 [a]|4 !ini|5 !nul|"),
    ROW("\n\0\n[a]\nx\n", "2 !nul|3 [a]|4 !ini|"),
};
#undef ROW

START_TEST(hands_over_settings_and_sections_and_names_every_bad_line)
{
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "");
	scratch_write("ini", rows[_i].text, rows[_i].len);
	ck_assert_int_eq(read_into(&b, scratch_path("ini")), OK);
	ck_assert_str_eq(b.data, rows[_i].notes);
	buf_clear(&b);
}
END_TEST

/* A file whose second line, `k = xxx...`, has this many bytes. */
static enum err
read_line_of(size_t len, const char *end, struct buf *notes)
{
	struct buf text;
	buf_init(&text);
	buf_puts(&text, "[a]\nk = ");
	for (size_t i = strlen("k = "); i < len; i++)
		buf_putc(&text, 'x');
	buf_printf(&text, "%slast = 1\n", end);
	scratch_write("long", text.data, text.len);
	buf_clear(&text);
	return read_into(notes, scratch_path("long"));
}

START_TEST(reads_a_line_of_1023_bytes_and_refuses_longer_ones)
{
	static const char *const ends[] = {"\n", "\r\n"};
	struct buf b;
	buf_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		buf_reset(&b);
		ck_assert_int_eq(read_line_of(INIFILE_LINE_MAX, ends[i], &b), OK);
		ck_assert_uint_eq(b.len, strlen("1 [a]|2 a k |3 a last 1|") + INIFILE_LINE_MAX - strlen("k = "));
	}
	static const size_t too_long[] = {1024, 1025, 1026, 1027, 2048, 5000, 100000};
	for (size_t i = 0; i < ARRAY_LEN(too_long) * ARRAY_LEN(ends); i++) {
		buf_reset(&b);
		ck_assert_int_eq(read_line_of(too_long[i / 2], ends[i % 2], &b), OK);
		ck_assert_str_eq(b.data, "1 [a]|2 !long|3 a last 1|");
	}
	buf_clear(&b);
}
END_TEST

START_TEST(says_why_it_cannot_read)
{
	struct buf b;
	buf_init(&b);
	ck_assert_int_eq(read_into(&b, scratch_path("absent")), ERR_NOT_FOUND);
	ck_assert_int_eq(read_into(&b, scratch_path("")), ERR_IO);
	ck_assert_uint_eq(b.len, 0);
	buf_clear(&b);
}
END_TEST

START_TEST(reads_no_more_than_a_configuration_can_have)
{
	struct buf text, b;
	buf_init(&text);
	buf_init(&b);
	buf_puts(&text, "[a]\nx = 1\n");
	while (text.len + 16 < INIFILE_SIZE_MAX)
		buf_puts(&text, "# a comment....\n");
	buf_puts(&text, "y = 2\n");
	scratch_write("large", text.data, text.len);
	ck_assert_int_eq(read_into(&b, scratch_path("large")), OK);
	ck_assert_ptr_nonnull(strstr(b.data, " a y 2|"));
	buf_puts(&text, "# a comment that goes on beyond it....\n[b]\nz = 3\n");
	scratch_write("large", text.data, text.len);
	buf_reset(&b);
	ck_assert_int_eq(read_into(&b, scratch_path("large")), ERR_LIMIT);
	ck_assert_ptr_null(strstr(b.data, "z"));
	/* Neither end nor line end. */
	ck_assert_int_eq(read_into(&b, "/dev/zero"), ERR_LIMIT);
	buf_clear(&text);
	buf_clear(&b);
}
END_TEST

Suite *
suite_inifile(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "inifile", 10);
	scratch_use(tc);
	tcase_add_loop_test(tc, hands_over_settings_and_sections_and_names_every_bad_line, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, reads_a_line_of_1023_bytes_and_refuses_longer_ones);
	tcase_add_test(tc, says_why_it_cannot_read);
	tcase_add_test(tc, reads_no_more_than_a_configuration_can_have);
	return suite;
}
