#include "fixture.h"

#include <check.h>
#include <string.h>

#include "chain/merkle.h"
#include "chain/pow.h"
#include "crypto/headerhash.h"
#include "util/bytes.h"

struct seckey
person_secret(unsigned who)
{
	return (struct seckey){.b[31] = (uint8_t)(who + 1)};
}

struct pubkey
person_key(unsigned who)
{
	static struct pubkey keys[PEOPLE];
	static bool known[PEOPLE];
	ck_assert_uint_lt(who, PEOPLE);
	if (!known[who]) {
		struct seckey secret = person_secret(who);
		ck_assert_int_eq(key_public(&keys[who], &secret), OK);
		known[who] = true;
	}
	return keys[who];
}

struct address
person_address(unsigned who)
{
	struct pubkey key = person_key(who);
	return address_of(&key);
}

uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t
random_below(uint64_t *state, uint64_t bound)
{
	return random_next(state) % bound;
}

static void
base_get(void *ctx, const struct address *who, struct account *out, uint64_t *tag)
{
	struct world *w = ctx;
	w->asked++;
	*out = (struct account){0};
	*tag = 0;
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct address a = person_address(i);
		if (address_equal(&a, who)) {
			*out = w->accounts[i];
			*tag = w->tags[i];
		}
	}
}

void
world_init(struct world *w, uint32_t difficulty)
{
	*w = (struct world){0};
	params_default(&w->params);
	w->params.difficulty = difficulty;
	world_restart(w);
}

void
world_restart(struct world *w)
{
	ledger_free(w->ledger);
	w->network = genesis_hash(&w->params);
	header_state_genesis(&w->head, &w->params);
	struct ledger_base base = {.get = base_get, .ctx = w};
	w->ledger = ledger_new(&w->params, &w->network, &base);
	w->asked = 0;
}

void
world_clear(struct world *w)
{
	ledger_free(w->ledger);
}

struct account
world_account(struct world *w, unsigned who)
{
	struct address a = person_address(who);
	struct account account;
	ledger_get(w->ledger, &a, &account);
	return account;
}

uint64_t
world_balance(struct world *w, unsigned who)
{
	return world_account(w, who).balance;
}

struct tx
transfer(const struct world *w, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence)
{
	struct tx tx = {
	    .version = TX_TRANSFER,
	    .network = w->network,
	    .recipient = person_address(to),
	    .value = value,
	    .fee = fee,
	    .sequence = sequence,
	};
	tx_resign(&tx, from);
	return tx;
}

void
tx_resign(struct tx *tx, unsigned from)
{
	struct seckey secret = person_secret(from);
	ck_assert_int_eq(tx_sign(tx, &secret), OK);
}

struct tx
reward(const struct world *w, unsigned to, uint64_t value, uint64_t height)
{
	return (struct tx){
	    .version = TX_REWARD,
	    .network = w->network,
	    .recipient = person_address(to),
	    .value = value,
	    .sequence = height,
	};
}

void
draft_init(struct draft *d, const struct world *w)
{
	const struct header *parent = &w->head.header;
	uint64_t time_ms = parent->time_ms + INTERVAL;
	*d = (struct draft){
	    .header =
		{
		    .version = BLOCK_VERSION,
		    .previous = w->head.hash,
		    .time_ms = time_ms,
		    .target = target_next(&w->params, parent->height, parent->target, parent->time_ms, time_ms),
		    .height = parent->height + 1,
		},
	    .count = 1,
	};
	d->txs[0] = reward(w, 0, ledger_subsidy(&w->params, w->supply), d->header.height);
}

void
draft_add(struct draft *d, const struct tx *tx)
{
	ck_assert_uint_lt(d->count, DRAFT_TXS);
	d->txs[d->count++] = *tx;
	d->txs[0].value += tx->fee;
}

void
draft_encode(struct draft *d, struct buf *out)
{
	struct hash256 leaves[DRAFT_TXS + 1];
	uint8_t bytes[DRAFT_TXS * TX_SIZE_MAX + sizeof(d->raw)];
	struct writer w = writer_of(bytes, sizeof(bytes));
	for (uint32_t i = 0; i < d->count; i++) {
		const uint8_t *start = w.at;
		tx_encode(&w, &d->txs[i]);
		leaves[i] = merkle_leaf(start, (size_t)(w.at - start));
	}
	uint32_t count = d->count;
	if (d->raw_len > 0) {
		put_bytes(&w, d->raw, d->raw_len);
		leaves[count++] = merkle_leaf(d->raw, d->raw_len);
	}
	ck_assert(!w.failed);
	if (!d->keep_root)
		d->header.merkle_root = merkle_root(leaves, count);
	if (!d->unsolved) {
		uint8_t header[HEADER_SIZE];
		header_encode(header, &d->header);
		struct u256 target;
		ck_assert(target_expand(&target, d->header.target));
		struct hash256 limit = u256_to_hash(&target);
		ck_assert(headerhash_search(&d->header.nonce, header, &limit, 0, 1u << 24));
	}
	buf_reset(out);
	block_begin(out, &d->header, count);
	buf_append(out, bytes, writer_len(&w));
}

struct verdict
world_judge(struct world *w, const void *bytes, size_t len)
{
	struct block b;
	enum rule rule = block_parse(&b, bytes, len);
	if (rule == RULE_OK)
		rule = header_check(&w->head, &b.header, &b.hash, &w->params);
	if (rule == RULE_OK)
		rule = header_check_clock(&b.header, w->head.header.time_ms + INTERVAL);
	if (rule != RULE_OK)
		return verdict_of(rule);
	uint64_t minted;
	return ledger_apply_block(w->ledger, &b, w->supply, NULL, NULL, NULL, &minted);
}

void
world_extend(struct world *w, const void *bytes, size_t len)
{
	struct verdict v = world_judge(w, bytes, len);
	ck_assert_msg(v.rule == RULE_OK, "height %llu, transaction %u: %s",
		      (unsigned long long)w->head.header.height + 1, v.tx, rule_name(v.rule));
	struct block b;
	ck_assert_int_eq(block_parse(&b, bytes, len), RULE_OK);
	ledger_keep(w->ledger, NULL);
	w->supply += ledger_subsidy(&w->params, w->supply);
	header_state_advance(&w->head, &b.header, &b.hash);
}

void
world_extend_draft(struct world *w, struct draft *d)
{
	struct buf bytes;
	buf_init(&bytes);
	draft_encode(d, &bytes);
	world_extend(w, bytes.data, bytes.len);
	buf_clear(&bytes);
}
