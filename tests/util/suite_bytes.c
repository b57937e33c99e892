/* Cursors: big-endian, bounded, and once failed failed for good. */
#include <string.h>

#include "suites.h"
#include "util/bytes.h"

static const uint8_t fields[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
				 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 'x',  'y'};

START_TEST(reads_big_endian_fields_in_order)
{
	struct reader r = reader_of(fields, sizeof(fields));
	char tail[2];
	ck_assert_uint_eq(get_u8(&r), 0x01);
	ck_assert_uint_eq(get_u16(&r), 0x0203);
	ck_assert_uint_eq(get_u32(&r), 0x04050607);
	ck_assert_uint_eq(get_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
	ck_assert_uint_eq(reader_left(&r), 2);
	ck_assert(!reader_done(&r));
	get_bytes(&r, tail, sizeof(tail));
	ck_assert_mem_eq(tail, "xy", 2);
	ck_assert(reader_done(&r));
}
END_TEST

START_TEST(writes_what_the_reader_reads)
{
	uint8_t out[sizeof(fields)];
	struct writer w = writer_of(out, sizeof(out));
	put_u8(&w, 0x01);
	put_u16(&w, 0x0203);
	put_u32(&w, 0x04050607);
	put_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	put_bytes(&w, "xy", 2);
	ck_assert(!w.failed);
	ck_assert_uint_eq(writer_len(&w), sizeof(fields));
	ck_assert_mem_eq(out, fields, sizeof(fields));
}
END_TEST

START_TEST(gives_zeros_after_a_read_past_the_end)
{
	/* Seven bytes are left where eight are asked for; what would have fitted afterwards is refused too. */
	struct reader r = reader_of(fields, 7);
	uint8_t bytes[3] = {9, 9, 9};
	ck_assert_uint_eq(get_u64(&r), 0);
	ck_assert(r.failed);
	ck_assert_uint_eq(get_u8(&r), 0);
	ck_assert_uint_eq(get_u16(&r), 0);
	ck_assert_uint_eq(get_u32(&r), 0);
	get_bytes(&r, bytes, sizeof(bytes));
	ck_assert_mem_eq(bytes, "\0\0\0", 3);
	ck_assert_ptr_null(get_span(&r, 1));
	ck_assert(!reader_done(&r));
}
END_TEST

START_TEST(is_not_done_when_a_failed_read_left_nothing)
{
	struct reader r = reader_of(fields, 1);
	get_u8(&r);
	get_u8(&r);
	ck_assert_uint_eq(reader_left(&r), 0);
	ck_assert(!reader_done(&r));
}
END_TEST

START_TEST(hands_out_spans_in_place)
{
	struct reader r = reader_of(fields, sizeof(fields));
	ck_assert_ptr_eq(get_span(&r, 3), fields);
	ck_assert_ptr_eq(get_span(&r, 0), fields + 3);
	ck_assert_ptr_eq(get_span(&r, sizeof(fields) - 3), fields + 3);
	ck_assert(reader_done(&r));
}
END_TEST

START_TEST(refuses_lengths_that_would_wrap_a_pointer)
{
	struct reader r = reader_of(fields, sizeof(fields));
	ck_assert_ptr_null(get_span(&r, SIZE_MAX));
	ck_assert(r.failed);

	uint8_t out[4];
	struct writer w = writer_of(out, sizeof(out));
	put_bytes(&w, fields, SIZE_MAX);
	ck_assert(w.failed);
	ck_assert_uint_eq(writer_len(&w), 0);
}
END_TEST

START_TEST(writes_nothing_after_a_field_did_not_fit)
{
	uint8_t out[8] = {7, 7, 7, 7, 7, 7, 7, 7};
	struct writer w = writer_of(out, 5);
	put_u16(&w, 0x0102);
	put_u32(&w, 0xffffffff);
	ck_assert(w.failed);
	put_u8(&w, 1);
	ck_assert_uint_eq(writer_len(&w), 2);
	ck_assert_mem_eq(out, "\1\2\7\7\7\7\7\7", 8);
}
END_TEST

START_TEST(works_over_no_bytes_at_all)
{
	struct reader r = reader_of(NULL, 0);
	get_bytes(&r, NULL, 0);
	ck_assert(reader_done(&r));
	struct writer w = writer_of(NULL, 0);
	put_bytes(&w, NULL, 0);
	ck_assert(!w.failed);
	ck_assert_uint_eq(writer_len(&w), 0);
}
END_TEST

Suite *
suite_bytes(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "bytes", 10);
	tcase_add_test(tc, reads_big_endian_fields_in_order);
	tcase_add_test(tc, writes_what_the_reader_reads);
	tcase_add_test(tc, gives_zeros_after_a_read_past_the_end);
	tcase_add_test(tc, is_not_done_when_a_failed_read_left_nothing);
	tcase_add_test(tc, hands_out_spans_in_place);
	tcase_add_test(tc, refuses_lengths_that_would_wrap_a_pointer);
	tcase_add_test(tc, writes_nothing_after_a_field_did_not_fit);
	tcase_add_test(tc, works_over_no_bytes_at_all);
	return suite;
}
