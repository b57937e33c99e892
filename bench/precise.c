#include "precise.h"

#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "maker.h"

uint64_t
now_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "no clock");
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void
go_first(const char *program)
{
	struct sched_param first = {.sched_priority = 1};

	prctl(PR_SET_TIMERSLACK, 1UL);
	if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
		fprintf(stderr, "%s: may not run first, so what it measures has its own waiting for a core in it\n",
			program);
}
