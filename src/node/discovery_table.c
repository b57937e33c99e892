/*
 * The peer table as discovery sees it: a row for each address that is worth remembering, with what it is, why it is no
 * peer, and when it is tried again.
 *
 * When is it tried again? A peer that is up: each round. A node of ours in reserve, or met at another address: every
 * SPARE_ROUNDS rounds. One that failed, whatever the failure: after a pause that doubles up to an hour, or, since the
 * operator expects them to come up, up to CONFIGURED_ROUNDS rounds if it is configured. An address that gets told, or
 * answers a scan's probe, does not wait for that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "discovery.h"
#include "peer/backoff.h"
#include "peer/slots.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define PAUSE_MAX_MS 3600000
#define CONFIGURED_ROUNDS 3
#define SPARE_ROUNDS 15
#define DUE_MAX 128		/* asked in a round, beside the peers: each takes a descriptor */
#define TOLD_AGAIN_MS 60000	/* an address that fails is tried so often at most because others tell it */
#define FORGET_GOOD_MS 86400000 /* without an answer, one that answered once is forgotten */
#define FORGET_FAILURES 8	/* one that never did */

static const enum peer_state state_of_outcome[] = {
    [HANDSHAKE_UP] = PEER_SPARE, /* until it is given a slot */
    [HANDSHAKE_REFUSED] = PEER_REFUSED,
    [HANDSHAKE_SILENT] = PEER_SILENT,
    [HANDSHAKE_NO_NODE] = PEER_NO_NODE,
    [HANDSHAKE_OTHER_PROTOCOL] = PEER_OTHER_PROTOCOL,
    [HANDSHAKE_OTHER_NETWORK] = PEER_OTHER_NETWORK,
    [HANDSHAKE_OTHER_GENESIS] = PEER_OTHER_GENESIS,
    [HANDSHAKE_SELF] = PEER_SELF,
};

static const enum peer_state state_of_probe[] = {
    [PROBE_OPEN] = PEER_UNKNOWN,
    [PROBE_REFUSED] = PEER_REFUSED,
    [PROBE_SILENT] = PEER_SILENT,
    [PROBE_UNREACHABLE] = PEER_UNREACHABLE,
};

static const char *const probe_reasons[] = {
    [PROBE_OPEN] = "",
    [PROBE_REFUSED] = "nothing listens there",
    [PROBE_SILENT] = "no answer in time",
    [PROBE_UNREACHABLE] = "no route to it",
};

/* A node of our chain answers there. */
static bool
is_ours(enum peer_state state)
{
	return state == PEER_UP || state == PEER_SPARE || state == PEER_SAME_NODE;
}

/* Nothing answers there: it may come up at any time, and then a connect tells. */
static bool
is_absent(enum peer_state state)
{
	return state == PEER_REFUSED || state == PEER_SILENT || state == PEER_UNREACHABLE || state == PEER_UNKNOWN;
}

static void
say_change(const struct peer_entry *e, bool is_new)
{
	switch (e->state) {
	case PEER_UP:
		log_debug("discovery: %s is up, node %s", e->address, e->node);
		break;
	case PEER_NO_NODE:
	case PEER_OTHER_GENESIS:
	case PEER_OTHER_NETWORK:
	case PEER_OTHER_PROTOCOL:
		/* What else answers on a scanned network is no trouble of ours. */
		if (e->state == PEER_NO_NODE && !peer_is_configured(e))
			log_info("discovery: %s is no peer of ours: %s", e->address, e->reason);
		else
			log_warn("discovery: %s is no peer of ours: %s", e->address, e->reason);
		break;
	case PEER_SELF:
		log_debug("discovery: %s is ourselves", e->address);
		break;
	case PEER_SPARE:
	case PEER_SAME_NODE:
		log_debug("discovery: %s is kept in reserve: %s", e->address, e->reason);
		break;
	default:
		if (strcmp(e->source, finder_source_name(SOURCE_STATIC)) == 0)
			log_info("discovery: peer %s is %s: %s", e->address, peer_state_name(e->state), e->reason);
		else if (!is_new)
			log_debug("discovery: %s is %s: %s", e->address, peer_state_name(e->state), e->reason);
		break;
	}
}

