/*
 * One peer and what it has been told. One message is under way at a time:
 *
 *	block	    /peer/block	       a block that is small
 *		    /peer/announce     by names, or its header alone
 *	transfers   /peer/transactions whole, to a peer for which the last ones were news
 *		    /peer/inventory    ids first, to one that mostly has them from others: what it lacks follows whole
 *
 * Never told: what the peer told us. A failed message is told again after a pause; what was refused is not.
 */
#include <stdlib.h>
#include <string.h>

#include "peer/dial.h"
#include "relay.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "wire/json.h"
#include "wire/peer_msg.h"

#define PUSH_TIMEOUT_MS 10000
#define CATCH_UP_MAX 16 /* blocks pushed one by one to a peer that is that far behind */
#define TXS_BYTES_MAX (256u << 10)
#define REPLY_MAX 4096
#define RETRY_MS 2000	/* after a peer could not take something */
#define HEARD_MAX 4096u /* items kept of what a peer told us; one that is overwritten is told once too often */

struct outlet *
outlet_new(struct relay *r, const struct peer_entry *e, const struct netaddr *at)
{
	struct outlet *o = xcalloc(1, sizeof(*o));

	o->relay = r;
	memcpy(o->address, e->address, sizeof(o->address));
	o->key = peer_key(o->address);
	o->client = peer_dial(r->child->loop, at, r->from);
	o->told = chain_find(r->store, chain_tip(r->store), &e->head.hash);
	o->is_listed = true;
	return o;
}

void
outlet_free(struct outlet *o)
{
	httpc_free(o->client);
	free(o->offered);
	free(o->heard);
	free(o);
}

void
outlet_heard(struct outlet *o, uint64_t item)
{
	if (o->heard == NULL)
		o->heard = xcalloc(HEARD_MAX, sizeof(*o->heard));
	o->heard[item % HEARD_MAX] = item;
}

static bool
has_told(const struct outlet *o, const struct hash256 *hash)
{
	uint64_t item = item_key(hash);

	return o->heard != NULL && o->heard[item % HEARD_MAX] == item;
}

/* Did the message get through, whatever the peer thinks of it? If it could not take it now, nothing is told for a
 * while.
 */
static bool
is_taken(struct outlet *o, const struct httpc_reply *reply)
{
	bool is_busy = reply->error == OK && (reply->status == 429 || reply->status >= 500);

	if (reply->error == OK && !is_busy)
		return true;
	if (is_busy)
		log_debug("relay: %s: push answered with status %d", o->address, reply->status);
	else
		log_debug("relay: %s: push failed: %s", o->address, err_text(reply->error));
	o->retry_ms = clock_mono_ms() + RETRY_MS;
	return false;
}

static void
block_sent(void *ctx, const struct httpc_reply *reply)
{
	struct outlet *o = ctx;

	if (!is_taken(o, reply))
		return;
	o->told = o->telling;
	if (reply->status == 202 && !o->is_eager)
		relay_was_news(o->relay);
	outlet_tell(o);
}

static void
txs_done(struct outlet *o)
{
	if (o->arrival > o->told_arrival)
		o->told_arrival = o->arrival;
	outlet_tell(o);
}

static void
txs_failed(struct outlet *o)
{
	if (o->arrival_before < o->arrival)
		o->arrival = o->arrival_before;
}

/* How much of it was news? */
static void
note_answer(struct outlet *o, uint64_t told, uint64_t known)
{
	if (known < told && !o->is_eager)
		relay_was_news(o->relay);
	o->knows_mostly = known * 2 >= told;
}

static void
txs_sent(void *ctx, const struct httpc_reply *reply)
{
	struct outlet *o = ctx;
	char reason[JSON_ERROR_SIZE];
	struct jdoc *d;

	if (!is_taken(o, reply)) {
		txs_failed(o);
		return;
	}
	if (reply->status == 202 && (d = jdoc_parse(reply->body, reply->len, reason)) != NULL) {
		note_answer(o, jval_u64(jdoc_root(d), "taken", 0), jval_u64(jdoc_root(d), "known", 0));
		jdoc_free(d);
	}
	txs_done(o);
}

static void
push(struct outlet *o, const char *path, const void *body, size_t len, httpc_done *done)
{
	const char *const headers[] = {PEER_PORT_HEADER, o->relay->port, NULL};
	struct httpc_request request = {.method = HTTP_POST,
					.path = path,
					.content_type = PEER_BODY_TYPE,
					.body = body,
					.body_len = len,
					.headers = headers,
					.max_reply = REPLY_MAX,
					.timeout_ms = PUSH_TIMEOUT_MS};

	/* Not busy, and well formed: it cannot be refused. */
	if (httpc_send(o->client, &request, done, o) != OK)
		o->retry_ms = clock_mono_ms() + RETRY_MS;
}

/* What is told of a block at once: all of it if it is small, else its names, or if even they are too many its header. */
static const struct news *
news_of(struct relay *r, struct blockref ref)
{
	struct news *n = &r->news;
	struct block b;

	if (blockref_equal(n->block, ref))
		return n;
	chain_block(r->store, ref, &b);
	n->block = ref;
	n->path = "/peer/announce";
	if (b.size > PUSH_WHOLE_MAX && compact_encode(&n->body, &b) && n->body.len <= PUSH_BLOCK_MAX)
		return n;
	if (b.size <= PUSH_WHOLE_MAX)
		n->path = "/peer/block";
	buf_reset(&n->body);
	buf_append(&n->body, b.bytes, b.size <= PUSH_WHOLE_MAX ? b.size : HEADER_SIZE);
	return n;
}

