/*
 * Transfers go through a ring proper: slots are filled in order, judged in order, and each is freed when its verdict
 * was taken. Blocks, commands and hints are few and use small arrays.
 *
 * Whose a ring is stands in the pool's region, which workers cannot write; everything inside a ring is its worker's to
 * write, so consumers read each number once, check it, and use what they checked.
 *
 * Both sides may die at any point. The worker publishes a slot by its state and then moves tx_head; the pool marks DONE
 * and then moves tx_done, so a new pool process finds at tx_done a slot that is FULL (judge it: a transfer that is in
 * the pool already gets the same verdict) or done with. An orphaned ring is freed when nothing in it is left to do.
 *
 * A command that was taken is BUSY. A consumer that ends in order makes it FULL again, with what was done so far, and its
 * successor goes on; what a new consumer finds BUSY was somebody's who died, who may have done more than he noted, so it is
 * not begun anew but answered with ERR_CLOSED.
 */
#include "store/ring.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "util/mem.h"
#include "util/text.h"

static uint32_t
load(const _Atomic uint32_t *state)
{
	return atomic_load_explicit(state, memory_order_acquire);
}

static void
put(_Atomic uint32_t *state, uint32_t to)
{
	atomic_store_explicit(state, to, memory_order_release);
}

static bool
move(_Atomic uint32_t *state, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(state, &from, to, memory_order_acq_rel, memory_order_acquire);
}

enum err
ring_assign(struct store *s, uint32_t *ring)
{
	for (uint32_t i = 0; i < ring_count(s); i++) {
		struct ring_region *r = ring_at(s, i);
		uint64_t hints, heard;

		if (load(ring_state(s, i)) != RING_FREE)
			continue;
		/* These are counted over all lives, so that the readers' cursors stay right. */
		hints = atomic_load(&r->hint_count);
		heard = atomic_load(&r->heard_count);
		memset(r, 0, sizeof(*r));
		atomic_store(&r->hint_count, hints);
		atomic_store(&r->heard_count, heard);
		put(ring_state(s, i), RING_OWNED);
		*ring = i;
		return OK;
	}
	return ERR_BUSY;
}

void
ring_orphan(struct store *s, uint32_t ring)
{
	struct ring_region *r = ring_at(s, ring);

	for (int i = 0; i < RING_COMMANDS; i++)
		put(&r->commands[i].is_cancelled, 1);
	move(ring_state(s, ring), RING_OWNED, RING_ORPHANED);
}

int
ring_put_tx(struct store *s, uint32_t ring, const uint8_t *bytes, size_t size, bool from_client)
{
	struct ring_region *r = ring_at(s, ring);
	uint64_t head = atomic_load_explicit(&r->tx_head, memory_order_relaxed);
	struct ring_tx *slot = &r->txs[head % RING_TXS];

	if (size > sizeof(slot->bytes) || load(&slot->state) != SLOT_FREE)
		return -1;
	put(&slot->state, SLOT_FILLING);
	put(&slot->is_forgotten, 0);
	slot->size = (uint32_t)size;
	slot->from_client = from_client;
	memcpy(slot->bytes, bytes, size);
	put(&slot->state, SLOT_FULL);
	atomic_store_explicit(&r->tx_head, head + 1, memory_order_release);
	return (int)(head % RING_TXS);
}

bool
ring_take_verdict(struct store *s, uint32_t ring, int slot, struct admission *out)
{
	struct ring_tx *t = &ring_at(s, ring)->txs[slot];

	if (load(&t->state) != SLOT_DONE)
		return false;
	*out = t->verdict;
	put(&t->state, SLOT_FREE);
	return true;
}

void
ring_forget_tx(struct store *s, uint32_t ring, int slot)
{
	struct ring_tx *t = &ring_at(s, ring)->txs[slot];

	put(&t->is_forgotten, 1);
	atomic_thread_fence(memory_order_seq_cst);
	move(&t->state, SLOT_DONE, SLOT_FREE);
}

/* An orphan with nothing left to do is free for the next worker. */
static void
free_if_drained(struct store *s, uint32_t ring)
{
	struct ring_region *r = ring_at(s, ring);

	for (int i = 0; i < RING_COMMANDS; i++) {
		uint32_t state = load(&r->commands[i].state);
		if (state == SLOT_FULL || state == SLOT_BUSY)
			return;
	}
	for (int i = 0; i < RING_BLOCKS; i++)
		if (load(&r->blocks[i].state) == SLOT_FULL)
			return;
	put(ring_state(s, ring), RING_FREE);
}

