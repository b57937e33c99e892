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
 * On few cores, who has somebody waiting goes before who computes: a worker's request and the pool's verdict before the
 * resolver's sync, and this before the miner's search. How nice those are who compute decides how often whoever wakes on
 * their core has to wait for the clock's next tick, 4 ms on most kernels: Linux lets him in at once only if he has had no
 * more than his share of that core, and looks again at ticks. With one who computes and one who wakes ten thousand times
 * a second on a core, each with work for half of it, 280 wakings in three seconds waited longer than 2 ms beside niceness
 * 0, 100 beside 5, 20 beside 10, 10 beside 15 and 4 beside 19.
 *
 * The resolver is only a little nicer: readers of accounts wait for it while it swaps branches. The miner's search, which has
 * no end, gives way to everybody (spare.c); its niceness counts where all cores are wanted for good, so that blocks are
 * found there, too. Verifiers are nicer than both, for the resolver checks itself what they have no time for, and nobody
 * waits for archiver and scribe.
 *
 * Workers stop first, because they need the others to answer what they have in hand; the pool stops last, because it
 * settles what the others left.
 */
const struct role node_roles[] = {
    {"loader", role_loader, STORE_COMMIT, PACE_BATCH, 0, NUMBER_ONE, START_ONCE, 1},
    {"worker", role_worker, STORE_WORKER, PACE_BRISK, 0, NUMBER_WORKERS, START_EARLY, 0},
    {"miner", role_miner, STORE_COMMIT, PACE_BATCH, 10, NUMBER_ONE, START_LOADED, 1},
    {"resolver", role_resolver, STORE_COMMIT, PACE_BATCH, 5, NUMBER_ONE, START_LOADED, 1},
    {"discovery", role_discovery, STORE_DISCOVERY, PACE_USUAL, 0, NUMBER_ONE, START_LOADED, 1},
    {"relay", role_relay, STORE_READ, PACE_USUAL, 0, NUMBER_ONE, START_LOADED, 1},
    {"archiver", role_archiver, STORE_READ, PACE_BATCH, 19, NUMBER_ONE, START_LOADED, 1},
    {"scribe", role_scribe, STORE_READ, PACE_BATCH, 19, NUMBER_ONE, START_LOADED, 1},
    {"verifier", role_verifier, STORE_VERIFIER, PACE_BATCH, 15, NUMBER_VERIFIERS, START_LOADED, 2},
    {"pool", role_pool, STORE_POOL, PACE_BRISK, 0, NUMBER_ONE, START_LOADED, 2},
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
