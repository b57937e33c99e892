#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* 9999-12-31T23:59:59.999Z: times from outside reach 2^64, RFC 3339 has four digits for the year. */
#define WALL_MS_LAST UINT64_C(253402300799999)

static uint64_t
clock_read(clockid_t id, uint64_t per_second)
{
	/* No clock can fail on Linux: the ids are known and the pointer is good. */
	struct timespec ts = {0};
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * per_second + (uint64_t)ts.tv_nsec / (UINT64_C(1000000000) / per_second);
}

uint64_t
clock_wall_ms(void)
{
	return clock_read(CLOCK_REALTIME, 1000);
}

uint64_t
clock_mono_ms(void)
{
	return clock_read(CLOCK_MONOTONIC, 1000);
}

uint64_t
clock_mono_us(void)
{
	return clock_read(CLOCK_MONOTONIC, 1000000);
}

uint64_t
clock_cpu_ns(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID, 1000000000);
}

void
clock_sleep_ms(uint64_t ms)
{
	clock_sleep_us(ms * 1000);
}

void
clock_sleep_us(uint64_t us)
{
	/* Until a point in time, so that signals on the way neither shorten nor stretch the sleep. */
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(us / 1000000);
	until.tv_nsec += (long)(us % 1000000) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

void
clock_format(char text[CLOCK_TEXT_SIZE], uint64_t wall_ms)
{
	if (wall_ms > WALL_MS_LAST)
		wall_ms = WALL_MS_LAST;
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	/* The remainders are no-ops that let the compiler see how long the text can get. */
	snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
		 (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
		 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)(wall_ms % 1000));
}
