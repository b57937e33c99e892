/*
 * The candidates are put in order of preference and given slots from the front, twice: once by age for one half of each
 * group's share, once by lot for the other. A few hundred candidates at most, so groups are counted by looking through
 * those that are kept.
 */
#include "peer/slots.h"

#include <stdlib.h>

#include "util/mem.h"

struct place {
	struct slot_candidate *of;
	uint64_t lot;
};

/* A number that nobody without the key can foretell well enough to choose addresses by (splitmix64's last step). */
static uint64_t
draw(uint64_t key, const struct netaddr *at)
{
	uint64_t h = key;

	for (int i = 0; i < 16; i++)
		h = (h ^ at->ip[i]) * UINT64_C(0x9e3779b97f4a7c15) + key;
	h ^= at->port;
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

/* Which of two addresses of one node is its address? */
static bool
is_better_address(const struct slot_candidate *a, const struct slot_candidate *b)
{
	if (a->is_configured != b->is_configured)
		return a->is_configured;
	if (a->is_paused != b->is_paused)
		return b->is_paused;
	if (a->is_kept != b->is_kept)
		return a->is_kept;
	if (a->since_ms != b->since_ms)
		return a->since_ms < b->since_ms;
	return netaddr_compare(&a->at, &b->at) < 0;
}

static void
find_same_nodes(struct slot_candidate *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		c[i].verdict = SLOT_ALL_FULL;
		c[i].same_as = i;
		for (size_t k = 0; k < count; k++)
			if (c[k].nonce == c[i].nonce && is_better_address(&c[k], &c[c[i].same_as]))
				c[i].same_as = k;
		if (c[i].same_as != i)
			c[i].verdict = SLOT_SAME_NODE;
	}
}

static int
rank(const struct slot_candidate *c)
{
	return c->is_paused ? 2 : c->is_configured ? 0 : 1;
}

static int
by_age(const void *a, const void *b)
{
	const struct slot_candidate *x = ((const struct place *)a)->of, *y = ((const struct place *)b)->of;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->is_kept != y->is_kept)
		return x->is_kept ? -1 : 1;
	if (x->since_ms != y->since_ms)
		return x->since_ms < y->since_ms ? -1 : 1;
	return netaddr_compare(&x->at, &y->at);
}

static int
by_lot(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (rank(x->of) != rank(y->of))
		return rank(x->of) - rank(y->of);
	return (x->lot > y->lot) - (x->lot < y->lot);
}

struct count {
	size_t all, open; /* kept; of those not configured */
};

static size_t
kept_in_group(const struct place *p, size_t count, uint64_t group)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		kept +=
		    p[i].of->verdict == SLOT_KEPT && !p[i].of->is_configured && netaddr_group(&p[i].of->at) == group;
	return kept;
}

static void
give(struct place *p, size_t count, size_t group_max, struct count *n)
{
	for (size_t i = 0; i < count; i++) {
		struct slot_candidate *c = p[i].of;

		if (c->verdict == SLOT_KEPT || c->verdict == SLOT_SAME_NODE)
			continue;
		if (n->all == SLOTS_MAX || (!c->is_configured && n->open == SLOTS_MAX - SLOTS_CONFIGURED)) {
			c->verdict = SLOT_ALL_FULL;
		} else if (!c->is_configured && kept_in_group(p, count, netaddr_group(&c->at)) >= group_max) {
			c->verdict = SLOT_GROUP_FULL;
		} else {
			c->verdict = SLOT_KEPT;
			n->all++;
			n->open += !c->is_configured;
		}
	}
}

void
slots_assign(struct slot_candidate *c, size_t count, uint64_t key)
{
	struct place *p = xcalloc(count + 1, sizeof(*p));
	struct count n = {0};

	find_same_nodes(c, count);
	for (size_t i = 0; i < count; i++)
		p[i] = (struct place){&c[i], draw(key, &c[i].at)};
	qsort(p, count, sizeof(*p), by_age);
	give(p, count, SLOTS_GROUP / 2, &n);
	qsort(p, count, sizeof(*p), by_lot);
	give(p, count, SLOTS_GROUP, &n);
	free(p);
}
