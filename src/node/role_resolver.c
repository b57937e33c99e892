/*
 * The resolver makes the best chain that is known ours. It works in rounds, every [resolver] interval and whenever it
 * is woken for one (a new peer, PUT /consensus): it asks the heads of all peers, which costs the same whatever the
 * chains' lengths, and fetches from those that win, best first. Between rounds it takes in the blocks that peers push:
 * one that fits is judged and committed at once, one whose parent is missing makes it fetch from the peer that pushed
 * it.
 *
 * A peer that breaks a rule is named with the rule and left alone for a growing pause; the broken block is remembered
 * if its bytes are what its hash says (their merkle root matches), else anybody could spoil a good block. Blocks ahead
 * of the clock are held and tried again.
 *
 * If the resolver dies, what it had staged is dead weight, what it was committing is repaired by the master, and its
 * successor starts with a round.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bad_blocks.h"
#include "node/branch.h"
#include "node/roles.h"
#include "peer/fetch.h"
#include "peer/handshake.h"
#include "store/peer_table.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define HANDSHAKE_TIMEOUT_MS 5000
#define HELD_MAX 16
#define PUSH_PAUSE_MS 200 /* between fetches that pushes alone ask for, when they brought nothing */
#define COMMANDS (1u << COMMAND_CONSENSUS)
#define WAITING_MAX (STORE_RINGS_MAX * RING_COMMANDS)

/* A peer asked in this round. */
struct asked {
	struct resolver *resolver;
	struct netaddr at;
	struct handshake *handshake; /* NULL once it answered */
	struct head head;
	bool is_wanted; /* its head wins over ours */
};

struct held {
	struct buf bytes; /* empty: free */
	char from[RING_ADDRESS_SIZE];
	uint64_t retry_at_ms; /* wall clock */
};

struct resolver {
	struct child *child;
	struct store *store;
	struct netaddr from_space;
	const struct netaddr *from;
	struct loop_timer *next;  /* round */
	struct loop_timer *retry; /* held blocks */
	bool in_round;
	bool wants_round;    /* asked for while one was under way */
	bool replaced;	     /* in this round */
	uint32_t peers_seen; /* how many were up when last woken */
	struct asked asked[PEER_TABLE_MAX];
	uint32_t asked_count, answers_due;
	struct fetch *fetch;
	struct netaddr fetch_from;
	uint64_t push_fetch_after_ms; /* monotonic: pushes do not start a fetch before */
	struct branch branch;
	struct bad_blocks bad;
	struct held held[HELD_MAX];
	struct pushed_block pushed;
	struct command_handle waiting[WAITING_MAX]; /* consensus commands that this round answers */
	uint32_t waiting_count;
};

static void start_round(void *ctx);
static void next_fetch(struct resolver *r);

static void
address_text(char out[NETADDR_TEXT_SIZE], const struct netaddr *a)
{
	netaddr_format(out, a);
}

/* The chain moved from old to the present tip: tell everybody. */
static void
announce(struct resolver *r, struct blockref old, const char *from)
{
	struct store *s = r->store;
	struct blockref tip = chain_tip(s), fork = chain_fork(s, old, tip);
	uint64_t gone = chain_height(s, old) - chain_height(s, fork),
		 came = chain_height(s, tip) - chain_height(s, fork);

	r->replaced = true;
	role_count(s, COUNT_BLOCKS, came);
	if (gone > 0) {
		role_count(s, COUNT_REORGS, 1);
		log_info("resolver: adopted %" PRIu64 " blocks from %s in place of %" PRIu64 ", fork at height %" PRIu64
			 ", height %" PRIu64 " -> %" PRIu64,
			 came, from, gone, chain_height(s, fork), chain_height(s, old), chain_height(s, tip));
	} else {
		log_info("resolver: adopted %" PRIu64 " block%s from %s, height %" PRIu64 " -> %" PRIu64, came,
			 came == 1 ? "" : "s", from, chain_height(s, old), chain_height(s, tip));
	}
	bell_ring_tip(&r->child->env->bells);
}

