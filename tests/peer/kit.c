#include "kit.h"

#include <check.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "net/listener.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/text.h"

#define LIMIT_MS 20000
#define SETTLE_TURNS 30

uint64_t
kit_deadline(void)
{
	return clock_mono_ms() + LIMIT_MS;
}

void
kit_turn(struct loop *l, uint64_t deadline, const char *condition)
{
	ck_assert_msg(clock_mono_ms() < deadline, "waited in vain for: %s", condition);
	loop_poll(l);
	poll(NULL, 0, 1); /* gives the kernel a moment; the condition decides */
}

void
kit_settle(struct loop *l)
{
	for (int i = 0; i < SETTLE_TURNS; i++)
		kit_turn(l, kit_deadline(), "");
}

struct hello
kit_hello(uint64_t nonce)
{
	struct hello h = {.protocol = PEER_PROTOCOL,
			  .params = strand_params(),
			  .nonce = nonce,
			  .node = "actor",
			  .software = "rensa/test",
			  .port = 5000,
			  .time_ms = clock_wall_ms()};

	h.genesis = genesis_hash(&h.params);
	h.head.hash = h.genesis;
	return h;
}

static struct netaddr
bound_to(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct netaddr at;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(netaddr_from_sockaddr(&at, (const struct sockaddr *)&sa), OK);
	return at;
}

int
kit_listen_at(const struct netaddr *at)
{
	int fd;

	ck_assert_int_eq(listener_open(&fd, at), OK);
	return fd;
}

int
kit_silent(struct netaddr *at)
{
	int fd;

	ck_assert_int_eq(netaddr_parse_ip(at, "127.0.0.1"), OK);
	fd = kit_listen_at(at);
	*at = bound_to(fd);
	return fd;
}

struct netaddr
kit_closed(void)
{
	struct netaddr at;
	int fd = kit_silent(&at);

	fd_close(&fd);
	return at;
}

static void
answer(struct http_req *req, const struct buf *body, const char *type)
{
	http_reply(req, 200, type, body->data, body->len);
}

/* The trick, if it is this request's turn. True: it has been answered, or will not be. */
static bool
play(struct actor *a, enum request kind, struct http_req *req)
{
	static char huge[9 << 20];

	if (a->trick_on != kind || a->asked[kind] <= a->trick_from)
		return false;
	switch (a->trick) {
	case TRICK_STATUS:
		http_reply(req, a->trick_status, "application/json", "{}", 2);
		return true;
	case TRICK_TYPE:
		http_reply(req, 200, "text/plain", "\0", 1);
		return true;
	case TRICK_GARBAGE:
		http_reply(req, 200, kind == REQUEST_HELLO ? "application/json" : PEER_BODY_TYPE, "\0\1{", 3);
		return true;
	case TRICK_HUGE:
		http_reply(req, 200, kind == REQUEST_HELLO ? "application/json" : PEER_BODY_TYPE, huge, sizeof(huge));
		return true;
	case TRICK_HANG:
		ck_assert_uint_lt(a->held_count, ACTOR_HELD_MAX);
		a->held[a->held_count++] = req;
		return true;
	default:
		return false;
	}
}

static bool
plays(const struct actor *a, enum request kind, enum trick trick)
{
	return a->trick == trick && a->trick_on == kind && a->asked[kind] > a->trick_from;
}

static void
answer_hello(struct actor *a, struct http_req *req)
{
	struct field_error error;
	struct buf out;
	size_t len;
	const void *body = http_req_body(req, &len);

	ck_assert_msg(hello_parse(&a->heard, body, len, &error), "%s", error.message);
	buf_init(&out);
	hello_encode(&out, &a->hello);
	answer(req, &out, "application/json");
	buf_clear(&out);
}

static size_t
asked_hashes(struct http_req *req, struct hash256 *hashes, size_t max)
{
	size_t len, count;
	const void *body = http_req_body(req, &len);

	ck_assert_int_eq(hashes_parse(hashes, &count, max, body, len), OK);
	return count;
}

