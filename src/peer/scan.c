#include "peer/scan.h"

#include <string.h>

void
scan_init(struct scan *s, const struct netrange *hosts, size_t count, uint16_t port_first, uint16_t port_last)
{
	memset(s, 0, sizeof(*s));
	s->hosts = hosts;
	s->host_count = count;
	s->port_first = port_first;
	s->port_last = port_last;
}

void
scan_begin(struct scan *s)
{
	s->is_on = s->port_first != 0 && s->host_count > 0;
	s->range = 0;
	s->index = 0;
	s->port = s->port_first;
	s->is_let_out = false;
	onlink_read(&s->onlink);
}

static bool
is_in_first(const struct scan *s, const struct netaddr *at, size_t ranges)
{
	for (size_t i = 0; i < ranges; i++)
		if (netrange_contains(&s->hosts[i], at))
			return true;
	return false;
}

static void
next_host(struct scan *s)
{
	s->port = s->port_first;
	s->is_let_out = false;
	if (++s->index == netrange_count(&s->hosts[s->range])) {
		s->range++;
		s->index = 0;
	}
}

/* Takes a place in the window of neighbours; false: there is none before *wait_ms. */
static bool
let_out(struct scan *s, uint64_t *wait_ms, uint64_t now_ms)
{
	uint64_t *oldest = &s->let_out_ms[s->let_out % SCAN_NEIGHBOURS_MAX];

	if (s->let_out >= SCAN_NEIGHBOURS_MAX && now_ms - *oldest < SCAN_NEIGHBOURS_MS) {
		*wait_ms = *oldest + SCAN_NEIGHBOURS_MS - now_ms;
		return false;
	}
	*oldest = now_ms;
	s->let_out++;
	return true;
}

enum scan_step
scan_next(struct scan *s, struct netaddr *at, uint64_t *wait_ms, uint64_t now_ms)
{
	while (s->is_on && s->range < s->host_count) {
		*at = netrange_at(&s->hosts[s->range], s->index, (uint16_t)s->port);
		/* 0.0.0.0 and :: lead to this host by another name: its nodes would be met twice. */
		if (netaddr_is_any(at) || is_in_first(s, at, s->range)) {
			next_host(s);
			continue;
		}
		if (!s->is_let_out && onlink_has(&s->onlink, at) && !let_out(s, wait_ms, now_ms))
			return SCAN_LATER;
		s->is_let_out = true;
		if (s->port++ == s->port_last)
			next_host(s);
		return SCAN_ADDRESS;
	}
	s->is_on = false;
	return SCAN_OVER;
}

bool
scan_has_host(const struct scan *s, const struct netaddr *at)
{
	return s->port_first != 0 && is_in_first(s, at, s->host_count);
}

bool
scan_covers(const struct scan *s, const struct netaddr *at)
{
	return scan_has_host(s, at) && at->port >= s->port_first && at->port <= s->port_last;
}
