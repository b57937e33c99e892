/* Parsing of the command line, after the tables of commands and options. */
#include "prog/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/text.h"

static const struct option_spec globals[GLOBAL_COUNT] = {
    [GLOBAL_NODE] = {"node", "URL",
		     "the node to talk to, http://HOST:PORT (else $RENSA_NODE, else " CLI_DEFAULT_NODE ")", false},
    [GLOBAL_JSON] = {"json", NULL, "print one JSON document, amounts in base units", false},
    [GLOBAL_HOME] = {"home", "DIR", "where wallets are kept (else $RENSA_HOME, else ~/.rensa)", false},
    [GLOBAL_HELP] = {"help", NULL, "say how a command is used", false},
    [GLOBAL_VERSION] = {"version", NULL, "print the version", false},
};

/* Where we are on the command line. */
struct cursor {
	int argc;
	char **argv;
	int at;
	bool is_ended; /* by `--`: no more options */
};

const struct option_spec *
global_options(void)
{
	return globals;
}

static bool
word_is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* The length of a command name's first word. */
static size_t
first_len(const char *name)
{
	return strcspn(name, " ");
}

const struct command *
command_find(const struct command *const *commands, size_t count, const char *first, const char *second)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = commands[i]->name;
		size_t len = first_len(name);
		if (!word_is(name, len, first))
			continue;
		if (name[len] == '\0' ? second == NULL : second != NULL && strcmp(name + len + 1, second) == 0)
			return commands[i];
	}
	return NULL;
}

bool
command_is_group(const struct command *const *commands, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = commands[i]->name;
		size_t len = first_len(name);
		if (name[len] == ' ' && word_is(name, len, word))
			return true;
	}
	return false;
}

enum cli_exit
command_unknown(struct cli *c, const struct command *const *commands, size_t count, const char *first,
		const char *second)
{
	const char *space = second != NULL ? " " : "";
	if (second == NULL)
		second = "";
	char typed[64];
	snprintf(typed, sizeof(typed), "%s%s%s", first, space, second);
	/* Whole names, and first words for those who mistyped that of a group. */
	const char **names = xcalloc(count * 2, sizeof(*names));
	char(*words)[32] = xcalloc(count, sizeof(*words));
	for (size_t i = 0; i < count; i++) {
		snprintf(words[i], sizeof(words[i]), "%.*s", (int)first_len(commands[i]->name), commands[i]->name);
		names[i] = commands[i]->name;
		names[count + i] = words[i];
	}
	const char *nearest = text_nearest(typed, names, count * 2);
	if (nearest != NULL)
		cli_fail(c, CLI_USAGE, "usage", "there is no command '%.64s%s%.64s'; did you mean '%s'?", first, space,
			 second, nearest);
	else
		cli_fail(c, CLI_USAGE, "usage", "there is no command '%.64s%s%.64s'", first, space, second);
	free(words);
	free(names);
	return CLI_USAGE;
}

static const struct option_spec *
find_option(const struct option_spec *options, size_t count, const char *name, size_t len, size_t *index)
{
	for (*index = 0; *index < count; ++*index) {
		if (word_is(name, len, options[*index].name))
			return &options[*index];
	}
	return NULL;
}

static enum cli_exit
unknown_option(struct cli *c, const struct command *command, const char *name, size_t len)
{
	const char *names[GLOBAL_COUNT + ARGS_OPTIONS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < GLOBAL_COUNT; i++)
		names[count++] = globals[i].name;
	for (size_t i = 0; command != NULL && i < command->option_count; i++)
		names[count++] = command->options[i].name;
	char typed[64];
	snprintf(typed, sizeof(typed), "%.*s", (int)(len < sizeof(typed) ? len : sizeof(typed) - 1), name);
	const char *nearest = text_nearest(typed, names, count);
	const char *place = command != NULL ? command->name : "before a command";
	if (nearest != NULL)
		return cli_fail(c, CLI_USAGE, "usage", "%s: there is no option --%s; did you mean --%s?", place, typed,
				nearest);
	return cli_fail(c, CLI_USAGE, "usage", "%s: there is no option --%s", place, typed);
}

