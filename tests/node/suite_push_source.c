/* Sources of pushes: each has a debt of its own, which runs off. */
#include <stdio.h>

#include "node/push_source.h"
#include "suites.h"

static struct push_sources sources;

/* How many bad pushes in one moment until it is not listened to. */
static int
until_deaf(const char *name, uint64_t cost_ms, uint64_t now_ms)
{
	for (int i = 1; i <= 1000; i++)
		if (push_source_spend(&sources, name, cost_ms, now_ms))
			return i;
	return 0;
}

START_TEST(a_few_bad_pushes_are_borne_and_more_are_not)
{
	ck_assert(push_source_may(&sources, "a", 1000));
	ck_assert_int_eq(until_deaf("a", PUSH_COST_BAD, 1000), 1 + PUSH_DEBT_MAX_MS / PUSH_COST_BAD);
	ck_assert(!push_source_may(&sources, "a", 1000));
	/* It is said once. */
	ck_assert(!push_source_spend(&sources, "a", PUSH_COST_BAD, 1000));
	/* And nobody else pays. */
	ck_assert(push_source_may(&sources, "b", 1000));
	ck_assert_int_eq(until_deaf("b", PUSH_COST_UNKNOWN, 1000), 1 + PUSH_DEBT_MAX_MS / PUSH_COST_UNKNOWN);
}
END_TEST

START_TEST(debt_runs_off)
{
	uint64_t now = 1000;

	until_deaf("a", PUSH_COST_BAD, now);
	ck_assert(!push_source_may(&sources, "a", now + PUSH_COST_BAD - 1));
	ck_assert(push_source_may(&sources, "a", now + PUSH_COST_BAD));
	/* However long it went on: what is beyond the cap is not added up. */
	for (int i = 0; i < 1000; i++)
		(void)push_source_spend(&sources, "a", PUSH_COST_BAD, now);
	ck_assert(push_source_may(&sources, "a", now + PUSH_COST_BAD));
	/* Long after, it has as much as at first. */
	ck_assert_int_eq(until_deaf("a", PUSH_COST_BAD, now + 10 * PUSH_DEBT_MAX_MS),
			 1 + PUSH_DEBT_MAX_MS / PUSH_COST_BAD);
}
END_TEST

START_TEST(slow_mistakes_are_forgiven)
{
	for (uint64_t now = 1000; now < 1000 + 100 * PUSH_COST_BAD; now += PUSH_COST_BAD)
		ck_assert(!push_source_spend(&sources, "a", PUSH_COST_BAD, now));
}
END_TEST

START_TEST(many_names_forget_those_that_owe_least)
{
	char name[32];

	until_deaf("worst", PUSH_COST_BAD, 1000);
	for (int i = 0; i < 10 * PUSH_SOURCES_MAX; i++) {
		snprintf(name, sizeof(name), "10.0.%d.%d", i / 256, i % 256);
		(void)push_source_spend(&sources, name, PUSH_COST_UNKNOWN, 1000);
	}
	ck_assert(!push_source_may(&sources, "worst", 1000));
}
END_TEST

static void
setup(void)
{
	sources = (struct push_sources){0};
}

Suite *
suite_push_source(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "push source", 30);

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_few_bad_pushes_are_borne_and_more_are_not);
	tcase_add_test(tc, debt_runs_off);
	tcase_add_test(tc, slow_mistakes_are_forgiven);
	tcase_add_test(tc, many_names_forget_those_that_owe_least);
	return s;
}
