/*
 * A round is over when no address is queued, probed or shaking hands. Each address is tried once a round, whatever
 * number of sources name it: a sorted array of those tried keeps count. Scanned addresses are probed by connect first,
 * because most are nobody and a probe costs a descriptor and no HTTP client; all others shake hands right away.
 */
#include "peer/finder.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"

#define PROBES_OPEN_MAX 1024
#define HINTS_UNDER_WAY_MAX 16
#define NAME_ADDRESSES_MAX 64

struct
try {
	struct try *next;
	struct finder *finder;
	struct netaddr at;
	enum finder_source source;
	struct handshake *handshake;
};

struct finder {
	struct loop *loop;
	struct finder_options o;
	struct finder_callbacks cb;
	void *ctx;
	struct probe *probe;
	struct try *under_way; /* handshakes */
	uint32_t hints_under_way;
	struct netaddr *tried; /* in this round, sorted */
	size_t tried_count, tried_room;
	bool in_round;
	struct loop_timer *settle; /* ends the round outside anybody's callback */
};

static const char *const source_names[] = {
    [SOURCE_STATIC] = "static",
    [SOURCE_DNS] = "dns",
    [SOURCE_SCAN] = "scan",
    [SOURCE_HINT] = "hint",
};

const char *
finder_source_name(enum finder_source s)
{
	return source_names[s];
}

/* True the first time in a round that this address is named. */
static bool
first_time(struct finder *f, const struct netaddr *at)
{
	size_t low = 0, high = f->tried_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = netaddr_compare(&f->tried[mid], at);
		if (c == 0)
			return false;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (f->tried_count == f->tried_room) {
		f->tried_room = f->tried_room == 0 ? 64 : f->tried_room * 2;
		f->tried = xrealloc(f->tried, f->tried_room * sizeof(*f->tried));
	}
	memmove(f->tried + low + 1, f->tried + low, (f->tried_count - low) * sizeof(*f->tried));
	f->tried[low] = *at;
	f->tried_count++;
	return true;
}

static void
check_done(void *ctx)
{
	struct finder *f = ctx;

	if (!f->in_round || f->under_way != NULL || probe_waiting(f->probe) > 0)
		return;
	f->in_round = false;
	f->cb.round_done(f->ctx);
}

static void
try_free(struct try *t)
{
	struct try **link = &t->finder->under_way;

	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
	if (t->source == SOURCE_HINT)
		t->finder->hints_under_way--;
	free(t);
}

static void
shook(void *ctx, const struct netaddr *to, const struct handshake_result *result)
{
	struct try *t = ctx;
	struct finder *f = t->finder;
	struct finder_report report = {.at = *to, .source = t->source, .probe = PROBE_OPEN, .handshake = result};

	f->cb.report(f->ctx, &report);
	try_free(t);
	loop_timer_arm(f->settle, 0);
}

static void
shake(struct finder *f, const struct netaddr *at, enum finder_source source)
{
	struct try *t = xcalloc(1, sizeof(*t));
	struct hello *ours = xcalloc(1, sizeof(*ours));

	t->finder = f;
	t->at = *at;
	t->source = source;
	t->next = f->under_way;
	f->under_way = t;
	if (source == SOURCE_HINT)
		f->hints_under_way++;
	f->cb.hello(f->ctx, ours);
	t->handshake = handshake_start(f->loop, at, f->o.from, ours, f->o.handshake_timeout_ms, shook, t);
	free(ours);
}

static void
probed(void *ctx, const struct netaddr *at, enum probe_result result)
{
	struct finder *f = ctx;
	struct finder_report report = {.at = *at, .source = SOURCE_SCAN, .probe = result};

	if (log_is_debug()) {
		char text[NETADDR_TEXT_SIZE];
		netaddr_format(text, at);
		log_debug("discovery: probe %s: %s", text, probe_result_name(result));
	}
	if (result == PROBE_OPEN)
		shake(f, at, SOURCE_SCAN);
	else
		f->cb.report(f->ctx, &report);
}

static void
probes_idle(void *ctx)
{
	loop_timer_arm(((struct finder *)ctx)->settle, 0);
}

