/*
 * Discovery finds peers: every [discovery] interval a round over all sources, and in between the addresses that nodes
 * tell of themselves and of others. It alone writes the peer table. A round never waits for one address, so a peer that
 * accepts and never answers costs its own time-out; a scan that takes longer than the interval goes on beside the rounds.
 *
 * It logs what changed: the neighbours when their set changes, once per address why a node is not a peer, or why one that
 * the operator named cannot be reached, and when our clock and those of the peers part or agree again.
 *
 * If it dies, the table stays as it is until its successor's first round.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "crypto/random.h"
#include "discovery.h"
#include "node/roles.h"
#include "store/chain.h"
#include "store/role_table.h"
#include "util/log.h"
#include "util/mem.h"

#define HANDSHAKE_TIMEOUT_MS 5000
/* Rounds follow quickly until a first peer is found: three nodes started together meet at once. */
#define FIRST_ROUNDS_MS 1000
#define QUICK_ROUNDS 10
#define NAMED_MAX 8 /* addresses in one list of a line of the log */
/* Descriptors: what is kept for all else, and the most that a scan is given, which is far from what a host can bear. */
#define FILES_KEPT 256
#define PROBES_OPEN_MAX 16384
/* When our own chain has grown, so have the peers' as a rule: theirs are asked for so soon. */
#define HEIGHTS_MS 5000
/* The clocks: blocks may be 120 s ahead of ours. */
#define SKEW_MAX_MS 30000
#define SKEW_FINE_MS 25000

static void
fill_hello(void *ctx, struct hello *ours)
{
	child_hello(((struct discovery *)ctx)->child, ours);
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
		if (peer_table_get(d->store, i, &e) && e.state == PEER_UP &&
		    netaddr_parse(&list[count], e.address) == OK)
			count++;
	qsort(list, count, sizeof(*list), compare_address);
	*out = list;
	return count;
}

/* " A B", of many the first few. */
static void
put_addresses(struct buf *out, const struct netaddr *list, size_t count)
{
	char text[NETADDR_TEXT_SIZE];

	for (size_t i = 0; i < count && i < NAMED_MAX; i++) {
		netaddr_format(text, &list[i]);
		buf_printf(out, " %s", text);
	}
	if (count > NAMED_MAX)
		buf_printf(out, " and %zu more", count - NAMED_MAX);
}

/* Appends those of list that are not in other; both are sorted. */
static void
put_difference(struct buf *out, const char *what, const struct netaddr *list, size_t count, const struct netaddr *other,
	       size_t other_count)
{
	struct netaddr *only = xmalloc((count + 1) * sizeof(*only));
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (other_count == 0 || bsearch(&list[i], other, other_count, sizeof(*other), compare_address) == NULL)
			only[n++] = list[i];
	if (n > 0) {
		buf_puts(out, what);
		put_addresses(out, only, n);
	}
	free(only);
}

/* The first time whom there is, then also who came and who went. */
static void
say_neighbours(struct discovery *d)
{
	struct netaddr *now;
	size_t count = up_addresses(d, &now);
	struct buf text;

	buf_init(&text);
	put_difference(&text, "; new:", now, count, d->neighbours, d->neighbour_count);
	put_difference(&text, "; gone:", d->neighbours, d->neighbour_count, now, count);
	if (!d->has_told_neighbours || text.len > 0) {
		struct buf all;

		buf_init(&all);
		put_addresses(&all, now, count);
		log_info("discovery: neighbours%s%s", count > 0 ? all.data : " none",
			 d->has_told_neighbours ? text.data : "");
		buf_clear(&all);
	}
	d->has_told_neighbours = true;
	buf_clear(&text);
	free(d->neighbours);
	d->neighbours = now;
	d->neighbour_count = count;
}

/* Most peers' clocks against ours: said when they part, and when they agree again. */
static void
say_skew(struct discovery *d)
{
	uint32_t count;
	int64_t skew = peer_table_skew(d->store, &count);

	if (count == 0)
		return;
	if (!d->is_skewed && llabs(skew) > SKEW_MAX_MS) {
		d->is_skewed = true;
		log_warn("discovery: the clock of this host is %" PRId64 " s %s those of its peers (median of %" PRIu32
			 "): blocks more than 120 s ahead of a clock are not accepted; set the clocks right",
			 (int64_t)llabs(skew) / 1000, skew > 0 ? "behind" : "ahead of", count);
	} else if (d->is_skewed && llabs(skew) < SKEW_FINE_MS) {
		d->is_skewed = false;
		log_info("discovery: the clocks of this host and its peers agree again");
	}
}

/* Until when the next round waits. */
static uint64_t
wait_of(const struct discovery *d)
{
	uint64_t interval = d->child->env->config->discovery.interval_ms;
	bool is_quick = d->rounds < QUICK_ROUNDS && peer_table_count(d->store, PEER_UP) == 0;

	return is_quick && interval > FIRST_ROUNDS_MS ? FIRST_ROUNDS_MS : interval;
}

