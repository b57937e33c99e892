/* No rule is bent here: whatever is made has to pass a node's checks. */
#include "maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/ledger.h"
#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"

void
must(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void
maker_params(struct params *p)
{
	params_default(p);
	p->difficulty = 0;
	p->retarget = RETARGET_FIXED;
}

void
maker_init(struct maker *m)
{
	maker_init_at(m, 0);
}

void
maker_init_at(struct maker *m, uint32_t difficulty)
{
	memset(m, 0, sizeof(*m));
	maker_params(&m->params);
	m->params.difficulty = difficulty;
	m->network = genesis_hash(&m->params);
	header_state_genesis(&m->state, &m->params);
	for (uint32_t i = 0; i < SENDERS; i++) {
		struct person *p = &m->people[i];
		p->secret = (struct seckey){{1}};
		memcpy(p->secret.b + 4, &i, sizeof(i));
		must(key_public(&p->key, &p->secret) == OK, "no key");
		p->address = address_of(&p->key);
	}
	buf_init(&m->body);
	buf_init(&m->block);
}

void
maker_clear(struct maker *m)
{
	buf_clear(&m->body);
	buf_clear(&m->block);
}

void
maker_sign(struct maker *m, struct tx *tx, uint32_t n)
{
	struct person *from = &m->people[n % SENDERS];

	*tx = (struct tx){.version = TX_TRANSFER,
			  .network = m->network,
			  .recipient = m->people[(n + 1) % SENDERS].address,
			  .value = 1,
			  .sequence = from->sequence++};
	must(tx_sign(tx, &from->secret) == OK, "no signature");
}

static uint32_t
add_transfers(struct maker *m, uint64_t height, uint64_t wanted)
{
	uint32_t count = 0;

	buf_reset(&m->body);
	for (; height > SENDERS && count < wanted; count++) {
		uint8_t bytes[TX_SIZE_MAX];
		struct writer w = writer_of(bytes, sizeof(bytes));
		struct tx tx;
		maker_sign(m, &tx, count);
		tx_encode(&w, &tx);
		buf_append(&m->body, bytes, writer_len(&w));
	}
	return count;
}

void
maker_next(struct maker *m, uint64_t transfers, struct block *out)
{
	uint64_t height = m->state.header.height + 1, nonce;
	uint32_t count = add_transfers(m, height, transfers);
	struct hash256 target;
	struct u256 wide;
	struct header h;

	buf_reset(&m->block);
	template_block(&m->block, &m->state, &m->params, &m->network, &m->people[height % SENDERS].address, m->supply,
		       0, &m->body, count, m->state.header.time_ms + 1000);
	header_decode(&h, (const uint8_t *)m->block.data);
	must(target_expand(&wide, h.target), "no target");
	target = u256_to_hash(&wide);
	must(headerhash_search(&nonce, (const uint8_t *)m->block.data, &target, 0, UINT64_C(1) << 32),
	     "no proof of work");
	h.nonce = nonce;
	header_encode((uint8_t *)m->block.data, &h);
	must(block_parse(out, m->block.data, m->block.len) == RULE_OK, "no block");
	m->supply += ledger_subsidy(&m->params, m->supply);
	header_state_advance(&m->state, &out->header, &out->hash);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Between the sorted values, as Python's statistics.quantiles does it: the n-th of them lies at n / (count + 1). */
static double
quartile(const double *sorted, int count, int which)
{
	int place = which * (count + 1), at = place / 4;

	if (count == 1)
		return sorted[0];
	at = at < 1 ? 1 : at > count - 1 ? count - 1 : at;
	return sorted[at - 1] + (sorted[at] - sorted[at - 1]) * (place - at * 4) / 4;
}

static double
middle(const double *values, int count, double *spread)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, (size_t)count * sizeof(*sorted));
	qsort(sorted, (size_t)count, sizeof(*sorted), compare);
	*spread = quartile(sorted, count, 3) - quartile(sorted, count, 1);
	return quartile(sorted, count, 2);
}

void
row_print(const char *name, const double *ours, const double *yardstick, int rounds, const char *unit, double mark,
	  bool is_cost)
{
	double ratios[ROUNDS_MAX], unused, spread, ratio, our_middle, their_middle;

	must(rounds > 0 && rounds <= ROUNDS_MAX, "too many rounds");
	for (int i = 0; i < rounds; i++)
		ratios[i] = is_cost ? yardstick[i] / ours[i] : ours[i] / yardstick[i];
	our_middle = middle(ours, rounds, &unused);
	their_middle = middle(yardstick, rounds, &unused);
	ratio = middle(ratios, rounds, &spread);
	printf("{\"name\":\"%s\",\"ours\":%.6g,\"yardstick\":%.6g,\"unit\":\"%s\",\"ratio\":%.3f,\"spread\":%.3f,"
	       "\"mark\":%.3f,\"holds\":%s}\n",
	       name, our_middle, their_middle, unit, ratio, spread, mark, ratio + spread >= mark ? "true" : "false");
}
