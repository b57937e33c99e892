/*
 * How full the chain's memory and the disk are, and when they will be full if they go on as of late. The archiver looks
 * every few seconds, tells everybody in its page, and the log once when one of them gets high and once when it has room
 * again.
 *
 * A rate is only as good as the time it was watched for: before FILL_LEAST_MS nothing is said of when.
 */
#ifndef RENSA_SRC_NODE_FILL_H
#define RENSA_SRC_NODE_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define FILL_HIGH_PERCENT 80 /* from here on it is told … */
#define FILL_LOW_PERCENT 75  /* … until below this */
#define FILL_SAMPLES 120
#define FILL_SAMPLE_MS 60000 /* so that they reach two hours back */
#define FILL_LEAST_MS 600000

struct fill_sample {
	uint64_t at_ms; /* monotonic */
	uint64_t used;
};

/* One thing that fills. */
struct fill {
	struct fill_sample past[FILL_SAMPLES]; /* a ring */
	uint32_t count;			       /* ever */
	bool is_high;
};

/*
 * So much of max is used now. In how many ms it is full by the rate since the oldest sample: FULL_NEVER if it does not
 * grow (or not in ten years), 0 if it was watched for too short to say. An empty max is full.
 */
uint64_t fill_look(struct fill *f, uint64_t mono_ms, uint64_t used, uint64_t max);
/* Has it crossed a mark since the last call? is_high says which way. */
bool fill_has_crossed(struct fill *f, uint64_t used, uint64_t max);

/* Both of a node. */
struct fills {
	struct fill memory, disk;
	bool has_failed; /* the file system does not say how full it is, and the log says so */
};

void fills_begin(struct fills *f, const struct store *s); /* goes on where a predecessor was */
void fills_look(struct fills *f, struct store *s, const char *data_dir);

#endif
