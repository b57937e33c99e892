/*
 * Which peers hear of everything from us at once. The others hear of it from those; a few are asked now and then
 * whether they did (role_relay.c).
 *
 * All nodes stand on a ring, ordered by the keys of their addresses, and each chooses by its own place there: the node
 * behind it, those a half, a quarter, an eighth and a sixteenth of the ring away, and some drawn at random. The one behind
 * each makes sure that everybody is chosen by somebody, so that what one knows reaches all; those far away, that it
 * takes few steps; the random ones, that neither a node that hangs nor two nodes that see the ring differently (one
 * knows peers that the other does not, or not its own address) cut anybody off.
 */
#ifndef RENSA_NODE_FANOUT_H
#define RENSA_NODE_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FANOUT 8	/* peers chosen; all, if there are no more */
#define FANOUT_RANDOM 3 /* of those, drawn at random */

/* is_chosen[i] for keys[i]. own: our place on the ring; seed: of the draw. */
void fanout_choose(bool *is_chosen, const uint64_t *keys, size_t count, uint64_t own, uint64_t seed);

#endif
