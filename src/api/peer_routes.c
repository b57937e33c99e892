/*
 * What other nodes ask for (wire/peer_msg.h): the handshake, headers, blocks, and the parts of blocks. An answer costs
 * at most about as much as the largest block, whatever was asked; what they bring is in peer_push.c.
 */
#include <string.h>

#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/chain.h"
#include "store/peer_table.h"
#include "util/clock.h"
#include "util/text.h"
#include "wire/peer_msg.h"

/* In parts, so that a caller's list of hundreds of blocks is not held on the stack. */
#define HEADERS_WINDOW 256

_Static_assert(RING_ADDRESS_SIZE > NETADDR_TEXT_SIZE, "a numeric address fits into the ring, with a mark in front");

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

void
peer_headers(struct api *a, struct http_req *req, const char *name)
{
	struct hash256 locator[LOCATOR_MAX];
	struct blockref tip = chain_tip(a->store), common = {0}, window[HEADERS_WINDOW];
	uint64_t height;
	size_t count, sent = 0;

	(void)name;
	if (!input_hashes(a, req, locator, &count, LOCATOR_MAX))
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
	if (!input_hashes(a, req, hashes, &count, BLOCKS_MAX))
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
reply_unknown(struct api *a, struct http_req *req)
{
	reply_error(a, req, 404, "unknown-block", "this node has no such block");
}

void
peer_compact(struct api *a, struct http_req *req, const char *name)
{
	struct blockref ref;
	struct hash256 hash;
	struct block b;
	size_t len;
	const void *body = http_req_body(req, &len);

	(void)name;
	if (len != sizeof(hash.b)) {
		reply_error(a, req, 400, "bad-message", "the body must be the hash of a block, 32 bytes");
		return;
	}
	memcpy(hash.b, body, sizeof(hash.b));
	ref = chain_find_any(a->store, &hash);
	if (ref.v != 0)
		chain_block(a->store, ref, &b);
	if (ref.v == 0 || !compact_encode(&a->out, &b))
		reply_unknown(a, req);
	else
		reply_out(a, req, 200, PEER_BODY_TYPE);
}

/* The transactions at these positions, into a->out. False: there are not so many. */
static bool
write_parts(struct api *a, const struct block *b, const uint16_t *positions, size_t count)
{
	struct reader r = reader_of(b->bytes + BLOCK_PREFIX_SIZE, b->size - BLOCK_PREFIX_SIZE);
	size_t done = 0;

	buf_reset(&a->out);
	if (count > 0 && positions[count - 1] >= b->tx_count)
		return false;
	for (uint32_t i = 0; done < count; i++) {
		size_t size = tx_span(&r);
		const uint8_t *bytes = get_span(&r, size);
		if (i == positions[done]) {
			buf_append(&a->out, bytes, size);
			done++;
		}
	}
	return true;
}

void
peer_parts(struct api *a, struct http_req *req, const char *name)
{
	uint16_t positions[COMPACT_TXS_MAX];
	struct blockref ref;
	struct hash256 hash;
	struct block b;
	size_t len, count;
	const void *body = http_req_body(req, &len);

	(void)name;
	if (parts_parse(&hash, positions, &count, COMPACT_TXS_MAX, body, len) != OK) {
		reply_error(a, req, 400, "bad-message",
			    "the body must be the hash of a block of 32 bytes, a count of 2 bytes, and as many rising "
			    "positions of 2 bytes");
		return;
	}
	if ((ref = chain_find_any(a->store, &hash)).v == 0) {
		reply_unknown(a, req);
		return;
	}
	chain_block(a->store, ref, &b);
	if (write_parts(a, &b, positions, count))
		reply_out(a, req, 200, PEER_BODY_TYPE);
	else
		reply_error(a, req, 400, "bad-message", "the block has only %u transactions", b.tx_count);
}
