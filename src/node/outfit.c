#include "outfit.h"

#include <unistd.h>

#define VERIFIERS_MAX 16

_Static_assert(LISTENERS_ALL_MAX >= CONFIG_WORKERS_MAX && STORE_RINGS_MAX >= 2 * CONFIG_WORKERS_MAX,
	       "each worker has its own, and its successor too");

static uint32_t
core_count(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores > 0 ? (uint32_t)cores : 1;
}

uint32_t
outfit_workers(const struct config *c)
{
	uint32_t workers = c->http.workers != 0 ? c->http.workers : core_count();

	return workers < CONFIG_WORKERS_MAX ? workers : CONFIG_WORKERS_MAX;
}

uint32_t
outfit_verifiers(void)
{
	uint32_t others = core_count() - 1;

	return others < 1 ? 1 : others < VERIFIERS_MAX ? others : VERIFIERS_MAX;
}

/* Does this node listen at the port already, for clients or for peers? */
static bool
is_our_port(const struct config *now, uint16_t port)
{
	return port == now->http.listen.port || port == now->peers.listen.port;
}

/* Those that there are, and as many more as are wanted; or new ones, if the address is another. */
static enum err
make_listeners(struct listeners *out, const struct listeners *had, const struct netaddr *was, const struct netaddr *at,
	       uint32_t workers, bool is_ours)
{
	*out = netaddr_equal(was, at) ? *had : (struct listeners){.count = 0};
	return at->port == 0 ? OK : listeners_open(out, at, workers > out->count ? workers : out->count, is_ours);
}

enum err
outfit_make(struct outfit *o, struct node_env *env, const struct config *next, struct buf *why)
{
	const struct config *now = env->config;
	const char *key = "[http] listen", *fault;
	enum err e;

	*o = (struct outfit){.workers = outfit_workers(next)};
	e = make_listeners(&o->http, &env->listeners, &now->http.listen, &next->http.listen, o->workers,
			   is_our_port(now, next->http.listen.port));
	if (e == OK) {
		key = "[peers] listen";
		e = make_listeners(&o->peers, &env->peer_listeners, &now->peers.listen, &next->peers.listen, o->workers,
				   is_our_port(now, next->peers.listen.port));
	}
	fault = listeners_fault(e);
	if (e == OK) {
		key = "[http] workers";
		fault = "for so many there is no room in /dev/shm, or too few descriptors";
		e = bells_extend(&env->bells, 2 * o->workers);
	}
	if (e == OK)
		e = store_want_rings(env->store, 2 * o->workers);
	if (e != OK) {
		buf_printf(why, "%s: %s", key, fault);
		outfit_drop(o, env);
	}
	return e;
}

void
outfit_drop(struct outfit *o, const struct node_env *env)
{
	listeners_close_since(&o->http, &env->listeners);
	listeners_close_since(&o->peers, &env->peer_listeners);
}

/* Closed before anybody is forked who would inherit them. */
void
outfit_take(struct outfit *o, struct node_env *env)
{
	listeners_close_since(&env->listeners, &o->http);
	listeners_close_since(&env->peer_listeners, &o->peers);
	env->listeners = o->http;
	env->peer_listeners = o->peers;
	env->workers = o->workers;
}
