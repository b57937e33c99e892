/* A pool that follows a chain, without the process around it: who has coins, blocks that are mined, what became of whom. */
#ifndef RENSA_TESTS_STORE_SETTLE_KIT_H
#define RENSA_TESTS_STORE_SETTLE_KIT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain_maker.h"
#include "store/mempool.h"

#define NOW 5000
#define COINS 4

/* Each person has COINS coins; the pool has settled there. */
struct stage {
	struct store *s;
	struct mempool *pool;
	struct maker m;
	struct blockref base;
	struct settle_report report;
};

void stage_make(struct stage *c, const struct segment_plan *plan);
void stage_clear(struct stage *c);
enum admission_status stage_admit(struct stage *c, const struct tx *tx, bool from_client);
/* The chain becomes: from, then one block with these, then `more` empty ones. */
void stage_mine(struct stage *c, struct blockref from, const struct tx *txs, size_t count, unsigned more);
/* To the end; the pool must hold together. */
bool stage_settle(struct stage *c);

#define expect_report(c, m, r, d)                                                                            \
	ck_assert_msg((c)->report.mined == (m) && (c)->report.returned == (r) && (c)->report.dropped == (d), \
		      "mined %u, returned %u, dropped %u", (c)->report.mined, (c)->report.returned,          \
		      (c)->report.dropped)

enum place { NOWHERE, POOLED, MINED, GONE };

/* POOLED: *e is set. GONE: *gone is. */
enum place stage_place(const struct store *s, const struct tx *tx, struct pool_entry *e, struct pool_gone *gone);
void stage_expect_gone(const struct stage *c, const struct tx *tx, enum rule rule);
void stage_expect_pooled(const struct stage *c, const struct tx *tx, bool from_client, bool is_waiting);

#endif
