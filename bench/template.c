/*
 * What the draft of a block costs with 50,000 transfers in the pool, of which some 6,000 fit: listing the pool,
 * selecting by fee per byte with each sender's in sequence, copying what is chosen out of the pool, applying it to
 * accounts, and the merkle tree. Signatures are no part of it: the miner checks each once, whatever blocks it is tried
 * for, and accounts are answered from memory at once, the chain's indexes being measured elsewhere.
 *
 *	select-singles	50,000 senders with a transfer each
 *	select-rows	782 senders with 64 each, fees in no order
 *	select		both, half and half
 *			yardstick: qsort of the same candidates, by fee per byte and then by arrival
 *
 * usage: template FOLDER
 *
 * Rows of JSON, milliseconds of CPU time, medians of 7 alternations. The marks are those of three sorts for a draft.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/ledger.h"
#include "chain/template.h"
#include "store/mempool.h"
#include "store/pool_slots.h"
#include "store_kit.h"
#include "util/bytes.h"
#include "util/clock.h"

#define POOL 50000
#define ROW 64 /* as many of a sender as a pool takes */
#define FEE_MAX 100000
#define MARK (1.0 / 3)

struct pool {
	struct store *store;
	struct params params;
	struct hash256 network;
	struct header_state parent;
	struct candidate candidates[POOL], sorted[POOL];
	struct buf body, block;
};

static uint32_t
random_below(uint32_t limit)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((state >> 32) * limit >> 32);
}

/* A key that nobody has: the first byte is that of a compressed one. */
static struct pubkey
key_of(uint32_t sender)
{
	struct pubkey key = {{2}};
	struct hash256 h = sha256(&sender, sizeof(sender));

	memcpy(key.b + 1, h.b, sizeof(h.b));
	return key;
}

static void
put(struct pool *p, uint32_t sender, uint64_t sequence)
{
	struct tx tx = {.version = TX_TRANSFER,
			.network = p->network,
			.sender_key = key_of(sender),
			.value = 1,
			.fee = random_below(FEE_MAX),
			.sequence = sequence};
	struct address who = tx_sender(&tx);
	struct pool_packed e;
	struct hash256 id;

	tx.recipient.b[0] = (uint8_t)sender;
	id = tx_id(&tx);
	pool_pack(&e, p->store, &tx, &id, &who);
	e.from_client = true;
	must(pool_insert(p->store, &e) != UINT32_MAX, "the pool is full");
}

/* Shuffled, so that neighbours in the pool have nothing to do with one another, but each sender's come in order. */
static void
fill(struct pool *p, uint32_t singles)
{
	static uint32_t senders[POOL], sequences[POOL];

	memset(sequences, 0, sizeof(sequences));
	for (uint32_t i = 0; i < POOL; i++)
		senders[i] = i < singles ? i : singles + (i - singles) / ROW;
	for (uint32_t i = POOL; i-- > 1;) {
		uint32_t k = random_below(i + 1), kept = senders[i];
		senders[i] = senders[k];
		senders[k] = kept;
	}
	for (uint32_t i = 0; i < POOL; i++)
		put(p, senders[i], sequences[senders[i]]++);
}

static void
account_of_anyone(void *ctx, const struct address *who, struct account *out, uint64_t *tag)
{
	(void)ctx;
	(void)who;
	*out = (struct account){.balance = UINT64_C(1) << 40};
	*tag = 0;
}

static bool
fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes)
{
	struct pool *p = ctx;
	uint32_t size;

	return mempool_fetch(p->store, ref, tx, bytes, &size);
}

static double
time_to_draft(struct pool *p)
{
	const struct address to = {{7}};
	struct ledger_base base = {account_of_anyone, NULL};
	uint64_t since = clock_cpu_ns(), fees;
	struct ledger *l = ledger_new(&p->params, &p->network, &base);
	size_t count = mempool_candidates(p->store, p->candidates, POOL);
	uint32_t taken;
	double spent;

	buf_reset(&p->body);
	taken = template_fill(&p->body, &fees, l, p->candidates, count,
			      p->params.max_block_bytes - BLOCK_PREFIX_SIZE - TX_REWARD_SIZE, fetch, p);
	ledger_free(l);
	template_block(&p->block, &p->parent, &p->params, &p->network, &to, 0, fees, &p->body, taken, 1000);
	spent = (double)(clock_cpu_ns() - since) / 1e6;
	must(count == POOL && p->block.len > p->params.max_block_bytes - 2 * TX_SIZE_MAX, "the block is not full");
	return spent;
}

static int
compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	unsigned __int128 for_x = (unsigned __int128)x->fee * y->size, for_y = (unsigned __int128)y->fee * x->size;

	if (for_x != for_y)
		return for_x > for_y ? -1 : 1;
	return x->arrival < y->arrival ? -1 : 1;
}

static double
time_to_sort(struct pool *p)
{
	uint64_t since;

	must(mempool_candidates(p->store, p->sorted, POOL) == POOL, "the pool is not full");
	since = clock_cpu_ns();
	qsort(p->sorted, POOL, sizeof(*p->sorted), compare);
	return (double)(clock_cpu_ns() - since) / 1e6;
}

static void
measure(const char *name, const char *folder, uint32_t singles)
{
	static struct pool p;
	struct store_options o = {.name = "bench",
				  .data_dir = folder,
				  .size_max = UINT64_C(1) << 30,
				  .roles = 2,
				  .rings = 2,
				  .pool_max = POOL};
	double drafts[ROUNDS_MAX], sorts[ROUNDS_MAX];
	struct buf why;

	buf_init(&why);
	maker_params(&p.params);
	p.network = genesis_hash(&p.params);
	header_state_genesis(&p.parent, &p.params);
	o.params = p.params;
	must(store_create(&p.store, &o, &why) == OK, why.data);
	fill(&p, singles);
	(void)time_to_draft(&p);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		drafts[i] = time_to_draft(&p);
		sorts[i] = time_to_sort(&p);
	}
	row_print(name, drafts, sorts, ROUNDS_MAX, "ms", MARK, true);
	store_destroy(p.store);
	buf_clear(&p.body);
	buf_clear(&p.block);
	buf_clear(&why);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: template FOLDER\n");
		return 2;
	}
	folder_set(argv[1]);
	measure("select-singles", argv[1], POOL);
	measure("select-rows", argv[1], 0);
	measure("select", argv[1], POOL / 2);
	return 0;
}
