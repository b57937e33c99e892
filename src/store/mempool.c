/*
 * The pool's rules: what is let in, what must leave, and how the pool follows the chain. Slots and chains are in
 * pool_slots.c.
 *
 * The pool belongs to one tip, `settled`, which mempool_settle moves on to the chain's. On the way it takes out what
 * the new chain has mined and puts back what the old one had; if it dies in between, or the chain moves again, what it
 * took out may be on no chain at all. Therefore the tip that it leaves is noted in `owed` before anything is touched,
 * and the notes are only cleared by a walk that came to its end; until then each walk puts back what any of the noted
 * chains had. Every step may be repeated. Admission judges against `settled` too, after it has followed the chain, so
 * that whatever it answers "confirmed" to is on a chain that the pool knows to have left when it does.
 *
 * Spendable is the confirmed balance less everything the sender has pending. A transfer whose predecessors are missing
 * waits; up to SEQUENCE_AHEAD sequences ahead of the next one are let in. Only what came from peers makes room for
 * others when the pool is full, and a sender's last that waits for one of the same sender that closes a gap. What a rolled-back block gives back comes before what its sender has pending already,
 * as its sequences do; a sender's funds are then dealt out in the order of sequences.
 */
#include "store/mempool.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "mempool_core.h"
#include "store/role_table.h"
#include "util/failpoint.h"
#include "util/mem.h"

#define ADMIT_TRIES 3
#define EVICT_SHARE 64 /* one pass over a full pool makes room for this share of it */

struct mempool *
mempool_open(struct store *s)
{
	struct mempool *m = xcalloc(1, sizeof(*m));

	m->store = s;
	m->is_fresh = true;
	atomic_store(&pool_at(s)->in_sync_wait, 0); /* a predecessor may have died in it */
	m->senders = sender_index_new(store_seed(s));
	m->listed = xcalloc(s->super->pool_max, sizeof(*m->listed));
	buf_init(&m->payload);
	pool_relink(s);
	for (uint32_t i = 0; i < pool_slots_used(s); i++) {
		const struct pool_slot *slot = &pool_slots(s)[i];
		const struct pool_packed *e = &slot->entry;
		if (atomic_load(&slot->is_used))
			sender_add(m->senders, &e->sender, (struct pending){e->sequence, e->value + e->fee, i});
	}
	mempool_note_all_unkept(m);
	return m;
}

void
mempool_close(struct mempool *m)
{
	if (m == NULL)
		return;
	sender_index_free(m->senders);
	buf_clear(&m->payload);
	free(m->unkept);
	free(m->listed);
	free(m);
}

static struct admission
refused(enum rule rule)
{
	return (struct admission){ADMISSION_REFUSED, rule, false};
}

static struct admission
admitted(enum admission_status status, bool is_new)
{
	return (struct admission){status, RULE_OK, is_new};
}

static void
drop(struct mempool *m, uint32_t slot)
{
	const struct pool_packed *e = &pool_slots(m->store)[slot].entry;
	struct address sender = e->sender;
	uint64_t sequence = e->sequence;

	pool_remove(m->store, slot);
	sender_remove(m->senders, &sender, sequence);
	m->floor.size = 0;
}

static void
drop_as_gone(struct mempool *m, uint32_t slot, enum rule rule, uint64_t height)
{
	struct hash256 id = pool_slots(m->store)[slot].entry.id;

	pool_mark_gone(m->store, &id, rule, height);
	drop(m, slot);
}

/* Which of a sender's transfers wait, given its confirmed sequence. */
static void
mark_waiting(struct mempool *m, const struct sender *s, uint64_t confirmed)
{
	uint64_t next = sender_next(s, confirmed);

	for (uint32_t i = 0; i < s->count; i++)
		pool_set_waiting(m->store, s->list[i].slot, s->list[i].sequence >= next);
}

/* Fee per byte of a against b, exactly. */
static int
rate_compare(const struct pool_packed *a, const struct pool_packed *b)
{
	unsigned __int128 left = (unsigned __int128)a->fee * b->size, right = (unsigned __int128)b->fee * a->size;

	if (left != right)
		return left < right ? -1 : 1;
	return a->arrival > b->arrival ? -1 : a->arrival < b->arrival;
}

