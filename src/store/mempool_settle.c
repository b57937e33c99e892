/*
 * How the pool follows the chain: a walk from the tip it belongs to, `settled`, to the chain's.
 *
 * A walk takes out what the new chain has mined, puts back what the old one had, and rechecks senders. If it dies in
 * between, or the chain moves to another branch, what it took out may be on no chain at all. Therefore the tip that it
 * leaves is noted in `owed` before anything is touched, and the notes are only cleared by a walk that came to its end; until
 * then each walk puts back what any of the noted chains had. Every step may be repeated.
 *
 * A walk over thousands of transfers takes many times as long as a new transfer's verdict may, so it is done in pieces, and
 * new transfers are judged between them. They must fare as if the walk had been done in one go before them, and that is
 * simpler than it looks, because a verdict is about one sender: its balance, its sequences, what it has pending. So before
 * a sender's new transfer is judged, all that the walk has in store for this sender is done at once, ahead of its turn
 * (mempool_settle_sender): what it gets back from rolled-back blocks goes in first, so that no newcomer has the sequence or
 * the funds of one that somebody was promised; then its pending ones are rechecked. After that it is settled, and what the
 * walk still does passes it over: given back once more, one that was ruled out would count among what its sender can pay.
 *
 * Room is the one thing that senders share. While as many may still come back as there are free slots, or there are none,
 * the walk is done to its end before a new transfer is judged: newcomers never cost a returning one its place.
 *
 * A walk goes on to its own tip when the chain grows meanwhile: to be let in by a tip of a moment ago is to have come a
 * moment earlier. But nobody is refused by it, who may have seen the newer one: then the walk is done to its end first, and
 * the next is begun. Only if that tip is rolled back is the walk given up, and the next one owes what it owed. Owed tips have
 * few places, so a walk that owes several is not interrupted.
 *
 * What a rolled-back block gives back comes before what its sender has pending already, as its sequences do; a sender's
 * funds are then dealt out in the order of sequences.
 */
#include <string.h>

#include "layout.h"
#include "mempool_core.h"
#include "util/failpoint.h"

#define OWED_PATIENT 3	    /* a walk that owes as many is done in one go: there are POOL_OWED_MAX places */
#define PENDING_PER_STEP 32 /* looks at so many of a sender's cost what one transfer does */
#define TO_THE_END UINT64_MAX

static void
drop_as_gone(struct mempool *m, uint32_t slot, enum rule rule)
{
	struct hash256 id = pool_slots(m->store)[slot].entry.id;

	pool_mark_gone(m->store, &id, rule, chain_height(m->store, m->walk.tip));
	mempool_drop(m, slot);
	m->report.dropped++;
}

static bool
is_mined(const struct mempool *m, const struct hash256 *id)
{
	struct tx_place place;

	return chain_find_tx(m->store, m->walk.tip, id, &place);
}

/* Which of a sender's transfers wait, given its confirmed sequence. */
static void
mark_waiting(struct mempool *m, const struct sender *s, uint64_t confirmed)
{
	uint64_t next = sender_next(s, confirmed);

	for (uint32_t i = 0; i < s->count; i++)
		pool_set_waiting(m->store, s->list[i].slot, s->list[i].sequence >= next);
}

/* Drops what a sender can no longer do as of the walk's tip, and marks again what waits. */
static void
recheck(struct mempool *m, const struct address *who)
{
	struct sender *s = sender_find(m->senders, who);
	struct address sender = *who;
	struct account account;
	uint64_t spent = 0;

	if (s == NULL)
		return;
	s->walk = m->walks;
	if (chain_account(m->store, m->walk.tip, who, &account, NULL) != OK) {
		m->walk.is_stale = true;
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
		if (rule == RULE_SEQUENCE_USED && is_mined(m, &pool_slots(m->store)[p.slot].entry.id)) {
			mempool_drop(m, p.slot);
			m->report.mined++;
		} else
			drop_as_gone(m, p.slot, rule);
		s = sender_find(m->senders, &sender);
	}
	if (s != NULL)
		mark_waiting(m, s, account.sequence);
}

