/* The test vectors of docs/protocol.md, as this code computes them: one JSON document. */
#ifndef RENSA_TESTS_CHAIN_VECTORS_H
#define RENSA_TESTS_CHAIN_VECTORS_H

#include "util/buf.h"

void vectors_write(struct buf *out);

#endif