static int
slot_worse_first(const void *a, const void *b)
{
	return rate_compare(*(struct pool_packed *const *)a, *(struct pool_packed *const *)b);
}

static bool
is_hopeless(const struct mempool *m, const struct pool_packed *e)
{
	if (m->floor.size == 0)
		return false;
	return m->floor.from_client || (!e->from_client && rate_compare(e, &m->floor) <= 0);
}

void
mempool_take_out(struct mempool *m, uint32_t slot)
{
	const struct pool_packed *e = &pool_slots(m->store)[slot].entry;
	struct address who = e->sender;
	uint64_t sequence = e->sequence;
	const struct sender *s;

	drop(m, slot);
	if ((s = sender_find(m->senders, &who)) == NULL)
		return;
	for (uint32_t i = sender_place(s, sequence); i < s->count; i++)
		pool_set_waiting(m->store, s->list[i].slot, true);
}

static void
evict(struct mempool *m, uint32_t slot, uint64_t height)
{
	struct hash256 id = pool_slots(m->store)[slot].entry.id;

	pool_mark_gone(m->store, &id, RULE_POOL_FULL, height);
	mempool_take_out(m, slot);
	role_count(m->store, COUNT_EVICTED, 1);
}

/*
 * Makes room for e by dropping the worst of what came from peers: worse than e, if e itself comes from one. What its
 * own sender has pending is no room, or e could push out what it has to wait for.
 */
static bool
evict_for(struct mempool *m, const struct pool_packed *e)
{
	struct store *s = m->store;
	uint32_t max = pool_slots_used(s), count = 0, quota = max / EVICT_SHARE + 1, evicted = 0;
	uint64_t height = chain_height(s, chain_tip(s));
	bool has_own = false;
	struct pool_packed **worst;

	if (is_hopeless(m, e))
		return false;
	worst = xmalloc(max * sizeof(struct pool_packed *));
	for (uint32_t i = 0; i < max; i++) {
		struct pool_slot *slot = &pool_slots(s)[i];
		if (!atomic_load(&slot->is_used) || slot->entry.from_client ||
		    (!e->from_client && rate_compare(&slot->entry, e) >= 0))
			continue;
		if (address_equal(&slot->entry.sender, &e->sender))
			has_own = true;
		else
			worst[count++] = &slot->entry;
	}
	if (count > 0)
		qsort(worst, count, sizeof(struct pool_packed *), slot_worse_first);
	for (; evicted < count && evicted < quota; evicted++)
		evict(m, pool_slot_of(s, &worst[evicted]->id), height);
	free(worst);
	if (count == 0 && !has_own)
		m->floor = *e;
	return evicted > 0;
}

/*
 * What closes a gap may have the place of the last one that its own sender has waiting: a pool full of clients' transfers
 * that all wait would never get any of them mined.
 */
static bool
give_way_to(struct mempool *m, const struct pool_packed *e)
{
	const struct sender *s = sender_find(m->senders, &e->sender);
	const struct pending *last = s == NULL ? NULL : &s->list[s->count - 1];

	if (e->is_waiting || last == NULL || last->sequence < e->sequence ||
	    !pool_slots(m->store)[last->slot].entry.is_waiting)
		return false;
	evict(m, last->slot, chain_height(m->store, chain_tip(m->store)));
	return true;
}

/* Stamps e's arrival. False: the pool is full. */
static bool
enter(struct mempool *m, struct pool_packed *e)
{
	struct sender *s;
	uint32_t slot = pool_insert(m->store, e);

	if (slot == POOL_NONE && (evict_for(m, e) || give_way_to(m, e)))
		slot = pool_insert(m->store, e);
	if (slot == POOL_NONE)
		return false;
	sender_add(m->senders, &e->sender, (struct pending){e->sequence, e->value + e->fee, slot});
	if (!e->is_kept)
		mempool_note_unkept(m, slot);
	if (e->is_waiting)
		return true;
	/* It may be what others of its sender have waited for. */
	s = sender_find(m->senders, &e->sender);
	for (uint32_t i = sender_place(s, e->sequence) + 1;
	     i < s->count && s->list[i].sequence == s->list[i - 1].sequence + 1; i++)
		pool_set_waiting(m->store, s->list[i].slot, false);
	return true;
}

