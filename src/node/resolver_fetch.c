/*
 * Taking a better chain from peers: what peer/fetch.c asks its caller. Bodies are judged as a branch, and each group
 * that makes it win is committed, so that what was fetched stays if the peers go away.
 */
#include <inttypes.h>
#include <stdio.h>

#include "resolver.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"

#define PUSH_PAUSE_MS 200 /* between fetches that pushes alone ask for, when they brought nothing */
#define PATIENCE_MS 2000
#define EARLY_NEWS_MS 3600000

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
	return resolver_wins(ctx, head);
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

	loop_timer_disarm(r->patience);
	if (resolver_is_too_deep(r, from))
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
	/* A body may take a while to judge, and there are many in a batch. */
	role_beat(r->store, clock_mono_ms());
	resolver_judges(r, b->header.height);
	e = branch_add(&r->branch, b, false, v);
	if (e == OK && v->rule != RULE_OK) {
		resolver_remember_bad(r, b);
		return false;
	}
	if (e != OK && e != ERR_STALE)
		resolver_say_trouble(r, e, b->header.height);
	return e == OK;
}

static void
say_news(struct resolver *r)
{
	char from[NETADDR_TEXT_SIZE];

	if (r->news_from.v == 0)
		return;
	netaddr_format(from, &r->fetch_from);
	resolver_say_adopted(r, r->news_from, from);
	r->news_from.v = 0;
}

static bool
flush(void *ctx)
{
	struct resolver *r = ctx;
	struct blockref none = {0}, old;
	enum err e;

	if (r->branch.ledger == NULL)
		return false;
	e = branch_commit(&r->branch, none, &old);
	if (e == ERR_STALE || e == ERR_TIMEOUT)
		log_debug("resolver: a branch could not be committed: %s", err_text(e));
	else
		resolver_say_trouble(r, e, chain_height(r->store, r->branch.at));
	if (e != OK || old.v == 0)
		return e == OK;
	resolver_adopted(r, old);
	if (r->news_from.v == 0)
		r->news_from = old;
	/* The next batch starts from here with an empty overlay: memory stays flat however long the chain. */
	return branch_begin(&r->branch, r->branch.at) == OK;
}

static void
progress(void *ctx, uint64_t height, uint64_t target)
{
	struct resolver *r = ctx;

	if (r->fetch != NULL)
		r->progress.peers = fetch_peer_count(r->fetch);
	progress_at(r, height, target);
}

static void
pause_peer(struct resolver *r, const char *address, const char *what)
{
	uint64_t ms = peer_pause_set(r->store, address, what, clock_wall_ms());

	log_warn("resolver: %s is left alone for %" PRIu64 " s: %s", address, ms / 1000, what);
}

bool
resolver_has_failed(const struct resolver *r, const struct netaddr *at)
{
	for (uint32_t i = 0; i < FAILED_MAX && i < r->failed_count; i++)
		if (netaddr_equal(&r->failed[i], at))
			return true;
	return false;
}

static void
note_failed(struct resolver *r, const struct netaddr *at, bool has_failed)
{
	for (uint32_t i = 0; i < FAILED_MAX && i < r->failed_count; i++)
		if (netaddr_equal(&r->failed[i], at)) {
			if (!has_failed)
				r->failed[i] = (struct netaddr){0};
			return;
		}
	if (has_failed)
		r->failed[r->failed_count++ % FAILED_MAX] = *at;
}

bool
resolver_has_refused(const struct resolver *r, const struct hash256 *head)
{
	/* The limit may have been changed since. */
	if (r->refused_depth != r->child->env->config->resolver.max_reorg_depth)
		return false;
	for (uint32_t i = 0; i < REFUSED_MAX && i < r->refused_count; i++)
		if (hash_equal(&r->refused[i], head))
			return true;
	return false;
}

/* Deeper than max_reorg_depth: no offence, so it is no pause; people see why the two chains stay apart. */
static void
refuse(struct resolver *r, const char *from, const struct fetch_result *result)
{
	uint64_t max = r->child->env->config->resolver.max_reorg_depth;

	log_warn("resolver: the chain of %s, height %" PRIu64 ", is not taken: %s (%s)", from, result->height,
		 rule_name(result->rule), rule_text(result->rule));
	resolver_note(r, &r->fetch_from, rule_name(result->rule));
	if (r->refused_depth != max)
		r->refused_count = 0;
	r->refused_depth = max;
	if (!resolver_has_refused(r, &r->fetch_head))
		r->refused[r->refused_count++ % REFUSED_MAX] = r->fetch_head;
}

/* What one of the peers did. */
static void
fault(void *ctx, const struct netaddr *peer, const struct fetch_result *what)
{
	struct resolver *r = ctx;
	char from[NETADDR_TEXT_SIZE], hash[HASH_HEX_SIZE];

	netaddr_format(from, peer);
	switch (what->end) {
	case FETCH_BROKE_RULE:
		hash_hex(hash, &what->hash);
		log_warn("resolver: %s: block %" PRIu64 " %.16s breaks rule %s (%s)", from, what->height, hash,
			 rule_name(what->rule), rule_text(what->rule));
		pause_peer(r, from, rule_name(what->rule));
		break;
	case FETCH_MISBEHAVED:
		log_warn("resolver: %s: %s", from, what->reason);
		pause_peer(r, from, "protocol");
		break;
	case FETCH_FAILED:
		log_debug("resolver: %s: %s", from, what->reason);
		note_failed(r, peer, true);
		break;
	case FETCH_DONE:
	case FETCH_REFUSED:
	case FETCH_STOPPED:
		break;
	}
}

