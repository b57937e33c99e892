/*
 * What work on the chain costs with chains of several lengths, all in the same run:
 *
 *	commit		microseconds of CPU for a block: judged, staged, committed, written to the journal without a sync
 *	admission	for a transfer from the ring into the pool and its log, without the check of its signature, which no chain
 *			makes longer
 *	template	for a template out of all that the pool has, signatures checked before
 *	segment		bytes of the segment a block
 *
 * usage: scale FOLDER BLOCKS...	at most 4 sizes
 *
 * Each round takes the sizes in turn and adds the same to each: some blocks, and some transfers to the pool. A row of JSON for
 * each name, size and round: {"name":…,"blocks":…,"value":…}.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain/template.h"
#include "store/branch.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store_kit.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

#define SIZES_MAX 4
#define ROUNDS 7
#define GROUP 100
#define COMMITS 50 /* a round */
#define WAITING 64 /* transfers in the ring at the same time */
#define ADMISSIONS (8 * WAITING)
#define POOL_MAX 8192
_Static_assert(ADMISSIONS *ROUNDS <= POOL_MAX, "the pool has room for all");

struct chain {
	uint32_t blocks;
	struct store *store;
	struct maker maker;
	struct mempool *pool;
	uint32_t ring;
	uint32_t transfers; /* made so far */
};

static struct chain chains[SIZES_MAX];

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
tell(const struct chain *c, const char *name, double value)
{
	printf("{\"name\":\"%s\",\"blocks\":%" PRIu32 ",\"value\":%.6g}\n", name, c->blocks, value);
}

/* Adds blocks in one commit; returns what it cost, without the making of the blocks. */
static double
extend(struct chain *c, uint64_t blocks)
{
	struct blockref none = {0}, old;
	struct branch branch;
	struct verdict v;
	struct block b;
	double used = 0, since;

	branch_init(&branch, c->store);
	since = cpu_us();
	must(branch_begin(&branch, chain_tip(c->store)) == OK, "no branch");
	used += cpu_us() - since;
	for (uint64_t i = 0; i < blocks; i++) {
		maker_next(&c->maker, 0, &b);
		since = cpu_us();
		must(branch_add(&branch, &b, true, &v) == OK && v.rule == RULE_OK, "no block added");
		used += cpu_us() - since;
	}
	since = cpu_us();
	must(branch_commit(&branch, none, &old) == OK && old.v != 0, "no commit");
	branch_end(&branch);
	return used + cpu_us() - since;
}

static void
chain_new(struct chain *c, uint32_t blocks)
{
	struct log_place nowhere = {0};
	struct store_usage u;

	c->blocks = blocks;
	c->store = store_new(UINT64_C(2) << 30, false);
	store_loaded(c->store, &nowhere);
	maker_init(&c->maker);
	for (uint64_t height; (height = c->maker.state.header.height) < blocks;)
		(void)extend(c, blocks - height < GROUP ? blocks - height : GROUP);
	c->pool = mempool_open(c->store);
	must(ring_assign(c->store, &c->ring) == OK, "no ring");
	store_usage(c->store, &u);
	tell(c, "segment", (double)u.arena_used / blocks);
}

static double
admit(struct chain *c)
{
	uint8_t bytes[WAITING][TX_SIZE_MAX];
	size_t sizes[WAITING];
	struct admission verdict;
	int slots[WAITING];
	double since;

	for (int i = 0; i < WAITING; i++) {
		struct writer w = writer_of(bytes[i], TX_SIZE_MAX);
		struct tx tx;
		maker_sign(&c->maker, &tx, c->transfers++);
		tx_encode(&w, &tx);
		sizes[i] = writer_len(&w);
	}
	since = cpu_us();
	for (int i = 0; i < WAITING; i++)
		must((slots[i] = ring_put_tx(c->store, c->ring, bytes[i], sizes[i], true)) >= 0, "the ring is full");
	must(pool_turn(c->store, c->pool, WAITING) == WAITING, "the ring was not drained");
	for (int i = 0; i < WAITING; i++)
		must(ring_take_verdict(c->store, c->ring, slots[i], &verdict) && verdict.status == ADMISSION_PENDING,
		     "a transfer was not let in");
	return cpu_us() - since;
}

static bool
fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes)
{
	uint32_t size;

	return mempool_fetch(ctx, ref, tx, bytes, &size);
}

static double
template_cost(struct chain *c)
{
	static struct candidate candidates[POOL_MAX];
	struct store *s = c->store;
	const struct params *p = store_params(s);
	struct chain_base base = {s, chain_tip(s), OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct header_state state;
	struct buf body, block;
	struct ledger *ledger;
	uint64_t fees = 0;
	uint32_t taken;
	double since = cpu_us();

	buf_init(&body);
	buf_init(&block);
	ledger = ledger_new(p, store_genesis(s), &ledger_base);
	chain_header_state(s, base.at, &state);
	taken = template_fill(&body, &fees, ledger, candidates, mempool_candidates(s, candidates, POOL_MAX),
			      p->max_block_bytes - BLOCK_PREFIX_SIZE - TX_REWARD_SIZE, fetch, s);
	template_block(&block, &state, p, store_genesis(s), &c->maker.people[0].address, chain_supply(s, base.at), fees,
		       &body, taken, state.header.time_ms + 1000);
	ledger_free(ledger);
	buf_clear(&body);
	buf_clear(&block);
	since = cpu_us() - since;
	must(base.failed == OK && taken == c->transfers, "the template has not all that is pooled");
	return since;
}

static void
measure(struct chain *c)
{
	struct settle_report report;
	double used = 0;

	for (int i = 0; i < COMMITS; i++)
		used += extend(c, 1);
	tell(c, "commit", used / COMMITS);
	must(mempool_settle(c->pool, clock_wall_ms(), &report), "the pool does not follow");
	used = 0;
	for (int i = 0; i < ADMISSIONS; i += WAITING)
		used += admit(c);
	tell(c, "admission", used / ADMISSIONS);
	tell(c, "template", template_cost(c));
}

int
main(int argc, char **argv)
{
	uint64_t blocks;
	int count = argc - 2;

	if (argc < 3 || count > SIZES_MAX) {
		fprintf(stderr, "usage: scale FOLDER BLOCKS...\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		char folder[2100];
		must(text_u64(&blocks, argv[i + 2], 4000000) == OK && blocks > SENDERS, "BLOCKS is a number above 100");
		snprintf(folder, sizeof(folder), "%s-%d", argv[1], i);
		folder_set(folder);
		chain_new(&chains[i], (uint32_t)blocks);
	}
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < count; i++)
			measure(&chains[i]);
	for (int i = 0; i < count; i++) {
		mempool_close(chains[i].pool);
		maker_clear(&chains[i].maker);
		store_destroy(chains[i].store);
	}
	return 0;
}
