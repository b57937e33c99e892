/* The clocks. Wall time is for headers and logs, monotonic time for every wait, CPU time for what work has cost. */
#ifndef RENSA_UTIL_CLOCK_H
#define RENSA_UTIL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_wall_ms(void); /* milliseconds since 1970-01-01 UTC */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
uint64_t clock_cpu_ns(void); /* of this thread */
void clock_sleep_ms(uint64_t ms);
void clock_sleep_us(uint64_t us);

#define CLOCK_TEXT_SIZE 25
/* RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.000Z */
void clock_format(char text[CLOCK_TEXT_SIZE], uint64_t wall_ms);

#endif