/*
 * The ring at which the next look starts is another each time. count: of the rings, read once for the whole look, for more
 * may come in the middle of it, and then the turn would come to some of them twice.
 */
static uint32_t
ring_turn(const struct store *s, uint32_t count, uint32_t n)
{
	return (s->next_ring + n) % count;
}

/* What one call of ring_drain has judged and not told yet. */
struct drain {
	size_t max, count;
	struct ring_tx **slots;
	struct admission *verdicts;
	uint64_t done[STORE_RINGS_MAX]; /* how far each ring was looked through */
};

/* Judges what waits in one ring, as far as the batch has room. True: nothing is left in it. */
static bool
judge_ring(struct store *s, uint32_t i, struct drain *d, ring_judge *judge, void *ctx, bool *rang)
{
	struct ring_region *r = ring_at(s, i);
	uint64_t done = atomic_load_explicit(&r->tx_done, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&r->tx_head, memory_order_acquire);

	/* No more can be waiting than there are slots. */
	if (head - done > RING_TXS)
		done = head > RING_TXS ? head - RING_TXS : 0;
	for (; done != head && d->count < d->max; done++) {
		struct ring_tx *t = &r->txs[done % RING_TXS];
		uint32_t state = load(&t->state);

		if (state == SLOT_FULL) {
			size_t size = *(const volatile uint32_t *)&t->size;
			d->verdicts[d->count] =
			    judge(ctx, t->bytes, size <= sizeof(t->bytes) ? size : 0, t->from_client != 0);
			d->slots[d->count++] = t;
		}
		/* Done already: by a predecessor that died before it said so. */
		if (state == SLOT_FULL || state == SLOT_DONE)
			*rang = true;
	}
	d->done[i] = done;
	return done == head;
}

static void
tell(struct ring_tx *t, struct admission verdict)
{
	t->verdict = verdict;
	put(&t->state, SLOT_DONE);
	atomic_thread_fence(memory_order_seq_cst);
	if (load(&t->is_forgotten))
		move(&t->state, SLOT_DONE, SLOT_FREE);
}

size_t
ring_drain(struct store *s, size_t max, ring_judge *judge, ring_seal *seal, void *ctx, bool rang[STORE_RINGS_MAX])
{
	bool is_empty[STORE_RINGS_MAX] = {false}, is_looked[STORE_RINGS_MAX] = {false};
	uint32_t count = ring_count(s);
	size_t all = (size_t)count * RING_TXS;
	struct drain d = {.max = max < all ? max : all};

	d.slots = xmalloc((d.max + 1) * sizeof(struct ring_tx *));
	d.verdicts = xmalloc((d.max + 1) * sizeof(*d.verdicts));
	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = ring_turn(s, count, n);
		if (load(ring_state(s, i)) == RING_FREE)
			continue;
		is_looked[i] = true;
		is_empty[i] = judge_ring(s, i, &d, judge, ctx, &rang[i]);
	}
	if (seal != NULL && d.count > 0)
		seal(ctx, d.verdicts, d.count);
	/* Nobody hears of his verdict before all that it promises is sealed. */
	for (size_t k = 0; k < d.count; k++)
		tell(d.slots[k], d.verdicts[k]);
	for (uint32_t i = 0; i < count; i++) {
		if (!is_looked[i])
			continue;
		atomic_store_explicit(&ring_at(s, i)->tx_done, d.done[i], memory_order_release);
		if (is_empty[i] && load(ring_state(s, i)) == RING_ORPHANED)
			free_if_drained(s, i);
	}
	s->next_ring++;
	free(d.slots);
	free(d.verdicts);
	return d.count;
}

enum err
ring_put_block(struct store *s, uint32_t ring, const char *source, const char *from, enum push_kind kind,
	       const uint8_t *bytes, size_t size)
{
	struct ring_region *r = ring_at(s, ring);

	if (size < HEADER_SIZE)
		return ERR_FORMAT;
	for (int i = 0; i < RING_BLOCKS; i++) {
		struct ring_block *b = &r->blocks[i];

		if (load(&b->state) != SLOT_FREE)
			continue;
		put(&b->state, SLOT_FILLING);
		text_copy(b->block.source, sizeof(b->block.source), source);
		text_copy(b->block.from, sizeof(b->block.from), from);
		b->block.kind = size <= RING_BLOCK_BYTES ? kind : PUSH_HEADER;
		b->number = r->blocks_put++;
		b->block.size = b->block.kind != PUSH_HEADER ? (uint32_t)size : HEADER_SIZE;
		memcpy(b->block.bytes, bytes, b->block.size);
		put(&b->state, SLOT_FULL);
		return OK;
	}
	return ERR_BUSY;
}