/*
 * Nodes of any kind are; of what is none, only what the operator or a peer of ours named, and what answered a scan. What
 * says of itself that it is there and is not leaves no trace: others could fill the table and the log.
 */
static bool
is_worth_a_row(const struct peer_entry *e, const struct finder_report *report)
{
	switch (e->state) {
	case PEER_SPARE:
	case PEER_OTHER_NETWORK:
	case PEER_OTHER_GENESIS:
	case PEER_OTHER_PROTOCOL:
	case PEER_SELF:
		return true;
	default:
		return report->handshake != NULL && report->source != SOURCE_HINT;
	}
}

/* When the address is tried again. */
static uint64_t
next_try(const struct discovery *d, const struct peer_entry *e)
{
	uint64_t cap = peer_is_configured(e) ? CONFIGURED_ROUNDS * d->wait_ms : PAUSE_MAX_MS;

	if (e->state == PEER_UP)
		return e->checked_ms + d->wait_ms;
	if (is_ours(e->state))
		return e->checked_ms + backoff_ms(1, SPARE_ROUNDS * d->wait_ms, 0, random_u64());
	return e->checked_ms + backoff_ms(e->failures, d->wait_ms, cap, random_u64());
}

/* Slots. */

static void
say_reserve(struct peer_entry *e, const struct slot_candidate *all, const struct slot_candidate *c)
{
	char text[NETADDR_TEXT_SIZE];
	const uint8_t *ip = c->at.ip;

	switch (c->verdict) {
	case SLOT_KEPT:
		e->reason[0] = '\0';
		break;
	case SLOT_SAME_NODE:
		netaddr_format(text, &all[c->same_as].at);
		snprintf(e->reason, sizeof(e->reason), "the same node as %s", text);
		break;
	case SLOT_GROUP_FULL:
		if (c->at.is_v6)
			snprintf(text, sizeof(text), "%x:%x::/32", ip[0] << 8 | ip[1], ip[2] << 8 | ip[3]);
		else
			snprintf(text, sizeof(text), "%u.%u.0.0/16", ip[0], ip[1]);
		snprintf(e->reason, sizeof(e->reason), "in reserve: %s has its share of %d peers", text, SLOTS_GROUP);
		break;
	case SLOT_ALL_FULL:
		snprintf(e->reason, sizeof(e->reason), "in reserve: this node has its %d peers", SLOTS_MAX);
		break;
	}
}

static enum peer_state
state_of_verdict(enum slot_verdict v)
{
	return v == SLOT_KEPT ? PEER_UP : v == SLOT_SAME_NODE ? PEER_SAME_NODE : PEER_SPARE;
}

/* Writes what the slots make of a row, if that is a change or must be. True: it is a new peer. */
static bool
apply(struct discovery *d, struct peer_entry *e, const struct slot_candidate *all, const struct slot_candidate *c,
      bool is_report)
{
	enum peer_state before = e->state;
	char reason[sizeof(e->reason)];

	memcpy(reason, e->reason, sizeof(reason));
	e->state = state_of_verdict(c->verdict);
	say_reserve(e, all, c);
	if (e->state == before && strcmp(reason, e->reason) == 0 && !is_report)
		return false;
	if (e->state != before)
		e->since_ms = clock_wall_ms();
	e->next_ms = next_try(d, e);
	if (!peer_table_set(d->store, e))
		return false;
	if (e->state != before || strcmp(reason, e->reason) != 0)
		say_change(e, false);
	if (e->state != PEER_UP || before == PEER_UP)
		return false;
	discovery_ask(d, &c->at);
	return true;
}

/* False: what stands in the row is no address. */
static bool
candidate_of(struct discovery *d, struct slot_candidate *c, const struct peer_entry *e)
{
	struct peer_pause pause;

	if (netaddr_parse(&c->at, e->address) != OK)
		return false;
	c->nonce = e->nonce;
	c->since_ms = e->met_ms;
	c->is_configured = peer_is_configured(e);
	c->is_kept = e->state == PEER_UP;
	c->is_paused = peer_pause_find(d->store, e->address, clock_wall_ms(), &pause);
	return true;
}