/*
 * By what the accounts are as of block `at`. One that is returned from a rolled-back block was let in before: how far
 * ahead it is does not matter then, and funds are dealt out by the recheck that follows.
 */
struct admission
mempool_admit_at(struct mempool *m, struct blockref at, const struct tx *tx, const struct hash256 *id,
		 const struct pool_entry *origin, bool is_returned)
{
	const struct sender *sender;
	uint64_t next, outgoing;
	struct account account;
	struct pool_packed e;

	pool_pack(&e, m->store, tx, id);
	e.arrival = UINT64_MAX; /* later than all that are here */
	e.received_ms = origin->received_ms;
	e.from_client = origin->from_client;
	e.is_kept = origin->is_kept;
	sender = sender_find(m->senders, &e.sender);
	outgoing = sender == NULL ? 0 : sender->outgoing;
	if (chain_account(m->store, at, &e.sender, &account, NULL) != OK)
		return admitted(ADMISSION_RETRY, false);
	if (tx->sequence < account.sequence)
		return refused(RULE_SEQUENCE_USED);
	if (sender != NULL && sender_at(sender, tx->sequence) != NULL)
		return refused(RULE_SEQUENCE_TAKEN);
	next = sender == NULL ? account.sequence : sender_next(sender, account.sequence);
	if (!is_returned && tx->sequence > next && tx->sequence - next > SEQUENCE_AHEAD)
		return refused(RULE_SEQUENCE_TOO_FAR);
	if (!is_returned && (outgoing > account.balance || tx->value + tx->fee > account.balance - outgoing))
		return refused(RULE_INSUFFICIENT_FUNDS);

	e.is_waiting = tx->sequence != next;
	if (!enter(m, &e))
		return refused(RULE_POOL_FULL);
	return admitted(e.is_waiting ? ADMISSION_WAITING : ADMISSION_PENDING, true);
}

/* One walk from `settled` to a tip. */
struct walk {
	struct mempool *m;
	struct blockref tip;
	uint64_t now_ms;
	bool is_stale; /* the chain moved on: stop, the rest is owed */
};

static bool
is_mined(const struct walk *w, const struct hash256 *id)
{
	struct tx_place place;

	return chain_find_tx(w->m->store, w->tip, id, &place);
}

/*
 * Drops what a sender can no longer do as of the walk's tip, and marks again what waits. Once a walk: whoever has a whole
 * block of transfers, and as many pending, is not looked through for each of them.
 */
static void
recheck(void *ctx, const struct address *who)
{
	struct walk *w = ctx;
	struct mempool *m = w->m;
	struct sender *s = sender_find(m->senders, who);
	uint64_t spent = 0, height = chain_height(m->store, w->tip);
	struct address sender = *who;
	struct account account;

	if (s == NULL || s->walk == m->walks || w->is_stale)
		return;
	s->walk = m->walks;
	if (chain_account(m->store, w->tip, who, &account, NULL) != OK) {
		w->is_stale = true;
		return;
	}
	for (uint32_t i = 0; s != NULL && i < s->count;) {
		struct pending p = s->list[i];
		enum rule rule = p.sequence < account.sequence	    ? RULE_SEQUENCE_USED
				 : p.cost > account.balance - spent ? RULE_INSUFFICIENT_FUNDS
								    : RULE_OK;
		if (rule == RULE_OK) {
			spent += p.cost;
			i++;
			continue;
		}
		/* A walk that did not come to its end leaves some of what was mined. */
		if (rule == RULE_SEQUENCE_USED && is_mined(w, &pool_slots(m->store)[p.slot].entry.id)) {
			drop(m, p.slot);
			m->report.mined++;
		} else {
			drop_as_gone(m, p.slot, rule, height);
			m->report.dropped++;
		}
		s = sender_find(m->senders, &sender);
	}
	if (s != NULL)
		mark_waiting(m, s, account.sequence);
}

