/* Calls to the node. */
#include "prog/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"
#include "wire/peer_msg.h"

#define SCHEME "http://"

enum err
remote_parse(char host[REMOTE_HOST_SIZE], uint16_t *port, const char *url)
{
	if (strncmp(url, SCHEME, strlen(SCHEME)) == 0)
		url += strlen(SCHEME);
	else if (strstr(url, "://") != NULL)
		return ERR_UNSUPPORTED;

	const char *name = url;
	size_t len;
	if (*url == '[') {
		name = url + 1;
		len = strspn(name, "0123456789abcdefABCDEF:.");
		if (name[len] != ']')
			return ERR_FORMAT;
		url = name + len + 1;
	} else {
		len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
		url = name + len;
	}
	if (len == 0 || len >= REMOTE_HOST_SIZE)
		return ERR_FORMAT;

	uint64_t number = REMOTE_PORT;
	if (*url == ':') {
		char digits[6];
		size_t count = strspn(++url, "0123456789");
		if (count == 0 || count >= sizeof(digits))
			return ERR_FORMAT;
		memcpy(digits, url, count);
		digits[count] = '\0';
		if (text_u64(&number, digits, UINT16_MAX) != OK || number == 0)
			return ERR_FORMAT;
		url += count;
	}
	if (*url == '/')
		url++;
	if (*url != '\0')
		return ERR_FORMAT;
	memcpy(host, name, len);
	host[len] = '\0';
	*port = (uint16_t)number;
	return OK;
}

static void
set_host(struct remote *r, const char *host, uint16_t port)
{
	const char *open = strchr(host, ':') != NULL ? "[" : "";
	const char *close = open[0] != '\0' ? "]" : "";
	snprintf(r->host, sizeof(r->host), "%s%s%s:%u", open, host, close, port);
}

enum cli_exit
remote_open(struct remote *r, struct cli *c)
{
	*r = (struct remote){.cli = c, .timeout_ms = REMOTE_TIMEOUT_MS, .max_reply = REMOTE_REPLY_MAX};
	char host[REMOTE_HOST_SIZE];
	uint16_t port;
	enum err e = remote_parse(host, &port, c->node);
	if (e == ERR_UNSUPPORTED)
		return cli_fail(c, CLI_USAGE, "usage",
				"'%.200s' is not reached over plain HTTP: write http://HOST:PORT", c->node);
	if (e != OK)
		return cli_fail(c, CLI_USAGE, "usage", "'%.200s' is not the URL of a node: write http://HOST:PORT",
				c->node);
	set_host(r, host, port);
	e = netaddr_resolve(r->at, REMOTE_ADDRESSES_MAX, &r->count, host, port);
	if (e != OK || r->count == 0)
		return cli_fail(c, CLI_UNREACHABLE, "unreachable",
				"the host of %.200s is not known: check --node or RENSA_NODE", c->node);
	return CLI_DONE;
}

void
remote_move(struct remote *r, const char *host, uint16_t port)
{
	struct netaddr at;
	char *colon;

	r->is_moved = true;
	if (netaddr_parse_ip(&at, host) == OK) {
		r->at[0] = at;
		r->count = 1;
		r->pick = 0;
		set_host(r, host, port);
	} else if ((colon = strrchr(r->host, ':')) != NULL) {
		snprintf(colon, sizeof(r->host) - (size_t)(colon - r->host), ":%u", port);
	}
	for (size_t i = 0; i < r->count; i++)
		r->at[i].port = port;
}

void
answer_clear(struct answer *a)
{
	jdoc_free(a->doc);
	*a = (struct answer){0};
}

