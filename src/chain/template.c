/*
 * Filling a block. Candidates stand in a heap, the best one (highest fee per byte, then first come) at its root, so
 * that a block costs the candidates it looks at and not a sort of all. One that comes out before its predecessor is
 * parked with its sender, by sequence; as it outranks all that are still in the heap, it follows at once when its
 * predecessor is taken. When a predecessor is left out, its successors stay parked: none is ever tried out of sequence.
 */
#include "chain/template.h"

#include <stdbool.h>
#include <stdlib.h>

#include "chain/addrmap.h"
#include "chain/merkle.h"
#include "chain/pow.h"
#include "util/bytes.h"
#include "util/mem.h"

/* When so many in a row did not fit, the gap at the end of the block is not worth the search. */
#define MISFITS_MAX 1000

#define NONE UINT32_MAX

/* Candidates that came out of the heap ahead of their predecessors: lists by sequence, one for each sender. */
struct parking {
	struct addrmap senders;
	uint32_t *first; /* by sender's number: its parked candidate with the lowest sequence, or NONE */
	uint32_t cap;
	uint32_t *next; /* by candidate: the sender's next one, or NONE */
};

struct filling {
	struct buf *body;
	uint64_t fees;
	struct ledger *ledger;
	struct candidate *candidates; /* a heap of left, then those that came out */
	size_t left;
	size_t room;
	uint32_t taken;
	struct parking parking;
	template_fetch *fetch;
	void *ctx;
};

static bool
candidate_is_better(const struct candidate *a, const struct candidate *b)
{
	/* a.fee / a.size against b.fee / b.size, without division. */
	unsigned __int128 for_a = (unsigned __int128)a->fee * b->size;
	unsigned __int128 for_b = (unsigned __int128)b->fee * a->size;
	return for_a != for_b ? for_a > for_b : a->arrival < b->arrival;
}

/* Lets the candidate at place i of the heap sink to where it belongs. */
static void
heap_sink(struct candidate *heap, size_t count, size_t i)
{
	struct candidate sinking = heap[i];
	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && candidate_is_better(&heap[child + 1], &heap[child]))
			child++;
		if (!candidate_is_better(&heap[child], &sinking))
			break;
		heap[i] = heap[child];
	}
	heap[i] = sinking;
}

static void
heap_make(struct candidate *heap, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		heap_sink(heap, count, i);
}

/* The best one leaves the heap for the place that becomes free behind it, where it stays. Returns that place. */
static uint32_t
heap_pop(struct candidate *heap, size_t *count)
{
	size_t place = --*count;
	struct candidate best = heap[0];
	heap[0] = heap[place];
	heap[place] = best;
	heap_sink(heap, place, 0);
	return (uint32_t)place;
}

/* Where the list of who starts. */
static uint32_t *
parking_list(struct parking *p, const struct address *who)
{
	uint32_t known = p->senders.count;
	uint32_t number = addrmap_number(&p->senders, who);
	if (number == known) {
		if (number == p->cap) {
			p->cap = p->cap ? 2 * p->cap : 64;
			p->first = xrealloc(p->first, p->cap * sizeof(*p->first));
		}
		p->first[number] = NONE;
	}
	return &p->first[number];
}

/* A pool holds about SEQUENCE_AHEAD candidates of a sender at most, so the list is searched. */
static void
park(struct filling *f, uint32_t place)
{
	const struct candidate *c = &f->candidates[place];
	uint32_t *link = parking_list(&f->parking, &c->sender);
	while (*link != NONE && f->candidates[*link].sequence <= c->sequence)
		link = &f->parking.next[*link];
	f->parking.next[place] = *link;
	*link = place;
}

/* The next parked candidate of the sender leaves, if its sequence is below limit; else NONE. */
static uint32_t
unpark(struct filling *f, const struct address *sender, uint64_t limit)
{
	if (f->parking.senders.count == 0)
		return NONE;
	uint32_t *first = parking_list(&f->parking, sender);
	uint32_t place = *first;
	if (place == NONE || f->candidates[place].sequence >= limit)
		return NONE;
	*first = f->parking.next[place];
	return place;
}

