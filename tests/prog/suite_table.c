/* Tables: columns line up whatever is in them. */
#include <string.h>

#include "prog/table.h"
#include "suites.h"

START_TEST(aligns_columns_by_characters_and_leaves_no_blanks_at_the_end)
{
	struct table t;
	struct buf out;
	buf_init(&out);
	table_begin(&t, 3, 1u << 1);
	table_cell(&t, "NAME");
	table_cell(&t, "COUNT");
	table_cell(&t, "NOTE");
	table_cell(&t, "\xc3\xa4");
	table_cell(&t, "%d", 7);
	table_cell(&t, "x");
	table_end(&t, &out, "> ");
	ck_assert_str_eq(out.data, "> NAME  COUNT  NOTE\n"
				   "> \xc3\xa4         7  x\n");
	buf_clear(&out);
}
END_TEST

START_TEST(keeps_hostile_cells_on_their_line)
{
	struct table t;
	struct buf out;
	buf_init(&out);
	char *long_text = calloc(1, 100001);
	memset(long_text, 'a', 100000);
	table_begin(&t, 2, 0);
	table_fact(&t, "one\n", "%s", "two\n\x1b[2J");
	table_fact(&t, "long", "%s", long_text);
	table_end(&t, &out, "");
	ck_assert_str_eq(strtok(out.data, "\n"), "one\\n  two\\n\\x1b[2J");
	ck_assert_uint_eq(strlen(strtok(NULL, "\n")), strlen("long ") + 2 + TABLE_CELL_MAX + 3);
	ck_assert_ptr_null(strtok(NULL, "\n"));
	free(long_text);
	buf_clear(&out);
}
END_TEST

START_TEST(an_empty_table_is_nothing)
{
	struct table t;
	struct buf out;
	buf_init(&out);
	table_begin(&t, 2, 0);
	table_end(&t, &out, "");
	ck_assert_uint_eq(out.len, 0);
	buf_clear(&out);
}
END_TEST

Suite *
suite_table(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "table", 10);
	tcase_add_test(tc, aligns_columns_by_characters_and_leaves_no_blanks_at_the_end);
	tcase_add_test(tc, keeps_hostile_cells_on_their_line);
	tcase_add_test(tc, an_empty_table_is_nothing);
	return s;
}
