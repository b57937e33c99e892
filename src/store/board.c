/*
 * One word says which batch is on the board, how many items it has, and how many of them are taken; taking some is one
 * compare-and-swap of it. An answer carries the number of its batch, so one that comes late, when the board holds other
 * items, is nobody's; and an item is copied before it is checked and counts only if the batch was still the same
 * afterwards.
 */
#include "store/board.h"

#include <string.h>

#include "layout.h"
#include "util/clock.h"
#include "util/failpoint.h"

#define CHUNK 8
#define PATIENCE_US 1000 /* for a chunk that another process has taken: twice what it needs if it is not held up */
#define FIELD_BITS 16
#define FIELD_MASK ((UINT64_C(1) << FIELD_BITS) - 1)
_Static_assert(BOARD_MAX + CHUNK <= FIELD_MASK, "counts fit their fields");

static uint64_t
word_of(uint64_t batch, uint32_t count, uint32_t taken)
{
	return batch << (2 * FIELD_BITS) | (uint64_t)count << FIELD_BITS | taken;
}

static uint64_t
word_batch(uint64_t word)
{
	return word >> (2 * FIELD_BITS);
}

static uint32_t
word_count(uint64_t word)
{
	return (uint32_t)(word >> FIELD_BITS & FIELD_MASK);
}

static uint32_t
word_taken(uint64_t word)
{
	return (uint32_t)(word & FIELD_MASK);
}

/* An answer: the low half of the batch's number, and whether the signature is good. */
static uint32_t
answer_of(uint64_t batch, bool is_good)
{
	return (uint32_t)(batch & 0x7fffffff) << 1 | is_good;
}

/* Read once: a process that was stopped may put an answer for an older batch in its place at any time. */
static bool
read_answer(const struct board_region *b, uint32_t i, uint64_t batch, bool *is_good)
{
	uint32_t answer = atomic_load_explicit(&b->answers[i], memory_order_acquire);

	*is_good = answer & 1;
	return answer >> 1 == answer_of(batch, false) >> 1;
}

static bool
check(const struct board_item *item)
{
	return key_verify(&item->signature, &item->digest, &item->key) == SIGNATURE_GOOD;
}

void
board_post(struct store *s, const struct board_item *items, uint32_t count)
{
	struct board_region *b = board_at(s);
	uint64_t batch = word_batch(atomic_load(&b->word)) + 1;

	/* Nothing can be taken while items change. */
	atomic_store_explicit(&b->word, word_of(batch, 0, 0), memory_order_seq_cst);
	memcpy(b->items, items, count * sizeof(*items));
	atomic_store_explicit(&b->word, word_of(batch, count, 0), memory_order_release);
}

bool
board_work(struct store *s)
{
	struct board_region *b = board_at(s);
	uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire), batch = word_batch(word);
	uint32_t from = word_taken(word), end = from + CHUNK < word_count(word) ? from + CHUNK : word_count(word);
	struct board_item items[CHUNK];

	if (from >= end)
		return false;
	if (!atomic_compare_exchange_strong(&b->word, &word, word_of(batch, word_count(word), end)))
		return true;
	FAILPOINT("board.taken");
	memcpy(items, &b->items[from], (end - from) * sizeof(items[0]));
	atomic_thread_fence(memory_order_acquire);
	for (uint32_t i = from; i < end; i++) {
		bool is_good = check(&items[i - from]);
		if (word_batch(atomic_load(&b->word)) != batch)
			return true;
		atomic_store_explicit(&b->answers[i], answer_of(batch, is_good), memory_order_release);
	}
	return true;
}

void
board_finish(struct store *s, const struct board_item *items, uint32_t count, bool *is_good)
{
	struct board_region *b = board_at(s);
	uint64_t batch = word_batch(atomic_load(&b->word)), since;

	while (board_work(s))
		;
	since = clock_mono_us();
	for (uint32_t i = 0; i < count; i++) {
		bool is_answered;
		while (!(is_answered = read_answer(b, i, batch, &is_good[i])) && clock_mono_us() - since < PATIENCE_US)
			clock_sleep_us(50);
		/* Never another's word on other bytes: the answer is for what was posted, or it is our own. */
		if (!is_answered)
			is_good[i] = check(&items[i]);
	}
}
