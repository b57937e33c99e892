/*
 * An HTTP/1.1 client on one kept connection to one address, one request at a time. No redirects, no compression; the
 * reply and the time for it are capped.
 */
#ifndef RENSA_NET_HTTPC_H
#define RENSA_NET_HTTPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/httpd.h"
#include "net/loop.h"
#include "net/netaddr.h"
#include "util/attr.h"
#include "util/err.h"

struct httpc;

/* A part of a reply's body, borrowed. False: enough, the request ends well and its connection with it. */
typedef bool httpc_piece(void *ctx, const void *data, size_t len);

struct httpc_request {
	enum http_method method;
	const char *path;	  /* with query, percent-encoded by the caller */
	const char *content_type; /* NULL: none */
	const void *body;	  /* copied */
	size_t body_len;
	const char *const *headers; /* name, value, name, value, …, NULL; or NULL. Copied */
	size_t max_reply;	    /* bytes of body */
	uint32_t timeout_ms;	    /* for all of it, connecting included */
	/*
	 * NULL: the body comes whole, with the reply. Else that of a 2xx reply comes in parts, without a limit on all of it,
	 * and the reply then has none; timeout_ms starts anew with each part.
	 */
	httpc_piece *piece;
	void *piece_ctx;
};

struct httpc_reply {
	enum err error; /* OK: the rest is set; ERR_TIMEOUT, ERR_CLOSED (refused or cut), ERR_LIMIT, ERR_FORMAT */
	int status;
	const char *content_type; /* "" if absent */
	const void *body;	  /* borrowed for the callback */
	size_t len;
};

/* Called exactly once for each request that httpc_send took. It may send the next one or free the client. */
typedef void httpc_done(void *ctx, const struct httpc_reply *reply);

/* from: local address to connect from (port ignored), or NULL. host: for the Host header, NULL: the address. */
struct httpc *httpc_new(struct loop *l, const struct netaddr *to, const struct netaddr *from, const char *host);
void httpc_free(struct httpc *c); /* drops a request in flight: its callback is not called. NULL is fine */
enum err httpc_send(struct httpc *c, const struct httpc_request *request, httpc_done *done,
		    void *ctx) MUSTCHECK; /* ERR_BUSY */
bool httpc_is_busy(const struct httpc *c);
const struct netaddr *httpc_peer(const struct httpc *c);

/* Bytes that all clients of this process together have sent and received so far, heads included. */
void httpc_traffic(uint64_t *sent, uint64_t *received);

/* Blocking, for command-line tools: runs a loop of its own. Body and content type are copied into out; the caller
 * clears it. */
struct httpc_result {
	enum err error;
	int status;
	struct buf body;
};
void httpc_call(struct httpc_result *out, const struct netaddr *to, const char *host,
		const struct httpc_request *request);

#endif