/* Takes a candidate whose turn it is; false leaves it out. */
static bool
take(struct filling *f, const struct candidate *c)
{
	struct tx tx;
	uint8_t bytes[TX_SIZE_MAX];
	if (!f->fetch(f->ctx, c->ref, &tx, bytes))
		return false;
	size_t size = tx_size(&tx);
	if (size > f->room || ledger_apply_transfer(f->ledger, &tx) != RULE_OK)
		return false;
	buf_append(f->body, bytes, size);
	f->fees += tx.fee;
	f->room -= size;
	f->taken++;
	return true;
}

/* Looks at the candidate that came out, and at those that waited for it. */
static void
consider(struct filling *f, uint32_t place)
{
	struct address sender = f->candidates[place].sender;
	struct account account;
	ledger_get(f->ledger, &sender, &account);
	if (f->candidates[place].sequence > account.sequence) {
		park(f, place);
		return;
	}
	/* The chain may have a sequence already that the pool still offers: it is passed over, not an obstacle. */
	while (place != NONE) {
		const struct candidate *c = &f->candidates[place];
		if (c->sequence == account.sequence && c->size <= f->room && take(f, c))
			account.sequence++;
		place = unpark(f, &sender, account.sequence + 1);
	}
}

uint32_t
template_fill(struct buf *body, uint64_t *fees, struct ledger *l, struct candidate *candidates, size_t count,
	      size_t room, template_fetch *fetch, void *ctx)
{
	struct filling f = {
	    .body = body,
	    .ledger = l,
	    .candidates = candidates,
	    .left = count,
	    .room = room,
	    .parking.next = count ? xcalloc(count, sizeof(uint32_t)) : NULL,
	    .fetch = fetch,
	    .ctx = ctx,
	};
	addrmap_init(&f.parking.senders);
	heap_make(candidates, count);
	unsigned misfits = 0;
	while (f.left > 0 && f.room >= TX_TRANSFER_SIZE(0) && misfits < MISFITS_MAX) {
		uint32_t place = heap_pop(candidates, &f.left);
		if (candidates[place].size > f.room) {
			misfits++;
			continue;
		}
		misfits = 0;
		consider(&f, place);
	}
	addrmap_clear(&f.parking.senders);
	free(f.parking.first);
	free(f.parking.next);
	*fees = f.fees;
	return f.taken;
}

void
template_block(struct buf *out, const struct header_state *parent, const struct params *p,
	       const struct hash256 *network, const struct address *to, uint64_t supply_before, uint64_t fees,
	       const struct buf *body, uint32_t count, uint64_t time_ms)
{
	struct header h = {
	    .version = BLOCK_VERSION,
	    .previous = parent->hash,
	    .time_ms = time_ms,
	    .target = target_next(p, parent->header.height, parent->header.target, parent->header.time_ms, time_ms),
	    .height = parent->header.height + 1,
	};
	struct tx reward = {
	    .version = TX_REWARD,
	    .network = *network,
	    .recipient = *to,
	    .value = ledger_subsidy(p, supply_before) + fees,
	    .sequence = h.height,
	};
	uint8_t reward_bytes[TX_REWARD_SIZE];
	struct writer w = writer_of(reward_bytes, sizeof(reward_bytes));
	tx_encode(&w, &reward);

	struct merkle tree;
	merkle_init(&tree);
	struct hash256 leaf = tx_leaf(reward_bytes, sizeof(reward_bytes));
	merkle_add(&tree, &leaf);
	struct reader r = reader_of(body->data, body->len);
	for (uint32_t i = 0; i < count; i++) {
		size_t span = tx_span(&r);
		leaf = tx_leaf(get_span(&r, span), span);
		merkle_add(&tree, &leaf);
	}
	h.merkle_root = merkle_top(&tree);

	buf_reset(out);
	block_begin(out, &h, count + 1);
	buf_append(out, reward_bytes, sizeof(reward_bytes));
	if (body->len > 0)
		buf_append(out, body->data, body->len);
}
