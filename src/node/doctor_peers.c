/*
 * The peers that the configuration names: each is looked up and gets a handshake, all at the same time, and all of it ends
 * after LOOK_MAX_MS whatever they and the name servers do. Our hello names no port, so that no peer comes back to a node that
 * is none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/block.h"
#include "crypto/random.h"
#include "doctor_checks.h"
#include "net/listener.h"
#include "peer/lookup.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

#define HANDSHAKE_MS 4000
#define LOOK_MAX_MS 8000
#define ADDRESSES_A_NAME 8
#define SKEW_WARN_MS 30000
#define SKEW_MAX_MS 120000 /* further ahead blocks are not taken */

void
judge_peer(struct findings *f, const struct peer_facts *p)
{
	const struct handshake_result *h = &p->hello;

	if (p->lookup != OK) {
		found(f, FOUND_WARNING, "%s: the name is not found (%s)", p->name, err_text(p->lookup));
		advise(f, "Check its spelling in [discovery], and the name service: getent ahosts NAME");
		return;
	}
	if (p->is_self) {
		found(f, FOUND_OK, "%s is this node itself", p->name);
		return;
	}
	if (p->is_unanswered) {
		found(f, FOUND_WARNING, "%s did not answer in time", p->name);
		advise(f, "Check that its node runs, and that no firewall drops what is sent there.");
		return;
	}
	switch (h->outcome) {
	case HANDSHAKE_UP:
		found(f, FOUND_OK, "%s is node %s of our chain, at height %" PRIu64, p->name, h->hello.node,
		      h->hello.head.height);
		break;
	case HANDSHAKE_SELF:
		found(f, FOUND_OK, "%s is this node itself", p->name);
		break;
	case HANDSHAKE_REFUSED:
		found(f, FOUND_WARNING, "%s: %s", p->name, h->reason);
		advise(f, "Check that its node runs and listens at that address, not only at 127.0.0.1.");
		break;
	case HANDSHAKE_SILENT:
		found(f, FOUND_WARNING, "%s does not answer: %s", p->name, h->reason);
		advise(f, "Check that its node runs, and that no firewall drops what is sent there.");
		break;
	case HANDSHAKE_NO_NODE:
		found(f, FOUND_PROBLEM, "%s is no node: %s", p->name, h->reason);
		advise(f, "Check address and port: a peer is named by its [peers] listen, or its [http] listen if it "
			  "has none.");
		break;
	case HANDSHAKE_OTHER_PROTOCOL:
		found(f, FOUND_PROBLEM, "%s is %s", p->name, h->reason);
		advise(f, "Bring both nodes to the same version.");
		break;
	case HANDSHAKE_OTHER_NETWORK:
		found(f, FOUND_PROBLEM, "%s is on another network: %s", p->name, h->reason);
		advise(f, "Give both nodes the same [network] section, or take it off [discovery] peers.");
		break;
	case HANDSHAKE_OTHER_GENESIS:
		found(f, FOUND_PROBLEM, "%s has another chain: %s", p->name, h->reason);
		advise(f, "Give both nodes the same [network] section: compare \"rensad -T\" of both. A node that has "
			  "to change needs a new "
			  "chain: rensad --reset.");
		break;
	}
}

static int
compare_skew(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void
judge_skew(struct findings *f, const struct peer_facts *list, size_t count)
{
	int64_t *skews = xcalloc(count + 1, sizeof(*skews));
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].lookup == OK && !list[i].is_self && !list[i].is_unanswered &&
		    list[i].hello.outcome == HANDSHAKE_UP)
			skews[n++] = list[i].hello.skew_ms;
	qsort(skews, n, sizeof(*skews), compare_skew);

	int64_t skew = n > 0 ? skews[n / 2] : 0;
	uint64_t off = (uint64_t)llabs(skew);
	if (n > 0 && off >= SKEW_WARN_MS) {
		found(f, off >= SKEW_MAX_MS ? FOUND_PROBLEM : FOUND_WARNING,
		      "the clock of this host is %" PRIu64
		      " s %s those of its peers: blocks more than 120 s ahead of a clock are not taken",
		      off / 1000, skew > 0 ? "behind" : "ahead of");
		advise(f, "Set the clocks right: \"timedatectl\" on each host shows whether a time service keeps it.");
	} else if (n > 0) {
		found(f, FOUND_OK, "the clock of this host agrees with those of %zu peer%s", n, n == 1 ? "" : "s");
	}
	free(skews);
}

