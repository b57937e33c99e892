/* Levels of modules: as text, and as what they let through. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "suites.h"
#include "util/buf.h"
#include "util/log.h"

static struct log_levels
parsed(const char *text)
{
	struct log_levels levels;
	struct buf why;
	buf_init(&why);
	ck_assert_msg(log_levels_parse(&levels, text, &why), "%s: %s", text, why.data);
	ck_assert_ptr_null(why.data);
	return levels;
}

static void
open_fresh(const char *levels)
{
	struct log_levels to = parsed(levels);
	unlink(scratch_path("log"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_set_levels(&to);
}

static void
to_stderr(void)
{
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
}

static bool
said(const char *words)
{
	return strstr(scratch_read("log"), words) != NULL;
}

static const struct {
	const char *text;
	const char *as; /* how it is written */
} good_rows[] = {
    {"info", "info"},
    {"debug,", "debug"},
    {" warn ,\tpool=debug", "warn, pool=debug"},
    {"resolver=debug, error", "error, resolver=debug"},
    {"resolver=debug httpd=warn", "resolver=debug, httpd=warn"},
};

START_TEST(reads_levels_and_writes_them_as_they_are_read)
{
	struct log_levels levels = parsed(good_rows[_i].text), again;
	struct buf text;
	buf_init(&text);
	log_levels_format(&text, &levels);
	ck_assert_str_eq(text.data, good_rows[_i].as);
	again = parsed(text.data);
	ck_assert_mem_eq(&levels, &again, sizeof(levels));
	buf_clear(&text);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad_rows[] = {
    {"", "there is no level"},
    {" , ", "there is no level"},
    {"loud", "\"loud\" is not a level; allowed: error, warn, info or debug"},
    {"inof", "\"inof\" is not a level; allowed: error, warn, info or debug; did you mean \"info\"?"},
    {"resolvr=debug", "\"resolvr\" is not a module of the log; did you mean \"resolver\"?"},
    {"=debug", "this is not a module of the log; there are "},
    {"resolver=", "this is not a level; allowed: error, warn, info or debug"},
    {"resolver=debug=info", "this is not a level"},
    {"\x1b[31m=info", "this is not a module of the log; there are "},
    {"info, debug", "the whole has two levels"},
    {"pool=info, pool=info", "pool has two levels"},
    {"a-word-that-is-longer-than-any-level=info", "the list has a word that is longer than any module or level"},
};

START_TEST(refuses_what_makes_no_sense_with_one_sentence)
{
	struct log_levels levels;
	struct buf why;
	buf_init(&why);
	ck_assert(!log_levels_parse(&levels, bad_rows[_i].text, &why));
	ck_assert_msg(strncmp(why.data, bad_rows[_i].why, strlen(bad_rows[_i].why)) == 0, "%s", why.data);
	ck_assert_ptr_null(strpbrk(why.data, "\n\r\x1b"));
	buf_clear(&why);
}
END_TEST

START_TEST(refuses_a_text_that_is_too_long)
{
	char text[LOG_LEVELS_TEXT_MAX + 2];
	struct log_levels levels;
	struct buf why;
	buf_init(&why);
	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "info", 4);
	ck_assert(!log_levels_parse(&levels, text, &why));
	ck_assert_str_eq(why.data, "the list is longer than 1000 bytes");
	text[LOG_LEVELS_TEXT_MAX] = '\0';
	ck_assert(log_levels_parse(&levels, text, &why));
	buf_clear(&why);
}
END_TEST

START_TEST(every_module_has_a_name_of_its_own_that_can_be_set)
{
	for (size_t i = 1; i < log_module_count; i++) {
		char text[64];
		snprintf(text, sizeof(text), "%s=debug", log_module_names[i]);
		ck_assert_uint_eq(parsed(text).at[i], LOG_LEVEL_DEBUG);
		snprintf(text, sizeof(text), "%s: message", log_module_names[i]);
		ck_assert_uint_eq(log_module_of(text), i);
	}
	ck_assert_uint_eq(log_module_of("no module: message"), 0);
	ck_assert_uint_eq(log_module_of("pool"), 0);
	ck_assert_uint_eq(log_module_of(": x"), 0);
}
END_TEST

START_TEST(each_module_writes_up_to_its_own_level)
{
	open_fresh("warn, resolver=debug, pool=error");
	log_debug("resolver: a");
	log_info("httpd: b");
	log_warn("httpd: c");
	log_warn("pool: d");
	log_error("pool: e");
	log_warn("of no module f");
	log_info("of no module g");
	ck_assert(said("\"resolver: a") && !said("httpd: b") && said("httpd: c") && !said("pool: d") &&
		  said("pool: e"));
	ck_assert(said("of no module f") && !said("of no module g"));
	ck_assert(log_is_debug("resolver") && !log_is_debug("pool"));
}
END_TEST

START_TEST(one_call_follows_its_level_as_that_changes)
{
	static const char *const steps[] = {"info", "info, relay=debug", "debug, relay=info", "debug"};
	open_fresh("info");
	for (int i = 0; i < 4; i++) {
		struct log_levels levels = parsed(steps[i]);
		log_set_levels(&levels);
		log_debug("relay: step %d", i);
	}
	ck_assert(!said("step 0") && said("step 1") && !said("step 2") && said("step 3"));
}
END_TEST

static int evaluated;

static int
evaluate(void)
{
	return ++evaluated;
}

START_TEST(a_line_that_is_not_wanted_does_not_even_look_at_its_values)
{
	open_fresh("info");
	evaluated = 0;
	log_debug("pool: %d", evaluate());
	ck_assert_int_eq(evaluated, 0);
	log_info("pool: %d", evaluate());
	ck_assert_int_eq(evaluated, 1);
}
END_TEST

START_TEST(a_change_leaves_the_others_and_a_plain_level_is_for_all)
{
	struct log_levels levels;
	struct buf text;
	buf_init(&text);
	open_fresh("warn, pool=debug");
	levels = parsed("relay=info");
	log_change_levels(&levels);
	log_get_levels(&levels);
	log_levels_format(&text, &levels);
	ck_assert_str_eq(text.data, "warn, pool=debug, relay=info");
	buf_reset(&text);
	levels = parsed("error, miner=warn");
	log_change_levels(&levels);
	log_get_levels(&levels);
	log_levels_format(&text, &levels);
	ck_assert_str_eq(text.data, "error, miner=warn");
	buf_clear(&text);
}
END_TEST

Suite *
suite_log_levels(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "log levels", 20);
	scratch_use(tc);
	tcase_add_checked_fixture(tc, NULL, to_stderr);
	tcase_add_loop_test(tc, reads_levels_and_writes_them_as_they_are_read, 0, ARRAY_LEN(good_rows));
	tcase_add_loop_test(tc, refuses_what_makes_no_sense_with_one_sentence, 0, ARRAY_LEN(bad_rows));
	tcase_add_test(tc, refuses_a_text_that_is_too_long);
	tcase_add_test(tc, every_module_has_a_name_of_its_own_that_can_be_set);
	tcase_add_test(tc, each_module_writes_up_to_its_own_level);
	tcase_add_test(tc, one_call_follows_its_level_as_that_changes);
	tcase_add_test(tc, a_line_that_is_not_wanted_does_not_even_look_at_its_values);
	tcase_add_test(tc, a_change_leaves_the_others_and_a_plain_level_is_for_all);
	return suite;
}
