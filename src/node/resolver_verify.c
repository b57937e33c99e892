/*
 * Signatures are what takes the time when bodies come in. Those of bodies that will be judged soon are put on the board
 * as the bodies come, and checked by the verifiers while we judge what stands before them; the ledger then only asks
 * whether a transfer was among the good ones. Both happen in the same order, so what was posted is a queue. A transfer is
 * known by the hash of its bytes, signature and all, and never by its id: two may share that and differ in their
 * signatures.
 *
 * A transfer that is in our pool, byte for byte, is not posted: a worker of ours has checked it.
 */
#include <stdlib.h>

#include "resolver.h"
#include "store/board.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/mem.h"

#define POST_MAX 64 /* items posted at a time */

struct posted {
	struct hash256 leaf;
	uint64_t height; /* of its block */
	uint64_t ticket;
	struct board_item item;
};

struct checked {
	struct posted queue[BOARD_MAX]; /* a ring */
	uint64_t read, end;		/* the first not asked for yet, and behind the last */
	struct board_item fresh[POST_MAX];
	uint32_t fresh_count;	/* of the last of the queue, not posted yet */
	bool is_open;		/* a body is only posted in part … */
	struct block_iter rest; /* … and goes on here when there is room */
	uint64_t height;	/* of that body, or the last that was shown */
};

static void
post(struct resolver *r)
{
	struct checked *c = r->checked;
	uint64_t ticket;

	if (c->fresh_count == 0)
		return;
	ticket = board_post(r->store, c->fresh, c->fresh_count);
	for (uint32_t i = 0; i < c->fresh_count; i++)
		c->queue[(c->end - c->fresh_count + i) % BOARD_MAX].ticket = ticket + i;
	role_count(r->store, COUNT_SIGNATURES, c->fresh_count);
	c->fresh_count = 0;
	bell_ring(&r->child->env->bells, BELL_VERIFIERS);
}

static void
add(struct resolver *r, const struct tx *tx, const uint8_t *bytes, size_t len)
{
	struct checked *c = r->checked;
	struct hash256 id = tx_id(tx);
	struct posted *p = &c->queue[c->end % BOARD_MAX];

	if (mempool_has_bytes(r->store, &id, bytes, len))
		return;
	p->leaf = tx_leaf(bytes, len);
	p->height = c->height;
	p->item = (struct board_item){.digest = id, .signature = tx->signature, .key = tx->sender_key};
	c->fresh[c->fresh_count++] = p->item;
	c->end++;
	if (c->fresh_count == POST_MAX)
		post(r);
}

/* Goes on with the open body as long as there is room. */
static void
fill(struct resolver *r)
{
	struct checked *c = r->checked;
	enum rule rule;
	struct tx tx;

	while (c->is_open && c->end - c->read < BOARD_MAX) {
		c->is_open = block_next(&c->rest, &tx, &rule);
		if (c->is_open && rule == RULE_OK && tx.version == TX_TRANSFER)
			add(r, &tx, c->rest.bytes, c->rest.size);
	}
	post(r);
}

/* Nothing that was posted will be asked for. */
static void
forget(struct resolver *r)
{
	struct checked *c = r->checked;

	board_drop(r->store);
	c->read = c->end;
	c->fresh_count = 0;
	c->is_open = false;
	c->height = 0;
}

bool
resolver_foresee(void *ctx, const struct block *b)
{
	struct resolver *r = ctx;
	struct checked *c = r->checked;

	if (b == NULL) {
		forget(r);
		return true;
	}
	/* It may be shown again when all of it was posted meanwhile. */
	if (c->height != b->header.height) {
		struct hash256 root = block_merkle_root(b);

		c->is_open = false;
		/* Bytes that no work stands behind are not worth ours. */
		if (b->tx_count < 2 || !hash_equal(&root, &b->header.merkle_root))
			return true;
		c->rest = block_txs(b);
		c->height = b->header.height;
		c->is_open = true;
	}
	fill(r);
	return !c->is_open;
}

void
resolver_judges(struct resolver *r, uint64_t height)
{
	struct checked *c = r->checked;

	while (c->read != c->end && c->queue[c->read % BOARD_MAX].height < height)
		c->read++;
	if (c->height < height)
		c->is_open = false;
}

bool
resolver_is_checked(void *ctx, const uint8_t *bytes, size_t len)
{
	struct resolver *r = ctx;
	struct checked *c = r->checked;
	const struct posted *p = &c->queue[c->read % BOARD_MAX];
	struct hash256 leaf = tx_leaf(bytes, len);
	bool is_good;

	if (c->read == c->end || !hash_equal(&p->leaf, &leaf))
		return false;
	/* One that is bad is found so again by the ledger, which says which rule it breaks. */
	is_good = board_result(r->store, p->ticket, &p->item);
	c->read++;
	if (c->is_open && c->read % POST_MAX == 0)
		fill(r);
	return is_good;
}

void
resolver_verify_init(struct resolver *r)
{
	r->checked = xcalloc(1, sizeof(*r->checked));
	forget(r);
	r->branch.is_verified = resolver_is_checked;
	r->branch.is_verified_ctx = r;
}

void
resolver_verify_clear(struct resolver *r)
{
	free(r->checked);
	r->checked = NULL;
}
