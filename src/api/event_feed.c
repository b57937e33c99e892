/*
 * Four sources take turns, each with what it has at the time: the chain, the pool's newcomers, what the pool dropped, the
 * peers. What must stay true of the order:
 *
 * - The place that an event carries is the one after it: who comes back with it is told everything that follows and
 *   nothing twice. Only the transfers of a block carry the place before it, since they are told before the block itself:
 *   a listener that leaves between them is told all of them again.
 * - Chain: from the last block told to the tip. If that block is no longer on the chain, the reorganisation comes first,
 *   its place being the fork, then the blocks from there on.
 * - A transfer is "pending" or "waiting" when it comes into the pool, "confirmed" when a block brings it, "conflicted"
 *   when the pool drops it. Rolled back, it comes into the pool once more. The pool may still hold what a block has
 *   brought; such news is old and not told. But only of the chain's tip can that be said: where the listener stands the
 *   transfer may be on a chain that was left, so the chain has its turn first then.
 * - After a restart of the node its pool is numbered anew, and peers never were numbered: for both the wall clock decides.
 *   What is nearly as old as the listener's place is told again rather than missed.
 */
#include "event_feed.h"

#include <string.h>

#include "store/mempool.h"
#include "wire/json.h"

#define QUIET_STEPS 1000 /* without an event; then the client learns how far it is, and others have their turn */
#define CLOCK_SLACK_MS 5000

static const char *const kind_names[EVENT_KINDS] = {
    [EVENT_BLOCK] = "block",
    [EVENT_TRANSACTION] = "transaction",
    [EVENT_REORGANISATION] = "reorganisation",
    [EVENT_PEER] = "peer",
};

const char *
event_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

static bool
is_wanted(const struct event_feed *f, enum event_kind kind)
{
	return (f->wanted & 1u << kind) != 0;
}

/* Tells one life of the segment from another, and nothing of the seed. */
static uint32_t
life_of(const struct store *s)
{
	static const char what[] = "events";

	return (uint32_t)siphash(store_seed(s), what, sizeof(what) - 1);
}

static bool
is_news(uint64_t since_ms, uint64_t from_ms)
{
	return since_ms + CLOCK_SLACK_MS >= from_ms;
}

void
event_feed_start(struct event_feed *f, const struct store *s, const struct event_peers *peers, unsigned wanted)
{
	memset(f, 0, sizeof(*f));
	f->store = s;
	f->peers = peers;
	f->wanted = wanted;
	f->at = chain_tip(s);
	f->arrival_to = mempool_last_arrival(s);
	f->arrival = f->arrival_to + 1;
	f->gone = mempool_gone_count(s);
	f->peer_change = peers->changes;
	f->peer_slot = PEER_TABLE_MAX;
	f->told_ms = peers->looked_ms;
}

bool
event_feed_resume(struct event_feed *f, const struct event_cursor *from)
{
	struct blockref at = chain_find_any(f->store, &from->head);
	bool is_same_life = from->life == life_of(f->store);

	if (!from->is_head_only && is_same_life && (from->arrival > f->arrival || from->gone > f->gone))
		return false;
	f->is_reset = at.v == 0;
	f->lost = from->head;
	if (at.v != 0)
		f->at = at;
	if (from->is_head_only)
		return true;
	if (is_same_life) {
		f->arrival = from->arrival;
		f->gone = from->gone;
	} else {
		f->arrival = 0;
		f->pool_from_ms = from->time_ms;
	}
	f->peer_slot = 0;
	f->told_ms = f->peers_from_ms = from->time_ms;
	return true;
}

static void
write_place(const struct event_feed *f, struct buf *out)
{
	struct event_cursor c = {.head = *chain_hash(f->store, f->at),
				 .life = life_of(f->store),
				 .arrival = f->arrival,
				 .gone = f->gone,
				 .time_ms = f->told_ms};

	buf_puts(out, "id: ");
	event_cursor_write(out, &c);
	buf_puts(out, "\n");
}

void
event_feed_place(const struct event_feed *f, struct buf *out)
{
	write_place(f, out);
	buf_puts(out, "\n");
}

/* Is all told that was there when the peers were last looked at? The chain needs no clock. */
static bool
is_at_end(const struct event_feed *f)
{
	return f->arrival > mempool_last_arrival(f->store) && f->peer_slot == PEER_TABLE_MAX &&
	       f->peer_change == f->peers->changes;
}

