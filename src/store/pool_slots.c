/*
 * Slots never move. Two hash tables (by id, by sender) chain them by index, and by_arrival has a cell for each of the
 * last arrivals, so that relay and listings can go on from where they were. There are twice as many cells as slots, and
 * an arrival number whose cell still belongs to an older transfer is passed over, so every transfer keeps its cell.
 *
 * pool_region.links is odd while chains change: a reader that found nothing then looks again; one that found something
 * checks the slot itself. A reader looks again so often and no more: while the pool is filled without a pause, a long
 * walk would never come to its end.
 */
#include "pool_slots.h"

#include <stdlib.h>
#include <string.h>

#include "seqslot.h"
#include "trie.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/mem.h"

#define LINK_TRIES 200 /* sleeps of 1 ms once spinning has not helped */
#define SPINS 2000
#define WALKS 100 /* times that a reader walks a chain at most */
/* Whole words: a few bytes of the rest come with it. */
#define HEAD_SIZE ((offsetof(struct pool_packed, rest) + 7) & ~(size_t)7)

static uint32_t
bucket_of(const struct store *s, const void *data, size_t len)
{
	return (uint32_t)trie_key(s, data, len) & (s->super->pool_buckets - 1);
}

static void
links_open(struct pool_region *p)
{
	atomic_store_explicit(&p->links, atomic_load_explicit(&p->links, memory_order_relaxed) | 1,
			      memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

static void
links_close(struct pool_region *p)
{
	atomic_store_explicit(&p->links, (atomic_load_explicit(&p->links, memory_order_relaxed) | 1) + 1,
			      memory_order_release);
}

static uint64_t
arrival_span(const struct store *s)
{
	return (uint64_t)s->super->pool_max * 2;
}

static _Atomic uint32_t *
arrival_cell(const struct store *s, uint64_t arrival)
{
	return pool_by_arrival(s) + arrival % arrival_span(s);
}

/* The cell of this number belongs to a transfer that is still here: it stayed while span others came. */
static bool
is_cell_taken(const struct store *s, uint64_t arrival)
{
	uint32_t i = atomic_load_explicit(arrival_cell(s, arrival), memory_order_relaxed);
	const struct pool_slot *slot = &pool_slots(s)[i];

	return i != POOL_NONE && atomic_load_explicit(&slot->is_used, memory_order_relaxed) &&
	       slot->entry.arrival % arrival_span(s) == arrival % arrival_span(s);
}

static void
link_slot(struct store *s, uint32_t slot)
{
	struct pool_slot *p = &pool_slots(s)[slot];
	_Atomic uint32_t *by_id = pool_by_id(s) + bucket_of(s, &p->entry.id, sizeof(p->entry.id));
	_Atomic uint32_t *by_sender = pool_by_sender(s) + bucket_of(s, &p->entry.sender, sizeof(p->entry.sender));

	atomic_store_explicit(&p->next_id, atomic_load(by_id), memory_order_relaxed);
	atomic_store_explicit(by_id, slot, memory_order_release);
	uint32_t next = atomic_load(by_sender);
	atomic_store_explicit(&p->next_sender, next, memory_order_relaxed);
	p->before_sender = POOL_NONE;
	if (next != POOL_NONE)
		pool_slots(s)[next].before_sender = slot;
	atomic_store_explicit(by_sender, slot, memory_order_release);
	atomic_store_explicit(arrival_cell(s, p->entry.arrival), slot, memory_order_release);
}

static void
unlink_id(struct store *s, uint32_t slot)
{
	struct pool_slot *slots = pool_slots(s), *p = &slots[slot];
	_Atomic uint32_t *link = pool_by_id(s) + bucket_of(s, &p->entry.id, sizeof(p->entry.id));

	while (atomic_load(link) != slot)
		link = &slots[atomic_load(link)].next_id;
	atomic_store_explicit(link, atomic_load(&p->next_id), memory_order_release);
}

/* Without a walk: whoever has thousands pending has them mined by the thousand. */
static void
unlink_sender(struct store *s, uint32_t slot)
{
	struct pool_slot *slots = pool_slots(s), *p = &slots[slot];
	uint32_t next = atomic_load(&p->next_sender), before = p->before_sender;
	_Atomic uint32_t *link = before == POOL_NONE
				     ? pool_by_sender(s) + bucket_of(s, &p->entry.sender, sizeof(p->entry.sender))
				     : &slots[before].next_sender;

	if (next != POOL_NONE)
		slots[next].before_sender = before;
	atomic_store_explicit(link, next, memory_order_release);
}

static void
clear(_Atomic uint32_t *links, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		atomic_store_explicit(&links[i], POOL_NONE, memory_order_relaxed);
}

static void
chains_clear(struct store *s)
{
	clear(pool_by_id(s), (uint64_t)s->super->pool_buckets * 2); /* by_sender follows it */
	pool_at(s)->free = POOL_NONE;
}

void
pool_links_reset(struct store *s)
{
	struct pool_region *p = pool_at(s);

	links_open(p);
	clear(pool_by_arrival(s), arrival_span(s));
	chains_clear(s);
	atomic_store(&p->next_unused, 0);
	atomic_store(&p->count, 0);
	atomic_store(&p->waiting, 0);
	atomic_store(&p->bytes, 0);
	links_close(p);
}

void
pool_relink(struct store *s)
{
	struct pool_region *p = pool_at(s);
	uint64_t last = atomic_load(&p->arrivals), bytes = 0;
	uint32_t count = 0, waiting = 0;

	for (uint32_t i = 0; i < POOL_GONE_MAX; i++)
		if (atomic_load(&p->gone[i].seq) & 1) {
			seqslot_wipe(&p->gone[i].id, sizeof(p->gone[i].id));
			seqslot_close(&p->gone[i].seq);
		}
	/*
	 * Odd from here to the end: in between, readers would find the chains empty. Who walks by arrival does not look at
	 * that number, so those cells stay: what they name is checked by whoever follows them.
	 */
	links_open(p);
	chains_clear(s);
	FAILPOINT("pool.relinking");
	for (uint32_t i = 0; i < pool_slots_used(s); i++) {
		struct pool_slot *slot = &pool_slots(s)[i];

		if (atomic_load(&slot->seq) & 1) {
			atomic_store(&slot->is_used, 0);
			seqslot_wipe(&slot->entry, sizeof(slot->entry));
			seqslot_close(&slot->seq);
		}
		if (atomic_load(&slot->is_used)) {
			link_slot(s, i);
			count++;
			waiting += slot->entry.is_waiting;
			bytes += slot->entry.size;
			if (slot->entry.arrival > last)
				last = slot->entry.arrival;
		} else {
			atomic_store(&slot->next_id, p->free);
			p->free = i;
		}
	}
	atomic_store(&p->arrivals, last);
	atomic_store(&p->count, count);
	atomic_store(&p->waiting, waiting);
	atomic_store(&p->bytes, bytes);
	links_close(p);
}

/* What a transfer adds to, or takes off, the pool's figures. */
static void
weigh(struct pool_region *p, const struct pool_packed *e, bool is_in)
{
	atomic_fetch_add(&p->count, is_in ? 1 : UINT32_MAX);
	atomic_fetch_add(&p->bytes, is_in ? e->size : -(uint64_t)e->size);
	if (e->is_waiting)
		atomic_fetch_add(&p->waiting, is_in ? 1 : UINT32_MAX);
}

uint32_t
pool_insert(struct store *s, struct pool_packed *e)
{
	struct pool_region *p = pool_at(s);
	struct pool_slot *slot;
	uint32_t i = p->free;

	if (i == POOL_NONE && pool_slots_used(s) < s->super->pool_max)
		i = pool_slots_used(s);
	if (i == POOL_NONE)
		return POOL_NONE;
	slot = &pool_slots(s)[i];
	links_open(p);
	if (i == p->free)
		p->free = atomic_load(&slot->next_id);
	else
		atomic_fetch_add(&p->next_unused, 1);
	e->arrival = atomic_load(&p->arrivals) + 1;
	while (is_cell_taken(s, e->arrival))
		e->arrival++;
	seqslot_open(&slot->seq);
	seqslot_write(&slot->entry, e, sizeof(*e));
	FAILPOINT("pool.half-written");
	atomic_store_explicit(&slot->is_used, 1, memory_order_relaxed);
	seqslot_close(&slot->seq);
	FAILPOINT("pool.before-link");
	link_slot(s, i);
	weigh(p, e, true);
	links_close(p);
	atomic_store_explicit(&p->arrivals, e->arrival, memory_order_release);
	FAILPOINT("pool.inserted");
	return i;
}

void
pool_remove(struct store *s, uint32_t i)
{
	struct pool_region *p = pool_at(s);
	struct pool_slot *slot = &pool_slots(s)[i];

	links_open(p);
	unlink_id(s, i);
	unlink_sender(s, i);
	FAILPOINT("pool.unlinked");
	seqslot_open(&slot->seq);
	atomic_store_explicit(&slot->is_used, 0, memory_order_relaxed);
	seqslot_close(&slot->seq);
	atomic_store(&slot->next_id, p->free);
	p->free = i;
	weigh(p, &slot->entry, false);
	links_close(p);
}

/*
 * Flags change in place, one byte each, without opening the slot: a reader sees the old one or the new one, and a death
 * in between costs nothing. An opened slot would be emptied by the next pool process, and a promised transfer with it.
 */
static void
set_flag(bool *flag, bool to)
{
	__atomic_store_n(flag, to, __ATOMIC_RELAXED);
}

void
pool_set_waiting(struct store *s, uint32_t i, bool is_waiting)
{
	bool *flag = &pool_slots(s)[i].entry.is_waiting;

	if (*flag != is_waiting)
		atomic_fetch_add(&pool_at(s)->waiting, is_waiting ? 1 : UINT32_MAX);
	set_flag(flag, is_waiting);
}

void
pool_set_kept(struct store *s, uint32_t i, bool is_kept)
{
	set_flag(&pool_slots(s)[i].entry.is_kept, is_kept);
}

void
pool_set_from_client(struct store *s, uint32_t i)
{
	set_flag(&pool_slots(s)[i].entry.from_client, true);
}

uint32_t
pool_slot_of(const struct store *s, const struct hash256 *id)
{
	uint32_t i = atomic_load(pool_by_id(s) + bucket_of(s, id, sizeof(*id)));

	while (i != POOL_NONE && !hash_equal(&pool_slots(s)[i].entry.id, id))
		i = atomic_load(&pool_slots(s)[i].next_id);
	return i;
}

bool
pool_has_unkept(const struct store *s)
{
	const struct pool_slot *slots = pool_slots(s);

	for (uint32_t i = 0; s->pool_log != NULL && i < pool_slots_used(s); i++)
		if (atomic_load_explicit(&slots[i].is_used, memory_order_relaxed) && !slots[i].entry.is_kept)
			return true;
	return false;
}

void
pool_mark_gone(struct store *s, const struct hash256 *id, enum rule rule, uint64_t height)
{
	struct pool_region *p = pool_at(s);
	struct gone_slot *g = &p->gone[atomic_load(&p->gone_count) % POOL_GONE_MAX];

	seqslot_open(&g->seq);
	seqslot_write(&g->id, id, sizeof(*id));
	__atomic_store_n(&g->rule, (uint32_t)rule, __ATOMIC_RELAXED);
	__atomic_store_n(&g->height, height, __ATOMIC_RELAXED);
	FAILPOINT("pool.half-gone");
	seqslot_close(&g->seq);
	atomic_fetch_add(&p->gone_count, 1);
}

/* Readers. */

static bool
slot_read(const struct store *s, uint32_t i, struct pool_packed *out)
{
	const struct pool_slot *slot = pool_slots(s) + (i < s->super->pool_max ? i : 0);

	return i < s->super->pool_max && seqslot_read(&slot->seq, &slot->is_used, out, &slot->entry, sizeof(*out)) &&
	       out->size >= TX_TRANSFER_SIZE(0) && out->size <= TX_SIZE_MAX;
}

/* All but the rest of the transfer, for who walks over many. */
static bool
slot_read_head(const struct store *s, uint32_t i, struct pool_packed *out)
{
	const struct pool_slot *slot = &pool_slots(s)[i];

	return seqslot_read(&slot->seq, &slot->is_used, out, &slot->entry, HEAD_SIZE);
}

/* Waits until the chains stand still; false when they have not for long (the pool process died half-way): go on as they
 * are. */
static bool
links_wait(const struct store *s, uint64_t *links)
{
	for (int i = 0; i < SPINS + LINK_TRIES; i++) {
		*links = atomic_load_explicit(&pool_at(s)->links, memory_order_acquire);
		if (!(*links & 1))
			return true;
		if (i >= SPINS)
			clock_sleep_ms(1);
	}
	return false;
}

static bool
links_moved(const struct store *s, uint64_t links)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&pool_at(s)->links, memory_order_relaxed) != links;
}

