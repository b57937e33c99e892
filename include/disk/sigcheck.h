/*
 * Checks the signatures of a chain's blocks on all cores, ahead of whoever judges the blocks in order. It says of a
 * block that its signatures are good, or nothing: what is wrong with a block is for the judge alone to find, so that it
 * does not depend on who was faster.
 */
#ifndef RENSA_DISK_SIGCHECK_H
#define RENSA_DISK_SIGCHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "disk/journal.h"

struct sigcheck;

/* The blocks of the journal that order names, count of them. Both are borrowed until sigcheck_end. */
struct sigcheck *sigcheck_begin(struct journal *j, const uint32_t *order, uint32_t count);
/*
 * Every signature in the block at that place in order is good. False: one may not be. May check others while it
 * waits, so blocks that the journal gave before are gone.
 */
bool sigcheck_is_good(struct sigcheck *s, uint32_t place);
void sigcheck_end(struct sigcheck *s);

#endif
