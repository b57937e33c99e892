/*
 * The command line by tables: a command names its operands and options once, and parsing, error messages and help all
 * follow from that. Options may stand anywhere after the command (the global ones before it, too), as `--name value` or
 * `--name=value`; `--` ends them.
 */
#ifndef RENSA_PROG_ARGS_H
#define RENSA_PROG_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "prog/cli.h"
#include "util/attr.h"
#include "util/buf.h"

#define ARGS_OPTIONS_MAX 8
#define ARGS_OPERANDS_MAX 2

struct option_spec {
	const char *name; /* without the dashes */
	const char *arg;  /* what its value is called, NULL: it takes none */
	const char *help;
	bool is_required;
};

struct args;

struct command {
	const char *name;     /* one or two words */
	const char *operands; /* as help shows them, "" for none */
	size_t operands_min;
	size_t operands_max;
	const struct option_spec *options;
	size_t option_count;
	bool is_homeless;    /* has no use for wallets, nor for a folder to keep them in */
	const char *summary; /* half a line, no full stop */
	const char *about;   /* a few lines, each ended by \n */
	const char *example; /* likewise */
	enum cli_exit (*run)(struct cli *c, const struct args *a);
};

enum global_option { GLOBAL_NODE, GLOBAL_JSON, GLOBAL_HOME, GLOBAL_HELP, GLOBAL_VERSION, GLOBAL_COUNT };

/* All pointers are into argv. */
struct args {
	const struct command *command;	     /* NULL: none was given (only with --help or --version) */
	const char *group;		     /* a first word shared by several commands, if the second is missing */
	const char *global[GLOBAL_COUNT];    /* NULL: not given; "" for one without value */
	const char *value[ARGS_OPTIONS_MAX]; /* likewise, by position in the command's options */
	const char *operand[ARGS_OPERANDS_MAX];
	size_t operands;
};

/* CLI_DONE, or CLI_USAGE with the failure noted. With --help, operands and required options may be missing. */
enum cli_exit args_parse(struct args *out, struct cli *c, const struct command *const *commands, size_t count, int argc,
			 char **argv) MUSTCHECK;

/* The command of that name, of one or two words (second NULL: one). NULL: none. */
const struct command *command_find(const struct command *const *commands, size_t count, const char *first,
				   const char *second);
/* Do several commands start with that word? */
bool command_is_group(const struct command *const *commands, size_t count, const char *word);
/* Notes that there is no such command, with the nearest name. */
enum cli_exit command_unknown(struct cli *c, const struct command *const *commands, size_t count, const char *first,
			      const char *second);

/* "send --from NAME --to NAME|ADDRESS [--wait]" */
void command_usage(struct buf *out, const struct command *command);
const struct option_spec *global_options(void); /* GLOBAL_COUNT of them */

#endif
