/* The node itself: chain, pool, peers, memory, disk, processes. */
#include <math.h>
#include <string.h>

#include "capacity.h"
#include "metrics.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/peer_table.h"
#include "store/reload_note.h"
#include "util/attr.h"
#include "util/clock.h"

/* By the roles that have any. */
static void
write_by_role(struct scrape *s, const struct metric *m)
{
	for (size_t i = 0; i < s->role_count; i++)
		if (s->roles[i].counters[m->counter] > 0) {
			exposition_label(&s->e, "role", s->roles[i].name);
			exposition_u64(&s->e, s->roles[i].counters[m->counter]);
		}
}

static void
write_build(struct scrape *s, const struct metric *m)
{
	const struct api_options *o = &s->api->o;
	const char *slash = strchr(o->software, '/');

	(void)m;
	exposition_label(&s->e, "version", slash != NULL ? slash + 1 : o->software);
	exposition_label(&s->e, "node", o->node_name);
	exposition_label(&s->e, "network", s->api->params->name);
	exposition_u64(&s->e, 1);
}

static void
write_start(struct scrape *s, const struct metric *m)
{
	(void)m;
	exposition_ms(&s->e, (int64_t)s->api->o.started_ms);
}

static void
write_ready(struct scrape *s, const struct metric *m)
{
	(void)m;
	exposition_u64(&s->e, checks_failed(s->checks, s->check_count) == NULL);
}

static void
write_checks(struct scrape *s, const struct metric *m)
{
	(void)m;
	for (size_t i = 0; i < s->check_count; i++) {
		exposition_label(&s->e, "check", s->checks[i].name);
		exposition_u64(&s->e, s->checks[i].state);
	}
}

static void
write_processes(struct scrape *s, const struct metric *m)
{
	(void)m;
	for (size_t i = 0; i < s->role_count; i++) {
		exposition_label(&s->e, "role", s->roles[i].name);
		exposition_u64(&s->e, s->roles[i].processes);
	}
}

static void
write_restarts(struct scrape *s, const struct metric *m)
{
	(void)m;
	for (size_t i = 0; i < s->role_count; i++) {
		exposition_label(&s->e, "role", s->roles[i].name);
		exposition_u64(&s->e, s->roles[i].restarts);
	}
}

static void
write_failures(struct scrape *s, const struct metric *m)
{
	(void)m;
	for (size_t i = 0; i < s->role_count; i++) {
		exposition_label(&s->e, "role", s->roles[i].name);
		exposition_u64(&s->e, s->roles[i].failures);
	}
}

static void
write_cpu(struct scrape *s, const struct metric *m)
{
	uint64_t cpu_us, resident, private;

	role_master_taken(s->api->store, &cpu_us, &resident, &private);
	exposition_label(&s->e, "role", "master");
	exposition_us(&s->e, cpu_us);
	for (size_t i = 0; i < s->role_count; i++) {
		exposition_label(&s->e, "role", s->roles[i].name);
		exposition_us(&s->e, s->roles[i].counters[m->counter]);
	}
}

/* Of the master, then of the roles that run. */
static void
write_memory(struct scrape *s, const struct metric *m)
{
	uint64_t cpu_us, resident, private;

	role_master_taken(s->api->store, &cpu_us, &resident, &private);
	exposition_label(&s->e, "role", "master");
	exposition_u64(&s->e, m->counter == COUNT_RESIDENT ? resident : private);
	for (size_t i = 0; i < s->role_count; i++)
		if (s->roles[i].processes > 0) {
			exposition_label(&s->e, "role", s->roles[i].name);
			exposition_u64(&s->e, s->roles[i].counters[m->counter]);
		}
}

static void
write_height(struct scrape *s, const struct metric *m)
{
	(void)m;
	exposition_u64(&s->e, chain_height(s->api->store, chain_tip(s->api->store)));
}

static void
write_work(struct scrape *s, const struct metric *m)
{
	struct head head;

	(void)m;
	chain_head(s->api->store, chain_tip(s->api->store), &head);
	exposition_double(&s->e, u256_to_double(&head.work));
}

static void
write_tip_time(struct scrape *s, const struct metric *m)
{
	struct block b;

	(void)m;
	chain_block(s->api->store, chain_tip(s->api->store), &b);
	exposition_ms(&s->e, (int64_t)b.header.time_ms);
}