/* Makes sense of a reply's status and body. */
static void
read_reply(struct answer *out, const struct httpc_result *result)
{
	char error[JSON_ERROR_SIZE] = "it is empty";
	out->status = result->status;
	if (result->body.len > 0)
		out->doc = jdoc_parse(result->body.data, result->body.len, error);
	if (out->doc != NULL && jval_is_object(jdoc_root(out->doc)))
		out->root = jdoc_root(out->doc);

	if (result->status >= 200 && result->status <= 299) {
		if (out->root != NULL)
			return;
		out->error = ERR_FORMAT;
		if (out->doc != NULL)
			text_copy(out->message, sizeof(out->message), "it is not a JSON object");
		else
			snprintf(out->message, sizeof(out->message), "it is not JSON: %s", error);
		return;
	}
	const struct jval *e = jval_get(out->root, "error");
	text_copy(out->code, sizeof(out->code), e != NULL ? jval_str(e, "code", "refused") : "refused");
	text_copy(out->message, sizeof(out->message), e != NULL ? jval_str(e, "message", "") : "");
}

/* A host of several addresses: the first that answers is the node, and stays it. */
static void
call(struct remote *r, struct httpc_result *result, const struct httpc_request *request)
{
	for (;; r->pick++) {
		*result = (struct httpc_result){0};
		httpc_call(result, &r->at[r->pick], r->host, request);
		if (result->error == OK)
			r->is_settled = true;
		bool is_silent = result->error == ERR_CLOSED || result->error == ERR_TIMEOUT || result->error == ERR_IO;
		if (r->is_settled || !is_silent || r->pick + 1 == r->count)
			return;
		buf_clear(&result->body);
	}
}

void
remote_try(struct remote *r, struct answer *out, const char *path, const struct buf *body)
{
	*out = (struct answer){0};
	struct httpc_request request = {
	    .method = body != NULL ? HTTP_POST : HTTP_GET,
	    .path = path,
	    .content_type = body != NULL ? "application/json" : NULL,
	    .body = body != NULL ? body->data : NULL,
	    .body_len = body != NULL ? body->len : 0,
	    .max_reply = r->max_reply,
	    .timeout_ms = r->timeout_ms,
	};
	struct httpc_result result;
	call(r, &result, &request);
	out->error = result.error;
	if (result.error == OK)
		read_reply(out, &result);
	buf_clear(&result.body);
}

enum cli_exit
remote_peer(struct remote *r, struct buf *reply, const char *path, const struct buf *body, size_t max_reply)
{
	struct answer a = {0};
	struct httpc_request request = {
	    .method = HTTP_POST,
	    .path = path,
	    .content_type = PEER_BODY_TYPE,
	    .body = body->data,
	    .body_len = body->len,
	    .max_reply = max_reply,
	    .timeout_ms = r->timeout_ms,
	};
	struct httpc_result result;
	enum cli_exit ret = CLI_DONE;
	call(r, &result, &request);
	a.error = result.error;
	if (result.error == OK && result.status == 404) {
		ret = cli_fail(r->cli, CLI_REFUSED, REMOTE_NO_PEER_ROUTES,
			       "%.200s does not serve other nodes: name the address of its [peers] listen with --node",
			       r->host);
	} else if (result.error == OK && (result.status < 200 || result.status > 299)) {
		read_reply(&a, &result);
		ret = remote_fail(r, &a);
	} else if (result.error != OK) {
		ret = remote_fail(r, &a);
	} else if (reply != NULL) {
		buf_append(reply, result.body.data, result.body.len);
	}
	answer_clear(&a);
	buf_clear(&result.body);
	return ret;
}

struct hearing {
	httpc_piece *piece;
	void *ctx;
	bool is_begun;
};

static bool
hear(void *ctx, const void *data, size_t len)
{
	struct hearing *h = ctx;
	h->is_begun = true;
	return h->piece(h->ctx, data, len);
}

enum cli_exit
remote_listen(struct remote *r, const char *path, const char *last_id, httpc_piece *piece, void *ctx)
{
	const char *const headers[] = {"Last-Event-ID", last_id, NULL};
	struct hearing hearing = {.piece = piece, .ctx = ctx};
	struct httpc_request request = {
	    .method = HTTP_GET,
	    .path = path,
	    .headers = last_id[0] != '\0' ? headers : NULL,
	    .max_reply = r->max_reply,
	    .timeout_ms = r->timeout_ms,
	    .piece = hear,
	    .piece_ctx = &hearing,
	};
	struct answer a = {0};
	struct httpc_result result;
	enum cli_exit ret = CLI_DONE;
	call(r, &result, &request);
	if (!hearing.is_begun) {
		a.error = result.error;
		if (result.error == OK)
			read_reply(&a, &result);
		ret = remote_fail(r, &a);
	}
	answer_clear(&a);
	buf_clear(&result.body);
	return ret;
}

