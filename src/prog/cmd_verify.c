/* rensa verify: is what a node has on its disk as it was written, and right? */
#include <inttypes.h>
#include <stdio.h>

#include "prog/amount.h"
#include "prog/check.h"
#include "prog/commands.h"
#include "wire/json.h"

enum { VERIFY_DATA };

static const struct option_spec options[] = {
    [VERIFY_DATA] = {"data", "DIR", FOLDER_OPTION_HELP, false},
};

static void
say_good(struct cli *c, const struct check *k)
{
	const struct folder *f = k->folder;
	char hash[HASH_HEX_SIZE], supply[AMOUNT_TEXT_SIZE];

	hash_hex(hash, &k->tip);
	amount_format(supply, k->supply);
	if (k->torn_bytes > 0)
		cli_say(c,
			"note: the last write (%" PRIu64
			" bytes) was never finished; the node cuts it off when it starts",
			k->torn_bytes);
	cli_say(c, "chain: %" PRIu64 " blocks of network %s, up to %s", k->blocks, f->params.name, hash);
	cli_say(c, "supply: %s", supply);
	cli_say(c, "lost branches: %" PRIu64 " blocks%s", k->lost,
		k->lost > 0 ? "; rensa compact drops them when the node is stopped" : "");
	cli_say(c, "pool: %" PRIu64 " transfers logged", k->pending);
	cli_say(c, "everything in %s is as it was written and keeps the rules", f->path);
}

static void
put_json(struct cli *c, const struct check *k)
{
	struct jout j = jout_to(&c->out);

	jout_object(&j);
	jout_kstring(&j, "data", k->folder->path);
	jout_kstring(&j, "network", k->folder->params.name);
	jout_khex(&j, "genesis", k->folder->genesis.b, HASH_SIZE);
	jout_ku64(&j, "height", k->blocks);
	jout_khex(&j, "head", k->tip.b, HASH_SIZE);
	jout_ku64(&j, "supply", k->supply);
	jout_ku64(&j, "lost_blocks", k->lost);
	jout_ku64(&j, "pool_entries", k->pending);
	jout_ku64(&j, "torn_bytes", k->torn_bytes);
	jout_kbool(&j, "in_use", k->folder->is_in_use);
	jout_object_end(&j);
}

static enum cli_exit
say_damaged(struct cli *c, const struct check *k)
{
	const char *line = k->text.data;
	size_t len;

	for (; *line != '\0'; line += len + 1) {
		len = 0;
		while (line[len] != '\n')
			len++;
		cli_say(c, "damaged: %.*s", (int)len, line);
	}
	if (k->damages > CHECK_LISTED_MAX)
		cli_say(c, "damaged: %" PRIu64 " more places", k->damages - CHECK_LISTED_MAX);
	buf_printf(&c->damage, "[%s]", k->json.data);
	return cli_fail(
	    c, CLI_REFUSED, "damaged",
	    "%s is damaged in %" PRIu64 " place%s, the first: %s. The chain is sound up to block %" PRIu64
	    ". Restore the folder from a backup, or move it away so that the node fetches the chain from its "
	    "peers anew",
	    k->folder->path, k->damages, k->damages == 1 ? "" : "s", k->first.data, k->sound);
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct folder f;
	struct check k = {0};
	enum cli_exit ret = folder_open(&f, c, a->value[VERIFY_DATA]);

	if (ret == CLI_DONE && f.is_in_use)
		cli_say(c, "note: a node (process %s) runs on %s; what it has written so far is checked",
			f.holder[0] != '\0' ? f.holder : "unknown", f.path);
	cli_flush(c);
	if (ret == CLI_DONE)
		ret = check_folder(&k, &f);
	if (ret == CLI_DONE && k.damages > 0)
		ret = say_damaged(c, &k);
	else if (ret == CLI_DONE && c->is_json)
		put_json(c, &k);
	else if (ret == CLI_DONE)
		say_good(c, &k);
	check_clear(&k);
	folder_close(&f);
	return ret;
}

const struct command cmd_verify = {
    .name = "verify",
    .operands = "",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "check a node's data folder, byte by byte and rule by rule",
    .about = "Checks every checksum and hash, and applies every rule to every block from the genesis block on:\n"
	     "headers, work, merkle roots, signatures, balances; and the log of pending transfers. Asks no node and\n"
	     "changes nothing. A node may run meanwhile. Ends with 1 if anything is damaged and says where.\n",
    .example = "rensa verify --data /var/lib/rensa\n",
    .run = run,
};
