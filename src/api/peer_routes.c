/*
 * What other nodes ask for and bring (wire/peer_msg.h). Everything is checked for its form here, and what costs the
 * sender nothing to make is refused before it costs anybody else anything: a pushed block must have its work, a pushed
 * transfer its signature.
 */
#include <string.h>

#include "chain/pow.h"
#include "handlers.h"
#include "reply.h"
#include "store/chain.h"
#include "store/peer_table.h"
#include "submit.h"
#include "util/attr.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/peer_msg.h"

/* In parts, so that a caller's list of hundreds of blocks is not held on the stack. */
#define HEADERS_WINDOW 256

_Static_assert(RING_ADDRESS_SIZE > NETADDR_TEXT_SIZE, "a numeric address fits into the ring");
_Static_assert(RING_BLOCK_BYTES == PUSH_BLOCK_MAX, "what is said of pushes is what the ring holds");

static void
our_hello(const struct api *a, struct hello *h)
{
	memset(h, 0, sizeof(*h));
	h->protocol = PEER_PROTOCOL;
	h->params = *a->params;
	h->genesis = *store_genesis(a->store);
	h->nonce = a->o.node_nonce;
	text_copy(h->node, sizeof(h->node), a->o.node_name);
	text_copy(h->software, sizeof(h->software), a->o.software);
	h->port = a->o.peer_port;
	text_copy(h->advertise, sizeof(h->advertise), a->o.advertise == NULL ? "" : a->o.advertise);
	chain_head(a->store, chain_tip(a->store), &h->head);
	h->time_ms = clock_wall_ms();
}

/* Did discovery shake hands with it already? Then hearing of it again is no news, and two nodes would greet for ever.
 */
static bool
is_met(const struct api *a, const char *address)
{
	struct peer_entry e;

	if (!peer_table_find(a->store, address, &e))
		return false;
	switch (e.state) {
	case PEER_UP:
	case PEER_OTHER_NETWORK:
	case PEER_OTHER_GENESIS:
	case PEER_OTHER_PROTOCOL:
	case PEER_SELF:
	case PEER_SPARE:
	case PEER_SAME_NODE:
		return true;
	default:
		return false;
	}
}

/* is_elsewhere: said of another host than the one that says it. */
static void
put_hint(struct api *a, const struct netaddr *at, bool is_elsewhere)
{
	char text[1 + NETADDR_TEXT_SIZE] = {RING_HINT_ELSEWHERE};

	netaddr_format(text + 1, at);
	if (is_met(a, text + 1))
		return;
	ring_put_hint(a->store, a->o.ring, is_elsewhere ? text : text + 1);
	a->o.wake(a->o.wake_ctx, API_WAKE_DISCOVERY);
}

/*
 * Where the caller can be reached: where it came from, on the port that it names, and at what it advertises, if that is
 * a numeric address. On the host that it came from only the advertised port counts; another host may be the one that
 * forwards a port to it, so that it is told to discovery as what others say: it gets a handshake now and then.
 */
static void
take_hint(struct api *a, const struct http_req *req, const struct hello *h)
{
	struct netaddr at, advertised;

	if (h->nonce == a->o.node_nonce || h->port == 0)
		return;
	http_req_from(req, &at);
	at.port = h->port;
	if (netaddr_parse(&advertised, h->advertise) == OK) {
		if (netaddr_same_ip(&advertised, &at))
			at = advertised;
		else
			put_hint(a, &advertised, true);
	}
	put_hint(a, &at, false);
}

/* Also a node of another network or version gets our hello: both sides can then name what differs. */
void
peer_hello(struct api *a, struct http_req *req, const char *name)
{
	struct field_error error;
	struct hello theirs, ours;
	size_t len;
	const void *body = http_req_body(req, &len);

	(void)name;
	if (hello_parse(&theirs, body, len, &error)) {
		take_hint(a, req, &theirs);
	} else if (strcmp(error.code, "unsupported-protocol") != 0) {
		reply_field_error(a, req, &error);
		return;
	}
	our_hello(a, &ours);
	buf_reset(&a->out);
	hello_encode(&a->out, &ours);
	reply_out(a, req, 200, "application/json");
}

/* Hashes from the body. False: answered. */
static bool
read_hashes(struct api *a, struct http_req *req, struct hash256 *out, size_t *count, size_t max)
{
	size_t len;
	const void *body = http_req_body(req, &len);
	enum err e = hashes_parse(out, count, max, body, len);

	if (e == OK)
		return true;
	if (e == ERR_LIMIT)
		reply_error(a, req, 400, "bad-message", "at most %zu hashes can be asked for at a time", max);
	else
		reply_error(a, req, 400, "bad-message",
			    "the body must be a count of 2 bytes and as many hashes of 32 bytes");
	return false;
}

