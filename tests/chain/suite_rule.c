#include <string.h>

#include "../suite.h"
#include "chain/rule.h"
#include "suites.h"

START_TEST(every_rule_has_a_name_of_its_own_and_a_sentence)
{
	for (int r = 0; r < RULE_COUNT; r++) {
		const char *name = rule_name((enum rule)r);
		ck_assert_ptr_nonnull(name);
		ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
		ck_assert_uint_gt(strlen(rule_text((enum rule)r)), 10);
		for (int other = 0; other < r; other++)
			ck_assert_str_ne(name, rule_name((enum rule)other));
	}
	ck_assert_str_eq(rule_name(RULE_HIGH_S), "high-s-signature");
}
END_TEST

START_TEST(a_number_that_is_no_rule_still_has_a_text)
{
	ck_assert_str_eq(rule_name(RULE_COUNT), "unknown-rule");
	ck_assert_str_eq(rule_name((enum rule) - 1), "unknown-rule");
	ck_assert_ptr_nonnull(rule_text(RULE_COUNT));
}
END_TEST

START_TEST(a_verdict_says_where)
{
	ck_assert_int_eq(verdict_ok().rule, RULE_OK);
	ck_assert_uint_eq(verdict_of(RULE_REWARD_MISSING).tx, VERDICT_NO_TX);
	ck_assert_int_eq(verdict_at(RULE_HIGH_S, 7).rule, RULE_HIGH_S);
	ck_assert_uint_eq(verdict_at(RULE_HIGH_S, 7).tx, 7);
}
END_TEST

Suite *
suite_rule(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "rule", 10);
	tcase_add_test(tc, every_rule_has_a_name_of_its_own_and_a_sentence);
	tcase_add_test(tc, a_number_that_is_no_rule_still_has_a_text);
	tcase_add_test(tc, a_verdict_says_where);
	return suite;
}