uint32_t
ring_blocks_waiting(const struct store *s, const uint8_t header[HEADER_SIZE])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ring_count(s); i++)
		for (int k = 0; k < RING_BLOCKS; k++) {
			const struct ring_block *b = &ring_at(s, i)->blocks[k];
			/* May be torn by its worker; then it is not counted, or not alike. */
			if (load(&b->state) == SLOT_FULL && memcmp(b->block.bytes, header, HEADER_SIZE) == 0)
				count++;
		}
	return count;
}

/* The one that was put first of those that wait; NULL: none does. */
static struct ring_block *
first_block(struct ring_region *r)
{
	struct ring_block *first = NULL;

	for (int k = 0; k < RING_BLOCKS; k++) {
		struct ring_block *b = &r->blocks[k];
		if (load(&b->state) == SLOT_FULL && (first == NULL || b->number < first->number))
			first = b;
	}
	return first;
}

bool
ring_take_block(struct store *s, struct pushed_block *out)
{
	uint32_t count = ring_count(s);

	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = ring_turn(s, count, n);
		struct ring_region *r = ring_at(s, i);
		struct ring_block *b;

		if (load(ring_state(s, i)) == RING_FREE)
			continue;
		if ((b = first_block(r)) == NULL)
			continue;
		memcpy(out, &b->block, offsetof(struct pushed_block, bytes));
		if (out->size > RING_BLOCK_BYTES)
			out->size = 0;
		memcpy(out->bytes, b->block.bytes, out->size);
		out->source[sizeof(out->source) - 1] = '\0';
		out->from[sizeof(out->from) - 1] = '\0';
		put(&b->state, SLOT_FREE);
		s->next_ring++;
		return true;
	}
	return false;
}

int
ring_put_command(struct store *s, uint32_t ring, const struct command *c)
{
	struct ring_region *r = ring_at(s, ring);

	for (int i = 0; i < RING_COMMANDS; i++) {
		struct ring_command *slot = &r->commands[i];

		if (load(&slot->state) != SLOT_FREE)
			continue;
		put(&slot->state, SLOT_FILLING);
		put(&slot->is_cancelled, 0);
		put(&slot->is_forgotten, 0);
		slot->command = *c;
		slot->result.error = OK;
		slot->result.replaced = false;
		slot->result.count = 0;
		put(&slot->state, SLOT_FULL);
		return i;
	}
	return -1;
}

bool
ring_take_result(struct store *s, uint32_t ring, int slot, struct command_result *out)
{
	struct ring_command *c = &ring_at(s, ring)->commands[slot];

	if (load(&c->state) != SLOT_DONE)
		return false;
	*out = c->result;
	put(&c->state, SLOT_FREE);
	return true;
}

void
ring_cancel_command(struct store *s, uint32_t ring, int slot)
{
	put(&ring_at(s, ring)->commands[slot].is_cancelled, 1);
}

void
ring_forget_command(struct store *s, uint32_t ring, int slot)
{
	struct ring_command *c = &ring_at(s, ring)->commands[slot];

	put(&c->is_cancelled, 1);
	put(&c->is_forgotten, 1);
	atomic_thread_fence(memory_order_seq_cst);
	move(&c->state, SLOT_DONE, SLOT_FREE);
}

static struct ring_command *
command_at(const struct store *s, struct command_handle h)
{
	return &ring_at(s, h.ring)->commands[h.slot];
}

/* The first command of these kinds in this state, moved to BUSY. */
static bool
command_claim(struct store *s, uint32_t kinds, uint32_t state, struct command_handle *h, struct command *out)
{
	for (h->ring = 0; h->ring < ring_count(s); h->ring++) {
		if (load(ring_state(s, h->ring)) == RING_FREE)
			continue;
		for (h->slot = 0; h->slot < RING_COMMANDS; h->slot++) {
			struct ring_command *c = command_at(s, *h);

			if (load(&c->state) != state)
				continue;
			*out = *(const volatile struct command *)&c->command;
			if ((unsigned)out->kind < 32 && (kinds & (1u << out->kind)) &&
			    move(&c->state, state, SLOT_BUSY))
				return true;
		}
	}
	return false;
}

