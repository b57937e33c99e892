/* A node's segment and logs without the node: what it costs that everything is on the disk is measured on these. */
#ifndef RENSA_BENCH_STORE_KIT_H
#define RENSA_BENCH_STORE_KIT_H

#include "disk/framelog.h"
#include "maker.h"
#include "store/mempool.h"
#include "store/store.h"

/* The folder that all of them share; made, and emptied by folder_empty. */
void folder_set(const char *path);
const char *folder_path(char *out, size_t size, const char *name);
void folder_empty(void);

struct framelog *log_new(enum log_kind kind, bool is_synced);
/* A fresh segment whose logs are in the folder, with nothing read from there. */
struct store *store_new(uint64_t size_max, bool is_synced);
struct store *store_new_pool(uint64_t size_max, bool is_synced, uint32_t pool_max);
/* What the pool process does in a turn: judges what waits in the rings, makes it last, and answers. Returns how many. */
size_t pool_turn(struct store *s, struct mempool *pool, size_t max);

#endif