/* Looking */

struct inquiry {
	struct loop *loop;
	struct loop_timer *over;
	const struct config *config;
	const struct netaddr *from; /* NULL: any */
	struct netaddr from_space;
	struct hello hello;
	struct peer_facts *list;
	size_t count, room;
	struct question *questions;
	size_t question_count, waiting;
};

/* One name, and the handshakes with what it stands for. */
struct question {
	struct inquiry *all;
	const struct endpoint *name;
	struct lookup *lookup;
	struct {
		struct handshake *handshake;
		size_t fact;
		struct netaddr at;
	} asked[ADDRESSES_A_NAME];
	size_t asked_count;
};

static void
one_less(struct inquiry *q)
{
	if (--q->waiting == 0)
		loop_stop(q->loop);
}

static struct peer_facts *
new_fact(const struct question *k, const struct netaddr *at)
{
	struct inquiry *q = k->all;
	char address[NETADDR_TEXT_SIZE] = "";
	struct buf text;

	if (q->count == q->room) {
		q->room = q->room * 2 + 16;
		q->list = xrealloc(q->list, q->room * sizeof(*q->list));
	}
	struct peer_facts *p = &q->list[q->count++];
	*p = (struct peer_facts){.is_unanswered = true, .rank = (size_t)(k - q->questions)};
	buf_init(&text);
	endpoint_format(&text, k->name);
	if (at != NULL)
		netaddr_format(address, at);
	if (at == NULL || strcmp(address, text.data) == 0)
		text_copy(p->name, sizeof(p->name), text.data);
	else
		snprintf(p->name, sizeof(p->name), "%.253s (%s)", text.data, address);
	buf_clear(&text);
	return p;
}

static void
answered(void *ctx, const struct netaddr *to, const struct handshake_result *result)
{
	struct question *k = ctx;

	for (size_t i = 0; i < k->asked_count; i++) {
		struct peer_facts *p = &k->all->list[k->asked[i].fact];

		if (k->asked[i].handshake == NULL || !netaddr_equal(&k->asked[i].at, to))
			continue;
		p->is_unanswered = false;
		p->hello = *result;
		k->asked[i].handshake = NULL;
		break;
	}
	one_less(k->all);
}

/* The node that this configuration is of, asked at an address of this host. */
static bool
is_self(const struct config *c, const struct netaddr *at)
{
	const struct netaddr *listen = c->peers.listen.port != 0 ? &c->peers.listen : &c->http.listen;
	struct netaddr host = *at;

	if (at->port != listen->port)
		return false;
	if (!netaddr_is_any(listen))
		return netaddr_same_ip(at, listen);
	host.port = 0;
	return listener_check(&host) != ERR_NOT_FOUND;
}

static void
looked_up(void *ctx, enum err e, const struct netaddr *found_at, size_t count)
{
	struct question *k = ctx;
	struct inquiry *q = k->all;

	k->lookup = NULL;
	if (e != OK || count == 0) {
		struct peer_facts *p = new_fact(k, NULL);
		p->is_unanswered = false;
		p->lookup = e != OK ? e : ERR_NOT_FOUND;
	}
	for (size_t i = 0; i < count && i < ADDRESSES_A_NAME; i++) {
		struct peer_facts *p = new_fact(k, &found_at[i]);

		p->is_self = is_self(q->config, &found_at[i]);
		if (p->is_self)
			continue;
		q->waiting++;
		k->asked[k->asked_count].fact = q->count - 1;
		k->asked[k->asked_count].at = found_at[i];
		k->asked[k->asked_count].handshake =
		    handshake_start(q->loop, &found_at[i], q->from, &q->hello, HANDSHAKE_MS, answered, k);
		k->asked_count++;
	}
	one_less(q);
}