static void
round_done(void *ctx)
{
	struct discovery *d = ctx;

	role_count(d->store, COUNT_ROUNDS, 1);
	say_neighbours(d);
	say_skew(d);
	discovery_forget(d);
	discovery_save(d, false);
	discovery_ask_some(d);
	d->rounds++;
	d->wait_ms = wait_of(d);
	loop_timer_arm(d->next, d->wait_ms);
}

static void
next_round(void *ctx)
{
	struct discovery *d = ctx;
	struct discovery_plan plan;

	discovery_plan(d, &plan);
	finder_round(d->finder, plan.ask, plan.ask_count, plan.rest, plan.rest_count);
	discovery_plan_clear(&plan);
}

/* The table shall not show the heights of before the last block until the next round. */
static void
look_at_tip(void *ctx)
{
	struct discovery *d = ctx;
	struct blockref tip = chain_tip(d->store);
	struct netaddr *list;

	if (!blockref_equal(tip, d->tip)) {
		size_t count = up_addresses(d, &list);

		for (size_t i = 0; i < count; i++)
			finder_tell(d->finder, &list[i], SOURCE_HINT);
		free(list);
		d->tip = tip;
	}
	loop_timer_arm(d->heights, HEIGHTS_MS);
}

static void
look_at_hints(void *ctx)
{
	struct discovery *d = ctx;
	char address[RING_ADDRESS_SIZE];
	struct netaddr at;

	while (ring_next_hint(d->store, &d->hints, address)) {
		bool is_elsewhere = address[0] == RING_HINT_ELSEWHERE;

		if (netaddr_parse(&at, address + is_elsewhere) != OK ||
		    !discovery_is_news(d, address + is_elsewhere, !is_elsewhere))
			continue;
		if (is_elsewhere)
			finder_tell(d->finder, &at, SOURCE_PEER);
		else
			finder_hint(d->finder, &at);
	}
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

/*
 * How many probes a scan may have under way: as many as its rate brings about when all addresses are silent, if the limit
 * of open files allows that or can be raised.
 */
static uint32_t
probes_open_max(const struct config_discovery *config)
{
	uint64_t wanted = (uint64_t)config->scan_rate * config->probe_timeout_ms / 1000 + config->scan_rate / 2 + 1;
	struct rlimit files;

	if (wanted > PROBES_OPEN_MAX)
		wanted = PROBES_OPEN_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return FILES_KEPT;
	if (files.rlim_cur < wanted + FILES_KEPT && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < wanted + FILES_KEPT ? files.rlim_max : wanted + FILES_KEPT;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0 && getrlimit(RLIMIT_NOFILE, &files) != 0)
			return FILES_KEPT;
	}
	if (files.rlim_cur < 2 * FILES_KEPT)
		return (uint32_t)files.rlim_cur / 4 + 1;
	return files.rlim_cur - FILES_KEPT < wanted ? (uint32_t)(files.rlim_cur - FILES_KEPT) : (uint32_t)wanted;
}

int
role_discovery(struct child *c)
{
	static const struct finder_callbacks callbacks = {fill_hello, discovery_report, round_done};
	const struct config_discovery *config = &c->env->config->discovery;
	static struct discovery d;
	struct finder_options options = {.scan_hosts = config->scan_hosts.at,
					 .scan_host_count = config->scan_hosts.count,
					 .scan_port_first = config->scan_ports.first,
					 .scan_port_last = config->scan_ports.last,
					 .scan_rate = config->scan_rate,
					 .probes_open_max = probes_open_max(config),
					 .probe_timeout_ms = config->probe_timeout_ms,
					 .handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
					 .round_max_ms = config->interval_ms};
	int code;

	d.child = c;
	d.store = c->env->store;
	d.from = options.from = child_from(c, &d.from_space);
	d.lot = random_u64();
	peer_table_recover(d.store);
	discovery_disown(&d);
	d.wait_ms = wait_of(&d);
	options.name_count = collect_names(&d);
	options.names = d.names;
	d.finder = finder_new(c->loop, &options, &callbacks, &d);
	d.next = loop_timer_new(c->loop, next_round, &d);
	d.heights = loop_timer_new(c->loop, look_at_tip, &d);
	d.tip = chain_tip(d.store);
	loop_timer_arm(d.heights, HEIGHTS_MS);
	child_on_bell(c, c->env->bells.role[BELL_DISCOVERY], look_at_hints, &d);
	discovery_load(&d);
	next_round(&d);
	code = child_run(c);
	discovery_save(&d, true);
	discovery_known_clear(&d);
	finder_free(d.finder);
	free(d.neighbours);
	free(d.names);
	return code;
}
