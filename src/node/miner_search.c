/*
 * Slices of some milliseconds of processor time, one after another. They are done by the spare thread, which is in nobody's
 * way and may get next to nothing; that is looked at every turn. A search that had less than a tenth of what it may have is
 * starved: then this thread does a slice, and looks again right after, so that it stops as soon as both together had that.
 *
 * The first tries of a draft are this thread's, too: to wake the other one costs more than most blocks of small networks.
 */
#include "miner_search.h"

#include <string.h>

#include "util/clock.h"
#include "util/log.h"

#define SLICE_FIRST 1024 /* tries, until the speed is known */
#define EASY_PART 8	 /* of a slice: what this thread tries first */
#define BITS 32		 /* in which the spare thread does a slice, each a fraction of a millisecond */
#define STARVED_PART 10	 /* of what the search may have */

void
search_init(struct search *s, struct spare *spare, search_over *over, void *ctx)
{
	*s = (struct search){.spare = spare, .over = over, .ctx = ctx, .slice_tries = SLICE_FIRST};
}

void
search_drop(struct search *s)
{
	if (s->is_out)
		spare_drop(s->spare);
}

void
search_end(struct search *s)
{
	search_drop(s);
	s->looked_us = 0;
	s->is_starved = false;
}

static void
look_at(struct search *s, uint64_t now)
{
	uint64_t had_us = s->own_cpu_us + spare_cpu_us(s->spare);

	s->is_starved =
	    s->looked_us != 0 && (had_us - s->had_us) * 100 * STARVED_PART < (now - s->looked_us) * s->percent;
	s->looked_us = now;
	s->had_us = had_us;
}

void
search_look(struct search *s)
{
	uint64_t now = clock_mono_us();

	if (now - s->looked_us >= s->turn_us)
		look_at(s, now);
}

uint64_t
search_patience_us(const struct search *s)
{
	uint64_t now = clock_mono_us(), next = s->looked_us + s->turn_us;

	return spare_is_out(s->spare) && !s->is_starved && next > now ? next - now : 0;
}

/* A slice's tries take about a slice's time. */
static void
fit(struct search *s, uint64_t tries, uint64_t used_us)
{
	if (tries < s->slice_tries)
		return;
	if (used_us < s->slice_us / 2)
		s->slice_tries *= 2;
	else if (used_us > s->slice_us && s->slice_tries > SLICE_FIRST)
		s->slice_tries /= 2;
}

static struct slice
next_slice(struct draft *d, uint64_t tries)
{
	struct slice p = {.target = d->target, .first = d->nonce, .count = tries};

	memcpy(p.header, d->block.data, sizeof(p.header));
	d->nonce += tries;
	return p;
}

static void
try_some(struct slice *p, uint64_t count)
{
	p->is_found = headerhash_search(&p->nonce, p->header, &p->target, p->first + p->tries, count);
	p->tries = p->is_found ? p->nonce - p->first + 1 : p->tries + count;
}

/* In the spare thread. */
static void
search_slice(struct spare *spare, void *ctx)
{
	struct search *s = ctx;
	struct slice *p = &s->out;
	uint64_t bit = p->count / BITS + 1;

	while (!p->is_found && p->tries < p->count && spare_is_wanted(spare))
		try_some(p, p->count - p->tries < bit ? p->count - p->tries : bit);
}

static void
slice_over(void *ctx, bool is_dropped, uint64_t cpu_us)
{
	struct search *s = ctx;
	struct slice p = s->out;

	s->is_out = false;
	fit(s, p.tries, cpu_us);
	p.is_found = p.is_found && !is_dropped;
	s->over(s->ctx, &p, cpu_us);
}

/* By this thread. */
static struct slice
search_here(struct search *s, struct draft *d, uint64_t tries)
{
	struct slice p = next_slice(d, tries);
	uint64_t since = clock_cpu_ns(), used_us;

	try_some(&p, tries);
	/*
	 * CPU time, and not the time that went by: on a busy machine, where this process comes after all others, slices would
	 * shrink to next to nothing.
	 */
	used_us = (clock_cpu_ns() - since) / 1000;
	s->own_cpu_us += used_us;
	fit(s, p.tries, used_us);
	return p;
}

bool
search_step(struct search *s, struct slice *done, struct draft *d)
{
	if (!s->has_way)
		log_info("miner: searches by %s, the fastest way on this processor", headerhash_choose());
	s->has_way = true;
	if (d->nonce == 0) {
		*done = search_here(s, d, s->slice_tries / EASY_PART + 1);
		return true;
	}
	if (!spare_is_out(s->spare)) {
		s->out = next_slice(d, s->slice_tries);
		s->is_out = spare_begin(s->spare, search_slice, slice_over, s);
		if (s->is_out)
			return false;
		/* There can be no thread, and this one has all of it to do. */
	} else if (!s->is_starved) {
		return false;
	}
	*done = search_here(s, d, s->slice_tries);
	look_at(s, clock_mono_us());
	return true;
}
