/*
 * rensa send: signs a transfer here and hands it to the node. The key never leaves this process.
 *
 * What must stay true: coins move at most once. A transfer whose outcome is unknown (the connection broke, the node
 * says so) is posted again byte for byte, which is safe because its id is the same. A new one, with another sequence,
 * is signed only after the node clearly refused the one before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chain/tx.h"
#include "prog/amount.h"
#include "prog/commands.h"
#include "prog/party.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/text.h"
#include "wire/views.h"

#define POST_TRIES 6	   /* of one transfer while its outcome is unknown */
#define SEQUENCE_TRIES 3   /* if others spend from the same wallet at the same time */
#define RETRY_FIRST_MS 100 /* doubles each time */
#define LOCK_WAIT_MS 60000
#define POLL_FIRST_MS 50 /* grows by half each time */
#define POLL_LAST_MS 1000
#define TIMEOUT_DEFAULT_S 120
#define TIMEOUT_MAX_S 86400

enum { SEND_FROM, SEND_TO, SEND_AMOUNT, SEND_FEE, SEND_MEMO, SEND_WAIT, SEND_TIMEOUT };

static const struct option_spec options[] = {
    [SEND_FROM] = {"from", "NAME", "the wallet that pays", true},
    [SEND_TO] = {"to", "NAME|ADDRESS", "who is paid; a wallet of that name comes first", true},
    [SEND_AMOUNT] = {"amount", "COINS", "how much, up to 8 decimals", true},
    [SEND_FEE] = {"fee", "COINS", "for the miner (the network's minimum)", false},
    [SEND_MEMO] = {"memo", "TEXT", "up to 256 bytes that everybody will see", false},
    [SEND_WAIT] = {"wait", NULL, "come back when it is in a block", false},
    [SEND_TIMEOUT] = {"timeout", "SECONDS", "how long --wait waits (120)", false},
};

/* One run of the command. */
struct sending {
	struct cli *c;
	struct remote remote;
	struct network network;
	struct keyfile wallet;
	int lock; /* on the wallet, from asking for the sequence until the node has the transfer */
	struct party from, to;
	bool has_fee;
	struct tx tx;
	char id[HASH_HEX_SIZE];
	char status[32];
	uint64_t height; /* once confirmed */
	uint64_t confirmations;
	uint64_t timeout_ms;
};

static enum cli_exit
take_amount(uint64_t *units, struct cli *c, const char *option, const char *text)
{
	enum err e = amount_parse(units, text);
	if (e == ERR_LIMIT)
		return cli_fail(c, CLI_USAGE, "bad-amount", "--%s %.64s is more than all coins there can be", option,
				text);
	if (e != OK)
		return cli_fail(c, CLI_USAGE, "bad-amount",
				"--%s '%.64s' is not an amount: write coins with up to 8 decimals, such as 1.5", option,
				text);
	return CLI_DONE;
}

