/*
 * A scene for the pool's process and its log. Its work comes through a ring, as in the node: a swap of branches that mines
 * some, returns others and rules one out; transfers that wait, that make room in a full pool, that are told again. What was
 * told is written down, and a start from the disk must know all of it.
 */
#ifndef RENSA_TESTS_STORE_SCENE_KIT_H
#define RENSA_TESTS_STORE_SCENE_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/tx.h"
#include "chain_maker.h"
#include "crypto/hash.h"
#include "store/chain.h"
#include "store/mempool.h"
#include "store/store.h"

#define POOL_MAX 12
#define ASKS_MAX 32
#define PROMOTED 5 /* a peer's that a client sends as well */

struct ask {
	struct tx tx;
	struct hash256 id;
	bool from_client;
	bool is_told;
	int slot; /* in the ring; -1: not asked that way, or answered */
};

struct scene {
	const char *folder;
	struct store *s;
	uint32_t ring;
	struct ask asks[ASKS_MAX];
	uint32_t count;
	uint32_t early; /* so many were told before the swap */
};

/* One life of the pool's process: where it dies, and whether it replaces its log at the end. */
struct scene_job {
	const char *point; /* NULL: nothing happens to it */
	unsigned pass;
	bool is_tidying;
};

/* Of a segment beside the scene's own. */
extern const struct segment_plan scene_again_plan;

/* Starts from the folder, and gives everybody two coins. */
void scene_begin(struct scene *c, const char *folder);
/* And everything up to the moment when the pool's process hears of the swap. */
void scene_set(struct scene *c, const char *folder);
/* The segment is gone, and its folder empty again. */
void scene_end(struct scene *c);

/* Puts a transfer into the ring, and takes the verdicts that are there. Returns how many were not kept. */
void scene_ask(struct scene *c, struct tx tx, bool from_client);
unsigned scene_listen(struct scene *c);
/* Swaps the chain to a block of these transfers on from, and so many empty ones more. */
void scene_commit(struct maker *m, struct blockref from, unsigned miner, const struct tx *txs, size_t count,
		  unsigned more);

/* The pool's process in small: settles, in the smallest pieces, and judges until the rings are empty. */
void scene_serve(struct store *s, struct mempool *pool);
/* The same as a process's whole life; arg is its struct scene_job. */
void scene_work(struct store *s, void *arg);

/* Every transfer that was told is where it may be; s: the segment, or one that was started from the disk. */
void scene_check_told(const struct scene *c, const struct store *s, const char *when, const struct scene_job *job);
/* The same in what a start would come to, now; and its chain is the segment's. */
void scene_check_disk(const struct scene *c, const char *when, const struct scene_job *job);

#endif
