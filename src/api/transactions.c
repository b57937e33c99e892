/* Transactions: the pool, handing in, and how one stands. */
#include <inttypes.h>

#include "freshness.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/chain.h"
#include "store/mempool.h"
#include "store/tally.h"
#include "submit.h"
#include "wire/tx_scan.h"
#include "wire/views.h"

#define POOL_LIST_MAX 1000
#define LOOK_TRIES 4

static void
write_bytes(struct jout *j, const struct api *a, const uint8_t *bytes, size_t size)
{
	struct reader r = reader_of(bytes, size);
	struct tx tx;

	if (tx_decode(&tx, &r) == RULE_OK)
		view_tx(j, &tx, a->params->address_version);
	else
		jout_null(j);
}

/*
 * Order of coming. Of a pool larger than one reply, "next" is what to ask for with ?after= to get the rest. "length" is
 * the whole pool's.
 */
void
pool_get(struct api *a, struct http_req *req, const char *name)
{
	uint64_t after, limit, arrival;
	struct pool_entry e;
	bool is_more;

	(void)name;
	if (!input_number(a, req, "after", &after, 0, 0, NUMBER_MAX) ||
	    !input_number(a, req, "limit", &limit, POOL_LIST_MAX, 1, POOL_LIST_MAX))
		return;
	arrival = after + 1;
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_key(&j, "transactions");
	jout_array(&j);
	while ((is_more = mempool_next(a->store, &arrival, &e)) && limit-- > 0) {
		write_bytes(&j, a, e.bytes, e.size);
		after = e.arrival;
	}
	jout_array_end(&j);
	jout_ku64(&j, "length", mempool_count(a->store));
	if (is_more)
		jout_ku64(&j, "next", after);
	jout_object_end(&j);
	reply_end(a, req, 200);
}

/* What is not even put into a batch broke a rule too, if it is one. */
static void
count_refusal(struct api *a, const struct field_error *e)
{
	if (e->rule != RULE_OK)
		tally_refused(a->store, e->rule);
}

static void
post_one(struct api *a, struct http_req *req, const struct jval *v)
{
	struct field_error error;
	struct hash256 id;
	struct batch *b;
	struct tx tx;

	if (!view_tx_parse(&tx, v, a->params->address_version, &error)) {
		count_refusal(a, &error);
		reply_field_error(a, req, &error);
		return;
	}
	b = batch_new(BATCH_ONE, 1);
	id = tx_id(&tx);
	batch_put(b, 0, &tx, &id);
	submit_take(a->submit, b, req);
}

static void
post_list(struct api *a, struct http_req *req, const struct jval *list)
{
	size_t count = jval_count(list);
	struct field_error error;
	struct batch *b = batch_new(BATCH_LIST, count);
	struct hash256 id;
	struct tx tx;

	for (size_t i = 0; i < count; i++) {
		if (!view_tx_parse(&tx, jval_at(list, i), a->params->address_version, &error)) {
			count_refusal(a, &error);
			batch_refuse(b, i, &error);
			continue;
		}
		id = tx_id(&tx);
		batch_put(b, i, &tx, &id);
	}
	submit_take(a->submit, b, req);
}

/* The quick way for what wallets send. False: it is declined, and the other way decides. */
static bool
post_scanned(struct api *a, struct http_req *req)
{
	size_t len, room, count = 0;
	const void *body = http_req_body(req, &len);
	struct tx_scan scan;
	struct batch *b;
	struct hash256 id;
	struct tx tx;

	room = tx_scan_count(body, len);
	if (room == 0 || room > SUBMIT_LIST_MAX)
		return false;
	scan = tx_scan_of(body, len, a->params->address_version);
	b = batch_new(scan.is_list ? BATCH_LIST : BATCH_ONE, room);
	/* Each has a bracket that was counted, so there is room. */
	while (tx_scan_next(&scan, &tx, &id))
		batch_put(b, count++, &tx, &id);
	b->count = count;
	if (!tx_scan_is_whole(&scan)) {
		batch_free(b);
		return false;
	}
	if (submit_has_room(a->submit, count)) {
		submit_take(a->submit, b, req);
	} else {
		batch_free(b);
		submit_full(a, req);
	}
	return true;
}

void
transactions_post(struct api *a, struct http_req *req, const char *name)
{
	struct jdoc *doc;
	const struct jval *root;

	(void)name;
	if (post_scanned(a, req) || (doc = input_json(a, req)) == NULL)
		return;
	root = jdoc_root(doc);
	if (jval_is_array(root) && jval_count(root) > SUBMIT_LIST_MAX)
		reply_error(a, req, 413, "too-many-transactions", "one request takes at most %d transactions, not %zu",
			    SUBMIT_LIST_MAX, jval_count(root));
	else if (!submit_has_room(a->submit, jval_is_array(root) ? jval_count(root) : 1))
		submit_full(a, req);
	else if (jval_is_array(root))
		post_list(a, req, root);
	else
		post_one(a, req, root);
	jdoc_free(doc);
}

static void
write_confirmed(struct jout *j, const struct api *a, struct blockref tip, const struct tx_place *place)
{
	uint64_t height = chain_height(a->store, place->block);

	jout_object(j);
	jout_key(j, "transaction");
	write_bytes(j, a, place->bytes, place->size);
	jout_kstring(j, "status", "confirmed");
	jout_ku64(j, "height", height);
	jout_ku64(j, "confirmations", chain_height(a->store, tip) - height + 1);
	jout_object_end(j);
}

static void
write_unconfirmed(struct jout *j, const struct api *a, const struct pool_entry *e, const struct pool_gone *gone)
{
	jout_object(j);
	jout_key(j, "transaction");
	if (e != NULL)
		write_bytes(j, a, e->bytes, e->size);
	else
		jout_null(j);
	jout_kstring(j, "status", e == NULL ? "conflicted" : e->is_waiting ? "waiting" : "pending");
	jout_key(j, "height");
	jout_null(j);
	jout_ku64(j, "confirmations", 0);
	if (gone != NULL) {
		jout_kstring(j, "reason", rule_name(gone->rule));
		jout_kstring(j, "message", rule_text(gone->rule));
	}
	jout_object_end(j);
}

void
transaction_get(struct api *a, struct http_req *req, const char *name)
{
	struct blockref tip = {0}, next;
	struct hash256 id;
	struct tx_place place;
	struct pool_entry entry;
	struct pool_gone gone;
	struct jout j;

	if (!input_hash(a, req, &id, name, "a transaction's id"))
		return;
	/* A new tip takes transfers from the pool or gives some back: then look in both places again. */
	for (int i = 0; i < LOOK_TRIES && !blockref_equal(tip, next = chain_tip(a->store)); i++) {
		tip = next;
		if (chain_find_tx(a->store, tip, &id, &place)) {
			/* The count of confirmations follows the tip. */
			if (freshness_chain(a, req, tip))
				return;
			j = reply_begin(a);
			write_confirmed(&j, a, tip, &place);
			reply_end_kept(a, req, 200);
			return;
		}
		if (mempool_find(a->store, &id, &entry)) {
			j = reply_begin(a);
			write_unconfirmed(&j, a, &entry, NULL);
			reply_end(a, req, 200);
			return;
		}
	}
	if (mempool_gone(a->store, &id, &gone)) {
		j = reply_begin(a);
		write_unconfirmed(&j, a, NULL, &gone);
		reply_end(a, req, 200);
		return;
	}
	reply_error(a, req, 404, "not-found",
		    "no transaction with this id is on the chain or in the pool of this node");
}