/* Everything that can be judged without a node. */
static enum cli_exit
prepare(struct sending *s, const struct args *a)
{
	struct cli *c = s->c;
	struct tx *tx = &s->tx;
	enum cli_exit ret = take_amount(&tx->value, c, "amount", a->value[SEND_AMOUNT]);
	if (ret != CLI_DONE)
		return ret;
	if (tx->value == 0)
		return cli_fail(c, CLI_USAGE, "bad-amount", "--amount 0: a transfer must move at least 0.00000001");
	s->has_fee = a->value[SEND_FEE] != NULL;
	if (s->has_fee) {
		ret = take_amount(&tx->fee, c, "fee", a->value[SEND_FEE]);
		if (ret != CLI_DONE)
			return ret;
	}
	uint64_t timeout_s = TIMEOUT_DEFAULT_S;
	const char *timeout = a->value[SEND_TIMEOUT];
	if (timeout != NULL && (text_u64(&timeout_s, timeout, TIMEOUT_MAX_S) != OK || timeout_s == 0))
		return cli_fail(c, CLI_USAGE, "usage", "--timeout is a number of seconds from 1 to %d", TIMEOUT_MAX_S);
	s->timeout_ms = timeout_s * 1000;

	const char *memo = a->value[SEND_MEMO] != NULL ? a->value[SEND_MEMO] : "";
	size_t memo_len = strlen(memo);
	if (memo_len > MEMO_MAX)
		return cli_fail(c, CLI_USAGE, rule_name(RULE_MEMO_TOO_LONG), "%s; this one has %zu",
				rule_text(RULE_MEMO_TOO_LONG), memo_len);
	if (!text_is_utf8(memo, memo_len))
		return cli_fail(c, CLI_USAGE, rule_name(RULE_MEMO_NOT_UTF8), "%s", rule_text(RULE_MEMO_NOT_UTF8));
	memcpy(tx->memo, memo, memo_len);
	tx->memo_len = (uint16_t)memo_len;
	tx->version = TX_TRANSFER;

	char error[KEYFILE_ERROR_SIZE];
	enum err e = keyfile_load(&s->wallet, c->home, a->value[SEND_FROM], error);
	if (e == ERR_ARG)
		return cli_fail(c, CLI_USAGE, "usage", "%s", error);
	if (e != OK)
		return cli_fail(c, CLI_LOCAL, "wallet", "%s", error);
	ret = party_find(&s->from, c, a->value[SEND_FROM]);
	if (ret == CLI_DONE)
		ret = party_find(&s->to, c, a->value[SEND_TO]);
	return ret;
}

/* Learns what network this is and fits the transfer to it. */
static enum cli_exit
fit_network(struct sending *s)
{
	struct cli *c = s->c;
	enum cli_exit ret = remote_network(&s->remote, &s->network);
	if (ret == CLI_DONE)
		ret = party_settle(&s->from, c, s->network.address_version);
	if (ret == CLI_DONE)
		ret = party_settle(&s->to, c, s->network.address_version);
	if (ret != CLI_DONE)
		return ret;
	s->tx.network = s->network.genesis;
	s->tx.recipient = s->to.address;
	if (!s->has_fee)
		s->tx.fee = s->network.min_fee;
	if (s->tx.fee < s->network.min_fee) {
		char least[AMOUNT_TEXT_SIZE];
		amount_format(least, s->network.min_fee);
		return cli_fail(c, CLI_REFUSED, rule_name(RULE_BELOW_MINIMUM_FEE), "this network's minimum fee is %s",
				least);
	}
	return CLI_DONE;
}

static enum cli_exit
lock_wallet(struct sending *s)
{
	char error[KEYFILE_ERROR_SIZE];
	if (keyfile_lock(&s->lock, s->c->home, s->from.word, LOCK_WAIT_MS, error) != OK)
		return cli_fail(s->c, CLI_LOCAL, "wallet", "%s", error);
	return CLI_DONE;
}

/* Signs the transfer with the sequence that the node says is next. */
static enum cli_exit
sign(struct sending *s)
{
	struct answer a;
	char path[128];
	snprintf(path, sizeof(path), "/addresses/%s", s->from.text);
	enum cli_exit ret = remote_call(&s->remote, &a, path, NULL);
	if (ret != CLI_DONE)
		return ret;
	if (jval_number(&s->tx.sequence, jval_get(a.root, "next_sequence"), NUMBER_MAX) != OK)
		ret = remote_bad(&s->remote, "it has no next_sequence");
	answer_clear(&a);
	if (ret != CLI_DONE)
		return ret;
	if (tx_sign(&s->tx, &s->wallet.key) != OK)
		return cli_fail(s->c, CLI_LOCAL, "wallet", "the wallet %s cannot sign", s->from.word);
	struct hash256 id = tx_id(&s->tx);
	hash_hex(s->id, &id);
	return CLI_DONE;
}

static bool
is_outcome_unknown(const struct answer *a)
{
	if (a->error != OK)
		return true;
	return a->status == 503 && strcmp(a->code, "outcome-unknown") == 0;
}

/* Posts the signed transfer until the node clearly takes or refuses it. *was_unknown: an earlier try may have counted.
 */
