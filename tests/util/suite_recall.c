/* Values met lately: each is its own key's, or forgotten. */
#include "util/recall.h"

#include <pthread.h>
#include <string.h>

#include "suites.h"

#define PLACES 16

static uint8_t space[PLACES][RECALL_PLACE(sizeof(uint64_t), sizeof(uint32_t))];

static struct recall
table(void)
{
	memset(space, 0, sizeof(space));
	return (struct recall){.in_use = ATOMIC_FLAG_INIT,
			       .space = &space[0][0],
			       .count = PLACES,
			       .key_size = sizeof(uint64_t),
			       .value_size = sizeof(uint32_t)};
}

START_TEST(finds_what_was_noted_last)
{
	struct recall r = table();
	uint64_t key = 7, other = 8;
	uint32_t value = 70, found = 1;
	ck_assert(!recall_find(&r, &found, &key));
	recall_note(&r, &key, &value);
	ck_assert(recall_find(&r, &found, &key));
	ck_assert_uint_eq(found, 70);
	ck_assert(!recall_find(&r, &found, &other));
	value = 71;
	recall_note(&r, &key, &value);
	ck_assert(recall_find(&r, &found, &key));
	ck_assert_uint_eq(found, 71);
}
END_TEST

START_TEST(knows_no_key_at_the_start_not_even_one_of_zeros)
{
	struct recall r = table();
	uint64_t key = 0;
	uint32_t found;
	ck_assert(!recall_find(&r, &found, &key));
}
END_TEST

START_TEST(forgets_but_never_confuses)
{
	struct recall r = table();
	uint32_t found, known = 0;
	for (uint64_t key = 0; key < 1000; key++) {
		uint32_t value = (uint32_t)key * 3;
		recall_note(&r, &key, &value);
	}
	for (uint64_t key = 0; key < 1000; key++)
		if (recall_find(&r, &found, &key)) {
			ck_assert_uint_eq(found, key * 3);
			known++;
		}
	ck_assert_uint_ge(known, 1);
	ck_assert_uint_le(known, PLACES);
}
END_TEST

START_TEST(does_without_while_another_thread_uses_it)
{
	struct recall r = table();
	uint64_t key = 7;
	uint32_t value = 70, found;
	recall_note(&r, &key, &value);
	ck_assert(!atomic_flag_test_and_set(&r.in_use));
	ck_assert(!recall_find(&r, &found, &key));
	value = 71;
	recall_note(&r, &key, &value);
	atomic_flag_clear(&r.in_use);
	ck_assert(recall_find(&r, &found, &key));
	ck_assert_uint_eq(found, 70);
}
END_TEST

static struct recall shared;

static void *
note_and_find(void *arg)
{
	uint64_t key = *(uint64_t *)arg;
	for (int i = 0; i < 20000; i++, key = (key * 5 + 1) % 64) {
		uint32_t value = (uint32_t)key * 3, found;
		recall_note(&shared, &key, &value);
		if (recall_find(&shared, &found, &key) && found != value)
			return NULL;
	}
	return arg;
}

START_TEST(may_be_shared_by_threads)
{
	pthread_t threads[4];
	uint64_t firsts[ARRAY_LEN(threads)] = {0, 1, 2, 3};
	shared = table();
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, note_and_find, &firsts[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *good = NULL;
		pthread_join(threads[i], &good);
		ck_assert_ptr_nonnull(good);
	}
}
END_TEST

Suite *
suite_recall(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "recall", 20);
	tcase_add_test(tc, finds_what_was_noted_last);
	tcase_add_test(tc, knows_no_key_at_the_start_not_even_one_of_zeros);
	tcase_add_test(tc, forgets_but_never_confuses);
	tcase_add_test(tc, does_without_while_another_thread_uses_it);
	tcase_add_test(tc, may_be_shared_by_threads);
	return s;
}
