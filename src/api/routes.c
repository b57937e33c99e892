/* One table: dispatch, the Allow header, and the index at "/" all read it. */
#include "routes.h"

#include <stdio.h>
#include <string.h>

#include "reply.h"
#include "store/tally.h"
#include "util/attr.h"

static const struct route routes[] = {
    {HTTP_GET, "/", ACCESS_PUBLIC, index_get, {NULL}, "this list"},
    {HTTP_GET,
     "/openapi.json",
     ACCESS_PUBLIC,
     openapi_get,
     {NULL},
     "this interface as an OpenAPI document, for programs"},
    {HTTP_GET,
     "/chain",
     ACCESS_PUBLIC,
     chain_get,
     {"from", "limit"},
     "the chain, lowest block first; or a slice of it"},
    {HTTP_GET, "/chain/head", ACCESS_PUBLIC, chain_head_get, {NULL}, "height, hash, work and time of the last block"},
    {HTTP_GET, "/blocks", ACCESS_PUBLIC, blocks_get, {"before", "limit"}, "blocks, newest first, up to 100 at a time"},
    {HTTP_GET, "/blocks/{block}", ACCESS_PUBLIC, block_get, {NULL}, "one block, by its height or its hash"},
    {HTTP_GET,
     "/transactions",
     ACCESS_PUBLIC,
     pool_get,
     {"after", "limit"},
     "the pool: transfers that wait for a block"},
    {HTTP_POST,
     "/transactions",
     ACCESS_PUBLIC,
     transactions_post,
     {NULL},
     "hand in a signed transfer, or a list of them"},
    {HTTP_GET, "/transactions/{id}", ACCESS_PUBLIC, transaction_get, {NULL}, "one transaction and how it stands"},
    {HTTP_GET,
     "/transactions/{id}/proof",
     ACCESS_PUBLIC,
     proof_get,
     {NULL},
     "what proves that a block holds the transaction: its merkle branch"},
    {HTTP_GET, "/amount", ACCESS_PUBLIC, amount_get, {"blockchain_address"}, "the confirmed balance of an address"},
    {HTTP_GET, "/addresses/{address}", ACCESS_PUBLIC, address_get, {NULL}, "balance, pending, and next sequence"},
    {HTTP_POST, "/mine", ACCESS_ADMIN, mine_post, {NULL}, "mine blocks now; the body may name address and blocks"},
    {HTTP_POST, "/mine/start", ACCESS_ADMIN, mine_start_post, {NULL}, "mine a block each interval from now on"},
    {HTTP_POST, "/mine/stop", ACCESS_ADMIN, mine_stop_post, {NULL}, "mine only when asked to"},
    {HTTP_PUT, "/consensus", ACCESS_ADMIN, consensus_put, {NULL}, "compare with all peers now, take the best chain"},
    {HTTP_POST,
     "/reload",
     ACCESS_ADMIN,
     reload_post,
     {NULL},
     "read the configuration again, and take it over or refuse it"},
    {HTTP_GET, "/metrics", ACCESS_PUBLIC, metrics_get, {NULL}, "figures of this node for Prometheus"},
    {HTTP_GET, "/peers", ACCESS_PUBLIC, peers_get, {NULL}, "every address known, its state, and why"},
    {HTTP_GET, "/status", ACCESS_PUBLIC, status_get, {NULL}, "everything about this node"},
    {HTTP_GET,
     "/events",
     ACCESS_PUBLIC,
     events_get,
     {"since", "only"},
     "what happens from now on, or since an id, as server-sent events"},
    {HTTP_GET, "/log-levels", ACCESS_ADMIN, log_levels_get, {NULL}, "how much is logged, by module"},
    {HTTP_POST, "/log-levels", ACCESS_ADMIN, log_levels_post, {NULL}, "change how much is logged, until a reload"},
    {HTTP_GET, "/livez", ACCESS_PUBLIC, live_get, {NULL}, "200 while this node listens"},
    {HTTP_GET,
     "/readyz",
     ACCESS_PUBLIC,
     ready_get,
     {"verbose"},
     "200 while it has its chain and can take new work; verbose: check by check, and what to do"},
    {HTTP_POST, "/peer/hello", ACCESS_PEER, peer_hello, {NULL}, "between nodes: handshake"},
    {HTTP_POST, "/peer/peers", ACCESS_PEER, peer_peers, {NULL}, "between nodes: whom this one has as peers"},
    {HTTP_POST, "/peer/headers", ACCESS_PEER, peer_headers, {NULL}, "between nodes: headers after a locator"},
    {HTTP_POST, "/peer/blocks", ACCESS_PEER, peer_blocks, {NULL}, "between nodes: blocks by hash"},
    {HTTP_POST, "/peer/compact", ACCESS_PEER, peer_compact, {NULL}, "between nodes: the names of a block's transfers"},
    {HTTP_POST, "/peer/parts", ACCESS_PEER, peer_parts, {NULL}, "between nodes: transactions of a block by position"},
    {HTTP_POST, "/peer/block", ACCESS_PEER, peer_block, {NULL}, "between nodes: a new block"},
    {HTTP_POST, "/peer/announce", ACCESS_PEER, peer_announce, {NULL}, "between nodes: a new block, named"},
    {HTTP_POST, "/peer/inventory", ACCESS_PEER, peer_inventory, {NULL}, "between nodes: ids of new transfers"},
    {HTTP_POST, "/peer/transactions", ACCESS_PEER, peer_transactions, {NULL}, "between nodes: new transfers"},
};