static void
pause_peer(struct resolver *r, const char *address, const char *what)
{
	uint64_t ms = peer_pause_set(r->store, address, what, clock_wall_ms());

	log_warn("resolver: %s is left alone for %" PRIu64 " s: %s", address, ms / 1000, what);
}

static bool
head_wins(const struct resolver *r, const struct head *head)
{
	struct head ours;

	chain_head(r->store, chain_tip(r->store), &ours);
	return head_is_better(head, &ours);
}

static bool
is_too_deep(const struct resolver *r, struct blockref from)
{
	uint64_t max = r->child->env->config->resolver.max_reorg_depth;
	struct blockref tip = chain_tip(r->store), fork = chain_fork(r->store, tip, from);

	return max != 0 && chain_height(r->store, tip) - chain_height(r->store, fork) > max;
}

/* Remembered only if the bytes are really that block's: a body with a wrong merkle root says nothing about the block.
 */
static void
remember_bad(struct resolver *r, const struct block *b, enum rule rule)
{
	if (rule != RULE_WRONG_MERKLE_ROOT && rule != RULE_BLOCK_MALFORMED)
		bad_blocks_add(&r->bad, &b->hash);
}

/* Callbacks of a fetch. */

static size_t
locator(void *ctx, struct hash256 *out)
{
	const struct resolver *r = ctx;
	struct blockref tip = chain_tip(r->store);
	uint64_t height = chain_height(r->store, tip), step = 1;
	size_t count = 0;

	/* The last ten one by one, then in doubling steps, so that a fork at any depth costs few hashes. */
	for (;; height -= step) {
		out[count++] = *chain_hash(r->store, chain_at(r->store, tip, height));
		if (height == 0 || count == LOCATOR_MAX - 1)
			break;
		if (count >= 10)
			step *= 2;
		if (step > height)
			step = height;
	}
	if (height != 0)
		out[count++] = *store_genesis(r->store);
	return count;
}

static bool
known(void *ctx, const struct hash256 *hash, struct header_state *out)
{
	const struct resolver *r = ctx;
	struct blockref ref = chain_find_any(r->store, hash);

	if (ref.v == 0)
		return false;
	chain_header_state(r->store, ref, out);
	return true;
}

static bool
is_bad(void *ctx, const struct hash256 *hash)
{
	return bad_blocks_has(&((const struct resolver *)ctx)->bad, hash);
}

static bool
wins(void *ctx, const struct head *head)
{
	return head_wins(ctx, head);
}

