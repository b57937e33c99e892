#include "peer/exchange.h"

#include <stdlib.h>

#include "peer/dial.h"
#include "util/log.h"
#include "util/mem.h"

struct exchange {
	struct httpc *client;
	struct netaddr to;
	exchange_done *done;
	void *ctx;
};

/* Texts to addresses; what is none is passed over. */
static size_t
addresses_of(struct netaddr *out, const struct peer_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		if (netaddr_parse(&out[count], list->at[i]) == OK)
			count++;
	return count;
}

static void
replied(void *ctx, const struct httpc_reply *reply)
{
	struct exchange *x = ctx;
	struct peer_list *list = xcalloc(1, sizeof(*list));
	struct netaddr told[PEER_LIST_MAX];
	struct field_error error;
	size_t count = 0;

	if (reply->error != OK || reply->status != 200)
		log_debug("discovery: a peer does not tell whom it knows: %s, status %d", err_text(reply->error),
			  reply->status);
	else if (!peer_list_parse(list, reply->body, reply->len, &error))
		log_debug("discovery: a peer tells whom it knows in a way that cannot be read: %s", error.message);
	else
		count = addresses_of(told, list);
	x->done(x->ctx, &x->to, told, count);
	free(list);
	exchange_cancel(x);
}

struct exchange *
exchange_start(struct loop *l, const struct netaddr *to, const struct netaddr *from, uint32_t timeout_ms,
	       exchange_done *done, void *ctx)
{
	static const char *const headers[] = {"Connection", "close", NULL};
	struct httpc_request request = {.method = HTTP_POST,
					.path = "/peer/peers",
					.content_type = "application/json",
					.body = "{}",
					.body_len = 2,
					.headers = headers,
					.max_reply = PEER_LIST_SIZE_MAX,
					.timeout_ms = timeout_ms};
	struct exchange *x = xcalloc(1, sizeof(*x));

	x->to = *to;
	x->done = done;
	x->ctx = ctx;
	x->client = peer_dial(l, to, from);
	/* A new client is not busy, so this cannot be refused. */
	if (httpc_send(x->client, &request, replied, x) != OK)
		abort();
	return x;
}

void
exchange_cancel(struct exchange *x)
{
	if (x == NULL)
		return;
	httpc_free(x->client);
	free(x);
}