static void
post(struct sending *s, struct answer *a, bool *was_unknown)
{
	struct buf body;
	buf_init(&body);
	struct jout j = jout_to(&body);
	view_tx(&j, &s->tx, s->network.address_version);
	*was_unknown = false;
	uint64_t pause_ms = RETRY_FIRST_MS;
	for (int tries = 1;; tries++) {
		remote_try(&s->remote, a, "/transactions", &body);
		if (!is_outcome_unknown(a) || tries == POST_TRIES)
			break;
		*was_unknown = true;
		answer_clear(a);
		clock_sleep_ms(pause_ms);
		pause_ms *= 2;
	}
	buf_clear(&body);
}

/* The node did not take the transfer, or nobody knows. */
static enum cli_exit
not_taken(struct sending *s, const struct answer *a, bool was_unknown)
{
	struct cli *c = s->c;
	enum cli_exit ret = remote_fail(&s->remote, a);
	if (is_outcome_unknown(a) || was_unknown) {
		char why[512];
		text_copy(why, sizeof(why), c->message);
		text_copy(c->tx_id, sizeof(c->tx_id), s->id);
		cli_fail(
		    c, ret, "outcome-unknown",
		    "whether the transfer was taken is not known: look before you send again, with  rensa tx %s  (%s)",
		    s->id, why);
	}
	return ret;
}

static enum cli_exit
sign_and_post(struct sending *s)
{
	for (int tries = 1;; tries++) {
		enum cli_exit ret = sign(s);
		if (ret != CLI_DONE)
			return ret;
		struct answer a;
		bool was_unknown;
		post(s, &a, &was_unknown);
		bool is_raced = a.error == OK && (strcmp(a.code, rule_name(RULE_SEQUENCE_TAKEN)) == 0 ||
						  strcmp(a.code, rule_name(RULE_SEQUENCE_USED)) == 0);
		if (a.error == OK && a.status >= 200 && a.status <= 299) {
			text_copy(s->status, sizeof(s->status), jval_str(a.root, "status", "pending"));
		} else if (a.error == OK && a.status == 409 && was_unknown) {
			/* An earlier try did count, and a block has it already. */
			text_copy(s->status, sizeof(s->status), "confirmed");
		} else if (is_raced && !was_unknown && tries < SEQUENCE_TRIES) {
			answer_clear(&a);
			continue;
		} else {
			ret = not_taken(s, &a, was_unknown);
		}
		answer_clear(&a);
		return ret;
	}
}

/* Asks how the transfer stands until a block has it, it cannot come any more, or the time is up. */
static enum cli_exit
wait_confirmed(struct sending *s)
{
	struct cli *c = s->c;
	uint64_t end = clock_mono_ms() + s->timeout_ms;
	uint64_t pause_ms = POLL_FIRST_MS;
	char path[16 + HASH_HEX_SIZE];
	snprintf(path, sizeof(path), "/transactions/%s", s->id);
	for (;;) {
		uint64_t now = clock_mono_ms();
		if (now >= end)
			break;
		if (end - now < s->remote.timeout_ms)
			s->remote.timeout_ms = (uint32_t)(end - now);
		struct answer a;
		/* A node that is away for a while, or has not heard of it yet, is worth asking again. */
		remote_try(&s->remote, &a, path, NULL);
		if (a.error == OK && a.root != NULL && a.status == 200) {
			text_copy(s->status, sizeof(s->status), jval_str(a.root, "status", "unknown"));
			s->height = jval_u64(a.root, "height", 0);
			s->confirmations = jval_u64(a.root, "confirmations", 0);
		}
		answer_clear(&a);
		if (strcmp(s->status, "confirmed") == 0)
			return CLI_DONE;
		if (strcmp(s->status, "conflicted") == 0) {
			text_copy(c->tx_id, sizeof(c->tx_id), s->id);
			return cli_fail(
			    c, CLI_REFUSED, "conflicted",
			    "the transfer can no longer come into a block: the chain holds something it conflicts "
			    "with. Why:  rensa tx %s",
			    s->id);
		}
		now = clock_mono_ms();
		if (now < end)
			clock_sleep_ms(end - now < pause_ms ? end - now : pause_ms);
		pause_ms = pause_ms * 3 / 2 < POLL_LAST_MS ? pause_ms * 3 / 2 : POLL_LAST_MS;
	}
	text_copy(c->tx_id, sizeof(c->tx_id), s->id);
	return cli_fail(c, CLI_REFUSED, "wait-timeout",
			"the transfer is sent, but no block had it within %" PRIu64
			" s (status: %s). It may still come:  "
			"rensa tx %s",
			s->timeout_ms / 1000, s->status, s->id);
}

