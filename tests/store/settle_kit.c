#include "settle_kit.h"

#include <string.h>

#include "process.h"
#include "witness.h"

void
stage_make(struct stage *c, const struct segment_plan *plan)
{
	memset(c, 0, sizeof(*c));
	c->s = segment_make(plan);
	maker_init(&c->m, c->s, 1);
	need(maker_begin(&c->m, chain_tip(c->s)) == OK);
	for (unsigned i = 0; i < COINS * PEOPLE; i++)
		need(maker_add(&c->m, i % PEOPLE, NULL, 0, 20000) == OK);
	need(maker_commit(&c->m) == OK);
	c->base = chain_tip(c->s);
	c->pool = mempool_open(c->s);
	mempool_settle(c->pool, NOW, &c->report);
}

void
stage_clear(struct stage *c)
{
	mempool_close(c->pool);
	maker_clear(&c->m);
}

enum admission_status
stage_admit(struct stage *c, const struct tx *tx, bool from_client)
{
	return mempool_admit(c->pool, tx, from_client, NOW).status;
}

void
stage_mine(struct stage *c, struct blockref from, const struct tx *txs, size_t count, unsigned more)
{
	need(maker_begin(&c->m, from) == OK);
	/* To nobody, so that balances are those of the transfers alone; times differ, so that blocks do. */
	need(maker_add(&c->m, NOBODY, txs, count, 20000 + count) == OK);
	for (unsigned i = 0; i < more; i++)
		need(maker_add(&c->m, NOBODY, NULL, 0, 21000 + more) == OK);
	need(maker_commit(&c->m) == OK);
}

bool
stage_settle(struct stage *c)
{
	bool has_walked = mempool_settle(c->pool, NOW + 1, &c->report);

	witness_pool(c->s);
	return has_walked;
}

enum place
stage_place(const struct store *s, const struct tx *tx, struct pool_entry *e, struct pool_gone *gone)
{
	struct hash256 id = tx_id(tx);
	struct tx_place place;

	if (mempool_find(s, &id, e))
		return POOLED;
	if (chain_find_tx(s, chain_tip(s), &id, &place))
		return MINED;
	return mempool_gone(s, &id, gone) ? GONE : NOWHERE;
}

void
stage_expect_gone(const struct stage *c, const struct tx *tx, enum rule rule)
{
	struct pool_entry e;
	struct pool_gone gone;

	ck_assert_int_eq(stage_place(c->s, tx, &e, &gone), GONE);
	ck_assert_int_eq(gone.rule, rule);
	ck_assert_uint_eq(gone.height, chain_height(c->s, chain_tip(c->s)));
}

void
stage_expect_pooled(const struct stage *c, const struct tx *tx, bool from_client, bool is_waiting)
{
	struct pool_entry e;
	struct pool_gone gone;

	ck_assert_int_eq(stage_place(c->s, tx, &e, &gone), POOLED);
	ck_assert(e.from_client == from_client && e.is_waiting == is_waiting);
}