uint32_t
mempool_count(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->count, memory_order_relaxed);
}

uint64_t
mempool_bytes(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->bytes, memory_order_relaxed);
}

uint32_t
mempool_waiting(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->waiting, memory_order_relaxed);
}

uint32_t
mempool_capacity(const struct store *s)
{
	return s->super->pool_max;
}

uint64_t
mempool_last_arrival(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->arrivals, memory_order_acquire);
}

bool
mempool_find(const struct store *s, const struct hash256 *id, struct pool_entry *out)
{
	const struct pool_slot *slots = pool_slots(s);
	uint32_t bucket = bucket_of(s, id, sizeof(*id));
	struct pool_packed p;
	bool still = true;
	uint64_t links;

	for (int walk = 0; still && walk < WALKS; walk++) {
		still = links_wait(s, &links);
		uint32_t i = atomic_load_explicit(pool_by_id(s) + bucket, memory_order_acquire);
		for (uint32_t steps = 0; i < s->super->pool_max && steps < s->super->pool_max; steps++) {
			if (slot_read_head(s, i, &p) && hash_equal(&p.id, id) && slot_read(s, i, &p) &&
			    hash_equal(&p.id, id)) {
				pool_unpack(out, s, &p);
				return true;
			}
			i = atomic_load_explicit(&slots[i].next_id, memory_order_acquire);
		}
		if (!links_moved(s, links))
			break;
	}
	return false;
}

