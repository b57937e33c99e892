/*
 * The chain's journal: a framed log of blocks and of tips (docs/protocol.md, "Files"). A block is written once, before
 * the chain ends in it or in a descendant; a tip entry says where the chain ends from then on. Replay ends at the last
 * tip entry: blocks of other branches stay in the file until it is compacted and count for nothing.
 */
#ifndef RENSA_DISK_JOURNAL_H
#define RENSA_DISK_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "disk/framelog.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define JOURNAL_FOLDER "journal" /* in the data folder */
#define JOURNAL_BLOCKS_MAX 500	 /* in one frame */
#define JOURNAL_BLOCK_HEAD 37	 /* kind, length, hash */
#define JOURNAL_NONE UINT32_MAX

/* Writing: a frame that is filled and then given to framelog_append. Blocks stay the caller's until then. */
struct journal_frame {
	struct frame frame;
	uint8_t heads[JOURNAL_BLOCKS_MAX][JOURNAL_BLOCK_HEAD];
	uint8_t tip[1 + 4 + HASH_SIZE + 8];
	int blocks;
};
void journal_frame_begin(struct journal_frame *f);
bool journal_frame_is_empty(const struct journal_frame *f);
/* False: no room; write what is there and begin another. There is always room for a tip. */
bool journal_frame_block(struct journal_frame *f, const struct hash256 *hash, const void *bytes, size_t size) MUSTCHECK;
void journal_frame_tip(struct journal_frame *f, const struct hash256 *hash, uint64_t height);
/* Everything was stopped in order: an end that is found without it was cut short. */
void journal_frame_closed(struct journal_frame *f);

/* Reading. */

struct journal_block {
	struct hash256 hash;
	uint64_t offset; /* of its bytes in the file */
	uint32_t file;
	uint32_t size;
	uint32_t parent; /* index of its parent, JOURNAL_NONE: not in the journal (the genesis block never is) */
};

struct journal {
	struct framelog *log; /* borrowed */
	struct framelog_scan scan;
	struct journal_block *blocks; /* in the order of writing, each once */
	uint32_t count;
	struct hash256 tip; /* of the last tip entry; the genesis block's if there is none */
	uint64_t tip_height;
	uint64_t tip_position; /* of the frame that holds it */
	bool is_closed;	       /* the node was stopped in order */
	/* Private. */
	uint32_t room;
	uint32_t *slots; /* index by hash; NULL until the first branch asks for it */
	uint32_t slot_count;
	uint8_t *window;
	uint64_t window_from;
	size_t window_held, window_room;
	uint32_t window_file;
	void (*progress)(void *ctx, uint32_t blocks);
	void *progress_ctx;
};

/*
 * Reads and checks the whole journal; what is said of framelog_scan holds here. An empty or missing one is OK. progress
 * (may be NULL) is called now and then.
 */
enum err journal_open(struct journal *j, struct framelog *log, bool may_mend,
		      void (*progress)(void *ctx, uint32_t blocks), void *ctx, struct buf *why) MUSTCHECK;
/* The same, but on failure j holds what came before the damage, with scan.place where it is: close it all the same. */
enum err journal_open_some(struct journal *j, struct framelog *log, bool may_mend,
			   void (*progress)(void *ctx, uint32_t blocks), void *ctx, struct buf *why) MUSTCHECK;
void journal_close(struct journal *j);

/* JOURNAL_NONE: it is not there. */
uint32_t journal_find(struct journal *j, const struct hash256 *hash);
/*
 * The chain that ends in the last tip: *order gets the indices of its blocks from the lowest to the highest (free() it),
 * as far down as they are in the journal.
 */
void journal_chain(struct journal *j, uint32_t **order, uint32_t *count);
/* A block's bytes, parsed; good until the next call. ERR_FORMAT: they are no block. */
enum err journal_block(struct journal *j, struct block *out, uint32_t index) MUSTCHECK;
/* The same with the hash that is stored beside it in place of its header's: saves a start a hash for each block. */
enum err journal_block_as_stored(struct journal *j, struct block *out, uint32_t index) MUSTCHECK;
/* Bytes of blocks that are not on the chain. */
uint64_t journal_stale_bytes(struct journal *j);

#endif
