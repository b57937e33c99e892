/*
 * A round is over when none of its addresses is looked up, probed or shaking hands. Each address shakes hands once a
 * round, whatever number of sources name it: a sorted array of those tried keeps count, and those that rest are in it
 * from the start. Scanned addresses are probed by connect first, because most are nobody and a probe costs a descriptor
 * and no HTTP client; all others shake hands right away.
 *
 * What must stay bounded, since others choose it: hints under way, addresses told and how fast they are tried (others
 * could aim us at a third), addresses of a name, and the queue of a scan, which is fed a little at a time, however many
 * addresses its ranges hold. A round never waits for what was told.
 */
#include "peer/finder.h"

#include <stdlib.h>
#include <string.h>

#include "peer/lookup.h"
#include "peer/scan.h"
#include "peer/told.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define SCAN_AHEAD 256 /* probes queued beside those that may be under way */
#define SCAN_BURST_MAX 500
#define HINTS_UNDER_WAY_MAX 16
#define TOLD_UNDER_WAY_MAX 16

/* A handshake under way. */
struct attempt {
	struct attempt *next;
	struct finder *finder;
	struct netaddr at;
	enum finder_source source;
	uint32_t *count; /* which of the finder's counts of those under way it is in */
	struct handshake *handshake;
};

/* A name, and what it stood for when it was last looked up: that is tried again while the name server is away. */
struct name {
	const struct finder_name *of;
	struct finder *finder;
	struct lookup *lookup; /* under way, or NULL */
	struct netaddr found[LOOKUP_ADDRESSES_MAX];
	size_t count;
};

struct finder {
	struct loop *loop;
	struct finder_options o;
	struct finder_callbacks cb;
	void *ctx;
	struct name *names; /* o.name_count of them */
	struct probe *probe;
	struct scan scan;
	struct attempt *under_way;
	uint32_t hints_under_way;
	uint32_t told_under_way;
	uint32_t others_under_way; /* of the round, or an earlier one */
	struct told_queue told;
	uint32_t lookups_under_way;
	struct netaddr *tried; /* in this round, sorted */
	size_t tried_count, tried_room;
	bool in_round;
	bool is_late; /* the round has taken too long: it does not wait for the scan any more */
	struct loop_timer
	    *settle;		 /* goes on outside anybody's callback: the next that were told, the end of the round */
	struct loop_timer *feed; /* the scan goes on */
	struct loop_timer *limit;
};

static const char *const source_names[] = {
    [SOURCE_STATIC] = "static", [SOURCE_DNS] = "dns",	[SOURCE_SCAN] = "scan",
    [SOURCE_HINT] = "hint",	[SOURCE_PEER] = "peer", [SOURCE_SAVED] = "saved",
};

const char *
finder_source_name(enum finder_source s)
{
	return source_names[s];
}

/* Where in the sorted array the address is; false: where it belongs. */
static bool
was_tried(const struct finder *f, const struct netaddr *at, size_t *place)
{
	size_t low = 0, high = f->tried_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = netaddr_compare(&f->tried[mid], at);
		if (c == 0) {
			*place = mid;
			return true;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*place = low;
	return false;
}

/* True the first time in a round that this address is named. */
static bool
first_time(struct finder *f, const struct netaddr *at)
{
	size_t place;

	if (was_tried(f, at, &place))
		return false;
	if (f->tried_count == f->tried_room) {
		f->tried_room = f->tried_room == 0 ? 64 : f->tried_room * 2;
		f->tried = xrealloc(f->tried, f->tried_room * sizeof(*f->tried));
	}
	memmove(f->tried + place + 1, f->tried + place, (f->tried_count - place) * sizeof(*f->tried));
	f->tried[place] = *at;
	f->tried_count++;
	return true;
}

static void
check_done(void *ctx)
{
	struct finder *f = ctx;
	bool has_more =
	    f->others_under_way > 0 || f->lookups_under_way > 0 || f->scan.is_on || probe_waiting(f->probe) > 0;

	if (!f->in_round || (has_more && !f->is_late))
		return;
	f->in_round = false;
	loop_timer_disarm(f->limit);
	f->cb.round_done(f->ctx);
}

static void
round_is_late(void *ctx)
{
	struct finder *f = ctx;

	f->is_late = true;
	check_done(f);
}

static void
attempt_free(struct attempt *a)
{
	struct finder *f = a->finder;
	struct attempt **link = &f->under_way;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	*a->count -= 1;
	free(a);
}

static void
shook(void *ctx, const struct netaddr *to, const struct handshake_result *result)
{
	struct attempt *a = ctx;
	struct finder *f = a->finder;
	struct finder_report report = {.at = *to, .source = a->source, .probe = PROBE_OPEN, .handshake = result};

	f->cb.report(f->ctx, &report);
	attempt_free(a);
	loop_timer_arm(f->settle, 0);
}

static void
shake(struct finder *f, const struct netaddr *at, enum finder_source source, uint32_t *count)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	struct hello *ours = xcalloc(1, sizeof(*ours));

	a->finder = f;
	a->at = *at;
	a->source = source;
	a->count = count;
	a->next = f->under_way;
	f->under_way = a;
	*count += 1;
	f->cb.hello(f->ctx, ours);
	a->handshake = handshake_start(f->loop, at, f->o.from, ours, f->o.handshake_timeout_ms, shook, a);
	free(ours);
}

