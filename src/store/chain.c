/*
 * Reading. Blocks never change once their record is reachable, so all of this works on plain memory; the only atomics
 * are the tip, the tries' slots, and the heads of accounts.
 *
 * Each record has, beside its parent, a jump to an ancestor further down, chosen so that any ancestor is found in O(log
 * height) steps with one extra word a block: skew-binary jumps (E. W. Myers, "An applicative random-access stack",
 * 1983). A block jumps over two equal jumps of its parent and grandparent-by-jump, else to its parent. How far that is
 * follows from its height alone, so whether a jump leads too far is known without a look at where it leads, which in a long
 * chain is in no cache.
 *
 * Account heads follow the current tip. During a swap of branches they are moved one by one, with control->swap odd; a
 * reader that sees it odd, or changed after its look-up, looks again. Versions carry their height: a version above the
 * asked block belongs to a commit not yet published (or to blocks after it) and is passed over.
 */
#include "store/chain.h"

#include <string.h>

#include "layout.h"
#include "records.h"
#include "trie.h"
#include "util/bytes.h"
#include "util/clock.h"

/* A swap moves heads for well under a millisecond a block; a dead writer is repaired by the master within milliseconds.
 */
#define SWAP_PATIENCE_MS 2000

struct blockref
chain_tip(const struct store *s)
{
	return (struct blockref){atomic_load_explicit(&s->control->tip, memory_order_acquire)};
}

struct blockref
chain_genesis(const struct store *s)
{
	return (struct blockref){s->super->genesis_ref};
}

void
chain_block(const struct store *s, struct blockref ref, struct block *out)
{
	const struct block_rec *r = block_at(s, ref.v);

	header_decode(&out->header, r->bytes);
	out->hash = r->hash;
	out->bytes = r->bytes;
	out->size = r->size;
	out->tx_count = block_tx_count(r);
}

uint64_t
chain_height(const struct store *s, struct blockref ref)
{
	return block_at(s, ref.v)->height;
}

const struct hash256 *
chain_hash(const struct store *s, struct blockref ref)
{
	return &block_at(s, ref.v)->hash;
}

struct blockref
chain_parent(const struct store *s, struct blockref ref)
{
	return (struct blockref){unit_offset(block_at(s, ref.v)->parent)};
}

uint64_t
chain_supply(const struct store *s, struct blockref ref)
{
	return block_at(s, ref.v)->supply;
}

void
chain_head(const struct store *s, struct blockref ref, struct head *out)
{
	const struct block_rec *r = block_at(s, ref.v);

	out->hash = r->hash;
	out->work = record_work(r);
	out->height = r->height;
}

void
chain_header_state(const struct store *s, struct blockref ref, struct header_state *out)
{
	const struct block_rec *last = block_at(s, ref.v), *r = last;
	uint64_t times[MEDIAN_SPAN];
	struct u256 work = record_work(last);
	uint32_t count = last->height + 1 < MEDIAN_SPAN ? last->height + 1 : MEDIAN_SPAN;
	struct header h;

	for (uint32_t i = count; i-- > 0;) {
		header_decode(&h, r->bytes);
		times[i] = h.time_ms;
		if (i > 0)
			r = block_at(s, unit_offset(r->parent));
	}
	header_decode(&h, last->bytes);
	header_state_at(out, &h, &last->hash, &work, times, count);
}

/*
 * A height is a sum of numbers 2^k - 1, each the largest that fits into what is left, and a block jumps by the last of them.
 * One jump takes the last away; one step to the parent splits it into two of the next smaller size and a 1, which is the
 * step. So the sum is made once and followed along.
 */
struct blockref
chain_at(const struct store *s, struct blockref tip, uint64_t height)
{
	uint8_t sizes[64]; /* the k of each number; at most two are equal */
	unsigned count = 0;
	uint64_t ref = tip.v, above, left;
	const struct block_rec *r;

	if (ref == 0 || height > block_at(s, ref)->height)
		return (struct blockref){0};
	left = block_at(s, ref)->height;
	above = left - height;
	for (; left > 0 && above > 0; left -= (UINT64_C(1) << sizes[count++]) - 1)
		sizes[count] = (uint8_t)(63 - __builtin_clzll(left + 1));
	while (above > 0) {
		unsigned size = sizes[--count];
		uint64_t length = (UINT64_C(1) << size) - 1;
		r = block_at(s, ref);
		if (length <= above) {
			ref = unit_offset(r->jump);
			above -= length;
		} else {
			ref = unit_offset(r->parent);
			above--;
			sizes[count++] = (uint8_t)(size - 1);
			sizes[count++] = (uint8_t)(size - 1);
		}
	}
	return (struct blockref){ref};
}

bool
chain_contains(const struct store *s, struct blockref tip, struct blockref ref)
{
	return ref.v != 0 && chain_at(s, tip, chain_height(s, ref)).v == ref.v;
}

struct blockref
chain_fork(const struct store *s, struct blockref a, struct blockref b)
{
	uint64_t height = chain_height(s, a);
	const struct block_rec *ra, *rb;

	if (chain_height(s, b) < height)
		height = chain_height(s, b);
	a = chain_at(s, a, height);
	b = chain_at(s, b, height);
	/* At equal heights jumps are equally long, so both sides can take them while they still lead to different
	 * blocks. */
	while (a.v != b.v) {
		ra = block_at(s, a.v);
		rb = block_at(s, b.v);
		if (ra->jump.v != rb->jump.v) {
			a.v = unit_offset(ra->jump);
			b.v = unit_offset(rb->jump);
		} else {
			a = chain_parent(s, a);
			b = chain_parent(s, b);
		}
	}
	return a;
}