bool
command_next(struct store *s, uint32_t kinds, struct command_handle *handle, struct command *out)
{
	return command_claim(s, kinds, SLOT_FULL, handle, out);
}

void
command_recover(struct store *s, uint32_t kinds)
{
	struct command_handle h;
	struct command c;

	while (command_claim(s, kinds, SLOT_BUSY, &h, &c))
		command_finish(s, h, ERR_CLOSED, false);
}

bool
command_is_cancelled(const struct store *s, struct command_handle h)
{
	return load(&command_at(s, h)->is_cancelled) != 0;
}

uint32_t
command_mined_count(const struct store *s, struct command_handle h)
{
	return *(const volatile uint32_t *)&command_at(s, h)->result.count;
}

void
command_mined(struct store *s, struct command_handle h, struct blockref block)
{
	struct command_result *r = &command_at(s, h)->result;
	uint32_t count = command_mined_count(s, h);

	if (count < RING_MINE_MAX) {
		r->blocks[count] = block;
		r->count = count + 1;
	}
}

void
command_hand_back(struct store *s, struct command_handle h)
{
	put(&command_at(s, h)->state, SLOT_FULL);
}

void
command_finish(struct store *s, struct command_handle h, enum err error, bool replaced)
{
	struct ring_command *c = command_at(s, h);

	c->result.error = error;
	c->result.replaced = replaced;
	put(&c->state, SLOT_DONE);
	atomic_thread_fence(memory_order_seq_cst);
	if (load(&c->is_forgotten))
		move(&c->state, SLOT_DONE, SLOT_FREE);
}

void
ring_put_hint(struct store *s, uint32_t ring, const char *address)
{
	struct ring_region *r = ring_at(s, ring);
	uint64_t n = atomic_load_explicit(&r->hint_count, memory_order_relaxed);

	text_copy(r->hints[n % RING_HINTS], RING_ADDRESS_SIZE, address);
	atomic_store_explicit(&r->hint_count, n + 1, memory_order_release);
}

bool
ring_next_hint(const struct store *s, struct hint_cursor *cursor, char address[RING_ADDRESS_SIZE])
{
	for (uint32_t i = 0; i < ring_count(s); i++) {
		const struct ring_region *r = ring_at(s, i);
		uint64_t n = atomic_load_explicit(&r->hint_count, memory_order_acquire);

		if (cursor->seen[i] >= n)
			continue;
		if (n - cursor->seen[i] > RING_HINTS)
			cursor->seen[i] = n - RING_HINTS;
		/* May be torn by a writer that laps us: it is only a hint, and the reader parses it strictly. */
		memcpy(address, r->hints[cursor->seen[i]++ % RING_HINTS], RING_ADDRESS_SIZE);
		address[RING_ADDRESS_SIZE - 1] = '\0';
		return true;
	}
	return false;
}

void
ring_put_heard(struct store *s, uint32_t ring, const struct heard *h)
{
	struct ring_region *r = ring_at(s, ring);
	uint64_t n = atomic_load_explicit(&r->heard_count, memory_order_relaxed);
	struct heard_slot *slot = &r->heard[n % RING_HEARD];

	atomic_store_explicit(&slot->item, h->item, memory_order_relaxed);
	atomic_store_explicit(&slot->peer, h->peer, memory_order_relaxed);
	atomic_store_explicit(&r->heard_count, n + 1, memory_order_release);
}

bool
ring_next_heard(const struct store *s, struct heard_cursor *cursor, struct heard *out)
{
	for (uint32_t i = 0; i < ring_count(s); i++) {
		const struct ring_region *r = ring_at(s, i);
		uint64_t n = atomic_load_explicit(&r->heard_count, memory_order_acquire);
		const struct heard_slot *slot;

		if (cursor->seen[i] >= n)
			continue;
		if (n - cursor->seen[i] > RING_HEARD)
			cursor->seen[i] = n - RING_HEARD;
		/* A writer that laps us may mix two entries: then one item is told too often or one peer hears of it
		 * from others. */
		slot = &r->heard[cursor->seen[i]++ % RING_HEARD];
		out->item = atomic_load_explicit(&slot->item, memory_order_relaxed);
		out->peer = atomic_load_explicit(&slot->peer, memory_order_relaxed);
		return true;
	}
	return false;
}
