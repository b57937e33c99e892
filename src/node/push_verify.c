/*
 * The signatures of one pushed block, checked on all cores before the ledger judges it. Those of transfers that lie in
 * our pool byte for byte were checked when they came; the rest goes on the board in batches, and the resolver works along.
 * What is good is remembered by where it stands in the block, for as long as that block is judged.
 */
#include <stdlib.h>
#include <string.h>

#include "push_verify.h"
#include "store/board.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/mem.h"

#define FEW 4 /* not worth waking anybody: the ledger checks them */

static bool
is_pooled(const struct store *s, const struct hash256 *id, const uint8_t *bytes, size_t len)
{
	struct pool_entry e;

	return mempool_find(s, id, &e) && e.size == len && memcmp(e.bytes, bytes, len) == 0;
}

static void
check(struct push_verify *v, const struct node_env *env, const struct board_item *items, const uint32_t *offsets,
      uint32_t count)
{
	bool *is_good = xmalloc(count * sizeof(*is_good));

	board_post(env->store, items, count);
	bell_ring(&env->bells, BELL_VERIFIERS);
	board_finish(env->store, items, count, is_good);
	/* One that is bad is found so again by the ledger, which says which rule it breaks. */
	for (uint32_t i = 0; i < count; i++)
		if (is_good[i])
			v->good[v->count++] = offsets[i];
	free(is_good);
	role_beat(env->store, clock_mono_ms());
}

void
push_verify_begin(struct push_verify *v, const struct node_env *env, const struct block *b)
{
	uint32_t room = b->tx_count < BOARD_MAX ? b->tx_count : BOARD_MAX, count = 0;
	struct block_iter it = block_txs(b);
	struct board_item *items;
	uint32_t *offsets;
	enum rule rule;
	struct tx tx;

	*v = (struct push_verify){.bytes = b->bytes};
	if (b->tx_count <= FEW)
		return;
	v->good = xmalloc(b->tx_count * sizeof(*v->good));
	items = xmalloc(room * sizeof(*items));
	offsets = xmalloc(room * sizeof(*offsets));
	while (block_next(&it, &tx, &rule)) {
		struct hash256 id;

		if (rule != RULE_OK || tx.version != TX_TRANSFER)
			continue;
		id = tx_id(&tx);
		if (is_pooled(env->store, &id, it.bytes, it.size)) {
			v->good[v->count++] = (uint32_t)(it.bytes - b->bytes);
			continue;
		}
		items[count] = (struct board_item){.digest = id, .signature = tx.signature, .key = tx.sender_key};
		offsets[count++] = (uint32_t)(it.bytes - b->bytes);
		if (count == room) {
			check(v, env, items, offsets, count);
			count = 0;
		}
	}
	if (count > FEW)
		check(v, env, items, offsets, count);
	free(items);
	free(offsets);
}

void
push_verify_end(struct push_verify *v)
{
	free(v->good);
	*v = (struct push_verify){0};
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool
push_verify_is_good(void *ctx, const uint8_t *bytes, size_t len)
{
	struct push_verify *v = ctx;
	uint32_t offset = (uint32_t)(bytes - v->bytes);

	(void)len;
	/* Pooled ones were noted ahead of the batch that they stand in. */
	if (!v->is_sorted && v->count > 0)
		qsort(v->good, v->count, sizeof(*v->good), compare);
	v->is_sorted = true;
	return v->count > 0 && bsearch(&offset, v->good, v->count, sizeof(*v->good), compare) != NULL;
}