size_t
chain_window(const struct store *s, struct blockref tip, uint64_t from, struct blockref *refs, size_t max)
{
	uint64_t height = chain_height(s, tip);
	struct blockref ref;
	size_t count;

	if (from > height || max == 0)
		return 0;
	count = height - from + 1 < max ? (size_t)(height - from + 1) : max;
	ref = chain_at(s, tip, from + count - 1);
	for (size_t i = count; i-- > 0; ref = chain_parent(s, ref))
		refs[i] = ref;
	return count;
}

struct blockref
chain_find_any(const struct store *s, const struct hash256 *hash)
{
	uint64_t leaf = trie_find(s, &s->control->blocks, trie_key(s, hash, sizeof(*hash)));

	struct blockref tip = chain_tip(s), found = {0};

	/* Of two records of a block (see chain_find) the one on the chain is the better answer: what is built on the
	 * other would look like a fork of the chain. */
	for (; leaf != 0; leaf = trie_next(s, leaf)) {
		struct blockref ref = {leaf};
		if (!hash_equal(chain_hash(s, ref), hash))
			continue;
		if (chain_contains(s, tip, ref))
			return ref;
		if (found.v == 0)
			found = ref;
	}
	return found;
}

struct blockref
chain_find(const struct store *s, struct blockref tip, const struct hash256 *hash)
{
	uint64_t leaf = trie_find(s, &s->control->blocks, trie_key(s, hash, sizeof(*hash)));

	/* A block given up by a dead writer and committed again later has two records: the one on the chain counts. */
	for (; leaf != 0; leaf = trie_next(s, leaf)) {
		struct blockref ref = {leaf};
		if (hash_equal(chain_hash(s, ref), hash) && chain_contains(s, tip, ref))
			return ref;
	}
	return (struct blockref){0};
}

bool
chain_find_tx(const struct store *s, struct blockref tip, const struct hash256 *id, struct tx_place *out)
{
	uint64_t leaf = trie_find(s, &s->control->txs, trie_key(s, id, sizeof(*id)));

	for (; leaf != 0; leaf = trie_next(s, leaf)) {
		const struct tx_leaf *t = at(s, leaf);
		struct blockref ref = {leaf + t->distance * sizeof(*t)};
		const struct block_rec *r = block_at(s, ref.v);
		struct reader in = reader_of(r->bytes + t->offset, r->size - t->offset);
		struct hash256 found;
		struct tx tx;

		out->block = ref;
		out->index = block_tx_count(r) - t->distance;
		out->bytes = r->bytes + t->offset;
		out->size = tx_span(&in);
		if (tx_decode(&tx, &in) != RULE_OK)
			continue;
		found = tx_id(&tx);
		if (hash_equal(&found, id) && chain_contains(s, tip, out->block))
			return true;
	}
	return false;
}

static const struct account_leaf *
account_find(const struct store *s, const struct address *who)
{
	uint64_t leaf = trie_find(s, &s->control->accounts, trie_key(s, who, sizeof(*who)));

	for (; leaf != 0; leaf = trie_next(s, leaf)) {
		const struct account_leaf *a = at(s, leaf);
		if (address_equal(&a->address, who))
			return a;
	}
	return NULL;
}

enum err
chain_account(const struct store *s, struct blockref ref, const struct address *who, struct account *out, uint64_t *tag)
{
	uint64_t height = chain_height(s, ref), since = 0, swap, version;
	const struct account_leaf *leaf;
	const struct version_rec *v;
	struct blockref tip;

	for (;;) {
		swap = atomic_load_explicit(&s->control->swap, memory_order_acquire);
		if (swap & 1) {
			if (since == 0)
				since = clock_mono_ms();
			else if (clock_mono_ms() - since > SWAP_PATIENCE_MS)
				return ERR_BUSY;
			clock_sleep_ms(1);
			continue;
		}
		since = 0;
		tip = chain_tip(s);
		if (tip.v != ref.v && !chain_contains(s, tip, ref))
			return ERR_STALE;
		version = 0;
		leaf = account_find(s, who);
		if (leaf != NULL)
			version = unit_load(&leaf->head);
		while (version != 0 && (v = at(s, version))->height > height)
			version = unit_offset(v->prev);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&s->control->swap, memory_order_relaxed) == swap)
			break;
	}
	memset(out, 0, sizeof(*out));
	if (version != 0) {
		v = at(s, version);
		out->balance = v->balance;
		out->sequence = v->sequence;
	}
	if (tag != NULL)
		*tag = version;
	return OK;
}

static void
base_get(void *ctx, const struct address *who, struct account *out, uint64_t *tag)
{
	struct chain_base *b = ctx;
	enum err e = b->failed == OK ? chain_account(b->store, b->at, who, out, tag) : b->failed;

	if (e != OK) {
		b->failed = e;
		memset(out, 0, sizeof(*out));
		*tag = 0;
	}
}

struct ledger_base
chain_base_of(struct chain_base *b)
{
	return (struct ledger_base){base_get, b};
}

bool
chain_matured(const struct store *s, struct blockref parent, struct payout *out)
{
	uint64_t maturity = s->super->params.maturity, height = chain_height(s, parent) + 1;
	struct blockref ref;
	struct block_iter it;
	struct block b;
	struct tx tx;
	enum rule rule;

	if (maturity == 0 || height <= maturity)
		return false;
	ref = chain_at(s, parent, height - maturity);
	chain_block(s, ref, &b);
	it = block_txs(&b);
	if (!block_next(&it, &tx, &rule) || rule != RULE_OK)
		return false;
	out->to = tx.recipient;
	out->value = tx.value;
	return true;
}
