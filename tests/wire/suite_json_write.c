#include <math.h>
#include <string.h>

#include "suite.h"
#include "util/buf.h"
#include "wire/json.h"

suite_maker suite_json_write;

START_TEST(places_commas_and_colons)
{
	struct buf out = {0};
	struct jout j = jout_to(&out);
	jout_object(&j);
	jout_ku64(&j, "a", 1);
	jout_key(&j, "b");
	jout_array(&j);
	jout_array(&j);
	jout_array_end(&j);
	jout_object(&j);
	jout_object_end(&j);
	jout_null(&j);
	jout_bool(&j, false);
	jout_raw(&j, "{\"r\":1}", 7);
	jout_array_end(&j);
	jout_kstring(&j, "c", "d");
	jout_kbool(&j, "e", true);
	jout_khex(&j, "f", "\x00\xff", 2);
	jout_object_end(&j);
	ck_assert_str_eq(out.data,
			 "{\"a\":1,\"b\":[[],{},null,false,{\"r\":1}],\"c\":\"d\",\"e\":true,\"f\":\"00ff\"}");
	ck_assert_uint_eq(out.len, strlen(out.data));
	buf_clear(&out);
}
END_TEST

static const struct {
	uint64_t v;
	const char *text;
} numbers[] = {
    {0, "0"}, {9, "9"}, {10, "10"}, {9007199254740991, "9007199254740991"}, {UINT64_MAX, "18446744073709551615"},
};

START_TEST(writes_integers_digit_by_digit)
{
	struct buf out = {0};
	struct jout j = jout_to(&out);
	jout_u64(&j, numbers[_i].v);
	ck_assert_str_eq(out.data, numbers[_i].text);
	buf_clear(&out);
}
END_TEST

static const struct {
	double v;
	const char *text;
} doubles[] = {
    {0, "0"},	   {0.1, "0.1"},       {1.0 / 3, "0.33333333333333331"}, {1e300, "1e+300"}, {-2.5, "-2.5"},
    {NAN, "null"}, {INFINITY, "null"},
};

START_TEST(writes_doubles_shortly_and_never_what_json_lacks)
{
	struct buf out = {0};
	struct jout j = jout_to(&out);
	jout_double(&j, doubles[_i].v);
	ck_assert_str_eq(out.data, doubles[_i].text);
	buf_clear(&out);
}
END_TEST

/* Bytes and the JSON string that they become. */
static const struct {
	const char *bytes;
	size_t len;
	const char *json;
} strings[] = {
    {"", 0, "\"\""},
    {"plain", 5, "\"plain\""},
    {"q\"b\\n\nr\rt\t", 10, "\"q\\\"b\\\\n\\nr\\rt\\t\""},
    {"\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\""},
    {"\xe9\x80\xa3\xe9\x8e\x96", 6, "\"\xe9\x80\xa3\xe9\x8e\x96\""},
    {"\xf0\x9f\x8d\xb5", 4, "\"\xf0\x9f\x8d\xb5\""},
    {"a\xff z", 4, "\"a\xef\xbf\xbd z\""},
    {"\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xe9\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xe9", 1, "\"\xef\xbf\xbd\""},
    {"\x80", 1, "\"\xef\xbf\xbd\""},
    {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

START_TEST(escapes_what_a_string_cannot_hold)
{
	struct buf out = {0};
	struct jout j = jout_to(&out);
	jout_string_len(&j, strings[_i].bytes, strings[_i].len);
	ck_assert_str_eq(out.data, strings[_i].json);
	buf_clear(&out);
}
END_TEST

START_TEST(every_byte_sequence_reads_back_as_a_document)
{
	char error[JSON_ERROR_SIZE];
	for (unsigned a = 0; a < 256; a++) {
		struct buf out = {0};
		struct jout j = jout_to(&out);
		jout_array(&j);
		for (unsigned b = 0; b < 256; b++) {
			const uint8_t bytes[3] = {(uint8_t)a, (uint8_t)b, 0x80};
			jout_string_len(&j, bytes, sizeof(bytes));
			jout_string_len(&j, bytes, 2);
		}
		jout_array_end(&j);
		struct jdoc *d = jdoc_parse(out.data, out.len, error);
		ck_assert_msg(d != NULL, "%u: %s", a, error);
		ck_assert_uint_eq(jval_count(jdoc_root(d)), 512);
		jdoc_free(d);
		buf_clear(&out);
	}
}
END_TEST

START_TEST(errors_carry_code_and_escaped_message)
{
	struct buf out = {0};
	json_error(&out, "bad-value", "no \"x\"");
	ck_assert_str_eq(out.data, "{\"error\":{\"code\":\"bad-value\",\"message\":\"no \\\"x\\\"\"}}");
	buf_clear(&out);
}
END_TEST

Suite *
suite_json_write(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "json_write", 10);
	tcase_add_test(tc, places_commas_and_colons);
	tcase_add_loop_test(tc, writes_integers_digit_by_digit, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(tc, writes_doubles_shortly_and_never_what_json_lacks, 0, ARRAY_LEN(doubles));
	tcase_add_loop_test(tc, escapes_what_a_string_cannot_hold, 0, ARRAY_LEN(strings));
	tcase_add_test(tc, every_byte_sequence_reads_back_as_a_document);
	tcase_add_test(tc, errors_carry_code_and_escaped_message);
	return s;
}
