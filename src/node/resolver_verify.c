/*
 * Signatures are what takes the time when bodies come in. Those of a whole reply are put on the board at once, and checked
 * by the verifiers and by us, before the first body is judged; the ledger then only asks whether a transfer was among the
 * good ones. Known by the hash of its bytes, signature and all, and never by its id: two transfers may share that and
 * differ in their signatures.
 */
#include <stdlib.h>
#include <string.h>

#include "resolver.h"
#include "store/board.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/mem.h"
#include "wire/peer_msg.h"

#define SLOTS (1u << 17) /* at least twice what a reply can hold */
#define PROBES 8 /* bounded, whoever chose the bytes; what finds no room is checked again when it is asked for */
_Static_assert(SLOTS >= 2 * (BLOCKS_BYTES_MAX + BLOCK_BYTES_LIMIT) / TX_TRANSFER_SIZE(0), "room for a reply");

struct checked {
	struct hash256 slots[SLOTS]; /* leaves whose signatures are good, of the last reply; zeros: free */
	bool is_empty;
	struct board_item items[BOARD_MAX];
	struct hash256 leaves[BOARD_MAX];
	bool is_good[BOARD_MAX];
	uint32_t count;
};

/* The leaf's slot, or a free one for it; NULL if it is not there and finds no room. */
static struct hash256 *
slot_of(struct checked *c, const struct hash256 *leaf)
{
	static const struct hash256 zeros;
	uint32_t n;

	memcpy(&n, leaf->b, sizeof(n));
	for (uint32_t i = 0; i < PROBES; i++) {
		struct hash256 *slot = &c->slots[(n + i) % SLOTS];
		if (hash_equal(slot, leaf) || hash_equal(slot, &zeros))
			return slot;
	}
	return NULL;
}

static bool
has(struct checked *c, const struct hash256 *leaf)
{
	const struct hash256 *slot = slot_of(c, leaf);

	return slot != NULL && hash_equal(slot, leaf);
}

static void
note_good(struct checked *c, const struct hash256 *leaf)
{
	struct hash256 *slot = slot_of(c, leaf);

	if (slot != NULL)
		*slot = *leaf;
	c->is_empty = false;
}

static void
forget(struct checked *c)
{
	if (!c->is_empty)
		memset(c->slots, 0, sizeof(c->slots));
	c->is_empty = true;
}

bool
resolver_is_checked(void *ctx, const uint8_t *bytes, size_t len)
{
	struct resolver *r = ctx;
	struct hash256 leaf = tx_leaf(bytes, len);

	return has(r->checked, &leaf);
}

void
resolver_verify_init(struct resolver *r)
{
	r->checked = xcalloc(1, sizeof(*r->checked));
	r->checked->is_empty = true;
	r->branch.is_verified = resolver_is_checked;
	r->branch.is_verified_ctx = r;
}

void
resolver_verify_clear(struct resolver *r)
{
	free(r->checked);
	r->checked = NULL;
}

static void
check_some(struct resolver *r)
{
	struct checked *c = r->checked;

	if (c->count == 0)
		return;
	board_post(r->store, c->items, c->count);
	bell_ring(&r->child->env->bells, BELL_VERIFIERS);
	board_finish(r->store, c->items, c->count, c->is_good);
	/* One that is bad is found so again by the ledger, which says which rule it breaks. */
	for (uint32_t i = 0; i < c->count; i++)
		if (c->is_good[i])
			note_good(c, &c->leaves[i]);
	c->count = 0;
	role_beat(r->store, clock_mono_ms());
}

static bool
is_pooled(const struct resolver *r, const struct hash256 *id, const uint8_t *bytes, size_t len)
{
	struct pool_entry e;

	return mempool_count(r->store) > 0 && mempool_find(r->store, id, &e) && e.size == len &&
	       memcmp(e.bytes, bytes, len) == 0;
}

static void
add(struct resolver *r, const struct tx *tx, const uint8_t *bytes, size_t len)
{
	struct checked *c = r->checked;
	struct hash256 leaf = tx_leaf(bytes, len), id;

	if (has(c, &leaf))
		return;
	id = tx_id(tx);
	if (is_pooled(r, &id, bytes, len))
		return;
	c->items[c->count] = (struct board_item){.digest = id, .signature = tx->signature, .key = tx->sender_key};
	c->leaves[c->count++] = leaf;
	if (c->count == BOARD_MAX)
		check_some(r);
}

void
resolver_foresee(void *ctx, const struct block *blocks, size_t count)
{
	struct resolver *r = ctx;
	struct block_iter it;
	enum rule rule;
	struct tx tx;

	/* Without a branch the bodies are not judged either. */
	if (r->branch.ledger == NULL)
		return;
	forget(r->checked);
	for (size_t i = 0; i < count; i++) {
		struct hash256 root = block_merkle_root(&blocks[i]);
		/* Bytes that no work stands behind are not worth ours. */
		if (!hash_equal(&root, &blocks[i].header.merkle_root))
			break;
		for (it = block_txs(&blocks[i]); block_next(&it, &tx, &rule);)
			if (rule == RULE_OK && tx.version == TX_TRANSFER)
				add(r, &tx, it.bytes, it.size);
	}
	check_some(r);
}
