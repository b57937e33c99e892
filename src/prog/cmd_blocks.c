/* rensa blocks, rensa block and rensa tx: what is in the chain. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "prog/commands.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "util/hex.h"
#include "util/text.h"

#define LIMIT_DEFAULT 10
#define LIMIT_MAX 100 /* what the node gives at a time */

static bool
is_hash(const char *text)
{
	struct hash256 ignored;
	return hex_decode(&ignored, sizeof(ignored), text) == OK;
}

/* The number of transactions of a block, whether the node lists them or counts them. */
static const char *
show_count(char text[SHOW_NUMBER_SIZE], const struct jval *block)
{
	const struct jval *txs = jval_get(block, "transactions");
	if (!jval_is_array(txs))
		return show_number(text, block, "transactions");
	snprintf(text, SHOW_NUMBER_SIZE, "%zu", jval_count(txs));
	return text;
}

enum { BLOCKS_LIMIT, BLOCKS_BEFORE };

static const struct option_spec blocks_options[] = {
    [BLOCKS_LIMIT] = {"limit", "N", "how many, up to 100 (10)", false},
    [BLOCKS_BEFORE] = {"before", "HEIGHT", "only those below this height", false},
};

static enum cli_exit
run_blocks(struct cli *c, const struct args *a)
{
	uint64_t limit = LIMIT_DEFAULT, before;
	const char *limit_text = a->value[BLOCKS_LIMIT], *before_text = a->value[BLOCKS_BEFORE];
	if (limit_text != NULL && (text_u64(&limit, limit_text, LIMIT_MAX) != OK || limit == 0))
		return cli_fail(c, CLI_USAGE, "usage", "--limit is a number from 1 to %d", LIMIT_MAX);
	if (before_text != NULL && text_u64(&before, before_text, NUMBER_MAX) != OK)
		return cli_fail(c, CLI_USAGE, "usage", "--before is a height: a number from 0 on");
	char path[96];
	int len = snprintf(path, sizeof(path), "/blocks?limit=%" PRIu64, limit);
	if (before_text != NULL)
		snprintf(path + len, sizeof(path) - (size_t)len, "&before=%" PRIu64, before);

	struct remote r;
	struct answer answer;
	enum cli_exit ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	r.max_reply = REMOTE_BLOCKS_MAX;
	ret = remote_call(&r, &answer, path, NULL);
	if (ret != CLI_DONE)
		return ret;
	const struct jval *blocks = jval_get(answer.root, "blocks");
	if (!jval_is_array(blocks)) {
		ret = remote_bad(&r, "it has no list of blocks");
	} else if (c->is_json) {
		show_json(c, answer.root);
	} else {
		struct table t;
		table_begin(&t, 4, 1u << 0 | 1u << 2);
		table_cell(&t, "HEIGHT");
		table_cell(&t, "TIME");
		table_cell(&t, "TRANSACTIONS");
		table_cell(&t, "HASH");
		for (size_t i = 0; i < jval_count(blocks); i++) {
			char number[SHOW_NUMBER_SIZE], time[CLOCK_TEXT_SIZE];
			const struct jval *block = jval_at(blocks, i);
			table_cell(&t, "%s", show_number(number, block, "height"));
			table_cell(&t, "%s", show_time(time, block, "timestamp"));
			table_cell(&t, "%s", show_count(number, block));
			table_cell(&t, "%s", show_text(block, "hash"));
		}
		show_table(c, &t, "");
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_blocks = {
    .name = "blocks",
    .operands = "",
    .options = blocks_options,
    .option_count = ARRAY_LEN(blocks_options),
    .summary = "the newest blocks",
    .about = "Lists blocks of the node's chain, newest first. A block's first transaction is its reward.\n",
    .example = "rensa blocks --limit 5\n",
    .run = run_blocks,
};

static void
show_block(struct cli *c, const struct jval *block)
{
	char number[SHOW_NUMBER_SIZE], time[CLOCK_TEXT_SIZE], amount[AMOUNT_TEXT_SIZE];
	struct table t;
	table_begin(&t, 2, 0);
	table_fact(&t, "height", "%s", show_number(number, block, "height"));
	table_fact(&t, "hash", "%s", show_text(block, "hash"));
	table_fact(&t, "previous", "%s", show_text(block, "previous_hash"));
	table_fact(&t, "merkle root", "%s", show_text(block, "merkle_root"));
	table_fact(&t, "time", "%s", show_time(time, block, "timestamp"));
	table_fact(&t, "target", "%s", show_text(block, "target"));
	table_fact(&t, "nonce", "%s", show_number(number, block, "nonce"));
	table_fact(&t, "transactions", "%s", show_count(number, block));
	show_table(c, &t, "");

	const struct jval *txs = jval_get(block, "transactions");
	size_t count = jval_count(txs);
	if (!jval_is_array(txs) || count == 0)
		return;
	table_begin(&t, 4, 1u << 2);
	table_cell(&t, "FROM");
	table_cell(&t, "TO");
	table_cell(&t, "VALUE");
	table_cell(&t, "ID");
	for (size_t i = 0; i < count; i++) {
		const struct jval *tx = jval_at(txs, i);
		table_cell(&t, "%s", show_text(tx, "sender_blockchain_address"));
		table_cell(&t, "%s", show_text(tx, "recipient_blockchain_address"));
		table_cell(&t, "%s", show_amount(amount, tx, "value"));
		table_cell(&t, "%s", show_text(tx, "id"));
	}
	cli_blank(c);
	show_table(c, &t, "");
}

static enum cli_exit
run_block(struct cli *c, const struct args *a)
{
	const char *word = a->operand[0];
	uint64_t height;
	/* A hash may consist of digits alone, so it is looked for first: no height has 64 of them. */
	if (!is_hash(word) && text_u64(&height, word, NUMBER_MAX) != OK)
		return cli_fail(c, CLI_USAGE, "usage",
				"'%.80s' is no block: give a height, or a hash of 64 lower-case hex digits", word);
	struct remote r;
	struct answer answer;
	char path[16 + HASH_HEX_SIZE];
	enum cli_exit ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	snprintf(path, sizeof(path), "/blocks/%s", word);
	r.max_reply = REMOTE_BLOCKS_MAX;
	ret = remote_call(&r, &answer, path, NULL);
	if (ret != CLI_DONE)
		return ret;
	if (!jval_is_string(jval_get(answer.root, "hash")))
		ret = remote_bad(&r, "it is not a block");
	else if (c->is_json)
		show_json(c, answer.root);
	else
		show_block(c, answer.root);
	answer_clear(&answer);
	return ret;
}

const struct command cmd_block = {
    .name = "block",
    .operands = "HEIGHT|HASH",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "one block and its transactions",
    .about = "Block 0 is the genesis block, which stands for the network's parameters. Each block names the hash of\n"
	     "the one before it: that is the chain.\n",
    .example = "rensa block 1\n",
    .run = run_block,
};

static enum cli_exit
run_tx(struct cli *c, const struct args *a)
{
	const char *id = a->operand[0];
	if (!is_hash(id))
		return cli_fail(c, CLI_USAGE, "usage", "'%.80s' is no transaction: an id has 64 lower-case hex digits",
				id);
	struct remote r;
	struct answer answer;
	char path[16 + HASH_HEX_SIZE];
	enum cli_exit ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	snprintf(path, sizeof(path), "/transactions/%s", id);
	ret = remote_call(&r, &answer, path, NULL);
	if (ret != CLI_DONE)
		return ret;
	const struct jval *status = jval_get(answer.root, "status");
	if (!jval_is_string(status)) {
		ret = remote_bad(&r, "it does not say how the transaction stands");
	} else if (c->is_json) {
		show_json(c, answer.root);
	} else {
		char height[SHOW_NUMBER_SIZE], confirmations[SHOW_NUMBER_SIZE];
		struct table t;
		table_begin(&t, 2, 0);
		show_tx(&t, jval_get(answer.root, "transaction"));
		table_fact(&t, "status", "%s", show_text(answer.root, "status"));
		if (strcmp(show_text(answer.root, "status"), "confirmed") == 0) {
			table_fact(&t, "block", "%s", show_number(height, answer.root, "height"));
			table_fact(&t, "confirmations", "%s", show_number(confirmations, answer.root, "confirmations"));
		}
		const char *reason = jval_str(answer.root, "reason", "");
		if (reason[0] != '\0')
			table_fact(&t, "reason", "%s", reason);
		show_table(c, &t, "");
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_tx = {
    .name = "tx",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "one transaction and how it stands",
    .about = "pending: it waits for a block. waiting: one of the sender's earlier transfers must come first.\n"
	     "confirmed: a block has it, and each block on top is one more confirmation. conflicted: the chain holds\n"
	     "something that makes it impossible.\n",
    .example = "rensa tx 4f1c0e...\n",
    .run = run_tx,
};
