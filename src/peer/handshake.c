#include "peer/handshake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer/dial.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

struct handshake {
	struct httpc *client;
	struct netaddr to;
	struct params params; /* ours, to name the difference */
	struct hash256 genesis;
	uint64_t nonce;
	uint64_t started_us;
	handshake_done *done;
	void *ctx;
};

static void
judge_hello(const struct handshake *h, struct handshake_result *r)
{
	const struct hello *hello = &r->hello;
	const char *parameter = params_difference(&h->params, &hello->params);
	char ours[HASH_HEX_SIZE], theirs[HASH_HEX_SIZE];

	if (hello->nonce == h->nonce) {
		r->outcome = HANDSHAKE_SELF;
		text_copy(r->reason, sizeof(r->reason), "this node itself");
	} else if (strcmp(hello->params.name, h->params.name) != 0) {
		r->outcome = HANDSHAKE_OTHER_NETWORK;
		snprintf(r->reason, sizeof(r->reason), "its network is \"%s\", ours is \"%s\"", hello->params.name,
			 h->params.name);
	} else if (parameter != NULL || !hash_equal(&hello->genesis, &h->genesis)) {
		hash_hex(ours, &h->genesis);
		hash_hex(theirs, &hello->genesis);
		r->outcome = HANDSHAKE_OTHER_GENESIS;
		snprintf(r->reason, sizeof(r->reason), "[network] %s differs (genesis %.12s, ours %.12s)",
			 parameter == NULL ? "something unnamed" : parameter, theirs, ours);
	} else {
		r->outcome = HANDSHAKE_UP;
	}
}

static void
judge_reply(const struct handshake *h, struct handshake_result *r, const struct httpc_reply *reply)
{
	struct field_error error;
	struct buf reason;

	switch (reply->error) {
	case OK:
		break;
	case ERR_TIMEOUT:
		r->outcome = HANDSHAKE_SILENT;
		text_copy(r->reason, sizeof(r->reason), "it accepts connections but did not answer in time");
		return;
	case ERR_CLOSED:
		r->outcome = HANDSHAKE_REFUSED;
		text_copy(r->reason, sizeof(r->reason), "connection refused or cut");
		return;
	default:
		r->outcome = HANDSHAKE_NO_NODE;
		snprintf(r->reason, sizeof(r->reason), "its answer is not a node's: %s", err_text(reply->error));
		return;
	}
	if (reply->status != 200) {
		r->outcome = HANDSHAKE_NO_NODE;
		snprintf(r->reason, sizeof(r->reason), "it answers the handshake with HTTP status %d", reply->status);
	} else if (hello_parse(&r->hello, reply->body, reply->len, &error)) {
		judge_hello(h, r);
	} else if (strcmp(error.code, "unsupported-protocol") == 0) {
		/* Of such a hello nothing but its protocol can be read. */
		r->outcome = HANDSHAKE_OTHER_PROTOCOL;
		snprintf(r->reason, sizeof(r->reason), "too %s: it speaks protocol %" PRIu32 ", this node speaks %d",
			 r->hello.protocol < PEER_PROTOCOL ? "old" : "new", r->hello.protocol, PEER_PROTOCOL);
	} else {
		r->outcome = HANDSHAKE_NO_NODE;
		buf_init(&reason);
		buf_printf(&reason, "its handshake is malformed: %s", error.message);
		text_copy(r->reason, sizeof(r->reason), reason.data);
		buf_clear(&reason);
	}
}

static void
replied(void *ctx, const struct httpc_reply *reply)
{
	struct handshake *h = ctx;
	struct handshake_result *r = xcalloc(1, sizeof(*r));
	uint64_t now_ms = clock_wall_ms();

	r->latency_us = (uint32_t)(clock_mono_us() - h->started_us);
	judge_reply(h, r, reply);
	if (r->outcome == HANDSHAKE_UP)
		r->skew_ms = (int64_t)r->hello.time_ms - (int64_t)(now_ms - r->latency_us / 2000);
	h->done(h->ctx, &h->to, r);
	free(r);
	handshake_cancel(h);
}

struct handshake *
handshake_start(struct loop *l, const struct netaddr *to, const struct netaddr *from, const struct hello *ours,
		uint32_t timeout_ms, handshake_done *done, void *ctx)
{
	static const char *const headers[] = {"Connection", "close", NULL};
	struct handshake *h = xcalloc(1, sizeof(*h));
	struct httpc_request request = {.method = HTTP_POST,
					.path = "/peer/hello",
					.content_type = "application/json",
					.headers = headers,
					.max_reply = HELLO_SIZE_MAX,
					.timeout_ms = timeout_ms};
	struct buf body;

	h->to = *to;
	h->params = ours->params;
	h->genesis = ours->genesis;
	h->nonce = ours->nonce;
	h->done = done;
	h->ctx = ctx;
	h->started_us = clock_mono_us();
	h->client = peer_dial(l, to, from);
	buf_init(&body);
	hello_encode(&body, ours);
	request.body = body.data;
	request.body_len = body.len;
	/* A new client is not busy, so this cannot be refused; what goes wrong later comes through the callback. */
	if (httpc_send(h->client, &request, replied, h) != OK)
		abort();
	buf_clear(&body);
	return h;
}

void
handshake_cancel(struct handshake *h)
{
	if (h == NULL)
		return;
	httpc_free(h->client);
	free(h);
}