static uint64_t
now_ms(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

static enum rule
begin_bodies(void *ctx, const struct hash256 *ancestor)
{
	struct resolver *r = ctx;
	struct blockref from = chain_find_any(r->store, ancestor);

	if (is_too_deep(r, from))
		return RULE_REORG_TOO_DEEP;
	/* If it fails, so does the first body, and the fetch stops. */
	if (branch_begin(&r->branch, from) != OK)
		log_debug("resolver: the chain moved while a branch was begun");
	return RULE_OK;
}

static bool
take_body(void *ctx, const struct block *b, struct verdict *v)
{
	struct resolver *r = ctx;
	enum err e;

	*v = verdict_ok();
	if (r->branch.ledger == NULL)
		return false;
	e = branch_add(&r->branch, b, false, v);
	if (e == OK && v->rule != RULE_OK) {
		remember_bad(r, b, v->rule);
		return false;
	}
	if (e != OK && e != ERR_STALE)
		log_error("resolver: block %" PRIu64 " cannot be kept: %s", b->header.height, err_text(e));
	return e == OK;
}

static bool
flush(void *ctx)
{
	struct resolver *r = ctx;
	struct blockref none = {0}, old;
	char from[NETADDR_TEXT_SIZE];
	enum err e;

	if (r->branch.ledger == NULL)
		return false;
	e = branch_commit(&r->branch, none, &old);
	if (e != OK)
		log_debug("resolver: a branch could not be committed: %s", err_text(e));
	if (e == OK && old.v != 0) {
		address_text(from, &r->fetch_from);
		announce(r, old, from);
		/* The next batch starts from here with an empty overlay: memory stays flat however long the chain. */
		e = branch_begin(&r->branch, r->branch.at);
	}
	return e == OK;
}

static void
progress(void *ctx, uint64_t height, uint64_t target)
{
	struct resolver *r = ctx;

	role_set(r->store, COUNT_SYNC_HEIGHT, height);
	role_set(r->store, COUNT_SYNC_TARGET, target);
	role_beat(r->store, clock_mono_ms());
}

static void
fetched(void *ctx, const struct fetch_result *result)
{
	struct resolver *r = ctx;
	char from[NETADDR_TEXT_SIZE], hash[HASH_HEX_SIZE];

	address_text(from, &r->fetch_from);
	branch_end(&r->branch);
	progress(r, 0, 0);
	switch (result->end) {
	case FETCH_BROKE_RULE:
		hash_hex(hash, &result->hash);
		log_warn("resolver: %s: block %" PRIu64 " %.16s breaks rule %s (%s)", from, result->height, hash,
			 rule_name(result->rule), rule_text(result->rule));
		pause_peer(r, from, rule_name(result->rule));
		break;
	case FETCH_MISBEHAVED:
		log_warn("resolver: %s: %s", from, result->reason);
		pause_peer(r, from, "protocol");
		break;
	case FETCH_FAILED:
		log_debug("resolver: %s: %s", from, result->reason);
		break;
	case FETCH_DONE:
	case FETCH_STOPPED:
		break;
	}
	if (result->bodies == 0)
		r->push_fetch_after_ms = clock_mono_ms() + PUSH_PAUSE_MS;
	fetch_free(r->fetch);
	r->fetch = NULL;
	next_fetch(r);
}

static void
start_fetch(struct resolver *r, const struct netaddr *peer)
{
	static const struct fetch_callbacks callbacks = {locator,      known,	  is_bad, wins,	    now_ms,
							 begin_bodies, take_body, flush,  progress, fetched};

	r->fetch_from = *peer;
	r->fetch = fetch_start(r->child->loop, peer, r->from, store_params(r->store), &callbacks, r);
}

/* Rounds. */

static bool
is_paused(const struct resolver *r, const struct netaddr *at)
{
	char text[NETADDR_TEXT_SIZE];
	struct peer_pause pause;

	address_text(text, at);
	return peer_pause_find(r->store, text, clock_wall_ms(), &pause);
}

static void
end_round(struct resolver *r)
{
	r->in_round = false;
	role_count(r->store, COUNT_ROUNDS, 1);
	for (uint32_t i = 0; i < r->waiting_count; i++) {
		command_finish(r->store, r->waiting[i], OK, r->replaced);
		bell_ring_worker(&r->child->env->bells, r->waiting[i].ring);
	}
	r->waiting_count = 0;
	loop_timer_arm(r->next, r->wants_round ? 0 : r->child->env->config->resolver.interval_ms);
	r->wants_round = false;
}

/* The best of the heads still wanted, or the end of the round. */
static void
next_fetch(struct resolver *r)
{
	struct asked *best = NULL;

	if (r->answers_due > 0)
		return;
	for (uint32_t i = 0; i < r->asked_count; i++) {
		struct asked *a = &r->asked[i];
		if (a->is_wanted && (!head_wins(r, &a->head) || is_paused(r, &a->at)))
			a->is_wanted = false;
		if (a->is_wanted && (best == NULL || head_is_better(&a->head, &best->head)))
			best = a;
	}
	if (best != NULL) {
		best->is_wanted = false;
		start_fetch(r, &best->at);
	} else if (r->in_round) {
		end_round(r);
	}
}

static void
shook(void *ctx, const struct netaddr *to, const struct handshake_result *result)
{
	struct asked *a = ctx;
	struct resolver *r = a->resolver;

	(void)to;
	a->handshake = NULL;
	r->answers_due--;
	if (result->outcome == HANDSHAKE_UP) {
		a->head = result->hello.head;
		/* What the head claims is only a reason to ask: the headers prove it or not. */
		a->is_wanted = head_wins(r, &a->head) && !bad_blocks_has(&r->bad, &a->head.hash);
	}
	if (r->fetch == NULL)
		next_fetch(r);
}

static void
start_round(void *ctx)
{
	struct resolver *r = ctx;
	struct peer_entry e;
	struct hello ours;

	if (r->in_round || r->fetch != NULL) {
		r->wants_round = true;
		loop_timer_arm(r->next, 1000);
		return;
	}
	r->in_round = true;
	r->replaced = false;
	r->asked_count = 0;
	child_hello(r->child, &ours);
	ours.port = 0; /* discovery has introduced us already */
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		struct asked *a = &r->asked[r->asked_count];
		if (!peer_table_get(r->store, i, &e) || e.state != PEER_UP || netaddr_parse(&a->at, e.address) != OK ||
		    is_paused(r, &a->at))
			continue;
		a->resolver = r;
		a->is_wanted = false;
		a->handshake = handshake_start(r->child->loop, &a->at, r->from, &ours, HANDSHAKE_TIMEOUT_MS, shook, a);
		r->asked_count++;
		r->answers_due++;
	}
	next_fetch(r);
}

