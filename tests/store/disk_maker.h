/*
 * Segments with logs on a disk: scratch folders that are gone after the test, logs with files so short that new ones begin
 * all the time, and starts from what such a folder holds.
 */
#ifndef RENSA_TESTS_STORE_DISK_MAKER_H
#define RENSA_TESTS_STORE_DISK_MAKER_H

#include "chain_maker.h"
#include "disk/framelog.h"
#include "util/attr.h"
#include "util/buf.h"

#define LOG_STEP (UINT64_C(72) << 10)
#define LOG_FILE_MAX (UINT64_C(76) << 10)

/* An empty folder. Gone with scratch_unmake, which fixtures call after each test. */
const char *scratch_make(void);
void scratch_unmake(void);
/* A folder with the same logs as another; whatever it held before is gone. */
void scratch_copy(const char *to, const char *from);

/* One of the logs of a folder, the caller's. */
struct framelog *scratch_log(const char *folder, enum log_kind kind, const struct store *s);

/* A segment whose logs are in the folder, and nothing read from there yet. */
struct store *durable_make(const char *folder, const struct segment_plan *plan);
/* What the loader does. */
enum err durable_load(struct store *s, uint32_t *restored, struct buf *why) MUSTCHECK;
/* Both; must work. The folder stays as it is but for what a start mends. */
struct store *durable_start(const char *folder, const struct segment_plan *plan);

/* As branch_commit does, whatever is better: what one frame has no room for is staged first. */
enum err durable_commit(struct maker *m) MUSTCHECK;
enum err durable_grow(struct maker *m, struct blockref from, unsigned blocks, size_t transfers) MUSTCHECK;

#endif
