#include "store/tally.h"

#include <string.h>

#include "layout.h"

const uint64_t tally_bounds_us[TALLY_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

_Static_assert(RULE_COUNT <= TALLY_RULES, "a page has room for every rule");

static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t
load(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static struct role_page *
own_page(const struct store *s)
{
	return role_page_at(s, s->role);
}

static void
span_add(struct span_words *w, uint64_t us)
{
	uint32_t i = 0;

	while (i < TALLY_BUCKETS - 1 && us > tally_bounds_us[i])
		i++;
	add(&w->buckets[i], 1);
	add(&w->sum_us, us);
}

static void
span_sum(struct tally_span *out, const struct span_words *w)
{
	for (uint32_t i = 0; i < TALLY_BUCKETS; i++)
		out->buckets[i] += load(&w->buckets[i]);
	out->sum_us += load(&w->sum_us);
}

static uint32_t
pages_used(const struct store *s)
{
	return atomic_load_explicit(&s->control->roles, memory_order_acquire);
}

void
tally_times(const struct store *s, enum tally_time what, struct tally_span *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < pages_used(s); i++)
		span_sum(out, &role_page_at(s, i)->times[what]);
}

void
tally_requests(const struct store *s, uint32_t route, struct tally_route *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < pages_used(s); i++) {
		const struct route_words *w = &role_page_at(s, i)->routes[route];

		for (uint32_t k = 0; k < TALLY_STATUSES; k++)
			out->statuses[k] += load(&w->statuses[k]);
		out->body_in += load(&w->body_in);
		out->body_out += load(&w->body_out);
		span_sum(&out->span, &w->span);
	}
}

uint64_t
tally_refusals(const struct store *s, enum rule rule)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < pages_used(s); i++)
		sum += load(&role_page_at(s, i)->rules[rule]);
	return sum;
}

void
tally_took(struct store *s, enum tally_time what, uint64_t us)
{
	if ((unsigned)what < TALLY_TIMES)
		span_add(&own_page(s)->times[what], us);
}

void
tally_refused(struct store *s, enum rule rule)
{
	if ((unsigned)rule < RULE_COUNT)
		add(&own_page(s)->rules[rule], 1);
}

void
tally_served(struct store *s, uint32_t route, uint32_t status, uint64_t body_in, uint64_t body_out)
{
	struct route_words *w;

	if (route >= TALLY_ROUTES || status >= TALLY_STATUSES)
		return;
	w = &own_page(s)->routes[route];
	add(&w->statuses[status], 1);
	if (body_in > 0)
		add(&w->body_in, body_in);
	if (body_out > 0)
		add(&w->body_out, body_out);
}

void
tally_served_in(struct store *s, uint32_t route, uint64_t us)
{
	if (route < TALLY_ROUTES)
		span_add(&own_page(s)->routes[route].span, us);
}
