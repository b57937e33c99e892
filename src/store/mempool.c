/*
 * The pool's rules: what is let in, and what has to leave for it. Slots and chains are in pool_slots.c; how the pool follows
 * the chain is in mempool_settle.c.
 *
 * Admission judges against `settled`, the tip that the pool belongs to, after the sender was brought there, so that whatever
 * it answers "confirmed" to is on a chain that the pool knows to have left when it does.
 *
 * Spendable is the confirmed balance less everything the sender has pending. A transfer whose predecessors are missing
 * waits; up to SEQUENCE_AHEAD sequences ahead of the next one are let in. Only what came from peers makes room for
 * others when the pool is full, and a sender's last that waits for one of the same sender that closes a gap.
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
	owed_clear(&m->walk.owed);
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

void
mempool_drop(struct mempool *m, uint32_t slot)
{
	const struct pool_packed *e = &pool_slots(m->store)[slot].entry;
	struct address sender = e->sender;
	uint64_t sequence = e->sequence;

	pool_remove(m->store, slot);
	sender_remove(m->senders, &sender, sequence);
	m->floor.size = 0;
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

	mempool_drop(m, slot);
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
		 const struct address *who, const struct pool_entry *origin, bool is_returned)
{
	const struct sender *sender;
	uint64_t next, outgoing;
	struct account account;
	struct pool_packed e;

	pool_pack(&e, m->store, tx, id, who);
	e.arrival = UINT64_MAX; /* later than all that are here */
	e.received_ms = origin->received_ms;
	e.from_client = origin->from_client;
	e.is_kept = origin->is_kept;
	sender = sender_find(m->senders, who);
	outgoing = sender == NULL ? 0 : sender->outgoing;
	if (chain_account(m->store, at, who, &account, NULL) != OK)
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
	struct address who = tx_sender(tx);
	struct tx_place place;
	/* Checked by the caller's process, whose word is not enough for sums that must not overflow. */
	enum rule rule = tx_check_form(tx, store_params(s), store_genesis(s));

	if (rule != RULE_OK)
		return refused(rule);
	for (int i = 0; i < ADMIT_TRIES && a.status == ADMISSION_RETRY; i++) {
		struct blockref at;
		uint32_t known;

		if (!mempool_settle_sender(m, &tx->sender_key, &who, now_ms))
			continue;
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
		a = mempool_admit_at(m, at, tx, id, &who, &origin, false);
		/* The chain may have grown during a walk, by what the client has seen already and builds upon. */
		if (a.status == ADMISSION_REFUSED && !blockref_equal(at, chain_tip(s))) {
			mempool_finish_walk(m);
			a.status = ADMISSION_RETRY;
		}
	}
	return a;
}
