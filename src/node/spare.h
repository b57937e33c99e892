/*
 * A thread that computes while nobody else on this machine wants the core: see spare.c.
 */
#ifndef RENSA_NODE_SPARE_H
#define RENSA_NODE_SPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct spare;

/*
 * A piece of work, in the thread: it may touch what ctx points to, which is the loop's again when the piece is over, and
 * nothing else. Between two bits of it, half a millisecond each at most, it asks whether it is wanted still.
 */
typedef void spare_work(struct spare *s, void *ctx);
/* In the loop: the piece is done, or was left off because it had been dropped. cpu_us: processor time that it took. */
typedef void spare_over(void *ctx, bool is_dropped, uint64_t cpu_us);

/* The thread starts with the first piece of work. */
struct spare *spare_new(struct loop *l);
void spare_free(struct spare *s); /* NULL is fine; what is out is dropped, and nobody is told that it is over */

/* False: the piece before is not over, or there can be no thread. */
bool spare_begin(struct spare *s, spare_work *work, spare_over *over, void *ctx);
bool spare_is_out(const struct spare *s); /* a piece has begun and is not over */
void spare_drop(struct spare *s);	  /* what is out, if anything, is worth nothing any more */
bool spare_is_wanted(struct spare *s);	  /* the thread: the piece in hand was not dropped */
/* Processor time spent on all pieces so far, to within a bit of one. */
uint64_t spare_cpu_us(const struct spare *s);

#endif
