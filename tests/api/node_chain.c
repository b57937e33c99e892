/* People with keys, what they sign, and the blocks that it gets into: what the node under test has a chain of. */
#include <check.h>
#include <stdlib.h>

#include "chain/ledger.h"
#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "node.h"
#include "store/commit.h"
#include "util/clock.h"
#include "wire/views.h"

#define RESERVE (8u << 20)

/* People. */

struct seckey
person_secret(unsigned who)
{
	return (struct seckey){.b[31] = (uint8_t)(who + 1)};
}

struct address
person_address(unsigned who)
{
	struct seckey secret = person_secret(who);
	struct pubkey key;

	ck_assert_int_eq(key_public(&key, &secret), OK);
	return address_of(&key);
}

const char *
person_text(unsigned who)
{
	static char text[16][ADDRESS_TEXT_SIZE];
	struct address a = person_address(who);
	struct params p;

	params_default(&p);
	address_format(text[who], &a, p.address_version);
	return text[who];
}

struct tx
transfer(const struct node *n, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence)
{
	struct seckey secret = person_secret(from);
	struct tx tx = {.version = TX_TRANSFER,
			.network = *store_genesis(n->store),
			.recipient = person_address(to),
			.value = value,
			.fee = fee,
			.sequence = sequence};

	ck_assert_int_eq(tx_sign(&tx, &secret), OK);
	return tx;
}

void
tx_json(struct buf *out, const struct node *n, const struct tx *tx)
{
	struct jout j = jout_to(out);

	view_tx(&j, tx, n->params.address_version);
}

int
node_post(struct node *n, const struct tx *tx)
{
	struct buf body;

	buf_init(&body);
	tx_json(&body, n, tx);
	node_call(n, HTTP_POST, "/transactions", body.data, NULL);
	buf_clear(&body);
	return n->reply.status;
}

/* Blocks. */

static bool
fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes)
{
	struct node *n = ctx;
	uint32_t size;

	return mempool_fetch(n->store, ref, tx, bytes, &size);
}

/* The next block of l, whose last header is h: solved, and applied as the block in hand. */
static void
build(struct node *n, struct buf *out, struct block *b, struct ledger *l, struct header_state *h, uint64_t *supply,
      const struct address *to, size_t max)
{
	static struct candidate candidates[4096];
	struct hash256 target;
	struct u256 wide;
	struct buf body;
	uint64_t fees = 0, minted, nonce;
	uint32_t taken;

	buf_init(&body);
	taken = template_fill(&body, &fees, l, candidates,
			      max == 0 ? 0 : mempool_candidates(n->store, candidates, ARRAY_LEN(candidates)),
			      n->params.max_block_bytes - BLOCK_PREFIX_SIZE - TX_REWARD_SIZE, fetch, n);
	ledger_drop(l);
	template_block(out, h, &n->params, store_genesis(n->store), to, *supply, fees, &body, taken,
		       h->header.time_ms + n->params.target_interval_ms);
	buf_clear(&body);

	struct header header;
	header_decode(&header, (const uint8_t *)out->data);
	ck_assert(target_expand(&wide, header.target));
	target = u256_to_hash(&wide);
	ck_assert(headerhash_search(&nonce, (const uint8_t *)out->data, &target, 0, UINT64_C(1) << 32));
	header.nonce = nonce;
	header_encode((uint8_t *)out->data, &header);
	ck_assert_int_eq(block_parse(b, out->data, out->len), RULE_OK);
	ck_assert_int_eq(header_check(h, &b->header, &b->hash, &n->params), RULE_OK);
	ck_assert_int_eq(ledger_apply_block(l, b, *supply, NULL, NULL, NULL, &minted).rule, RULE_OK);
	*supply += minted;
	header_state_advance(h, &b->header, &b->hash);
}

void
block_make(struct node *n, struct buf *out, struct blockref parent, const struct address *to, size_t max)
{
	struct chain_base base = {n->store, parent, OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct ledger *l = ledger_new(&n->params, store_genesis(n->store), &ledger_base);
	uint64_t supply = chain_supply(n->store, parent);
	struct header_state h;
	struct block b;

	chain_header_state(n->store, parent, &h);
	build(n, out, &b, l, &h, &supply, to, max);
	ledger_free(l);
}

static struct blockref
stage(struct node *n, struct blockref parent, const struct block *b, struct ledger *l, uint64_t supply)
{
	size_t count;
	const struct ledger_change *changes = ledger_changes(l, &count);
	uint64_t *tags = calloc(count + 1, sizeof(*tags));
	struct blockref ref;

	ck_assert_int_eq(store_reserve(n->store, RESERVE), OK);
	ck_assert_int_eq(store_begin(n->store, 1000), OK);
	ck_assert_int_eq(stage_block(n->store, &ref, parent, b, supply, changes, count, tags), OK);
	store_end(n->store);
	ledger_keep(l, tags);
	free(tags);
	return ref;
}

void
node_extend(struct node *n, struct blockref fork, size_t count, unsigned miner)
{
	struct chain_base base = {n->store, fork, OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct ledger *l = ledger_new(&n->params, store_genesis(n->store), &ledger_base);
	struct blockref tip = chain_tip(n->store), at = fork;
	uint64_t supply = chain_supply(n->store, fork);
	struct address to = person_address(miner);
	struct settle_report report;
	struct header_state h;
	struct block b;
	struct buf bytes;

	buf_init(&bytes);
	chain_header_state(n->store, fork, &h);
	for (size_t i = 0; i < count; i++) {
		build(n, &bytes, &b, l, &h, &supply, &to, i == 0 && blockref_equal(fork, tip) ? SIZE_MAX : 0);
		at = stage(n, at, &b, l, supply);
	}
	ck_assert_int_eq(base.failed, OK);
	ck_assert_int_eq(store_reserve(n->store, RESERVE + count * 1024), OK);
	ck_assert_int_eq(store_begin(n->store, 1000), OK);
	ck_assert_int_eq(commit_tip(n->store, tip, at), OK);
	store_end(n->store);
	ck_assert(mempool_settle(n->pool, clock_wall_ms(), &report));
	buf_clear(&bytes);
	ledger_free(l);
}
