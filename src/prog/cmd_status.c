/* rensa status and rensa peers: how the node is and whom it knows. */
#include <inttypes.h>
#include <stdio.h>

#include "prog/commands.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "prog/status_watch.h"
#include "util/attr.h"
#include "util/clock.h"

#define SKEW_NOTED_MS 1000 /* less is nothing to a chain */

enum status_option { STATUS_WATCH };

static const struct option_spec status_options[] = {
    [STATUS_WATCH] = {"watch", NULL, "go on, a line a second, until Ctrl-C; with --json one document a line", false},
};

static void
put_sync(struct table *t, const struct jval *status)
{
	char height[SHOW_NUMBER_SIZE], target[SHOW_NUMBER_SIZE], percent[SHOW_NUMBER_SIZE], left[SHOW_NUMBER_SIZE];
	const struct jval *sync = jval_get(status, "sync");

	if (jval_bool(sync, "active", false))
		table_fact(t, "sync", "%s of %s (%s %%), %s s left", show_number(height, sync, "height"),
			   show_number(target, sync, "target"), show_number(percent, sync, "percent"),
			   show_number(left, sync, "seconds_left"));
}

static void
show_clock(struct table *t, const struct jval *peers)
{
	char span[SHOW_NUMBER_SIZE];
	int64_t skew;

	if (jval_signed(&skew, jval_get(peers, "skew_ms")) != OK)
		return;
	if (skew > -SKEW_NOTED_MS && skew < SKEW_NOTED_MS)
		table_fact(t, "clock", "agrees with the peers'");
	else
		table_fact(t, "clock", "%s %s the peers'", show_ms(span, skew > 0 ? (uint64_t)skew : -(uint64_t)skew),
			   skew > 0 ? "behind" : "ahead of");
}

/* When the next block may come, and by what that is said. */
static void
show_outlook(struct table *t, const struct jval *mining)
{
	char span[SHOW_NUMBER_SIZE], needed[SHOW_NUMBER_SIZE], number[SHOW_NUMBER_SIZE];
	uint64_t own = jval_u64(mining, "hash_rate", 0), all = jval_u64(mining, "network_hash_rate", 0);
	if (mining == NULL)
		return;
	if (!jval_is_integer(jval_get(mining, "expected_ms")))
		table_fact(t, "next block", "nobody knows when: too few have been mined");
	else if (own > all)
		table_fact(t, "next block", "in about %s, at this node's %s hashes a second",
			   show_span(span, mining, "expected_ms"), show_number(number, mining, "hash_rate"));
	else
		table_fact(t, "next block", "in about %s, at the pace of the last %s blocks",
			   show_span(span, mining, "expected_ms"), show_number(number, mining, "blocks_measured"));
	table_fact(t, "hashes needed", "%s", show_number(needed, mining, "hashes_needed"));
}

/* How the last reload went, and what waits for a restart. */
static void
show_reload(struct table *t, const struct jval *reload)
{
	uint64_t at_ms = jval_u64(reload, "timestamp", 0), now_ms = clock_wall_ms();
	const struct jval *restart = jval_get(reload, "restart");
	const char *error = jval_str(reload, "error", NULL);
	char ago[SHOW_NUMBER_SIZE];

	if (!jval_is_object(reload))
		return;
	show_ms(ago, now_ms > at_ms ? now_ms - at_ms : 0);
	if (error != NULL)
		table_fact(t, "reload", "refused %s ago: %s", ago, error);
	else
		table_fact(t, "reload", "%s ago, changed %" PRIu64 " keys", ago, jval_u64(reload, "changed", 0));
	for (size_t i = 0; i < jval_count(restart); i++) {
		size_t len;
		const char *key = jval_text(jval_at(restart, i), &len);
		table_fact(t, i == 0 ? "needs restart" : "", "%s", key != NULL ? key : "?");
	}
}

