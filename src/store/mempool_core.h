/* What the pool process keeps for itself: shared by the rules (mempool.c) and by what makes them last (pool_keeping.c). */
#ifndef RENSA_STORE_MEMPOOL_CORE_H
#define RENSA_STORE_MEMPOOL_CORE_H

#include "pool_slots.h"
#include "sender_index.h"
#include "store/mempool.h"
#include "util/buf.h"

struct mempool {
	struct store *store;
	struct sender_index *senders;
	struct settle_report report; /* of walks since the last mempool_settle told */
	uint64_t walks;		     /* so far: numbers them */
	bool has_walked;
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

/* Out of the pool. What its sender has pending after it waits from now on. */
void mempool_take_out(struct mempool *m, uint32_t slot);
/* As of block `at`; returned: let in before, from a block that was rolled back or from the log. */
struct admission mempool_admit_at(struct mempool *m, struct blockref at, const struct tx *tx, const struct hash256 *id,
				  const struct pool_entry *origin, bool is_returned);

/* pool_keeping.c */

/* This slot was filled just now. */
void mempool_note_unkept(struct mempool *m, uint32_t slot);
/* A predecessor may have left some. */
void mempool_note_all_unkept(struct mempool *m);
/* What the log says of this one is not true any more. */
void mempool_note_changed(struct mempool *m, uint32_t slot);

#endif
