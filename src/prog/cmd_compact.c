/* rensa compact: makes a journal as small as its chain. */
#include <inttypes.h>

#include "disk/compact.h"
#include "prog/commands.h"
#include "prog/folder.h"
#include "prog/progress.h"
#include "wire/json.h"

enum { COMPACT_DATA };

static const struct option_spec options[] = {
    [COMPACT_DATA] = {"data", "DIR", "the data folder of a stopped node", true},
};

static void
at_block(void *ctx, uint32_t done, uint32_t of)
{
	progress_at(ctx, done, of);
}

static void
say_done(struct cli *c, const struct folder *f, const struct compact_report *r)
{
	struct jout j = jout_to(&c->out);

	if (r->dropped == 0)
		cli_say(c, "nothing to drop: all %" PRIu32 " blocks in %s are on its chain", r->kept, f->path);
	else
		cli_say(c,
			"dropped %" PRIu32 " blocks of lost branches (%" PRIu64 " bytes), kept the chain of %" PRIu32
			" blocks; the journal had %" PRIu64 " bytes and has %" PRIu64,
			r->dropped, r->dropped_bytes, r->kept, r->bytes_before, r->after);
	if (!c->is_json)
		return;
	jout_object(&j);
	jout_ku64(&j, "kept_blocks", r->kept);
	jout_ku64(&j, "dropped_blocks", r->dropped);
	jout_ku64(&j, "dropped_bytes", r->dropped_bytes);
	jout_ku64(&j, "bytes_before", r->bytes_before);
	jout_ku64(&j, "bytes_after", r->after);
	jout_object_end(&j);
}

static enum cli_exit
compact(struct cli *c, struct folder *f)
{
	struct compact_report r = {.kept = f->journal.count, .bytes_before = f->journal.scan.bytes};
	enum cli_exit ret = CLI_DONE;
	struct progress p;
	struct buf why;
	enum err e = OK;

	r.after = r.bytes_before;
	if (!f->journal.is_closed && journal_stale_bytes(&f->journal) > 0)
		return cli_fail(
		    c, CLI_REFUSED, "not-closed",
		    "the node was not stopped in order, and blocks of lost branches may hold transfers that it has "
		    "promised: start it once and stop it, then compact");
	buf_init(&why);
	progress_begin(&p, c, "copying the chain");
	if (journal_stale_bytes(&f->journal) > 0)
		e = journal_compact(&f->journal, &r, at_block, &p, &why);
	progress_end(&p);
	if (e != OK)
		ret = folder_fail(c, e, &why);
	else
		say_done(c, f, &r);
	buf_clear(&why);
	return ret;
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct folder f;
	enum cli_exit ret = folder_lock(&f, c, a->value[COMPACT_DATA], NULL);

	if (ret == CLI_DONE)
		ret = folder_read(&f);
	if (ret == CLI_DONE)
		ret = compact(c, &f);
	folder_close(&f);
	return ret;
}

const struct command cmd_compact = {
    .name = "compact",
    .operands = "",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "drop blocks of lost branches from a stopped node's journal",
    .about =
	"Writes a new journal with the chain alone, which replaces the old one in one step, and says what was\n"
	"dropped. The disk must have room for a copy of the chain. A node does the same when it starts, once lost\n"
	"branches take more than half of its journal and 64 MiB. After a crash the node has to run once before:\n"
	"transfers of lost branches may stand nowhere else.\n",
    .example = "rensa compact --data /var/lib/rensa\n",
    .run = run,
};