/* Pushed blocks. */

static void
hold(struct resolver *r, const struct pushed_block *p, const struct header *h)
{
	struct held *place = &r->held[0];

	for (int i = 0; i < HELD_MAX; i++) {
		if (r->held[i].bytes.len == p->size && memcmp(r->held[i].bytes.data, p->bytes, p->size) == 0)
			return;
		if (r->held[i].bytes.len == 0)
			place = &r->held[i];
	}
	buf_reset(&place->bytes);
	buf_append(&place->bytes, p->bytes, p->size);
	text_copy(place->from, sizeof(place->from), p->from);
	place->retry_at_ms = h->time_ms - TIME_AHEAD_MS;
	log_debug("resolver: block %" PRIu64 " from %s is ahead of the clock: held", h->height, p->from);
	loop_timer_arm(r->retry, 1000);
}

/* The pusher has something that does not fit: ask it for the rest, if it is a peer of ours. */
static void
fetch_from_pusher(struct resolver *r, const char *from)
{
	struct peer_entry e;
	struct netaddr at;

	if (netaddr_parse(&at, from) != OK || !peer_table_find(r->store, from, &e) || e.state != PEER_UP ||
	    is_paused(r, &at))
		return;
	if (r->in_round || r->fetch != NULL || clock_mono_ms() < r->push_fetch_after_ms) {
		if (!r->in_round)
			loop_timer_arm(r->next, PUSH_PAUSE_MS);
		r->wants_round = true;
		return;
	}
	r->asked_count = 0;
	start_fetch(r, &at);
}

static void
judge_pushed(struct resolver *r, const struct pushed_block *p, const struct block *b, struct blockref parent)
{
	struct blockref none = {0}, old;
	struct branch branch;
	struct verdict v = verdict_ok();
	enum err e;

	branch_init(&branch, r->store);
	e = branch_begin(&branch, parent);
	if (e == OK)
		e = branch_add(&branch, b, false, &v);
	if (e == OK && v.rule == RULE_OK)
		e = branch_commit(&branch, none, &old);
	branch_end(&branch);
	if (v.rule != RULE_OK) {
		log_warn("resolver: %s pushed block %" PRIu64 ", which breaks rule %s (%s)", p->from, b->header.height,
			 rule_name(v.rule), rule_text(v.rule));
		remember_bad(r, b, v.rule);
	} else if (e != OK) {
		log_debug("resolver: pushed block %" PRIu64 ": %s", b->header.height, err_text(e));
	} else if (old.v != 0) {
		announce(r, old, p->from);
	}
}

