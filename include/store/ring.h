/*
 * Rings: how a worker hands over what it must not write itself. A ring belongs to one worker's life; the worker fills
 * slots, the pool (transfers), the resolver (blocks, consensus), the miner (mining) and the master (reload) empty them and
 * leave an answer.
 * Slots carry data, wake-ups are the bells of the node layer. A dead worker's ring is drained, then freed.
 *
 * A slot goes round: FREE -> FILLING -> FULL (worker) -> BUSY (commands only) -> DONE (consumer) -> FREE (worker, or
 * the consumer if the worker no longer waits). Transfers are judged in the order in which they were put.
 */
#ifndef RENSA_STORE_RING_H
#define RENSA_STORE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/tx.h"
#include "store/chain.h"
#include "store/mempool.h"
#include "store/store.h"
#include "util/attr.h"

#define RING_TXS 512
#define RING_BLOCKS 8
#define RING_BLOCK_BYTES (64u << 10)
#define RING_COMMANDS 4
#define RING_MINE_MAX 1000 /* blocks of one mining command */
#define RING_HINTS 32
#define RING_HEARD 8192
#define RING_ADDRESS_SIZE 56

/* Master: a free ring for a new worker; ERR_BUSY if none is. pid 0 until the fork is done. */
enum err ring_assign(struct store *s, uint32_t *ring) MUSTCHECK;
/* Master: its worker is dead. The pool frees it once drained. */
void ring_orphan(struct store *s, uint32_t ring);

/* Worker side: transfers. -1: all slots are taken. The slot number is the handle. */
int ring_put_tx(struct store *s, uint32_t ring, const uint8_t *bytes, size_t size, bool from_client);
/* Answered? Then the slot is free again. */
bool ring_take_verdict(struct store *s, uint32_t ring, int slot, struct admission *out) MUSTCHECK;
/* The worker no longer waits for it (its client is gone, or it took too long); the slot is freed once answered. */
void ring_forget_tx(struct store *s, uint32_t ring, int slot);

/*
 * Pool side. Drains up to max transfers of all rings: calls judge for each FULL slot, then seal (if not NULL) for all of
 * them, which makes durable what they promise and may change them, and only then marks the slots DONE. The verdicts come
 * in the order of the calls of judge. Returns how many. rang[ring] is set for each ring that got an answer. Orphaned
 * rings are emptied and freed.
 */
typedef struct admission ring_judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client);
typedef void ring_seal(void *ctx, struct admission *verdicts, size_t count);
size_t ring_drain(struct store *s, size_t max, ring_judge *judge, ring_seal *seal, void *ctx,
		  bool rang[STORE_RINGS_MAX]);

/* What a peer pushed of a block. What is too large for a slot is cut to the header alone. */
enum push_kind { PUSH_WHOLE, PUSH_COMPACT, PUSH_HEADER };
struct pushed_block {
	char source[RING_ADDRESS_SIZE]; /* host that it came from */
	char from[RING_ADDRESS_SIZE];	/* host:port to ask back, "" if unknown */
	uint32_t kind;			/* enum push_kind */
	uint32_t size;
	uint8_t bytes[RING_BLOCK_BYTES];
};
/* Worker: ERR_BUSY if the slots are full. */
enum err ring_put_block(struct store *s, uint32_t ring, const char *source, const char *from, enum push_kind kind,
			const uint8_t *bytes, size_t size) MUSTCHECK;
/* Worker: how many pushes with this header wait in all rings. */
uint32_t ring_blocks_waiting(const struct store *s, const uint8_t header[HEADER_SIZE]);
/* Resolver: the next pushed block of any ring; copies and frees the slot. */
bool ring_take_block(struct store *s, struct pushed_block *out) MUSTCHECK;

enum command_kind { COMMAND_MINE, COMMAND_MINE_START, COMMAND_MINE_STOP, COMMAND_CONSENSUS, COMMAND_RELOAD };
struct command {
	enum command_kind kind;
	struct address address; /* mine: who gets the reward */
	uint32_t blocks;	/* mine: how many */
};
struct command_result {
	enum err error;
	bool replaced;	/* consensus: the tip was swapped for a better one */
	uint32_t count; /* blocks mined so far */
	struct blockref blocks[RING_MINE_MAX];
};
/* Worker: -1 if all slots are taken. */
int ring_put_command(struct store *s, uint32_t ring, const struct command *c);
bool ring_take_result(struct store *s, uint32_t ring, int slot, struct command_result *out) MUSTCHECK;
/* Worker: stop as soon as may be; the result (what was done so far) still comes. */
void ring_cancel_command(struct store *s, uint32_t ring, int slot);
/* Worker: nobody waits any more. Cancels; the slot is freed once answered. */
void ring_forget_command(struct store *s, uint32_t ring, int slot);
/* Consumer, at its start: commands that its predecessor was at when it died are answered with ERR_CLOSED. */
void command_recover(struct store *s, uint32_t kinds);
/* Consumer: the next command for which wants(kind) holds; the handle stays good until command_finish. */
struct command_handle {
	uint32_t ring;
	uint32_t slot;
};
bool command_next(struct store *s, uint32_t kinds /* bits 1 << kind */, struct command_handle *handle,
		  struct command *out) MUSTCHECK;
bool command_is_cancelled(const struct store *s, struct command_handle h);
void command_mined(struct store *s, struct command_handle h, struct blockref block);
/* How many blocks were mined for it so far, also by a predecessor that handed it back. */
uint32_t command_mined_count(const struct store *s, struct command_handle h);
/* Consumer that ends in order: the successor takes it by command_next and goes on with it; nobody is answered yet. */
void command_hand_back(struct store *s, struct command_handle h);
void command_finish(struct store *s, struct command_handle h, enum err error, bool replaced);

/*
 * Worker: an address that may be a node, told by the node itself; with RING_HINT_ELSEWHERE in front if it is of another
 * host than the one that the node called from. Lossy: old hints are overwritten.
 */
#define RING_HINT_ELSEWHERE '+'
void ring_put_hint(struct store *s, uint32_t ring, const char *address);
/* Discovery: the next hint of any ring since the last call. cursor is the caller's, zeroed at the start. */
struct hint_cursor {
	uint64_t seen[STORE_RINGS_MAX];
};
bool ring_next_hint(const struct store *s, struct hint_cursor *cursor, char address[RING_ADDRESS_SIZE]) MUSTCHECK;

/*
 * What peers have told us, so that the relay need not tell it them: an item and a peer by their keys (wire/peer_msg.h).
 * Lossy: old entries are overwritten, and what is lost is told once too often.
 */
struct heard {
	uint64_t item;
	uint64_t peer;
};
void ring_put_heard(struct store *s, uint32_t ring, const struct heard *h);
/* Relay: the next one of any ring since the last call. */
struct heard_cursor {
	uint64_t seen[STORE_RINGS_MAX];
};
bool ring_next_heard(const struct store *s, struct heard_cursor *cursor, struct heard *out) MUSTCHECK;

#endif
