/* rensa mine: asks the node to find blocks. Not repeated when the answer is lost: each call finds new ones. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prog/commands.h"
#include "prog/party.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "util/text.h"

#define BLOCKS_MAX_ASKED 100000
#define TIMEOUT_DEFAULT_S 120
#define TIMEOUT_MAX_S 86400

enum { MINE_TO, MINE_BLOCKS, MINE_TIMEOUT };

static const struct option_spec options[] = {
    [MINE_TO] = {"to", "NAME|ADDRESS", "who gets the rewards (the node's [miner] address)", false},
    [MINE_BLOCKS] = {"blocks", "N", "how many (1)", false},
    [MINE_TIMEOUT] = {"timeout", "SECONDS", "how long to wait for the answer (120)", false},
};

static enum cli_exit
take_count(uint64_t *count, struct cli *c, const char *option, const char *text, uint64_t max)
{
	if (text != NULL && (text_u64(count, text, max) != OK || *count == 0))
		return cli_fail(c, CLI_USAGE, "usage", "--%s is a number from 1 to %" PRIu64, option, max);
	return CLI_DONE;
}

static enum cli_exit
show_mined(struct cli *c, const struct remote *r, const struct party *to, const struct jval *answer)
{
	const struct jval *blocks = jval_get(answer, "blocks");
	if (!jval_is_array(blocks))
		return remote_bad(r, "it has no list of blocks");
	if (c->is_json) {
		show_json(c, answer);
		return CLI_DONE;
	}
	struct table t;
	size_t count = jval_count(blocks);
	table_begin(&t, 2, 1u << 0);
	table_cell(&t, "HEIGHT");
	table_cell(&t, "HASH");
	for (size_t i = 0; i < count; i++) {
		char height[SHOW_NUMBER_SIZE];
		const struct jval *block = jval_at(blocks, i);
		table_cell(&t, "%s", show_number(height, block, "height"));
		table_cell(&t, "%s", show_text(block, "hash"));
	}
	char label[PARTY_LABEL_SIZE] = "the node's miner address";
	if (to != NULL)
		party_label(label, to);
	cli_say(c, "mined %zu block%s, rewards to %s", count, count == 1 ? "" : "s", label);
	show_table(c, &t, "  ");
	if (to != NULL)
		cli_say(c, "next: see what it brought:  rensa balance %s", to->word);
	return CLI_DONE;
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct remote r;
	struct network network;
	struct party to;
	uint64_t blocks = 1, timeout_s = TIMEOUT_DEFAULT_S;
	bool has_to = a->value[MINE_TO] != NULL;
	enum cli_exit ret = take_count(&blocks, c, "blocks", a->value[MINE_BLOCKS], BLOCKS_MAX_ASKED);
	if (ret == CLI_DONE)
		ret = take_count(&timeout_s, c, "timeout", a->value[MINE_TIMEOUT], TIMEOUT_MAX_S);
	if (ret == CLI_DONE && has_to)
		ret = party_find(&to, c, a->value[MINE_TO]);
	if (ret == CLI_DONE)
		ret = remote_open(&r, c);
	if (ret == CLI_DONE)
		ret = remote_network(&r, &network);
	if (ret == CLI_DONE && has_to)
		ret = party_settle(&to, c, network.address_version);
	if (ret != CLI_DONE)
		return ret;

	struct buf body;
	buf_init(&body);
	struct jout j = jout_to(&body);
	jout_object(&j);
	if (has_to)
		jout_kstring(&j, "address", to.text);
	jout_ku64(&j, "blocks", blocks);
	jout_object_end(&j);

	struct answer answer;
	r.timeout_ms = (uint32_t)(timeout_s * 1000);
	r.max_reply = REMOTE_BLOCKS_MAX;
	ret = remote_call(&r, &answer, "/mine", &body);
	buf_clear(&body);
	if (ret == CLI_REFUSED && !has_to && strcmp(c->code, "no-address") == 0)
		return cli_fail(c, ret, "no-address",
				"who shall get the reward? Say --to NAME, or set address under [miner] in the node's "
				"configuration");
	if (ret != CLI_DONE)
		return ret;
	ret = show_mined(c, &r, has_to ? &to : NULL, answer.root);
	answer_clear(&answer);
	return ret;
}

const struct command cmd_mine = {
    .name = "mine",
    .operands = "",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "have the node find blocks",
    .about = "Each block takes in pending transfers and pays its reward and their fees to --to. The node decides\n"
	     "whom it mines for: by default those on the same host. If no answer comes in time the node may have\n"
	     "mined all the same: look with rensa blocks.\n",
    .example = "rensa mine --to alice --blocks 3\n",
    .run = run,
};
