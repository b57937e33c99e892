/* The window of a fetch: who is asked for what, and that it stays small whatever comes. */
#include <stdlib.h>
#include <string.h>

#include "peer/window.h"
#include "suites.h"
#include "util/mem.h"

#define SHARE 10
#define FIRST 100 /* height of the first body */
#define END 10000
#define LATE 50

static struct window w;

static void
enter(void)
{
	window_init(&w, 1000);
	window_begin(&w, FIRST);
}

static void
leave(void)
{
	window_clear(&w);
}

static struct span *
assign(int who, uint64_t now_ms)
{
	return window_assign(&w, who, SHARE, END, now_ms, LATE);
}

/* Brings that many bodies of so many bytes in all. */
static void
fill(int who, uint32_t count, size_t size)
{
	struct span *span = window_asked(&w, who);
	struct block *blocks = xcalloc(count, sizeof(*blocks));
	struct buf bytes;

	ck_assert_ptr_nonnull(span);
	buf_init(&bytes);
	memset(buf_reserve(&bytes, size), 0, size);
	bytes.len = size;
	for (uint32_t i = 0; i < count; i++)
		blocks[i].header.height = span->from + i;
	window_fill(&w, span, who, count, &bytes, blocks);
	ck_assert_ptr_null(bytes.data);
}

/* Spans follow one another up to w.next. */
static void
assert_whole(uint64_t from)
{
	for (size_t i = 0; i < w.count; i++) {
		ck_assert_uint_eq(w.spans[i].from, from);
		ck_assert_uint_gt(w.spans[i].count, 0);
		from += w.spans[i].count;
	}
	ck_assert_uint_eq(w.next, from);
}

START_TEST(each_is_asked_for_what_comes_next)
{
	for (int who = 0; who < 3; who++) {
		const struct span *span = assign(who, 0);
		ck_assert_uint_eq(span->from, FIRST + (uint64_t)who * SHARE);
		ck_assert_uint_eq(span->count, SHARE);
		ck_assert_ptr_eq(window_asked(&w, who), span);
	}
	assert_whole(FIRST);
}
END_TEST

START_TEST(nothing_behind_the_end_is_asked_for)
{
	ck_assert_uint_eq(window_assign(&w, 0, SHARE, FIRST + 3, 0, LATE)->count, 3);
	ck_assert_ptr_null(window_assign(&w, 1, SHARE, FIRST + 3, 0, LATE));
}
END_TEST

START_TEST(bodies_leave_in_order_whoever_is_first)
{
	assign(0, 0);
	assign(1, 0);
	fill(1, SHARE, 100);
	ck_assert_ptr_null(window_first(&w));
	ck_assert_ptr_null(window_block(&w, FIRST));
	ck_assert_uint_eq(window_block(&w, FIRST + SHARE + 2)->header.height, FIRST + SHARE + 2);
	ck_assert_ptr_null(window_block(&w, FIRST + 2 * SHARE));
	fill(0, SHARE, 100);
	for (uint64_t from = FIRST; from < FIRST + 2 * SHARE; from += SHARE) {
		ck_assert_uint_eq(window_first(&w)->from, from);
		window_shift(&w);
	}
	ck_assert_uint_eq(w.count, 0);
	ck_assert_uint_eq(assign(0, 0)->from, FIRST + 2 * SHARE);
}
END_TEST

START_TEST(its_spans_are_few)
{
	for (int who = 0; who < WINDOW_SPANS; who++)
		ck_assert_ptr_nonnull(assign(who, 0));
	ck_assert_ptr_null(assign(WINDOW_SPANS, 0));
	for (int who = 1; who < WINDOW_SPANS; who++)
		fill(who, SHARE, 100);
	/* The first is what everything waits for. */
	ck_assert_ptr_null(assign(1, 0));
	fill(0, SHARE, 100);
	window_shift(&w);
	ck_assert_ptr_nonnull(assign(1, 0));
}
END_TEST

START_TEST(its_bytes_are_bounded_by_what_may_come)
{
	int who = 0;

	w.reply_max = WINDOW_BYTES / 4;
	while (assign(who, 0) != NULL)
		who++;
	ck_assert_int_eq(who, 4);
	/* Three that came and are small leave room for more; then the window is full of spans. */
	for (int i = 1; i < 4; i++)
		fill(i, SHARE, 1000);
	ck_assert_ptr_nonnull(assign(1, 0));
	ck_assert_ptr_nonnull(assign(2, 0));
	ck_assert_ptr_null(assign(3, 0));
}
END_TEST

