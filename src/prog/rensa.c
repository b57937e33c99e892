/*
 * rensa: the command-line client and wallet. This file is the table of commands, help, and main; each command lives in
 * cmd_NOUN.c. Help is made from the same tables that parse the command line, so it cannot fall behind.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "prog/commands.h"
#include "prog/table.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/log.h"
#include "wire/json.h"

static enum cli_exit run_help(struct cli *c, const struct args *a);

static const struct command cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .operands_max = 2,
    .summary = "the commands, or how one is used",
    .about = "The same as --help behind a command.\n",
    .example = "rensa help send\n",
    .run = run_help,
};

/* In the order in which somebody new will want them. */
static const struct command *const commands[] = {
    &cmd_wallet_create, &cmd_wallet_list,   &cmd_wallet_address,
    &cmd_wallet_export, &cmd_wallet_import, &cmd_mine,
    &cmd_balance,	&cmd_send,	    &cmd_tx,
    &cmd_status,	&cmd_health,	    &cmd_peers,
    &cmd_blocks,	&cmd_block,	    &cmd_watch,
    &cmd_reload,	&cmd_verify,	    &cmd_export,
    &cmd_import,	&cmd_backup,	    &cmd_compact,
    &cmd_log_level,	&cmd_doctor,	    &cmd_help,
};

static const char exit_codes[] =
    "exit codes: 0 done; 1 refused by the node, or a check failed; 2 bad usage; 3 no node answers;\n"
    "            4 a wallet or local file.\n"
    "With --json a command prints one JSON document on standard output if it ends with 0. Otherwise it prints\n"
    "nothing there, and {\"error\":{\"code\",\"message\"}} on standard error (with \"id\" if a transfer was sent).\n";

static void
put_options(struct buf *out, const struct option_spec *options, size_t count)
{
	struct table t;
	table_begin(&t, 2, 0);
	for (size_t i = 0; i < count; i++) {
		const char *arg = options[i].arg != NULL ? options[i].arg : "";
		table_cell(&t, "--%s%s%s", options[i].name, arg[0] != '\0' ? " " : "", arg);
		table_cell(&t, "%s", options[i].help);
	}
	table_end(&t, out, "  ");
}

/* Appends text with every line indented. */
static void
put_indented(struct buf *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		buf_puts(out, "  ");
		buf_append(out, text, len);
		buf_putc(out, '\n');
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

/* The commands that start with the word group, or all if it is NULL. */
static void
put_commands(struct buf *out, const char *group)
{
	struct table t;
	table_begin(&t, 2, 0);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const char *name = commands[i]->name;
		size_t len = group != NULL ? strlen(group) : 0;
		if (group != NULL && (strncmp(name, group, len) != 0 || name[len] != ' '))
			continue;
		const char *operands = commands[i]->operands;
		table_cell(&t, "%s%s%s", name, operands[0] != '\0' ? " " : "", operands);
		table_cell(&t, "%s", commands[i]->summary);
	}
	table_end(&t, out, "  ");
}

static void
help_all(struct buf *out)
{
	buf_puts(out, "rensa: the command-line client and wallet of a Rensa node\n\n"
		      "usage: rensa [--node URL] [--json] COMMAND ...\n\n"
		      "commands (rensa help COMMAND tells more):\n");
	put_commands(out, NULL);
	buf_puts(out, "\noptions of every command:\n");
	put_options(out, global_options(), GLOBAL_COUNT);
	buf_printf(out, "\n%s", exit_codes);
	buf_puts(out, "\nfirst steps:\n"
		      "  rensa wallet create alice\n"
		      "  rensa mine --to alice\n"
		      "  rensa balance alice\n");
}

static void
help_command(struct buf *out, const struct command *command)
{
	buf_printf(out, "rensa %s: %s\n\nusage: rensa ", command->name, command->summary);
	command_usage(out, command);
	buf_printf(out, "\n\n%s", command->about);
	if (command->option_count > 0) {
		buf_puts(out, "\noptions:\n");
		put_options(out, command->options, command->option_count);
	}
	buf_puts(out, "\nexample:\n");
	put_indented(out, command->example);
	buf_puts(out, "\nrensa help  lists the options of every command, and the exit codes.\n");
}

