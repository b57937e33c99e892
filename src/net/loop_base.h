/* What the other files of this room need of the loop: libevent's base. */
#ifndef RENSA_SRC_NET_LOOP_BASE_H
#define RENSA_SRC_NET_LOOP_BASE_H

#include <stdint.h>
#include <sys/time.h>

#include "net/loop.h"

struct event_base;

struct event_base *loop_base(const struct loop *l);

static inline struct timeval
timeval_of_ms(uint64_t ms)
{
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

#endif