/* Whoever promises work and has it not would be asked first for ever. Nobody honest does: a chain's work only grows. */
static bool
has_kept_word(const struct resolver *r, const struct fetch_result *result)
{
	struct head ours;

	chain_head(r->store, chain_tip(r->store), &ours);
	return result->is_early || u256_compare(&ours.work, &r->promised) >= 0;
}

/* A clock that is wrong stays so for a while, and it may be ours. */
static void
say_early(struct resolver *r, const char *from)
{
	uint64_t now = clock_mono_ms();

	if (now < r->early_after_ms)
		return;
	r->early_after_ms = now + EARLY_NEWS_MS;
	log_warn(
	    "resolver: %s has blocks more than %d s ahead of our clock, which wait: one of the two clocks is wrong",
	    from, TIME_AHEAD_MS / 1000);
}

static void
end_fetch(struct resolver *r)
{
	loop_timer_disarm(r->patience);
	progress_end(r);
	fetch_free(r->fetch);
	r->fetch = NULL;
	resolver_go_on(r);
}

void
resolver_lose_patience(void *ctx)
{
	struct resolver *r = ctx;
	char from[NETADDR_TEXT_SIZE];

	/* Outside a round it was a push that made us ask, and rounds must not wait for pushes. */
	if (r->in_round && !r->wants_round && !resolver_has_other(r)) {
		loop_timer_arm(r->patience, PATIENCE_MS);
		return;
	}
	netaddr_format(from, &r->fetch_from);
	if (!resolver_has_failed(r, &r->fetch_from))
		log_warn("resolver: %s: it is slow with its headers, and others wait", from);
	note_failed(r, &r->fetch_from, true);
	/* It may be no more than slow: in a round it has its turn after the others, with all the time it needs. */
	if (!r->in_round)
		resolver_want_round(r, 0);
	end_fetch(r);
}

static void
fetched(void *ctx, const struct fetch_result *result)
{
	struct resolver *r = ctx;
	char from[NETADDR_TEXT_SIZE];

	netaddr_format(from, &r->fetch_from);
	(void)resolver_foresee(r, NULL);
	branch_end(&r->branch);
	say_news(r);
	if (result->end == FETCH_REFUSED)
		refuse(r, from, result);
	else
		resolver_note(r, &r->fetch_from, "");
	if (result->end == FETCH_DONE && !has_kept_word(r, result)) {
		log_warn("resolver: %s: it has less work than it says", from);
		pause_peer(r, from, "protocol");
	}
	if (result->is_early)
		say_early(r, from);
	if (result->end != FETCH_FAILED)
		note_failed(r, &r->fetch_from, false);
	if (result->bodies == 0)
		r->push_fetch_after_ms = clock_mono_ms() + PUSH_PAUSE_MS;
	end_fetch(r);
}

/* The others of this round whose chains win too: they may have the same blocks. Those that failed last are left out. */
static size_t
find_helpers(struct resolver *r, struct fetch_peer *peers, size_t count)
{
	for (uint32_t i = 0; r->in_round && i < r->asked_count && count < FETCH_PEERS_MAX; i++) {
		const struct asked *a = &r->asked[i];

		if (netaddr_equal(&a->at, &peers[0].at) || !resolver_wins(r, &a->head) ||
		    resolver_is_paused(r, &a->at) || resolver_has_failed(r, &a->at))
			continue;
		peers[count++] = (struct fetch_peer){a->at, a->head};
	}
	return count;
}

void
resolver_widen(struct resolver *r)
{
	struct peer_entry e;

	for (uint32_t i = 0; r->fetch != NULL && i < PEER_TABLE_MAX; i++) {
		struct fetch_peer peer;

		if (!peer_table_get(r->store, i, &e) || e.state != PEER_UP ||
		    netaddr_parse(&peer.at, e.address) != OK || !resolver_wins(r, &e.head) ||
		    resolver_is_paused(r, &peer.at) || resolver_has_failed(r, &peer.at))
			continue;
		peer.head = e.head;
		fetch_add_peer(r->fetch, &peer);
	}
}

void
resolver_fetch(struct resolver *r, const struct netaddr *peer, const struct head *head)
{
	static const struct fetch_callbacks callbacks = {
	    locator,	      known,	 is_bad, wins,	   now_ms, begin_bodies,
	    resolver_foresee, take_body, flush,	 progress, fault,  fetched};
	struct fetch_peer peers[FETCH_PEERS_MAX] = {{*peer, *head}};
	struct fetch_options options = {.peers = peers,
					.peer_count = find_helpers(r, peers, 1),
					.from = r->from,
					.params = store_params(r->store),
					.late_ms = FETCH_LATE_MS};
	char from[NETADDR_TEXT_SIZE];

	netaddr_format(from, peer);
	r->fetch_from = *peer;
	r->fetch_head = head->hash;
	/* What stands in the peer table is of another time. */
	r->promised = r->in_round ? head->work : u256_of(0);
	progress_begin(r, from, (unsigned)options.peer_count);
	r->fetch = fetch_start(r->child->loop, &options, &callbacks, r);
	loop_timer_arm(r->patience, PATIENCE_MS);
}