bool
mempool_has_bytes(const struct store *s, const struct hash256 *id, const uint8_t *bytes, size_t len)
{
	struct pool_entry e;

	return mempool_count(s) > 0 && mempool_find(s, id, &e) && e.size == len && memcmp(e.bytes, bytes, len) == 0;
}

bool
mempool_next(const struct store *s, uint64_t *arrival, struct pool_entry *out)
{
	uint64_t last = mempool_last_arrival(s), span = arrival_span(s);
	struct pool_packed p;

	if (*arrival == 0)
		*arrival = 1;
	if (last >= span && *arrival <= last - span)
		*arrival = last - span + 1;
	while (*arrival <= last) {
		uint64_t a = (*arrival)++;
		uint32_t i = atomic_load_explicit(arrival_cell(s, a), memory_order_acquire);
		if (slot_read(s, i, &p) && p.arrival <= a && p.arrival % span == a % span) {
			pool_unpack(out, s, &p);
			out->arrival = a;
			return true;
		}
	}
	return false;
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void
mempool_sender(const struct store *s, const struct address *who, uint64_t confirmed_sequence, struct pool_sender *out)
{
	const struct pool_slot *slots = pool_slots(s);
	uint32_t bucket = bucket_of(s, who, sizeof(*who)), count = 0, room = 0;
	uint64_t *sequences = NULL, links;
	struct pool_packed e;
	bool still = true;

	for (int walk = 0; still && walk < WALKS; walk++) {
		still = links_wait(s, &links);
		memset(out, 0, sizeof(*out));
		count = 0;
		uint32_t i = atomic_load_explicit(pool_by_sender(s) + bucket, memory_order_acquire);
		for (uint32_t steps = 0; i < s->super->pool_max && steps < s->super->pool_max; steps++) {
			if (slot_read_head(s, i, &e) && address_equal(&e.sender, who)) {
				if (count == room) {
					room = room == 0 ? 64 : room * 2;
					sequences = xrealloc(sequences, room * sizeof(*sequences));
				}
				out->outgoing += e.value + e.fee;
				sequences[count++] = e.sequence;
			}
			i = atomic_load_explicit(&slots[i].next_sender, memory_order_acquire);
		}
		if (!links_moved(s, links))
			break;
	}
	if (count > 0)
		qsort(sequences, count, sizeof(*sequences), compare_u64);
	out->count = count;
	out->next_sequence = confirmed_sequence;
	for (uint32_t i = 0; i < count; i++)
		if (sequences[i] == out->next_sequence)
			out->next_sequence++;
	free(sequences);
}

size_t
mempool_candidates(const struct store *s, struct candidate *out, size_t max)
{
	struct pool_packed e;
	size_t count = 0;

	for (uint32_t i = 0; i < pool_slots_used(s) && count < max; i++) {
		if (!atomic_load_explicit(&pool_slots(s)[i].is_used, memory_order_relaxed) || !slot_read_head(s, i, &e))
			continue;
		out[count++] = (struct candidate){.sender = e.sender,
						  .sequence = e.sequence,
						  .fee = e.fee,
						  .arrival = e.arrival,
						  .size = e.size,
						  .ref = i};
	}
	return count;
}

bool
mempool_fetch(const struct store *s, uint32_t ref, struct tx *tx, uint8_t bytes[TX_SIZE_MAX], uint32_t *size)
{
	struct pool_packed e;
	struct reader r;

	if (!slot_read(s, ref, &e))
		return false;
	pool_unpack_bytes(bytes, s, &e);
	*size = e.size;
	r = reader_of(bytes, e.size);
	return tx_decode(tx, &r) == RULE_OK;
}

/* False: it was emptied, or never written. */
static bool
gone_read(const struct gone_slot *slot, struct hash256 *id, struct pool_gone *out)
{
	struct gone_slot g;

	if (!seqslot_read(&slot->seq, NULL, &g, slot, sizeof(g)) || hash_is_zero(&g.id))
		return false;
	*id = g.id;
	out->rule = g.rule < RULE_COUNT ? (enum rule)g.rule : RULE_OK;
	out->height = g.height;
	return true;
}

bool
mempool_gone(const struct store *s, const struct hash256 *id, struct pool_gone *out)
{
	const struct pool_region *p = pool_at(s);
	uint64_t count = mempool_gone_count(s);
	struct hash256 found;

	/* The newest first: what went twice has its last reason. */
	for (uint64_t n = 1; n <= POOL_GONE_MAX && n <= count; n++)
		if (gone_read(&p->gone[(count - n) % POOL_GONE_MAX], &found, out) && hash_equal(&found, id))
			return true;
	return false;
}

uint64_t
mempool_gone_count(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->gone_count, memory_order_acquire);
}

bool
mempool_next_gone(const struct store *s, uint64_t *number, struct hash256 *id, struct pool_gone *out)
{
	const struct pool_region *p = pool_at(s);
	uint64_t count;

	while (*number < (count = mempool_gone_count(s))) {
		/* The oldest slot may be in the writer's hands: what it is about to hold comes at the end. */
		if (count - *number >= POOL_GONE_MAX)
			*number = count - POOL_GONE_MAX + 1;
		uint64_t n = (*number)++;
		if (gone_read(&p->gone[n % POOL_GONE_MAX], id, out) && mempool_gone_count(s) - n < POOL_GONE_MAX)
			return true;
	}
	return false;
}
