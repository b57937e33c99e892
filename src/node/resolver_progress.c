/*
 * How far a fetch is: in the role's page for /status and /readyz, and, if it lasts, in the log every ten seconds and once
 * at its end. The target is where the headers end, or what the peer says of its chain: good enough to look at.
 */
#include <inttypes.h>

#include "resolver.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/text.h"

#define SAY_MS 10000
#define MEASURE_MS 1000

static void
show(struct resolver *r)
{
	const struct progress *p = &r->progress;

	role_set(r->store, COUNT_SYNC_HEIGHT, p->height);
	role_set(r->store, COUNT_SYNC_TARGET, p->target);
	role_set(r->store, COUNT_SYNC_RATE, p->rate);
	role_set(r->store, COUNT_SYNC_PEERS, p->peers);
}

void
progress_begin(struct resolver *r, const char *from, unsigned peers)
{
	struct progress *p = &r->progress;

	*p = (struct progress){.is_on = true, .peers = peers};
	text_copy(p->from, sizeof(p->from), from);
	p->since_ms = p->said_ms = p->measured_ms = clock_mono_ms();
	p->first_height = p->measured_height = p->height = chain_height(r->store, chain_tip(r->store));
}

static void
say(const struct progress *p)
{
	uint64_t left = p->target > p->height ? p->target - p->height : 0;

	log_info("resolver: at height %" PRIu64 " of %" PRIu64 " (%" PRIu64 " %%), %" PRIu64 " blocks/s, %" PRIu64
		 " s left, from %s%s",
		 p->height, p->target, p->height * 100 / (p->target > 0 ? p->target : 1), p->rate,
		 p->rate > 0 ? left / p->rate : 0, p->from, p->peers > 1 ? " and others" : "");
}

void
progress_at(struct resolver *r, uint64_t height, uint64_t target)
{
	struct progress *p = &r->progress;
	uint64_t now = clock_mono_ms(), span = now - p->measured_ms;

	p->height = height;
	p->target = target;
	if (p->measured_height > height)
		p->first_height = p->measured_height = height; /* it begins at a fork below our tip */
	if (span >= MEASURE_MS || p->rate == 0) {
		p->rate = (height - p->measured_height) * 1000 / (span > 0 ? span : 1);
		p->measured_ms = now;
		p->measured_height = height;
	}
	show(r);
	if (now - p->said_ms >= SAY_MS) {
		p->said_ms = now;
		p->is_said = true;
		say(p);
	}
}

void
progress_end(struct resolver *r)
{
	struct progress *p = &r->progress;

	if (p->is_said) {
		uint64_t ms = clock_mono_ms() - p->since_ms, blocks = p->height - p->first_height;

		log_info("resolver: the sync has ended at height %" PRIu64 " of %" PRIu64 ": %" PRIu64
			 " blocks in %" PRIu64 " s, %" PRIu64 " blocks/s",
			 p->height, p->target, blocks, ms / 1000, blocks * 1000 / ms);
	}
	*p = (struct progress){0};
	show(r);
}
