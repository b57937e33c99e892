/*
 * The relay tells peers of new blocks and transfers the moment they are there. For each peer that is up it keeps one
 * connection and two cursors: the block it has told last and the arrival number of the transfer it has told last. One
 * message is under way to a peer at a time; a slow peer delays nobody, and one that is far behind is told the tip alone
 * and fetches the rest itself. What a peer could not take (it is away, or busy) is told again after a pause; what it
 * refuses is not.
 *
 * Transfers accepted from our own clients are told again each discovery interval, so that one lost on the way still
 * arrives. If the relay dies, its successor tells each peer the tip and the whole pool; blocks missed meanwhile are
 * healed by the rounds of the peers' resolvers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/roles.h"
#include "peer/dial.h"
#include "store/mempool.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "wire/peer_msg.h"

#define PUSH_TIMEOUT_MS 10000
#define CATCH_UP_MAX 16 /* blocks pushed one by one to a peer that is that far behind */
#define TXS_BYTES_MAX (256u << 10)
#define REPLY_MAX 4096
#define RETRY_MS 2000 /* after a peer could not take something */
#define LOOK_MS 1000  /* how often the set of peers is looked at though the table is the same: pauses end */

struct outlet {
	struct outlet *next;
	struct relay *relay;
	char address[PEER_ADDRESS_SIZE];
	struct httpc *client;
	struct blockref told;	 /* last block it knows from us, none: unknown */
	struct blockref telling; /* under way */
	uint64_t arrival;	 /* next transfer to look at */
	uint64_t arrival_before; /* where the message under way began, for the case that it fails */
	uint64_t told_arrival;	 /* below this all were told once: only our clients' are told again */
	uint64_t retry_ms;	 /* monotonic: nothing is told before, after a failure */
	bool is_listed;		 /* found in the table in the present look */
};

struct relay {
	struct child *child;
	struct store *store;
	struct netaddr from_space;
	const struct netaddr *from;
	struct outlet *outlets;
	uint64_t peers_version; /* of the peer table, when last looked */
	struct loop_timer *look;
	struct loop_timer *repeat;
	char port[8];
};

static void tell(struct outlet *o);

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
	tell(o);
}

static void
txs_sent(void *ctx, const struct httpc_reply *reply)
{
	struct outlet *o = ctx;

	if (is_taken(o, reply)) {
		if (o->arrival > o->told_arrival)
			o->told_arrival = o->arrival;
		tell(o);
	} else if (o->arrival_before < o->arrival) {
		o->arrival = o->arrival_before;
	}
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

/* The block to tell next: the one after what it knows, or the tip if that is far away or on another branch. */
static bool
tell_block(struct outlet *o)
{
	struct store *s = o->relay->store;
	struct blockref tip = chain_tip(s);
	struct block b;

	if (blockref_equal(o->told, tip))
		return false;
	o->telling = tip;
	if (o->told.v != 0 && chain_contains(s, tip, o->told) &&
	    chain_height(s, tip) - chain_height(s, o->told) <= CATCH_UP_MAX)
		o->telling = chain_at(s, tip, chain_height(s, o->told) + 1);
	chain_block(s, o->telling, &b);
	push(o, "/peer/block", b.bytes, b.size, block_sent);
	role_count(s, COUNT_PUSHES, 1);
	return true;
}

static bool
tell_transfers(struct outlet *o)
{
	struct store *s = o->relay->store;
	struct pool_entry e;
	uint32_t count = 0;
	struct buf body;

	buf_init(&body);
	o->arrival_before = o->arrival;
	while (count < PUSH_TXS_MAX && body.len < TXS_BYTES_MAX && mempool_next(s, &o->arrival, &e))
		if (e.from_client || e.arrival >= o->told_arrival) {
			buf_append(&body, e.bytes, e.size);
			count++;
		}
	if (count > 0)
		push(o, "/peer/transactions", body.data, body.len, txs_sent);
	buf_clear(&body);
	return count > 0;
}

static void
tell(struct outlet *o)
{
	if (httpc_is_busy(o->client) || clock_mono_ms() < o->retry_ms)
		return;
	/* Blocks first: a transfer waits for one anyway. */
	if (!tell_block(o))
		tell_transfers(o);
}

static void
outlet_add(struct relay *r, const struct peer_entry *e)
{
	struct outlet *o;
	struct netaddr at;

	if (netaddr_parse(&at, e->address) != OK)
		return;
	o = xcalloc(1, sizeof(*o));
	o->relay = r;
	memcpy(o->address, e->address, sizeof(o->address));
	o->client = peer_dial(r->child->loop, &at, r->from);
	o->told = chain_find(r->store, chain_tip(r->store), &e->head.hash);
	o->is_listed = true;
	o->next = r->outlets;
	r->outlets = o;
}

static void
drop_unlisted(struct relay *r)
{
	struct outlet **link = &r->outlets, *o;

	while ((o = *link) != NULL) {
		if (o->is_listed) {
			link = &o->next;
			continue;
		}
		*link = o->next;
		httpc_free(o->client);
		free(o);
	}
}

/* Makes the outlets agree with the peer table and the pauses in it. */
static void
follow_table(struct relay *r)
{
	struct peer_entry e;
	struct peer_pause pause;
	struct outlet *o;

	r->peers_version = peer_table_version(r->store);
	for (o = r->outlets; o != NULL; o = o->next)
		o->is_listed = false;
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		if (!peer_table_get(r->store, i, &e) || e.state != PEER_UP ||
		    peer_pause_find(r->store, e.address, clock_wall_ms(), &pause))
			continue;
		for (o = r->outlets; o != NULL && strcmp(o->address, e.address) != 0;)
			o = o->next;
		if (o != NULL)
			o->is_listed = true;
		else
			outlet_add(r, &e);
	}
	drop_unlisted(r);
}

static void
tell_all(struct relay *r)
{
	for (struct outlet *o = r->outlets; o != NULL; o = o->next)
		tell(o);
}

/* There is something to tell, or somebody to tell it. The table is long: it is read only if it has changed. */
static void
rang(void *ctx)
{
	struct relay *r = ctx;

	if (peer_table_version(r->store) != r->peers_version)
		follow_table(r);
	tell_all(r);
}

static void
look(void *ctx)
{
	struct relay *r = ctx;

	follow_table(r);
	tell_all(r);
	loop_timer_arm(r->look, LOOK_MS);
}

static void
repeat(void *ctx)
{
	struct relay *r = ctx;

	/* One that is behind goes on where it is: from the start again and again, it would never come to the end. */
	for (struct outlet *o = r->outlets; o != NULL; o = o->next)
		if (o->arrival > mempool_last_arrival(r->store))
			o->arrival = o->arrival_before = 0;
	tell_all(r);
	loop_timer_arm(r->repeat, r->child->env->config->discovery.interval_ms);
}

int
role_relay(struct child *c)
{
	static struct relay r;
	int code;

	r.child = c;
	r.store = c->env->store;
	r.from = child_from(c, &r.from_space);
	snprintf(r.port, sizeof(r.port), "%u", node_peer_port(c->env->config));
	r.look = loop_timer_new(c->loop, look, &r);
	r.repeat = loop_timer_new(c->loop, repeat, &r);
	child_on_bell(c, c->env->bells.role[BELL_RELAY], rang, &r);
	loop_timer_arm(r.repeat, c->env->config->discovery.interval_ms);
	look(&r);
	code = child_run(c);
	for (struct outlet *o = r.outlets; o != NULL; o = o->next)
		o->is_listed = false;
	drop_unlisted(&r);
	return code;
}
