/*
 * A node's data folder as the client's offline commands use it: which network it is of, its journal, its pool's log,
 * and its lock. Failures are noted for the user: CLI_REFUSED if the folder is damaged, of another network or in use,
 * CLI_LOCAL if it cannot be read or written.
 */
#ifndef RENSA_PROG_FOLDER_H
#define RENSA_PROG_FOLDER_H

#include <stdbool.h>

#include "chain/params.h"
#include "disk/datadir.h"
#include "disk/framelog.h"
#include "disk/journal.h"
#include "prog/cli.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define FOLDER_DEFAULT "/var/lib/rensa"
#define FOLDER_OPTION_HELP "the data folder (" FOLDER_DEFAULT ")"

struct folder {
	struct cli *cli;
	const char *path; /* borrowed */
	struct params params;
	struct hash256 genesis;
	struct framelog *journal_log, *pool_log;
	struct journal journal; /* once folder_read has been called */
	int lock;		/* -1: not ours */
	bool is_in_use;		/* a node runs on it, so it grows while we read */
	char holder[DATADIR_HOLDER_SIZE];
};

/* To read: a node may run on it meanwhile. path NULL: the default. folder_close is due in any case. */
enum cli_exit folder_open(struct folder *f, struct cli *c, const char *path) MUSTCHECK;
/*
 * To write: takes the lock. params (may be NULL): the folder is made if it is not there and becomes one of that network;
 * one of another network is refused.
 */
enum cli_exit folder_lock(struct folder *f, struct cli *c, const char *path, const struct params *params) MUSTCHECK;
void folder_close(struct folder *f);

/* Reads the whole journal and checks its frames; a torn end is cut off if the lock is ours. */
enum cli_exit folder_read(struct folder *f) MUSTCHECK;
/* The same without a failure noted: what came before the damage is in f->journal, why says what it is. */
enum err folder_read_some(struct folder *f, struct buf *why) MUSTCHECK;
/* Notes a failure of the disk layer: why (may be empty) is its sentence. */
enum cli_exit folder_fail(struct cli *c, enum err e, const struct buf *why);

#endif