struct finder *
finder_new(struct loop *l, const struct finder_options *options, const struct finder_callbacks *callbacks, void *ctx)
{
	struct finder *f = xcalloc(1, sizeof(*f));
	struct probe_options probing = {.rate = options->scan_rate,
					.timeout_ms = options->probe_timeout_ms,
					.open_max = PROBES_OPEN_MAX,
					.from = options->from};

	f->loop = l;
	f->o = *options;
	f->cb = *callbacks;
	f->ctx = ctx;
	f->probe = probe_new(l, &probing, probed, probes_idle, f);
	f->settle = loop_timer_new(l, check_done, f);
	return f;
}

void
finder_free(struct finder *f)
{
	if (f == NULL)
		return;
	while (f->under_way != NULL) {
		handshake_cancel(f->under_way->handshake);
		try_free(f->under_way);
	}
	probe_free(f->probe);
	loop_timer_free(f->settle);
	free(f->tried);
	free(f);
}

static void
try_names(struct finder *f)
{
	struct netaddr found[NAME_ADDRESSES_MAX];
	size_t count;

	for (size_t i = 0; i < f->o.name_count; i++) {
		const struct finder_name *n = &f->o.names[i];
		enum finder_source source = n->is_dns ? SOURCE_DNS : SOURCE_STATIC;
		enum err e = netaddr_resolve(found, NAME_ADDRESSES_MAX, &count, n->host, n->port);

		if (e != OK) {
			log_debug("discovery: %s does not resolve: %s", n->host, err_text(e));
			continue;
		}
		for (size_t k = 0; k < count; k++)
			if (first_time(f, &found[k]))
				shake(f, &found[k], source);
	}
}

static void
scan(struct finder *f)
{
	for (size_t i = 0; f->o.scan_port_first != 0 && i < f->o.scan_host_count; i++)
		for (uint64_t k = 0; k < netrange_count(&f->o.scan_hosts[i]); k++)
			for (uint32_t port = f->o.scan_port_first; port <= f->o.scan_port_last; port++) {
				struct netaddr at = netrange_at(&f->o.scan_hosts[i], k, (uint16_t)port);
				if (first_time(f, &at))
					probe_add(f->probe, &at);
			}
}

static bool
is_scanned(const struct finder *f, const struct netaddr *at)
{
	for (size_t i = 0; i < f->o.scan_host_count; i++)
		if (netrange_contains(&f->o.scan_hosts[i], at))
			return true;
	return false;
}

static enum finder_source
source_of_known(const struct finder *f, const struct netaddr *at)
{
	return is_scanned(f, at) && at->port >= f->o.scan_port_first && at->port <= f->o.scan_port_last ? SOURCE_SCAN
													: SOURCE_HINT;
}

void
finder_round(struct finder *f, const struct netaddr *known, size_t count)
{
	if (f->in_round)
		return;
	f->in_round = true;
	f->tried_count = 0;
	/* Static names go before the rest, so that their source is reported as what it is. */
	try_names(f);
	for (size_t i = 0; i < count; i++)
		if (first_time(f, &known[i]))
			shake(f, &known[i], source_of_known(f, &known[i]));
	scan(f);
	loop_timer_arm(f->settle, 0);
}

bool
finder_is_busy(const struct finder *f)
{
	return f->in_round;
}

static bool
is_named(const struct finder *f, const struct netaddr *at)
{
	struct netaddr ip;

	for (size_t i = 0; i < f->o.name_count; i++)
		if (netaddr_parse_ip(&ip, f->o.names[i].host) == OK && netaddr_same_ip(&ip, at))
			return true;
	return false;
}

void
finder_hint(struct finder *f, const struct netaddr *at)
{
	if ((netaddr_is_loopback(at) || netaddr_is_link_local(at)) && !is_scanned(f, at) && !is_named(f, at))
		return;
	if (netaddr_is_any(at) || f->hints_under_way >= HINTS_UNDER_WAY_MAX)
		return;
	for (const struct try *t = f->under_way; t != NULL; t = t->next)
		if (netaddr_equal(&t->at, at))
			return;
	/* Also when this round has tried it before: it may have started since. */
	(void)first_time(f, at);
	shake(f, at, is_scanned(f, at) ? SOURCE_SCAN : SOURCE_HINT);
}