/* An event up to its data, which the caller writes and ends. The feed stands behind it already. */
static struct jout
event_begin(struct event_feed *f, struct buf *out, const char *name)
{
	struct jout j;

	if (f->told_ms < f->peers->looked_ms && is_at_end(f))
		f->told_ms = f->peers->looked_ms;
	buf_printf(out, "event: %s\n", name);
	write_place(f, out);
	buf_puts(out, "data: ");
	j = jout_to(out);
	jout_object(&j);
	return j;
}

static void
event_end(struct jout *j)
{
	jout_object_end(j);
	buf_puts(j->out, "\n\n");
}

static void
write_block(struct jout *j, const struct event_feed *f, struct blockref ref)
{
	jout_ku64(j, "height", chain_height(f->store, ref));
	jout_khex(j, "hash", chain_hash(f->store, ref)->b, HASH_SIZE);
}

static void
write_block_member(struct jout *j, const struct event_feed *f, const char *key, struct blockref ref)
{
	jout_key(j, key);
	jout_object(j);
	write_block(j, f, ref);
	jout_object_end(j);
}

static struct jout
transaction_begin(struct event_feed *f, struct buf *out, const struct hash256 *id, const char *status)
{
	struct jout j = event_begin(f, out, kind_names[EVENT_TRANSACTION]);

	jout_khex(&j, "id", id->b, HASH_SIZE);
	jout_kstring(&j, "status", status);
	return j;
}

static void
tell_reset(struct event_feed *f, struct buf *out)
{
	struct jout j;

	f->is_reset = false;
	j = event_begin(f, out, "reset");
	jout_khex(&j, "unknown", f->lost.b, HASH_SIZE);
	write_block(&j, f, f->at);
	event_end(&j);
}

/* Each of these appends an event and returns true, or has none left. */
typedef bool teller(struct event_feed *f, struct buf *out);

/* Is the news that a transfer is not on the chain old, or (is_early) is the chain to be told first? */
static bool
is_on_chain(const struct event_feed *f, const struct hash256 *id, bool *is_early)
{
	struct tx_place place;
	bool is_there = chain_find_tx(f->store, f->at, id, &place);

	*is_early = is_there && !blockref_equal(f->at, chain_tip(f->store));
	return is_there;
}

static bool
tell_pool(struct event_feed *f, struct buf *out)
{
	struct pool_entry e;
	bool is_early;

	if (!is_wanted(f, EVENT_TRANSACTION))
		f->arrival = f->arrival_to + 1;
	for (unsigned quiet = 0; f->arrival <= f->arrival_to && mempool_next(f->store, &f->arrival, &e); quiet++) {
		if (quiet == QUIET_STEPS) {
			f->arrival = e.arrival;
			event_feed_place(f, out);
			return true;
		}
		if (!is_news(e.received_ms, f->pool_from_ms))
			continue;
		if (is_on_chain(f, &e.id, &is_early)) {
			if (!is_early)
				continue;
			f->arrival = e.arrival;
			return false;
		}
		struct jout j = transaction_begin(f, out, &e.id, e.is_waiting ? "waiting" : "pending");
		event_end(&j);
		return true;
	}
	return false;
}

static bool
tell_gone(struct event_feed *f, struct buf *out)
{
	struct pool_gone gone;
	struct hash256 id;
	struct pool_entry e;
	bool is_early;

	if (!is_wanted(f, EVENT_TRANSACTION))
		f->gone = mempool_gone_count(f->store);
	while (mempool_next_gone(f->store, &f->gone, &id, &gone)) {
		if (mempool_find(f->store, &id, &e))
			continue; /* it came back */
		if (is_on_chain(f, &id, &is_early)) {
			if (!is_early)
				continue;
			f->gone--;
			return false;
		}
		struct jout j = transaction_begin(f, out, &id, "conflicted");
		jout_kstring(&j, "reason", rule_name(gone.rule));
		event_end(&j);
		return true;
	}
	return false;
}

/* The chain has left the last block told: back to where it did. False: that is not to be told. */
static bool
tell_reorganisation(struct event_feed *f, struct buf *out, struct blockref tip)
{
	struct blockref old = f->at;

	f->at = chain_fork(f->store, old, tip);
	if (!is_wanted(f, EVENT_REORGANISATION))
		return false;
	struct jout j = event_begin(f, out, kind_names[EVENT_REORGANISATION]);
	jout_ku64(&j, "depth", chain_height(f->store, old) - chain_height(f->store, f->at));
	write_block_member(&j, f, "fork", f->at);
	write_block_member(&j, f, "old", old);
	write_block_member(&j, f, "new", tip);
	event_end(&j);
	return true;
}

