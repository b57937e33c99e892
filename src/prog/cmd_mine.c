/*
 * rensa mine: has the node find blocks. A node works on one request for a limited time and tells what it has found; the
 * rest is asked for again. Not so when an answer is lost: what was found is unknown then, and each call finds new ones.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prog/commands.h"
#include "prog/party.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "util/clock.h"
#include "util/text.h"

#define BLOCKS_MAX_ASKED 100000
#define BLOCKS_MAX_CALL 1000 /* what the node takes at a time */
#define TIMEOUT_DEFAULT_S 120
#define TIMEOUT_MAX_S 86400

enum { MINE_TO, MINE_BLOCKS, MINE_TIMEOUT };

static const struct option_spec options[] = {
    [MINE_TO] = {"to", "NAME|ADDRESS", "who gets the rewards (the node's [miner] address)", false},
    [MINE_BLOCKS] = {"blocks", "N", "how many (1)", false},
    [MINE_TIMEOUT] = {"timeout", "SECONDS", "how long to wait for all of them (120)", false},
};

static enum cli_exit
take_count(uint64_t *count, struct cli *c, const char *option, const char *text, uint64_t max)
{
	if (text != NULL && (text_u64(count, text, max) != OK || *count == 0))
		return cli_fail(c, CLI_USAGE, "usage", "--%s is a number from 1 to %" PRIu64, option, max);
	return CLI_DONE;
}

/* One run of the command. */
struct mining {
	struct cli *c;
	struct remote remote;
	const struct party *to; /* NULL: the node's own address */
	uint64_t wanted;
	uint64_t mined;
	uint64_t end_ms; /* monotonic */
	struct table table;
	struct buf list; /* the blocks as JSON, with commas between */
};

/* Some of the blocks are there, and that is all that will come. */
static enum cli_exit
stopped_short(struct mining *m, enum cli_exit ret)
{
	char code[CLI_CODE_SIZE], why[CLI_MESSAGE_SIZE];

	if (m->mined == 0)
		return ret;
	text_copy(code, sizeof(code), m->c->code);
	text_copy(why, sizeof(why), m->c->message);
	return cli_fail(m->c, ret, code, "%" PRIu64 " of %" PRIu64 " blocks were mined and stay. Then: %s", m->mined,
			m->wanted, why);
}

/* Takes over the blocks of an answer. */
static void
take_blocks(struct mining *m, const struct jval *blocks)
{
	for (size_t i = 0; i < jval_count(blocks); i++) {
		char height[SHOW_NUMBER_SIZE];
		const struct jval *block = jval_at(blocks, i);
		table_cell(&m->table, "%s", show_number(height, block, "height"));
		table_cell(&m->table, "%s", show_text(block, "hash"));
		buf_puts(&m->list, m->mined++ > 0 ? "," : "");
		jval_dump(&m->list, block);
	}
}

/* One call for as many as are missing. */
static enum cli_exit
mine_some(struct mining *m)
{
	struct remote *r = &m->remote;
	uint64_t missing = m->wanted - m->mined, now = clock_mono_ms();
	struct answer answer;
	struct buf body;

	if (now >= m->end_ms)
		return cli_fail(m->c, CLI_REFUSED, "timeout", "the time is up (--timeout)");
	r->timeout_ms = m->end_ms - now < UINT32_MAX ? (uint32_t)(m->end_ms - now) : UINT32_MAX;
	buf_init(&body);
	struct jout j = jout_to(&body);
	jout_object(&j);
	if (m->to != NULL)
		jout_kstring(&j, "address", m->to->text);
	jout_ku64(&j, "blocks", missing < BLOCKS_MAX_CALL ? missing : BLOCKS_MAX_CALL);
	jout_object_end(&j);
	remote_try(r, &answer, "/mine", &body);
	buf_clear(&body);

	const struct jval *blocks = jval_get(answer.root, "blocks");
	bool is_done = answer.error == OK && answer.status >= 200 && answer.status <= 299;
	/* The node's own time for a request was up: it can be asked again at once. */
	bool is_part = answer.error == OK && answer.status == 503 && strcmp(answer.code, "timeout") == 0;
	enum cli_exit ret = CLI_DONE;
	if (jval_is_array(blocks))
		take_blocks(m, blocks);
	if (is_done && !jval_is_array(blocks))
		ret = remote_bad(r, "it has no list of blocks");
	else if (is_done && jval_count(blocks) == 0)
		ret = remote_bad(r, "it has mined nothing and does not say why");
	else if (!is_done && !(is_part && jval_is_array(blocks)))
		ret = remote_fail(r, &answer);
	answer_clear(&answer);
	return ret;
}