/* Whom a message blames: as the user named it, unless we went on to where it serves nodes. */
static const char *
whom(const struct remote *r)
{
	return r->is_moved ? r->host : r->cli->node;
}

enum cli_exit
remote_fail(const struct remote *r, const struct answer *a)
{
	struct cli *c = r->cli;
	switch (a->error) {
	case OK:
		break;
	case ERR_TIMEOUT:
		return cli_fail(c, CLI_UNREACHABLE, "timeout", "%.200s did not answer within %u s", whom(r),
				r->timeout_ms / 1000);
	case ERR_LIMIT:
		return cli_fail(c, CLI_UNREACHABLE, "bad-answer", "the answer of %.200s is larger than %zu bytes",
				whom(r), r->max_reply);
	case ERR_FORMAT:
		return remote_bad(r, a->message[0] != '\0' ? a->message : "it is not HTTP");
	default:
		if (r->is_moved)
			return cli_fail(
			    c, CLI_UNREACHABLE, "unreachable",
			    "the node answers at %.200s, but not at %.200s (%s), where it serves other nodes: a "
			    "firewall between, or [peers] listen of another configuration than it runs with?",
			    c->node, r->host,
			    a->error == ERR_CLOSED ? "connection refused or cut" : err_text(a->error));
		return cli_fail(
		    c, CLI_UNREACHABLE, "unreachable",
		    "no node answers at %.200s (%s): is rensad running there? Check --node or RENSA_NODE, and "
		    "listen under [http] in its configuration",
		    c->node, a->error == ERR_CLOSED ? "connection refused or cut" : err_text(a->error));
	}
	if (a->message[0] == '\0')
		return cli_fail(c, CLI_REFUSED, a->code, "%.200s refuses with HTTP status %d", whom(r), a->status);
	return cli_fail(c, CLI_REFUSED, a->code, "the node refuses: %s (%s)", a->message, a->code);
}

enum cli_exit
remote_bad(const struct remote *r, const char *what)
{
	return cli_fail(r->cli, CLI_UNREACHABLE, "bad-answer",
			"the answer of %.200s is not that of a Rensa node: %s. Is --node right?", whom(r), what);
}

enum cli_exit
remote_call(struct remote *r, struct answer *out, const char *path, const struct buf *body)
{
	remote_try(r, out, path, body);
	if (out->error == OK && out->root != NULL && out->status >= 200 && out->status <= 299)
		return CLI_DONE;
	enum cli_exit ret = remote_fail(r, out);
	answer_clear(out);
	return ret;
}

enum cli_exit
network_parse(struct network *out, const struct remote *r, const struct jval *status)
{
	const struct jval *network = jval_get(status, "network");
	uint64_t version;
	if (jval_number(&version, jval_get(network, "address_version"), UINT8_MAX) != OK)
		return remote_bad(r, "its status has no network.address_version from 0 to 255");
	if (jval_number(&out->min_fee, jval_get(network, "minimum_fee"), MONEY_MAX) != OK)
		return remote_bad(r, "its status has no network.minimum_fee");
	if (hex_decode(&out->genesis, sizeof(out->genesis), jval_str(status, "genesis", "")) != OK)
		return remote_bad(r, "its status has no genesis hash");
	out->address_version = (uint8_t)version;
	text_copy(out->name, sizeof(out->name), jval_str(network, "name", ""));
	return CLI_DONE;
}

enum cli_exit
remote_network(struct remote *r, struct network *out)
{
	struct answer a;
	enum cli_exit ret = remote_call(r, &a, "/status", NULL);
	if (ret != CLI_DONE)
		return ret;
	ret = network_parse(out, r, a.root);
	answer_clear(&a);
	return ret;
}
