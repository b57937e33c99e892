/* For programs that measure waiting: their own must not be in it. */
#ifndef RENSA_BENCH_PRECISE_H
#define RENSA_BENCH_PRECISE_H

#include <stdint.h>

/* Of the monotonic clock, which timers go by. */
uint64_t now_ns(void);
/* From here on we run before everybody else and timers are not put off; where that is not allowed, stderr is told. */
void go_first(const char *program);

#endif