static void
enter_block(struct event_feed *f, struct blockref ref)
{
	struct block b;

	chain_block(f->store, ref, &b);
	f->inside = ref;
	f->txs = block_txs(&b);
}

/* The next transfer of the block in hand. Rewards are not told: they wait nowhere, and come with every block. */
static bool
tell_confirmed(struct event_feed *f, struct buf *out)
{
	enum rule rule;
	struct tx tx;

	if (!is_wanted(f, EVENT_TRANSACTION))
		return false;
	while (block_next(&f->txs, &tx, &rule)) {
		if (rule != RULE_OK || tx.version != TX_TRANSFER)
			continue;
		struct hash256 id = tx_id(&tx);
		struct jout j = transaction_begin(f, out, &id, "confirmed");
		jout_ku64(&j, "height", chain_height(f->store, f->inside));
		jout_khex(&j, "block", chain_hash(f->store, f->inside)->b, HASH_SIZE);
		event_end(&j);
		return true;
	}
	return false;
}

static bool
tell_block(struct event_feed *f, struct buf *out)
{
	f->at = f->inside;
	f->inside = (struct blockref){0};
	if (!is_wanted(f, EVENT_BLOCK))
		return false;
	struct jout j = event_begin(f, out, kind_names[EVENT_BLOCK]);
	write_block(&j, f, f->at);
	event_end(&j);
	return true;
}

static bool
tell_chain(struct event_feed *f, struct buf *out)
{
	struct blockref tip = chain_tip(f->store);

	for (unsigned quiet = 0; f->inside.v != 0 || !blockref_equal(f->at, tip); quiet++) {
		if (quiet == QUIET_STEPS) {
			event_feed_place(f, out);
			return true;
		}
		if (f->inside.v != 0) {
			if (tell_confirmed(f, out) || tell_block(f, out))
				return true;
		} else if (!chain_contains(f->store, tip, f->at)) {
			if (tell_reorganisation(f, out, tip))
				return true;
		} else {
			enter_block(f, chain_at(f->store, tip, chain_height(f->store, f->at) + 1));
		}
	}
	return false;
}

static void
write_peer(struct event_feed *f, struct buf *out, const struct event_peer *p)
{
	struct jout j = event_begin(f, out, kind_names[EVENT_PEER]);

	jout_kstring(&j, "address", p->address);
	jout_kstring(&j, "state", p->state);
	jout_kstring(&j, "reason", p->reason);
	jout_kstring(&j, "node", p->node);
	event_end(&j);
}

/* What changed while nobody listened comes first; when a pause began is not known, so it counts as new. */
static bool
tell_peers(struct event_feed *f, struct buf *out)
{
	const struct event_peer *p;

	if (!is_wanted(f, EVENT_PEER)) {
		f->peer_slot = PEER_TABLE_MAX;
		f->peer_change = f->peers->changes;
		return false;
	}
	while (f->peer_slot < PEER_TABLE_MAX) {
		p = &f->peers->peers[f->peer_slot++];
		if (p->change != 0 && p->change <= f->peer_change &&
		    (p->is_paused || is_news(p->since_ms, f->peers_from_ms))) {
			write_peer(f, out, p);
			return true;
		}
	}
	p = event_peers_next(f->peers, f->peer_change);
	if (p == NULL)
		return false;
	f->peer_change = p->change;
	write_peer(f, out, p);
	return true;
}

bool
event_feed_next(struct event_feed *f, struct buf *out)
{
	static teller *const tellers[] = {tell_chain, tell_pool, tell_gone, tell_peers};

	if (f->is_reset) {
		tell_reset(f, out);
		return true;
	}
	/* One more than there are: the first may have been in the middle of its turn. */
	for (size_t i = 0; i <= ARRAY_LEN(tellers); i++) {
		if (tellers[f->turn](f, out))
			return true;
		f->turn = (f->turn + 1) % ARRAY_LEN(tellers);
		if (tellers[f->turn] == tell_pool)
			f->arrival_to = mempool_last_arrival(f->store);
	}
	f->turn = 0;
	return false;
}