static void
time_is_up(void *ctx)
{
	loop_stop(((struct inquiry *)ctx)->loop);
}

static void
hello_make(struct hello *h, const struct config *c)
{
	*h = (struct hello){.protocol = PEER_PROTOCOL,
			    .params = c->network,
			    .genesis = genesis_hash(&c->network),
			    .nonce = random_u64()};
	text_copy(h->node, sizeof(h->node), "doctor");
	text_copy(h->software, sizeof(h->software), PACKAGE_NAME "/" PACKAGE_VERSION);
	h->head.hash = h->genesis;
	h->time_ms = clock_wall_ms();
}

static void
ask(struct inquiry *q, const struct endpoint *name)
{
	struct question *k = &q->questions[q->question_count++];

	k->all = q;
	k->name = name;
	q->waiting++;
	k->lookup = lookup_start(q->loop, name->host, name->port, looked_up, k);
}

/* Whoever has not answered by now stays unanswered. */
static void
give_up(struct inquiry *q)
{
	for (size_t i = 0; i < q->question_count; i++) {
		struct question *k = &q->questions[i];

		if (k->lookup != NULL) {
			struct peer_facts *p = new_fact(k, NULL);
			p->is_unanswered = false;
			p->lookup = ERR_TIMEOUT;
		}
		lookup_cancel(k->lookup);
		for (size_t j = 0; j < k->asked_count; j++)
			handshake_cancel(k->asked[j].handshake);
	}
}

static void
inquire(struct inquiry *q)
{
	const struct config *c = q->config;
	const struct netaddr *listen = c->peers.listen.port != 0 ? &c->peers.listen : &c->http.listen;

	hello_make(&q->hello, c);
	q->from_space = *listen;
	q->from_space.port = 0;
	if (!netaddr_is_any(listen) && listener_check(&q->from_space) == OK)
		q->from = &q->from_space;
	q->loop = loop_new();
	q->over = loop_timer_new(q->loop, time_is_up, q);
	q->questions = xcalloc(c->discovery.peers.count + c->discovery.dns.count, sizeof(*q->questions));
	for (size_t i = 0; i < c->discovery.peers.count; i++)
		ask(q, &c->discovery.peers.at[i]);
	for (size_t i = 0; i < c->discovery.dns.count; i++)
		ask(q, &c->discovery.dns.at[i]);
	loop_timer_arm(q->over, LOOK_MAX_MS);
	loop_run(q->loop);
	give_up(q);
	loop_timer_free(q->over);
	loop_free(q->loop);
	free(q->questions);
}

static int
compare_ranks(const void *a, const void *b)
{
	const struct peer_facts *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

void
check_peers(struct findings *f, const struct doctor *d)
{
	const struct config_discovery *c = &d->config->discovery;
	struct inquiry q = {.config = d->config};

	if (c->peers.count + c->dns.count == 0 && c->scan_hosts.count == 0) {
		found(f, FOUND_NOTE, "[discovery] names no peers: this node waits until others find it");
		advise(f, "Name some in peers, dns or scan_hosts, unless it is alone on purpose.");
	} else if (c->peers.count + c->dns.count == 0) {
		found(f, FOUND_OK,
		      "[discovery] scans for peers; \"rensa peers\" shows whom the running node has found");
	} else {
		inquire(&q);
		if (q.count > 0)
			qsort(q.list, q.count, sizeof(*q.list), compare_ranks);
		for (size_t i = 0; i < q.count; i++)
			judge_peer(f, &q.list[i]);
		judge_skew(f, q.list, q.count);
		free(q.list);
	}
}