static void
write_sync_left(struct scrape *s, const struct metric *m)
{
	uint64_t height = scrape_total(s, COUNT_SYNC_HEIGHT, NULL), target = scrape_total(s, COUNT_SYNC_TARGET, NULL);

	(void)m;
	exposition_u64(&s->e, target > height ? target - height : 0);
}

static void
write_pool(struct scrape *s, const struct metric *m)
{
	uint32_t waiting = mempool_waiting(s->api->store), count = mempool_count(s->api->store);

	(void)m;
	exposition_label(&s->e, "state", "pending");
	exposition_u64(&s->e, count > waiting ? count - waiting : 0);
	exposition_label(&s->e, "state", "waiting");
	exposition_u64(&s->e, waiting);
}

static void
write_pool_max(struct scrape *s, const struct metric *m)
{
	(void)m;
	exposition_u64(&s->e, mempool_capacity(s->api->store));
}

static void
write_pool_bytes(struct scrape *s, const struct metric *m)
{
	(void)m;
	exposition_u64(&s->e, mempool_bytes(s->api->store));
}

static void
write_refusals(struct scrape *s, const struct metric *m)
{
	(void)m;
	for (int rule = RULE_OK + 1; rule < RULE_COUNT; rule++) {
		uint64_t count = tally_refusals(s->api->store, (enum rule)rule);

		if (count == 0)
			continue;
		exposition_label(&s->e, "rule", rule_name((enum rule)rule));
		exposition_u64(&s->e, count);
	}
}

static void
write_peers(struct scrape *s, const struct metric *m)
{
	(void)m;
	for (int state = 0; state < PEER_STATES; state++) {
		exposition_label(&s->e, "state", peer_state_name((enum peer_state)state));
		exposition_u64(&s->e, peer_table_count(s->api->store, (enum peer_state)state));
	}
}

static void
write_paused(struct scrape *s, const struct metric *m)
{
	uint64_t now_ms = clock_wall_ms(), count = 0;
	struct peer_pause pause;

	(void)m;
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		count += peer_pause_get(s->api->store, i, &pause) && pause.until_ms > now_ms;
	exposition_u64(&s->e, count);
}

/* Left out while there is nobody to compare with. */
static void
write_skew(struct scrape *s, const struct metric *m)
{
	uint32_t clocks;
	int64_t skew = peer_table_skew(s->api->store, &clocks);

	(void)m;
	if (clocks > 0)
		exposition_ms(&s->e, skew);
}

static void
write_span(struct scrape *s, enum tally_time what)
{
	struct tally_span span;

	tally_times(s->api->store, what, &span);
	exposition_span(&s->e, &span);
}

static void
write_journal_syncs(struct scrape *s, const struct metric *m)
{
	(void)m;
	write_span(s, TALLY_JOURNAL_SYNC);
}

static void
write_pool_syncs(struct scrape *s, const struct metric *m)
{
	(void)m;
	write_span(s, TALLY_POOL_SYNC);
}

static void
write_lock_waits(struct scrape *s, const struct metric *m)
{
	(void)m;
	write_span(s, TALLY_LOCK_WAIT);
}

static void
write_logs(struct scrape *s, const struct metric *m)
{
	(void)m;
	exposition_label(&s->e, "log", "journal");
	exposition_u64(&s->e, store_journal_place(s->api->store).position);
	exposition_label(&s->e, "log", "pool");
	exposition_u64(&s->e, store_pool_log_place(s->api->store).position);
}

static void
write_segment(struct scrape *s, const struct metric *m)
{
	struct store_usage u;

	(void)m;
	store_usage(s->api->store, &u);
	exposition_label(&s->e, "state", "live");
	exposition_u64(&s->e, u.arena_used - (u.arena_dead < u.arena_used ? u.arena_dead : u.arena_used));
	exposition_label(&s->e, "state", "dead");
	exposition_u64(&s->e, u.arena_dead);
}

static void
write_segment_max(struct scrape *s, const struct metric *m)
{
	struct store_usage u;

	(void)m;
	store_usage(s->api->store, &u);
	exposition_u64(&s->e, u.arena_max);
}

static void
write_granted(struct scrape *s, const struct metric *m)
{
	struct store_usage u;

	(void)m;
	store_usage(s->api->store, &u);
	exposition_u64(&s->e, u.granted);
}

