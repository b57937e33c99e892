#include "strand.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chain/ledger.h"
#include "chain/merkle.h"
#include "chain/pow.h"
#include "crypto/headerhash.h"
#include "util/bytes.h"
#include "util/mem.h"

#define INTERVAL UINT64_C(20000)

struct params
strand_params(void)
{
	struct params p;

	params_default(&p);
	p.difficulty = 0;
	p.target_interval_ms = INTERVAL;
	return p;
}

static struct strand_block *
strand_next(struct strand *s)
{
	if (s->count == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		s->blocks = xrealloc(s->blocks, s->room * sizeof(*s->blocks));
	}
	memset(&s->blocks[s->count], 0, sizeof(*s->blocks));
	return &s->blocks[s->count++];
}

void
strand_init(struct strand *s)
{
	struct strand_block *b;

	memset(s, 0, sizeof(*s));
	s->params = strand_params();
	s->network = genesis_hash(&s->params);
	b = strand_next(s);
	genesis_encode(b->bytes, &s->params);
	b->size = BLOCK_PREFIX_SIZE;
	header_state_genesis(&b->state, &s->params);
}

void
strand_fork(struct strand *s, const struct strand *from, uint64_t height)
{
	*s = *from;
	ck_assert_uint_lt(height, from->count);
	s->count = s->room = height + 1;
	s->blocks = xmalloc(s->room * sizeof(*s->blocks));
	memcpy(s->blocks, from->blocks, s->count * sizeof(*s->blocks));
}

void
strand_clear(struct strand *s)
{
	free(s->blocks);
	memset(s, 0, sizeof(*s));
}

/* Finds the nonce of block b on top of parent, and sets b's state. */
static void
solve(struct strand *s, struct strand_block *b, struct header *h)
{
	const struct strand_block *parent = &s->blocks[s->count - 2];
	const struct header *last = &parent->state.header;
	struct hash256 limit, hash;
	struct u256 target;

	h->target = target_next(&s->params, last->height, last->target, last->time_ms, h->time_ms);
	ck_assert(target_expand(&target, h->target));
	limit = u256_to_hash(&target);
	header_encode(b->bytes, h);
	ck_assert(headerhash_search(&h->nonce, b->bytes, &limit, 0, 1u << 20));
	header_encode(b->bytes, h);
	hash = header_hash_bytes(b->bytes);
	b->state = parent->state;
	header_state_advance(&b->state, h, &hash);
}

void
strand_grow(struct strand *s, size_t blocks, uint8_t salt)
{
	for (; blocks > 0; blocks--) {
		struct strand_block *b = strand_next(s);
		const struct header *last = &s->blocks[s->count - 2].state.header;
		struct tx reward = {.version = TX_REWARD,
				    .network = s->network,
				    .recipient = {.b = {salt}},
				    .value = s->params.reward,
				    .sequence = last->height + 1};
		struct header h = {.version = BLOCK_VERSION,
				   .previous = s->blocks[s->count - 2].state.hash,
				   .time_ms = last->time_ms + INTERVAL,
				   .height = last->height + 1};
		struct writer w = writer_of(b->bytes + BLOCK_PREFIX_SIZE, TX_REWARD_SIZE);
		struct hash256 leaf;

		tx_encode(&w, &reward);
		ck_assert(!w.failed);
		leaf = merkle_leaf(b->bytes + BLOCK_PREFIX_SIZE, TX_REWARD_SIZE);
		h.merkle_root = merkle_root(&leaf, 1);
		b->bytes[BLOCK_PREFIX_SIZE - 1] = 1; /* count of transactions */
		b->size = BLOCK_PREFIX_SIZE + TX_REWARD_SIZE;
		solve(s, b, &h);
	}
}

void
strand_spoil_version(struct strand *s)
{
	struct strand_block *b = &s->blocks[s->count - 1];
	struct header h = b->state.header;

	h.version++;
	solve(s, b, &h);
}

void
strand_put_off(struct strand *s, uint64_t ms)
{
	struct strand_block *b = &s->blocks[s->count - 1];
	struct header h = b->state.header;

	h.time_ms += ms;
	solve(s, b, &h);
}

uint64_t
strand_height(const struct strand *s)
{
	return s->count - 1;
}

const struct hash256 *
strand_hash(const struct strand *s, uint64_t height)
{
	ck_assert_uint_lt(height, s->count);
	return &s->blocks[height].state.hash;
}

int64_t
strand_find(const struct strand *s, const struct hash256 *hash)
{
	for (size_t i = s->count; i-- > 0;)
		if (hash_equal(&s->blocks[i].state.hash, hash))
			return (int64_t)i;
	return -1;
}
