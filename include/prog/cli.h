/*
 * What every command of the client shares: its settings, its output and the way in which it fails.
 *
 * Output is collected and written when the command is done (or by cli_flush), so that with --json a failure leaves
 * standard output empty: a command writes either one document there or one error document on standard error.
 */
#ifndef RENSA_PROG_CLI_H
#define RENSA_PROG_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "disk/keyfile.h"
#include "util/attr.h"
#include "util/buf.h"

#define CLI_DEFAULT_NODE "http://127.0.0.1:5000"

/* Exit codes, which scripts rely on. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_REFUSED = 1,     /* by the node, or a check failed */
	CLI_USAGE = 2,	     /* the command line makes no sense */
	CLI_UNREACHABLE = 3, /* no node answers, or what answers is none */
	CLI_LOCAL = 4	     /* a wallet, a local file, or standard output */
};

#define CLI_CODE_SIZE 64
#define CLI_MESSAGE_SIZE 2048

struct cli {
	bool is_json;
	const char *node;	      /* URL */
	char home[KEYFILE_PATH_SIZE]; /* "": nobody says where it is */
	struct buf out;

	/* Of a failure */
	char code[CLI_CODE_SIZE]; /* stable word; "" if nothing failed */
	char message[CLI_MESSAGE_SIZE];
	char tx_id[65];	     /* of the transfer that the failure is about, or "" */
	struct buf damage;   /* a JSON array for the error document: all that verify found; or empty */
	const char *command; /* whose help to point at after bad usage, or NULL */
};

void cli_init(struct cli *c);
/* Settles --node and --home (NULL: not given) with the environment and the defaults. */
enum cli_exit cli_settle(struct cli *c, const char *node, const char *home) MUSTCHECK;
/* The failure of whoever needs a home where there is none. */
enum cli_exit cli_no_home(struct cli *c);

/* One line for people, made safe for a terminal; nothing with --json. */
void cli_say(struct cli *c, const char *fmt, ...) PRINTFLIKE(2, 3);
/* An empty line; nothing with --json. */
void cli_blank(struct cli *c);
/* Writes what was said so far, for commands that go on for a while; nothing with --json. */
void cli_flush(struct cli *c);

/*
 * Writes what there is, with --json too: for commands that print one document after another as things happen. CLI_LOCAL,
 * noted, when nobody takes it any more.
 */
enum cli_exit cli_write(struct cli *c) MUSTCHECK;

/* Notes the failure and returns status, for `return cli_fail(…)`. A later failure replaces an earlier one. */
enum cli_exit cli_fail(struct cli *c, enum cli_exit status, const char *code, const char *fmt, ...) PRINTFLIKE(4, 5);

/* Writes output and failure, wipes and frees. Returns the exit code of the program. */
int cli_finish(struct cli *c, enum cli_exit status);

#endif
