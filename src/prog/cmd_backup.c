/*
 * rensa backup: a data folder from a running node, which another node can start from. The chain is the one that the
 * node's headers name at one moment. The pool is asked before and after: whatever waited then is in the folder, unless
 * the chain in it has it.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk/journal_writer.h"
#include "disk/netfile.h"
#include "disk/poollog.h"
#include "prog/commands.h"
#include "prog/folder.h"
#include "prog/netchain.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/fileio.h"
#include "util/mem.h"
#include "wire/json.h"
#include "wire/views.h"

#define POOL_PAYLOAD (1u << 20)

struct backup {
	struct cli *cli;
	struct netchain n;
	char path[PATH_MAX], part[PATH_MAX + 8]; /* made under the second name */
	struct framelog *journal_log, *pool_log;
	struct journal_writer writer;
	struct log_place pool_place;
	struct buf payload;
	struct hash256 *ids; /* of the transfers that are in the log */
	size_t count, room;
	size_t sorted; /* so many of them, from the first pass, are in order */
};

static enum cli_exit
fail_write(struct backup *b, enum err e, const struct buf *why)
{
	return cli_fail(b->cli, CLI_LOCAL, e == ERR_NOSPC ? "disk-full" : "local-file",
			"cannot write the backup %s: %s", b->path,
			why != NULL && why->len > 0 ? why->data : err_text(e));
}

static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool is = dir != NULL;

	while (dir != NULL && is && (entry = readdir(dir)) != NULL)
		is = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (dir != NULL)
		closedir(dir);
	return is;
}

/* The names, and nothing in the way of them. */
static enum cli_exit
check_place(struct backup *b, const char *path)
{
	size_t len = strlen(path);
	struct stat st;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(b->path))
		return cli_fail(b->cli, CLI_USAGE, "usage", "the path of the backup is empty or too long");
	memcpy(b->path, path, len);
	snprintf(b->part, sizeof(b->part), "%s.part", b->path);
	if (lstat(b->path, &st) == 0 && !(S_ISDIR(st.st_mode) && is_empty(b->path)))
		return cli_fail(b->cli, CLI_LOCAL, "exists",
				"%s is there already and is not an empty folder: a backup needs a new one", b->path);
	if (lstat(b->part, &st) == 0)
		return cli_fail(b->cli, CLI_LOCAL, "exists", "%s is there, of a backup that was cut short: remove it",
				b->part);
	return CLI_DONE;
}

static struct framelog *
log_of(const struct backup *b, const char *name, enum log_kind kind)
{
	char folder[sizeof(b->part) + 16];
	struct framelog_options o = {.folder = folder,
				     .kind = kind,
				     .genesis = b->n.genesis,
				     .is_synced = true,
				     .file_max = kind == LOG_POOL ? POOLLOG_FILE_MAX : 0,
				     .step = kind == LOG_POOL ? POOLLOG_STEP : 0};

	snprintf(folder, sizeof(folder), "%s/%s", b->part, name);
	return framelog_new(&o);
}

static enum cli_exit
begin(struct backup *b)
{
	static const struct log_place nowhere;
	enum cli_exit ret = CLI_DONE;
	struct buf why;
	enum err e;

	buf_init(&why);
	if ((e = dir_make(b->part)) != OK)
		ret = cli_fail(b->cli, CLI_LOCAL, "local-file", "cannot make the folder %s: %s", b->part,
			       strerror(errno));
	else if ((e = netfile_write(b->part, &b->n.params, &why)) != OK)
		ret = fail_write(b, e, &why);
	buf_clear(&why);
	b->journal_log = log_of(b, JOURNAL_FOLDER, LOG_JOURNAL);
	b->pool_log = log_of(b, POOLLOG_FOLDER, LOG_POOL);
	journal_writer_init(&b->writer, b->journal_log, &nowhere);
	return ret;
}

static enum cli_exit
flush_pool(struct backup *b)
{
	struct frame frame;
	enum err e;

	if (b->payload.len == 0)
		return CLI_DONE;
	frame_begin(&frame);
	e = frame_add(&frame, b->payload.data, b->payload.len)
		? framelog_append(b->pool_log, &b->pool_place, &frame, false)
		: ERR_LIMIT;
	buf_reset(&b->payload);
	return e == OK ? CLI_DONE : fail_write(b, e, NULL);
}

static int
compare_ids(const void *x, const void *y)
{
	return hash_compare(x, y);
}

static enum cli_exit
take_transfer(struct backup *b, const struct jval *v)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct field_error error;
	struct hash256 id;
	struct tx tx;

	if (!view_tx_parse(&tx, v, b->n.params.address_version, &error))
		return remote_bad(&b->n.http, error.message);
	id = tx_id(&tx);
	if (b->sorted > 0 && bsearch(&id, b->ids, b->sorted, sizeof(id), compare_ids) != NULL)
		return CLI_DONE;
	if (b->count == b->room) {
		b->room = b->room == 0 ? 1024 : b->room * 2;
		b->ids = xrealloc(b->ids, b->room * sizeof(*b->ids));
	}
	b->ids[b->count++] = id;
	tx_encode(&w, &tx);
	/* Nobody says whether it came from a client; as one that did it is never crowded out. */
	poollog_put(&b->payload, &(struct poollog_entry){clock_wall_ms(), true, bytes, writer_len(&w)});
	return b->payload.len < POOL_PAYLOAD ? CLI_DONE : flush_pool(b);
}

