/* The pool's log: transfers come back as they were put in, and entries that are none are refused. */
#include <string.h>

#include "chain/tx.h"
#include "disk/poollog.h"
#include "logkit.h"
#include "suites.h"

static struct framelog *log_now;
static struct log_place place;
static struct buf payload, why;

static void
setup(void)
{
	struct framelog_options o = kit_options();
	kit_clear();
	o.kind = LOG_POOL;
	o.file_max = FRAMELOG_HEADER_SIZE + KIT_RESERVE + 4 * POOLLOG_ENTRY_MAX;
	log_now = framelog_new(&o);
	place = (struct log_place){0};
	buf_init(&payload);
	buf_init(&why);
}

static void
teardown(void)
{
	framelog_free(log_now);
	buf_clear(&payload);
	buf_clear(&why);
	kit_clear();
}

static void
write_payload(void)
{
	struct frame f;
	frame_begin(&f);
	ck_assert(frame_add(&f, payload.data, payload.len));
	ck_assert_int_eq(framelog_append(log_now, &place, &f, false), OK);
	buf_reset(&payload);
}

/* Entry n follows from its number. */
static void
put(unsigned n, size_t size)
{
	size_t before = payload.len;
	poollog_put(&payload, &(struct poollog_entry){UINT64_C(1) << n % 64, n % 3 == 0,
						      kit_payload((char)('a' + n % 26), size), size});
	ck_assert_uint_eq(payload.len - before, 14 + size);
	ck_assert_uint_le(payload.len - before, POOLLOG_ENTRY_MAX);
}

struct seen {
	unsigned count, stop_at;
	size_t size;
};

static enum err
look(void *ctx, const struct poollog_entry *e)
{
	struct seen *s = ctx;
	unsigned n = s->count++;
	size_t size = s->size != 0 ? s->size : n % (TX_SIZE_MAX + 1);
	ck_assert_uint_eq(e->received_ms, UINT64_C(1) << n % 64);
	ck_assert_int_eq(e->from_client, n % 3 == 0);
	ck_assert_uint_eq(e->size, size);
	ck_assert_mem_eq(e->bytes, kit_payload((char)('a' + n % 26), size), size);
	return s->count == s->stop_at ? ERR_FORMAT : OK;
}

START_TEST(gives_back_entries_in_the_order_of_writing)
{
	struct seen seen = {0};
	struct framelog_scan out;
	unsigned n = 0;
	/* Frames of one entry, two, three, … and entries of every size. */
	for (unsigned frame = 1; frame <= 40; frame++) {
		for (unsigned i = 0; i < frame; i++, n++)
			put(n, n % (TX_SIZE_MAX + 1));
		write_payload();
	}
	ck_assert_uint_gt(place.file, 3);
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), OK);
	ck_assert_uint_eq(seen.count, n);
	ck_assert_uint_eq(out.frames, 40);
	ck_assert_mem_eq(&out.place, &place, sizeof(place));
}
END_TEST

START_TEST(is_empty_at_first_and_where_a_frame_holds_nothing)
{
	struct seen seen = {0};
	struct framelog_scan out;
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), OK);
	kit_put(log_now, &place, 'x', 0);
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), OK);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_uint_eq(out.frames, 1);
}
END_TEST

START_TEST(gives_what_replaced_the_others)
{
	struct seen seen = {.size = 50};
	struct framelog_scan out;
	for (unsigned n = 0; n < 30; n++) {
		put(n + 5, 70);
		write_payload();
	}
	ck_assert_int_eq(framelog_replace_begin(log_now, &place), OK);
	put(0, 50);
	put(1, 50);
	write_payload();
	ck_assert_int_eq(framelog_replace_end(log_now, &place, true), OK);
	put(2, 50);
	write_payload();
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), OK);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_uint_eq(kit_count(), 1);
}
END_TEST

START_TEST(ends_when_its_reader_does_and_says_where)
{
	struct seen seen = {.size = 20, .stop_at = 3};
	struct framelog_scan out;
	put(0, 20);
	write_payload();
	put(1, 20);
	put(2, 20);
	put(3, 20);
	write_payload();
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), ERR_FORMAT);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_msg(strstr(why.data, "00000001.log, frame at byte 160:") != NULL, "%s", why.data);
}
END_TEST

static const struct {
	size_t size;
	uint8_t bytes[6]; /* the first of them, the others are zeros */
	enum err e;
} bad_rows[] = {
    {1, {1}, ERR_FORMAT},
    {4, {1}, ERR_FORMAT},
    {5, {1, 0, 0, 0, 1}, ERR_FORMAT},
    {5, {1, 0xff, 0xff, 0xff, 0xff}, ERR_FORMAT},
    {5, {1}, ERR_FORMAT},
    {13, {1, 0, 0, 0, 8}, ERR_FORMAT},
    {5, {0}, ERR_UNSUPPORTED},
    {14, {2, 0, 0, 0, 9}, ERR_UNSUPPORTED},
    {14 + TX_SIZE_MAX + 1, {1, 0, 0, (TX_SIZE_MAX + 10) >> 8, (TX_SIZE_MAX + 10) & 0xff}, ERR_FORMAT},
};

START_TEST(refuses_entries_that_are_none)
{
	static const uint8_t zeros[1024];
	struct seen seen = {.size = 20};
	struct framelog_scan out;
	size_t head = bad_rows[_i].size < 6 ? bad_rows[_i].size : 6;
	put(0, 20);
	write_payload();
	buf_append(&payload, bad_rows[_i].bytes, head);
	buf_append(&payload, zeros, bad_rows[_i].size - head);
	write_payload();
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), bad_rows[_i].e);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_msg(strstr(why.data, "00000001.log, frame at byte 160:") != NULL, "%s", why.data);
}
END_TEST

START_TEST(is_not_mistaken_for_a_journal)
{
	struct seen seen = {0};
	struct framelog_scan out;
	struct framelog *l = kit_open(0);
	kit_put(l, &place, 'a', 10);
	framelog_free(l);
	ck_assert_int_eq(poollog_read(log_now, &out, true, look, &seen, &why), ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(why.data, "another kind"));
}
END_TEST

Suite *
suite_poollog(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "poollog", 30);
	kit_use(tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gives_back_entries_in_the_order_of_writing);
	tcase_add_test(tc, is_empty_at_first_and_where_a_frame_holds_nothing);
	tcase_add_test(tc, gives_what_replaced_the_others);
	tcase_add_test(tc, ends_when_its_reader_does_and_says_where);
	tcase_add_loop_test(tc, refuses_entries_that_are_none, 0, ARRAY_LEN(bad_rows));
	tcase_add_test(tc, is_not_mistaken_for_a_journal);
	return suite;
}