static void
show_mined(struct mining *m)
{
	struct cli *c = m->c;
	char label[PARTY_LABEL_SIZE] = "the node's miner address";

	if (m->to != NULL)
		party_label(label, m->to);
	if (m->mined == 0) {
		/* No more than a header. */
		struct buf unseen;
		buf_init(&unseen);
		table_end(&m->table, &unseen, "");
		buf_clear(&unseen);
	} else {
		cli_say(c, "mined %" PRIu64 " block%s, rewards to %s", m->mined, m->mined == 1 ? "" : "s", label);
		show_table(c, &m->table, "  ");
	}
	if (m->to != NULL && m->mined == m->wanted)
		cli_say(c, "next: see what it brought:  rensa balance %s", m->to->word);
	if (c->is_json) {
		buf_puts(&c->out, "{\"blocks\":[");
		buf_append(&c->out, m->list.data, m->list.len);
		buf_puts(&c->out, "]}");
	}
	buf_clear(&m->list);
}

/* Asks until all are there or it cannot go on. */
static enum cli_exit
mine_all(struct mining *m)
{
	enum cli_exit ret = CLI_DONE;

	buf_init(&m->list);
	table_begin(&m->table, 2, 1u << 0);
	table_cell(&m->table, "HEIGHT");
	table_cell(&m->table, "HASH");
	while (ret == CLI_DONE && m->mined < m->wanted)
		ret = mine_some(m);
	show_mined(m);
	return ret == CLI_DONE ? ret : stopped_short(m, ret);
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct mining m = {.c = c, .wanted = 1};
	struct network network;
	struct party to;
	uint64_t timeout_s = TIMEOUT_DEFAULT_S;
	bool has_to = a->value[MINE_TO] != NULL;
	enum cli_exit ret = take_count(&m.wanted, c, "blocks", a->value[MINE_BLOCKS], BLOCKS_MAX_ASKED);
	if (ret == CLI_DONE)
		ret = take_count(&timeout_s, c, "timeout", a->value[MINE_TIMEOUT], TIMEOUT_MAX_S);
	if (ret == CLI_DONE && has_to)
		ret = party_find(&to, c, a->value[MINE_TO]);
	if (ret == CLI_DONE)
		ret = remote_open(&m.remote, c);
	if (ret == CLI_DONE)
		ret = remote_network(&m.remote, &network);
	if (ret == CLI_DONE && has_to)
		ret = party_settle(&to, c, network.address_version);
	if (ret != CLI_DONE)
		return ret;

	m.to = has_to ? &to : NULL;
	m.end_ms = clock_mono_ms() + timeout_s * 1000;
	m.remote.max_reply = REMOTE_BLOCKS_MAX;
	ret = mine_all(&m);
	if (ret == CLI_REFUSED && !has_to && strcmp(c->code, "no-address") == 0)
		return cli_fail(c, ret, "no-address",
				"who shall get the reward? Say --to NAME, or set address under [miner] in the node's "
				"configuration");
	return ret;
}

const struct command cmd_mine = {
    .name = "mine",
    .operands = "",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "have the node find blocks",
    .about = "Each block takes in pending transfers and pays its reward and their fees to --to. The node decides\n"
	     "whom it mines for: by default those on the same host. Many blocks are asked for piece by piece. If not\n"
	     "all were found the error says how many were; if an answer is lost or late the node may have mined\n"
	     "more: look with rensa blocks.\n",
    .example = "rensa mine --to alice --blocks 3\n",
    .run = run,
};