/* Takes the transfers of one new block out of the pool. */
static void
take_mined(struct walk *w, struct blockref ref)
{
	struct store *s = w->m->store;
	struct block_iter it;
	struct block b;
	struct tx tx;
	enum rule rule;

	chain_block(s, ref, &b);
	for (it = block_txs(&b); block_next(&it, &tx, &rule);) {
		struct hash256 id;
		uint32_t slot;
		if (rule != RULE_OK || tx.version != TX_TRANSFER)
			continue;
		id = tx_id(&tx);
		slot = pool_slot_of(s, &id);
		if (slot != POOL_NONE) {
			drop(w->m, slot);
			w->m->report.mined++;
		}
	}
}

static void
recheck_block(struct walk *w, struct blockref ref)
{
	struct block_iter it;
	struct block b;
	struct tx tx;
	enum rule rule;

	chain_block(w->m->store, ref, &b);
	for (it = block_txs(&b); block_next(&it, &tx, &rule);)
		if (rule == RULE_OK && tx.version == TX_TRANSFER) {
			struct address sender = tx_sender(&tx);
			recheck(w, &sender);
		}
}

/* Gives the transfers of one rolled-back block back to the pool, or says why that cannot be. */
static void
return_block(struct walk *w, struct blockref ref)
{
	struct mempool *m = w->m;
	struct pool_entry origin = {.received_ms = w->now_ms, .from_client = true};
	struct block_iter it;
	struct block b;
	struct tx tx;
	enum rule rule;

	chain_block(m->store, ref, &b);
	for (it = block_txs(&b); block_next(&it, &tx, &rule) && !w->is_stale;) {
		struct admission a;
		struct hash256 id;
		if (rule != RULE_OK || tx.version != TX_TRANSFER)
			continue;
		id = tx_id(&tx);
		if (pool_slot_of(m->store, &id) != POOL_NONE || is_mined(w, &id))
			continue;
		a = mempool_admit_at(m, w->tip, &tx, &id, &origin, true);
		FAILPOINT("pool.returning");
		if (a.status == ADMISSION_RETRY)
			w->is_stale = true;
		else if (a.status == ADMISSION_REFUSED) {
			pool_mark_gone(m->store, &id, a.rule, chain_height(m->store, w->tip));
			m->report.dropped++;
		} else
			m->report.returned++;
	}
}

/* Gives back what the chain that ended in `old` had and the walk's chain has not. */
static void
return_branch(struct walk *w, struct blockref old)
{
	struct store *s = w->m->store;
	uint64_t fork = chain_height(s, chain_fork(s, old, w->tip));

	for (uint64_t height = fork + 1; height <= chain_height(s, old) && !w->is_stale; height++)
		return_block(w, chain_at(s, old, height));
}

/* Notes that the walk leaves `from`. When all places are taken by walks that never came to their end, the oldest goes.
 */
static void
owe(struct pool_region *p, struct blockref from)
{
	uint32_t i = 0;

	while (i < POOL_OWED_MAX && atomic_load(&p->owed[i]) != 0 && atomic_load(&p->owed[i]) != from.v)
		i++;
	if (i == POOL_OWED_MAX) {
		for (i = 0; i + 1 < POOL_OWED_MAX; i++)
			atomic_store(&p->owed[i], atomic_load(&p->owed[i + 1]));
	}
	atomic_store(&p->owed[i], from.v);
}

/* No block was rolled back, and the walk before this one came to its end: balances only grew, but for senders of what
 * was mined. */
static bool
is_plain_extension(const struct store *s, const struct walk *w, struct blockref from)
{
	return chain_fork(s, from, w->tip).v == from.v && atomic_load(&pool_at(s)->owed[1]) == 0 &&
	       atomic_load(&pool_at(s)->owed[0]) == from.v;
}

/* In the blocks of the walk's chain from height `first` on. */
static uint64_t
transfers_from(const struct walk *w, uint64_t first)
{
	const struct store *s = w->m->store;
	uint64_t count = 0;
	struct block b;

	for (uint64_t height = first; height <= chain_height(s, w->tip); height++) {
		chain_block(s, chain_at(s, w->tip, height), &b);
		count += b.tx_count - 1;
	}
	return count;
}

