/*
 * How the pool outlives its process and the machine. What is let in is marked as not kept until a frame of the log holds
 * it and is synced; verdicts are told only then. A pool process that dies in between leaves the marks, so its successor
 * writes what they say before it answers anybody.
 *
 * The log only grows, until most of it is history; then it is replaced by what is pending. What left the pool is not
 * noted: at the next start the chain says what it still allows, and a transfer that was evicted gets another chance.
 *
 * What was mined is in the journal, and a log that was replaced has no trace of it. When its block is rolled back, it is
 * in the log again with the pool's next turn; if everything dies before that turn, a start finds it where it is: in the
 * journal's blocks that are not on the chain.
 */
#include <stdlib.h>
#include <string.h>

#include "chain/tx.h"
#include "disk/journal.h"
#include "disk/poollog.h"
#include "layout.h"
#include "mempool_core.h"
#include "store/load.h"
#include "store/tally.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/mem.h"

#define HISTORY_MIN (UINT64_C(1) << 20) /* a log shorter than this is left alone */
#define HISTORY_TIMES 4			/* one so many times as long as what is pending is replaced */
#define PAYLOAD_MAX (FRAME_PAYLOAD_MAX - POOLLOG_ENTRY_MAX)

static const struct pool_mark *
mark_of(const struct store *s)
{
	const struct pool_region *p = pool_at(s);

	return &p->marks[atomic_load_explicit(&p->mark, memory_order_acquire) % 2];
}

static void
mark_set(struct store *s, const struct log_place *place, uint64_t start)
{
	struct pool_region *p = pool_at(s);
	uint64_t next = atomic_load_explicit(&p->mark, memory_order_relaxed) + 1;

	p->marks[next % 2] = (struct pool_mark){*place, start};
	atomic_store_explicit(&p->mark, next, memory_order_release);
}

struct log_place
store_pool_log_place(const struct store *s)
{
	return mark_of(s)->place;
}

enum err
store_pool_log_err(const struct store *s)
{
	return (enum err)atomic_load(&pool_at(s)->log_err);
}

void
store_probe_disk(struct store *s)
{
	struct pool_region *p = pool_at(s);
	bool is_full = atomic_load(&p->journal_err) == ERR_NOSPC;

	if (s->pool_log == NULL || (atomic_load(&p->log_err) == OK && !is_full) || framelog_probe(s->pool_log) != OK)
		return;
	/* Nobody may send us a transfer by which to find out, as long as we are not ready. */
	atomic_store(&p->log_err, OK);
	/* What else the journal suffers from is not known here; blocks come by themselves. */
	if (is_full)
		atomic_store(&p->journal_err, OK);
}

void
mempool_note_unkept(struct mempool *m, uint32_t slot)
{
	if (m->unkept_count == m->unkept_room) {
		m->unkept_room = m->unkept_room == 0 ? 256 : m->unkept_room * 2;
		m->unkept = xrealloc(m->unkept, m->unkept_room * sizeof(*m->unkept));
	}
	m->unkept[m->unkept_count++] = slot;
	/* A slot that was filled again since it was listed counts where it was listed last: that is its order of coming. */
	m->listed[slot] = m->unkept_count;
}

void
mempool_note_changed(struct mempool *m, uint32_t slot)
{
	pool_set_kept(m->store, slot, false);
	mempool_note_unkept(m, slot);
}

static void
put_slot(struct mempool *m, uint32_t slot)
{
	const struct pool_packed *e = &pool_slots(m->store)[slot].entry;
	uint8_t bytes[TX_SIZE_MAX];

	pool_unpack_bytes(bytes, m->store, e);
	poollog_put(&m->payload, &(struct poollog_entry){e->received_ms, e->from_client, bytes, e->size});
}

static enum err
write_payload(struct mempool *m, struct log_place *place)
{
	struct pool_region *p = pool_at(m->store);
	struct frame f;
	uint64_t since_us = clock_mono_us();
	enum err e = ERR_LIMIT;

	frame_begin(&f);
	/* The watchdog spares who waits for the disk. */
	atomic_store(&p->in_sync_wait, m->store->pid);
	if (frame_add(&f, m->payload.data, m->payload.len))
		e = framelog_append(m->store->pool_log, place, &f, false);
	atomic_store(&p->in_sync_wait, 0);
	tally_took(m->store, TALLY_POOL_SYNC, clock_mono_us() - since_us);
	return e;
}

