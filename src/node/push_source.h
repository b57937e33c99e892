/*
 * What each source of pushes has cost us for nothing, and whether it is listened to at the moment. A source is a peer of
 * ours by its address, or a host by its own; each has a debt of time that runs off as time goes by, and whoever has run
 * up too much is passed over until enough has run off. So a bad push counts against who sent it and nobody else.
 */
#ifndef RENSA_NODE_PUSH_SOURCE_H
#define RENSA_NODE_PUSH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define PUSH_SOURCES_MAX 256
#define PUSH_SOURCE_SIZE 56
#define PUSH_DEBT_MAX_MS 60000

/* Costs, in ms of debt. */
#define PUSH_COST_UNKNOWN 2000 /* a head that we would have to ask for the way to: honest ones bring a chain with it */
#define PUSH_COST_BAD 15000    /* a block that breaks a rule, or whose parts never come */

struct push_source {
	char name[PUSH_SOURCE_SIZE];
	uint64_t clear_ms; /* monotonic: when its debt has run off; the slot is free then */
};

struct push_sources {
	struct push_source at[PUSH_SOURCES_MAX];
};

/* Is it listened to? */
bool push_source_may(const struct push_sources *s, const char *name, uint64_t now_ms);
/* It cost us something for nothing. True: it is not listened to from now on, for a while. */
bool push_source_spend(struct push_sources *s, const char *name, uint64_t cost_ms, uint64_t now_ms);

#endif
