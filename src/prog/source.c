#include "prog/source.h"

#include <inttypes.h>

#include "chain/pow.h"

enum cli_exit
source_check(struct cli *c, const struct args *a, const char *data)
{
	if (data != NULL && a->global[GLOBAL_NODE] != NULL)
		return cli_fail(c, CLI_USAGE, "usage",
				"--data and --node exclude one another: a stopped node's folder, or a "
				"running node");
	return CLI_DONE;
}

enum cli_exit
source_head(struct folder *f, struct head *head, const uint32_t *order, uint32_t count)
{
	struct journal *j = &f->journal;
	struct block b = {.hash = f->genesis};

	*head = (struct head){.hash = f->genesis};
	for (uint32_t i = 0; i < count; i++) {
		struct u256 work;
		enum err e = journal_block(j, &b, order[i]);

		if (e == ERR_FORMAT || (e == OK && (b.header.height != i + UINT64_C(1) ||
						    !hash_equal(&b.hash, &j->blocks[order[i]].hash) ||
						    !hash_equal(&b.header.previous, &head->hash))))
			return cli_fail(f->cli, CLI_REFUSED, "damaged",
					"block %" PRIu64 " in the journal of %s is damaged; rensa verify tells more",
					i + UINT64_C(1), f->path);
		if (e != OK)
			return cli_fail(f->cli, CLI_LOCAL, "local-file", "cannot read the journal of %s: %s", f->path,
					err_text(e));
		work = target_work(b.header.target);
		head->work = u256_add(&head->work, &work);
		head->hash = b.hash;
		head->height = b.header.height;
	}
	if (j->tip_height != count)
		return cli_fail(f->cli, CLI_REFUSED, "damaged",
				"the journal of %s ends in block %" PRIu64 ", but only %" PRIu32
				" blocks lead to it; rensa verify tells more",
				f->path, j->tip_height, count);
	return CLI_DONE;
}