static void
write_repairs(struct scrape *s, const struct metric *m)
{
	struct store_usage u;

	(void)m;
	store_usage(s->api->store, &u);
	exposition_u64(&s->e, u.repairs);
}

static struct capacity
memory_of(const struct scrape *s)
{
	return capacity_get(s->api->store, CAPACITY_MEMORY);
}

static struct capacity
disk_of(const struct scrape *s)
{
	return capacity_get(s->api->store, CAPACITY_DISK);
}

/* Left out until somebody has looked. */
static void
write_ratio(struct scrape *s, const struct capacity *c)
{
	if (c->max > 0)
		exposition_double(&s->e, c->left > 0 ? (double)c->used / (double)c->max : 1);
}

static void
write_segment_ratio(struct scrape *s, const struct metric *m)
{
	struct capacity c = memory_of(s);

	(void)m;
	write_ratio(s, &c);
}

static void
write_disk_ratio(struct scrape *s, const struct metric *m)
{
	struct capacity c = disk_of(s);

	(void)m;
	write_ratio(s, &c);
}

static void
write_disk_free(struct scrape *s, const struct metric *m)
{
	struct capacity c = disk_of(s);

	(void)m;
	if (c.max > 0)
		exposition_u64(&s->e, c.left);
}

static void
write_disk_size(struct scrape *s, const struct metric *m)
{
	struct capacity c = disk_of(s);

	(void)m;
	if (c.max > 0)
		exposition_u64(&s->e, c.max);
}

/* +Inf: it does not grow. Left out while that is not known. */
static void
write_full_at(struct scrape *s, const struct capacity *c)
{
	if (c->full_ms == FULL_NEVER)
		exposition_double(&s->e, INFINITY);
	else if (c->full_ms != 0)
		exposition_ms(&s->e, (int64_t)c->full_ms);
}

static void
write_segment_full_at(struct scrape *s, const struct metric *m)
{
	struct capacity c = memory_of(s);

	(void)m;
	write_full_at(s, &c);
}

static void
write_disk_full_at(struct scrape *s, const struct metric *m)
{
	struct capacity c = disk_of(s);

	(void)m;
	write_full_at(s, &c);
}

static struct reload_note *
last_reload(const struct scrape *s)
{
	static struct reload_note note; /* large, and this process does one thing at a time */

	return reload_note_get(s->api->store, &note) ? &note : NULL;
}

static void
write_reloads(struct scrape *s, const struct metric *m)
{
	const struct reload_note *note = last_reload(s);

	(void)m;
	exposition_u64(&s->e, note != NULL ? note->number : 0);
}

static void
write_reload_result(struct scrape *s, const struct metric *m)
{
	const struct reload_note *note = last_reload(s);

	(void)m;
	exposition_u64(&s->e, note == NULL || note->result != RELOAD_REFUSED);
}

static void
write_reload_time(struct scrape *s, const struct metric *m)
{
	const struct reload_note *note = last_reload(s);

	(void)m;
	exposition_ms(&s->e, (int64_t)(note != NULL ? note->at_ms : s->api->o.started_ms));
}

