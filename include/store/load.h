/* Start: the segment is built from the journal on disk, and from then on kept in step with it. */
#ifndef RENSA_STORE_LOAD_H
#define RENSA_STORE_LOAD_H

#include "disk/journal.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

/*
 * The loader, before anybody else writes: builds the chain that the journal ends in, on top of what the segment holds already.
 * Rules are applied again, signatures are not: the bytes are those that were judged when they came, their checksums say
 * so. progress (may be NULL) is called now and then.
 *
 * On failure why gets a sentence. ERR_FORMAT: the journal contradicts itself; ERR_LIMIT, ERR_NOSPC: the chain is larger
 * than shm_max or /dev/shm.
 */
typedef void load_progress(void *ctx, uint32_t blocks, uint32_t of);
enum err store_load(struct store *s, struct journal *j, load_progress *progress, void *ctx, struct buf *why) MUSTCHECK;
/*
 * Before the fork: what is committed and let into the pool is made durable in these, from store_loaded on. A store without
 * logs keeps nothing. Children keep only those that they write.
 */
void store_use_logs(struct store *s, struct framelog *journal_take, struct framelog *pool_take);
/* Borrowed; NULL in processes that do not write it. */
struct framelog *store_journal(struct store *s);
/* The loader, at its end: everything that was on the disk is in the segment, and the journal goes on at place. */
void store_loaded(struct store *s, const struct log_place *place);
/*
 * The master, when everybody has stopped: notes on the disk that the run ended in order, if the pool is where the chain is
 * and its log has all of it.
 * Failing to is no harm: the next start says that this one was cut short, and looks for what the pool may owe.
 */
void store_end_journal(struct store *s);
/*
 * Is it worth building the segment anew from the journal? Blocks of lost branches take a quarter of it, or it is full and
 * they take some.
 */
bool store_wants_rebuild(const struct store *s);
/* Any process. *of is 0 until it is known. */
bool store_is_loaded(const struct store *s);
void store_load_progress(const struct store *s, uint32_t *done, uint32_t *of);
/* The last attempt to write to the journal, or to the pool's log. */
enum err store_journal_err(const struct store *s);
enum err store_pool_log_err(const struct store *s);
/* The pool process, now and then: forgets that a disk was full, or refused the pool's log, once it takes files again. */
void store_probe_disk(struct store *s);
/* Where the logs go on: for status and snapshots. */
struct log_place store_journal_place(const struct store *s);
struct log_place store_pool_log_place(const struct store *s);

#endif
