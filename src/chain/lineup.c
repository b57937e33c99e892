/*
 * Each sender's candidates make a row, in order of sequence; rows stand in a heap, by the candidate at the front of
 * each. So a block costs a grouping of all candidates and then only those that are looked at.
 *
 * Which candidate is at the front depends on how far the chain has come with the sender, which is not asked before the
 * row could be the best: until then a row stands where the best of all its candidates would, which is never too far
 * behind.
 *
 * Outsiders choose addresses, and may choose many that begin alike. Grouping is therefore a sort, by the beginning of
 * addresses first, and whatever still stands mixed after that is sorted by the whole.
 */
#include "lineup.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define DIGIT_BITS 11
#define DIGITS 3 /* 33 bits: the first four bytes of an address */

struct sender_row {
	uint64_t fee, arrival; /* of the candidate by which it is ranked */
	uint32_t size;
	uint32_t next, end; /* in order */
	bool is_exact;	    /* that candidate is the one at next, and it is its turn */
};

struct place {
	uint32_t prefix;
	uint32_t candidate;
};

static bool
is_better(uint64_t fee, uint32_t size, uint64_t arrival, uint64_t than_fee, uint32_t than_size, uint64_t than_arrival)
{
	/* fee / size against the other's, without division. */
	unsigned __int128 ours = (unsigned __int128)fee * than_size, theirs = (unsigned __int128)than_fee * size;

	return ours != theirs ? ours > theirs : arrival < than_arrival;
}

static bool
row_is_better(const struct sender_row *a, const struct sender_row *b)
{
	return is_better(a->fee, a->size, a->arrival, b->fee, b->size, b->arrival);
}

static void
row_rank(struct sender_row *row, const struct candidate *c)
{
	row->fee = c->fee;
	row->size = c->size;
	row->arrival = c->arrival;
}

/* Lets the row at place i of the heap sink to where it belongs. */
static void
heap_sink(struct sender_row *heap, size_t count, size_t i)
{
	struct sender_row sinking = heap[i];
	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && row_is_better(&heap[child + 1], &heap[child]))
			child++;
		if (!row_is_better(&heap[child], &sinking))
			break;
		heap[i] = heap[child];
	}
	heap[i] = sinking;
}

/* By sender, then by sequence, then the better one first. */
static int
compare_places(const void *a, const void *b, void *ctx)
{
	const struct candidate *candidates = ctx;
	const struct candidate *x = &candidates[*(const uint32_t *)a], *y = &candidates[*(const uint32_t *)b];
	int sender = memcmp(x->sender.b, y->sender.b, sizeof(x->sender.b));
	if (sender != 0)
		return sender;
	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return is_better(x->fee, x->size, x->arrival, y->fee, y->size, y->arrival) ? -1 : 1;
}

/* Stable, so that what came in order of sequence stays so. */
static void
sort_by_prefix(struct place *places, struct place *spare, size_t count)
{
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		uint32_t starts[1 << DIGIT_BITS] = {0};
		unsigned shift = digit * DIGIT_BITS;
		uint32_t mask = (1u << DIGIT_BITS) - 1, sum = 0;
		for (size_t i = 0; i < count; i++)
			starts[places[i].prefix >> shift & mask]++;
		for (size_t d = 0; d <= mask; d++) {
			uint32_t here = starts[d];
			starts[d] = sum;
			sum += here;
		}
		for (size_t i = 0; i < count; i++)
			spare[starts[places[i].prefix >> shift & mask]++] = places[i];
		struct place *kept = places;
		places = spare;
		spare = kept;
	}
}
_Static_assert(DIGITS % 2 == 1, "the sorted places end in the spare ones");

/* Fills order. */
static void
group_by_sender(struct lineup *l, size_t count)
{
	struct place *places = xcalloc(2 * count, sizeof(*places)), *sorted = places + count;
	for (size_t i = 0; i < count; i++) {
		memcpy(&places[i].prefix, l->candidates[i].sender.b, sizeof(places[i].prefix));
		places[i].candidate = (uint32_t)i;
	}
	sort_by_prefix(places, sorted, count);
	for (size_t i = 0; i < count; i++)
		l->order[i] = sorted[i].candidate;
	for (size_t from = 0, to; from < count; from = to) {
		bool is_sorted = true;
		for (to = from + 1; to < count && sorted[to].prefix == sorted[from].prefix; to++)
			is_sorted =
			    is_sorted && compare_places(&l->order[to - 1], &l->order[to], (void *)l->candidates) < 0;
		if (!is_sorted)
			qsort_r(&l->order[from], to - from, sizeof(*l->order), compare_places, (void *)l->candidates);
	}
	free(places);
}

static const struct candidate *
candidate_at(const struct lineup *l, uint32_t place)
{
	return &l->candidates[l->order[place]];
}

void
lineup_begin(struct lineup *l, const struct candidate *candidates, size_t count)
{
	*l = (struct lineup){.candidates = candidates};
	if (count == 0)
		return;
	l->order = xcalloc(count, sizeof(*l->order));
	l->rows = xcalloc(count, sizeof(*l->rows));
	group_by_sender(l, count);
	for (uint32_t place = 0; place < count; place++) {
		const struct candidate *c = candidate_at(l, place);
		struct sender_row *row = &l->rows[l->row_count - (l->row_count > 0)];
		if (l->row_count == 0 || !address_equal(&c->sender, &candidate_at(l, row->next)->sender)) {
			row = &l->rows[l->row_count++];
			row->next = place;
			row_rank(row, c);
		} else if (is_better(c->fee, c->size, c->arrival, row->fee, row->size, row->arrival)) {
			row_rank(row, c);
		}
		row->end = place + 1;
	}
	for (size_t i = l->row_count / 2; i-- > 0;)
		heap_sink(l->rows, l->row_count, i);
}

void
lineup_end(struct lineup *l)
{
	free(l->order);
	free(l->rows);
}

/* The best row goes on to the first candidate, not before its next one, of that sequence; without one it leaves. */
static void
front_moves_on(struct lineup *l, uint64_t sequence)
{
	struct sender_row *best = &l->rows[0];
	while (best->next < best->end && candidate_at(l, best->next)->sequence < sequence)
		best->next++;
	if (best->next < best->end && candidate_at(l, best->next)->sequence == sequence) {
		row_rank(best, candidate_at(l, best->next));
		best->is_exact = true;
	} else {
		*best = l->rows[--l->row_count];
	}
	if (l->row_count > 0)
		heap_sink(l->rows, l->row_count, 0);
}

const struct candidate *
lineup_next(struct lineup *l, struct ledger *ledger)
{
	while (l->row_count > 0 && !l->rows[0].is_exact) {
		struct account account;
		ledger_get(ledger, &candidate_at(l, l->rows[0].next)->sender, &account);
		front_moves_on(l, account.sequence);
	}
	return l->row_count > 0 ? candidate_at(l, l->rows[0].next) : NULL;
}

void
lineup_taken(struct lineup *l)
{
	front_moves_on(l, candidate_at(l, l->rows[0].next)->sequence + 1);
}

void
lineup_left_out(struct lineup *l)
{
	uint64_t sequence = candidate_at(l, l->rows[0].next++)->sequence;
	front_moves_on(l, sequence);
}