/* Scanning. */

static void
scan_feed(void *ctx)
{
	struct finder *f = ctx;
	struct netaddr at;
	uint64_t wait_ms;
	size_t place;

	while (probe_waiting(f->probe) < f->o.probes_open_max + SCAN_AHEAD) {
		switch (scan_next(&f->scan, &at, &wait_ms, clock_mono_ms())) {
		case SCAN_ADDRESS:
			if (!was_tried(f, &at, &place))
				probe_add(f->probe, &at);
			break;
		case SCAN_LATER:
			loop_timer_arm(f->feed, wait_ms);
			return;
		case SCAN_OVER:
			loop_timer_arm(f->settle, 0);
			return;
		}
	}
}

static void
scan_start(struct finder *f)
{
	/* One that takes longer than a round goes on where it is. */
	if (f->scan.is_on || probe_waiting(f->probe) > 0)
		return;
	scan_begin(&f->scan);
	scan_feed(f);
}

static void
probed(void *ctx, const struct netaddr *at, enum probe_result result)
{
	struct finder *f = ctx;
	struct finder_report report = {.at = *at, .source = SOURCE_SCAN, .probe = result};

	if (log_is_debug("probe")) {
		char text[NETADDR_TEXT_SIZE];
		netaddr_format(text, at);
		log_debug("probe: %s: %s", text, probe_result_name(result));
	}
	if (result != PROBE_OPEN)
		f->cb.report(f->ctx, &report);
	else if (first_time(f, at))
		shake(f, at, SOURCE_SCAN, &f->others_under_way);
	if (f->scan.is_on)
		scan_feed(f);
}

static void
probes_idle(void *ctx)
{
	loop_timer_arm(((struct finder *)ctx)->settle, 0);
}

/* Names. */

static void
try_name(struct name *n)
{
	enum finder_source source = n->of->is_dns ? SOURCE_DNS : SOURCE_STATIC;

	for (size_t i = 0; i < n->count; i++)
		if (!netaddr_is_any(&n->found[i]) && first_time(n->finder, &n->found[i]))
			shake(n->finder, &n->found[i], source, &n->finder->others_under_way);
}

static void
looked_up(void *ctx, enum err e, const struct netaddr *found, size_t count)
{
	struct name *n = ctx;
	struct finder *f = n->finder;

	n->lookup = NULL;
	f->lookups_under_way--;
	if (e == OK) {
		memcpy(n->found, found, count * sizeof(*found));
		n->count = count;
		try_name(n);
	} else {
		log_debug("discovery: %s does not resolve: %s", n->of->host, err_text(e));
	}
	loop_timer_arm(f->settle, 0);
}

static void
ask_names(struct finder *f)
{
	struct netaddr ip;

	for (size_t i = 0; i < f->o.name_count; i++) {
		struct name *n = &f->names[i];

		if (netaddr_parse_ip(&ip, n->of->host) == OK) {
			n->found[0] = ip;
			n->found[0].port = n->of->port;
			n->count = 1;
		} else if (n->lookup == NULL) {
			n->lookup = lookup_start(f->loop, n->of->host, n->of->port, looked_up, n);
			f->lookups_under_way++;
		}
		try_name(n);
	}
}

/* The name that stands for this host, on this port if there is one; NULL: none does. */
static const struct name *
name_of(const struct finder *f, const struct netaddr *at)
{
	const struct name *host = NULL;

	for (size_t i = 0; i < f->o.name_count; i++)
		for (size_t k = 0; k < f->names[i].count; k++) {
			if (netaddr_equal(&f->names[i].found[k], at))
				return &f->names[i];
			if (netaddr_same_ip(&f->names[i].found[k], at))
				host = &f->names[i];
		}
	return host;
}

/* The most trusted source that has this address, `otherwise` if none of ours has it. */
static enum finder_source
source_of(const struct finder *f, const struct netaddr *at, enum finder_source otherwise)
{
	const struct name *n = name_of(f, at);

	for (size_t k = 0; n != NULL && k < n->count; k++)
		if (netaddr_equal(&n->found[k], at))
			return n->of->is_dns ? SOURCE_DNS : SOURCE_STATIC;
	return scan_covers(&f->scan, at) ? SOURCE_SCAN : otherwise;
}

/* What others tell may not send us to this host or link, unless the operator does too. */
static bool
may_be_told(const struct finder *f, const struct netaddr *at)
{
	if (netaddr_is_any(at) || at->port == 0)
		return false;
	return !(netaddr_is_loopback(at) || netaddr_is_link_local(at)) || scan_has_host(&f->scan, at) ||
	       name_of(f, at) != NULL;
}