/* Once a walk: whoever has a whole block of transfers, and as many pending, is not looked through for each of them. */
static uint64_t
recheck_once(struct mempool *m, const struct address *who)
{
	const struct sender *s = sender_find(m->senders, who);
	uint64_t cost = s == NULL ? 0 : s->count / PENDING_PER_STEP;

	if (s == NULL || s->walk == m->walks)
		return 1;
	recheck(m, who);
	return 1 + cost;
}

/* The blocks that the walk's chain has and the other had not, the last one first. */
static void
rewind_mined(struct walk *w)
{
	w->at = w->tip;
	w->is_open = false;
}

/* The next of their transfers; false: none is left. */
static bool
next_mined(struct mempool *m, struct tx *tx)
{
	struct walk *w = &m->walk;
	struct block b;
	enum rule rule;

	for (;;) {
		while (w->is_open && block_next(&w->it, tx, &rule))
			if (rule == RULE_OK && tx->version == TX_TRANSFER)
				return true;
		if (w->at.v == w->fork.v)
			return false;
		chain_block(m->store, w->at, &b);
		w->it = block_txs(&b);
		w->is_open = true;
		w->at = chain_parent(m->store, w->at);
	}
}

/* Takes one that was mined out of the pool. False: none is left. */
static bool
take_mined(struct mempool *m)
{
	struct hash256 id;
	uint32_t slot;
	struct tx tx;

	if (!next_mined(m, &tx))
		return false;
	id = tx_id(&tx);
	slot = pool_slot_of(m->store, &id);
	if (slot != POOL_NONE) {
		mempool_drop(m, slot);
		m->report.mined++;
	}
	return true;
}

/* False: none of the senders of mined transfers is left. */
static bool
recheck_mined(struct mempool *m, uint64_t *cost)
{
	struct address sender;
	struct tx tx;

	if (!next_mined(m, &tx))
		return false;
	sender = tx_sender(&tx);
	*cost = recheck_once(m, &sender);
	return true;
}

struct sweep {
	struct mempool *m;
	uint64_t cost;
};

static void
recheck_visited(void *ctx, const struct address *who)
{
	struct sweep *s = ctx;

	if (!s->m->walk.is_stale)
		s->cost += recheck_once(s->m, who);
}

/* Gives one back to the pool, or says why that cannot be. */
static void
return_one(struct mempool *m, const struct owed_tx *t)
{
	struct walk *w = &m->walk;
	struct pool_entry origin = {.received_ms = w->now_ms, .from_client = true};
	struct reader r = reader_of(t->bytes, t->size);
	struct admission a;
	struct hash256 id;
	struct tx tx;

	if (tx_decode(&tx, &r) != RULE_OK)
		return;
	id = tx_id(&tx);
	if (pool_slot_of(m->store, &id) != POOL_NONE)
		return;
	a = mempool_admit_at(m, w->tip, &tx, &id, &w->owed.senders[t->sender].who, &origin, true);
	FAILPOINT("pool.returning");
	if (a.status == ADMISSION_RETRY)
		w->is_stale = true;
	else if (a.status != ADMISSION_REFUSED)
		m->report.returned++;
	/* Only a sequence that is used can have been used by this very transfer. */
	else if (a.rule != RULE_SEQUENCE_USED || !is_mined(m, &id)) {
		pool_mark_gone(m->store, &id, a.rule, chain_height(m->store, w->tip));
		m->report.dropped++;
	}
}

/* False: nothing is left to give back. */
static bool
return_next(struct mempool *m)
{
	struct walk *w = &m->walk;
	const struct owed_tx *t;

	if (w->returned == w->owed.count)
		return false;
	t = &w->owed.txs[w->returned];
	if (!w->owed.senders[t->sender].is_settled)
		return_one(m, t);
	if (!w->is_stale)
		w->returned++;
	return true;
}