static void
json_command(struct jout *j, const struct command *command)
{
	struct buf usage;
	buf_init(&usage);
	command_usage(&usage, command);
	jout_object(j);
	jout_kstring(j, "name", command->name);
	jout_kstring(j, "usage", usage.data);
	jout_kstring(j, "summary", command->summary);
	jout_kstring(j, "about", command->about);
	jout_kstring(j, "example", command->example);
	jout_key(j, "options");
	jout_array(j);
	for (size_t i = 0; i < command->option_count; i++) {
		const struct option_spec *spec = &command->options[i];
		jout_object(j);
		jout_kstring(j, "name", spec->name);
		jout_key(j, "value");
		if (spec->arg != NULL)
			jout_string(j, spec->arg);
		else
			jout_null(j);
		jout_kstring(j, "help", spec->help);
		jout_kbool(j, "required", spec->is_required);
		jout_object_end(j);
	}
	jout_array_end(j);
	jout_object_end(j);
	buf_clear(&usage);
}

/* Help on one command, or on those that share a first word, or on all. */
static void
put_help(struct cli *c, const struct command *command, const char *group)
{
	if (c->is_json) {
		struct jout j = jout_to(&c->out);
		if (command != NULL) {
			json_command(&j, command);
			return;
		}
		jout_object(&j);
		jout_key(&j, "commands");
		jout_array(&j);
		for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
			size_t len = group != NULL ? strlen(group) : 0;
			if (group == NULL || strncmp(commands[i]->name, group, len) == 0)
				json_command(&j, commands[i]);
		}
		jout_array_end(&j);
		jout_object_end(&j);
	} else if (command != NULL) {
		help_command(&c->out, command);
	} else if (group != NULL) {
		buf_printf(&c->out, "rensa %s COMMAND, of these:\n", group);
		put_commands(&c->out, group);
	} else {
		help_all(&c->out);
	}
}

static enum cli_exit
run_help(struct cli *c, const struct args *a)
{
	const char *first = a->operand[0], *second = a->operand[1];
	if (first == NULL) {
		put_help(c, NULL, NULL);
		return CLI_DONE;
	}
	const struct command *command = command_find(commands, ARRAY_LEN(commands), first, second);
	bool is_group = second == NULL && command_is_group(commands, ARRAY_LEN(commands), first);
	if (command == NULL && !is_group)
		return command_unknown(c, commands, ARRAY_LEN(commands), first, second);
	put_help(c, command, is_group ? first : NULL);
	return CLI_DONE;
}

static void
put_version(struct cli *c)
{
	if (c->is_json) {
		struct jout j = jout_to(&c->out);
		jout_object(&j);
		jout_kstring(&j, "version", PACKAGE_VERSION);
		jout_object_end(&j);
	}
	cli_say(c, "rensa %s", PACKAGE_VERSION);
}

/* Even the complaint about a broken command line should come in the form that it asks for. */
static bool
asks_for_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

static enum cli_exit
run(struct cli *c, int argc, char **argv)
{
	struct args a;
	c->is_json = asks_for_json(argc, argv);
	enum cli_exit ret = args_parse(&a, c, commands, ARRAY_LEN(commands), argc, argv);
	if (ret != CLI_DONE)
		return ret;
	c->is_json = a.global[GLOBAL_JSON] != NULL;
	if (a.global[GLOBAL_VERSION] != NULL) {
		put_version(c);
		return CLI_DONE;
	}
	if (a.global[GLOBAL_HELP] != NULL) {
		put_help(c, a.command, a.group);
		return CLI_DONE;
	}
	/* Help needs no home. */
	if (a.command == &cmd_help)
		return a.command->run(c, &a);
	ret = cli_settle(c, a.global[GLOBAL_NODE], a.global[GLOBAL_HOME]);
	if (ret == CLI_DONE && a.command->needs_home && c->home[0] == '\0')
		ret = cli_no_home(c);
	return ret == CLI_DONE ? a.command->run(c, &a) : ret;
}

int
main(int argc, char **argv)
{
	/* No core file may hold a secret key, and a broken connection or pipe is an error to tell, not an end. */
	const struct rlimit no_core = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGPIPE, SIG_IGN);
	fd_take_standard();
	failpoint_load();
	log_set_level(LOG_LEVEL_ERROR);

	struct cli c;
	cli_init(&c);
	return cli_finish(&c, run(&c, argc, argv));
}
