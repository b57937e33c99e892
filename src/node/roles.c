#include "node/roles.h"

#include "util/attr.h"

/*
 * Who may write what is in `access`; who wakes whom:
 *
 *	loader     -> nobody: it builds the segment from the disk, ends, and the master starts the others
 *	worker     -> pool, resolver, miner, discovery, master
 *	pool       -> workers (their rings), relay, miner
 *	resolver   -> pool, miner, relay, workers, verifiers
 *	miner      -> pool, relay, workers
 *	discovery  -> resolver, relay
 *	archiver   -> nobody
 *	scribe     -> nobody
 *	verifiers  -> nobody
 *	master     -> workers
 *
 * Workers stop first, because they need the others to answer what they have in hand; the pool stops last, because it
 * settles what the others left.
 */
const struct role node_roles[] = {
    {"loader", role_loader, STORE_COMMIT, 0, NUMBER_ONE, START_ONCE, 1},
    {"worker", role_worker, STORE_WORKER, 0, NUMBER_WORKERS, START_EARLY, 0},
    {"miner", role_miner, STORE_COMMIT, 10, NUMBER_ONE, START_LOADED, 1},
    {"resolver", role_resolver, STORE_COMMIT, 0, NUMBER_ONE, START_LOADED, 1},
    {"discovery", role_discovery, STORE_DISCOVERY, 0, NUMBER_ONE, START_LOADED, 1},
    {"relay", role_relay, STORE_READ, 0, NUMBER_ONE, START_LOADED, 1},
    {"archiver", role_archiver, STORE_READ, 19, NUMBER_ONE, START_LOADED, 1},
    {"scribe", role_scribe, STORE_READ, 10, NUMBER_ONE, START_LOADED, 1},
    {"verifier", role_verifier, STORE_VERIFIER, 0, NUMBER_VERIFIERS, START_LOADED, 2},
    {"pool", role_pool, STORE_POOL, 0, NUMBER_ONE, START_LOADED, 2},
};

const size_t node_role_count = ARRAY_LEN(node_roles);

uint32_t
role_number(const struct role *r, const struct node_env *env)
{
	switch (r->number) {
	case NUMBER_WORKERS:
		return env->workers;
	case NUMBER_VERIFIERS:
		return env->verifiers;
	case NUMBER_ONE:
		break;
	}
	return 1;
}

uint32_t
role_places(const struct role *r, const struct node_env *env)
{
	return r->number == NUMBER_WORKERS ? CONFIG_WORKERS_MAX : role_number(r, env);
}