static void
go_on_to(struct mempool *m, enum walk_phase phase)
{
	struct walk *w = &m->walk;

	if (w->phase == WALK_TAKE || w->phase == WALK_SWEEP)
		FAILPOINT("pool.taken");
	/* Who was swept has to be looked at once more, with what has come back. */
	if (w->phase == WALK_SWEEP)
		m->walks++;
	w->phase = phase;
	w->bucket = 0;
	rewind_mined(w);
}

/* One transfer or one sender; returns what that costs, counted in transfers. */
static uint64_t
step(struct mempool *m)
{
	struct walk *w = &m->walk;
	struct sweep sweep = {m, 0};
	uint64_t cost = 1;

	switch (w->phase) {
	case WALK_TAKE:
		if (!take_mined(m))
			go_on_to(m, w->is_plain ? WALK_RECHECK_MINED : WALK_RETURN);
		break;
	case WALK_RECHECK_MINED:
		if (!recheck_mined(m, &cost))
			go_on_to(m, WALK_OVER);
		break;
	case WALK_SWEEP:
	case WALK_RECHECK:
		if (!sender_each_of(m->senders, &w->bucket, recheck_visited, &sweep))
			go_on_to(m, w->phase == WALK_SWEEP ? WALK_RETURN : WALK_OVER);
		cost = sweep.cost;
		break;
	case WALK_RETURN:
		if (!return_next(m))
			go_on_to(m, WALK_RECHECK);
		break;
	case WALK_OVER:
		break;
	}
	return cost;
}

static void
walk_leave(struct mempool *m)
{
	owed_clear(&m->walk.owed);
	m->walk.is_under_way = false;
}

static void
walk_end(struct mempool *m)
{
	struct pool_region *p = pool_at(m->store);

	FAILPOINT("pool.before-settled");
	/* Cleared from behind, so that the first one stays the sign that there is a rest to do. */
	for (uint32_t i = POOL_OWED_MAX; i-- > 0;)
		atomic_store(&p->owed[i], 0);
	m->is_fresh = false;
	walk_leave(m);
}

