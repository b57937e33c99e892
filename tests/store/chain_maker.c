#include "chain_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain/header_chain.h"
#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "util/mem.h"

#define SEGMENTS_MAX 8
#define LOCK_MS 30000
#define INTERVAL_MS 20000

static struct store *made[SEGMENTS_MAX];

struct store_options
segment_options(const struct segment_plan *plan)
{
	/* The folder of the build: the same in each run, so that what a crash left is removed by the next one. */
	static char data_dir[4096];
	struct store_options o = {.name = plan->name == NULL ? "test" : plan->name,
				  .data_dir = data_dir,
				  .size_max = plan->size_max == 0 ? UINT64_C(64) << 20 : plan->size_max,
				  .roles = 8,
				  .rings = plan->rings == 0 ? 4 : plan->rings,
				  .pool_max = plan->pool_max == 0 ? 64 : plan->pool_max};

	need(getcwd(data_dir, sizeof(data_dir)) != NULL);
	params_default(&o.params);
	o.params.difficulty = 1;
	o.params.maturity = plan->maturity;
	return o;
}

struct store *
segment_make(const struct segment_plan *plan)
{
	struct store_options o = segment_options(plan);
	struct store *s;
	struct buf why;
	size_t i = 0;

	while (made[i] != NULL)
		i++;
	need(i < SEGMENTS_MAX);
	buf_init(&why);
	if (store_create(&s, &o, &why) != OK)
		need_failed(__FILE__, __LINE__, why.data);
	buf_clear(&why);
	return made[i] = s;
}

uint64_t
segment_tables(const struct store *s)
{
	return s->super->arena_at + ring_count(s) * s->super->ring_stride;
}

void
segment_unmake(void)
{
	for (size_t i = 0; i < SEGMENTS_MAX; i++) {
		store_destroy(made[i]);
		made[i] = NULL;
	}
}

void
segment_unmake_one(struct store *s)
{
	for (size_t i = 0; i < SEGMENTS_MAX; i++)
		if (made[i] == s)
			made[i] = NULL;
	store_destroy(s);
}

static struct seckey
secret(unsigned who)
{
	return (struct seckey){.b[31] = (uint8_t)(who + 1)};
}

static struct pubkey
public_key(unsigned who)
{
	static struct pubkey keys[PEOPLE + 1];
	static bool known[PEOPLE + 1];
	struct seckey key = secret(who);

	if (!known[who])
		need(key_public(&keys[who], &key) == OK);
	known[who] = true;
	return keys[who];
}

struct address
person(unsigned who)
{
	static struct address addresses[PEOPLE + 1];
	static bool known[PEOPLE + 1];
	struct pubkey key;

	need(who <= PEOPLE);
	if (!known[who]) {
		key = public_key(who);
		addresses[who] = address_of(&key);
		known[who] = true;
	}
	return addresses[who];
}

struct tx
transfer_unsigned(const struct store *s, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence)
{
	return (struct tx){.version = TX_TRANSFER,
			   .network = *store_genesis(s),
			   .sender_key = public_key(from),
			   .recipient = person(to),
			   .value = value,
			   .fee = fee,
			   .sequence = sequence};
}

struct tx
transfer(const struct store *s, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence)
{
	struct tx tx = transfer_unsigned(s, from, to, value, fee, sequence);
	struct seckey key = secret(from);

	need(tx_sign(&tx, &key) == OK);
	return tx;
}

void
maker_init(struct maker *m, struct store *s, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->store = s;
	m->random = seed;
}

static void
branch_end(struct maker *m)
{
	if (m->ledger != NULL && !blockref_equal(m->at, m->kept))
		stage_abandon(m->store, m->at, m->kept);
	ledger_free(m->ledger);
	m->ledger = NULL;
}

void
maker_clear(struct maker *m)
{
	branch_end(m);
	free(m->tags);
	m->tags = NULL;
}

/* What is made here is signed by the keys it says, or is of a test that does not look at signatures. */
static bool
always(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
	return true;
}

static const struct ledger_change *
judge(struct maker *m, const struct block *b, uint64_t *supply, size_t *count)
{
	struct payout matured;
	bool has_matured = chain_matured(m->store, m->at, &matured);
	uint64_t minted = 0, before = chain_supply(m->store, m->at);
	struct verdict v =
	    ledger_apply_block(m->ledger, b, before, has_matured ? &matured : NULL, always, NULL, &minted);
	const struct ledger_change *changes = ledger_changes(m->ledger, count);

	if (m->base.failed == OK)
		need(v.rule == RULE_OK);
	if (*count > m->tag_room) {
		m->tag_room = *count * 2;
		m->tags = xrealloc(m->tags, m->tag_room * sizeof(*m->tags));
	}
	*supply = before + minted;
	return changes;
}

enum err
maker_begin(struct maker *m, struct blockref from)
{
	struct store *s = m->store;
	struct ledger_base base;
	struct block b;
	uint64_t supply;
	size_t count;

	branch_end(m);
	m->fork = m->at = chain_fork(s, chain_tip(s), from);
	m->base = (struct chain_base){s, m->fork, OK};
	base = chain_base_of(&m->base);
	m->ledger = ledger_new(store_params(s), store_genesis(s), &base);
	for (uint64_t h = chain_height(s, m->fork) + 1; h <= chain_height(s, from) && m->base.failed == OK; h++) {
		struct blockref ref = chain_at(s, from, h);
		chain_block(s, ref, &b);
		judge(m, &b, &supply, &count);
		stage_tags(s, ref, m->tags, count);
		ledger_keep(m->ledger, m->tags);
		m->at = ref;
	}
	m->kept = m->at;
	return m->base.failed;
}

