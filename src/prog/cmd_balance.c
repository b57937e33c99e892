/* rensa balance: what an address has, as the node's chain tells it. */
#include <stdio.h>

#include "prog/commands.h"
#include "prog/party.h"
#include "prog/remote.h"
#include "prog/show.h"

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct remote r;
	struct network network;
	struct party who;
	enum cli_exit ret = party_find(&who, c, a->operand[0]);
	if (ret == CLI_DONE)
		ret = remote_open(&r, c);
	if (ret == CLI_DONE)
		ret = remote_network(&r, &network);
	if (ret == CLI_DONE)
		ret = party_settle(&who, c, network.address_version);
	if (ret != CLI_DONE)
		return ret;

	struct answer answer;
	char path[128];
	snprintf(path, sizeof(path), "/addresses/%s", who.text);
	ret = remote_call(&r, &answer, path, NULL);
	if (ret != CLI_DONE)
		return ret;
	uint64_t units;
	if (jval_number(&units, jval_get(answer.root, "balance"), MONEY_MAX) != OK) {
		ret = remote_bad(&r, "it has no balance");
	} else if (c->is_json) {
		show_json(c, answer.root);
	} else {
		char label[PARTY_LABEL_SIZE], amount[AMOUNT_TEXT_SIZE], number[SHOW_NUMBER_SIZE];
		struct table t;
		party_label(label, &who);
		cli_say(c, "%s", label);
		amount_format(amount, units);
		table_begin(&t, 2, 0);
		table_fact(&t, "balance", "%s", amount);
		table_fact(&t, "pending", "%s", show_amount(amount, answer.root, "pending"));
		table_fact(&t, "spendable", "%s", show_amount(amount, answer.root, "spendable"));
		table_fact(&t, "next sequence", "%s", show_number(number, answer.root, "next_sequence"));
		show_table(c, &t, "  ");
		if (units == 0)
			cli_say(c, "next: earn a reward:  rensa mine --to %s", who.word);
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_balance = {
    .name = "balance",
    .operands = "NAME|ADDRESS",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "what a wallet or an address has",
    .about =
	"balance: the coins that blocks have confirmed. pending: what the address's own transfers will take once a\n"
	"block has them. spendable: the rest. next sequence: the number of its next transfer, counted from 0.\n"
	"A wallet of that name comes before an address.\n",
    .example = "rensa balance alice\n",
    .run = run,
};
