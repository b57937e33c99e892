/* What an address has: confirmed by blocks, on its way out, and free to spend. */
#include "account.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/mempool.h"

#define ACCOUNT_TRIES 8

enum err
account_now(const struct api *a, const struct address *who, struct account *out)
{
	enum err e = ERR_STALE;

	for (int i = 0; i < ACCOUNT_TRIES && e == ERR_STALE; i++)
		e = chain_account(a->store, chain_tip(a->store), who, out, NULL);
	return e;
}

void
amount_get(struct api *a, struct http_req *req, const char *name)
{
	const char *text = http_req_query(req, "blockchain_address");
	struct address who;
	struct account account;
	enum err e;

	(void)name;
	if (text == NULL) {
		reply_error(a, req, 400, "missing-parameter", "say whose: /amount?blockchain_address=ADDRESS");
		return;
	}
	if (!input_address(a, req, &who, text))
		return;
	if ((e = account_now(a, &who, &account)) != OK) {
		reply_failure(a, req, e);
		return;
	}
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_ku64(&j, "amount", account.balance);
	jout_object_end(&j);
	reply_end(a, req, 200);
}

void
address_get(struct api *a, struct http_req *req, const char *name)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address who;
	struct account account;
	struct pool_sender pending;
	enum err e;

	if (!input_address(a, req, &who, name))
		return;
	if ((e = account_now(a, &who, &account)) != OK) {
		reply_failure(a, req, e);
		return;
	}
	mempool_sender(a->store, &who, account.sequence, &pending);
	address_format(text, &who, a->params->address_version);
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_kstring(&j, "address", text);
	jout_ku64(&j, "balance", account.balance);
	jout_ku64(&j, "pending", pending.outgoing);
	/* The pool follows a new block a moment later, so the two may briefly overlap. */
	jout_ku64(&j, "spendable", account.balance > pending.outgoing ? account.balance - pending.outgoing : 0);
	jout_ku64(&j, "next_sequence", pending.next_sequence);
	jout_ku64(&j, "transactions_pending", pending.count);
	jout_object_end(&j);
	reply_end(a, req, 200);
}
