/*
 * What processes count beside the plain counters of the role table: how long things take, requests by route and status,
 * refusals by rule. Each process adds in its own pages, without a lock; a reader adds up those of all. A process that dies
 * leaves what it counted to its successor, and the master carries it into a segment made anew, so no sum ever goes back
 * while the node runs.
 */
#ifndef RENSA_STORE_TALLY_H
#define RENSA_STORE_TALLY_H

#include <stdint.h>

#include "chain/rule.h"
#include "store/store.h"

/* Times fall into buckets that are the same for everything; the last is for whatever took longer. */
#define TALLY_BUCKETS 17
extern const uint64_t tally_bounds_us[TALLY_BUCKETS - 1];

/* How often it took about how long, and how long in all. Each occurrence is in one bucket. */
struct tally_span {
	uint64_t buckets[TALLY_BUCKETS];
	uint64_t sum_us;
};

enum tally_time {
	TALLY_JOURNAL_SYNC, /* miner, resolver: a frame of the journal, written and synced */
	TALLY_POOL_SYNC,    /* pool: likewise of its own log */
	TALLY_LOCK_WAIT,    /* miner, resolver: for the lock, if it was not to be had at once */
	TALLY_TIMES
};

/* Routes and statuses are told apart by numbers that the caller gives; it has the names. */
#define TALLY_ROUTES 42
#define TALLY_STATUSES 22

struct tally_route {
	uint64_t statuses[TALLY_STATUSES];
	uint64_t body_in, body_out; /* bytes */
	struct tally_span span;
};

/* Whose sums: of all processes, also those that have ended. */
void tally_times(const struct store *s, enum tally_time what, struct tally_span *out);
void tally_requests(const struct store *s, uint32_t route, struct tally_route *out);
uint64_t tally_refusals(const struct store *s, enum rule rule);

/* The process itself. What is out of range is counted nowhere. */
void tally_took(struct store *s, enum tally_time what, uint64_t us);
void tally_refused(struct store *s, enum rule rule);
void tally_served(struct store *s, uint32_t route, uint32_t status, uint64_t body_in, uint64_t body_out);
void tally_served_in(struct store *s, uint32_t route, uint64_t us);

#endif
