/*
 * The pool of pending transfers. One writer, the pool process, without the chain's lock; every process reads, without
 * any. A slot's sequence is odd while it changes; readers copy and look again.
 */
#ifndef RENSA_STORE_MEMPOOL_H
#define RENSA_STORE_MEMPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/rule.h"
#include "chain/template.h"
#include "chain/tx.h"
#include "disk/journal.h"
#include "store/chain.h"
#include "store/store.h"
#include "util/attr.h"

struct pool_entry {
	struct hash256 id;
	struct address sender;
	uint64_t sequence;
	uint64_t value;
	uint64_t fee;
	uint64_t arrival;     /* order of coming, from 1 */
	uint64_t received_ms; /* wall clock */
	bool from_client;     /* accepted over our own API, or a peer's */
	bool is_waiting;      /* its predecessors are missing */
	bool is_kept;	      /* it is in the pool's log */
	uint32_t size;
	uint8_t bytes[TX_SIZE_MAX];
};

/* Reading. */
uint32_t mempool_count(const struct store *s);
uint64_t mempool_bytes(const struct store *s);	 /* of all of them … */
uint32_t mempool_waiting(const struct store *s); /* … and how many wait for predecessors */
uint64_t mempool_last_arrival(const struct store *s);
bool mempool_find(const struct store *s, const struct hash256 *id, struct pool_entry *out) MUSTCHECK;
/* The transaction of that id is there with these very bytes, so its signature was checked as it came in. */
bool mempool_has_bytes(const struct store *s, const struct hash256 *id, const uint8_t *bytes, size_t len);
/*
 * The first entry that came at or after *arrival; moves *arrival behind it. False: none is left. The way to walk: from
 * 0 it meets every entry once, and once more for each 2 * mempool_capacity that come while the walk lasts. out->arrival
 * is the walk's position, which for an entry that stayed while very many others came and went is later than its coming.
 */
bool mempool_next(const struct store *s, uint64_t *arrival, struct pool_entry *out);
/* Sum of value and fee of a sender's pending transfers, and the sequence that its next one should have. */
struct pool_sender {
	uint64_t outgoing;
	uint64_t next_sequence;
	uint32_t count;
};
void mempool_sender(const struct store *s, const struct address *who, uint64_t confirmed_sequence,
		    struct pool_sender *out);
/* Template candidates; `ref` is for mempool_fetch, which may find another transfer there by then. Up to max; returns
 * how many. */
size_t mempool_candidates(const struct store *s, struct candidate *out, size_t max);
bool mempool_fetch(const struct store *s, uint32_t ref, struct tx *tx, uint8_t bytes[TX_SIZE_MAX], uint32_t *size);
uint32_t mempool_capacity(const struct store *s);

/* Why a transfer that had been pooled is neither pending nor on the chain; false: nothing is known of it. */
struct pool_gone {
	enum rule rule;
	uint64_t height; /* of the tip when it went */
};
bool mempool_gone(const struct store *s, const struct hash256 *id, struct pool_gone *out) MUSTCHECK;
/* How many went so far. */
uint64_t mempool_gone_count(const struct store *s);
/*
 * The first that went as number *number or later, counted from 0; moves *number behind it. False: none is left. Only the
 * last few thousand are known; a walk that is further behind goes on with those.
 */
bool mempool_next_gone(const struct store *s, uint64_t *number, struct hash256 *id, struct pool_gone *out) MUSTCHECK;

/* Writing: the pool process alone. */
enum admission_status {
	ADMISSION_REFUSED, /* rule says why */
	ADMISSION_PENDING,
	ADMISSION_WAITING,
	ADMISSION_CONFIRMED, /* it is on the chain already */
	ADMISSION_RETRY,     /* the chain moved under us too often: ask again */
	ADMISSION_NOT_KEPT   /* the disk refused it, so it was not let in: store_pool_log_err says why */
};
struct admission {
	enum admission_status status;
	enum rule rule;
	bool is_new; /* it was not in the pool before */
};
struct mempool;
/*
 * The writer's side, once, at the start of the pool process: empties slots that a dead predecessor left half-written
 * and builds the private index of senders anew.
 */
struct mempool *mempool_open(struct store *s);
void mempool_close(struct mempool *m);
/*
 * The signature was checked by the caller's process; the form is checked again. If the chain has moved, its sender is
 * brought to the new tip first, and of the others no more than it takes to give a verdict that stands: the rest is left to
 * mempool_settle. The verdict of a transfer seen before is the same again.
 */
struct admission mempool_admit(struct mempool *m, const struct tx *tx, bool from_client, uint64_t now_ms);
/* The same for who has the id already. */
struct admission mempool_admit_as(struct mempool *m, const struct tx *tx, const struct hash256 *id, bool from_client,
				  uint64_t now_ms);
/*
 * Makes durable whatever was let in or returned since; nobody may be promised anything before. On failure it is tried
 * again with the next one, and what mempool_admit called new since has to be taken out again by mempool_withdraw.
 */
enum err mempool_keep(struct mempool *m) MUSTCHECK;
/* Is it in the pool and in the log? */
bool mempool_is_kept(const struct mempool *m, const struct hash256 *id) MUSTCHECK;
void mempool_withdraw(struct mempool *m, const struct hash256 *id);
/* Replaces the log by what is pending, if most of it is history. */
enum err mempool_tidy(struct mempool *m) MUSTCHECK;
/*
 * The loader, once the chain is there: lets in what the log holds and the chain still allows, and after a stop out of
 * order also what blocks of the journal hold that are not on its chain. *restored: how many. The rest as framelog_scan.
 */
enum err mempool_restore(struct mempool *m, struct journal *j, uint64_t now_ms, uint32_t *restored,
			 struct buf *why) MUSTCHECK;
/*
 * Follows the chain to its present tip: drops what was mined, returns the transfers of blocks that were rolled back,
 * and rechecks the senders touched. True if there was something to follow since the last call; the report says what
 * came of it, walks that mempool_admit made included. If the chain moves meanwhile, the rest is done by the next call.
 */
struct settle_report {
	uint32_t mined;
	uint32_t returned;
	uint32_t dropped;
};
bool mempool_settle(struct mempool *m, uint64_t now_ms, struct settle_report *report);
/*
 * The same in pieces of about so many transfers. False: there is more to do, and the report is empty. New transfers may be
 * admitted between two calls, with the verdicts that they would get after the last.
 */
bool mempool_settle_some(struct mempool *m, uint64_t now_ms, uint32_t steps, struct settle_report *report) MUSTCHECK;

#endif
