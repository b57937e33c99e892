/*
 * A worker serves HTTP. The master starts as many as [http] workers says, each with a listening socket of its own, or
 * several, that outlive it (the kernel spreads connections over them) and a ring for what it must not write itself.
 *
 * Asked to stop, it takes no new connections, finishes what is in hand, and goes. If it crashes, its requests are lost
 * with their connections, its ring is drained by the pool, and a new worker serves the same socket.
 */
#include <inttypes.h>
#include <unistd.h>

#include "api/api.h"
#include "net/httpd.h"
#include "node/roles.h"
#include "request_log.h"
#include "store/role_table.h"
#include "util/attr.h"
#include "util/log.h"

/* Listeners are never cut off for others, so a worker takes only so many: one in so many connections. */
#define LISTENERS_SHARE 4
#define LOOK_MS 1000 /* how many connections are open */

struct worker {
	struct child *child;
	struct request_log *requests; /* NULL: none are logged */
	struct api *api;
	struct httpd *server;
	struct httpd *peer_server; /* NULL: peers use the other */
	struct loop_timer *look;
	int draining;
};

static void
wake(void *ctx, enum api_wake whom)
{
	static const enum bell bells[] = {
	    [API_WAKE_POOL] = BELL_POOL,	   [API_WAKE_RESOLVER] = BELL_RESOLVER, [API_WAKE_MINER] = BELL_MINER,
	    [API_WAKE_DISCOVERY] = BELL_DISCOVERY, [API_WAKE_MASTER] = BELL_MASTER,
	};
	const struct worker *w = ctx;

	bell_ring(&w->child->env->bells, bells[whom]);
}

static void
served(void *ctx, const struct httpd_served *request)
{
	const struct worker *w = ctx;

	api_served(w->api, request);
	if (w->requests != NULL)
		request_log_served(w->requests, request);
}

static void
rang(void *ctx)
{
	api_bell(((struct worker *)ctx)->api);
}

static void
look(void *ctx)
{
	struct worker *w = ctx;
	uint32_t open = httpd_connections(w->server);

	if (w->peer_server != NULL)
		open += httpd_connections(w->peer_server);
	role_set(w->child->env->store, COUNT_CONNECTIONS, open);
	loop_timer_arm(w->look, LOOK_MS);
}

static void
drained(void *ctx)
{
	struct worker *w = ctx;

	if (--w->draining == 0)
		child_end(w->child, CHILD_STOPPED);
}

static void
leave(const struct worker *w, const struct listeners *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (listeners_serves(w->child->index, w->child->env->workers, i))
			close(l->fds[i]);
}

static void
stop(void *ctx)
{
	struct worker *w = ctx;

	if (w->draining > 0)
		return;
	w->draining = w->peer_server != NULL ? 2 : 1;
	api_end(w->api);
	httpd_drain(w->server, drained, w);
	if (w->peer_server != NULL)
		httpd_drain(w->peer_server, drained, w);
	/* Where nobody listens any more, nobody shall get through only to wait for us to end. */
	leave(w, &w->child->env->listeners);
	leave(w, &w->child->env->peer_listeners);
}

/* The worker's share of the listeners. */
static bool
serve(const struct worker *w, struct httpd *server, const struct listeners *l)
{
	const struct child *c = w->child;
	bool is_served = true;

	for (uint32_t i = 0; i < l->count && is_served; i++)
		if (listeners_serves(c->index, c->env->workers, i))
			is_served = httpd_serve(server, l->fds[i]) == OK;
	return is_served;
}

/* The address of [peers] listen, if it is one and not all of them. */
static void
describe_peer_host(char out[NETADDR_TEXT_SIZE], const struct config *config)
{
	out[0] = '\0';
	if (config->peers.listen.port != 0 && !netaddr_is_any(&config->peers.listen))
		netaddr_format_ip(out, &config->peers.listen);
}

int
role_worker(struct child *c)
{
	const struct config *config = c->env->config;
	const char *const modes[] = {miner_mode_name(MINER_MANUAL), miner_mode_name(MINER_ON_DEMAND),
				     miner_mode_name(MINER_INTERVAL), miner_mode_name(MINER_CONTINUOUS)};
	char peer_host[NETADDR_TEXT_SIZE];
	struct api_options api = {.store = c->env->store,
				  .transcript = c->transcript,
				  .ring = c->ring,
				  .loop = c->loop,
				  .wake = wake,
				  .node_name = config->node.name,
				  .software = PACKAGE_NAME "/" PACKAGE_VERSION,
				  .admin_allow = config->http.admin_allow.at,
				  .admin_allow_count = config->http.admin_allow.count,
				  .admin_token = config->http.admin_token[0] != '\0' ? config->http.admin_token : NULL,
				  .mine_to = config->miner.address_text[0] != '\0' ? &config->miner.address : NULL,
				  .miner_mode = miner_mode_name(config->miner.mode),
				  .miner_modes = modes,
				  .miner_mode_count = ARRAY_LEN(modes),
				  .request_timeout_ms = config->http.request_timeout_ms,
				  .listeners_max = config->http.max_connections / LISTENERS_SHARE + 1,
				  .node_nonce = c->env->nonce,
				  .peer_port = node_peer_port(config),
				  .peer_host = peer_host,
				  .advertise = config->peers.advertise,
				  .peer_is_apart = c->env->peer_listeners.count > 0,
				  .started_ms = c->env->started_ms};
	struct httpd_options http = {.max_body = config->http.max_body,
				     .header_timeout_ms = config->http.header_timeout_ms,
				     .request_timeout_ms = config->http.request_timeout_ms,
				     .max_connections = config->http.max_connections,
				     .observer = served};
	static struct request_log requests;
	static struct worker w;
	int code;

	if (config->http.request_log != REQUEST_LOG_OFF) {
		request_log_begin(&requests, config->http.request_log_sample, config->http.request_log_slow_ms);
		w.requests = &requests;
	}

	w.child = c;
	http.observer_ctx = &w;
	api.wake_ctx = &w;
	describe_peer_host(peer_host, config);
	w.api = api_new(&api);
	w.server = httpd_new(c->loop, &http, api_handle, w.api);
	/* It is the same for all workers. */
	if (c->index == 0 && httpd_max_connections(w.server) < http.max_connections)
		log_warn("httpd: at most %" PRIu32 " connections in each worker, not %" PRIu32
			 " as [http] max_connections has it: the limit of open files (ulimit -n, LimitNOFILE) is lower",
			 httpd_max_connections(w.server), http.max_connections);
	if (!serve(&w, w.server, &c->env->listeners))
		return CHILD_AGAIN;
	if (c->env->peer_listeners.count > 0) {
		w.peer_server = httpd_new(c->loop, &http, api_handle_peer, w.api);
		if (!serve(&w, w.peer_server, &c->env->peer_listeners))
			return CHILD_AGAIN;
	}
	child_on_bell(c, c->env->bells.ring[c->ring], rang, &w);
	w.look = loop_timer_new(c->loop, look, &w);
	look(&w);
	c->on_stop = stop;
	c->on_stop_ctx = &w;
	code = child_run(c);
	httpd_free(w.server);
	httpd_free(w.peer_server);
	api_free(w.api);
	return code;
}
