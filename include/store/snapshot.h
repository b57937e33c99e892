/*
 * The snapshot: the arena as it stood at one tip, in one file, so that a start need not build it from the journal. It is a
 * cache of this machine and this build: whatever about it does not fit, or fails its checksum, or names a tip that the
 * journal lacks, makes a start go the long way and costs nothing else.
 */
#ifndef RENSA_STORE_SNAPSHOT_H
#define RENSA_STORE_SNAPSHOT_H

#include "disk/contents.h"
#include "disk/journal.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define SNAPSHOT_NAME CONTENTS_SNAPSHOT /* in the data folder */

/* Nobody may write the segment meanwhile. Replaces the file at path in one step. */
enum err snapshot_write(struct store *s, const char *path) MUSTCHECK;
/*
 * The loader, into a fresh segment, once the journal was read: OK, and the segment holds the chain up to the snapshot's
 * tip. ERR_NOT_FOUND: there is none. Any other: it was not used, and why says so; the segment is as fresh as before.
 * ERR_STALE: its tip is not on the journal's chain, or much of it belongs to lost branches.
 */
enum err snapshot_load(struct store *s, const char *path, struct journal *j, struct buf *why) MUSTCHECK;
/* Of the one at path; 0 if there is none that could be used. */
uint64_t snapshot_height(const struct store *s, const char *path);
/*
 * Is a new one worth its while: would a start from the one at path have many blocks to build, compared with the chain?
 */
bool snapshot_is_due(const struct store *s, const char *path);

#endif