/* The block to tell next: the one after what it knows, or the tip if that is far away or on another branch. */
static struct blockref
next_block(const struct outlet *o, struct blockref tip)
{
	struct store *s = o->relay->store;

	/* Who is only asked whether it knows is asked about the tip. */
	if (o->is_eager && o->told.v != 0 && chain_contains(s, tip, o->told) &&
	    chain_height(s, tip) - chain_height(s, o->told) <= CATCH_UP_MAX)
		return chain_at(s, tip, chain_height(s, o->told) + 1);
	return tip;
}

static bool
tell_block(struct outlet *o)
{
	struct store *s = o->relay->store;
	struct blockref tip = chain_tip(s);
	const struct news *n;
	struct block b;

	if (has_told(o, chain_hash(s, tip)))
		o->told = tip;
	while (!blockref_equal(o->told, tip)) {
		o->telling = next_block(o, tip);
		if (has_told(o, chain_hash(s, o->telling))) {
			o->told = o->telling;
			continue;
		}
		role_count(s, COUNT_PUSHES, 1);
		if (o->is_eager) {
			n = news_of(o->relay, o->telling);
			push(o, n->path, n->body.data, n->body.len, block_sent);
		} else {
			chain_block(s, o->telling, &b);
			push(o, "/peer/announce", b.bytes, HEADER_SIZE, block_sent);
		}
		return true;
	}
	return false;
}

/* Those of the offered that it lacks. */
static void
send_lacking(struct outlet *o, const uint16_t *positions, size_t count)
{
	struct pool_entry e;
	uint32_t sent = 0;
	struct buf body;

	buf_init(&body);
	for (size_t i = 0; i < count; i++)
		if (mempool_find(o->relay->store, &o->offered[positions[i]], &e)) {
			buf_append(&body, e.bytes, e.size);
			sent++;
		}
	role_count(o->relay->store, COUNT_RELAYED, sent);
	if (sent > 0)
		push(o, "/peer/transactions", body.data, body.len, txs_sent);
	else
		txs_done(o);
	buf_clear(&body);
}

static void
offer_sent(void *ctx, const struct httpc_reply *reply)
{
	struct outlet *o = ctx;
	uint16_t positions[PUSH_TXS_MAX];
	size_t count;

	if (!is_taken(o, reply)) {
		txs_failed(o);
		return;
	}
	if (reply->status != 200 || positions_parse(positions, &count, PUSH_TXS_MAX, reply->body, reply->len) != OK ||
	    (count > 0 && positions[count - 1] >= o->offered_count))
		count = 0;
	note_answer(o, o->offered_count, o->offered_count - count);
	send_lacking(o, positions, count);
}

static void
offer(struct outlet *o)
{
	struct buf body;

	buf_init(&body);
	hashes_encode(&body, o->offered, o->offered_count);
	role_count(o->relay->store, COUNT_OFFERED, o->offered_count);
	push(o, "/peer/inventory", body.data, body.len, offer_sent);
	buf_clear(&body);
}

static bool
tell_transfers(struct outlet *o)
{
	struct store *s = o->relay->store;
	bool has_old = false;
	struct pool_entry e;
	struct buf body;

	buf_init(&body);
	if (o->offered == NULL)
		o->offered = xcalloc(PUSH_TXS_MAX, sizeof(*o->offered));
	o->offered_count = 0;
	o->arrival_before = o->arrival;
	while (o->offered_count < PUSH_TXS_MAX && body.len < TXS_BYTES_MAX && mempool_next(s, &o->arrival, &e)) {
		bool is_old = e.arrival < o->told_arrival;
		if ((is_old && !e.from_client) || has_told(o, &e.id))
			continue;
		has_old |= is_old;
		buf_append(&body, e.bytes, e.size);
		o->offered[o->offered_count++] = e.id;
	}
	if (o->offered_count > 0 && (o->knows_mostly || has_old || !o->is_eager)) {
		offer(o);
	} else if (o->offered_count > 0) {
		role_count(s, COUNT_RELAYED, o->offered_count);
		push(o, "/peer/transactions", body.data, body.len, txs_sent);
	}
	buf_clear(&body);
	return o->offered_count > 0;
}

bool
outlet_lacks(struct outlet *o)
{
	const struct store *s = o->relay->store;
	struct blockref tip = chain_tip(s);

	if (has_told(o, chain_hash(s, tip)))
		o->told = tip;
	return !blockref_equal(o->told, tip) || o->arrival <= mempool_last_arrival(s);
}

void
outlet_tell(struct outlet *o)
{
	if (httpc_is_busy(o->client) || clock_mono_ms() < o->retry_ms || (!o->is_eager && !o->is_awake))
		return;
	/* Blocks first: a transfer waits for one anyway. */
	if (!tell_block(o) && !tell_transfers(o))
		o->is_awake = false;
}