/* The option that the cursor is at, its value included. */
static enum cli_exit
take_option(struct args *out, struct cli *c, struct cursor *at)
{
	const char *name = at->argv[at->at++];
	if (strcmp(name, "-h") == 0)
		name = "--help";
	else if (strcmp(name, "-c") == 0) /* as rensad has it */
		name = "--config";
	if (strncmp(name, "--", 2) != 0)
		return cli_fail(c, CLI_USAGE, "usage", "there is no option %.64s; options start with two dashes", name);
	name += 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;

	size_t index;
	const char **slot = NULL;
	const struct option_spec *spec = find_option(globals, GLOBAL_COUNT, name, len, &index);
	if (spec != NULL) {
		slot = &out->global[index];
	} else if (out->command != NULL) {
		spec = find_option(out->command->options, out->command->option_count, name, len, &index);
		slot = &out->value[index];
	}
	if (spec == NULL)
		return unknown_option(c, out->command, name, len);
	if (*slot != NULL)
		return cli_fail(c, CLI_USAGE, "usage", "--%s is given twice", spec->name);
	if (spec->arg == NULL) {
		if (value != NULL)
			return cli_fail(c, CLI_USAGE, "usage", "--%s takes no value", spec->name);
		value = "";
	} else if (value == NULL) {
		if (at->at == at->argc)
			return cli_fail(c, CLI_USAGE, "usage", "--%s needs a value: --%s %s", spec->name, spec->name,
					spec->arg);
		value = at->argv[at->at++];
	}
	*slot = value;
	return CLI_DONE;
}

/* Takes options up to the next other word, NULL at the end. */
static enum cli_exit
next_word(const char **word, struct args *out, struct cli *c, struct cursor *at)
{
	while (at->at < at->argc) {
		const char *text = at->argv[at->at];
		if (at->is_ended || text[0] != '-' || text[1] == '\0') {
			at->at++;
			*word = text;
			return CLI_DONE;
		}
		if (strcmp(text, "--") == 0) {
			at->at++;
			at->is_ended = true;
			continue;
		}
		enum cli_exit ret = take_option(out, c, at);
		if (ret != CLI_DONE)
			return ret;
	}
	*word = NULL;
	return CLI_DONE;
}

static bool
wants_words_only(const struct args *a)
{
	return a->global[GLOBAL_HELP] != NULL || a->global[GLOBAL_VERSION] != NULL;
}

static enum cli_exit
take_command(struct args *out, struct cli *c, const struct command *const *commands, size_t count, struct cursor *at)
{
	const char *first, *second = NULL;
	enum cli_exit ret = next_word(&first, out, c, at);
	if (ret != CLI_DONE)
		return ret;
	if (first == NULL)
		return wants_words_only(out) ? CLI_DONE : cli_fail(c, CLI_USAGE, "usage", "no command is given");
	if (command_is_group(commands, count, first)) {
		ret = next_word(&second, out, c, at);
		if (ret != CLI_DONE)
			return ret;
		if (second == NULL) {
			out->group = first;
			if (wants_words_only(out))
				return CLI_DONE;
			c->command = first;
			return cli_fail(c, CLI_USAGE, "usage", "'%s' needs a second word", first);
		}
	}
	out->command = command_find(commands, count, first, second);
	if (out->command == NULL)
		return command_unknown(c, commands, count, first, second);
	c->command = out->command->name;
	return CLI_DONE;
}

static enum cli_exit
check_complete(const struct args *a, struct cli *c)
{
	const struct command *command = a->command;
	if (command == NULL || wants_words_only(a))
		return CLI_DONE;
	if (a->operands < command->operands_min)
		return cli_fail(c, CLI_USAGE, "usage", "'%s' needs %s", command->name, command->operands);
	for (size_t i = 0; i < command->option_count; i++) {
		const struct option_spec *spec = &command->options[i];
		if (spec->is_required && a->value[i] == NULL)
			return cli_fail(c, CLI_USAGE, "usage", "'%s' needs --%s%s%s", command->name, spec->name,
					spec->arg != NULL ? " " : "", spec->arg != NULL ? spec->arg : "");
	}
	return CLI_DONE;
}

enum cli_exit
args_parse(struct args *out, struct cli *c, const struct command *const *commands, size_t count, int argc, char **argv)
{
	*out = (struct args){0};
	struct cursor at = {.argc = argc, .argv = argv, .at = 1};
	enum cli_exit ret = take_command(out, c, commands, count, &at);
	while (ret == CLI_DONE && out->command != NULL) {
		const char *word;
		ret = next_word(&word, out, c, &at);
		if (ret != CLI_DONE || word == NULL)
			break;
		if (out->operands == out->command->operands_max)
			return cli_fail(c, CLI_USAGE, "usage", "'%s' does not know what to do with '%.64s'",
					out->command->name, word);
		out->operand[out->operands++] = word;
	}
	return ret == CLI_DONE ? check_complete(out, c) : ret;
}

void
command_usage(struct buf *out, const struct command *command)
{
	buf_puts(out, command->name);
	if (command->operands[0] != '\0')
		buf_printf(out, " %s", command->operands);
	for (size_t i = 0; i < command->option_count; i++) {
		const struct option_spec *spec = &command->options[i];
		buf_printf(out, " %s--%s%s%s%s", spec->is_required ? "" : "[", spec->name, spec->arg != NULL ? " " : "",
			   spec->arg != NULL ? spec->arg : "", spec->is_required ? "" : "]");
	}
}
