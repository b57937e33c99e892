/* How the node is: for operators and their tools. Counters show only what has happened at least once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capacity.h"
#include "chain/outlook.h"
#include "handlers.h"
#include "reload.h"
#include "reply.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "store/transcript.h"
#include "sync.h"
#include "util/clock.h"
#include "wire/views.h"

static const char *const counter_names[COUNTERS] = {
    [COUNT_REQUESTS] = "requests",	 [COUNT_REFUSED] = "refused",	      [COUNT_ACCEPTED] = "accepted",
    [COUNT_REJECTED] = "rejected",	 [COUNT_RETURNED] = "returned",	      [COUNT_HASHES] = "hashes",
    [COUNT_BLOCKS] = "blocks",		 [COUNT_REORGS] = "reorgs",	      [COUNT_ROUNDS] = "rounds",
    [COUNT_PUSHES] = "pushes",		 [COUNT_CONNECTIONS] = "connections", [COUNT_SYNC_HEIGHT] = "sync_height",
    [COUNT_SYNC_TARGET] = "sync_target", [COUNT_UNKEPT] = "not_kept",	      [COUNT_HASH_RATE] = "hash_rate",
    [COUNT_OFFERED] = "offered",	 [COUNT_RELAYED] = "relayed",	      [COUNT_SIGNATURES] = "signatures",
    [COUNT_LISTENERS] = "listeners",
};

#define MINER_ROLE "miner"

static uint64_t
since(uint64_t then_ms)
{
	uint64_t now = clock_wall_ms();

	return now > then_ms ? now - then_ms : 0;
}

static void
write_head(struct jout *j, const struct api *a)
{
	struct blockref tip = chain_tip(a->store);
	struct block b;
	struct head head;

	chain_block(a->store, tip, &b);
	chain_head(a->store, tip, &head);
	struct hash256 work = u256_to_hash(&head.work);
	jout_ku64(j, "height", head.height);
	jout_khex(j, "head", head.hash.b, sizeof(head.hash.b));
	jout_khex(j, "work", work.b, sizeof(work.b));
	jout_ku64(j, "timestamp", b.header.time_ms);
	jout_ku64(j, "supply", chain_supply(a->store, tip));
}

static void
write_peers(struct jout *j, const struct api *a)
{
	uint64_t known = 0;
	uint32_t clocks;
	int64_t skew = peer_table_skew(a->store, &clocks);
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, skew);

	for (int state = 0; state < PEER_STATES; state++)
		known += peer_table_count(a->store, (enum peer_state)state);
	jout_key(j, "peers");
	jout_object(j);
	jout_ku64(j, "up", peer_table_count(a->store, PEER_UP));
	jout_ku64(j, "known", known);
	jout_ku64(j, "port", a->o.peer_port);
	/* A client on this host may have come by another address. */
	if (a->o.peer_host[0] != '\0')
		jout_kstring(j, "host", a->o.peer_host);
	/* The median of their clocks less ours. */
	jout_key(j, "skew_ms");
	if (clocks == 0)
		jout_null(j);
	else
		jout_raw(j, text, (size_t)len);
	jout_object_end(j);
}

static void
write_segment(struct jout *j, const struct api *a)
{
	struct store_usage usage;

	store_usage(a->store, &usage);
	jout_key(j, "segment");
	jout_object(j);
	jout_kstring(j, "name", store_object_name(a->store));
	jout_ku64(j, "size_max", usage.size_max);
	jout_ku64(j, "granted", usage.granted);
	jout_ku64(j, "arena_used", usage.arena_used);
	jout_ku64(j, "arena_dead", usage.arena_dead);
	jout_ku64(j, "lock_waits", usage.lock_waits);
	jout_ku64(j, "repairs", usage.repairs);
	jout_object_end(j);
}

