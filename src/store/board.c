/*
 * A ring of items, of which a ticket names one for ever: its slot is the ticket's remainder. Taking some is one
 * compare-and-swap of `taken`. An answer carries its ticket, so one that comes late, when the slot holds another item,
 * is nobody's. An item is copied before it is checked, and counts only if its slot was still its own afterwards: the
 * poster says which tickets it is going to write (`reserved`) before it writes.
 */
#include "store/board.h"

#include <string.h>

#include "layout.h"
#include "util/clock.h"
#include "util/failpoint.h"

#define CHUNK 8
#define PATIENCE_US 1000 /* for a chunk that another process has taken: twice what it needs if it is not held up */

/* Never 0, which is what a slot holds that was never answered. */
static uint64_t
answer_of(uint64_t ticket, bool is_good)
{
	return (ticket + 1) << 1 | is_good;
}

/* Read once: a process that was stopped may put an answer to an older ticket in its place at any time. */
static bool
read_answer(const struct board_region *b, uint64_t ticket, bool *is_good)
{
	uint64_t answer = atomic_load_explicit(&b->answers[ticket % BOARD_MAX], memory_order_acquire);

	*is_good = answer & 1;
	return answer >> 1 == ticket + 1;
}

static bool
check(const struct board_item *item)
{
	return key_verify(&item->signature, &item->digest, &item->key) == SIGNATURE_GOOD;
}

/* The ticket's slot belongs to a later one, or soon will. */
static bool
is_lost(const struct board_region *b, uint64_t ticket)
{
	return atomic_load(&b->reserved) > ticket + BOARD_MAX;
}

uint64_t
board_next(const struct store *s)
{
	return atomic_load_explicit(&board_at(s)->posted, memory_order_relaxed);
}

uint64_t
board_post(struct store *s, const struct board_item *items, uint32_t count)
{
	struct board_region *b = board_at(s);
	uint64_t first = board_next(s);

	atomic_store_explicit(&b->reserved, first + count, memory_order_seq_cst);
	for (uint32_t i = 0; i < count; i++)
		b->items[(first + i) % BOARD_MAX] = items[i];
	atomic_store_explicit(&b->posted, first + count, memory_order_release);
	return first;
}

void
board_drop(struct store *s)
{
	struct board_region *b = board_at(s);

	atomic_store(&b->taken, board_next(s));
}

bool
board_work(struct store *s)
{
	struct board_region *b = board_at(s);
	uint64_t from = atomic_load_explicit(&b->taken, memory_order_acquire);
	uint64_t posted = atomic_load_explicit(&b->posted, memory_order_acquire);
	uint64_t end = from + CHUNK < posted ? from + CHUNK : posted;
	struct board_item items[CHUNK];

	if (from >= end)
		return false;
	if (!atomic_compare_exchange_strong(&b->taken, &from, end))
		return true;
	FAILPOINT("board.taken");
	for (uint64_t i = from; i < end; i++)
		items[i - from] = b->items[i % BOARD_MAX];
	atomic_thread_fence(memory_order_acquire);
	for (uint64_t i = from; i < end; i++) {
		bool is_good;

		if (is_lost(b, from))
			return true;
		is_good = check(&items[i - from]);
		if (is_lost(b, i))
			return true;
		atomic_store_explicit(&b->answers[i % BOARD_MAX], answer_of(i, is_good), memory_order_release);
	}
	return true;
}

bool
board_result(struct store *s, uint64_t ticket, const struct board_item *item)
{
	const struct board_region *b = board_at(s);
	uint64_t since = 0;
	bool is_good;

	while (!read_answer(b, ticket, &is_good)) {
		if (board_work(s))
			continue;
		if (since == 0)
			since = clock_mono_us();
		/* Never another's word on other bytes: the answer is to this ticket, or it is our own. */
		if (clock_mono_us() - since >= PATIENCE_US)
			return check(item);
		clock_sleep_us(50);
	}
	return is_good;
}
