/*
 * Discovery finds peers: every [discovery] interval a round over all sources, and in between the addresses that other
 * nodes tell. It alone writes the peer table. A round never waits for one address, so a peer that accepts and never
 * answers costs its own time-out; a scan that takes longer than the interval goes on beside the rounds.
 *
 * It logs what changed: the neighbours when their set changes, and once per address why a node is not a peer, or why
 * one that the operator named cannot be reached.
 *
 * If it dies, the table stays as it is until its successor's first round.
 */
#include <stdlib.h>
#include <string.h>

#include "node/roles.h"
#include "peer/finder.h"
#include "store/peer_table.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define HANDSHAKE_TIMEOUT_MS 5000
/* Rounds follow quickly until a first peer is found: three nodes started together meet at once. */
#define FIRST_ROUNDS_MS 1000
#define QUICK_ROUNDS 10

struct discovery {
	struct child *child;
	struct finder *finder;
	struct loop_timer *next;
	struct hint_cursor hints;
	struct finder_name *names;
	struct buf neighbours; /* as last logged */
	uint32_t rounds;
};

static const enum peer_state state_of_outcome[] = {
    [HANDSHAKE_UP] = PEER_UP,
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

static void
fill_hello(void *ctx, struct hello *ours)
{
	child_hello(((struct discovery *)ctx)->child, ours);
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
		log_warn("discovery: %s is no peer of ours: %s", e->address, e->reason);
		break;
	case PEER_SELF:
		log_debug("discovery: %s is ourselves", e->address);
		break;
	default:
		if (strcmp(e->source, finder_source_name(SOURCE_STATIC)) == 0)
			log_info("discovery: peer %s is %s: %s", e->address, peer_state_name(e->state), e->reason);
		else if (!is_new)
			log_debug("discovery: %s is %s: %s", e->address, peer_state_name(e->state), e->reason);
		break;
	}
}

/* Nodes of any kind are; of what is none, only what the operator named and what answered a scan. */
static bool
is_worth_a_row(const struct peer_entry *e, const struct finder_report *report)
{
	switch (e->state) {
	case PEER_UP:
	case PEER_OTHER_NETWORK:
	case PEER_OTHER_GENESIS:
	case PEER_OTHER_PROTOCOL:
	case PEER_SELF:
		return true;
	default:
		return report->handshake != NULL && report->source != SOURCE_HINT;
	}
}

static void
reported(void *ctx, const struct finder_report *report)
{
	struct discovery *d = ctx;
	struct store *s = d->child->env->store;
	const struct handshake_result *h = report->handshake;
	struct peer_entry e, old;
	char address[NETADDR_TEXT_SIZE];
	bool is_new;

	memset(&e, 0, sizeof(e));
	netaddr_format(address, &report->at);
	text_copy(e.address, sizeof(e.address), address);
	text_copy(e.source, sizeof(e.source), finder_source_name(report->source));
	e.checked_ms = e.since_ms = clock_wall_ms();
	if (h == NULL) {
		e.state = state_of_probe[report->probe];
		text_copy(e.reason, sizeof(e.reason), probe_reasons[report->probe]);
	} else {
		e.state = state_of_outcome[h->outcome];
		text_copy(e.reason, sizeof(e.reason), h->reason);
		e.latency_us = h->latency_us;
		e.skew_ms = h->skew_ms;
		if (h->outcome == HANDSHAKE_UP) {
			text_copy(e.node, sizeof(e.node), h->hello.node);
			text_copy(e.software, sizeof(e.software), h->hello.software);
			e.head = h->hello.head;
		}
	}
	is_new = !peer_table_find(s, e.address, &old);
	if (!is_new && old.state == e.state)
		e.since_ms = old.since_ms;
	/* What has no row would be news each time, and others could fill the log: it is not mentioned. */
	if ((is_new && !is_worth_a_row(&e, report)) || !peer_table_set(s, &e))
		return;
	if (is_new || old.state != e.state || strcmp(old.reason, e.reason) != 0)
		say_change(&e, is_new);
	if (e.state == PEER_UP && (is_new || old.state != PEER_UP)) {
		bell_ring(&d->child->env->bells, BELL_RESOLVER);
		bell_ring(&d->child->env->bells, BELL_RELAY);
	}
}

static int
compare_address(const void *a, const void *b)
{
	return netaddr_compare(a, b);
}

