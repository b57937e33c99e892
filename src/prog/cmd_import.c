/* rensa import: a chain from an export file, into a stopped node's folder or a running node. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "prog/commands.h"
#include "prog/folder.h"
#include "prog/import.h"
#include "prog/source.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/fileio.h"
#include "wire/json.h"

enum { IMPORT_DATA };

static const struct option_spec options[] = {
    [IMPORT_DATA] = {"data", "DIR", "write to this data folder, whose node is stopped, instead of a node", false},
};

enum cli_exit
import_open(struct import *m, struct cli *c, const char *path)
{
	enum cli_exit ret = CLI_DONE;
	int fd = STDIN_FILENO;
	struct buf why;
	enum err e;

	*m = (struct import){.cli = c, .file.fd = -1};
	if (strcmp(path, "-") != 0 && file_open(&fd, path, O_RDONLY, 0) != OK)
		return cli_fail(c, CLI_LOCAL, "local-file", "cannot open %s: %s", path, strerror(errno));
	buf_init(&why);
	e = chainfile_open(&m->file, fd, strcmp(path, "-") != 0 ? path : "standard input", &why);
	if (e == OK)
		m->replay = replay_new(&m->file.head.params);
	else
		ret = folder_fail(c, e, &why);
	buf_clear(&why);
	return ret;
}

void
import_close(struct import *m)
{
	if (m->file.fd != STDIN_FILENO)
		fd_close(&m->file.fd);
	chainfile_reader_clear(&m->file);
	replay_free(m->replay);
}

static enum cli_exit
broken(struct import *m, const struct verdict *v, uint64_t height)
{
	struct cli *c = m->cli;

	if (v->tx != VERDICT_NO_TX)
		return cli_fail(c, CLI_REFUSED, rule_name(v->rule),
				"block %" PRIu64 " of %s is refused: transaction %" PRIu32 " breaks %s: %s", height,
				m->file.name, v->tx, rule_name(v->rule), rule_text(v->rule));
	return cli_fail(c, CLI_REFUSED, rule_name(v->rule), "block %" PRIu64 " of %s is refused: it breaks %s: %s",
			height, m->file.name, rule_name(v->rule), rule_text(v->rule));
}

enum cli_exit
import_next(struct import *m, struct block *out, bool *is_end, import_is_known *is_known, void *ctx)
{
	enum cli_exit ret = CLI_DONE;
	const uint8_t *bytes;
	struct verdict v;
	struct buf why;
	size_t size;
	enum err e;

	buf_init(&why);
	e = chainfile_next(&m->file, &bytes, &size, &why);
	*is_end = e == ERR_NOT_FOUND;
	if (e != OK && !*is_end)
		ret = folder_fail(m->cli, e, &why);
	buf_clear(&why);
	if (e != OK)
		return ret;
	v = verdict_of(block_parse(out, bytes, size));
	if (v.rule != RULE_OK)
		return broken(m, &v, m->file.blocks);
	/* What the clock says comes behind the other rules of headers, and is none that replay_add knows. */
	v = verdict_of(header_check(replay_head(m->replay), &out->header, &out->hash, &m->file.head.params));
	if (v.rule == RULE_OK)
		v = verdict_of(header_check_clock(&out->header, clock_wall_ms()));
	if (v.rule == RULE_OK)
		v = replay_add(m->replay, out, is_known(ctx, &out->hash, out->header.height));
	progress_at(&m->progress, m->file.blocks, m->file.head.tip.height);
	return v.rule == RULE_OK ? CLI_DONE : broken(m, &v, out->header.height);
}

static void
say_done(struct cli *c, const struct import *m, const char *where)
{
	char hash[HASH_HEX_SIZE];
	struct jout j = jout_to(&c->out);

	hash_hex(hash, &m->after.hash);
	cli_say(c, "%" PRIu64 " blocks imported, %" PRIu64 " of the file were there already", m->imported, m->known);
	cli_say(c, "%s: height %" PRIu64 " -> %" PRIu64 ", up to %s", where, m->before, m->after.height, hash);
	if (!c->is_json)
		return;
	jout_object(&j);
	jout_ku64(&j, "imported", m->imported);
	jout_ku64(&j, "known", m->known);
	jout_ku64(&j, "height_before", m->before);
	jout_ku64(&j, "height", m->after.height);
	jout_kstring(&j, "head", hash);
	jout_object_end(&j);
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	const char *data = a->value[IMPORT_DATA];
	struct import m = {0};
	enum cli_exit ret = source_check(c, a, data);

	if (ret == CLI_DONE)
		ret = import_open(&m, c, a->operand[0]);
	if (ret == CLI_DONE) {
		progress_begin(&m.progress, c, "importing");
		ret = data != NULL ? import_data(&m, data) : import_node(&m);
		progress_end(&m.progress);
	}
	if (ret == CLI_DONE)
		say_done(c, &m, data != NULL ? data : c->node);
	else if (m.imported > 0)
		/* What was good stays. */
		say_done(c, &m, data != NULL ? data : c->node);
	import_close(&m);
	return ret;
}

const struct command cmd_import = {
    .name = "import",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "take in the chain of an export file",
    .about =
	"Every block is judged by every rule. With --data the chain goes into the folder of a stopped node, which\n"
	"is made if it is not there; the chain in the folder is replaced only by one with more work. Otherwise the\n"
	"node at --node gets the blocks one by one, as from a peer, and must be on the same branch. Blocks that are\n"
	"there are passed over. A damaged file is taken in up to its last good block, and the command ends with 1.\n",
    .example = "rensa import chain.rensa --data /var/lib/rensa\n"
	       "zstd -dc chain.rensa.zst | rensa import - --node http://127.0.0.2:5000\n",
    .run = run,
};