static void
say_sent(struct sending *s)
{
	char from[PARTY_LABEL_SIZE], to[PARTY_LABEL_SIZE];
	char value[AMOUNT_TEXT_SIZE], fee[AMOUNT_TEXT_SIZE];
	struct table t;
	party_label(from, &s->from);
	party_label(to, &s->to);
	amount_format(value, s->tx.value);
	amount_format(fee, s->tx.fee);
	cli_say(s->c, "sent %s to %s", value, to);
	table_begin(&t, 2, 0);
	table_fact(&t, "from", "%s", from);
	table_fact(&t, "fee", "%s", fee);
	table_fact(&t, "sequence", "%" PRIu64, s->tx.sequence);
	table_fact(&t, "status", "%s", s->status);
	table_fact(&t, "id", "%s", s->id);
	show_table(s->c, &t, "  ");
}

static void
show_result(struct sending *s)
{
	struct jout j = jout_to(&s->c->out);
	jout_object(&j);
	jout_kstring(&j, "id", s->id);
	jout_kstring(&j, "status", s->status);
	jout_kstring(&j, "from", s->from.text);
	jout_kstring(&j, "to", s->to.text);
	jout_ku64(&j, "value", s->tx.value);
	jout_ku64(&j, "fee", s->tx.fee);
	jout_ku64(&j, "sequence", s->tx.sequence);
	if (s->height > 0) {
		jout_ku64(&j, "height", s->height);
		jout_ku64(&j, "confirmations", s->confirmations);
	}
	jout_object_end(&j);
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct sending s = {.c = c, .lock = -1};
	bool is_waiting = a->value[SEND_WAIT] != NULL;
	enum cli_exit ret = prepare(&s, a);
	if (ret == CLI_DONE)
		ret = remote_open(&s.remote, c);
	if (ret == CLI_DONE)
		ret = fit_network(&s);
	if (ret == CLI_DONE)
		ret = lock_wallet(&s);
	if (ret == CLI_DONE)
		ret = sign_and_post(&s);
	keyfile_wipe(&s.wallet);
	fd_close(&s.lock);
	if (ret != CLI_DONE)
		return ret;

	say_sent(&s);
	if (is_waiting) {
		cli_say(c, "waiting for a block to take it in ...");
		cli_flush(c);
		ret = wait_confirmed(&s);
		if (ret != CLI_DONE)
			return ret;
		cli_say(c, "confirmed in block %" PRIu64, s.height);
	} else {
		cli_say(c, "next: a block must take it in. Wait for a miner, or mine one:  rensa mine --to %s",
			s.from.word);
		cli_say(c, "      see how it stands:  rensa tx %s", s.id);
	}
	if (c->is_json)
		show_result(&s);
	return CLI_DONE;
}

const struct command cmd_send = {
    .name = "send",
    .operands = "",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .needs_home = true,
    .summary = "pay coins from a wallet to a wallet or an address",
    .about = "Asks the node which network this is and which sequence is the wallet's next, signs the transfer\n"
	     "here, and hands it to the node, which tells its peers. The coins have moved once a block has the\n"
	     "transfer: --wait waits for that, and ends with 1 if the time is up or the transfer became\n"
	     "impossible. If the connection breaks the same transfer is sent again: it cannot count twice.\n",
    .example = "rensa send --from alice --to bob --amount 1.5 --memo \"for the tea\" --wait\n",
    .run = run,
};
