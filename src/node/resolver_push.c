/*
 * What peers push. A block that fits behind one of ours is judged and committed at once, after it was built if only its
 * names or its header came (resolver_compact.c); one whose parent is missing makes us fetch from the peer that pushed it;
 * one ahead of our clock is held and tried again. Headers are judged first, proof of work before all else.
 *
 * Anybody may push, so nothing here may depend on how often or what: pushes are taken a few at a time, a fetch that
 * they cause never keeps a round waiting, what is held is bounded, bad ones are logged once in a while, and a source
 * whose pushes cost us too much for nothing is passed over for a while, it alone (push_source.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "push_verify.h"
#include "resolver.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/text.h"

#define PUSHES_AT_ONCE 16
#define PUSH_ROUND_MS 200     /* until the round that a push asks for which may not cause a fetch now */
#define COMPLAIN_MS 10000     /* between lines about bad pushes */
#define HELD_AHEAD_MS 3600000 /* blocks further ahead than that are no matter of clocks: not held */
#define RETRY_MS 1000

/* Who answers for a push: the peer, if it is one of ours, so that others on its host do not pay for it; else the host,
 * since a port is easily made up.
 */
static const char *
payer(const struct resolver *r, const struct push *p)
{
	struct peer_entry e;

	return p->from[0] != '\0' && peer_table_find(r->store, p->from, &e) && e.state == PEER_UP ? p->from : p->source;
}

void
resolver_spend(struct resolver *r, const struct push *p, uint64_t cost_ms)
{
	const char *who = payer(r, p);

	if (push_source_spend(&r->sources, who, cost_ms, clock_mono_ms()))
		log_warn("resolver: pushes from %s are passed over for a while: they cost time and bring nothing", who);
}

void
resolver_complain(struct resolver *r, const struct push *p, const char *what)
{
	uint64_t now = clock_mono_ms();
	char more[64] = "";

	resolver_spend(r, p, PUSH_COST_BAD);
	if (now < r->complain_after_ms) {
		r->complaints++;
		return;
	}
	if (r->complaints > 0)
		snprintf(more, sizeof(more), "; so did %" PRIu64 " pushes before", r->complaints);
	log_warn("resolver: %s %s%s", p->from[0] == '\0' ? p->source : p->from, what, more);
	r->complaints = 0;
	r->complain_after_ms = now + COMPLAIN_MS;
}

static void
complain(struct resolver *r, const struct push *p, uint64_t height, enum rule rule)
{
	char what[200];

	snprintf(what, sizeof(what), "pushed block %" PRIu64 ", which breaks rule %s (%s)", height, rule_name(rule),
		 rule_text(rule));
	resolver_complain(r, p, what);
}

static void
hold(struct resolver *r, const struct push *p, const struct header *h)
{
	uint64_t due_ms = h->time_ms - TIME_AHEAD_MS;
	struct held *place = NULL;

	if (due_ms > clock_wall_ms() + HELD_AHEAD_MS)
		return;
	/* A free place, or that of the block which would have to wait longest. */
	for (int i = 0; i < HELD_MAX; i++) {
		struct held *held = &r->held[i];
		if (held->bytes.len == p->size && memcmp(held->bytes.data, p->bytes, p->size) == 0)
			return;
		if (place == NULL || (place->bytes.len > 0 && (held->bytes.len == 0 || held->due_ms > place->due_ms)))
			place = held;
	}
	if (place->bytes.len > 0 && place->due_ms <= due_ms)
		return;
	buf_reset(&place->bytes);
	buf_append(&place->bytes, p->bytes, p->size);
	place->kind = p->kind;
	text_copy(place->source, sizeof(place->source), p->source);
	text_copy(place->from, sizeof(place->from), p->from);
	place->due_ms = due_ms;
	log_debug("resolver: block %" PRIu64 " from %s is ahead of the clock: held", h->height, p->from);
	loop_timer_arm(r->retry, RETRY_MS);
}

bool
resolver_can_ask(const struct resolver *r, const char *from, struct netaddr *at)
{
	struct peer_entry e;

	return netaddr_parse(at, from) == OK && peer_table_find(r->store, from, &e) && e.state == PEER_UP &&
	       !resolver_is_paused(r, at);
}

/* The last fetch that a push asked for is over: if it changed nothing, who pushed pays for it. */
static void
settle_fetch(struct resolver *r)
{
	struct push p = {.source = r->fetching_for, .from = ""};

	if (r->fetching_for[0] != '\0' && blockref_equal(r->fetching_at, chain_tip(r->store)))
		resolver_spend(r, &p, PUSH_COST_UNKNOWN);
	r->fetching_for[0] = '\0';
}

/* The pusher has something that does not fit: ask it for the rest, if it is a peer of ours. */
static void
fetch_from_pusher(struct resolver *r, const struct push *p)
{
	struct netaddr at;

	if (!resolver_can_ask(r, p->from, &at))
		return;
	if (r->in_round || r->fetch != NULL || r->wants_round || clock_mono_ms() < r->push_fetch_after_ms) {
		resolver_want_round(r, PUSH_ROUND_MS);
		return;
	}
	settle_fetch(r);
	text_copy(r->fetching_for, sizeof(r->fetching_for), payer(r, p));
	r->fetching_at = chain_tip(r->store);
	resolver_fetch(r, &at, NULL);
}