_Static_assert(ARRAY_LEN(routes) < TALLY_ROUTES, "each has a number of its own, and there is one for none");

static const char *const method_names[] = {
    [HTTP_GET] = "GET",	      [HTTP_HEAD] = "HEAD",	  [HTTP_POST] = "POST",		[HTTP_PUT] = "PUT",
    [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "this method",
};

static const char *const access_names[] = {
    [ACCESS_PUBLIC] = "public",
    [ACCESS_ADMIN] = "admin",
    [ACCESS_PEER] = "peer",
};

const char *
route_method_name(enum http_method m)
{
	return (unsigned)m < ARRAY_LEN(method_names) ? method_names[m] : method_names[HTTP_OTHER];
}

const struct route *
route_at(uint32_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}

bool
route_has_query(const struct route *r, const char *name)
{
	for (size_t i = 0; i < ROUTE_QUERY_MAX && r->query[i] != NULL; i++)
		if (strcmp(r->query[i], name) == 0)
			return true;
	return false;
}

static bool
is_on(enum face face, const struct route *r)
{
	return face == FACE_ALL || (face == FACE_PEER) == (r->access == ACCESS_PEER);
}

static bool
path_fits(const char *pattern, const char *path, char name[ROUTE_NAME_SIZE])
{
	size_t fixed = strcspn(pattern, "{"), len;

	name[0] = '\0';
	if (pattern[fixed] == '\0')
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, fixed) != 0)
		return false;
	len = strcspn(path + fixed, "/");
	if (len == 0 || strcmp(path + fixed + len, strchr(pattern, '}') + 1) != 0)
		return false;
	snprintf(name, ROUTE_NAME_SIZE, "%.*s", (int)len, path + fixed);
	return true;
}

static void
allow(struct buf *methods, const struct route *r)
{
	buf_puts(methods, methods->len > 0 ? ", " : "");
	buf_puts(methods, route_method_name(r->method));
	if (r->method == HTTP_GET)
		buf_puts(methods, ", HEAD");
}

const struct route *
route_find(enum face face, enum http_method method, const char *path, char name[ROUTE_NAME_SIZE], struct buf *methods,
	   const struct route **other)
{
	enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;

	buf_reset(methods);
	*other = NULL;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *r = &routes[i];

		if (!is_on(face, r) || !path_fits(r->path, path, name))
			continue;
		if (r->method == wanted)
			return r;
		allow(methods, r);
		*other = r;
	}
	return NULL;
}

void
index_get(struct api *a, struct http_req *req, const char *name)
{
	enum face face = a->o.peer_is_apart ? FACE_PUBLIC : FACE_ALL;
	struct jout j = reply_begin(a);

	(void)name;
	jout_object(&j);
	jout_kstring(&j, "node", a->o.node_name);
	jout_kstring(&j, "software", a->o.software);
	jout_key(&j, "routes");
	jout_array(&j);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *r = &routes[i];

		if (!is_on(face, r))
			continue;
		jout_object(&j);
		jout_kstring(&j, "method", route_method_name(r->method));
		jout_kstring(&j, "path", r->path);
		jout_key(&j, "query");
		jout_array(&j);
		for (size_t k = 0; k < ROUTE_QUERY_MAX && r->query[k] != NULL; k++)
			jout_string(&j, r->query[k]);
		jout_array_end(&j);
		jout_kstring(&j, "access", access_names[r->access]);
		jout_kstring(&j, "description", r->about);
		jout_object_end(&j);
	}
	jout_array_end(&j);
	jout_object_end(&j);
	reply_end(a, req, 200);
}
