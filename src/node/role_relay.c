/*
 * The relay tells peers of new blocks and transfers the moment they are there. For each peer that is up it keeps one
 * connection and two cursors: the block it has told last and the arrival number of the transfer it has told last. A
 * slow peer delays nobody, and one that is far behind is told the tip alone and fetches the rest itself.
 *
 * What must stay true: what a node tells about one item does not grow with the number of its peers, and yet everybody
 * hears of it. So not everybody is told by everybody.
 *
 *   - Eager peers, FANOUT at most, are told at once. They are chosen (fanout.h) such that the choices of all nodes
 *     together connect all of them: what one knows reaches each within a few steps.
 *   - The rest is asked, in a burst of waves: a little later a few of them are told a header or ids, no more. If half of
 *     them say that they know, and nobody that it is news, then the others have heard, too, as far as anybody can tell,
 *     and the burst ends; as long as it was news to one of them, or they say nothing, a wave of twice the size follows.
 *     So in a net where all know all, a burst costs WAVE_FIRST messages; and if we are the only one whom all others
 *     know, or most of them do not answer, the others still hear of it within a second. News can be news only once to
 *     each node, so over all nodes the waves cost at most a few messages for each node.
 *   - What a peer has told us it is not told (the workers note who told us what).
 *
 * Who is missed by all of it (it was away, or everything got lost) is healed by the rounds of its resolver, and by the
 * repetition here: transfers of our own clients are told again each discovery interval, to eager peers of which the random
 * part is drawn anew.
 *
 * If the relay dies, its successor tells its eager peers the tip and the ids of the whole pool.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "fanout.h"
#include "node/roles.h"
#include "relay.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "wire/peer_msg.h"

#define LOOK_MS 1000 /* how often the set of peers is looked at though the table is the same: pauses end */
#define WAVE_MS 250  /* until the rest is asked, and between waves: by then they should have heard */
#define WAVE_FIRST 4

static void
drop_unlisted(struct relay *r)
{
	struct outlet **link = &r->outlets, *o;

	while ((o = *link) != NULL) {
		if (o->is_listed) {
			link = &o->next;
			continue;
		}
		*link = o->next;
		outlet_free(o);
	}
}

/*
 * The address at which others know us: what we advertise or listen on, if that is one address; else the one at which
 * discovery has met us. With none, our place on the ring is anywhere.
 */
static uint64_t
own_key(const struct relay *r)
{
	const struct config *config = r->child->env->config;
	char text[NETADDR_TEXT_SIZE];
	struct peer_entry e;
	struct netaddr at;

	if (netaddr_parse(&at, config->peers.advertise) == OK)
		return peer_key(config->peers.advertise);
	at = config->peers.listen.port != 0 ? config->peers.listen : config->http.listen;
	if (!netaddr_is_any(&at)) {
		netaddr_format(text, &at);
		return peer_key(text);
	}
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(r->store, i, &e) && e.state == PEER_SELF)
			return peer_key(e.address);
	return r->child->env->nonce;
}

static void
choose_eager(struct relay *r)
{
	uint64_t keys[PEER_TABLE_MAX];
	bool is_chosen[PEER_TABLE_MAX];
	size_t count = 0, i = 0;

	for (struct outlet *o = r->outlets; o != NULL; o = o->next)
		keys[count++] = o->key;
	fanout_choose(is_chosen, keys, count, own_key(r), r->seed);
	for (struct outlet *o = r->outlets; o != NULL; o = o->next)
		o->is_eager = is_chosen[i++];
}

/* Makes the outlets agree with the peer table and the pauses in it. */
static void
follow_table(struct relay *r)
{
	struct peer_entry e;
	struct peer_pause pause;
	struct netaddr at;
	struct outlet *o;
	uint64_t count = 0;

	r->peers_version = peer_table_version(r->store);
	for (o = r->outlets; o != NULL; o = o->next)
		o->is_listed = false;
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		if (!peer_table_get(r->store, i, &e) || e.state != PEER_UP || netaddr_parse(&at, e.address) != OK ||
		    peer_pause_find(r->store, e.address, clock_wall_ms(), &pause))
			continue;
		for (o = r->outlets; o != NULL && strcmp(o->address, e.address) != 0;)
			o = o->next;
		if (o == NULL) {
			o = outlet_new(r, &e, &at);
			o->next = r->outlets;
			r->outlets = o;
		}
		o->is_listed = true;
	}
	drop_unlisted(r);
	for (o = r->outlets; o != NULL; o = o->next)
		count++;
	/* Nobody has rung for what came before this: whoever calls looks at the pool next. */
	role_set(r->store, COUNT_OUTLETS, count);
	choose_eager(r);
}

/* What workers have heard from peers since the last look. */
static void
take_heard(struct relay *r)
{
	struct outlet *o = NULL;
	struct heard h;

	while (ring_next_heard(r->store, &r->heard, &h)) {
		if (o == NULL || o->key != h.peer)
			for (o = r->outlets; o != NULL && o->key != h.peer;)
				o = o->next;
		if (o != NULL)
			outlet_heard(o, h.item);
	}
}