static bool
is_unkept(const struct store *s, uint32_t slot)
{
	const struct pool_slot *p = &pool_slots(s)[slot];

	return atomic_load(&p->is_used) && !p->entry.is_kept;
}

struct arrival {
	uint64_t number;
	uint32_t slot;
};

static int
compare_arrivals(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* The slots that are used, or only those that the log lacks, in the order of their coming. */
static uint32_t
slots_in_order(const struct store *s, bool only_unkept, struct arrival **out)
{
	uint32_t used = pool_slots_used(s), count = 0;

	*out = xmalloc((used + 1) * sizeof(**out));
	for (uint32_t i = 0; i < used; i++)
		if (only_unkept ? is_unkept(s, i) : atomic_load(&pool_slots(s)[i].is_used) != 0)
			(*out)[count++] = (struct arrival){pool_slots(s)[i].entry.arrival, i};
	qsort(*out, count, sizeof(**out), compare_arrivals);
	return count;
}

void
mempool_note_all_unkept(struct mempool *m)
{
	struct arrival *slots;
	uint32_t count = slots_in_order(m->store, true, &slots);

	for (uint32_t i = 0; i < count; i++)
		mempool_note_unkept(m, slots[i].slot);
	free(slots);
}

/* Leaves in the list what still has to be written, each slot once. Marks in the slots are set when it is, not before. */
static void
sift_unkept(struct mempool *m)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->unkept_count; i++) {
		uint32_t slot = m->unkept[i];
		if (m->listed[slot] != i + 1 || !is_unkept(m->store, slot))
			continue;
		m->unkept[count++] = slot;
		m->listed[slot] = count;
	}
	m->unkept_count = count;
}

/* A frame of the listed slots from `from` on, as many as fit. */
static enum err
keep_some(struct mempool *m, uint32_t from, uint32_t *next)
{
	struct store *s = m->store;
	struct log_place place = mark_of(s)->place;
	uint32_t i = from;
	enum err e;

	buf_reset(&m->payload);
	for (; i < m->unkept_count && m->payload.len < PAYLOAD_MAX; i++)
		put_slot(m, m->unkept[i]);
	FAILPOINT("pool.before-log");
	e = write_payload(m, &place);
	mark_set(s, &place, mark_of(s)->start);
	atomic_store(&pool_at(s)->log_err, e);
	FAILPOINT("pool.logged");
	for (uint32_t k = from; k < i && e == OK; k++)
		pool_set_kept(s, m->unkept[k], true);
	*next = i;
	return e;
}

enum err
mempool_keep(struct mempool *m)
{
	uint32_t next = 0;
	enum err e = OK;

	if (m->store->pool_log == NULL)
		m->unkept_count = 0;
	sift_unkept(m);
	while (next < m->unkept_count && e == OK)
		e = keep_some(m, next, &next);
	if (e == OK)
		m->unkept_count = 0;
	return e;
}

bool
mempool_is_kept(const struct mempool *m, const struct hash256 *id)
{
	uint32_t slot = pool_slot_of(m->store, id);

	return slot != POOL_NONE && (m->store->pool_log == NULL || pool_slots(m->store)[slot].entry.is_kept);
}

void
mempool_withdraw(struct mempool *m, const struct hash256 *id)
{
	uint32_t slot = pool_slot_of(m->store, id);

	if (slot != POOL_NONE && is_unkept(m->store, slot))
		mempool_take_out(m, slot);
}

static enum err
write_all(struct mempool *m, struct log_place *place)
{
	struct arrival *slots;
	uint32_t count = slots_in_order(m->store, false, &slots);
	enum err e = OK;

	buf_reset(&m->payload);
	for (uint32_t i = 0; i < count && e == OK; i++) {
		put_slot(m, slots[i].slot);
		if (m->payload.len >= PAYLOAD_MAX) {
			e = write_payload(m, place);
			buf_reset(&m->payload);
		}
	}
	free(slots);
	return e == OK && m->payload.len > 0 ? write_payload(m, place) : e;
}

enum err
mempool_tidy(struct mempool *m)
{
	struct store *s = m->store;
	const struct pool_mark *mark = mark_of(s);
	struct log_place place = mark->place;
	uint64_t length = place.position - mark->start, start = place.position;
	enum err e, end;

	if (s->pool_log == NULL || length < HISTORY_MIN || length < HISTORY_TIMES * mempool_bytes(s))
		return OK;
	if ((e = framelog_replace_begin(s->pool_log, &place)) != OK)
		return e;
	e = write_all(m, &place);
	end = framelog_replace_end(s->pool_log, &place, e == OK);
	if (e == OK)
		e = end;
	if (e == OK)
		mark_set(s, &place, start);
	return e;
}

