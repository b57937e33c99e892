/*
 * A draft is made anew when the tip moves, and when it is some time old: it then takes in news of the pool and the time of
 * day. Each signature is checked once more before its transfer is mined, for the worker that has checked it first is open to
 * the world: what has been found good is remembered by the hash of its bytes, signature and all.
 *
 * After a while without drafts there may be thousands to check, a third of a second of work. So they are checked ahead where
 * there is a thread for it, in the order of their coming; a draft checks itself what it meets unchecked.
 */
#include "miner_draft.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain/pow.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define REFRESH_MS 500	 /* age at which a draft is made anew */
#define SEEN_SLOTS 65536 /* leaves that are remembered: direct-mapped, 2 MiB */
#define FEW 8		 /* are checked in a draft as soon as ahead of it */
#define WALK_MAX 1024	 /* transfers looked at for a piece: a millisecond */

static struct hash256 *
seen_place(struct drafter *by, const struct hash256 *leaf)
{
	uint64_t place;

	memcpy(&place, leaf->b, sizeof(place));
	return &by->seen[place % SEEN_SLOTS];
}

static bool
is_good(const struct store *s, const struct tx *tx)
{
	return tx_check_form(tx, store_params(s), store_genesis(s)) == RULE_OK && tx_check_signature(tx) == RULE_OK;
}

/* Candidates are slots of the pool; what is in one now may not be what was there when they were listed. */
static bool
fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes)
{
	struct drafter *by = ctx;
	struct hash256 leaf, *seen;
	uint32_t size;

	if (!mempool_fetch(by->store, ref, tx, bytes, &size))
		return false;
	leaf = tx_leaf(bytes, size);
	seen = seen_place(by, &leaf);
	if (hash_equal(seen, &leaf))
		return true;
	role_count(by->store, COUNT_SIGNATURES, 1);
	if (!is_good(by->store, tx))
		return false;
	*seen = leaf;
	return true;
}

/* In the spare thread. */
static void
check_ahead(struct spare *s, void *ctx)
{
	struct drafter *by = ctx;

	for (uint32_t i = 0; i < by->ahead_count && spare_is_wanted(s); i++) {
		struct ahead *a = &by->ahead[i];
		struct reader r = reader_of(a->bytes, a->size);
		struct tx tx;

		a->is_good = tx_decode(&tx, &r) == RULE_OK && is_good(by->store, &tx);
	}
}

static void
checked_ahead(void *ctx, bool is_dropped, uint64_t cpu_us)
{
	struct drafter *by = ctx;

	by->is_ahead_out = false;
	role_count(by->store, COUNT_SIGNATURES, by->ahead_count);
	for (uint32_t i = 0; i < by->ahead_count; i++)
		if (by->ahead[i].is_good)
			*seen_place(by, &by->ahead[i].leaf) = by->ahead[i].leaf;
	by->over(by->over_ctx, is_dropped, cpu_us);
}

bool
drafter_is_behind(const struct drafter *by)
{
	return by->is_ahead_out || mempool_last_arrival(by->store) >= by->walked + FEW;
}

bool
drafter_look_ahead(struct drafter *by, struct spare *s, spare_over *over, void *ctx)
{
	struct pool_entry e;

	if (spare_is_out(s))
		return false;
	by->ahead_count = 0;
	for (int i = 0; i < WALK_MAX && by->ahead_count < AHEAD_MAX && mempool_next(by->store, &by->walked, &e); i++) {
		struct ahead *a = &by->ahead[by->ahead_count];

		a->leaf = tx_leaf(e.bytes, e.size);
		if (hash_equal(seen_place(by, &a->leaf), &a->leaf))
			continue;
		a->size = e.size;
		a->is_good = false;
		memcpy(a->bytes, e.bytes, e.size);
		by->ahead_count++;
	}
	by->over = over;
	by->over_ctx = ctx;
	by->is_ahead_out = spare_begin(s, check_ahead, checked_ahead, by);
	return by->is_ahead_out;
}

/* Later than the median of the last blocks, as far as our clock allows; 0: it is too far behind to mine at all. */
static uint64_t
block_time(struct drafter *by, const struct header_state *parent)
{
	uint64_t now = clock_wall_ms(), median = header_state_median_ms(parent);

	if (median > now && median - now >= TIME_AHEAD_MS) {
		if (!by->is_clock_behind)
			log_warn("miner: the clock is %" PRIu64 " s behind the chain: no block until it is set right",
				 (median - now) / 1000);
		by->is_clock_behind = true;
		return 0;
	}
	by->is_clock_behind = false;
	return now > median ? now : median + 1;
}

void
drafter_init(struct drafter *by, struct store *s)
{
	*by = (struct drafter){.store = s};
	by->seen = xcalloc(SEEN_SLOTS, sizeof(*by->seen));
	by->candidates = xcalloc(mempool_capacity(s), sizeof(*by->candidates));
}

void
drafter_clear(struct drafter *by)
{
	free(by->seen);
	free(by->candidates);
}

void
draft_init(struct draft *d)
{
	*d = (struct draft){0};
	buf_init(&d->block);
}

void
draft_clear(struct draft *d)
{
	buf_clear(&d->block);
}

void
draft_drop(struct draft *d)
{
	buf_reset(&d->block);
}

bool
draft_make(struct draft *d, struct drafter *by, const struct address *to, bool may_be_empty)
{
	struct store *s = by->store;
	const struct params *p = store_params(s);
	struct chain_base base = {s, chain_tip(s), OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct ledger *ledger = ledger_new(p, store_genesis(s), &ledger_base);
	uint64_t fees = 0, time_ms;
	struct u256 target;
	struct header h;
	struct buf body;
	size_t count;

	buf_init(&body);
	draft_drop(d);
	d->parent = base.at;
	d->to = *to;
	d->made_ms = clock_mono_ms();
	d->nonce = 0;
	chain_header_state(s, d->parent, &d->parent_state);
	time_ms = block_time(by, &d->parent_state);
	count = mempool_candidates(s, by->candidates, mempool_capacity(s));
	d->transfers = template_fill(&body, &fees, ledger, by->candidates, count,
				     p->max_block_bytes - BLOCK_PREFIX_SIZE - TX_REWARD_SIZE, fetch, by);
	ledger_free(ledger);
	/* With accounts that could not be read (the chain moved) the draft is worth nothing. */
	if (base.failed == OK && time_ms != 0 && (may_be_empty || d->transfers > 0)) {
		template_block(&d->block, &d->parent_state, p, store_genesis(s), to, chain_supply(s, d->parent), fees,
			       &body, d->transfers, time_ms);
		header_decode(&h, (const uint8_t *)d->block.data);
		if (target_expand(&target, h.target))
			d->target = u256_to_hash(&target);
		else
			draft_drop(d);
	}
	buf_clear(&body);
	return d->block.len > 0;
}

bool
draft_is_old(const struct draft *d, const struct store *s, const struct address *to)
{
	if (d->block.len == 0 || !blockref_equal(d->parent, chain_tip(s)) || !address_equal(&d->to, to))
		return true;
	return clock_mono_ms() - d->made_ms >= REFRESH_MS;
}