static void
judge(struct resolver *r, const struct push *p, const struct block *b, struct blockref parent)
{
	struct blockref none = {0}, old = {0};
	struct push_verify verified;
	struct branch branch;
	struct verdict v = verdict_ok();
	enum err e;

	branch_init(&branch, r->store);
	push_verify_begin(&verified, r->child->env, b);
	branch.is_verified = push_verify_is_good;
	branch.is_verified_ctx = &verified;
	e = branch_begin(&branch, parent);
	if (e == OK)
		e = branch_add(&branch, b, false, &v);
	push_verify_end(&verified);
	if (e == OK && v.rule == RULE_OK)
		e = branch_commit(&branch, none, &old);
	branch_end(&branch);
	if (v.rule != RULE_OK) {
		complain(r, p, b->header.height, v.rule);
		resolver_remember_bad(r, b);
	} else if (e != OK) {
		log_debug("resolver: pushed block %" PRIu64 ": %s", b->header.height, err_text(e));
		if (e != ERR_STALE && e != ERR_TIMEOUT)
			resolver_say_trouble(r, e, b->header.height);
	} else if (old.v != 0) {
		resolver_adopted(r, old);
		resolver_say_adopted(r, old, p->from);
	}
}

/* A block that is there in full, its header judged. */
static void
take_whole(struct resolver *r, const struct push *p, const struct hash256 *hash, struct blockref parent)
{
	struct block b;
	struct hash256 root;

	if (block_parse_known(&b, p->bytes, p->size, hash) != RULE_OK)
		return;
	/* No work stands behind bytes with another root: their signatures are not worth checking. */
	root = block_merkle_root(&b);
	if (hash_equal(&root, &b.header.merkle_root))
		judge(r, p, &b, parent);
	else
		complain(r, p, b.header.height, RULE_WRONG_MERKLE_ROOT);
}

void
resolver_take_push(struct resolver *r, const struct push *p)
{
	struct header_state state;
	struct blockref parent;
	struct hash256 hash;
	struct header h;
	enum rule rule;

	if (p->size < HEADER_SIZE)
		return;
	header_decode(&h, p->bytes);
	hash = header_hash_bytes(p->bytes);
	if (chain_find_any(r->store, &hash).v != 0 || bad_blocks_has(&r->bad, &hash) ||
	    bad_blocks_has(&r->bad, &h.previous) || !push_source_may(&r->sources, payer(r, p), clock_mono_ms()))
		return;
	parent = chain_find_any(r->store, &h.previous);
	if (parent.v == 0) {
		if (!resolver_build_after(r, p, &h, &hash))
			fetch_from_pusher(r, p);
		return;
	}
	chain_header_state(r->store, parent, &state);
	rule = header_check(&state, &h, &hash, store_params(r->store));
	if (rule != RULE_OK) {
		complain(r, p, h.height, rule);
		return;
	}
	if (header_check_clock(&h, clock_wall_ms()) != RULE_OK) {
		hold(r, p, &h);
		return;
	}
	header_state_advance(&state, &h, &hash);
	if (!resolver_wins(r, &(struct head){hash, state.work, h.height}))
		return;
	if (resolver_is_too_deep(r, parent))
		complain(r, p, h.height, RULE_REORG_TOO_DEEP);
	else if (p->kind == PUSH_WHOLE)
		take_whole(r, p, &hash, parent);
	else
		resolver_build(r, p, &h, &hash);
}

static void
take(struct resolver *r, const struct pushed_block *p)
{
	const struct push push = {.source = p->source,
				  .from = p->from,
				  .kind = p->kind <= PUSH_HEADER ? (enum push_kind)p->kind : PUSH_HEADER,
				  .bytes = p->bytes,
				  .size = p->size};

	resolver_take_push(r, &push);
}

void
resolver_take_pushes(struct resolver *r)
{
	int taken = 0;

	for (; taken < PUSHES_AT_ONCE && ring_take_block(r->store, &r->pushed); taken++)
		take(r, &r->pushed);
	if (taken == PUSHES_AT_ONCE)
		loop_timer_arm(r->more, 0);
}

void
resolver_retry_held(void *ctx)
{
	struct resolver *r = ctx;
	uint64_t now = clock_wall_ms();
	bool has_more = false;

	for (int i = 0; i < HELD_MAX; i++) {
		struct held *held = &r->held[i];
		if (held->bytes.len == 0)
			continue;
		if (now < held->due_ms) {
			has_more = true;
			continue;
		}
		r->pushed.size = (uint32_t)held->bytes.len;
		memcpy(r->pushed.bytes, held->bytes.data, held->bytes.len);
		r->pushed.kind = held->kind;
		text_copy(r->pushed.source, sizeof(r->pushed.source), held->source);
		text_copy(r->pushed.from, sizeof(r->pushed.from), held->from);
		buf_reset(&held->bytes);
		take(r, &r->pushed);
	}
	if (has_more)
		loop_timer_arm(r->retry, RETRY_MS);
}
