/*
 * Some pages for each process that there may be: its heartbeat and counters, written by that role alone; its pid, name,
 * restarts and failures, written by the master. What else is counted there is in tally.h.
 */
#ifndef RENSA_STORE_ROLE_TABLE_H
#define RENSA_STORE_ROLE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

enum role_counter {
	COUNT_REQUESTS,	   /* worker: HTTP requests answered */
	COUNT_REFUSED,	   /* worker: answered 4xx or 5xx */
	COUNT_ACCEPTED,	   /* pool: transfers accepted */
	COUNT_REJECTED,	   /* pool: transfers refused by a rule */
	COUNT_RETURNED,	   /* pool: transfers returned by a longer chain */
	COUNT_HASHES,	   /* miner: tries */
	COUNT_BLOCKS,	   /* miner: blocks mined; resolver: blocks adopted */
	COUNT_REORGS,	   /* resolver: swaps that rolled back at least one block */
	COUNT_ROUNDS,	   /* discovery, resolver: rounds done */
	COUNT_PUSHES,	   /* relay: blocks pushed */
	COUNT_MODE,	   /* miner: its mode (enum of the node layer) */
	COUNT_MODE_SET,	   /* miner: under which configuration it was set (likewise) */
	COUNT_CONNECTIONS, /* worker: open now */
	COUNT_SYNC_HEIGHT, /* resolver: height being fetched, 0 when idle */
	COUNT_UNKEPT,	   /* pool: transfers, miner and resolver: blocks that the disk or a full segment refused */
	COUNT_SYNC_TARGET, /* resolver: height of the chain being fetched */
	COUNT_HASH_RATE,   /* miner: tries a second of late, 0 while it has nothing to mine */
	COUNT_SYNC_RATE,   /* resolver: blocks a second of late */
	COUNT_SYNC_PEERS,  /* resolver: peers that are asked for blocks */
	COUNT_SIGNATURES,  /* resolver, miner: had to be checked, because nobody here had checked them before */
	COUNT_OFFERED,	   /* relay: transfers that peers were told the ids of */
	COUNT_RELAYED,	   /* relay: transfers sent to peers */
	COUNT_LISTENERS,   /* worker: clients that listen to events now; while there are none, nobody rings for them */
	COUNT_OUTLETS, /* relay: peers that it tells things now; while there are none, transfers are no news to it */
	/* Any role, of itself, once a second */
	COUNT_CPU_US,	   /* processor time taken */
	COUNT_RESIDENT,	   /* bytes of memory, shared or not … */
	COUNT_PRIVATE,	   /* … and of those, what nobody shares */
	COUNT_SENT,	   /* bytes sent to other nodes on connections that we made … */
	COUNT_RECEIVED,	   /* … and received */
	COUNT_EVICTED,	   /* pool: transfers that made room for better ones */
	COUNT_ROLLED_BACK, /* resolver: blocks that a longer chain took the place of … */
	COUNT_DEEPEST,	   /* … the most at a time */
	/* archiver: how full memory and disk are, when they will be full by how they fill (wall clock; 0: not known,
	 * FULL_NEVER), and whether the log says so */
	COUNT_MEMORY_USED,
	COUNT_MEMORY_MAX,
	COUNT_MEMORY_FULL_MS,
	COUNT_MEMORY_IS_HIGH,
	COUNT_DISK_USED,
	COUNT_DISK_MAX,
	COUNT_DISK_FULL_MS,
	COUNT_DISK_IS_HIGH,
	COUNTERS = 48
};
#define FULL_NEVER UINT64_MAX

struct role_ledger;

struct role_info {
	char name[16]; /* "worker", "pool", …; "" unused */
	pid_t pid;
	uint64_t started_ms; /* wall clock */
	uint64_t beat_ms;    /* monotonic clock: last heartbeat */
	uint32_t restarts;   /* processes that came after the first, for whatever reason … */
	uint32_t failures;   /* … and those that ended without being asked to */
	uint64_t counters[COUNTERS];
};

/* Any process. False: no such slot is in use. */
bool role_info(const struct store *s, uint32_t role, struct role_info *out);
/* Also of one that has ended; pid is 0 then. False: nobody ever was there. */
bool role_known(const struct store *s, uint32_t role, struct role_info *out);
/* Does it tell how something is with the process, and nothing once that has ended? All others stay true. */
bool role_counter_is_state(enum role_counter c);
/* Sum of a counter over all roles. */
uint64_t role_total(const struct store *s, enum role_counter c);

/* Processor time and memory of the master itself. */
void role_master_taken(const struct store *s, uint64_t *cpu_us, uint64_t *resident, uint64_t *private);

/* Master. */
void role_started(struct store *s, uint32_t role, const char *name, pid_t pid, uint64_t wall_ms, uint64_t mono_ms);
void role_stopped(struct store *s, uint32_t role);
void role_failed(struct store *s, uint32_t role);
void role_master_takes(struct store *s, uint64_t cpu_us, uint64_t resident, uint64_t private);
/* Everything that was counted, to be put into a segment made anew; what only told how it was is left out. */
struct role_ledger *role_ledger_keep(const struct store *s);
void role_ledger_put(struct store *s, const struct role_ledger *kept);
void role_ledger_free(struct role_ledger *kept);
/* The role itself. */
void role_beat(struct store *s, uint64_t mono_ms);
void role_count(struct store *s, enum role_counter c, uint64_t add);
void role_set(struct store *s, enum role_counter c, uint64_t value);
/* What this role, or the process that was it before, has counted or set. */
uint64_t role_get(const struct store *s, enum role_counter c);
/* Does this role wait for the disk, as owner of the lock or as the pool's writer? The watchdog spares it. */
bool role_is_in_sync_wait(const struct store *s, pid_t pid);

#endif
