/* rensa export: a whole chain in one file, from a folder's journal or from a running node. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/chainfile.h"
#include "prog/commands.h"
#include "prog/folder.h"
#include "prog/netchain.h"
#include "prog/progress.h"
#include "prog/source.h"
#include "util/file.h"
#include "util/fileio.h"
#include "wire/json.h"

enum { EXPORT_DATA };

static const struct option_spec options[] = {
    [EXPORT_DATA] = {"data", "DIR", "read the journal of this data folder instead of asking a node", false},
};

/* Where it goes. A file has its name only once it is complete. */
struct target {
	struct cli *cli;
	const char *path;
	char part[PATH_MAX]; /* "" on standard output */
	int fd;
	struct chainfile_writer writer;
};

static enum cli_exit
fail_write(const struct target *t, enum err e)
{
	int saved = errno;

	if (t->part[0] == '\0')
		return cli_fail(t->cli, CLI_LOCAL, "output", "cannot write to standard output: %s", strerror(saved));
	return cli_fail(t->cli, CLI_LOCAL, e == ERR_NOSPC ? "disk-full" : "local-file", "cannot write %s: %s", t->path,
			strerror(saved));
}

static enum cli_exit
target_open(struct target *t, struct cli *c, const char *path)
{
	enum err e;

	*t = (struct target){.cli = c, .path = path, .fd = -1};
	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO) == 1)
			return cli_fail(c, CLI_USAGE, "usage",
					"standard output is a terminal: name a file, or pipe it somewhere");
		if (c->is_json)
			return cli_fail(c, CLI_USAGE, "usage",
					"standard output cannot have the chain and a document: name a "
					"file, or leave --json");
		t->fd = STDOUT_FILENO;
		return CLI_DONE;
	}
	if (access(path, F_OK) == 0)
		return cli_fail(c, CLI_LOCAL, "exists", "there is a file %s already: choose another name, or remove it",
				path);
	if (snprintf(t->part, sizeof(t->part), "%s.part", path) >= (int)sizeof(t->part))
		return cli_fail(c, CLI_LOCAL, "local-file", "the path is too long: %.200s…", path);
	e = file_open(&t->fd, t->part, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	return e == OK ? CLI_DONE : fail_write(t, e);
}

static enum cli_exit
target_begin(struct target *t, const struct params *params, const struct head *tip)
{
	struct chainfile_head head = {*params, *tip};
	enum err e = chainfile_begin(&t->writer, t->fd, &head);

	return e == OK ? CLI_DONE : fail_write(t, e);
}

static enum cli_exit
target_add(void *ctx, const struct block *b)
{
	struct target *t = ctx;
	enum err e = chainfile_add(&t->writer, b->bytes, b->size);

	return e == OK ? CLI_DONE : fail_write(t, e);
}

static enum cli_exit
target_end(struct target *t)
{
	enum err e = chainfile_end(&t->writer);

	if (e == OK && t->part[0] != '\0' && (e = file_sync(t->fd)) == OK)
		e = file_rename(t->part, t->path);
	return e == OK ? CLI_DONE : fail_write(t, e);
}

static void
target_close(struct target *t, enum cli_exit ret)
{
	chainfile_writer_clear(&t->writer);
	if (t->part[0] == '\0')
		return;
	if (t->fd != -1 && ret != CLI_DONE)
		(void)!file_unlink(t->part);
	fd_close(&t->fd);
}

static enum cli_exit
write_journal(struct target *t, struct folder *f, const uint32_t *order, uint32_t count)
{
	enum cli_exit ret;
	struct progress p;
	struct head tip;
	struct block b;
	enum err e;

	if ((ret = source_head(f, &tip, order, count)) != CLI_DONE)
		return ret;
	ret = target_begin(t, &f->params, &tip);
	progress_begin(&p, f->cli, "exporting");
	for (uint32_t i = 0; i < count && ret == CLI_DONE; i++) {
		progress_at(&p, i, count);
		if ((e = journal_block(&f->journal, &b, order[i])) != OK)
			ret = cli_fail(f->cli, CLI_LOCAL, "local-file", "cannot read the journal of %s: %s", f->path,
				       err_text(e));
		else
			ret = target_add(t, &b);
	}
	progress_end(&p);
	return ret;
}

static enum cli_exit
export_data(struct target *t, const char *data)
{
	struct folder f;
	uint32_t *order = NULL, count = 0;
	enum cli_exit ret = folder_open(&f, t->cli, data);

	if (ret == CLI_DONE)
		ret = folder_read(&f);
	if (ret == CLI_DONE) {
		journal_chain(&f.journal, &order, &count);
		ret = write_journal(t, &f, order, count);
	}
	free(order);
	folder_close(&f);
	return ret;
}

static enum cli_exit
export_node(struct target *t)
{
	struct netchain n;
	enum cli_exit ret = netchain_open(&n, t->cli);

	if (ret == CLI_DONE)
		ret = netchain_headers(&n);
	if (ret == CLI_DONE)
		ret = target_begin(t, &n.params, &n.tip);
	if (ret == CLI_DONE)
		ret = netchain_blocks(&n, "exporting", target_add, t);
	netchain_close(&n);
	return ret;
}

static void
say_done(struct cli *c, const struct target *t)
{
	char hash[HASH_HEX_SIZE];
	struct jout j = jout_to(&c->out);

	if (t->part[0] == '\0')
		return;
	hash_hex(hash, &t->writer.tip);
	cli_say(c, "%s holds %" PRIu64 " blocks, up to %s", t->path, t->writer.blocks, hash);
	if (!c->is_json)
		return;
	jout_object(&j);
	jout_kstring(&j, "file", t->path);
	jout_ku64(&j, "height", t->writer.blocks);
	jout_kstring(&j, "head", hash);
	jout_object_end(&j);
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	const char *data = a->value[EXPORT_DATA];
	struct target t;
	enum cli_exit ret = source_check(c, a, data);

	if (ret == CLI_DONE)
		ret = target_open(&t, c, a->operand[0]);
	if (ret != CLI_DONE)
		return ret;
	ret = data != NULL ? export_data(&t, data) : export_node(&t);
	if (ret == CLI_DONE)
		ret = target_end(&t);
	if (ret == CLI_DONE)
		say_done(c, &t);
	target_close(&t, ret);
	return ret;
}

const struct command cmd_export = {
    .name = "export",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "write the whole chain into one file",
    .about =
	"From the node at --node, or with --data from a folder, whether its node runs or not. The file says which\n"
	"network it is of, and every part of it has a checksum; rensa import reads it. With - for FILE it goes to\n"
	"standard output. Pending transfers and wallets are not in it.\n",
    .example = "rensa export chain.rensa\n"
	       "rensa export - --data /var/lib/rensa | zstd > chain.rensa.zst\n",
    .run = run,
};