/* What waits at the node and is not in the log yet. */
static enum cli_exit
copy_pool(struct backup *b)
{
	enum cli_exit ret = CLI_DONE;
	const struct jval *list;
	uint64_t after = 0;
	struct answer a;
	char path[64];
	bool is_more = true;

	if (b->count > 0)
		qsort(b->ids, b->count, sizeof(*b->ids), compare_ids);
	b->sorted = b->count;
	b->n.http.max_reply = REMOTE_BLOCKS_MAX;
	while (ret == CLI_DONE && is_more) {
		snprintf(path, sizeof(path), "/transactions?after=%" PRIu64, after);
		if ((ret = remote_call(&b->n.http, &a, path, NULL)) != CLI_DONE)
			return ret;
		list = jval_get(a.root, "transactions");
		if (!jval_is_array(list))
			ret = remote_bad(&b->n.http, "its pool is no list of transactions");
		for (size_t i = 0; ret == CLI_DONE && i < jval_count(list); i++)
			ret = take_transfer(b, jval_at(list, i));
		is_more = jval_is_integer(jval_get(a.root, "next"));
		if (is_more && jval_u64(a.root, "next", 0) <= after && ret == CLI_DONE)
			ret = remote_bad(&b->n.http, "its pool never ends");
		after = jval_u64(a.root, "next", 0);
		answer_clear(&a);
	}
	return ret == CLI_DONE ? flush_pool(b) : ret;
}

static enum cli_exit
take_block(void *ctx, const struct block *block)
{
	struct backup *b = ctx;
	enum err e;

	if (!journal_writer_fits(&b->writer, block->size) && (e = journal_writer_flush(&b->writer, NULL)) != OK)
		return fail_write(b, e, NULL);
	journal_writer_add(&b->writer, &block->hash, block->bytes, block->size);
	return CLI_DONE;
}

/* The folder gets its name once everything in it is on the disk. */
static enum cli_exit
end(struct backup *b)
{
	enum err e = journal_writer_close(&b->writer, b->n.count > 0 ? &b->n.tip : NULL);

	if (e == OK)
		e = folder_sync(b->part);
	if (e == OK)
		e = file_rename(b->part, b->path);
	return e == OK ? CLI_DONE : fail_write(b, e, NULL);
}

static enum cli_exit
copy(struct backup *b)
{
	enum cli_exit ret = begin(b);

	if (ret == CLI_DONE)
		ret = copy_pool(b);
	if (ret == CLI_DONE)
		ret = netchain_headers(&b->n);
	if (ret == CLI_DONE)
		ret = netchain_blocks(&b->n, "copying", take_block, b);
	if (ret == CLI_DONE)
		ret = copy_pool(b);
	return ret == CLI_DONE ? end(b) : ret;
}

static void
say_done(struct cli *c, const struct backup *b)
{
	char hash[HASH_HEX_SIZE];
	struct jout j = jout_to(&c->out);

	hash_hex(hash, &b->n.tip.hash);
	cli_say(c, "%s holds the chain up to block %" PRIu64 " %s and %zu pending transfers", b->path, b->n.tip.height,
		hash, b->count);
	cli_say(c, "next: check it with  rensa verify --data %s ; a node starts from it as its data_dir", b->path);
	if (!c->is_json)
		return;
	jout_object(&j);
	jout_kstring(&j, "folder", b->path);
	jout_ku64(&j, "height", b->n.tip.height);
	jout_kstring(&j, "head", hash);
	jout_ku64(&j, "transactions", b->count);
	jout_object_end(&j);
}

/* What was made of it; only files that we made are in it. */
static void
remove_part(const struct backup *b)
{
	static const char *const folders[] = {JOURNAL_FOLDER, POOLLOG_FOLDER, ""};
	char path[sizeof(b->part) + NAME_MAX + 32];
	struct dirent *entry;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		char folder[sizeof(b->part) + 16];
		snprintf(folder, sizeof(folder), "%s/%s", b->part, folders[i]);
		DIR *dir = opendir(folder);
		while (dir != NULL && (entry = readdir(dir)) != NULL) {
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			if (entry->d_name[0] != '.')
				(void)!remove(path);
		}
		if (dir != NULL)
			closedir(dir);
		(void)!remove(folder);
	}
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct backup b = {.cli = c};
	enum cli_exit ret = check_place(&b, a->operand[0]);

	if (ret == CLI_DONE)
		ret = netchain_open(&b.n, c);
	if (ret == CLI_DONE) {
		ret = copy(&b);
		if (ret == CLI_DONE)
			say_done(c, &b);
		else
			remove_part(&b);
	}
	journal_writer_clear(&b.writer);
	framelog_free(b.journal_log);
	framelog_free(b.pool_log);
	netchain_close(&b.n);
	buf_clear(&b.payload);
	free(b.ids);
	return ret;
}

const struct command cmd_backup = {
    .name = "backup",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "copy a running node's chain and pending transfers into a new folder",
    .about =
	"The folder is one that rensad starts from. The node goes on meanwhile; the chain in the folder is the one\n"
	"that it had at one moment, whole. The folder appears under its name once it is complete. Configuration and\n"
	"wallets are not in it.\n",
    .example = "rensa backup /srv/backup/rensa-monday --node http://127.0.0.2:5000\n",
    .run = run,
};
