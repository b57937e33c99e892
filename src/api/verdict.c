/* What transfers came to, as their clients are told: every refusal with the figures that led to it. */
#include <inttypes.h>

#include "account.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/mempool.h"
#include "submit.h"

/* Figures about the sender, as of now: they may have moved on since the pool looked. */
static bool
sender_now(const struct api *a, const struct tx *tx, struct account *account, struct pool_sender *pending)
{
	struct address who = tx_sender(tx);

	if (account_now(a, &who, account) != OK)
		return false;
	mempool_sender(a->store, &who, account->sequence, pending);
	return true;
}

void
verdict_explain(const struct api *a, struct no *no, const struct tx *tx, enum rule rule)
{
	int status = rule == RULE_POOL_FULL ? 503 : 422;
	const char *code = rule_name(rule), *text = rule_text(rule);
	struct account account;
	struct pool_sender pending;
	char hex[HASH_HEX_SIZE];

	switch (rule) {
	case RULE_WRONG_NETWORK:
		hash_hex(hex, store_genesis(a->store));
		no_set(no, status, code, "%s; here it is %s", text, hex);
		return;
	case RULE_BELOW_MINIMUM_FEE:
		no_set(no, status, code, "%s: fee %" PRIu64 ", minimum %" PRIu64 " base units", text, tx->fee,
		       a->params->min_fee);
		return;
	case RULE_SEQUENCE_USED:
	case RULE_SEQUENCE_TAKEN:
	case RULE_SEQUENCE_TOO_FAR:
		if (!sender_now(a, tx, &account, &pending))
			break;
		no_set(no, status, code, "%s: sequence %" PRIu64 ", the next free one is %" PRIu64, text, tx->sequence,
		       pending.next_sequence);
		return;
	case RULE_INSUFFICIENT_FUNDS:
		if (!sender_now(a, tx, &account, &pending))
			break;
		no_set(no, status, code, "%s: balance %" PRIu64 ", pending %" PRIu64 ", needs %" PRIu64 " base units",
		       text, account.balance, pending.outgoing, tx->value + tx->fee);
		return;
	case RULE_POOL_FULL:
		no_set(no, status, code, "%s: it holds %" PRIu32 "; send the transfer again after the next block", text,
		       mempool_capacity(a->store));
		return;
	default:
		break;
	}
	no_set(no, status, code, "%s", text);
}

static void
explain_confirmed(const struct api *a, struct transfer *t)
{
	struct tx_place place;

	if (chain_find_tx(a->store, chain_tip(a->store), &t->id, &place))
		no_set(&t->no, 409, "already-confirmed", "the transfer is confirmed already, in block %" PRIu64,
		       chain_height(a->store, place.block));
	else
		no_set(&t->no, 409, "already-confirmed", "the transfer is confirmed already");
}

static void
explain_refused(const struct api *a, struct transfer *t)
{
	struct reader r = reader_of(t->bytes, t->size);
	struct tx tx;

	if (tx_decode(&tx, &r) == RULE_OK)
		verdict_explain(a, &t->no, &tx, t->admission.rule);
	else
		no_set(&t->no, 422, rule_name(t->admission.rule), "%s", rule_text(t->admission.rule));
}

/* True: accepted, and *status says how; else t->no is set. */
static bool
accepted_status(struct api *a, struct transfer *t, const char **status)
{
	if (t->state != TRANSFER_JUDGED)
		return false;
	switch (t->admission.status) {
	case ADMISSION_PENDING:
		*status = "pending";
		return true;
	case ADMISSION_WAITING:
		*status = "waiting";
		return true;
	case ADMISSION_CONFIRMED:
		explain_confirmed(a, t);
		return false;
	case ADMISSION_RETRY:
		no_set(&t->no, 503, "busy", "the chain is being changed just now; send the transfer again");
		return false;
	case ADMISSION_NOT_KEPT:
		if (store_pool_log_err(a->store) == ERR_NOSPC)
			no_set(&t->no, 507, "no-space",
			       "the disk of the node is full, so the transfer could not be kept and was not taken; "
			       "send it "
			       "again when there is room");
		else
			no_set(&t->no, 503, "disk-failed",
			       "the disk of the node refused to keep the transfer, so it was not taken; send it again");
		return false;
	case ADMISSION_REFUSED:
		break;
	}
	explain_refused(a, t);
	return false;
}

static void
write_accepted(struct jout *j, const struct transfer *t, const char *status)
{
	jout_object(j);
	jout_khex(j, "id", t->id.b, sizeof(t->id.b));
	jout_kstring(j, "status", status);
	jout_object_end(j);
}

static void
reply_one(struct api *a, struct transfer *t, struct http_req *req)
{
	const char *status;

	if (!accepted_status(a, t, &status)) {
		reply_no(a, req, &t->no);
		return;
	}
	struct jout j = reply_begin(a);
	write_accepted(&j, t, status);
	reply_end(a, req, 202);
}

static void
reply_list(struct api *a, struct batch *b, struct http_req *req)
{
	const char *status;
	struct jout j = reply_begin(a);

	jout_object(&j);
	jout_key(&j, "results");
	jout_array(&j);
	for (size_t i = 0; i < b->count; i++) {
		struct transfer *t = &b->transfers[i];

		if (accepted_status(a, t, &status))
			write_accepted(&j, t, status);
		else
			no_write(&j, &t->no);
	}
	jout_array_end(&j);
	jout_object_end(&j);
	reply_end(a, req, 202);
}

static void
reply_push(struct api *a, const struct batch *b, struct http_req *req)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->transfers[i].state == TRANSFER_REFUSED) {
			reply_no(a, req, &b->transfers[i].no);
			return;
		}
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_ku64(&j, "taken", b->count);
	jout_ku64(&j, "known", b->known);
	jout_object_end(&j);
	reply_end(a, req, 202);
}

void
verdict_reply(struct api *a, struct batch *b, struct http_req *req)
{
	switch (b->kind) {
	case BATCH_ONE:
		reply_one(a, &b->transfers[0], req);
		break;
	case BATCH_LIST:
		reply_list(a, b, req);
		break;
	case BATCH_PUSH:
		reply_push(a, b, req);
		break;
	}
}
