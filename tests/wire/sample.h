/* A network, a transfer and a block that the suites of this layer share. */
#ifndef RENSA_TESTS_WIRE_SAMPLE_H
#define RENSA_TESTS_WIRE_SAMPLE_H

#include "chain/block.h"
#include "chain/tx.h"
#include "util/buf.h"

struct params sample_params(void);
/* Signed by key 1, to the address of key 2: value 7, fee 3, sequence 5, a memo with quotes, a snowman and a NUL. */
struct tx sample_transfer(void);
struct tx sample_reward(void); /* height 9 */
/* Appends a block of height 9: the reward and the transfer. Parsed into *b, which borrows out's bytes. */
void sample_block(struct buf *out, struct block *b);

#endif