void
relay_was_news(struct relay *r)
{
	r->wave_news++;
}

void
relay_was_known(struct relay *r)
{
	r->wave_known++;
}

/* All who are neither eager nor were asked have heard, for all we know. */
static void
end_burst(struct relay *r)
{
	r->in_burst = false;
	for (struct outlet *o = r->outlets; o != NULL; o = o->next) {
		if (o->is_eager || o->asked == r->burst)
			continue;
		o->told = r->burst_tip;
		if (o->arrival <= r->burst_arrival)
			o->arrival = o->told_arrival = r->burst_arrival + 1;
	}
}

/* Begins one if there is something that one of the rest was not told. */
static void
want_burst(struct relay *r)
{
	struct outlet *o = r->outlets;

	if (r->in_burst)
		return;
	while (o != NULL && (o->is_eager || !outlet_lacks(o)))
		o = o->next;
	if (o == NULL)
		return;
	r->in_burst = true;
	r->burst++;
	r->wave_size = WAVE_FIRST;
	r->wave_asked = r->wave_known = 0;
	r->wave_news = 1;
	r->has_waited = false;
	r->burst_tip = chain_tip(r->store);
	r->burst_arrival = mempool_last_arrival(r->store);
	loop_timer_arm(r->wave, WAVE_MS);
}

/* One of the rest that was not asked in this burst, drawn at random. */
static struct outlet *
draw_unasked(struct relay *r)
{
	struct outlet *drawn = NULL;
	uint64_t count = 0;

	for (struct outlet *o = r->outlets; o != NULL; o = o->next) {
		uint64_t n;
		if (o->is_eager || o->asked == r->burst || !outlet_lacks(o))
			continue;
		random_bytes(&n, sizeof(n));
		if (n % ++count == 0)
			drawn = o;
	}
	return drawn;
}

static void
wave(void *ctx)
{
	struct relay *r = ctx;
	struct outlet *o = NULL;
	bool has_heard = r->wave_news == 0 && r->wave_known * 2 >= r->wave_asked;

	take_heard(r);
	/* They may only be busy. */
	if (!has_heard && r->wave_news == 0 && !r->has_waited) {
		r->has_waited = true;
		loop_timer_arm(r->wave, WAVE_MS);
		return;
	}
	if (!has_heard) {
		r->wave_news = r->wave_asked = r->wave_known = 0;
		r->has_waited = false;
		for (; r->wave_asked < r->wave_size && (o = draw_unasked(r)) != NULL; r->wave_asked++) {
			o->asked = r->burst;
			o->is_awake = true;
			outlet_tell(o);
		}
		r->wave_size *= 2;
		if (o != NULL) {
			loop_timer_arm(r->wave, WAVE_MS);
			return;
		}
	}
	end_burst(r);
	want_burst(r);
}

static void
tell_all(struct relay *r)
{
	take_heard(r);
	for (struct outlet *o = r->outlets; o != NULL; o = o->next)
		outlet_tell(o);
	want_burst(r);
}

/* There is something to tell, or somebody to tell it. The table is long: it is read only if it has changed. */
static void
rang(void *ctx)
{
	struct relay *r = ctx;

	if (peer_table_version(r->store) != r->peers_version)
		follow_table(r);
	tell_all(r);
}

static void
look(void *ctx)
{
	struct relay *r = ctx;

	follow_table(r);
	tell_all(r);
	loop_timer_arm(r->look, LOOK_MS);
}

static void
repeat(void *ctx)
{
	struct relay *r = ctx;

	random_bytes(&r->seed, sizeof(r->seed));
	choose_eager(r);
	/* One that is behind goes on where it is: from the start again and again, it would never come to the end. */
	for (struct outlet *o = r->outlets; o != NULL; o = o->next)
		if (o->is_eager && o->arrival > mempool_last_arrival(r->store))
			o->arrival = o->arrival_before = 0;
	tell_all(r);
	loop_timer_arm(r->repeat, r->child->env->config->discovery.interval_ms);
}

int
role_relay(struct child *c)
{
	static struct relay r;
	int code;

	r.child = c;
	r.store = c->env->store;
	r.from = child_from(c, &r.from_space);
	snprintf(r.port, sizeof(r.port), "%u", node_peer_port(c->env->config));
	random_bytes(&r.seed, sizeof(r.seed));
	buf_init(&r.news.body);
	r.look = loop_timer_new(c->loop, look, &r);
	r.repeat = loop_timer_new(c->loop, repeat, &r);
	r.wave = loop_timer_new(c->loop, wave, &r);
	child_on_bell(c, c->env->bells.role[BELL_RELAY], rang, &r);
	loop_timer_arm(r.repeat, c->env->config->discovery.interval_ms);
	look(&r);
	code = child_run(c);
	for (struct outlet *o = r.outlets; o != NULL; o = o->next)
		o->is_listed = false;
	drop_unlisted(&r);
	buf_clear(&r.news.body);
	return code;
}
