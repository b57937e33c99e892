/* Ini files: every setting with its line, every bad line with its number. */
#include <string.h>

#include "scratch.h"
#include "suites.h"
#include "util/buf.h"
#include "util/inifile.h"

/* Notes "line section key value" of each setting, bar by bar. */
static void
note(void *ctx, const char *section, const char *key, const char *value, int line)
{
	buf_printf(ctx, "%d %s %s %s|", line, section, key, value);
}

#define ROW(text, settings, bad_line)                      \
	{                                                  \
		text, sizeof(text) - 1, settings, bad_line \
	}
static const struct {
	const char *text;
	size_t len;
	const char *settings;
	int bad_line; /* 0: the file is good */
} rows[] = {
    ROW("", "", 0),
    ROW("[node]\nname = a\n", "2 node name a|", 0),
    ROW("[node]\nname = a", "2 node name a|", 0),
    ROW("[node]\r\nname = a\r\n", "2 node name a|", 0),
    ROW("top = 1\n[a]\nx=1\n\n; no\n# no\nx=2\n[b]\nx=3\n", "1  top 1|3 a x 1|7 a x 2|9 b x 3|", 0),
    ROW("[a]\nx = 1 ; why\ny = a;b\nz =\n", "2 a x 1|3 a y a;b|4 a z |", 0),
    ROW("[a]\nx = a = b\n", "2 a x a = b|", 0),
    /* Indentation changes nothing. */
    ROW("[a]\n  x = 1\n\ty = 2\n", "2 a x 1|3 a y 2|", 0),
    /* The rest is read in spite of a bad line. */
    ROW("[a]\nx = 1\nnonsense\ny = 2\n", "2 a x 1|4 a y 2|", 3),
    ROW("[a\nx = 1\n", "2  x 1|", 1),
    ROW("nonsense\nmore nonsense\n", "", 1),
    ROW("[a]\nx = 1\0 2\ny = 3\n", "3 a y 3|", 2),
    ROW("\n\n[a]\nx\n\0\n", "", 4),
    ROW("\n\0\n[a]\nx\n", "", 2),
};
#undef ROW

START_TEST(hands_over_settings_and_names_the_first_bad_line)
{
	struct buf b;
	int bad_line = -1;
	buf_init(&b);
	buf_puts(&b, "");
	scratch_write("ini", rows[_i].text, rows[_i].len);
	ck_assert_int_eq(inifile_read(scratch_path("ini"), note, &b, &bad_line),
			 rows[_i].bad_line == 0 ? OK : ERR_FORMAT);
	ck_assert_int_eq(bad_line, rows[_i].bad_line);
	ck_assert_str_eq(b.data, rows[_i].settings);
	buf_clear(&b);
}
END_TEST

/* A file whose second line, `k = xxx...`, has this many bytes. */
static enum err
read_line_of(size_t len, struct buf *settings, int *bad_line)
{
	struct buf text;
	buf_init(&text);
	buf_puts(&text, "[a]\nk = ");
	for (size_t i = strlen("k = "); i < len; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\nlast = 1\n");
	scratch_write("long", text.data, text.len);
	buf_clear(&text);
	return inifile_read(scratch_path("long"), note, settings, bad_line);
}

START_TEST(reads_a_line_of_1023_bytes_and_refuses_longer_ones)
{
	struct buf b;
	int bad_line;
	buf_init(&b);
	ck_assert_int_eq(read_line_of(1023, &b, &bad_line), OK);
	ck_assert_uint_eq(b.len, strlen("2 a k |3 a last 1|") + 1023 - strlen("k = "));

	static const size_t too_long[] = {1024, 1025, 1026, 1027, 2048, 5000, 100000};
	for (size_t i = 0; i < ARRAY_LEN(too_long); i++) {
		buf_reset(&b);
		ck_assert_int_eq(read_line_of(too_long[i], &b, &bad_line), ERR_FORMAT);
		ck_assert_int_eq(bad_line, 2);
		ck_assert_str_eq(b.data, "3 a last 1|");
	}
	buf_clear(&b);
}
END_TEST

START_TEST(says_why_it_cannot_read)
{
	int bad_line = -1;
	ck_assert_int_eq(inifile_read(scratch_path("absent"), note, NULL, &bad_line), ERR_NOT_FOUND);
	ck_assert_int_eq(bad_line, 0);
	ck_assert_int_eq(inifile_read(scratch_path(""), note, NULL, &bad_line), ERR_IO);
}
END_TEST

Suite *
suite_inifile(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "inifile", 10);
	scratch_use(tc);
	tcase_add_loop_test(tc, hands_over_settings_and_names_the_first_bad_line, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, reads_a_line_of_1023_bytes_and_refuses_longer_ones);
	tcase_add_test(tc, says_why_it_cannot_read);
	return suite;
}
