/*
 * What a block does to accounts. The overlay has a slot for each account it has met: the state that is kept, as the
 * base gave it or an earlier block left it, and whether the block in hand changed it. Changes are written to the list
 * of changes alone, so dropping a block forgets the list and keeping it copies the list into the slots.
 *
 * What must stay true: balances and rewards not yet matured add up to the supply, at most MONEY_MAX. So no sum of
 * balances, values or fees that were really paid overflows.
 */
#include "chain/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "chain/addrmap.h"
#include "util/mem.h"

#define CAP_FIRST 64

struct slot {
	struct account kept;
	uint64_t tag;
	uint32_t change; /* place in the list of changes plus 1, 0 if the block in hand left it alone */
};

struct ledger {
	struct params params;
	struct hash256 network;
	struct ledger_base base;

	struct addrmap numbers;
	struct slot *slots; /* by number */
	uint32_t slot_cap;

	struct ledger_change *changes; /* of the block in hand */
	uint32_t *changed;	       /* the number of each change's account */
	uint32_t change_count;
	uint32_t change_cap;
};

struct ledger *
ledger_new(const struct params *p, const struct hash256 *network, const struct ledger_base *base)
{
	struct ledger *l = xcalloc(1, sizeof(*l));
	l->params = *p;
	l->network = *network;
	l->base = *base;
	addrmap_init(&l->numbers);
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (!l)
		return;
	addrmap_clear(&l->numbers);
	free(l->slots);
	free(l->changes);
	free(l->changed);
	free(l);
}

/* The number of who's slot, which is asked of the base the first time. */
static uint32_t
slot_of(struct ledger *l, const struct address *who)
{
	uint32_t known = l->numbers.count;
	uint32_t number = addrmap_number(&l->numbers, who);
	if (number < known)
		return number;
	if (number == l->slot_cap) {
		l->slot_cap = l->slot_cap ? 2 * l->slot_cap : CAP_FIRST;
		l->slots = xrealloc(l->slots, l->slot_cap * sizeof(*l->slots));
	}
	struct slot *s = &l->slots[number];
	*s = (struct slot){0};
	l->base.get(l->base.ctx, who, &s->kept, &s->tag);
	return number;
}

static const struct account *
account_at(const struct ledger *l, uint32_t number)
{
	const struct slot *s = &l->slots[number];
	return s->change ? &l->changes[s->change - 1].after : &s->kept;
}

/* The account of that number and address as part of the block in hand, to be changed before the next call. */
static struct account *
account_touch(struct ledger *l, uint32_t number, const struct address *who)
{
	struct slot *s = &l->slots[number];
	if (!s->change) {
		if (l->change_count == l->change_cap) {
			l->change_cap = l->change_cap ? 2 * l->change_cap : CAP_FIRST;
			l->changes = xrealloc(l->changes, l->change_cap * sizeof(*l->changes));
			l->changed = xrealloc(l->changed, l->change_cap * sizeof(*l->changed));
		}
		l->changes[l->change_count] =
		    (struct ledger_change){.who = *who, .after = s->kept, .tag_before = s->tag};
		l->changed[l->change_count] = number;
		s->change = ++l->change_count;
	}
	return &l->changes[s->change - 1].after;
}

static void
account_credit(struct ledger *l, const struct address *who, uint64_t value)
{
	account_touch(l, slot_of(l, who), who)->balance += value;
}

void
ledger_get(struct ledger *l, const struct address *who, struct account *out)
{
	*out = *account_at(l, slot_of(l, who));
}

enum rule
ledger_apply_transfer(struct ledger *l, const struct tx *tx)
{
	struct address sender = tx_sender(tx);
	uint32_t number = slot_of(l, &sender);
	const struct account *now = account_at(l, number);
	if (tx->sequence < now->sequence)
		return RULE_SEQUENCE_USED;
	if (tx->sequence > now->sequence)
		return RULE_SEQUENCE_GAP;
	/* Not value + fee <= balance: the sum of unchecked numbers could wrap. */
	if (tx->value > now->balance || tx->fee > now->balance - tx->value)
		return RULE_INSUFFICIENT_FUNDS;

	struct account *from = account_touch(l, number, &sender);
	from->balance -= tx->value + tx->fee;
	from->sequence++;
	account_credit(l, &tx->recipient, tx->value); /* who may be the sender */
	return RULE_OK;
}