static void
solve(struct buf *block)
{
	struct hash256 limit;
	struct u256 target;
	struct header h;

	header_decode(&h, (const uint8_t *)block->data);
	need(target_expand(&target, h.target));
	limit = u256_to_hash(&target);
	need(headerhash_search(&h.nonce, (const uint8_t *)block->data, &limit, 0, 1u << 24));
	header_encode((uint8_t *)block->data, &h);
}

static enum err
stage(struct maker *m, const struct buf *bytes)
{
	struct store *s = m->store;
	const struct ledger_change *changes;
	struct header_state state;
	struct blockref ref;
	struct block b;
	uint64_t supply;
	size_t count;
	enum err e;

	chain_header_state(s, m->at, &state);
	need(block_parse(&b, bytes->data, bytes->len) == RULE_OK);
	need(header_check(&state, &b.header, &b.hash, store_params(s)) == RULE_OK);
	changes = judge(m, &b, &supply, &count);
	if (m->base.failed != OK)
		return m->base.failed;
	/* Another committer may have used what we reserved. */
	do {
		if ((e = store_reserve(s, stage_cost(&b, count))) != OK || (e = store_begin(s, LOCK_MS)) != OK)
			break;
		e = stage_block(s, &ref, m->at, &b, supply, changes, count, m->tags);
		store_end(s);
	} while (e == ERR_NOSPC);
	if (e != OK) {
		ledger_drop(m->ledger);
		return e;
	}
	ledger_keep(m->ledger, m->tags);
	m->at = ref;
	return OK;
}

enum err
maker_add(struct maker *m, unsigned miner, const struct tx *txs, size_t count, uint64_t time_ms)
{
	struct store *s = m->store;
	uint8_t bytes[TX_SIZE_MAX];
	struct address to = person(miner);
	struct header_state state;
	struct buf body, block;
	uint64_t fees = 0;
	enum err e;

	buf_init(&body);
	buf_init(&block);
	for (size_t i = 0; i < count; i++) {
		struct writer w = writer_of(bytes, sizeof(bytes));
		tx_encode(&w, &txs[i]);
		buf_append(&body, bytes, writer_len(&w));
		fees += txs[i].fee;
	}
	chain_header_state(s, m->at, &state);
	template_block(&block, &state, store_params(s), store_genesis(s), &to, chain_supply(s, m->at), fees, &body,
		       (uint32_t)count, state.header.time_ms + time_ms);
	solve(&block);
	e = stage(m, &block);
	buf_clear(&body);
	buf_clear(&block);
	return e;
}

enum err
maker_add_random(struct maker *m, size_t transfers)
{
	struct tx txs[BLOCK_TXS_MAX];
	struct account of[PEOPLE];
	size_t count = 0;

	need(transfers <= BLOCK_TXS_MAX);
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct address a = person(i);
		ledger_get(m->ledger, &a, &of[i]);
	}
	if (m->base.failed != OK)
		return m->base.failed;
	for (size_t i = 0; i < transfers; i++) {
		unsigned from = (unsigned)random_below(&m->random, PEOPLE);
		unsigned to = (unsigned)random_below(&m->random, PEOPLE);
		uint64_t value = 1 + random_below(&m->random, COIN / 4), fee = random_below(&m->random, 1000);

		if (of[from].balance < value + fee)
			continue;
		txs[count++] = transfer_unsigned(m->store, from, to, value, fee, of[from].sequence++);
		of[from].balance -= value + fee;
	}
	m->transfers_made += count;
	return maker_add(m, (unsigned)random_below(&m->random, PEOPLE), txs, count,
			 INTERVAL_MS + random_below(&m->random, 100));
}

enum err
maker_commit(struct maker *m)
{
	struct store *s = m->store;
	struct blockref tip;
	enum err e = store_begin(s, LOCK_MS);

	if (e != OK)
		return e;
	tip = chain_tip(s);
	e = chain_contains(s, tip, m->fork) ? commit_tip(s, tip, m->at) : ERR_STALE;
	store_end(s);
	if (e == OK)
		m->kept = m->at;
	return e;
}

enum err
maker_stage(struct maker *m, struct blockref from, unsigned blocks, size_t transfers)
{
	enum err e = maker_begin(m, from);

	for (unsigned i = 0; i < blocks && e == OK; i++)
		e = maker_add_random(m, transfers);
	return e;
}

enum err
maker_grow(struct maker *m, struct blockref from, unsigned blocks, size_t transfers)
{
	enum err e = maker_stage(m, from, blocks, transfers);

	return e == OK ? maker_commit(m) : e;
}

enum err
chain_swap(struct store *s, struct blockref to)
{
	enum err e = store_begin(s, LOCK_MS);

	if (e != OK)
		return e;
	e = commit_tip(s, chain_tip(s), to);
	store_end(s);
	return e;
}
