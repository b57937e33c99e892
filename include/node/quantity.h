/* Quantities as an operator writes them: plain numbers, sizes, durations, coins and times. All are 64-bit unsigned. */
#ifndef RENSA_NODE_QUANTITY_H
#define RENSA_NODE_QUANTITY_H

#include <stdint.h>

#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

enum quantity {
	QUANTITY_NUMBER,   /* 42 */
	QUANTITY_SIZE,	   /* bytes: 1048576, 1024K, 1M, 1MiB; K, M, G and T are steps of 1024 */
	QUANTITY_DURATION, /* milliseconds: 20 and 20s are seconds; also ms, m, h, d */
	QUANTITY_COINS,	   /* base units, written in coins: 1, 0.5, 12.00000001 */
	QUANTITY_TIME	   /* milliseconds since 1970: 2026-01-31T12:00:00Z, with up to 3 decimals of a second */
};

/* ERR_FORMAT: something else; ERR_LIMIT: beyond 64 bits. */
enum err quantity_parse(uint64_t *out, enum quantity q, const char *text) MUSTCHECK;
/* Appends the shortest text that quantity_parse reads as value, in the largest unit that divides it. */
void quantity_format(struct buf *out, enum quantity q, uint64_t value);

#endif
