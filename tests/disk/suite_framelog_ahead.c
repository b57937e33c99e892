/* Disk space that is taken and filled ahead: nothing that counts is ever filled over, whoever wrote it. */
#include "logkit.h"
#include "suites.h"
#include "util/failpoint.h"

#define STEP (UINT64_C(1) << 20)
#define SIZE (100u << 10)

static struct framelog *
synced_writer(void)
{
	struct framelog_options o = kit_options();
	o.is_synced = true;
	o.step = STEP;
	return framelog_new(&o);
}

START_TEST(fills_nothing_over_that_another_has_written)
{
	struct framelog *one = synced_writer(), *other = synced_writer();
	struct log_place place = {0};
	/* Each comes back to a file in which the other went on by far more than it had filled itself. */
	kit_put_all(one, &place, "ab", SIZE);
	kit_put_all(other, &place, "cdefghijklmno", SIZE);
	kit_put_all(one, &place, "pq", SIZE);
	kit_put_all(other, &place, "r", SIZE);
	kit_put_all(one, &place, "stuvwxyzABCDEFGH", SIZE);
	kit_put_all(other, &place, "IJ", SIZE);
	framelog_free(one);
	framelog_free(other);
	kit_expect_goes_on("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ");
}
END_TEST

START_TEST(leaves_zeros_behind_the_last_frame)
{
	static const uint8_t zeros[4096];
	struct framelog *l = synced_writer();
	struct log_place place = {0};
	uint8_t bytes[sizeof(zeros)];
	kit_put_all(l, &place, "abc", SIZE);
	framelog_free(l);
	ck_assert_uint_eq(kit_size(1), STEP);
	for (uint64_t at = place.offset; at + sizeof(bytes) <= STEP; at += sizeof(bytes)) {
		kit_read(1, at, bytes, sizeof(bytes));
		ck_assert_mem_eq(bytes, zeros, sizeof(zeros));
	}
	ck_assert_uint_eq(kit_expect(true, "abc")->out.torn_bytes, 0);
}
END_TEST

/* Frames in space that was never written would each be synced the slow way. */
START_TEST(no_frame_stands_where_nothing_was_filled)
{
	static const uint64_t fills[] = {0, STEP};
	struct framelog_options o = kit_options();
	struct log_place place = {0};
	struct framelog *l;

	o.is_synced = true;
	o.step = STEP;
	o.fill = fills[_i];
	l = framelog_new(&o);
	kit_put_all(l, &place, "abcdefghi", SIZE);
	ck_assert_uint_eq(kit_size(1), STEP);
	ck_assert_uint_eq(kit_written(1), STEP);
	kit_put_all(l, &place, "jk", SIZE);
	ck_assert_uint_eq(kit_size(1), 2 * STEP);
	ck_assert_uint_gt(kit_written(1), STEP);
	framelog_free(l);
	kit_expect_goes_on("abcdefghijk");
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(writes_frames_where_nothing_could_be_filled)
{
	struct framelog *l = synced_writer();
	struct log_place place = {0};
	kit_put_all(l, &place, "ab", SIZE);
	/* The next frame goes beyond what is filled, so its filling is the first write. */
	failpoint_arm("disk.write", FAILPOINT_FAIL, 1);
	kit_put_all(l, &place, "cd", SIZE);
	ck_assert(kit_fired("disk.write"));
	framelog_free(l);
	kit_expect_goes_on("abcd");
}
END_TEST
#endif

Suite *
suite_framelog_ahead(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "framelog-ahead", 30);
	kit_use(tc);
	tcase_add_checked_fixture(tc, kit_clear, kit_clear);
	tcase_add_test(tc, fills_nothing_over_that_another_has_written);
	tcase_add_test(tc, leaves_zeros_behind_the_last_frame);
	tcase_add_loop_test(tc, no_frame_stands_where_nothing_was_filled, 0, 2);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, writes_frames_where_nothing_could_be_filled);
#endif
	return suite;
}
