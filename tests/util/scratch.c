#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

/* Runs in the parent of the test processes, so that a test that dies leaves nothing behind. */
static void
scratch_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/rensa-test-util.XXXXXX");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		exit(EXIT_FAILURE);
	}
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
scratch_remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
scratch_remove(void)
{
	scratch_remove_tree(folder);
}

void
scratch_use(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, scratch_make, scratch_remove);
}

const char *
scratch_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 8];
	snprintf(path, PATH_MAX, "%s%s%s", folder, name[0] != '\0' ? "/" : "", name);
	return path;
}

void
scratch_use_each(TCase *tc)
{
	tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
}

size_t
scratch_count(void)
{
	size_t count = 0;
	DIR *dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

const char *
scratch_read(const char *name)
{
	static char text[65536];
	FILE *file = fopen(scratch_path(name), "re");
	ck_assert_msg(file != NULL, "%s is not there", scratch_path(name));
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

void
scratch_write(const char *name, const void *data, size_t len)
{
	FILE *file = fopen(scratch_path(name), "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}