const struct metric metrics_node[] = {
    {"rensa_build_info", METRIC_GAUGE, "1, with the version of the program and the names of node and network.",
     write_build, COUNTERS, NULL},
    {"rensa_start_time_seconds", METRIC_GAUGE, "When the node was started, in seconds since 1970.", write_start,
     COUNTERS, NULL},
    {"rensa_ready", METRIC_GAUGE, "1 while GET /readyz answers 200.", write_ready, COUNTERS, NULL},
    {"rensa_check_state", METRIC_GAUGE, "The checks of GET /readyz?verbose: 0 ok, 1 a warning, 2 failed.", write_checks,
     COUNTERS, NULL},

    {"rensa_processes", METRIC_GAUGE, "Processes of the role that run now.", write_processes, COUNTERS, NULL},
    {"rensa_restarts_total", METRIC_COUNTER,
     "Processes of the role that took the place of another: after an end of its own, a reload, or a rebuild of the "
     "segment.",
     write_restarts, COUNTERS, NULL},
    {"rensa_failures_total", METRIC_COUNTER,
     "Processes of the role that ended, or were killed, without having been asked to stop.", write_failures, COUNTERS,
     NULL},
    {"rensa_process_cpu_seconds_total", METRIC_COUNTER, "Processor time, user and system, of the role's processes.",
     write_cpu, COUNT_CPU_US, NULL},
    {"rensa_process_resident_bytes", METRIC_GAUGE,
     "Memory of the role's processes; what they share is counted for each of them.", write_memory, COUNT_RESIDENT,
     NULL},
    {"rensa_process_private_bytes", METRIC_GAUGE,
     "Of that, what is shared neither with other processes nor with a file.", write_memory, COUNT_PRIVATE, NULL},

    {"rensa_chain_height", METRIC_GAUGE, "Height of the last block.", write_height, COUNTERS, NULL},
    {"rensa_chain_work", METRIC_GAUGE, "Expected hashes behind the chain.", write_work, COUNTERS, NULL},
    {"rensa_chain_tip_timestamp_seconds", METRIC_GAUGE, "Time of the last block, in seconds since 1970.",
     write_tip_time, COUNTERS, NULL},
    {"rensa_blocks_mined_total", METRIC_COUNTER, "Blocks that this node has mined.", metric_write_total, COUNT_BLOCKS,
     "miner"},
    {"rensa_blocks_adopted_total", METRIC_COUNTER, "Blocks that were taken from other nodes.", metric_write_total,
     COUNT_BLOCKS, "resolver"},
    {"rensa_reorganisations_total", METRIC_COUNTER, "Times that a longer chain took the place of blocks of ours.",
     metric_write_total, COUNT_REORGS, NULL},
    {"rensa_rolled_back_blocks_total", METRIC_COUNTER, "Blocks of ours that a longer chain took the place of.",
     metric_write_total, COUNT_ROLLED_BACK, NULL},
    {"rensa_reorganisation_depth_max", METRIC_GAUGE, "The most blocks that one reorganisation has rolled back.",
     metric_write_total, COUNT_DEEPEST, NULL},
    {"rensa_sync_blocks_left", METRIC_GAUGE, "Blocks that are still to be fetched in the sync under way.",
     write_sync_left, COUNTERS, NULL},
    {"rensa_miner_hashes_total", METRIC_COUNTER, "Tries of the miner.", metric_write_total, COUNT_HASHES, NULL},
    {"rensa_miner_hashes_per_second", METRIC_GAUGE, "Tries a second of late, 0 while there is nothing to mine.",
     metric_write_total, COUNT_HASH_RATE, NULL},
    {"rensa_signatures_checked_total", METRIC_COUNTER,
     "Signatures that the role had to check because nobody here had checked them before.", write_by_role,
     COUNT_SIGNATURES, NULL},

    {"rensa_pool_transactions", METRIC_GAUGE,
     "Transfers in the pool: pending ones, and those that wait for a predecessor.", write_pool, COUNTERS, NULL},
    {"rensa_pool_transactions_max", METRIC_GAUGE, "Transfers that the pool has room for.", write_pool_max, COUNTERS,
     NULL},
    {"rensa_pool_bytes", METRIC_GAUGE, "Bytes of the transfers in the pool.", write_pool_bytes, COUNTERS, NULL},
    {"rensa_pool_accepted_total", METRIC_COUNTER, "Transfers that were let into the pool.", metric_write_total,
     COUNT_ACCEPTED, NULL},
    {"rensa_pool_returned_total", METRIC_COUNTER, "Transfers that a reorganisation gave back to the pool.",
     metric_write_total, COUNT_RETURNED, NULL},
    {"rensa_pool_evicted_total", METRIC_COUNTER, "Transfers that had to make room for others in a full pool.",
     metric_write_total, COUNT_EVICTED, NULL},
    {"rensa_transactions_refused_total", METRIC_COUNTER, "Transfers that were refused, by the rule that they broke.",
     write_refusals, COUNTERS, NULL},
    {"rensa_not_kept_total", METRIC_COUNTER,
     "Transfers (role pool) and blocks that were refused because the disk or a full segment did not take them.",
     write_by_role, COUNT_UNKEPT, NULL},

    {"rensa_peers", METRIC_GAUGE, "Addresses known, by what they are; up: shook hands in the last round.", write_peers,
     COUNTERS, NULL},
    {"rensa_peers_paused", METRIC_GAUGE, "Peers that are left alone because they broke a rule.", write_paused, COUNTERS,
     NULL},
    {"rensa_rounds_total", METRIC_COUNTER, "Rounds of discovery, and of the resolver.", write_by_role, COUNT_ROUNDS,
     NULL},
    {"rensa_peer_sent_bytes_total", METRIC_COUNTER,
     "Bytes that the role has sent on connections that it made to other nodes.", write_by_role, COUNT_SENT, NULL},
    {"rensa_peer_received_bytes_total", METRIC_COUNTER,
     "Bytes that the role has received on connections that it made to other nodes.", write_by_role, COUNT_RECEIVED,
     NULL},
    {"rensa_relay_blocks_total", METRIC_COUNTER, "Blocks that peers were told of.", metric_write_total, COUNT_PUSHES,
     NULL},
    {"rensa_relay_offered_total", METRIC_COUNTER, "Transfers that peers were told the ids of.", metric_write_total,
     COUNT_OFFERED, NULL},
    {"rensa_relay_transactions_total", METRIC_COUNTER, "Transfers that were sent to peers.", metric_write_total,
     COUNT_RELAYED, NULL},
    {"rensa_clock_skew_seconds", METRIC_GAUGE, "The median of the clocks of peers that are up, less that of this host.",
     write_skew, COUNTERS, NULL},

    {"rensa_journal_sync_seconds", METRIC_HISTOGRAM, "Time to write a frame of blocks to the journal and to sync it.",
     write_journal_syncs, COUNTERS, NULL},
    {"rensa_pool_log_sync_seconds", METRIC_HISTOGRAM,
     "Time to write a frame of transfers to the log of the pool and to sync it.", write_pool_syncs, COUNTERS, NULL},
    {"rensa_lock_wait_seconds", METRIC_HISTOGRAM,
     "Time that a writer waited for the lock of the chain, if it was not to be had at once.", write_lock_waits,
     COUNTERS, NULL},
    {"rensa_log_bytes", METRIC_GAUGE, "Bytes of all frames ever written to the log.", write_logs, COUNTERS, NULL},
    {"rensa_segment_granted_bytes", METRIC_GAUGE, "Memory behind the shared segment.", write_granted, COUNTERS, NULL},
    {"rensa_segment_chain_bytes", METRIC_GAUGE,
     "Memory that the chain takes of the segment; dead: blocks of lost branches, which a rebuild gives back.",
     write_segment, COUNTERS, NULL},
    {"rensa_segment_chain_max_bytes", METRIC_GAUGE, "Memory that the chain may take of the segment, by shm_max.",
     write_segment_max, COUNTERS, NULL},
    {"rensa_segment_used_ratio", METRIC_GAUGE,
     "What the chain takes, of what it may have by shm_max and by what /dev/shm still has.", write_segment_ratio,
     COUNTERS, NULL},
    {"rensa_segment_full_timestamp_seconds", METRIC_GAUGE,
     "When that is full, by how it grew in the last two hours; +Inf: it did not grow; no sample: not watched for long "
     "enough.",
     write_segment_full_at, COUNTERS, NULL},
    {"rensa_segment_repairs_total", METRIC_COUNTER, "Commits that another process had to finish or to take back.",
     write_repairs, COUNTERS, NULL},
    {"rensa_disk_size_bytes", METRIC_GAUGE, "Size of the file system of data_dir.", write_disk_size, COUNTERS, NULL},
    {"rensa_disk_available_bytes", METRIC_GAUGE, "Room that is left on it.", write_disk_free, COUNTERS, NULL},
    {"rensa_disk_used_ratio", METRIC_GAUGE, "Share of it that is used.", write_disk_ratio, COUNTERS, NULL},
    {"rensa_disk_full_timestamp_seconds", METRIC_GAUGE, "When it is full, likewise.", write_disk_full_at, COUNTERS,
     NULL},

    {"rensa_config_reloads_total", METRIC_COUNTER, "Times that the configuration was read again.", write_reloads,
     COUNTERS, NULL},
    {"rensa_config_last_reload_successful", METRIC_GAUGE, "0 if the last one was refused.", write_reload_result,
     COUNTERS, NULL},
    {"rensa_config_last_reload_timestamp_seconds", METRIC_GAUGE,
     "When the configuration was last read, in seconds since 1970.", write_reload_time, COUNTERS, NULL},
};
const size_t metrics_node_count = ARRAY_LEN(metrics_node);