uint64_t
ledger_subsidy(const struct params *p, uint64_t supply)
{
	uint64_t left = supply < MONEY_MAX ? MONEY_MAX - supply : 0;
	return p->reward < left ? p->reward : left;
}

/* How much of a body is looked at. */
struct scrutiny {
	bool is_replay; /* what depends on its bytes alone was judged before */
	ledger_verified *is_verified;
	void *ctx;
};

/* The transaction that it stands at, by itself and then against accounts. */
static enum rule
apply_listed(struct ledger *l, const struct block_iter *it, const struct tx *tx, const struct scrutiny *how)
{
	if (tx->version == TX_REWARD)
		return RULE_REWARD_REPEATED;
	if (!how->is_replay) {
		enum rule rule = tx_check_form(tx, &l->params, &l->network);
		if (rule == RULE_OK && !(how->is_verified && how->is_verified(how->ctx, it->bytes, it->size)))
			rule = tx_check_signature(tx);
		if (rule != RULE_OK)
			return rule;
	}
	return ledger_apply_transfer(l, tx);
}

/* Everything of ledger_apply_block but cleaning up after a failure. */
static struct verdict
apply_body(struct ledger *l, const struct block *b, uint64_t subsidy, const struct payout *matured,
	   const struct scrutiny *how)
{
	if (!how->is_replay) {
		if (b->size > l->params.max_block_bytes)
			return verdict_of(RULE_BLOCK_TOO_LARGE);
		struct hash256 root = block_merkle_root(b);
		if (!hash_equal(&root, &b->header.merkle_root))
			return verdict_of(RULE_WRONG_MERKLE_ROOT);
	}

	struct block_iter it = block_txs(b);
	struct tx reward, tx;
	enum rule rule;
	if (!block_next(&it, &reward, &rule) || reward.version != TX_REWARD)
		return verdict_of(RULE_REWARD_MISSING);
	if (!hash_equal(&reward.network, &l->network))
		return verdict_at(RULE_WRONG_NETWORK, 0);

	uint64_t fees = 0;
	while (block_next(&it, &tx, &rule)) {
		if (rule == RULE_OK)
			rule = apply_listed(l, &it, &tx, how);
		if (rule != RULE_OK)
			return verdict_at(rule, it.index);
		fees += tx.fee;
	}

	if (reward.sequence != b->header.height)
		return verdict_at(RULE_REWARD_HEIGHT, 0);
	if (reward.value != subsidy + fees)
		return verdict_at(RULE_REWARD_AMOUNT, 0);
	if (l->params.maturity == 0)
		account_credit(l, &reward.recipient, reward.value);
	else if (matured)
		account_credit(l, &matured->to, matured->value);
	return verdict_ok();
}

static struct verdict
apply_block(struct ledger *l, const struct block *b, uint64_t supply_before, const struct payout *matured,
	    const struct scrutiny *how, uint64_t *minted)
{
	*minted = ledger_subsidy(&l->params, supply_before);
	struct verdict v = apply_body(l, b, *minted, matured, how);
	if (v.rule != RULE_OK)
		ledger_drop(l);
	return v;
}

struct verdict
ledger_apply_block(struct ledger *l, const struct block *b, uint64_t supply_before, const struct payout *matured,
		   ledger_verified *is_verified, void *ctx, uint64_t *minted)
{
	struct scrutiny how = {false, is_verified, ctx};

	return apply_block(l, b, supply_before, matured, &how, minted);
}

struct verdict
ledger_replay_block(struct ledger *l, const struct block *b, uint64_t supply_before, const struct payout *matured,
		    uint64_t *minted)
{
	struct scrutiny how = {.is_replay = true};

	return apply_block(l, b, supply_before, matured, &how, minted);
}

const struct ledger_change *
ledger_changes(const struct ledger *l, size_t *count)
{
	*count = l->change_count;
	return l->changes;
}

void
ledger_keep(struct ledger *l, const uint64_t *tags)
{
	for (uint32_t i = 0; i < l->change_count; i++)
		l->slots[l->changed[i]] = (struct slot){.kept = l->changes[i].after, .tag = tags ? tags[i] : 0};
	l->change_count = 0;
}

void
ledger_drop(struct ledger *l)
{
	for (uint32_t i = 0; i < l->change_count; i++)
		l->slots[l->changed[i]].change = 0;
	l->change_count = 0;
}
