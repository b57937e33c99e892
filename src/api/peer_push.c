/*
 * What other nodes bring: blocks in their three forms, and transfers. Everything is checked for its form here, and what
 * costs the sender nothing to make is refused before it costs anybody else anything: a block must have its work, a
 * transfer its signature. What is known is answered so at once; who told us is noted for the relay.
 */
#include <inttypes.h>
#include <string.h>

#include "chain/pow.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/chain.h"
#include "submit.h"
#include "util/attr.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/peer_msg.h"

#define GARBAGE_LINE_MS 10000
#define SAME_WAITING_MAX 2 /* pushes of one block that wait for the resolver */

_Static_assert(RING_ADDRESS_SIZE >= NETADDR_TEXT_SIZE, "a numeric address fits into the ring");
_Static_assert(RING_BLOCK_BYTES == PUSH_BLOCK_MAX, "what is said of pushes is what the ring holds");

static void
reply_word(struct api *a, struct http_req *req, int status, const char *word)
{
	struct jout j = reply_begin(a);

	jout_object(&j);
	jout_kstring(&j, "status", word);
	jout_object_end(&j);
	reply_end(a, req, status);
}

/* Who sends what no node would is named, once in a while. */
static void
note_garbage(struct api *a, const struct http_req *req, const char *code)
{
	uint64_t now = clock_mono_ms();
	char source[NETADDR_TEXT_SIZE];
	struct netaddr from;

	a->garbage++;
	if (now < a->garbage_after_ms)
		return;
	http_req_from(req, &from);
	netaddr_format_ip(source, &from);
	log_warn("peers: %s pushes what no node would: %s; %" PRIu64 " such pushes since the last line", source, code,
		 a->garbage);
	a->garbage = 0;
	a->garbage_after_ms = now + GARBAGE_LINE_MS;
}

static void
reply_rule(struct api *a, struct http_req *req, int status, enum rule rule)
{
	note_garbage(a, req, rule_name(rule));
	reply_error(a, req, status, rule_name(rule), "%s", rule_text(rule));
}

/* Has somebody worked for it? The exact target is the resolver's business, which knows the parent. */
static enum rule
check_work(const struct api *a, const struct header *h, const struct hash256 *hash)
{
	struct u256 target, easiest;

	if (!target_expand(&target, h->target) || !target_expand(&easiest, target_easiest(a->params)) ||
	    u256_compare(&target, &easiest) > 0)
		return RULE_WRONG_TARGET;
	return target_is_met(h->target, hash) ? RULE_OK : RULE_INSUFFICIENT_WORK;
}

/* Who pushes: the host that it came from, and where to ask it back, "" if it names no port. */
struct sender {
	char source[NETADDR_TEXT_SIZE];
	char from[NETADDR_TEXT_SIZE];
	uint64_t key; /* of from */
};

static void
sender_of(const struct http_req *req, struct sender *s)
{
	const char *port_text = http_req_header(req, PEER_PORT_HEADER);
	struct netaddr from;
	uint64_t port;

	http_req_from(req, &from);
	netaddr_format_ip(s->source, &from);
	s->from[0] = '\0';
	if (port_text == NULL || text_u64(&port, port_text, UINT16_MAX) != OK || port == 0)
		return;
	from.port = (uint16_t)port;
	netaddr_format(s->from, &from);
	s->key = peer_key(s->from);
}

/* The sender has this item: it need not be told of it. Who cannot be told anything is not noted. */
static void
note_heard(struct api *a, const struct sender *s, const struct hash256 *hash)
{
	struct heard h = {item_key(hash), s->key};

	if (s->from[0] != '\0')
		ring_put_heard(a->store, a->o.ring, &h);
}

/* A block in one of its forms, on its way to the resolver. The header was taken from the bytes. */
static void
take_block(struct api *a, struct http_req *req, const struct header *h, const struct hash256 *hash, enum push_kind kind,
	   const uint8_t *bytes, size_t size)
{
	struct sender sender;
	enum rule rule;
	bool is_known = chain_find_any(a->store, hash).v != 0;

	if (!is_known && (rule = check_work(a, h, hash)) != RULE_OK) {
		reply_rule(a, req, 422, rule);
		return;
	}
	sender_of(req, &sender);
	note_heard(a, &sender, hash);
	if (is_known) {
		reply_word(a, req, 200, "known");
		return;
	}
	/* Two are there in case the first of its senders does not give what it has. */
	if (ring_blocks_waiting(a->store, bytes) >= SAME_WAITING_MAX) {
		reply_word(a, req, 200, "waiting");
		return;
	}
	if (ring_put_block(a->store, a->o.ring, sender.source, sender.from, kind, bytes, size) != OK) {
		reply_error(a, req, 503, "busy", "too many blocks are waiting to be looked at; push it again");
		return;
	}
	a->o.wake(a->o.wake_ctx, API_WAKE_RESOLVER);
	reply_word(a, req, 202, "taken");
}

