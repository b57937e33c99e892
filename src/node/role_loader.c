/*
 * The loader: builds the chain and the pool from the disk into the fresh segment, then ends, and the master starts the
 * roles that need them. A process of its own, so that the master can be stopped and asked meanwhile, and workers can say
 * how far it is.
 *
 * It ends with CHILD_STOPPED when all is there, CHILD_AGAIN when the system refused something, CHILD_NEVER when the data
 * are damaged or another network's: the master then ends the node, since a person has to look. If it is killed, the
 * segment that it left is of no use and the master makes a new one.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>

#include "disk/compact.h"
#include "node/roles.h"
#include "storage.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "store/snapshot.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/log.h"

#define SAY_MS 2000 /* between lines about progress */

static const char advice[] = ". Restore the data folder from a backup, or move it away so that the node fetches the "
			     "chain from its peers anew; rensa verify tells more";

struct loader {
	struct child *child;
	struct store *store;
	uint64_t began_ms, said_ms; /* monotonic */
};

static bool
is_time_to_say(struct loader *l)
{
	uint64_t now = clock_mono_ms();

	role_beat(l->store, now);
	if (now - l->said_ms < SAY_MS)
		return false;
	l->said_ms = now;
	return true;
}

static void
checked(void *ctx, uint32_t blocks)
{
	if (is_time_to_say(ctx))
		log_info("loader: %" PRIu32 " blocks of the journal read and checked", blocks);
}

static void
built(void *ctx, uint32_t blocks, uint32_t of)
{
	if (is_time_to_say(ctx))
		log_info("loader: %" PRIu32 " of %" PRIu32 " blocks loaded", blocks, of);
}

static void
say_loaded(const struct loader *l, const struct journal *j, uint32_t restored)
{
	struct blockref tip = chain_tip(l->store);
	char hash[HASH_HEX_SIZE], name[FRAMELOG_NAME_SIZE];

	if (j->scan.torn_bytes > 0) {
		framelog_name(name, j->scan.place.file);
		log_warn("loader: %" PRIu64 " bytes at byte %" PRIu64 " of journal/%s were cut off: the last write was "
			 "never finished, and nobody was told of what it held",
			 j->scan.torn_bytes, j->scan.torn_at, name);
	}
	hash_hex(hash, chain_hash(l->store, tip));
	if (j->count > 0 || restored > 0)
		log_info("loader: height %" PRIu64 " %.16s and %" PRIu32 " pending transfers loaded in %" PRIu64
			 " ms%s",
			 chain_height(l->store, tip), hash, restored, clock_mono_ms() - l->began_ms,
			 j->is_closed ? "" : "; the last run was not stopped in order");
}

static void
use_snapshot(struct loader *l, struct journal *j)
{
	char path[PATH_MAX];
	struct buf why;
	enum err e;

	buf_init(&why);
	storage_snapshot(path, l->child->env->config);
	e = snapshot_load(l->store, path, j, &why);
	if (e == OK)
		log_debug("loader: %s holds the chain up to height %" PRIu64, path,
			  chain_height(l->store, chain_tip(l->store)));
	else if (e != ERR_NOT_FOUND)
		log_info("loader: the snapshot %s is not used: %s; the chain is built from the journal", path,
			 why.data);
	buf_clear(&why);
}

static void
copied(void *ctx, uint32_t done, uint32_t of)
{
	if (is_time_to_say(ctx))
		log_info("loader: %" PRIu32 " of %" PRIu32 " blocks copied", done, of);
}

/*
 * A journal that is mostly blocks of lost branches is rewritten. If that cannot be done, the old one serves as well. After a
 * stop out of order it is left for the next start: the pool may have lost what those blocks hold.
 */
static enum err
compact(struct loader *l, struct journal *j, struct buf *why)
{
	struct compact_report r;
	struct framelog *log = j->log;
	enum err e;

	if (!j->is_closed || !compact_is_worth(j))
		return OK;
	log_info("loader: most of the journal is blocks of lost branches: writing it anew");
	if ((e = journal_compact(j, &r, copied, l, why)) != OK) {
		if (e == ERR_FORMAT)
			return e;
		log_warn("loader: the journal stays as large as it is: %s", why->data);
		buf_reset(why);
		return OK;
	}
	log_info("loader: %" PRIu32 " blocks of lost branches (%" PRIu64
		 " bytes) were dropped from the journal, which had %" PRIu64 " bytes and has %" PRIu64,
		 r.dropped, r.dropped_bytes, r.bytes_before, r.after);
	journal_close(j);
	return journal_open(j, log, true, checked, l, why);
}

static enum err
load(struct loader *l, struct buf *why)
{
	struct store *s = l->store;
	struct mempool *pool;
	struct journal j;
	uint32_t restored;
	enum err e = journal_open(&j, store_journal(s), true, checked, l, why);

	if (e == OK)
		e = compact(l, &j, why);
	if (e != OK)
		return e;
	FAILPOINT("loader.checked");
	use_snapshot(l, &j);
	e = store_load(s, &j, built, l, why);
	if (e == OK) {
		pool = mempool_open(s);
		e = mempool_restore(pool, &j, clock_wall_ms(), &restored, why);
		mempool_close(pool);
	}
	if (e == OK) {
		store_loaded(s, &j.scan.place);
		say_loaded(l, &j, restored);
	}
	journal_close(&j);
	return e;
}

int
role_loader(struct child *c)
{
	struct loader l = {c, c->env->store, clock_mono_ms(), clock_mono_ms()};
	struct buf why;
	enum err e;

	/* Nothing of what it does needs an orderly end. It has no loop in which it would see that the master is gone. */
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	buf_init(&why);
	e = load(&l, &why);
	if (e != OK)
		log_error("loader: %s%s", why.len > 0 ? why.data : err_text(e), e == ERR_FORMAT ? advice : "");
	buf_clear(&why);
	switch (e) {
	case OK:
		return CHILD_STOPPED;
	case ERR_FORMAT:
	case ERR_UNSUPPORTED:
	case ERR_PERM:
	case ERR_LIMIT:
		return CHILD_NEVER;
	default:
		return CHILD_AGAIN;
	}
}
