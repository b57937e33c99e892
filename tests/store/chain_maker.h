/*
 * What the store's tests stand on: a segment made for one test, a few people with fixed keys, transfers, and blocks
 * that are made on any record, judged, staged and committed as miner and resolver do it. Works in tests and their
 * children.
 */
#ifndef RENSA_TESTS_STORE_CHAIN_MAKER_H
#define RENSA_TESTS_STORE_CHAIN_MAKER_H

#include <stdint.h>

#include "chain/ledger.h"
#include "chain/tx.h"
#include "crypto/address.h"
#include "store/chain.h"
#include "store/mempool.h"
#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

#define PEOPLE 6
#define NOBODY PEOPLE /* reward to an address that is never seen again */
#define BLOCK_TXS_MAX 64

struct segment_plan {
	const char *name;  /* default "test" */
	uint64_t size_max; /* default 64 MiB */
	uint32_t rings;	   /* default 4 */
	uint32_t pool_max; /* default 64 */
	uint32_t maturity;
};
/* Fails the test if it cannot. Gone again with segment_unmake, which fixtures call after each test. */
struct store *segment_make(const struct segment_plan *plan);
void segment_unmake(void);
void segment_unmake_one(struct store *s);
/* Bytes that its tables take: of what was asked for, the arena has the rest. */
uint64_t segment_tables(const struct store *s);
/* The options that segment_make would use. */
struct store_options segment_options(const struct segment_plan *plan);

struct address person(unsigned who);
/* A signed transfer, not checked against anything. */
struct tx transfer(const struct store *s, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence);
/* A transfer with everything but a signature: thousands are made in no time. */
struct tx transfer_unsigned(const struct store *s, unsigned from, unsigned to, uint64_t value, uint64_t fee,
			    uint64_t sequence);

/* A branch in the making. */
struct maker {
	struct store *store;
	struct ledger *ledger;
	struct chain_base base;
	struct blockref fork; /* with the chain, when it was begun */
	struct blockref kept; /* up to here it was a record before */
	struct blockref at;   /* its last block */
	uint64_t *tags;
	size_t tag_room;
	uint64_t random;
	uint64_t transfers_made;
};

void maker_init(struct maker *m, struct store *s, uint64_t seed);
void maker_clear(struct maker *m); /* gives up what was not committed */
/* The branch starts from any record: those between the chain and it are replayed. */
enum err maker_begin(struct maker *m, struct blockref from) MUSTCHECK;
/* One more block, staged: its reward to miner, these transfers; time_ms after its parent. */
enum err maker_add(struct maker *m, unsigned miner, const struct tx *txs, size_t count, uint64_t time_ms) MUSTCHECK;
/* One more block with up to so many random transfers between people, and a random miner. */
enum err maker_add_random(struct maker *m, size_t transfers) MUSTCHECK;
/* Swaps the chain to the branch, whatever is better. ERR_STALE if the tip moved off the branch's fork. */
enum err maker_commit(struct maker *m) MUSTCHECK;
/* Begin at `from`, add so many random blocks, commit. */
enum err maker_grow(struct maker *m, struct blockref from, unsigned blocks, size_t transfers) MUSTCHECK;
/* The same without commit. */
enum err maker_stage(struct maker *m, struct blockref from, unsigned blocks, size_t transfers) MUSTCHECK;
/* The chain shall end in a record that is there already. */
enum err chain_swap(struct store *s, struct blockref to) MUSTCHECK;

#endif