/*
 * Shares out the slots among the addresses where a node of ours answers. report: what was just heard of one of them, or
 * NULL; it comes into the table with the place that it gets, so that nobody sees it without one.
 */
static void
share_slots(struct discovery *d, const struct peer_entry *report)
{
	struct peer_entry *rows = xmalloc((PEER_TABLE_MAX + 1) * sizeof(*rows));
	struct slot_candidate *c = xcalloc(PEER_TABLE_MAX + 1, sizeof(*c));
	bool has_new = false;
	size_t count = 0;

	if (report != NULL && candidate_of(d, &c[0], report))
		rows[count++] = *report;
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(d->store, i, &rows[count]) && is_ours(rows[count].state) &&
		    (report == NULL || strcmp(rows[count].address, report->address) != 0) &&
		    candidate_of(d, &c[count], &rows[count]))
			count++;
	slots_assign(c, count, d->lot);
	for (size_t i = 0; i < count; i++)
		has_new |= apply(d, &rows[i], c, &c[i], report != NULL && i == 0);
	if (has_new) {
		bell_ring(&d->child->env->bells, BELL_RESOLVER);
		bell_ring(&d->child->env->bells, BELL_RELAY);
	}
	free(rows);
	free(c);
}

/* Reports. */

/* The most trusted word for where it comes from that is still true: the operator's is only while the finder says so. */
static void
set_source(struct peer_entry *e, enum finder_source now, const struct peer_entry *old)
{
	bool keeps = old != NULL && now > SOURCE_DNS && !peer_is_configured(old);

	text_copy(e->source, sizeof(e->source), keeps ? old->source : finder_source_name(now));
}

static void
set_answer(struct peer_entry *e, const struct handshake_result *h, const struct peer_entry *old)
{
	e->latency_us = h->latency_us;
	e->skew_ms = h->skew_ms;
	e->nonce = h->hello.nonce;
	text_copy(e->node, sizeof(e->node), h->hello.node);
	text_copy(e->software, sizeof(e->software), h->hello.software);
	e->head = h->hello.head;
	e->failures = 0;
	e->good_ms = e->checked_ms;
	e->met_ms = old != NULL && old->met_ms != 0 ? old->met_ms : e->checked_ms;
	/* What it was goes on, until the slots are shared out again. */
	if (old != NULL && is_ours(old->state)) {
		e->state = old->state;
		memcpy(e->reason, old->reason, sizeof(e->reason));
	}
}

static void
set_failure(struct peer_entry *e, const struct peer_entry *old)
{
	e->failures = old != NULL ? old->failures + 1 : 1;
	e->good_ms = old != NULL ? old->good_ms : 0;
	/* So that one that is away for a moment is still called by its name. */
	if (old != NULL && is_absent(e->state)) {
		memcpy(e->node, old->node, sizeof(e->node));
		memcpy(e->software, old->software, sizeof(e->software));
		e->head = old->head;
	}
}

