/*
 * What nodes have left in /dev/shm: objects named rensa.NODE.HASH, each with its semaphore sem.rensa.NODE.HASH. A node removes
 * its own at its end, and at its next start what a killed one has left; what stays is of nodes that nobody starts any more.
 */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_checks.h"
#include "store/store.h"
#include "util/mem.h"
#include "util/text.h"

#define SHM_FOLDER "/dev/shm"
#define PREFIX "rensa."
#define SEMAPHORE "sem."
#define SEGMENTS_MAX 256

void
judge_segment(struct findings *f, const struct segment_facts *s)
{
	char owner[DOCTOR_WHO_SIZE], bytes[DOCTOR_SIZE_TEXT];
	const char *what = s->has_segment ? "shared memory" : "the semaphore";

	doctor_user(owner, s->owner);
	doctor_size(bytes, s->bytes);
	if (s->user > 0) {
		found(f, FOUND_OK, "%s is in use by process %d of %s (%s)", s->name, (int)s->user, owner, bytes);
	} else if (!s->is_seen) {
		found(f, FOUND_NOTE, "%s belongs to %s (%s); whether anybody uses it only that user can see", s->name,
		      owner, bytes);
		advise(f, "Look as that user, or as root: sudo rensa doctor --only segments");
	} else if (s->is_ours) {
		found(f, FOUND_NOTE, "%s (%s) was left by this node, which was killed", s->name, bytes);
		advise(f, "Nothing: its next start removes it.");
	} else {
		found(f, FOUND_WARNING,
		      "%s %s (%s, of %s) is used by nobody: its node was killed and not started again", what, s->name,
		      bytes, owner);
		advise(f,
		       "If no container shares this /dev/shm, free it: rm -f " SHM_FOLDER "/%s " SHM_FOLDER
		       "/" SEMAPHORE "%s",
		       s->name, s->name);
	}
}

static struct segment_facts *
entry_of(struct segment_facts *list, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	if (*count == SEGMENTS_MAX)
		return NULL;
	text_copy(list[*count].name, sizeof(list[*count].name), name);
	return &list[(*count)++];
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct segment_facts *)a)->name, ((const struct segment_facts *)b)->name);
}

/*
 * Anybody may put anything into /dev/shm, and people paste our advice into a shell, often root's: only what a node can have
 * named is told of.
 */
static bool
is_a_nodes(const char *name)
{
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("._-", *name) == NULL)
			return false;
	return true;
}

/* One entry for a segment and its semaphore, whichever of the two is there. */
static size_t
segments_list(struct segment_facts *list)
{
	DIR *folder = opendir(SHM_FOLDER);
	struct dirent *entry;
	size_t count = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		bool is_semaphore = strncmp(entry->d_name, SEMAPHORE, strlen(SEMAPHORE)) == 0;
		const char *name = entry->d_name + (is_semaphore ? strlen(SEMAPHORE) : 0);
		char path[sizeof(SHM_FOLDER) + sizeof(entry->d_name)];
		struct segment_facts *s;
		struct stat st;

		snprintf(path, sizeof(path), SHM_FOLDER "/%s", entry->d_name);
		if (!is_a_nodes(name) || strlen(name) >= sizeof(s->name) || lstat(path, &st) != 0 ||
		    (s = entry_of(list, &count, name)) == NULL)
			continue;
		s->owner = st.st_uid;
		s->bytes += (uint64_t)st.st_blocks * 512;
		s->has_segment = s->has_segment || !is_semaphore;
		s->has_semaphore = s->has_semaphore || is_semaphore;
	}
	if (folder != NULL)
		closedir(folder);
	qsort(list, count, sizeof(*list), compare_names);
	return count;
}

static void
segment_look(struct segment_facts *s, const struct doctor *d)
{
	char path[sizeof(SHM_FOLDER) + sizeof(s->name) + sizeof(SEMAPHORE)], ours[STORE_NAME_SIZE], folder[PATH_MAX];
	const char *data_dir = d->config->node.data_dir;
	bool is_whole = true;

	store_name(ours, d->config->node.name, realpath(data_dir, folder) != NULL ? folder : data_dir);
	s->is_ours = strcmp(ours + 1, s->name) == 0;
	snprintf(path, sizeof(path), SHM_FOLDER "/%s%s", s->has_segment ? "" : SEMAPHORE, s->name);
	s->user = proc_find_mapper(&is_whole, path, s->owner);
	s->is_seen = is_whole;
}

void
check_segments(struct findings *f, const struct doctor *d)
{
	struct segment_facts *list = xcalloc(SEGMENTS_MAX, sizeof(*list));
	size_t count = segments_list(list);

	for (size_t i = 0; i < count; i++) {
		segment_look(&list[i], d);
		judge_segment(f, &list[i]);
	}
	if (count == 0)
		found(f, FOUND_OK, "no node has left anything in " SHM_FOLDER);
	free(list);
}
