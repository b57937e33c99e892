/*
 * What rensa import does with an export file: judges its blocks one after another and hands them to a folder or a node.
 */
#ifndef RENSA_PROG_IMPORT_H
#define RENSA_PROG_IMPORT_H

#include <stdint.h>

#include "chain/replay.h"
#include "disk/chainfile.h"
#include "prog/cli.h"
#include "prog/progress.h"
#include "util/attr.h"

struct import {
	struct cli *cli;
	struct chainfile_reader file;
	struct replay *replay; /* up to the last block that was given */
	struct progress progress;
	uint64_t known;	   /* blocks that were there already */
	uint64_t imported; /* blocks that were not */
	uint64_t before;   /* height of the chain that was there */
	struct head after; /* of the chain that is there now */
};

/* path "-": standard input. import_close is due in any case. */
enum cli_exit import_open(struct import *m, struct cli *c, const char *path) MUSTCHECK;
void import_close(struct import *m);

/*
 * The next block, judged. Not CLI_DONE, with the failure noted: the file is damaged there, or a block breaks a rule; all
 * before it was good. *is_end: there is none, and the file is complete. is_known says whether there is one of that hash
 * already.
 */
typedef bool import_is_known(void *ctx, const struct hash256 *hash, uint64_t height);
enum cli_exit import_next(struct import *m, struct block *out, bool *is_end, import_is_known *is_known,
			  void *ctx) MUSTCHECK;

/* On failure everything up to the last good block is kept all the same, if it wins. */
enum cli_exit import_data(struct import *m, const char *data) MUSTCHECK;
enum cli_exit import_node(struct import *m) MUSTCHECK;

#endif