/* False: the pool is where the chain is. */
static bool
follow(struct mempool *m, uint64_t now_ms)
{
	struct store *s = m->store;
	struct pool_region *p = pool_at(s);
	struct blockref from = {atomic_load(&p->settled)}, owed;
	struct walk w = {.m = m, .tip = chain_tip(s), .now_ms = now_ms};
	bool is_plain, is_by_block;
	uint64_t first;

	if (from.v == w.tip.v && atomic_load(&p->owed[0]) == 0 && !m->is_fresh)
		return false;
	m->has_walked = true;
	m->walks++;
	owe(p, from);
	FAILPOINT("pool.owed");
	atomic_store(&p->settled, w.tip.v);

	is_plain = !m->is_fresh && is_plain_extension(s, &w, from);
	first = chain_height(s, chain_fork(s, from, w.tip)) + 1;
	/* Blocks of a sync have far more transfers than are pending: then a look at all senders finds what they have mined. */
	is_by_block = !is_plain || transfers_from(&w, first) <= mempool_count(s);
	for (uint64_t height = first; height <= chain_height(s, w.tip) && is_by_block; height++)
		take_mined(&w, chain_at(s, w.tip, height));
	FAILPOINT("pool.taken");
	if (is_plain && is_by_block) {
		for (uint64_t height = first; height <= chain_height(s, w.tip); height++)
			recheck_block(&w, chain_at(s, w.tip, height));
	} else {
		for (uint32_t i = 0; i < POOL_OWED_MAX && (owed.v = atomic_load(&p->owed[i])) != 0; i++)
			return_branch(&w, owed);
		sender_each(m->senders, recheck, &w);
	}
	FAILPOINT("pool.before-settled");
	/* Cleared from behind, so that the first one stays the sign that there is a rest to do. */
	for (uint32_t i = POOL_OWED_MAX; i-- > 0 && !w.is_stale;)
		atomic_store(&p->owed[i], 0);
	if (!w.is_stale)
		m->is_fresh = false;
	return true;
}

bool
mempool_settle(struct mempool *m, uint64_t now_ms, struct settle_report *report)
{
	bool has_walked = follow(m, now_ms) || m->has_walked;

	*report = m->report;
	memset(&m->report, 0, sizeof(m->report));
	m->has_walked = false;
	return has_walked;
}

struct admission
mempool_admit(struct mempool *m, const struct tx *tx, bool from_client, uint64_t now_ms)
{
	struct hash256 id = tx_id(tx);

	return mempool_admit_as(m, tx, &id, from_client, now_ms);
}

struct admission
mempool_admit_as(struct mempool *m, const struct tx *tx, const struct hash256 *id, bool from_client, uint64_t now_ms)
{
	struct store *s = m->store;
	struct pool_entry origin = {.received_ms = now_ms, .from_client = from_client};
	struct admission a = admitted(ADMISSION_RETRY, false);
	struct tx_place place;
	/* Checked by the caller's process, whose word is not enough for sums that must not overflow. */
	enum rule rule = tx_check_form(tx, store_params(s), store_genesis(s));

	if (rule != RULE_OK)
		return refused(rule);
	for (int i = 0; i < ADMIT_TRIES && a.status == ADMISSION_RETRY; i++) {
		struct blockref at;
		uint32_t known;

		follow(m, now_ms);
		at.v = atomic_load(&pool_at(s)->settled);
		known = pool_slot_of(s, id);
		if (known != POOL_NONE) {
			const struct pool_packed *e = &pool_slots(s)[known].entry;
			/* Ours now as well: what a client was promised is not dropped to make room. */
			if (from_client && !e->from_client) {
				/* In this order: a death in between leaves what the log has to be told once more. */
				mempool_note_changed(m, known);
				pool_set_from_client(s, known);
			}
			return admitted(e->is_waiting ? ADMISSION_WAITING : ADMISSION_PENDING, false);
		}
		if (chain_find_tx(s, at, id, &place))
			return admitted(ADMISSION_CONFIRMED, false);
		a = mempool_admit_at(m, at, tx, id, &origin, false);
	}
	return a;
}