static void
answer_headers(struct actor *a, struct http_req *req)
{
	struct hash256 locator[LOCATOR_MAX];
	size_t count = asked_hashes(req, locator, LOCATOR_MAX);
	int64_t common = -1;
	struct buf out;

	for (size_t i = 0; i < count && common < 0; i++)
		common = strand_find(a->chain, &locator[i]);
	if (common < 0 || plays(a, REQUEST_HEADERS, TRICK_FROM_THE_START))
		common = 0;
	if (plays(a, REQUEST_HEADERS, TRICK_STRANGE))
		common++;
	buf_init(&out);
	headers_begin(&out);
	for (size_t i = 0; i < HEADERS_MAX && (size_t)common + 1 + i < a->chain->count; i++)
		headers_add(&out, a->chain->blocks[(size_t)common + 1 + i].bytes);
	if (plays(a, REQUEST_HEADERS, TRICK_EMPTY))
		headers_begin(&out);
	answer(req, &out, PEER_BODY_TYPE);
	buf_clear(&out);
}

static void
answer_blocks(struct actor *a, struct http_req *req)
{
	struct hash256 hashes[BLOCKS_MAX];
	size_t count = asked_hashes(req, hashes, BLOCKS_MAX);
	const struct strand_block *last = &a->chain->blocks[a->chain->count - 1];
	struct buf out;

	buf_init(&out);
	blocks_begin(&out);
	if (plays(a, REQUEST_BLOCKS, TRICK_EMPTY))
		count = 0;
	if (plays(a, REQUEST_BLOCKS, TRICK_CRUMBS))
		count = 1;
	for (size_t i = 0; i < count; i++) {
		const struct strand *chain = a->chain;
		int64_t height = strand_find(chain, &hashes[i]);
		struct strand_block b;
		if (height < 0 && a->takes_old != NULL)
			height = strand_find(chain = a->takes_old, &hashes[i]);
		if (height < 0)
			break; /* it need not have what others have */
		if (plays(a, REQUEST_BLOCKS, TRICK_STRANGE))
			height = height == 1 ? 2 : 1;
		b = chain->blocks[height];
		if (plays(a, REQUEST_BLOCKS, TRICK_SPOILED))
			b.bytes[b.size - 1] ^= 1;
		blocks_add(&out, b.bytes, b.size);
	}
	if (plays(a, REQUEST_BLOCKS, TRICK_SURPLUS))
		blocks_add(&out, last->bytes, last->size);
	answer(req, &out, PEER_BODY_TYPE);
	buf_clear(&out);
}

static void
handle(void *ctx, struct http_req *req)
{
	static const char *const paths[REQUESTS] = {"/peer/hello", "/peer/headers", "/peer/blocks"};
	static void (*const answers[REQUESTS])(struct actor *, struct http_req *) = {answer_hello, answer_headers,
										     answer_blocks};
	static const char no_peers[] = "{\"peers\":[]}";
	struct actor *a = ctx;

	if (strcmp(http_req_path(req), "/peer/peers") == 0) {
		http_reply(req, 200, "application/json", no_peers, sizeof(no_peers) - 1);
		return;
	}
	for (int i = 0; i < REQUESTS; i++) {
		if (strcmp(http_req_path(req), paths[i]) != 0)
			continue;
		ck_assert_int_eq(http_req_method(req), HTTP_POST);
		a->asked[i]++;
		if (a->before != NULL)
			a->before(a->ctx, (enum request)i);
		if (!play(a, (enum request)i, req))
			answers[i](a, req);
		return;
	}
	ck_abort_msg("asked for %s", http_req_path(req));
}

void
actor_start(struct actor *a, struct loop *l, const struct strand *chain)
{
	static const struct httpd_options options = {
	    .max_body = 1 << 20, .header_timeout_ms = 60000, .request_timeout_ms = 60000, .max_connections = 64};
	static uint64_t nonce = 1000;

	memset(a, 0, sizeof(*a));
	a->loop = l;
	a->chain = chain;
	a->hello = kit_hello(nonce++);
	a->listen_fd = kit_silent(&a->at);
	a->server = httpd_new(l, &options, handle, a);
	ck_assert_int_eq(httpd_serve(a->server, a->listen_fd), OK);
}

void
actor_stop(struct actor *a)
{
	if (a->server == NULL)
		return;
	httpd_free(a->server);
	a->server = NULL;
	while (a->held_count > 0)
		http_reply(a->held[--a->held_count], 503, NULL, NULL, 0); /* frees it */
	fd_close(&a->listen_fd);
}

void
actor_play(struct actor *a, enum request on, enum trick trick)
{
	a->trick_on = on;
	a->trick = trick;
}
