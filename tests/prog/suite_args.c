/* The command line, against a small table of commands. */
#include <string.h>

#include "prog/args.h"
#include "suites.h"

#define WORDS_MAX 10

enum { PAY_TO, PAY_SLOWLY };

static const struct option_spec pay_options[] = {
    [PAY_TO] = {"to", "WHO", "who gets it", true},
    [PAY_SLOWLY] = {"slowly", NULL, "take your time", false},
};
static const struct command pay = {
    .name = "pay",
    .operands = "AMOUNT [MORE]",
    .operands_min = 1,
    .operands_max = 2,
    .options = pay_options,
    .option_count = ARRAY_LEN(pay_options),
};
static const struct command key_new = {.name = "key new", .operands = ""};
static const struct command key_list = {.name = "key list", .operands = ""};
static const struct command *const commands[] = {&pay, &key_new, &key_list};

static enum cli_exit
parse(struct args *out, struct cli *c, const char *const *words)
{
	static char program[] = "rensa";
	static char copies[WORDS_MAX][64];
	char *argv[WORDS_MAX + 2] = {program};
	int argc = 1;
	for (; words[argc - 1] != NULL; argc++) {
		strcpy(copies[argc - 1], words[argc - 1]);
		argv[argc] = copies[argc - 1];
	}
	return args_parse(out, c, commands, ARRAY_LEN(commands), argc, argv);
}

static const struct {
	const char *words[WORDS_MAX];
	const char *message; /* that the complaint must contain */
} wrong[] = {
    {{NULL}, "no command"},
    {{"pey", "1"}, "did you mean 'pay'?"},
    {{"xyzzy"}, "no command 'xyzzy'"},
    {{"key"}, "second word"},
    {{"key", "lisd"}, "did you mean 'key list'?"},
    {{"kee", "list"}, "no command 'kee'"},
    {{"pay", "--to", "bob"}, "needs AMOUNT"},
    {{"pay", "1"}, "needs --to WHO"},
    {{"pay", "1", "--to"}, "--to needs a value"},
    {{"pay", "1", "--to", "bob", "--to", "eve"}, "twice"},
    {{"pay", "1", "--to=bob", "--json", "--json"}, "--json is given twice"},
    {{"pay", "1", "--to", "bob", "--slowly=yes"}, "takes no value"},
    {{"pay", "1", "--to", "bob", "--slwly"}, "did you mean --slowly?"},
    {{"pay", "1", "--to", "bob", "-x"}, "two dashes"},
    {{"pay", "1", "2", "3", "--to", "bob"}, "'3'"},
    {{"key", "new", "more"}, "'more'"},
    {{"--to", "bob", "pay", "1"}, "no option --to"},
    {{"key", "new", "--to", "bob"}, "no option --to"},
};

START_TEST(says_what_is_wrong_with_a_command_line)
{
	struct args a;
	struct cli c = {0};
	ck_assert_int_eq(parse(&a, &c, wrong[_i].words), CLI_USAGE);
	ck_assert_msg(strstr(c.message, wrong[_i].message) != NULL, "%s", c.message);
	ck_assert_str_eq(c.code, "usage");
}
END_TEST

START_TEST(takes_options_anywhere_in_both_forms)
{
	static const char *const words[][WORDS_MAX] = {
	    {"--json", "--node", "u", "pay", "1", "--to", "bob", "--slowly"},
	    {"pay", "--slowly", "--to=bob", "--node=u", "1", "--json"},
	    {"--node=u", "pay", "--to", "bob", "--slowly", "--json", "--", "1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct args a;
		struct cli c = {0};
		ck_assert_int_eq(parse(&a, &c, words[i]), CLI_DONE);
		ck_assert_ptr_eq(a.command, &pay);
		ck_assert_str_eq(a.global[GLOBAL_NODE], "u");
		ck_assert_ptr_nonnull(a.global[GLOBAL_JSON]);
		ck_assert_ptr_null(a.global[GLOBAL_HOME]);
		ck_assert_str_eq(a.value[PAY_TO], "bob");
		ck_assert_ptr_nonnull(a.value[PAY_SLOWLY]);
		ck_assert_uint_eq(a.operands, 1);
		ck_assert_str_eq(a.operand[0], "1");
	}
}
END_TEST

START_TEST(values_and_operands_may_look_like_options)
{
	static const char *const words[] = {"pay", "--to", "--json", "--", "--slowly", NULL};
	struct args a;
	struct cli c = {0};
	ck_assert_int_eq(parse(&a, &c, words), CLI_DONE);
	ck_assert_str_eq(a.value[PAY_TO], "--json");
	ck_assert_str_eq(a.operand[0], "--slowly");
	ck_assert_ptr_null(a.global[GLOBAL_JSON]);
}
END_TEST

START_TEST(help_asks_for_nothing_else)
{
	static const char *const words[][WORDS_MAX] = {{"--help"}, {"pay", "-h"}, {"key", "--help"}, {"--version"}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct args a;
		struct cli c = {0};
		ck_assert_int_eq(parse(&a, &c, words[i]), CLI_DONE);
		ck_assert_ptr_eq(a.command, i == 1 ? &pay : NULL);
		ck_assert_msg((a.group != NULL) == (i == 2), "row %zu", i);
	}
}
END_TEST

START_TEST(usage_names_operands_and_options)
{
	struct buf out;
	buf_init(&out);
	command_usage(&out, &pay);
	ck_assert_str_eq(out.data, "pay AMOUNT [MORE] --to WHO [--slowly]");
	buf_clear(&out);
}
END_TEST

Suite *
suite_args(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "args", 10);
	tcase_add_loop_test(tc, says_what_is_wrong_with_a_command_line, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, takes_options_anywhere_in_both_forms);
	tcase_add_test(tc, values_and_operands_may_look_like_options);
	tcase_add_test(tc, help_asks_for_nothing_else);
	tcase_add_test(tc, usage_names_operands_and_options);
	return s;
}
