/* What /proc tells of processes. Much of it is for their own users and root alone; the rest counts as not there. */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor_checks.h"
#include "util/text.h"

#define PATH_SIZE 4400
#define LINE_SIZE 4600

static FILE *
proc_open(pid_t pid, const char *name)
{
	char path[64];

	if (pid > 0)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	return fopen(path, "re");
}

bool
proc_limit(uint64_t *soft, pid_t pid, const char *name)
{
	FILE *file = proc_open(pid, "limits");
	char line[256];
	bool is_found = false;

	if (file == NULL)
		return false;
	while (!is_found && fgets(line, sizeof(line), file) != NULL) {
		size_t len = strlen(name);

		if (strncmp(line, name, len) != 0)
			continue;
		const char *value = line + len + strspn(line + len, " ");
		*soft = strncmp(value, "unlimited", 9) == 0 ? DOCTOR_NO_LIMIT : strtoull(value, NULL, 10);
		is_found = true;
	}
	fclose(file);
	return is_found;
}

uint64_t
proc_number(const char *path, uint64_t fallback)
{
	FILE *file = fopen(path, "re");
	char line[64];
	uint64_t value = fallback;

	if (file == NULL)
		return fallback;
	if (fgets(line, sizeof(line), file) != NULL && isdigit((unsigned char)line[0]))
		value = strtoull(line, NULL, 10);
	fclose(file);
	return value;
}

/* The least limit of a group and those above it. file: below each. */
static uint64_t
group_memory(const char *root, char *group, const char *file)
{
	uint64_t least = DOCTOR_NO_LIMIT;
	char path[PATH_SIZE];

	for (;;) {
		snprintf(path, sizeof(path), "%s%s/%s", root, group, file);
		uint64_t limit = proc_number(path, DOCTOR_NO_LIMIT);
		if (limit < least)
			least = limit;
		char *slash = strrchr(group, '/');
		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

/* Lines are "0::/path" with version 2, "5:memory:/path" with version 1, whose "no limit" is a huge number. */
uint64_t
proc_memory_max(pid_t pid)
{
	FILE *file = proc_open(pid, "cgroup");
	uint64_t least = DOCTOR_NO_LIMIT, limit;
	char line[PATH_MAX];

	if (file == NULL)
		return least;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		char *names = strchr(line, ':'), *group = names != NULL ? strchr(names + 1, ':') : NULL;
		if (group == NULL)
			continue;
		*group++ = '\0';
		if (names[1] == '\0')
			limit = group_memory("/sys/fs/cgroup", group, "memory.max");
		else if (strstr(names + 1, "memory") != NULL)
			limit = group_memory("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
		else
			continue;
		if (limit < least)
			least = limit;
	}
	fclose(file);
	return least > INT64_MAX / 2 ? DOCTOR_NO_LIMIT : least;
}

bool
proc_owner(uid_t *out, pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) != 0)
		return false;
	*out = st.st_uid;
	return true;
}

void
proc_title(char title[DOCTOR_WHO_SIZE], pid_t pid)
{
	FILE *file = proc_open(pid, "cmdline");
	size_t len = 0;

	title[0] = '\0';
	if (file == NULL)
		return;
	len = fread(title, 1, DOCTOR_WHO_SIZE - 1, file);
	fclose(file);
	title[len] = '\0';
	while (len > 0 && title[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)title[i]))
			title[i] = ' ';
}

/* Calls look for each process until it says enough. */
static void
proc_each(bool (*look)(void *ctx, pid_t pid), void *ctx)
{
	DIR *all = opendir("/proc");
	struct dirent *entry;
	uint64_t pid;
	bool is_enough = false;

	if (all == NULL)
		return;
	while (!is_enough && (entry = readdir(all)) != NULL)
		if (text_u64(&pid, entry->d_name, INT32_MAX) == OK && pid > 0)
			is_enough = look(ctx, (pid_t)pid);
	closedir(all);
}

struct master_search {
	char title[DOCTOR_WHO_SIZE];
	pid_t pid;
};

static bool
is_master(void *ctx, pid_t pid)
{
	struct master_search *s = ctx;
	char title[DOCTOR_WHO_SIZE];

	proc_title(title, pid);
	if (strcmp(title, s->title) == 0)
		s->pid = pid;
	return s->pid != 0;
}

pid_t
proc_find_master(const char *node)
{
	struct master_search s = {.pid = 0};
	char whole[128];

	/* Cut as the titles that it is compared with. */
	snprintf(whole, sizeof(whole), "rensad: %s master", node);
	text_copy(s.title, sizeof(s.title), whole);
	proc_each(is_master, &s);
	return s.pid;
}

struct mapper_search {
	const char *file;
	uid_t user;
	pid_t pid;
	bool is_whole;
};

static bool
maps_it(void *ctx, pid_t pid)
{
	struct mapper_search *s = ctx;
	FILE *file = proc_open(pid, "maps");
	char line[LINE_SIZE];
	uid_t owner;
	bool is_read = false;

	while (file != NULL && s->pid == 0 && fgets(line, sizeof(line), file) != NULL) {
		const char *path = strchr(line, '/');

		is_read = true;
		line[strcspn(line, "\n")] = '\0';
		if (path != NULL && strcmp(path, s->file) == 0)
			s->pid = pid;
	}
	if (file != NULL)
		fclose(file);
	/* A kernel thread has no maps to read, and is root's. */
	if (!is_read && geteuid() != 0 && proc_owner(&owner, pid) && owner == s->user)
		s->is_whole = false;
	return s->pid != 0;
}

pid_t
proc_find_mapper(bool *is_whole, const char *file, uid_t user)
{
	struct mapper_search s = {.file = file, .user = user, .is_whole = true};

	proc_each(maps_it, &s);
	*is_whole = s.is_whole;
	return s.pid;
}

struct socket_search {
	char link[40]; /* as its descriptors read */
	pid_t pid;
};

static bool
holds_it(void *ctx, pid_t pid)
{
	struct socket_search *s = ctx;
	char folder[32], path[PATH_SIZE], target[64];
	struct dirent *entry;
	DIR *files;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
	if ((files = opendir(folder)) == NULL)
		return false;
	while (s->pid == 0 && (entry = readdir(files)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (strcmp(target, s->link) == 0)
			s->pid = pid;
	}
	closedir(files);
	return s->pid != 0;
}

pid_t
proc_find_socket(pid_t pid, uint64_t inode)
{
	struct socket_search s = {.pid = 0};

	snprintf(s.link, sizeof(s.link), "socket:[%" PRIu64 "]", inode);
	if (pid > 0)
		holds_it(&s, pid);
	else
		proc_each(holds_it, &s);
	return s.pid;
}
