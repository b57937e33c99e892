/* How full the disk and the chain's memory are, as the archiver tells it: for /readyz, /status and /metrics. */
#ifndef RENSA_SRC_API_CAPACITY_H
#define RENSA_SRC_API_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

enum capacity_of { CAPACITY_MEMORY, CAPACITY_DISK };

struct capacity {
	uint64_t used, max; /* bytes; max 0: nobody has looked yet */
	uint64_t left;
	uint32_t percent;
	uint64_t full_ms; /* wall clock; 0: not known yet, FULL_NEVER: it has not grown of late */
	bool is_high;	  /* the log has said so */
};

struct capacity capacity_get(const struct store *s, enum capacity_of what);

#endif
