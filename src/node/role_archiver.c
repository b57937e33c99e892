/*
 * The archiver keeps the books: when many blocks have come since the last snapshot, it builds the chain from the disk once
 * more, in memory of its own, and writes the next one. It takes no lock, asks nobody, and reads what a start would read; so
 * it also says when the journal cannot be read back, while the chain is still whole in shared memory. It has the log
 * tell once a minute what the node has done, if anything; and it watches how full memory and disk are.
 *
 * It is niced, and killing it at any moment costs nothing: a snapshot gets its name when it is whole.
 */
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "fill.h"
#include "node/roles.h"
#include "storage.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/role_table.h"
#include "store/snapshot.h"
#include "summary.h"
#include "util/clock.h"
#include "util/log.h"

#define LOOK_MS 30000
#define LOOK_FIRST_MS 2000 /* a start that had to build a long chain shall be the last such one */
#define MEASURE_MS 5000
#define BAD_READS 3 /* in a row, before it is no chance: a frame that is being written just then looks torn */

struct archiver {
	struct child *child;
	struct loop_timer *look;
	struct loop_timer *tell;
	struct loop_timer *measure;
	struct summary summary;
	struct fills fills;
	unsigned bad_reads;
};

static void
leave(int signo)
{
	(void)signo;
	_exit(CHILD_STOPPED);
}

static void
checked(void *ctx, uint32_t blocks)
{
	(void)blocks;
	role_beat(((struct archiver *)ctx)->child->env->store, clock_mono_ms());
}

static void
built(void *ctx, uint32_t blocks, uint32_t of)
{
	(void)of;
	checked(ctx, blocks);
}

/* The chain as a start would build it, into s. */
static enum err
build(struct archiver *a, struct store *s, const char *path, struct framelog *log, struct buf *why)
{
	struct journal j;
	struct buf unused;
	enum err e = journal_open(&j, log, false, checked, a, why);

	if (e != OK)
		return e;
	buf_init(&unused);
	(void)!snapshot_load(s, path, &j, &unused);
	buf_clear(&unused);
	e = store_load(s, &j, built, a, why);
	journal_close(&j);
	return e;
}

static enum err
archive(struct archiver *a, const char *path, struct buf *why)
{
	const struct node_env *env = a->child->env;
	struct framelog *log = storage_log(env->config, LOG_JOURNAL);
	struct store *s;
	uint64_t height;
	enum err e = store_create_private(&s, env->store);

	if (e == OK) {
		e = build(a, s, path, log, why);
		height = chain_height(s, chain_tip(s));
		if (e == OK && (e = snapshot_write(s, path)) != OK)
			buf_printf(why, "it cannot be written: %s", err_text(e));
		else if (e == OK)
			log_info("archiver: wrote a snapshot of the chain at height %" PRIu64, height);
		store_close(s);
	}
	framelog_free(log);
	return e;
}

static void
look(void *ctx)
{
	struct archiver *a = ctx;
	const struct node_env *env = a->child->env;
	char path[PATH_MAX];
	struct buf why;
	enum err e = OK;

	storage_snapshot(path, env->config);
	buf_init(&why);
	if (snapshot_is_due(env->store, path))
		e = archive(a, path, &why);
	a->bad_reads = e == ERR_FORMAT ? a->bad_reads + 1 : 0;
	if (a->bad_reads == BAD_READS)
		log_error(
		    "archiver: the journal cannot be read back: %s. The chain in memory is whole: take a backup of it "
		    "(rensa backup) before you stop the node",
		    why.data);
	else if (e != OK)
		log_debug("archiver: no snapshot this time: %s", why.len > 0 ? why.data : err_text(e));
	buf_clear(&why);
	loop_timer_arm(a->look, LOOK_MS);
}

static void
tell(void *ctx)
{
	struct archiver *a = ctx;

	summary_tell(&a->summary, a->child->env->store);
	loop_timer_arm(a->tell, SUMMARY_MS);
}

static void
measure(void *ctx)
{
	struct archiver *a = ctx;
	const struct node_env *env = a->child->env;

	fills_look(&a->fills, env->store, env->config->node.data_dir);
	loop_timer_arm(a->measure, MEASURE_MS);
}

int
role_archiver(struct child *c)
{
	static struct archiver a;

	a.child = c;
	summary_begin(&a.summary, c->env->store);
	a.tell = loop_timer_new(c->loop, tell, &a);
	loop_timer_arm(a.tell, SUMMARY_MS);
	a.measure = loop_timer_new(c->loop, measure, &a);
	fills_begin(&a.fills, c->env->store);
	measure(&a);
	a.look = loop_timer_new(c->loop, look, &a);
	/* At once, also in the middle of its work. */
	signal(SIGTERM, leave);
	loop_timer_arm(a.look, LOOK_FIRST_MS);
	return child_run(c);
}
