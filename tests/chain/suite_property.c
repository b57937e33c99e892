/*
 * Random chains against a model that keeps balances in a plain array; then every kind of damage to their blocks. A
 * damaged block never passes: what is not covered by the work is covered by the Merkle root or the format.
 */
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "chain/pow.h"
#include "fixture.h"
#include "suites.h"

#define BLOCKS 25
#define DIFFICULTY 12 /* so that a damaged header does not meet its target by luck */

struct model {
	struct account accounts[PEOPLE];
	uint64_t supply;
};

/* A random valid block for the model's next state. */
static void
draft_random(struct draft *d, struct model *m, const struct world *w, uint64_t *seed)
{
	draft_init(d, w);
	uint64_t after_ms = 1 + random_below(seed, 2 * INTERVAL);
	d->header.time_ms = header_state_median_ms(&w->head) + after_ms;
	const struct header *parent = &w->head.header;
	d->header.target = target_next(&w->params, parent->height, parent->target, parent->time_ms, d->header.time_ms);
	unsigned miner = (unsigned)random_below(seed, PEOPLE);
	d->txs[0].recipient = person_address(miner);
	for (uint64_t n = random_below(seed, DRAFT_TXS); n > 0; n--) {
		unsigned from = (unsigned)random_below(seed, PEOPLE), to = (unsigned)random_below(seed, PEOPLE);
		struct account *sender = &m->accounts[from];
		if (sender->balance < 2)
			continue;
		uint64_t value = 1 + random_below(seed, sender->balance - 1);
		uint64_t fee = random_below(seed, sender->balance - value + 1);
		struct tx tx = transfer(w, from, to, value, fee, sender->sequence);
		draft_add(d, &tx);
		sender->balance -= value + fee;
		sender->sequence++;
		m->accounts[to].balance += value;
	}
	m->accounts[miner].balance += d->txs[0].value;
	m->supply += ledger_subsidy(&w->params, m->supply);
}

/* Judges a copy in memory of just its size, so that reading past the end is seen. */
static enum rule
judge_copy(struct world *w, const void *bytes, size_t len)
{
	void *copy = malloc(len ? len : 1);
	memcpy(copy, bytes, len);
	struct verdict v = world_judge(w, copy, len);
	ledger_drop(w->ledger);
	free(copy);
	return v.rule;
}

static void
damage(struct world *w, const struct buf *block, uint64_t *seed)
{
	ck_assert_int_eq(judge_copy(w, block->data, block->len), RULE_OK);
	struct buf bad;
	buf_init(&bad);
	for (int i = 0; i < 60; i++) {
		buf_reset(&bad);
		buf_append(&bad, block->data, block->len);
		size_t at = random_below(seed, 3) ? random_below(seed, bad.len) : random_below(seed, BLOCK_PREFIX_SIZE);
		switch (random_below(seed, 4)) {
		case 0: /* cut */
			bad.len = at;
			break;
		case 1: /* repeat a piece */
			buf_append(&bad, block->data + at, block->len - at);
			break;
		default: /* flip */
			bad.data[at] = (char)(bad.data[at] ^ (1 + random_below(seed, 255)));
			break;
		}
		ck_assert_int_ne(judge_copy(w, bad.data, bad.len), RULE_OK);
	}
	ck_assert_int_eq(judge_copy(w, block->data, block->len), RULE_OK);
	buf_clear(&bad);
}

START_TEST(random_chains_follow_the_model_and_no_damage_passes)
{
	uint64_t seed = (uint64_t)_i + 1000;
	struct world w;
	struct model m = {.supply = 0};
	world_init(&w, DIFFICULTY);
	struct buf block;
	buf_init(&block);
	for (int height = 1; height <= BLOCKS; height++) {
		struct draft d;
		draft_random(&d, &m, &w, &seed);
		draft_encode(&d, &block);
		damage(&w, &block, &seed);
		world_extend(&w, block.data, block.len);

		uint64_t sum = 0;
		for (unsigned who = 0; who < PEOPLE; who++) {
			struct account a = world_account(&w, who);
			ck_assert_uint_eq(a.balance, m.accounts[who].balance);
			ck_assert_uint_eq(a.sequence, m.accounts[who].sequence);
			sum += a.balance;
		}
		ck_assert_uint_eq(w.supply, m.supply);
		ck_assert_uint_eq(sum, m.supply); /* nothing is made or lost */
	}
	buf_clear(&block);
	world_clear(&w);
}
END_TEST

START_TEST(random_bytes_never_pass)
{
	uint64_t seed = 77;
	struct world w;
	world_init(&w, DIFFICULTY);
	uint8_t bytes[600];
	for (int i = 0; i < 20000; i++) {
		size_t len = random_below(&seed, sizeof(bytes) + 1);
		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)(random_next(&seed) >> random_below(&seed, 8));
		if (len > BLOCK_PREFIX_SIZE) /* a plausible start, to come further */
			memset(bytes + HEADER_SIZE, 0, 3);
		ck_assert_int_ne(judge_copy(&w, bytes, len), RULE_OK);
		struct reader r = reader_of(bytes, len);
		struct tx tx;
		if (tx_decode(&tx, &r) == RULE_OK)
			ck_assert_uint_le(tx_size(&tx), len);
	}
	world_clear(&w);
}
END_TEST

Suite *
suite_property(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "property", 120);
	tcase_add_loop_test(tc, random_chains_follow_the_model_and_no_damage_passes, 0, 3);
	tcase_add_test(tc, random_bytes_never_pass);
	return suite;
}