void
discovery_report(void *ctx, const struct finder_report *report)
{
	struct discovery *d = ctx;
	const struct handshake_result *h = report->handshake;
	struct peer_entry e, old;
	const struct peer_entry *before;
	char address[NETADDR_TEXT_SIZE];

	memset(&e, 0, sizeof(e));
	netaddr_format(address, &report->at);
	/* Of most of what is scanned nothing is known before, and nothing after. */
	if (h == NULL && !peer_table_has(d->store, address))
		return;
	text_copy(e.address, sizeof(e.address), address);
	before = peer_table_find(d->store, e.address, &old) ? &old : NULL;
	set_source(&e, report->source, before);
	e.group = netaddr_group(&report->at);
	e.checked_ms = e.since_ms = clock_wall_ms();
	e.state = h == NULL ? state_of_probe[report->probe] : state_of_outcome[h->outcome];
	text_copy(e.reason, sizeof(e.reason), h == NULL ? probe_reasons[report->probe] : h->reason);
	if (h != NULL && h->outcome == HANDSHAKE_UP)
		set_answer(&e, h, before);
	else
		set_failure(&e, before);
	if (before != NULL && before->state == e.state)
		e.since_ms = before->since_ms;
	if (is_ours(e.state) && (e.state != PEER_UP || before->nonce != e.nonce)) {
		share_slots(d, &e);
		return;
	}
	e.next_ms = next_try(d, &e);
	if ((before == NULL && !is_worth_a_row(&e, report)) || !peer_table_set(d->store, &e))
		return;
	if (before == NULL || before->state != e.state || strcmp(before->reason, e.reason) != 0)
		say_change(&e, before == NULL);
	/* Its slot is free for another. */
	if (before != NULL && is_ours(before->state) && !is_ours(e.state))
		share_slots(d, NULL);
}

/* Rounds. */

static int
compare_plan(const void *a, const void *b)
{
	return netaddr_compare(a, b);
}

/* A clock that was set back must not put everybody to rest. */
static bool
is_due(const struct discovery *d, const struct peer_entry *e, uint64_t now_ms)
{
	return e->next_ms <= now_ms || e->next_ms > now_ms + PAUSE_MAX_MS + SPARE_ROUNDS * d->wait_ms;
}

void
discovery_plan(struct discovery *d, struct discovery_plan *plan)
{
	struct netaddr others[DUE_MAX], at;
	uint64_t now_ms = clock_wall_ms();
	struct peer_entry e;
	size_t count = 0;

	*plan =
	    (struct discovery_plan){xmalloc(PEER_TABLE_MAX * sizeof(at)), xmalloc(PEER_TABLE_MAX * sizeof(at)), 0, 0};
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		if (!peer_table_get(d->store, i, &e) || netaddr_parse(&at, e.address) != OK)
			continue;
		if (e.state == PEER_UP) {
			plan->ask[plan->ask_count++] = at;
		} else if (is_due(d, &e, now_ms)) {
			/* Those for whom there is no room are due in the next round too, when these rest. */
			if (count < DUE_MAX)
				others[count++] = at;
		} else if (!is_absent(e.state) || !finder_is_scanned(d->finder, &at)) {
			plan->rest[plan->rest_count++] = at;
		}
	}
	qsort(plan->ask, plan->ask_count, sizeof(at), compare_plan);
	memcpy(plan->ask + plan->ask_count, others, count * sizeof(at));
	plan->ask_count += count;
}

void
discovery_plan_clear(struct discovery_plan *plan)
{
	free(plan->ask);
	free(plan->rest);
	*plan = (struct discovery_plan){0};
}

void
discovery_forget(struct discovery *d)
{
	uint64_t now_ms = clock_wall_ms();
	struct peer_entry e;

	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		if (!peer_table_get(d->store, i, &e) || !is_absent(e.state) || peer_is_configured(&e))
			continue;
		if (e.good_ms != 0 ? now_ms > e.good_ms + FORGET_GOOD_MS : e.failures >= FORGET_FAILURES)
			peer_table_remove(d->store, e.address);
	}
}

void
discovery_disown(struct discovery *d)
{
	struct peer_entry e;

	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		if (!peer_table_get(d->store, i, &e) || !peer_is_configured(&e))
			continue;
		text_copy(e.source, sizeof(e.source), finder_source_name(SOURCE_SAVED));
		e.next_ms = 0;
		(void)peer_table_set(d->store, &e);
	}
}

bool
discovery_is_news(const struct discovery *d, const char *address, bool is_hint)
{
	uint64_t now_ms = clock_wall_ms();
	struct peer_entry e;

	if (!peer_table_find(d->store, address, &e))
		return true;
	if (is_ours(e.state) || e.state == PEER_SELF)
		return false;
	if (is_hint)
		return true;
	return e.next_ms <= now_ms || (is_absent(e.state) && e.checked_ms + TOLD_AGAIN_MS <= now_ms);
}
