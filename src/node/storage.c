#include "storage.h"

#include <stdio.h>

#include "chain/block.h"
#include "disk/journal.h"
#include "disk/poollog.h"
#include "store/snapshot.h"

struct framelog *
storage_log(const struct config *c, enum log_kind kind)
{
	char folder[PATH_MAX];
	struct framelog_options o = {.folder = folder,
				     .kind = kind,
				     .genesis = genesis_hash(&c->network),
				     .is_synced = c->node.sync == SYNC_ALWAYS,
				     .file_max = kind == LOG_POOL ? POOLLOG_FILE_MAX : 0,
				     .step = kind == LOG_POOL ? POOLLOG_STEP : 0,
				     .fill = kind == LOG_POOL ? POOLLOG_FILL : 0};

	snprintf(folder, sizeof(folder), "%s/%s", c->node.data_dir, kind == LOG_POOL ? POOLLOG_FOLDER : JOURNAL_FOLDER);
	return framelog_new(&o);
}

void
storage_snapshot(char path[PATH_MAX], const struct config *c)
{
	snprintf(path, PATH_MAX, "%s/" SNAPSHOT_NAME, c->node.data_dir);
}