/* With replies larger than all of it, there is one at a time and never none. */
START_TEST(one_reply_always_has_room)
{
	w.reply_max = 2 * WINDOW_BYTES;
	ck_assert_ptr_nonnull(assign(0, 0));
	ck_assert_ptr_null(assign(1, 0));
	fill(0, SHARE, 100);
	window_shift(&w);
	ck_assert_ptr_nonnull(assign(1, 0));
}
END_TEST

START_TEST(what_is_given_back_is_asked_of_the_next_one)
{
	assign(0, 0);
	assign(1, 0);
	window_release(&w, 0);
	ck_assert_ptr_null(window_asked(&w, 0));
	ck_assert_uint_eq(assign(2, 0)->from, FIRST);
	ck_assert_uint_eq(assign(0, 0)->from, FIRST + 2 * SHARE);
}
END_TEST

START_TEST(what_is_late_is_asked_of_one_more)
{
	struct span *span = window_assign(&w, 0, SHARE, FIRST + SHARE, 0, LATE);

	ck_assert_ptr_null(window_assign(&w, 1, SHARE, FIRST + SHARE, LATE - 1, LATE));
	ck_assert_ptr_null(window_assign(&w, 0, SHARE, FIRST + SHARE, LATE, LATE));
	ck_assert_ptr_eq(window_assign(&w, 1, SHARE, FIRST + SHARE, LATE, LATE), span);
	ck_assert_ptr_null(window_assign(&w, 2, SHARE, FIRST + SHARE, 10 * LATE, LATE));
	fill(1, SHARE, 100);
	/* The other one's answer is nobody's now. */
	ck_assert_ptr_null(window_asked(&w, 0));
	ck_assert_int_eq(window_first(&w)->giver, 1);
}
END_TEST

START_TEST(the_rest_of_a_short_reply_is_wanted_again)
{
	assign(0, 0);
	assign(1, 0);
	fill(0, 4, 100);
	assert_whole(FIRST);
	ck_assert_uint_eq(window_first(&w)->count, 4);
	ck_assert_uint_eq(assign(2, 0)->from, FIRST + 4);
	ck_assert_uint_eq(window_asked(&w, 2)->count, SHARE - 4);
	/* Behind the last there is no gap to fill. */
	fill(1, 1, 100);
	assert_whole(FIRST);
	ck_assert_uint_eq(assign(0, 0)->from, FIRST + SHARE + 1);
}
END_TEST

START_TEST(crumbs_do_not_make_it_grow)
{
	for (int round = 0; round < 1000; round++) {
		for (int who = 0; who < WINDOW_SPANS; who++)
			assign(who, 0);
		for (int who = 0; who < WINDOW_SPANS; who++)
			if (window_asked(&w, who) != NULL && (who != 0 || round % 8 == 7))
				fill(who, 1, 100);
		assert_whole(w.count > 0 ? w.spans[0].from : w.next);
		ck_assert_uint_le(w.count, ARRAY_LEN(w.spans));
		while (window_first(&w) != NULL)
			window_shift(&w);
	}
	ck_assert_uint_ge(w.next, FIRST + 1000 / 8);
}
END_TEST

START_TEST(what_is_no_good_is_wanted_again_from_there)
{
	assign(0, 0);
	fill(0, SHARE, 100);
	window_first(&w)->judged = 3;
	window_reject(&w);
	ck_assert_ptr_null(window_first(&w));
	assert_whole(FIRST + 3);
	ck_assert_uint_eq(assign(1, 0)->from, FIRST + 3);
	fill(1, SHARE - 3, 100);
	ck_assert_uint_eq(window_first(&w)->judged, 0);
}
END_TEST

Suite *
suite_window(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "window", 10);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, each_is_asked_for_what_comes_next);
	tcase_add_test(tc, nothing_behind_the_end_is_asked_for);
	tcase_add_test(tc, bodies_leave_in_order_whoever_is_first);
	tcase_add_test(tc, its_spans_are_few);
	tcase_add_test(tc, its_bytes_are_bounded_by_what_may_come);
	tcase_add_test(tc, one_reply_always_has_room);
	tcase_add_test(tc, what_is_given_back_is_asked_of_the_next_one);
	tcase_add_test(tc, what_is_late_is_asked_of_one_more);
	tcase_add_test(tc, the_rest_of_a_short_reply_is_wanted_again);
	tcase_add_test(tc, crumbs_do_not_make_it_grow);
	tcase_add_test(tc, what_is_no_good_is_wanted_again_from_there);
	return suite;
}
