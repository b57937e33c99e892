#include "fanout.h"

#include <stdlib.h>

#include "util/mem.h"

struct place {
	uint64_t distance; /* from us, onwards on the ring */
	size_t index;
};

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* xorshift64*: the draw need not be secret, only different from node to node. */
static uint64_t
draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void
fanout_choose(bool *is_chosen, const uint64_t *keys, size_t count, uint64_t own, uint64_t seed)
{
	struct place *ring = xcalloc(count + 1, sizeof(*ring));
	size_t chosen = 0;

	for (size_t i = 0; i < count; i++) {
		ring[i] = (struct place){keys[i] - own, i};
		is_chosen[i] = count <= FANOUT;
	}
	if (count > FANOUT) {
		qsort(ring, count, sizeof(*ring), compare);
		is_chosen[ring[0].index] = true;
		chosen = 1;
		for (size_t step = count / 2; chosen < FANOUT - FANOUT_RANDOM && step > 0; step /= 2, chosen++)
			is_chosen[ring[step].index] = true;
		for (seed |= 1; chosen < FANOUT;) {
			size_t i = (size_t)(draw(&seed) % count);
			if (is_chosen[i])
				continue;
			is_chosen[i] = true;
			chosen++;
		}
	}
	free(ring);
}
