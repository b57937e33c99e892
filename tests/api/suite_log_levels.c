/* Levels of the log, asked for and changed while the node runs. */
#include <string.h>

#include "node.h"
#include "suites.h"
#include "util/log.h"

static struct node n;

static void
setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	node_init(&n);
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
	log_set_level(LOG_LEVEL_INFO);
}

static int
change(const char *body)
{
	return node_call(&n, HTTP_POST, "/log-levels", body, NULL);
}

START_TEST(tells_levels_and_modules)
{
	ck_assert_int_eq(node_get(&n, "/log-levels"), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "levels", ""), "error");
	const struct jval *modules = jval_get(node_doc(&n), "modules");
	ck_assert_uint_eq(jval_count(modules), log_module_count - 1);
	size_t len;
	for (size_t i = 1; i < log_module_count; i++)
		ck_assert_str_eq(jval_text(jval_at(modules, i - 1), &len), log_module_names[i]);
}
END_TEST

START_TEST(changes_what_is_named_and_answers_with_all)
{
	ck_assert_int_eq(change("{\"levels\":\"resolver=debug\"}"), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "levels", ""), "error, resolver=debug");
	ck_assert(log_is_debug("resolver") && !log_is_debug("pool"));
	ck_assert_int_eq(change("{\"levels\":\"warn, pool=error\"}"), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "levels", ""), "warn, pool=error");
	ck_assert_int_eq(node_get(&n, "/log-levels"), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "levels", ""), "warn, pool=error");
}
END_TEST

static const struct {
	const char *body;
	const char *code;
	const char *words;
} bad_rows[] = {
    {"{\"levels\":\"resolvr=debug\"}", "bad-value", "did you mean \"resolver\"?"},
    {"{\"levels\":\"loud\"}", "bad-value", "is not a level"},
    {"{\"levels\":\"\"}", "bad-value", "there is no level"},
    {"{\"levels\":\"info\\ndebug\"}", "bad-value", "levels"},
    {"{\"levels\":1}", "wrong-type", "levels"},
    {"{\"level\":\"info\"}", "unknown-field", "levels"},
    {"{}", "missing-field", "levels"},
    {"[]", "wrong-type", "a change of levels"},
    {"info", "malformed-json", ""},
};

START_TEST(refuses_what_makes_no_sense_and_changes_nothing)
{
	ck_assert_int_eq(change(bad_rows[_i].body), 400);
	ck_assert_str_eq(node_code(&n), bad_rows[_i].code);
	ck_assert_msg(strstr(node_message(&n), bad_rows[_i].words) != NULL, "%s", node_message(&n));
	ck_assert_int_eq(node_get(&n, "/log-levels"), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "levels", ""), "error");
}
END_TEST

START_TEST(is_for_those_who_may_change_the_node)
{
	static const char *const proxied[] = {"Host", "x", "X-Forwarded-For", "10.0.0.1", NULL};

	ck_assert_int_eq(node_call(&n, HTTP_GET, "/log-levels", NULL, proxied), 403);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/log-levels", "{\"levels\":\"debug\"}", proxied), 403);
	ck_assert(!log_is_debug("pool"));
}
END_TEST

Suite *
suite_log_levels(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "log levels", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tells_levels_and_modules);
	tcase_add_test(tc, changes_what_is_named_and_answers_with_all);
	tcase_add_loop_test(tc, refuses_what_makes_no_sense_and_changes_nothing, 0, ARRAY_LEN(bad_rows));
	tcase_add_test(tc, is_for_those_who_may_change_the_node);
	return suite;
}
