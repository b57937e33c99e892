/*
 * What the pool process keeps for itself: shared by the rules (mempool.c), by how they follow the chain (mempool_settle.c)
 * and by what makes them last (pool_keeping.c).
 */
#ifndef RENSA_STORE_MEMPOOL_CORE_H
#define RENSA_STORE_MEMPOOL_CORE_H

#include "pool_owed.h"
#include "pool_slots.h"
#include "sender_index.h"
#include "store/mempool.h"
#include "util/buf.h"

/* What a walk does next. */
enum walk_phase {
	WALK_TAKE,	    /* out of the pool what its blocks have, one by one … */
	WALK_SWEEP,	    /* … or, where they have more than the pool, what its senders have no use for */
	WALK_RETURN,	    /* what rolled-back blocks had */
	WALK_RECHECK,	    /* all senders */
	WALK_RECHECK_MINED, /* only those of mined transfers: nothing else has changed */
	WALK_OVER
};

/* From one tip to another, see mempool_settle.c. */
struct walk {
	bool is_under_way;
	bool is_stale; /* its tip has left the chain: no more is done, the rest is owed */
	bool is_plain; /* the chain has only grown */
	enum walk_phase phase;
	struct blockref tip, fork;
	uint64_t now_ms;
	/* Where it stands: in the blocks from the tip down to the fork … */
	struct blockref at; /* the next to be opened */
	bool is_open;
	struct block_iter it;
	uint32_t bucket; /* … among senders … */
	struct owed owed;
	uint32_t returned; /* … and in what is owed */
};

struct mempool {
	struct store *store;
	struct sender_index *senders;
	struct settle_report report; /* of walks since the last mempool_settle told */
	uint64_t walks;		     /* so far: numbers them */
	bool has_walked;
	struct walk walk;
	bool is_fresh; /* whatever a predecessor was at when it died: the first walk looks at every sender */
	/*
	 * While the pool is full: nothing in it would make room for a transfer as good as this, so another such one is
	 * refused without looking through all slots. Of a client: nothing would for any. size 0: not known.
	 */
	struct pool_packed floor;
	uint32_t *unkept; /* slots that may hold what the log lacks */
	uint32_t unkept_count, unkept_room;
	uint32_t *listed;   /* of each slot: where in that list it stands last, from 1 */
	struct buf payload; /* of the frame in the making */
};

/* mempool.c */

/* Out of the pool, and no more. */
void mempool_drop(struct mempool *m, uint32_t slot);
/* The same, and what its sender has pending after it waits from now on. */
void mempool_take_out(struct mempool *m, uint32_t slot);
/* Of sender `who`, as of block `at`; returned: let in before, from a block that was rolled back or from the log. */
struct admission mempool_admit_at(struct mempool *m, struct blockref at, const struct tx *tx, const struct hash256 *id,
				  const struct address *who, const struct pool_entry *origin, bool is_returned);

/* mempool_settle.c */

/*
 * Begins a walk if the chain has moved, and does all that the walk has to do for this sender. False: the chain moved on to
 * another branch meanwhile; try again.
 */
bool mempool_settle_sender(struct mempool *m, const struct pubkey *key, const struct address *who,
			   uint64_t now_ms) MUSTCHECK;
/* If one is under way. */
void mempool_finish_walk(struct mempool *m);

/* pool_keeping.c */

/* This slot was filled just now. */
void mempool_note_unkept(struct mempool *m, uint32_t slot);
/* A predecessor may have left some. */
void mempool_note_all_unkept(struct mempool *m);
/* What the log says of this one is not true any more. */
void mempool_note_changed(struct mempool *m, uint32_t slot);

#endif
