/*
 * The order of deletion: what is derived before what it is derived from, and of a log the newest file first. So what a
 * deletion that was cut short leaves is a shorter history, which a node starts from, and never one with a hole.
 */
#include "disk/contents.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk/journal.h"
#include "disk/netfile.h"
#include "disk/peerfile.h"
#include "disk/poollog.h"
#include "framelog_file.h"
#include "util/fileio.h"
#include "util/mem.h"
#include "util/text.h"

static void
add(struct contents *c, const char *data_dir, const char *name, uint64_t number)
{
	char path[PATH_MAX];
	struct stat st;
	struct content *item;

	if (snprintf(path, sizeof(path), "%s/%s", data_dir, name) >= (int)sizeof(path) || lstat(path, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	c->items = xrealloc(c->items, (c->count + 1) * sizeof(*c->items));
	item = &c->items[c->count++];
	*item = (struct content){.number = number, .size = (uint64_t)st.st_size};
	text_copy(item->name, sizeof(item->name), name);
}

/* NUMBER.log or NUMBER.log.new */
static bool
is_log(uint64_t *number, const char *name)
{
	char digits[FRAMELOG_NAME_SIZE];
	size_t len = strspn(name, "0123456789");

	if (len < 8 || len >= sizeof(digits) ||
	    (strcmp(name + len, LOG_SUFFIX) != 0 && strcmp(name + len, LOG_NEW_SUFFIX) != 0))
		return false;
	memcpy(digits, name, len);
	digits[len] = '\0';
	return text_u64(number, strspn(digits, "0") == len ? "0" : digits + strspn(digits, "0"), UINT64_MAX) == OK;
}

static int
newest_first(const void *a, const void *b)
{
	const struct content *x = a, *y = b;

	return x->number != y->number ? (x->number < y->number ? 1 : -1) : strcmp(y->name, x->name);
}

static enum err
add_logs(struct contents *c, const char *data_dir, const char *folder, struct buf *why)
{
	char path[PATH_MAX], name[CONTENTS_NAME_SIZE];
	size_t before = c->count;
	struct dirent *entry;
	uint64_t number;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/%s", data_dir, folder) >= (int)sizeof(path))
		return ERR_LIMIT;
	dir = opendir(path);
	if (dir == NULL && errno != ENOENT) {
		buf_printf(why, "cannot read the folder %s: %s", path, strerror(errno));
		return err_of_errno();
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!is_log(&number, entry->d_name))
			continue;
		snprintf(name, sizeof(name), "%s/%.32s", folder, entry->d_name);
		add(c, data_dir, name, number);
	}
	if (dir != NULL)
		closedir(dir);
	if (c->count > before)
		qsort(c->items + before, c->count - before, sizeof(*c->items), newest_first);
	return OK;
}

enum err
contents_list(struct contents *c, const char *data_dir, struct buf *why)
{
	enum err e;

	*c = (struct contents){0};
	add(c, data_dir, CONTENTS_SNAPSHOT, 0);
	add(c, data_dir, CONTENTS_SNAPSHOT ".new", 0);
	if ((e = add_logs(c, data_dir, POOLLOG_FOLDER, why)) == OK)
		e = add_logs(c, data_dir, JOURNAL_FOLDER, why);
	add(c, data_dir, PEERFILE_NAME, 0);
	add(c, data_dir, NETFILE_NAME, 0);
	return e;
}

void
contents_clear(struct contents *c)
{
	free(c->items);
	*c = (struct contents){0};
}

enum err
contents_delete(const struct contents *c, const char *data_dir, struct buf *why)
{
	char path[PATH_MAX];
	enum err e = OK;

	for (size_t i = 0; i < c->count && e == OK; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", data_dir, c->items[i].name) >= (int)sizeof(path))
			e = ERR_LIMIT;
		/* The folder is synced each time: the order must hold on the disk too. */
		if (e == OK && (e = file_unlink(path)) == OK)
			e = folder_sync_of(path);
		if (e != OK)
			buf_printf(why, "cannot delete %s: %s", path, strerror(errno));
	}
	return e;
}
