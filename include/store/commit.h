/*
 * Writing the chain: miner and resolver alone, one at a time, under the lock.
 *
 *	store_reserve(s, …)                 outside the lock: memory for what will be written
 *	store_begin(s)                      takes the lock, repairs what a dead writer left
 *	stage_block(s, &ref, …)             appends records; nobody sees them yet
 *	commit_tip(s, expected, ref)        the chain now ends in ref: one release store
 *	store_end(s)
 *
 * Appending a block and swapping in a longer branch are the same commit. Blocks are judged before, outside the lock,
 * against a tip or fork; commit_tip says ERR_STALE if the tip is not the expected one any more.
 */
#ifndef RENSA_STORE_COMMIT_H
#define RENSA_STORE_COMMIT_H

#include "chain/ledger.h"
#include "store/chain.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

/*
 * Bytes that staging and committing this block takes at most. What committing takes stays reserved, in this process,
 * from stage_block until commit_tip or stage_abandon, so a branch of any length is reserved block by block. Two
 * committers may reserve the same bytes: whoever then hears ERR_NOSPC reserves again and repeats.
 */
uint64_t stage_cost(const struct block *b, size_t changes);
/* Grants memory for `bytes` more. ERR_NOSPC: /dev/shm is full; ERR_LIMIT: size_max is reached. */
enum err store_reserve(struct store *s, uint64_t bytes) MUSTCHECK;

/* ERR_TIMEOUT after timeout_ms. */
enum err store_begin(struct store *s, uint32_t timeout_ms) MUSTCHECK;
void store_end(struct store *s);

/*
 * Appends a judged block whose parent is a record. supply: minted up to and with it. changes as ledger_changes gave
 * them; tags[i] (may be NULL) becomes what ledger_keep wants. ERR_NOSPC if more was needed than reserved: reserve and
 * repeat.
 */
enum err stage_block(struct store *s, struct blockref *out, struct blockref parent, const struct block *b,
		     uint64_t supply, const struct ledger_change *changes, size_t count, uint64_t *tags) MUSTCHECK;
/* The tags of a block staged earlier: what stage_block gave for its `count` changes, in the same order. */
void stage_tags(const struct store *s, struct blockref ref, uint64_t *tags, size_t count);
/*
 * What the journal lacks of a long branch, one frame a call, ahead of its commit: *is_done once what is left fits into the
 * commit's own frame. Errors as of framelog_append.
 */
enum err store_stage_journal(struct store *s, struct blockref tip, bool *is_done) MUSTCHECK;
/*
 * On OK the new tip is on the disk. ERR_STALE: the tip is not `expected`. ERR_NOSPC: no room for indexes, or on the
 * disk; ERR_IO, ERR_PERM: the disk refused; ERR_LIMIT: the branch had to be staged first. Nothing has changed then.
 */
enum err commit_tip(struct store *s, struct blockref expected, struct blockref tip) MUSTCHECK;
/* Records staged and then given up: counted as dead. */
void stage_abandon(struct store *s, struct blockref ref, struct blockref fork);

/*
 * The master, after it peeked at a dead child and before it reaps it: if the child owned the lock, takes it over,
 * repairs, and frees it. Never waits. True if the child was the owner.
 */
bool store_bury(struct store *s, pid_t dead);

#endif
