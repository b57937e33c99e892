/*
 * A folder that a node is writing to may be read all the same, since its files only grow. What looks broken then may
 * just have been written between two looks: only what is found twice at the same place is.
 */
#include "prog/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/netfile.h"
#include "disk/poollog.h"
#include "prog/progress.h"
#include "util/clock.h"
#include "util/file.h"

#define LOCK_WAIT_MS 500
#define LOOKS_MAX 10
#define LOOK_PAUSE_MS 50

enum cli_exit
folder_fail(struct cli *c, enum err e, const struct buf *why)
{
	const char *text = why->len > 0 ? why->data : err_text(e);

	switch (e) {
	case ERR_FORMAT:
		return cli_fail(c, CLI_REFUSED, "damaged", "%s", text);
	case ERR_BUSY:
		return cli_fail(c, CLI_REFUSED, "in-use", "%s", text);
	case ERR_UNSUPPORTED:
		return cli_fail(c, CLI_LOCAL, "later-version", "%s", text);
	case ERR_NOSPC:
		return cli_fail(c, CLI_LOCAL, "disk-full", "%s", text);
	default:
		return cli_fail(c, CLI_LOCAL, "local-file", "%s", text);
	}
}

static struct framelog *
log_of(const struct folder *f, const char *name, enum log_kind kind)
{
	char path[PATH_MAX];
	struct framelog_options o = {.folder = path,
				     .kind = kind,
				     .genesis = f->genesis,
				     .is_synced = true,
				     .file_max = kind == LOG_POOL ? POOLLOG_FILE_MAX : 0,
				     .step = kind == LOG_POOL ? POOLLOG_STEP : 0};

	if (snprintf(path, sizeof(path), "%s/%s", f->path, name) >= (int)sizeof(path))
		path[0] = '\0';
	return framelog_new(&o);
}

static void
begin(struct folder *f, struct cli *c, const char *path)
{
	memset(f, 0, sizeof(*f));
	f->cli = c;
	f->path = path != NULL ? path : FOLDER_DEFAULT;
	f->lock = -1;
}

static void
open_logs(struct folder *f)
{
	f->genesis = genesis_hash(&f->params);
	f->journal_log = log_of(f, JOURNAL_FOLDER, LOG_JOURNAL);
	f->pool_log = log_of(f, POOLLOG_FOLDER, LOG_POOL);
}