void
peer_headers(struct api *a, struct http_req *req, const char *name)
{
	struct hash256 locator[LOCATOR_MAX];
	struct blockref tip = chain_tip(a->store), common = {0}, window[HEADERS_WINDOW];
	uint64_t height;
	size_t count, sent = 0;

	(void)name;
	if (!read_hashes(a, req, locator, &count, LOCATOR_MAX))
		return;
	for (size_t i = 0; i < count && common.v == 0; i++)
		common = chain_find(a->store, tip, &locator[i]);
	height = common.v == 0 ? 0 : chain_height(a->store, common);
	headers_begin(&a->out);
	while (sent < HEADERS_MAX) {
		size_t want = HEADERS_MAX - sent < HEADERS_WINDOW ? HEADERS_MAX - sent : HEADERS_WINDOW;
		size_t got = chain_window(a->store, tip, height + 1, window, want);

		for (size_t i = 0; i < got; i++) {
			struct block b;
			chain_block(a->store, window[i], &b);
			headers_add(&a->out, b.bytes);
		}
		sent += got;
		height += got;
		if (got < want)
			break;
	}
	reply_out(a, req, 200, PEER_BODY_TYPE);
}

void
peer_blocks(struct api *a, struct http_req *req, const char *name)
{
	struct hash256 hashes[BLOCKS_MAX];
	size_t count;

	(void)name;
	if (!read_hashes(a, req, hashes, &count, BLOCKS_MAX))
		return;
	blocks_begin(&a->out);
	for (size_t i = 0; i < count && a->out.len < BLOCKS_BYTES_MAX; i++) {
		struct blockref ref = chain_find_any(a->store, &hashes[i]);
		struct block b;

		if (ref.v == 0)
			break;
		chain_block(a->store, ref, &b);
		blocks_add(&a->out, b.bytes, b.size);
	}
	reply_out(a, req, 200, PEER_BODY_TYPE);
}

static void
reply_word(struct api *a, struct http_req *req, int status, const char *word)
{
	struct jout j = reply_begin(a);

	jout_object(&j);
	jout_kstring(&j, "status", word);
	jout_object_end(&j);
	reply_end(a, req, status);
}

static void
reply_rule(struct api *a, struct http_req *req, int status, enum rule rule)
{
	reply_error(a, req, status, rule_name(rule), "%s", rule_text(rule));
}

/* Has somebody worked for it? The exact target is the resolver's business, which knows the parent. */
static enum rule
check_work(const struct api *a, const struct block *b)
{
	struct u256 target, easiest;

	if (!target_expand(&target, b->header.target) || !target_expand(&easiest, target_easiest(a->params)) ||
	    u256_compare(&target, &easiest) > 0)
		return RULE_WRONG_TARGET;
	return target_is_met(b->header.target, &b->hash) ? RULE_OK : RULE_INSUFFICIENT_WORK;
}

/* Where to ask the sender back: its own address with the port that it names, "" if it names none. */
static void
sender_address(const struct http_req *req, char text[NETADDR_TEXT_SIZE])
{
	const char *port_text = http_req_header(req, PEER_PORT_HEADER);
	struct netaddr from;
	uint64_t port;

	text[0] = '\0';
	if (port_text == NULL || text_u64(&port, port_text, UINT16_MAX) != OK || port == 0)
		return;
	http_req_from(req, &from);
	from.port = (uint16_t)port;
	netaddr_format(text, &from);
}

void
peer_block(struct api *a, struct http_req *req, const char *name)
{
	char from[NETADDR_TEXT_SIZE];
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
	if ((rule = block_parse(&b, body, len)) != RULE_OK) {
		reply_rule(a, req, 400, rule);
		return;
	}
	if (chain_find_any(a->store, &b.hash).v != 0) {
		reply_word(a, req, 200, "known");
		return;
	}
	if ((rule = check_work(a, &b)) != RULE_OK) {
		reply_rule(a, req, 422, rule);
		return;
	}
	sender_address(req, from);
	if (ring_put_block(a->store, a->o.ring, from, b.bytes, b.size) != OK) {
		reply_error(a, req, 503, "busy", "too many blocks are waiting to be looked at; push it again");
		return;
	}
	a->o.wake(a->o.wake_ctx, API_WAKE_RESOLVER);
	reply_word(a, req, 202, "taken");
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
	for (size_t i = 0; i < count && rule == RULE_OK; i++) {
		rule = tx_decode(&tx, &r);
		if (rule == RULE_OK)
			batch_put(b, i, &tx);
	}
	if (rule == RULE_OK) {
		submit_take(a->submit, b, req);
		return;
	}
	batch_free(b);
	reply_rule(a, req, 422, rule);
}
