/*
 * What suites about the disk share: a segment whose logs hold a base to work from, and a look at what a start from that
 * disk would come to.
 */
#ifndef RENSA_TESTS_STORE_DURABLE_KIT_H
#define RENSA_TESTS_STORE_DURABLE_KIT_H

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "chain_maker.h"
#include "crypto/hash.h"

#define BASE_HEIGHT 10
#define TOLD_MAX 64

/* Tips that commits have told of, in order; shared with the processes that commit. */
struct told {
	struct hash256 tips[TOLD_MAX];
	_Atomic uint32_t count;
};

/* Of a segment beside the test's own. */
extern const struct segment_plan again_plan;

/* A segment whose logs are in the folder, with BASE_HEIGHT blocks committed on what is there. */
struct store *durable_base(const char *folder);
/*
 * The chain that a start would come to, now: the segment's or a better one, and nothing worse than the last one told (told
 * may be NULL). is_exact: it must be the segment's.
 */
void durable_check(const struct store *s, const char *folder, const struct told *told, bool is_exact);
/* A suite whose tests leave no segment and no folder behind, with time for hundreds of deaths. */
TCase *durable_case(Suite **suite, const char *name);

#endif
