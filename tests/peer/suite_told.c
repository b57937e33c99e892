/* What others told waits in a queue with an end, and leaves it at a pace. */
#include "peer/told.h"

#include <string.h>

#include "suites.h"

static struct told_queue q;
static uint64_t wait_ms;

static void
enter(void)
{
	memset(&q, 0, sizeof(q));
}

static bool
put(uint16_t port)
{
	struct told t = {.at = {.ip = {10, 0, 0, 1}, .port = port}, .source = port % 5};

	return told_put(&q, &t);
}

/* The port of the next one, 0 if none comes. */
static uint16_t
next(uint64_t now_ms)
{
	struct told t;

	if (!told_next(&q, &t, &wait_ms, now_ms))
		return 0;
	ck_assert_int_eq(t.source, t.at.port % 5);
	return t.at.port;
}

START_TEST(comes_out_as_it_went_in_and_what_has_no_room_is_dropped)
{
	uint16_t in = 1, out = 1;

	/* Several times around the end of its memory. */
	for (uint64_t round = 0; round < 20; round++) {
		while (q.count < TOLD_MAX)
			ck_assert(put(in++));
		ck_assert(!put(9999));
		for (unsigned i = 0; i < TOLD_A_SECOND; i++)
			ck_assert_uint_eq(next(5000 + round * 1000), out++);
		ck_assert_uint_eq(next(5000 + round * 1000), 0);
	}
}
END_TEST

START_TEST(no_more_come_out_in_a_second_than_may)
{
	for (uint16_t i = 1; i <= TOLD_MAX; i++)
		ck_assert(put(i));
	for (unsigned i = 0; i < TOLD_A_SECOND; i++)
		ck_assert_uint_ne(next(7000 + i), 0);
	ck_assert_uint_eq(next(7400), 0);
	ck_assert_uint_eq(wait_ms, 600);
	ck_assert_uint_eq(next(7999), 0);
	ck_assert_uint_eq(wait_ms, 1);
	ck_assert_uint_ne(next(8000), 0);
}
END_TEST

START_TEST(an_empty_one_has_nothing_to_wait_for)
{
	ck_assert_uint_eq(next(0), 0);
	ck_assert_uint_eq(wait_ms, 0);
	ck_assert(put(5));
	ck_assert_uint_eq(next(0), 5);
	ck_assert_uint_eq(next(0), 0);
	ck_assert_uint_eq(wait_ms, 0);
}
END_TEST

Suite *
suite_told(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "told", 30);

	tcase_add_checked_fixture(tc, enter, NULL);
	tcase_add_test(tc, comes_out_as_it_went_in_and_what_has_no_room_is_dropped);
	tcase_add_test(tc, no_more_come_out_in_a_second_than_may);
	tcase_add_test(tc, an_empty_one_has_nothing_to_wait_for);
	return suite;
}
