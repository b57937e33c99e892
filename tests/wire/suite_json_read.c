#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "util/buf.h"
#include "wire/json.h"

suite_maker suite_json_read;

static struct jdoc *
parsed(const char *text)
{
	char error[JSON_ERROR_SIZE];
	struct jdoc *d = jdoc_parse(text, strlen(text), error);
	ck_assert_msg(d != NULL, "%s: %s", text, error);
	return d;
}

START_TEST(reads_members_by_their_kind)
{
	struct jdoc *d = parsed("{\"o\":{},\"a\":[1,2],\"s\":\"x\\u0000y\",\"i\":7,\"b\":true,\"n\":null,\"r\":1.5}");
	const struct jval *root = jdoc_root(d);
	ck_assert(jval_is_object(root));
	ck_assert_uint_eq(jval_count(root), 7);
	ck_assert(jval_is_object(jval_get(root, "o")));
	ck_assert(jval_is_array(jval_get(root, "a")));
	ck_assert(jval_is_string(jval_get(root, "s")));
	ck_assert(jval_is_integer(jval_get(root, "i")));
	ck_assert(!jval_is_integer(jval_get(root, "r")));
	ck_assert(jval_is_bool(jval_get(root, "b")));
	ck_assert(jval_is_null(jval_get(root, "n")));
	ck_assert_ptr_null(jval_get(root, "absent"));
	ck_assert_ptr_null(jval_get(jval_get(root, "i"), "i"));

	const struct jval *a = jval_get(root, "a");
	uint64_t n = 0;
	ck_assert_uint_eq(jval_count(a), 2);
	ck_assert_int_eq(jval_number(&n, jval_at(a, 1), 2), OK);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(jval_number(&n, jval_at(a, 1), 1), ERR_LIMIT);
	ck_assert_int_eq(jval_number(&n, jval_get(root, "r"), 9), ERR_FORMAT);
	ck_assert_ptr_null(jval_at(a, 2));

	size_t len;
	const char *text = jval_text(jval_get(root, "s"), &len);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(text, "x\0y", 4);
	ck_assert_ptr_null(jval_text(a, &len));

	ck_assert_str_eq(jval_str(root, "i", "fallback"), "fallback");
	ck_assert_uint_eq(jval_u64(root, "i", 1), 7);
	ck_assert_uint_eq(jval_u64(root, "s", 1), 1);
	ck_assert(jval_bool(root, "b", false));
	ck_assert(jval_bool(root, "i", true));
	jdoc_free(d);
}
END_TEST

START_TEST(names_the_first_unknown_key)
{
	static const char *const allowed[] = {"a", "b"};
	struct jdoc *d = parsed("{\"b\":1,\"c\":2,\"d\":3}");
	ck_assert_str_eq(jval_unknown_key(jdoc_root(d), allowed, 2), "c");
	jdoc_free(d);
	d = parsed("{\"b\":1}");
	ck_assert_ptr_null(jval_unknown_key(jdoc_root(d), allowed, 2));
	jdoc_free(d);
}
END_TEST

/* Texts that are no documents, and what the message must hold. */
static const struct {
	const char *text;
	const char *says;
} refused[] = {
    {"", "empty"},
    {"   ", "line 1"},
    {"{\"a\":1,\"a\":2}", "duplicate"},
    {"{\"a\":1} x", "end of file expected"},
    {"{\"a\":1}{}", "end of file expected"},
    {"{\"a\":NaN}", "line 1"},
    {"{\"a\":Infinity}", "line 1"},
    {"{\"a\":-}", "line 1"},
    {"{\"a\":01}", "line 1"},
    {"{\"a\":+1}", "line 1"},
    {"{\"a\":1,}", "line 1"},
    {"{'a':1}", "line 1"},
    {"{\"a\":99999999999999999999}", "too big integer"},
    {"{\"a\":1e999}", "overflow"},
    {"{\n\n  \"a\": \"\x01\"}", "line 3"},
    {"\"\xff\"", "line 1"},
    {"\"\xc0\xaf\"", "line 1"},
    {"\"\xed\xa0\x80\"", "line 1"},
    {"\"\\ud800\"", "line 1"},
    {"{\"a\\u0000b\":1}", "NUL"},
    {"\xef\xbb\xbf{}", "line 1"},
    {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "deeper than 16 at line 1, column 17"},
    {"{\"a\":\n[[[[[[[[[[[[[[[[{\"b\":1}]]]]]]]]]]]]]]]]}", "deeper than 16 at line 2, column 16"},
};

START_TEST(refuses_and_says_what_and_where)
{
	char error[JSON_ERROR_SIZE];
	struct jdoc *d = jdoc_parse(refused[_i].text, strlen(refused[_i].text), error);
	ck_assert_msg(d == NULL, "accepted: %s", refused[_i].text);
	ck_assert_msg(strstr(error, refused[_i].says) != NULL, "%s: %s", refused[_i].text, error);
}
END_TEST

START_TEST(brackets_inside_strings_do_not_nest)
{
	jdoc_free(parsed("[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",\"\\\\\",[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"));
}
END_TEST

START_TEST(refuses_bytes_after_a_nul)
{
	char error[JSON_ERROR_SIZE];
	ck_assert_ptr_null(jdoc_parse("{}\0{}", 5, error));
	ck_assert_ptr_null(jdoc_parse(NULL, 0, error));
}
END_TEST

START_TEST(refuses_more_values_than_the_text_may_cost)
{
	char error[JSON_ERROR_SIZE];
	struct buf text = {0};
	buf_putc(&text, '[');
	for (int i = 0; i < 200000; i++)
		buf_puts(&text, "{},");
	buf_puts(&text, "1]");
	ck_assert_ptr_null(jdoc_parse(text.data, text.len, error));
	ck_assert_ptr_nonnull(strstr(error, "too many values"));
	buf_clear(&text);
}
END_TEST

START_TEST(dumps_for_people)
{
	struct buf out = {0};
	struct jdoc *d = parsed("{\"b\":[1,\"x\"],\"a\":null}");
	jval_dump(&out, jdoc_root(d));
	ck_assert_str_eq(out.data, "{\n  \"b\": [\n    1,\n    \"x\"\n  ],\n  \"a\": null\n}");
	buf_clear(&out);
	jdoc_free(d);
	jdoc_free(NULL);
}
END_TEST

Suite *
suite_json_read(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "json_read", 10);
	tcase_add_test(tc, reads_members_by_their_kind);
	tcase_add_test(tc, names_the_first_unknown_key);
	tcase_add_loop_test(tc, refuses_and_says_what_and_where, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, brackets_inside_strings_do_not_nest);
	tcase_add_test(tc, refuses_bytes_after_a_nul);
	tcase_add_test(tc, refuses_more_values_than_the_text_may_cost);
	tcase_add_test(tc, dumps_for_people);
	return s;
}