static enum cli_exit
run_status(struct cli *c, const struct args *a)
{
	struct remote r;
	struct network network;
	struct answer answer;
	enum cli_exit ret = remote_open(&r, c);
	if (ret == CLI_DONE && a->value[STATUS_WATCH] != NULL)
		return status_watch(c, &r);
	if (ret == CLI_DONE)
		ret = remote_call(&r, &answer, "/status", NULL);
	if (ret != CLI_DONE)
		return ret;
	ret = network_parse(&network, &r, answer.root);
	if (ret == CLI_DONE && c->is_json) {
		show_json(c, answer.root);
	} else if (ret == CLI_DONE) {
		char number[SHOW_NUMBER_SIZE], amount[AMOUNT_TEXT_SIZE];
		const struct jval *root = answer.root;
		const struct jval *params = jval_get(root, "network");
		const struct jval *peers = jval_get(root, "peers");
		struct table t;
		table_begin(&t, 2, 0);
		table_fact(&t, "node", "%s at %s", show_text(root, "node"), c->node);
		table_fact(&t, "network", "%s", show_text(params, "name"));
		table_fact(&t, "genesis", "%s", show_text(root, "genesis"));
		table_fact(&t, "height", "%s", show_number(number, root, "height"));
		put_sync(&t, root);
		table_fact(&t, "head", "%s", show_text(root, "head"));
		table_fact(&t, "work", "%s", show_text(root, "work"));
		show_outlook(&t, jval_get(root, "mining"));
		table_fact(&t, "reward", "%s", show_amount(amount, params, "reward"));
		table_fact(&t, "minimum fee", "%s", show_amount(amount, params, "minimum_fee"));
		if (jval_is_integer(jval_get(peers, "up")))
			table_fact(&t, "peers", "%s up", show_number(number, peers, "up"));
		show_clock(&t, peers);
		show_reload(&t, jval_get(root, "reload"));
		show_table(c, &t, "");
		cli_say(c, "more: rensa peers, rensa blocks; everything the node tells: rensa --json status");
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_status = {
    .name = "status",
    .operands = "",
    .options = status_options,
    .option_count = ARRAY_LEN(status_options),
    .summary = "how the node is and where its chain ends",
    .about = "Two nodes agree when they show the same head. Two with different genesis hashes are on different\n"
	     "networks and never will.\n",
    .example = "rensa --node http://127.0.0.2:5000 status\n",
    .run = run_status,
};

/* What keeps the node from being a peer, and for how long if that is known. */
static void
show_reason(struct table *t, const struct jval *peer, uint64_t now_ms)
{
	uint64_t until_ms = jval_u64(peer, "paused_until", 0);
	char span[SHOW_NUMBER_SIZE], time[CLOCK_TEXT_SIZE];

	if (until_ms <= now_ms) {
		table_cell(t, "%s", jval_str(peer, "reason", ""));
		return;
	}
	table_cell(t, "broke %s: left alone until %s (%s)", jval_str(peer, "reason", ""),
		   show_time(time, peer, "paused_until"), show_ms(span, until_ms - now_ms));
}

static void
show_peer(struct table *t, const struct jval *peer, uint64_t now_ms)
{
	char number[SHOW_NUMBER_SIZE], span[SHOW_NUMBER_SIZE];
	uint64_t checked_ms = jval_u64(peer, "checked", 0), next_ms = jval_u64(peer, "next_try", 0);
	bool has_height = jval_is_integer(jval_get(peer, "height"));

	table_cell(t, "%s", show_text(peer, "address"));
	table_cell(t, "%s", show_text(peer, "state"));
	table_cell(t, "%s", has_height ? show_number(number, peer, "height") : "");
	table_cell(t, "%s", checked_ms == 0 ? "" : show_ms(span, now_ms > checked_ms ? now_ms - checked_ms : 0));
	table_cell(t, "%s", next_ms == 0 ? "" : show_ms(span, next_ms > now_ms ? next_ms - now_ms : 0));
	table_cell(t, "%s", jval_str(peer, "source", ""));
	show_reason(t, peer, now_ms);
}

static enum cli_exit
run_peers(struct cli *c, const struct args *a)
{
	(void)a;
	struct remote r;
	struct answer answer;
	enum cli_exit ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	r.max_reply = REMOTE_BLOCKS_MAX;
	ret = remote_call(&r, &answer, "/peers", NULL);
	if (ret != CLI_DONE)
		return ret;
	const struct jval *peers = jval_get(answer.root, "peers");
	size_t count = jval_count(peers);
	if (!jval_is_array(peers)) {
		ret = remote_bad(&r, "it has no list of peers");
	} else if (c->is_json) {
		show_json(c, answer.root);
	} else if (count == 0) {
		cli_say(
		    c,
		    "The node knows no peers. Name some in its configuration, under [discovery] peers or scan_hosts.");
	} else {
		struct table t;
		table_begin(&t, 7, 1u << 2 | 1u << 3 | 1u << 4);
		table_cell(&t, "ADDRESS");
		table_cell(&t, "STATE");
		table_cell(&t, "HEIGHT");
		table_cell(&t, "SEEN AGO");
		table_cell(&t, "NEXT IN");
		table_cell(&t, "SOURCE");
		table_cell(&t, "REASON");
		for (size_t i = 0; i < count; i++)
			show_peer(&t, jval_at(peers, i), jval_u64(answer.root, "timestamp", 0));
		show_table(c, &t, "");
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_peers = {
    .name = "peers",
    .operands = "",
    .summary = "the other nodes that this one knows",
    .about =
	"A peer is up once both sides have compared their networks; any other state says in its reason what\n"
	"keeps them apart. One that is up and has a reason has a chain that this node does not take. Heights are as\n"
	"of when the node was last asked.\n",
    .example = "rensa peers\n",
    .run = run_peers,
};
