/*
 * The files that a node keeps in its data folder: what a reset deletes, by name, and nothing else. Whatever else lies
 * there, or looks different, is somebody else's.
 */
#ifndef RENSA_DISK_CONTENTS_H
#define RENSA_DISK_CONTENTS_H

#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define CONTENTS_SNAPSHOT "snapshot"
#define CONTENTS_NAME_SIZE 48

struct content {
	char name[CONTENTS_NAME_SIZE]; /* below the data folder */
	uint64_t number;	       /* of a log's file, else 0 */
	uint64_t size;
};

struct contents {
	struct content *items; /* in the order in which they may be deleted */
	size_t count;
};

/* A folder that is not there has no files. On failure why gets a sentence. Clear it in any case. */
enum err contents_list(struct contents *c, const char *data_dir, struct buf *why) MUSTCHECK;
void contents_clear(struct contents *c);
/* The lock must be ours. Fine if one is gone already. Stops at the first that cannot be deleted. */
enum err contents_delete(const struct contents *c, const char *data_dir, struct buf *why) MUSTCHECK;

#endif
