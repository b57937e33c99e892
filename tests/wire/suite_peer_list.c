/* The list of peers that one node tells another. */
#include "wire/peer_list.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

suite_maker suite_peer_list;

static struct peer_list list, read_back;
static struct field_error error;
static struct buf text;

static void
enter(void)
{
	memset(&list, 0, sizeof(list));
	buf_init(&text);
}

static void
leave(void)
{
	buf_clear(&text);
}

START_TEST(what_was_written_is_read)
{
	static const size_t counts[] = {0, 1, PEER_LIST_MAX};

	list.count = counts[_i];
	for (size_t i = 0; i < list.count; i++)
		snprintf(list.at[i], sizeof(list.at[i]), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:%x]:65535",
			 (unsigned)(0xf000 + i) & 0xffff);
	peer_list_encode(&text, &list);
	ck_assert_uint_le(text.len, PEER_LIST_SIZE_MAX);
	ck_assert(peer_list_parse(&read_back, text.data, text.len, &error));
	ck_assert_mem_eq(&read_back, &list, sizeof(list));
}
END_TEST

START_TEST(it_is_written_like_this)
{
	strcpy(list.at[0], "10.0.0.1:5000");
	strcpy(list.at[1], "[fd00::1]:5000");
	list.count = 2;
	peer_list_encode(&text, &list);
	ck_assert_str_eq(text.data, "{\"peers\":[\"10.0.0.1:5000\",\"[fd00::1]:5000\"]}");
}
END_TEST

static const struct {
	const char *text;
	const char *code; /* NULL: fine */
} rows[] = {
    {"{\"peers\":[],\"later\":{}}", NULL},
    {"{\"peers\":[\"1234567890123456789012345678901234567890123456789012345\"]}", NULL},
    {"{\"peers\":[\"12345678901234567890123456789012345678901234567890123456\"]}", "bad-value"},
    {"{\"peers\":[\"a\\u0000b\"]}", "bad-value"},
    {"{\"peers\":[7]}", "bad-value"},
    {"{\"peers\":[[]]}", "bad-value"},
    {"{\"peers\":{}}", "bad-value"},
    {"{\"peers\":null}", "bad-value"},
    {"{}", "missing-field"},
    {"[]", "wrong-type"},
    {"", "malformed-json"},
    {"{\"peers\":[]", "malformed-json"},
    {"{\"peers\":[],\"peers\":[]}", "malformed-json"},
};

START_TEST(only_its_form_is_judged)
{
	bool is_fine = peer_list_parse(&read_back, rows[_i].text, strlen(rows[_i].text), &error);

	ck_assert(is_fine == (rows[_i].code == NULL));
	if (!is_fine)
		ck_assert_str_eq(error.code, rows[_i].code);
}
END_TEST

START_TEST(more_than_agreed_is_refused)
{
	buf_puts(&text, "{\"peers\":[");
	for (size_t i = 0; i <= PEER_LIST_MAX; i++)
		buf_puts(&text, i == 0 ? "\"a\"" : ",\"a\"");
	buf_puts(&text, "]}");
	ck_assert(!peer_list_parse(&read_back, text.data, text.len, &error));
	ck_assert_str_eq(error.code, "bad-value");
	buf_reset(&text);
	buf_puts(&text, "{\"peers\":[]}");
	while (text.len <= PEER_LIST_SIZE_MAX)
		buf_putc(&text, ' ');
	ck_assert(!peer_list_parse(&read_back, text.data, text.len, &error));
	ck_assert(peer_list_parse(&read_back, text.data, text.len - 1, &error));
}
END_TEST

Suite *
suite_peer_list(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "peer_list", 30);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_loop_test(tc, what_was_written_is_read, 0, 3);
	tcase_add_test(tc, it_is_written_like_this);
	tcase_add_loop_test(tc, only_its_form_is_judged, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, more_than_agreed_is_refused);
	return suite;
}
