/*
 * The life of an api, and what happens to each request before its handler sees it: its route, whether a browser was
 * made to send it, whether its sender may, whether its parameters are known.
 *
 * Nothing here waits. What another process must do goes through the ring (submit.c, command.c) and is answered when the
 * bell rings, or when its time is up.
 */
#include "api/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "command.h"
#include "events.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "routes.h"
#include "state.h"
#include "store/load.h"
#include "submit.h"
#include "util/mem.h"

struct api *
api_new(const struct api_options *options)
{
	struct api *a = xcalloc(1, sizeof(*a));

	a->o = *options;
	a->store = options->store;
	a->params = store_params(options->store);
	buf_init(&a->out);
	a->submit = submit_new(a);
	a->events = events_new(a);
	return a;
}

void
api_free(struct api *a)
{
	if (a == NULL)
		return;
	submit_free(a->submit);
	events_free(a->events);
	command_close(a);
	buf_clear(&a->out);
	free(a);
}

void
api_end(struct api *a)
{
	a->is_ending = true;
	command_cancel_all(a);
	events_end(a->events);
}

void
api_bell(struct api *a)
{
	submit_bell(a->submit);
	command_bell(a);
	events_bell(a->events);
}

/* The Host header if it can stand in a command line, else a word that asks to be replaced. */
static const char *
host_to_show(const struct http_req *req)
{
	static const char sound[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]";
	const char *host = http_req_header(req, "Host");

	return host != NULL && host[0] != '\0' && host[0] != '-' && host[strspn(host, sound)] == '\0' ? host
												      : "HOST:PORT";
}

static void
wrong_method(struct api *a, struct http_req *req, const char *methods, const struct route *other)
{
	const char *asked = route_method_name(http_req_method(req));

	http_reply_header(req, "Allow", methods);
	if (other->access == ACCESS_ADMIN)
		reply_error(a, req, 405, "method-not-allowed",
			    "this changes the node, so it is not done by %s; use: curl -X %s http://%s%s", asked,
			    route_method_name(other->method), host_to_show(req), other->path);
	else
		reply_error(a, req, 405, "method-not-allowed", "%s takes %s, not %s", other->path, methods, asked);
}

static bool
may_pass(struct api *a, struct http_req *req, const struct route *r)
{
	if (r->method != HTTP_GET && access_is_cross_site(req)) {
		reply_error(
		    a, req, 403, "forbidden",
		    "a browser sent this for a page of another site (see its Origin and Sec-Fetch-Site headers); such "
		    "requests may not change anything here");
		return false;
	}
	if (r->access == ACCESS_ADMIN && !access_is_admin(a, req)) {
		reply_error(a, req, 403, "forbidden",
			    "this is open to clients on the node's own host; for others name their addresses in [http] "
			    "admin_allow, or send Authorization: Bearer with the token of [http] admin_token_file (the "
			    "only way through a proxy)");
		return false;
	}
	return true;
}

/* While the loader builds the chain only those are answered that do not need it. */
static bool
is_open(struct api *a, struct http_req *req, const struct route *r)
{
	uint32_t done, of;

	if (store_is_loaded(a->store) || r->handle == live_get || r->handle == ready_get || r->handle == index_get ||
	    r->handle == reload_post || r->handle == metrics_get)
		return true;
	store_load_progress(a->store, &done, &of);
	reply_error(a, req, 503, "loading",
		    "the chain is being loaded from the disk, %" PRIu32 " of %" PRIu32 " blocks so far; ask again",
		    done, of);
	return false;
}

static void
dispatch(struct api *a, struct http_req *req, enum face face)
{
	char name[ROUTE_NAME_SIZE];
	struct buf methods;
	const struct route *other;
	const struct route *r;

	buf_init(&methods);
	r = route_find(face, http_req_method(req), http_req_path(req), name, &methods, &other);
	if (r != NULL || other != NULL)
		http_req_set_route(req, r != NULL ? r->path : other->path);
	if (r != NULL) {
		if (may_pass(a, req, r) && is_open(a, req, r) && input_query(a, req, r))
			r->handle(a, req, name);
	} else if (other != NULL) {
		wrong_method(a, req, methods.data, other);
	} else {
		reply_error(a, req, 404, "not-found", "there is nothing at this path%s",
			    face == FACE_PEER ? "" : "; GET / lists what there is");
	}
	buf_clear(&methods);
}

void
api_handle(void *ctx, struct http_req *req)
{
	struct api *a = ctx;

	dispatch(a, req, a->o.peer_is_apart ? FACE_PUBLIC : FACE_ALL);
}

void
api_handle_peer(void *ctx, struct http_req *req)
{
	dispatch(ctx, req, FACE_PEER);
}
