#include "disk_maker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/poollog.h"
#include "process.h"
#include "store/commit.h"
#include "store/load.h"

#define SCRATCHES_MAX 8
#define LOCK_MS 30000
#define PATH_SIZE 512

static char scratches[SCRATCHES_MAX][PATH_SIZE];

static const char *const subfolders[] = {JOURNAL_FOLDER, POOLLOG_FOLDER};

static void
path_of(char path[PATH_SIZE], const char *folder, const char *sub, const char *name)
{
	int len =
	    snprintf(path, PATH_SIZE, "%s/%s%s%s", folder, sub, name == NULL ? "" : "/", name == NULL ? "" : name);

	need(len > 0 && len < PATH_SIZE);
}

typedef void with_file(const char *folder, const char *sub, const char *name, void *ctx);

static void
each_file(const char *folder, with_file *visit, void *ctx)
{
	char path[PATH_SIZE];
	struct dirent *entry;

	for (size_t i = 0; i < ARRAY_LEN(subfolders); i++) {
		DIR *dir;
		path_of(path, folder, subfolders[i], NULL);
		if ((dir = opendir(path)) == NULL)
			continue;
		while ((entry = readdir(dir)) != NULL)
			if (entry->d_name[0] != '.')
				visit(folder, subfolders[i], entry->d_name, ctx);
		closedir(dir);
	}
}

static void
remove_file(const char *folder, const char *sub, const char *name, void *ctx)
{
	char path[PATH_SIZE];

	(void)ctx;
	path_of(path, folder, sub, name);
	need(unlink(path) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
remove_folder(const char *folder)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Named by the program and the folder of the build, so that what a test that failed left is removed by the next one. */
const char *
scratch_make(void)
{
	char build[PATH_SIZE];
	struct hash256 h;
	size_t i = 0;

	while (scratches[i][0] != '\0')
		i++;
	need(i < SCRATCHES_MAX);
	need(getcwd(build, sizeof(build)) != NULL);
	h = sha256(build, strlen(build));
	/* A sync costs nothing there, and what is tested is not the disk. */
	snprintf(scratches[i], PATH_SIZE, "/dev/shm/rensa-%s.%02x%02x%02x%02x.%zu", program_invocation_short_name,
		 h.b[0], h.b[1], h.b[2], h.b[3], i);
	remove_folder(scratches[i]);
	need(mkdir(scratches[i], 0700) == 0);
	return scratches[i];
}

void
scratch_unmake(void)
{
	for (size_t i = 0; i < SCRATCHES_MAX; i++) {
		if (scratches[i][0] == '\0')
			continue;
		remove_folder(scratches[i]);
		scratches[i][0] = '\0';
	}
}

static void
copy_file(const char *folder, const char *sub, const char *name, void *ctx)
{
	static uint8_t bytes[1 << 16];
	char from[PATH_SIZE], to[PATH_SIZE];
	int in, out;
	ssize_t got;

	path_of(from, folder, sub, name);
	path_of(to, ctx, sub, NULL);
	mkdir(to, 0700);
	path_of(to, ctx, sub, name);
	need((in = open(from, O_RDONLY)) >= 0 && (out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600)) >= 0);
	while ((got = read(in, bytes, sizeof(bytes))) > 0)
		need(write(out, bytes, (size_t)got) == got);
	need(got == 0);
	close(in);
	close(out);
}

void
scratch_copy(const char *to, const char *from)
{
	each_file(to, remove_file, NULL);
	each_file(from, copy_file, (void *)(uintptr_t)to);
}

struct framelog *
scratch_log(const char *folder, enum log_kind kind, const struct store *s)
{
	char path[PATH_SIZE];
	struct framelog_options o = {.folder = path,
				     .kind = kind,
				     .genesis = *store_genesis(s),
				     .is_synced = true,
				     .file_max = LOG_FILE_MAX,
				     .step = LOG_STEP};

	path_of(path, folder, kind == LOG_JOURNAL ? JOURNAL_FOLDER : POOLLOG_FOLDER, NULL);
	return framelog_new(&o);
}

struct store *
durable_make(const char *folder, const struct segment_plan *plan)
{
	struct store *s = segment_make(plan);

	store_use_logs(s, scratch_log(folder, LOG_JOURNAL, s), scratch_log(folder, LOG_POOL, s));
	return s;
}

enum err
durable_load(struct store *s, uint32_t *restored, struct buf *why)
{
	struct mempool *pool;
	struct journal j;
	enum err e = journal_open(&j, store_journal(s), true, NULL, NULL, why);

	if (e != OK)
		return e;
	if ((e = store_load(s, &j, NULL, NULL, why)) == OK) {
		pool = mempool_open(s);
		e = mempool_restore(pool, &j, 1, restored, why);
		mempool_close(pool);
	}
	if (e == OK)
		store_loaded(s, &j.scan.place);
	journal_close(&j);
	return e;
}

struct store *
durable_start(const char *folder, const struct segment_plan *plan)
{
	struct store *s = durable_make(folder, plan);
	uint32_t restored;
	struct buf why;

	buf_init(&why);
	if (durable_load(s, &restored, &why) != OK)
		need_failed(__FILE__, __LINE__, why.data == NULL ? "the folder can be loaded" : why.data);
	need(restored == mempool_count(s));
	buf_clear(&why);
	return s;
}

enum err
durable_commit(struct maker *m)
{
	bool is_done = false;
	enum err e = OK;

	while (e == OK && !is_done) {
		if ((e = store_begin(m->store, LOCK_MS)) != OK)
			return e;
		e = store_stage_journal(m->store, m->at, &is_done);
		store_end(m->store);
	}
	return e == OK ? maker_commit(m) : e;
}

enum err
durable_grow(struct maker *m, struct blockref from, unsigned blocks, size_t transfers)
{
	enum err e = maker_stage(m, from, blocks, transfers);

	return e == OK ? durable_commit(m) : e;
}
