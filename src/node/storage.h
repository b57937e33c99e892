/* Where a node keeps what it has on the disk: names below [node] data_dir. */
#ifndef RENSA_NODE_STORAGE_H
#define RENSA_NODE_STORAGE_H

#include <limits.h>

#include "disk/framelog.h"
#include "node/config.h"

/* The log of that kind, not opened yet; the caller's. */
struct framelog *storage_log(const struct config *c, enum log_kind kind);
void storage_snapshot(char path[PATH_MAX], const struct config *c);

#endif