static enum cli_exit
check_there(const struct folder *f)
{
	struct stat st;

	if (stat(f->path, &st) != 0)
		return cli_fail(f->cli, CLI_LOCAL, "local-file",
				"cannot look into the data folder %.1000s: %s; name the node's data_dir with --data",
				f->path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return cli_fail(f->cli, CLI_LOCAL, "local-file", "%.1000s is no folder", f->path);
	return CLI_DONE;
}

/* The network that the folder is of. */
static enum cli_exit
read_network(struct folder *f)
{
	enum cli_exit ret = CLI_DONE;
	struct buf why;
	enum err e;

	buf_init(&why);
	e = netfile_read(&f->params, f->path, &why);
	if (e == ERR_NOT_FOUND)
		ret = cli_fail(f->cli, CLI_LOCAL, "no-network",
			       "%s, so nobody knows the rules: if this is a node's data folder, start the node once, "
			       "which writes the file",
			       why.data);
	else if (e != OK)
		ret = folder_fail(f->cli, e, &why);
	else
		open_logs(f);
	buf_clear(&why);
	return ret;
}

enum cli_exit
folder_open(struct folder *f, struct cli *c, const char *path)
{
	enum cli_exit ret;

	begin(f, c, path);
	ret = check_there(f);
	if (ret == CLI_DONE)
		ret = read_network(f);
	if (ret == CLI_DONE)
		f->is_in_use = datadir_is_held(f->path, f->holder);
	return ret;
}

static enum cli_exit
settle_network(struct folder *f, const struct params *params)
{
	enum cli_exit ret = CLI_DONE;
	struct params theirs;
	const char *field;
	struct buf why;
	enum err e;

	buf_init(&why);
	e = netfile_read(&theirs, f->path, &why);
	if (e == OK && (field = params_difference(&theirs, params)) != NULL) {
		ret = cli_fail(f->cli, CLI_REFUSED, "wrong-network",
			       "the data folder %.500s is of network %s, the file of network %s: they differ in %s",
			       f->path, theirs.name, params->name, field);
	} else if (e == OK || e == ERR_NOT_FOUND) {
		f->params = *params;
		open_logs(f);
		buf_reset(&why);
		if ((e = netfile_settle(f->path, params, f->journal_log, &why)) != OK)
			ret = folder_fail(f->cli, e, &why);
	} else {
		ret = folder_fail(f->cli, e, &why);
	}
	buf_clear(&why);
	return ret;
}

/*
 * The superuser works as the owner of the folder: what he writes must be the node's to read and to write. Nothing to do
 * for a folder that is not there yet.
 */
static enum cli_exit
become_owner(const struct folder *f)
{
	struct stat st;

	if (geteuid() != 0 || stat(f->path, &st) != 0 || st.st_uid == 0)
		return CLI_DONE;
	if (setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0)
		return cli_fail(f->cli, CLI_LOCAL, "local-file", "cannot act as the owner of %s: %s", f->path,
				strerror(errno));
	return CLI_DONE;
}

enum cli_exit
folder_lock(struct folder *f, struct cli *c, const char *path, const struct params *params)
{
	enum cli_exit ret = CLI_DONE;
	struct buf why;
	enum err e;

	begin(f, c, path);
	if (params == NULL)
		ret = check_there(f);
	if (ret == CLI_DONE && datadir_is_held(f->path, f->holder))
		return cli_fail(c, CLI_REFUSED, "in-use",
				"a node runs on the data folder %.1000s (process %s): stop it first", f->path,
				f->holder[0] != '\0' ? f->holder : "unknown");
	if (ret == CLI_DONE)
		ret = become_owner(f);
	if (ret != CLI_DONE)
		return ret;
	buf_init(&why);
	if ((e = datadir_lock(&f->lock, f->path, LOCK_WAIT_MS, &why)) != OK)
		ret = folder_fail(c, e, &why);
	buf_clear(&why);
	if (ret != CLI_DONE)
		return ret;
	return params == NULL ? read_network(f) : settle_network(f, params);
}

void
folder_close(struct folder *f)
{
	journal_close(&f->journal);
	framelog_free(f->journal_log);
	framelog_free(f->pool_log);
	if (f->path != NULL)
		fd_close(&f->lock);
	f->journal_log = f->pool_log = NULL;
}

static void
at_block(void *ctx, uint32_t blocks)
{
	progress_at(ctx, blocks, 0);
}

enum err
folder_read_some(struct folder *f, struct buf *why)
{
	struct framelog_scan before = {0};
	struct progress p;
	enum err e;

	progress_begin(&p, f->cli, "reading the journal");
	for (int look = 0;; look++) {
		journal_close(&f->journal);
		buf_reset(why);
		e = journal_open_some(&f->journal, f->journal_log, f->lock != -1, at_block, &p, why);
		if (e == OK || !f->is_in_use || look == LOOKS_MAX ||
		    (look > 0 && f->journal.scan.place.position == before.place.position))
			break;
		before = f->journal.scan;
		clock_sleep_ms(LOOK_PAUSE_MS);
	}
	progress_end(&p);
	return e;
}

enum cli_exit
folder_read(struct folder *f)
{
	enum cli_exit ret = CLI_DONE;
	struct buf why;
	enum err e;

	buf_init(&why);
	if ((e = folder_read_some(f, &why)) == ERR_FORMAT)
		buf_printf(&why, "; rensa verify --data %s tells more", f->path);
	if (e != OK)
		ret = folder_fail(f->cli, e, &why);
	buf_clear(&why);
	return ret;
}
