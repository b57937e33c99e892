/* The growing buffer. */
#include <string.h>

#include "suites.h"
#include "util/buf.h"

START_TEST(stays_terminated_after_every_append)
{
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "chain");
	ck_assert_str_eq(b.data, "chain");
	buf_putc(&b, ':');
	ck_assert_str_eq(b.data, "chain:");
	buf_append(&b, " 12345", 3);
	ck_assert_str_eq(b.data, "chain: 12");
	buf_printf(&b, "%s%d", "-", 7);
	ck_assert_str_eq(b.data, "chain: 12-7");
	ck_assert_uint_eq(b.len, strlen("chain: 12-7"));
	buf_clear(&b);
}
END_TEST

START_TEST(holds_any_bytes)
{
	struct buf b;
	buf_init(&b);
	buf_append(&b, "a\0b", 3);
	buf_append(&b, NULL, 0);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "a\0b", 4);
	buf_clear(&b);
}
END_TEST

START_TEST(grows_byte_by_byte_without_losing_one)
{
	struct buf b;
	buf_init(&b);
	for (unsigned i = 0; i < 10000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	ck_assert_uint_eq(b.len, 10000);
	for (unsigned i = 0; i < 10000; i++)
		ck_assert_int_eq(b.data[i], (char)('a' + i % 26));
	buf_clear(&b);
}
END_TEST

START_TEST(prints_texts_of_every_length_around_its_capacity)
{
	char text[600];
	for (size_t len = 0; len < sizeof(text); len++) {
		struct buf b;
		buf_init(&b);
		memset(text, 'x', len);
		text[len] = '\0';
		buf_puts(&b, "<");
		buf_printf(&b, "%s>", text);
		ck_assert_uint_eq(b.len, len + 2);
		ck_assert_uint_eq(strlen(b.data), len + 2);
		ck_assert_int_eq(b.data[len + 1], '>');
		buf_clear(&b);
	}
}
END_TEST

START_TEST(reserves_room_that_the_caller_fills)
{
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "12");
	char *room = buf_reserve(&b, 1000);
	ck_assert_uint_eq(b.len, 2);
	memset(room, '3', 1000);
	b.len += 1000;
	ck_assert_uint_eq(strlen(b.data), 1002);
	buf_clear(&b);
}
END_TEST

START_TEST(keeps_its_memory_over_a_reset)
{
	struct buf b;
	buf_init(&b);
	buf_reset(&b);
	buf_puts(&b, "once");
	char *memory = b.data;
	buf_reset(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(b.data, "");
	buf_puts(&b, "more");
	ck_assert_ptr_eq(b.data, memory);
	buf_clear(&b);
}
END_TEST

START_TEST(gives_its_bytes_away_and_is_empty)
{
	struct buf b;
	buf_init(&b);
	char *nothing = buf_take(&b);
	ck_assert_str_eq(nothing, "");
	free(nothing);

	buf_puts(&b, "yours");
	char *text = buf_take(&b);
	ck_assert_str_eq(text, "yours");
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.len, 0);
	free(text);
	buf_clear(&b);
}
END_TEST

Suite *
suite_buf(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "buf", 10);
	tcase_add_test(tc, stays_terminated_after_every_append);
	tcase_add_test(tc, holds_any_bytes);
	tcase_add_test(tc, grows_byte_by_byte_without_losing_one);
	tcase_add_test(tc, prints_texts_of_every_length_around_its_capacity);
	tcase_add_test(tc, reserves_room_that_the_caller_fills);
	tcase_add_test(tc, keeps_its_memory_over_a_reset);
	tcase_add_test(tc, gives_its_bytes_away_and_is_empty);
	return suite;
}