static void
take_pushed(struct resolver *r, const struct pushed_block *p)
{
	struct header_state state;
	struct blockref parent;
	struct hash256 hash;
	struct header h;
	struct block b;
	enum rule rule;

	if (p->size < HEADER_SIZE)
		return;
	header_decode(&h, p->bytes);
	hash = header_hash_bytes(p->bytes);
	if (chain_find_any(r->store, &hash).v != 0 || bad_blocks_has(&r->bad, &hash) ||
	    bad_blocks_has(&r->bad, &h.previous))
		return;
	parent = chain_find_any(r->store, &h.previous);
	if (parent.v == 0) {
		fetch_from_pusher(r, p->from);
		return;
	}
	chain_header_state(r->store, parent, &state);
	rule = header_check(&state, &h, &hash, store_params(r->store));
	if (rule != RULE_OK) {
		log_warn("resolver: %s pushed block %" PRIu64 ", which breaks rule %s (%s)", p->from, h.height,
			 rule_name(rule), rule_text(rule));
		return;
	}
	if (header_check_clock(&h, clock_wall_ms()) != RULE_OK) {
		hold(r, p, &h);
		return;
	}
	header_state_advance(&state, &h, &hash);
	if (!head_wins(r, &(struct head){hash, state.work, h.height}))
		return;
	if (is_too_deep(r, parent)) {
		log_warn("resolver: %s pushed block %" PRIu64 ", which breaks rule %s (%s)", p->from, h.height,
			 rule_name(RULE_REORG_TOO_DEEP), rule_text(RULE_REORG_TOO_DEEP));
		return;
	}
	if (p->size == HEADER_SIZE)
		fetch_from_pusher(r, p->from); /* too large for a push: its header alone came */
	else if (block_parse(&b, p->bytes, p->size) == RULE_OK)
		judge_pushed(r, p, &b, parent);
}

static void
retry_held(void *ctx)
{
	struct resolver *r = ctx;
	uint64_t now = clock_wall_ms();
	bool has_more = false;

	for (int i = 0; i < HELD_MAX; i++) {
		struct held *held = &r->held[i];
		if (held->bytes.len == 0)
			continue;
		if (now < held->retry_at_ms) {
			has_more = true;
			continue;
		}
		r->pushed.size = (uint32_t)held->bytes.len;
		memcpy(r->pushed.bytes, held->bytes.data, held->bytes.len);
		text_copy(r->pushed.from, sizeof(r->pushed.from), held->from);
		buf_reset(&held->bytes);
		take_pushed(r, &r->pushed);
	}
	if (has_more)
		loop_timer_arm(r->retry, 1000);
}

static void
rang(void *ctx)
{
	struct resolver *r = ctx;
	struct command_handle h;
	struct command c;
	bool wants = false;
	uint32_t up;

	while (ring_take_block(r->store, &r->pushed))
		take_pushed(r, &r->pushed);
	while (r->waiting_count < WAITING_MAX && command_next(r->store, COMMANDS, &h, &c)) {
		r->waiting[r->waiting_count++] = h;
		wants = true;
	}
	/* Discovery rings for a new peer, workers for PUT /consensus: both want a round soon. */
	up = peer_table_count(r->store, PEER_UP);
	wants = wants || up > r->peers_seen;
	r->peers_seen = up;
	if (wants) {
		if (r->in_round)
			r->wants_round = true;
		else
			loop_timer_arm(r->next, 0);
	}
}

int
role_resolver(struct child *c)
{
	static struct resolver r;
	int code;

	r.child = c;
	r.store = c->env->store;
	r.from = child_from(c, &r.from_space);
	r.next = loop_timer_new(c->loop, start_round, &r);
	r.retry = loop_timer_new(c->loop, retry_held, &r);
	branch_init(&r.branch, r.store);
	command_recover(r.store, COMMANDS);
	child_on_bell(c, c->env->bells.role[BELL_RESOLVER], rang, &r);
	start_round(&r);
	rang(&r);
	code = child_run(c);
	fetch_free(r.fetch);
	for (uint32_t i = 0; i < r.asked_count; i++)
		handshake_cancel(r.asked[i].handshake);
	for (int i = 0; i < HELD_MAX; i++)
		buf_clear(&r.held[i].bytes);
	branch_end(&r.branch);
	return code;
}