/* Goes on for about so many transfers. Whatever is stale stays until the next walk begins. */
static void
walk_on(struct mempool *m, uint64_t steps)
{
	struct walk *w = &m->walk;

	while (w->is_under_way && !w->is_stale && steps > 0) {
		uint64_t cost = step(m);
		steps -= cost < steps ? cost : steps;
		if (w->phase == WALK_OVER && !w->is_stale)
			walk_end(m);
	}
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
is_plain_extension(const struct mempool *m, struct blockref from)
{
	const struct pool_region *p = pool_at(m->store);

	return !m->is_fresh && m->walk.fork.v == from.v && atomic_load(&p->owed[1]) == 0 &&
	       atomic_load(&p->owed[0]) == from.v;
}

/* Blocks of a sync have far more transfers than are pending: then a look at all senders finds what they have mined. */
static bool
has_fewer_mined_than_pending(const struct mempool *m)
{
	const struct walk *w = &m->walk;
	uint64_t count = 0, pending = mempool_count(m->store);
	struct block b;

	for (struct blockref at = w->tip; at.v != w->fork.v && count <= pending; at = chain_parent(m->store, at)) {
		chain_block(m->store, at, &b);
		count += b.tx_count - 1;
	}
	return count <= pending;
}

/* What the chain that ends in `old` has and the walk's has not. */
static void
collect_branch(struct mempool *m, struct blockref old)
{
	struct walk *w = &m->walk;
	struct store *s = m->store;
	uint64_t top = chain_height(s, old);
	struct block_iter it;
	struct block b;
	enum rule rule;
	struct tx tx;

	for (uint64_t h = chain_height(s, chain_fork(s, old, w->tip)) + 1; h <= top; h++) {
		chain_block(s, chain_at(s, old, h), &b);
		for (it = block_txs(&b); block_next(&it, &tx, &rule);)
			if (rule == RULE_OK && tx.version == TX_TRANSFER)
				owed_add(&w->owed, &tx, it.bytes, it.size);
	}
}

/* False: the pool is where the chain is. Else a walk is under way. */
static bool
walk_begin(struct mempool *m, uint64_t now_ms)
{
	struct store *s = m->store;
	struct pool_region *p = pool_at(s);
	struct blockref from, tip = chain_tip(s), old;
	struct walk *w = &m->walk;

	if (w->is_under_way && (w->is_stale || !chain_contains(s, tip, w->tip)))
		walk_leave(m);
	if (w->is_under_way)
		return true;
	from.v = atomic_load(&p->settled);
	if (from.v == tip.v && atomic_load(&p->owed[0]) == 0 && !m->is_fresh)
		return false;
	*w = (struct walk){.is_under_way = true, .tip = tip, .fork = chain_fork(s, from, tip), .now_ms = now_ms};
	owed_init(&w->owed, store_seed(s));
	m->has_walked = true;
	m->walks++;
	owe(p, from);
	FAILPOINT("pool.owed");
	atomic_store(&p->settled, tip.v);

	rewind_mined(w);
	w->is_plain = is_plain_extension(m, from);
	w->phase = has_fewer_mined_than_pending(m) ? WALK_TAKE : w->is_plain ? WALK_RECHECK : WALK_SWEEP;
	for (uint32_t i = 0; i < POOL_OWED_MAX && (old.v = atomic_load(&p->owed[i])) != 0; i++)
		collect_branch(m, old);
	if (atomic_load(&p->owed[OWED_PATIENT - 1]) != 0)
		walk_on(m, TO_THE_END);
	return true;
}

bool
mempool_settle_sender(struct mempool *m, const struct pubkey *key, const struct address *who, uint64_t now_ms)
{
	struct walk *w = &m->walk;
	struct owed_sender *sender;
	uint32_t i;

	if (!walk_begin(m, now_ms) || !w->is_under_way)
		return true;
	if (mempool_capacity(m->store) - mempool_count(m->store) <= w->owed.count - w->returned)
		walk_on(m, TO_THE_END);
	if (!w->is_under_way)
		return true;
	i = owed_sender_of(&w->owed, key);
	sender = i == OWED_NONE ? NULL : &w->owed.senders[i];
	if (sender == NULL || sender->is_settled) {
		recheck_once(m, who);
		return !w->is_stale;
	}
	for (i = sender->first; i != OWED_NONE && !w->is_stale; i = w->owed.txs[i].next)
		if (i >= w->returned)
			return_one(m, &w->owed.txs[i]);
	recheck(m, who);
	sender->is_settled = !w->is_stale;
	return !w->is_stale;
}

void
mempool_finish_walk(struct mempool *m)
{
	walk_on(m, TO_THE_END);
}

static bool
tell(struct mempool *m, struct settle_report *report)
{
	bool has_walked = m->has_walked;

	*report = m->report;
	memset(&m->report, 0, sizeof(m->report));
	m->has_walked = false;
	return has_walked;
}

bool
mempool_settle(struct mempool *m, uint64_t now_ms, struct settle_report *report)
{
	/* One that was begun may be of a tip that the chain has left behind. */
	mempool_finish_walk(m);
	if (walk_begin(m, now_ms))
		walk_on(m, TO_THE_END);
	return tell(m, report);
}

bool
mempool_settle_some(struct mempool *m, uint64_t now_ms, uint32_t steps, struct settle_report *report)
{
	bool was_under_way = m->walk.is_under_way;

	memset(report, 0, sizeof(*report));
	if (walk_begin(m, now_ms))
		walk_on(m, steps);
	/* Whoever moved the chain during a walk has rung already, and does not ring again when it is over. */
	if (m->walk.is_under_way ||
	    (was_under_way && atomic_load(&pool_at(m->store)->settled) != chain_tip(m->store).v))
		return false;
	tell(m, report);
	return true;
}
