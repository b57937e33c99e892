/*
 * The ledger's base is empty, so its overlay grows to all accounts there ever were. Of rewards that are not spendable
 * yet, as many are kept as blocks may lie between.
 */
#include "chain/replay.h"

#include <stdlib.h>

#include "chain/ledger.h"
#include "util/mem.h"

struct replay {
	struct params params;
	struct header_state state;
	struct ledger *ledger;
	uint64_t supply;
	struct payout *rewards; /* of the last `maturity` blocks, by height modulo that */
};

static void
no_account(void *ctx, const struct address *who, struct account *out, uint64_t *tag)
{
	(void)ctx;
	(void)who;
	*out = (struct account){0};
	*tag = 0;
}

struct replay *
replay_new(const struct params *p)
{
	const struct ledger_base base = {.get = no_account};
	struct replay *r = xcalloc(1, sizeof(*r));

	r->params = *p;
	header_state_genesis(&r->state, p);
	r->ledger = ledger_new(p, &r->state.hash, &base);
	r->rewards = xcalloc(p->maturity + (size_t)1, sizeof(*r->rewards));
	return r;
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	ledger_free(r->ledger);
	free(r->rewards);
	free(r);
}

static bool
always(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
	return true;
}

struct verdict
replay_add(struct replay *r, const struct block *b, bool are_known)
{
	uint32_t maturity = r->params.maturity;
	struct payout *place = &r->rewards[maturity == 0 ? 0 : b->header.height % maturity];
	bool has_matured = maturity > 0 && b->header.height > maturity;
	struct block_iter it = block_txs(b);
	struct verdict v = verdict_of(header_check(&r->state, &b->header, &b->hash, &r->params));
	uint64_t minted;
	enum rule rule;
	struct tx reward;

	if (v.rule == RULE_OK)
		v = ledger_apply_block(r->ledger, b, r->supply, has_matured ? place : NULL, are_known ? always : NULL,
				       NULL, &minted);
	if (v.rule != RULE_OK)
		return v;
	ledger_keep(r->ledger, NULL);
	if (block_next(&it, &reward, &rule))
		*place = (struct payout){reward.recipient, reward.value};
	r->supply += minted;
	header_state_advance(&r->state, &b->header, &b->hash);
	return v;
}

const struct header_state *
replay_head(const struct replay *r)
{
	return &r->state;
}

struct head
replay_tip(const struct replay *r)
{
	return (struct head){r->state.hash, r->state.work, r->state.header.height};
}

uint64_t
replay_supply(const struct replay *r)
{
	return r->supply;
}

struct verdict
block_check_alone(const struct block *b, const struct params *p, const struct hash256 *network)
{
	struct hash256 root = block_merkle_root(b);
	struct block_iter it = block_txs(b);
	enum rule rule = RULE_OK;
	struct tx tx;

	if (!hash_equal(&root, &b->header.merkle_root))
		return verdict_of(RULE_WRONG_MERKLE_ROOT);
	if (!block_next(&it, &tx, &rule) || tx.version != TX_REWARD)
		return verdict_of(RULE_REWARD_MISSING);
	if (!hash_equal(&tx.network, network))
		return verdict_at(RULE_WRONG_NETWORK, 0);
	while (block_next(&it, &tx, &rule)) {
		if (rule == RULE_OK && tx.version == TX_REWARD)
			rule = RULE_REWARD_REPEATED;
		if (rule == RULE_OK)
			rule = tx_check_form(&tx, p, network);
		if (rule == RULE_OK)
			rule = tx_check_signature(&tx);
		if (rule != RULE_OK)
			return verdict_at(rule, it.index);
	}
	return verdict_ok();
}
