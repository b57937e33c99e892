/* Chains made for tests: valid at the lowest difficulty, with one block each interval and nothing in them but rewards.
 */
#ifndef RENSA_TESTS_PEER_STRAND_H
#define RENSA_TESTS_PEER_STRAND_H

#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/header_chain.h"
#include "chain/params.h"
#include "util/buf.h"

struct strand_block {
	struct header_state state; /* behind it */
	uint8_t bytes[BLOCK_PREFIX_SIZE + TX_REWARD_SIZE];
	size_t size;
};

struct strand {
	struct params params;
	struct hash256 network;
	struct strand_block *blocks; /* from genesis on */
	size_t count, room;
};

struct params strand_params(void);
/* Genesis alone. */
void strand_init(struct strand *s);
/* The first blocks of another, up to and with a height. */
void strand_fork(struct strand *s, const struct strand *from, uint64_t height);
void strand_clear(struct strand *s);
/* Adds blocks; strands that grow with another salt differ in each. */
void strand_grow(struct strand *s, size_t blocks, uint8_t salt);
/* Changes the last block before it is solved anew: another block version, or a time so much later. */
void strand_spoil_version(struct strand *s);
void strand_put_off(struct strand *s, uint64_t ms);

uint64_t strand_height(const struct strand *s);
const struct hash256 *strand_hash(const struct strand *s, uint64_t height);
/* Height of the block with that hash, -1 if it has none. */
int64_t strand_find(const struct strand *s, const struct hash256 *hash);

#endif