/* null: the node has none. */
static void
write_chain_cache(struct jout *j, const struct api *a)
{
	struct transcript_usage usage;
	struct blockref top;

	jout_key(j, "chain_cache");
	if (a->o.transcript == NULL) {
		jout_null(j);
		return;
	}
	transcript_usage(a->o.transcript, &usage);
	top = transcript_top(a->o.transcript);
	jout_object(j);
	jout_ku64(j, "size_max", usage.size_max);
	jout_ku64(j, "used", usage.used);
	jout_ku64(j, "written", usage.blocks);
	/* Blocks from genesis on that are sent from it. */
	jout_ku64(j, "blocks", top.v != 0 ? chain_height(a->store, top) + 1 : 0);
	jout_object_end(j);
}

static void
write_log(struct jout *j, const char *name, const struct log_place *place, enum err e)
{
	jout_key(j, name);
	jout_object(j);
	jout_ku64(j, "file", place->file);
	jout_ku64(j, "offset", place->offset);
	jout_ku64(j, "bytes", place->position);
	jout_kstring(j, "state", e == OK ? "ok" : e == ERR_NOSPC ? "no-space" : "disk-failed");
	jout_object_end(j);
}

/* Where the next frames of the two logs go, and whether the last ones went well. */
static void
write_disk(struct jout *j, const struct api *a)
{
	struct log_place journal = store_journal_place(a->store), pool = store_pool_log_place(a->store);

	write_log(j, "journal", &journal, store_journal_err(a->store));
	write_log(j, "pool_log", &pool, store_pool_log_err(a->store));
}

static void
write_fill(struct jout *j, const char *name, const struct capacity *c)
{
	jout_key(j, name);
	if (c->max == 0) {
		jout_null(j);
		return;
	}
	jout_object(j);
	jout_ku64(j, "used", c->used);
	jout_ku64(j, "max", c->max);
	jout_ku64(j, "percent", c->percent);
	jout_kbool(j, "high", c->is_high);
	jout_kstring(j, "trend", c->full_ms == 0 ? "unknown" : c->full_ms == FULL_NEVER ? "steady" : "growing");
	jout_key(j, "full_at");
	if (c->full_ms == 0 || c->full_ms == FULL_NEVER)
		jout_null(j);
	else
		jout_u64(j, c->full_ms);
	jout_object_end(j);
}

/* How full the chain's memory and the disk are, and when they will be; null until somebody has looked. */
static void
write_capacity(struct jout *j, const struct api *a)
{
	struct capacity memory = capacity_get(a->store, CAPACITY_MEMORY), disk = capacity_get(a->store, CAPACITY_DISK);

	jout_key(j, "capacity");
	jout_object(j);
	write_fill(j, "memory", &memory);
	write_fill(j, "disk", &disk);
	jout_object_end(j);
}

/* The mode it is in, which /mine/start and /mine/stop change; the configured one while there is no miner. */
static const char *
miner_mode(const struct api *a, const struct role_info *miner)
{
	if (miner != NULL && a->o.miner_modes != NULL && miner->counters[COUNT_MODE] < a->o.miner_mode_count)
		return a->o.miner_modes[miner->counters[COUNT_MODE]];
	return a->o.miner_mode;
}

static void
write_miner(struct jout *j, const struct api *a)
{
	struct role_info role;
	const struct role_info *miner = NULL;

	for (uint32_t i = 0; i < STORE_ROLES_MAX && miner == NULL; i++)
		if (role_info(a->store, i, &role) && strcmp(role.name, MINER_ROLE) == 0)
			miner = &role;
	jout_key(j, "miner");
	jout_object(j);
	jout_kstring(j, "mode", miner_mode(a, miner));
	jout_ku64(j, "hashes", miner != NULL ? miner->counters[COUNT_HASHES] : 0);
	jout_ku64(j, "blocks", miner != NULL ? miner->counters[COUNT_BLOCKS] : 0);
	jout_object_end(j);
}

static uint64_t
whole(double v)
{
	return v < (double)NUMBER_MAX ? (uint64_t)v : NUMBER_MAX;
}

