/* The note of the last reload. */
#include <string.h>

#include "process.h"
#include "store/layout.h"
#include "store/reload_note.h"
#include "suites.h"

static struct reload_note note, seen;

START_TEST(there_is_none_before_the_first_reload)
{
	ck_assert(!reload_note_get(segment_make(&(struct segment_plan){0}), &seen));
}
END_TEST

START_TEST(the_last_one_is_read_as_it_was_written)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	for (uint64_t number = 1; number <= 3; number++) {
		note.number = number;
		note.result = number % 2 == 0 ? RELOAD_REFUSED : RELOAD_TAKEN;
		memset(note.changed, (char)('a' + number), RELOAD_TEXT_SIZE - 1);
		strcpy(note.errors, number % 2 == 0 ? "one\ntwo\n" : "");
		reload_note_put(s, &note);
		ck_assert(reload_note_get(s, &seen));
		ck_assert_mem_eq(&seen, &note, sizeof(note));
	}
}
END_TEST

START_TEST(texts_end_whatever_stands_there)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	memset(&note, 'x', sizeof(note));
	reload_note_put(s, &note);
	ck_assert(reload_note_get(s, &seen));
	ck_assert_uint_eq(strlen(seen.changed), RELOAD_TEXT_SIZE - 1);
	ck_assert_uint_eq(strlen(seen.waiting), RELOAD_TEXT_SIZE - 1);
	ck_assert_uint_eq(strlen(seen.errors), RELOAD_TEXT_SIZE - 1);
}
END_TEST

START_TEST(one_that_is_being_written_is_not_waited_for)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct reload_region *r = at(s, s->super->reload_at);

	reload_note_put(s, &note);
	atomic_fetch_add(&r->seq, 1);
	ck_assert(!reload_note_get(s, &seen));
}
END_TEST

Suite *
suite_reload_note(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "reload note", 10);

	tcase_add_test(tc, there_is_none_before_the_first_reload);
	tcase_add_test(tc, the_last_one_is_read_as_it_was_written);
	tcase_add_test(tc, texts_end_whatever_stands_there);
	tcase_add_test(tc, one_that_is_being_written_is_not_waited_for);
	return suite;
}