static enum err
restore_one(void *ctx, const struct poollog_entry *e)
{
	struct mempool *m = ctx;
	struct store *s = m->store;
	struct pool_entry origin = {.received_ms = e->received_ms, .from_client = e->from_client, .is_kept = true};
	struct reader reader = reader_of(e->bytes, e->size);
	struct tx_place place;
	struct blockref tip = chain_tip(s);
	struct address who;
	struct hash256 id;
	struct tx tx;
	uint32_t slot;

	if (tx_decode(&tx, &reader) != RULE_OK || !reader_done(&reader) ||
	    tx_check_form(&tx, store_params(s), store_genesis(s)) != RULE_OK)
		return ERR_FORMAT;
	id = tx_id(&tx);
	if ((slot = pool_slot_of(s, &id)) != POOL_NONE && e->from_client)
		pool_set_from_client(s, slot);
	if (slot != POOL_NONE || chain_find_tx(s, tip, &id, &place))
		return OK;
	/* What the chain does not allow any more is refused here, or by the first walk after it. */
	who = tx_sender(&tx);
	(void)mempool_admit_at(m, tip, &tx, &id, &who, &origin, true);
	return OK;
}

/* The transfers of one block of the journal that is not on its chain. Its rules were checked before it was written, but
 * what the pool takes for granted is not taken from a file. */
static enum err
restore_block(struct mempool *m, const struct block *b, uint64_t now_ms)
{
	struct pool_entry origin = {.received_ms = now_ms, .from_client = true};
	struct blockref tip = chain_tip(m->store);
	struct tx_place place;
	struct block_iter it;
	struct address who;
	struct hash256 id;
	enum rule rule;
	struct tx tx;

	for (it = block_txs(b); block_next(&it, &tx, &rule);) {
		if (rule != RULE_OK)
			return ERR_FORMAT;
		if (tx.version != TX_TRANSFER)
			continue;
		if (tx_check_form(&tx, store_params(m->store), store_genesis(m->store)) != RULE_OK)
			return ERR_FORMAT;
		id = tx_id(&tx);
		who = tx_sender(&tx);
		if (pool_slot_of(m->store, &id) == POOL_NONE && !chain_find_tx(m->store, tip, &id, &place))
			(void)mempool_admit_at(m, tip, &tx, &id, &who, &origin, true);
	}
	return OK;
}

static enum err
restore_lost(struct mempool *m, struct journal *j, uint64_t now_ms)
{
	uint32_t *order, count, next = 0;
	enum err e = OK;
	struct block b;

	journal_chain(j, &order, &count);
	/* Both are in the order of writing: a block is never written before its parent. */
	for (uint32_t i = 0; i < j->count && e == OK && count < j->count; i++) {
		if (next < count && order[next] == i)
			next++;
		else if ((e = journal_block_as_stored(j, &b, i)) == OK)
			e = restore_block(m, &b, now_ms);
	}
	free(order);
	return e;
}

enum err
mempool_restore(struct mempool *m, struct journal *j, uint64_t now_ms, uint32_t *restored, struct buf *why)
{
	struct settle_report report;
	struct framelog_scan scan;
	enum err e;

	*restored = 0;
	/* The pool is where the chain is: the transfers of loaded blocks are nobody's to return. */
	atomic_store(&pool_at(m->store)->settled, chain_tip(m->store).v);
	if (m->store->pool_log == NULL)
		return OK;
	e = poollog_read(m->store->pool_log, &scan, true, restore_one, m, why);
	if (e != OK)
		return e;
	mark_set(m->store, &scan.place, scan.start);
	/* After an orderly stop the pool owes nothing. */
	if (!j->is_closed && (e = restore_lost(m, j, now_ms)) != OK) {
		buf_printf(why, "%s: a block off the chain, which may hold pending transfers, cannot be read: %s",
			   framelog_folder(j->log), err_text(e));
		return e;
	}
	/* What the disk refuses to write now is tried again with what comes next. */
	(void)!mempool_keep(m);
	(void)mempool_settle(m, now_ms, &report);
	*restored = mempool_count(m->store);
	return OK;
}