/* A figure that may not be known yet. */
static void
write_figure(struct jout *j, const char *key, double v)
{
	if (v > 0) {
		jout_ku64(j, key, whole(v));
	} else {
		jout_key(j, key);
		jout_null(j);
	}
}

/* When the next block can be expected: by our own miner and by the pace of the last blocks, whoever mined them. */
static void
write_mining(struct jout *j, const struct api *a)
{
	struct blockref tip = chain_tip(a->store), past;
	uint64_t own = role_total(a->store, COUNT_HASH_RATE), height;
	struct head head, past_head;
	struct outlook o;
	struct block last, before;

	chain_block(a->store, tip, &last);
	chain_head(a->store, tip, &head);
	height = last.header.height;
	/* Genesis was not mined: its time says nothing. */
	past = chain_at(a->store, tip, height > OUTLOOK_BLOCKS ? height - OUTLOOK_BLOCKS : height > 0 ? 1 : 0);
	chain_block(a->store, past, &before);
	chain_head(a->store, past, &past_head);
	struct u256 work = u256_sub(&head.work, &past_head.work);
	o = outlook_at(a->params, &last.header, u256_to_double(&work), before.header.time_ms, (double)own,
		       clock_wall_ms());
	jout_key(j, "mining");
	jout_object(j);
	jout_ku64(j, "hashes_needed", whole(o.needed));
	jout_ku64(j, "hash_rate", own);
	write_figure(j, "network_hash_rate", o.pace);
	jout_ku64(j, "blocks_measured", height - before.header.height);
	jout_ku64(j, "since_ms", since(last.header.time_ms));
	write_figure(j, "expected_ms", o.expected_ms);
	jout_object_end(j);
}

static void
write_roles(struct jout *j, const struct api *a)
{
	struct role_info role;

	jout_key(j, "roles");
	jout_array(j);
	for (uint32_t i = 0; i < STORE_ROLES_MAX; i++) {
		if (!role_info(a->store, i, &role))
			continue;
		jout_object(j);
		jout_kstring(j, "role", role.name);
		jout_ku64(j, "pid", (uint64_t)role.pid);
		jout_ku64(j, "restarts", role.restarts);
		jout_ku64(j, "failures", role.failures);
		jout_ku64(j, "uptime_ms", since(role.started_ms));
		for (int c = 0; c < COUNTERS; c++)
			if (counter_names[c] != NULL && role.counters[c] != 0)
				jout_ku64(j, counter_names[c], role.counters[c]);
		jout_object_end(j);
	}
	jout_array_end(j);
}

void
status_get(struct api *a, struct http_req *req, const char *name)
{
	const struct hash256 *genesis = store_genesis(a->store);
	struct jout j = reply_begin(a);

	(void)name;
	jout_object(&j);
	jout_kstring(&j, "node", a->o.node_name);
	jout_kstring(&j, "software", a->o.software);
	jout_ku64(&j, "uptime_ms", since(a->o.started_ms));
	jout_ku64(&j, "started", a->o.started_ms);
	jout_key(&j, "network");
	view_params(&j, a->params);
	jout_khex(&j, "genesis", genesis->b, sizeof(genesis->b));
	write_head(&j, a);
	write_peers(&j, a);
	jout_key(&j, "pool");
	jout_object(&j);
	jout_ku64(&j, "transactions", mempool_count(a->store));
	jout_ku64(&j, "capacity", mempool_capacity(a->store));
	jout_object_end(&j);
	write_segment(&j, a);
	write_chain_cache(&j, a);
	write_disk(&j, a);
	write_capacity(&j, a);
	write_miner(&j, a);
	write_mining(&j, a);
	jout_key(&j, "sync");
	sync_write(&j, a->store);
	jout_key(&j, "reload");
	reload_write(&j, a->store);
	write_roles(&j, a);
	jout_object_end(&j);
	reply_end(a, req, 200);
}