/* Addresses of the peers that are up, sorted. Returns how many; the caller frees. */
static size_t
up_addresses(const struct discovery *d, struct netaddr **out)
{
	struct netaddr *list = xmalloc(PEER_TABLE_MAX * sizeof(*list));
	struct peer_entry e;
	size_t count = 0;

	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(d->child->env->store, i, &e) && e.state == PEER_UP &&
		    netaddr_parse(&list[count], e.address) == OK)
			count++;
	qsort(list, count, sizeof(*list), compare_address);
	*out = list;
	return count;
}

static void
say_neighbours(struct discovery *d)
{
	char text[NETADDR_TEXT_SIZE];
	struct netaddr *list;
	size_t count = up_addresses(d, &list);
	struct buf now;

	buf_init(&now);
	for (size_t i = 0; i < count; i++) {
		netaddr_format(text, &list[i]);
		buf_printf(&now, " %s", text);
	}
	free(list);
	if (now.len == 0)
		buf_puts(&now, " none");
	if (d->neighbours.data == NULL || strcmp(now.data, d->neighbours.data) != 0) {
		log_info("discovery: neighbours%s", now.data);
		buf_reset(&d->neighbours);
		buf_append(&d->neighbours, now.data, now.len);
	}
	buf_clear(&now);
}

static void
round_done(void *ctx)
{
	struct discovery *d = ctx;
	const struct config_discovery *config = &d->child->env->config->discovery;
	uint64_t wait = config->interval_ms;

	role_count(d->child->env->store, COUNT_ROUNDS, 1);
	say_neighbours(d);
	if (++d->rounds < QUICK_ROUNDS && peer_table_count(d->child->env->store, PEER_UP) == 0 &&
	    FIRST_ROUNDS_MS < wait)
		wait = FIRST_ROUNDS_MS;
	loop_timer_arm(d->next, wait);
}

static void
next_round(void *ctx)
{
	struct discovery *d = ctx;
	struct netaddr *known;
	size_t count = up_addresses(d, &known);

	finder_round(d->finder, known, count);
	free(known);
}

static void
look_at_hints(void *ctx)
{
	struct discovery *d = ctx;
	char address[RING_ADDRESS_SIZE];
	struct peer_entry e;
	struct netaddr at;

	while (ring_next_hint(d->child->env->store, &d->hints, address))
		if (netaddr_parse(&at, address) == OK && !(peer_table_find(d->child->env->store, address, &e) &&
							   (e.state == PEER_UP || e.state == PEER_SELF)))
			finder_hint(d->finder, &at);
}

static size_t
collect_names(struct discovery *d)
{
	const struct config_discovery *config = &d->child->env->config->discovery;
	size_t count = 0;

	d->names = xcalloc(config->peers.count + config->dns.count + 1, sizeof(*d->names));
	for (size_t i = 0; i < config->peers.count; i++)
		d->names[count++] = (struct finder_name){config->peers.at[i].host, config->peers.at[i].port, false};
	for (size_t i = 0; i < config->dns.count; i++)
		d->names[count++] = (struct finder_name){config->dns.at[i].host, config->dns.at[i].port, true};
	return count;
}

int
role_discovery(struct child *c)
{
	static const struct finder_callbacks callbacks = {fill_hello, reported, round_done};
	const struct config_discovery *config = &c->env->config->discovery;
	static struct discovery d;
	struct netaddr from;
	struct finder_options options = {.scan_hosts = config->scan_hosts.at,
					 .scan_host_count = config->scan_hosts.count,
					 .scan_port_first = config->scan_ports.first,
					 .scan_port_last = config->scan_ports.last,
					 .scan_rate = config->scan_rate,
					 .probe_timeout_ms = config->probe_timeout_ms,
					 .handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
					 .round_max_ms = config->interval_ms,
					 .from = child_from(c, &from)};
	int code;

	d.child = c;
	buf_init(&d.neighbours);
	peer_table_recover(c->env->store);
	options.name_count = collect_names(&d);
	options.names = d.names;
	d.finder = finder_new(c->loop, &options, &callbacks, &d);
	d.next = loop_timer_new(c->loop, next_round, &d);
	child_on_bell(c, c->env->bells.role[BELL_DISCOVERY], look_at_hints, &d);
	next_round(&d);
	code = child_run(c);
	finder_free(d.finder);
	buf_clear(&d.neighbours);
	free(d.names);
	return code;
}