static bool
is_under_way(const struct finder *f, const struct netaddr *at)
{
	for (const struct attempt *a = f->under_way; a != NULL; a = a->next)
		if (netaddr_equal(&a->at, at))
			return true;
	return false;
}

/* Tries the next of those that were told. */
static void
try_told(struct finder *f)
{
	struct told t;
	uint64_t wait_ms = 0;
	size_t place;

	while (f->told_under_way < TOLD_UNDER_WAY_MAX && told_next(&f->told, &t, &wait_ms, clock_mono_ms())) {
		if (!may_be_told(f, &t.at) || is_under_way(f, &t.at) || (f->in_round && was_tried(f, &t.at, &place)))
			continue;
		if (f->in_round)
			(void)first_time(f, &t.at);
		shake(f, &t.at, source_of(f, &t.at, (enum finder_source)t.source), &f->told_under_way);
	}
	if (wait_ms > 0)
		loop_timer_arm(f->settle, wait_ms);
}

static void
settle(void *ctx)
{
	struct finder *f = ctx;

	try_told(f);
	check_done(f);
}

struct finder *
finder_new(struct loop *l, const struct finder_options *options, const struct finder_callbacks *callbacks, void *ctx)
{
	struct finder *f = xcalloc(1, sizeof(*f));
	struct probe_options probing = {
	    .rate = options->scan_rate, .timeout_ms = options->probe_timeout_ms, .open_max = options->probes_open_max};

	/* Half a second's worth at once, after a rest. */
	probing.burst = options->scan_rate / 2 < SCAN_BURST_MAX ? options->scan_rate / 2 : SCAN_BURST_MAX;

	/* A probe says nothing, so it may leave from anywhere; from a loopback address it would reach this host only.
	 */
	if (options->from != NULL && !netaddr_is_loopback(options->from))
		probing.from = options->from;
	f->loop = l;
	f->o = *options;
	f->cb = *callbacks;
	f->ctx = ctx;
	f->names = xcalloc(options->name_count + 1, sizeof(*f->names));
	for (size_t i = 0; i < options->name_count; i++) {
		f->names[i].of = &options->names[i];
		f->names[i].finder = f;
	}
	f->probe = probe_new(l, &probing, probed, probes_idle, f);
	scan_init(&f->scan, options->scan_hosts, options->scan_host_count, options->scan_port_first,
		  options->scan_port_last);
	f->settle = loop_timer_new(l, settle, f);
	f->feed = loop_timer_new(l, scan_feed, f);
	f->limit = loop_timer_new(l, round_is_late, f);
	return f;
}

void
finder_free(struct finder *f)
{
	if (f == NULL)
		return;
	while (f->under_way != NULL) {
		handshake_cancel(f->under_way->handshake);
		attempt_free(f->under_way);
	}
	for (size_t i = 0; i < f->o.name_count; i++)
		lookup_cancel(f->names[i].lookup);
	probe_free(f->probe);
	loop_timer_free(f->settle);
	loop_timer_free(f->feed);
	loop_timer_free(f->limit);
	free(f->names);
	free(f->tried);
	free(f);
}

void
finder_round(struct finder *f, const struct netaddr *known, size_t count, const struct netaddr *resting,
	     size_t resting_count)
{
	if (f->in_round)
		return;
	f->in_round = true;
	f->is_late = false;
	f->tried_count = 0;
	for (size_t i = 0; i < resting_count; i++)
		(void)first_time(f, &resting[i]);
	/* Names go before the rest, so that the source of their addresses is reported as what it is. */
	ask_names(f);
	for (size_t i = 0; i < count; i++)
		if (first_time(f, &known[i]))
			shake(f, &known[i], source_of(f, &known[i], SOURCE_HINT), &f->others_under_way);
	scan_start(f);
	loop_timer_arm(f->settle, 0);
	if (f->o.round_max_ms != 0)
		loop_timer_arm(f->limit, f->o.round_max_ms);
}

bool
finder_is_busy(const struct finder *f)
{
	return f->in_round;
}

bool
finder_is_scanned(const struct finder *f, const struct netaddr *at)
{
	return scan_covers(&f->scan, at);
}

void
finder_hint(struct finder *f, const struct netaddr *at)
{
	if (!may_be_told(f, at) || f->hints_under_way >= HINTS_UNDER_WAY_MAX || is_under_way(f, at))
		return;
	/* The round need not try it again, say when a look-up names it later. */
	if (f->in_round)
		(void)first_time(f, at);
	shake(f, at, source_of(f, at, SOURCE_HINT), &f->hints_under_way);
}

void
finder_tell(struct finder *f, const struct netaddr *at, enum finder_source source)
{
	/* Whether it may be tried is asked when its turn comes: the names may not have been looked up yet. */
	if (told_put(&f->told, &(struct told){*at, (int)source}))
		loop_timer_arm(f->settle, 0);
}
