/* One folder, one segment at a time. */
#include "store_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/journal.h"
#include "disk/poollog.h"
#include "store/load.h"
#include "store/ring.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/text.h"

static char folder[2000];

void
folder_set(const char *path)
{
	must(strlen(path) < sizeof(folder) && strchr(path, '\'') == NULL, "no usable folder");
	text_copy(folder, sizeof(folder), path);
	must(dir_make(folder) == OK, "cannot make the folder");
	folder_empty();
}

const char *
folder_path(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", folder, name);
	return out;
}

void
folder_empty(void)
{
	char command[2200];

	snprintf(command, sizeof(command), "rm -rf '%s'/*", folder);
	must(system(command) == 0, "cannot empty the folder");
}

struct framelog *
log_new(enum log_kind kind, bool is_synced)
{
	char path[2100];
	struct params p;
	struct framelog_options o = {.kind = kind, .is_synced = is_synced};

	maker_params(&p);
	o.genesis = genesis_hash(&p);
	o.folder = folder_path(path, sizeof(path), kind == LOG_JOURNAL ? JOURNAL_FOLDER : POOLLOG_FOLDER);
	if (kind == LOG_POOL) {
		o.file_max = POOLLOG_FILE_MAX;
		o.step = POOLLOG_STEP;
		o.fill = POOLLOG_FILL;
	}
	return framelog_new(&o);
}

struct store *
store_new_pool(uint64_t size_max, bool is_synced, uint32_t pool_max)
{
	struct store_options o = {
	    .name = "bench", .data_dir = folder, .size_max = size_max, .roles = 2, .rings = 2, .pool_max = pool_max};
	struct store *s;
	struct buf why;

	maker_params(&o.params);
	buf_init(&why);
	if (store_create(&s, &o, &why) != OK)
		must(false, why.data);
	buf_clear(&why);
	store_use_logs(s, log_new(LOG_JOURNAL, is_synced), log_new(LOG_POOL, is_synced));
	return s;
}

struct store *
store_new(uint64_t size_max, bool is_synced)
{
	return store_new_pool(size_max, is_synced, 8192);
}

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct reader r = reader_of(bytes, size);
	struct tx tx;

	must(tx_decode(&tx, &r) == RULE_OK, "no transfer");
	return mempool_admit(ctx, &tx, from_client, clock_wall_ms());
}

static void
seal(void *ctx, struct admission *verdicts, size_t count)
{
	(void)verdicts;
	(void)count;
	must(mempool_keep(ctx) == OK, "the pool's log cannot be written");
}

size_t
pool_turn(struct store *s, struct mempool *pool, size_t max)
{
	bool rang[STORE_RINGS_MAX];

	return ring_drain(s, max, judge, seal, pool, rang);
}