void
peer_block(struct api *a, struct http_req *req, const char *name)
{
	struct block b;
	enum rule rule;
	size_t len;
	const void *body = http_req_body(req, &len);

	(void)name;
	if (len > a->params->max_block_bytes) {
		reply_error(a, req, 413, rule_name(RULE_BLOCK_TOO_LARGE), "%s: %zu, at most %u",
			    rule_text(RULE_BLOCK_TOO_LARGE), len, a->params->max_block_bytes);
		return;
	}
	if ((rule = block_parse(&b, body, len)) != RULE_OK)
		reply_rule(a, req, 400, rule);
	else
		take_block(a, req, &b.header, &b.hash, PUSH_WHOLE, b.bytes, b.size);
}

void
peer_announce(struct api *a, struct http_req *req, const char *name)
{
	struct compact c;
	size_t len;
	const uint8_t *body = http_req_body(req, &len);

	(void)name;
	if (len == HEADER_SIZE) {
		header_decode(&c.header, body);
		c.hash = header_hash_bytes(body);
		take_block(a, req, &c.header, &c.hash, PUSH_HEADER, body, len);
	} else if (compact_parse(&c, body, len) == OK) {
		take_block(a, req, &c.header, &c.hash, PUSH_COMPACT, body, len);
	} else {
		note_garbage(a, req, "bad-message");
		reply_error(a, req, 400, "bad-message",
			    "the body must be a header of 96 bytes, or a compact block: header, count of 4 bytes, "
			    "reward of 69, and a name of 36 for each transfer");
	}
}

/* Which of these does this node lack? One that it has ruled out, it does not want again. */
void
peer_inventory(struct api *a, struct http_req *req, const char *name)
{
	struct hash256 ids[PUSH_TXS_MAX];
	uint16_t lacking[PUSH_TXS_MAX];
	struct sender sender;
	struct pool_gone gone;
	size_t count, lacks = 0;

	(void)name;
	if (!input_hashes(a, req, ids, &count, PUSH_TXS_MAX))
		return;
	sender_of(req, &sender);
	for (size_t i = 0; i < count; i++) {
		note_heard(a, &sender, &ids[i]);
		if (!submit_is_known(a, &ids[i]) && !mempool_gone(a->store, &ids[i], &gone))
			lacking[lacks++] = (uint16_t)i;
	}
	buf_reset(&a->out);
	positions_encode(&a->out, lacking, lacks);
	reply_out(a, req, 200, PEER_BODY_TYPE);
}

/* How many transactions the body holds; false: it is not made of whole ones. */
static bool
count_txs(const void *body, size_t len, size_t *count)
{
	struct reader r = reader_of(body, len);
	size_t span;

	for (*count = 0; reader_left(&r) > 0; (*count)++)
		if ((span = tx_span(&r)) == 0 || get_span(&r, span) == NULL)
			return false;
	return true;
}

void
peer_transactions(struct api *a, struct http_req *req, const char *name)
{
	size_t len, count;
	const void *body = http_req_body(req, &len);
	struct reader r = reader_of(body, len);
	enum rule rule = RULE_OK;
	struct sender sender;
	struct hash256 id;
	struct batch *b;
	struct tx tx;

	(void)name;
	if (!count_txs(body, len, &count)) {
		reply_rule(a, req, 400, RULE_TX_MALFORMED);
		return;
	}
	if (count > PUSH_TXS_MAX) {
		reply_error(a, req, 413, "too-many-transactions", "one push holds at most %d transactions, not %zu",
			    PUSH_TXS_MAX, count);
		return;
	}
	if (!submit_has_room(a->submit, count)) {
		submit_full(a, req);
		return;
	}
	b = batch_new(BATCH_PUSH, count);
	for (size_t i = 0; i < count; i++) {
		rule = tx_decode(&tx, &r);
		if (rule != RULE_OK)
			break;
		id = tx_id(&tx);
		batch_put(b, i, &tx, &id);
	}
	if (rule == RULE_OK) {
		sender_of(req, &sender);
		for (size_t i = 0; i < count; i++)
			note_heard(a, &sender, &b->transfers[i].id);
		submit_take(a->submit, b, req);
		return;
	}
	batch_free(b);
	reply_rule(a, req, 422, rule);
}
