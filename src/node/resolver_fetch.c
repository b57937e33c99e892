/*
 * Taking a better chain from one peer: what peer/fetch.c asks its caller. Bodies are judged as a branch, and each batch
 * that makes it win is committed, so that what was fetched stays if the peer goes away. A long fetch says how far it is
 * every ten seconds, and once at its end.
 */
#include <inttypes.h>

#include "resolver.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"

#define PUSH_PAUSE_MS 200 /* between fetches that pushes alone ask for, when they brought nothing */
#define NEWS_MS 10000
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
	if (r->news_from.v == 0) {
		r->news_from = old;
		r->news_ms = clock_mono_ms();
	} else if (clock_mono_ms() - r->news_ms >= NEWS_MS) {
		say_news(r);
	}
	/* The next batch starts from here with an empty overlay: memory stays flat however long the chain. */
	return branch_begin(&r->branch, r->branch.at) == OK;
}

static void
progress(void *ctx, uint64_t height, uint64_t target)
{
	struct resolver *r = ctx;

	role_set(r->store, COUNT_SYNC_HEIGHT, height);
	role_set(r->store, COUNT_SYNC_TARGET, target);
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
note_failed(struct resolver *r, bool has_failed)
{
	for (uint32_t i = 0; i < FAILED_MAX && i < r->failed_count; i++)
		if (netaddr_equal(&r->failed[i], &r->fetch_from)) {
			if (!has_failed)
				r->failed[i] = (struct netaddr){0};
			return;
		}
	if (has_failed)
		r->failed[r->failed_count++ % FAILED_MAX] = r->fetch_from;
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
	note_failed(r, true);
	/* It may be no more than slow: in a round it has its turn after the others, with all the time it needs. */
	if (!r->in_round)
		resolver_want_round(r, 0);
	end_fetch(r);
}

static void
fetched(void *ctx, const struct fetch_result *result)
{
	struct resolver *r = ctx;
	char from[NETADDR_TEXT_SIZE], hash[HASH_HEX_SIZE];

	netaddr_format(from, &r->fetch_from);
	branch_end(&r->branch);
	say_news(r);
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
		if (!has_kept_word(r, result)) {
			log_warn("resolver: %s: it has less work than it says", from);
			pause_peer(r, from, "protocol");
		}
		break;
	case FETCH_STOPPED:
		break;
	}
	if (result->is_early)
		say_early(r, from);
	note_failed(r, result->end == FETCH_FAILED);
	if (result->bodies == 0)
		r->push_fetch_after_ms = clock_mono_ms() + PUSH_PAUSE_MS;
	end_fetch(r);
}

void
resolver_fetch(struct resolver *r, const struct netaddr *peer, const struct u256 *promised)
{
	static const struct fetch_callbacks callbacks = {
	    locator, known, is_bad, wins, now_ms, begin_bodies, resolver_foresee, take_body, flush, progress, fetched};

	r->fetch_from = *peer;
	r->promised = promised != NULL ? *promised : u256_of(0);
	r->fetch = fetch_start(r->child->loop, peer, r->from, store_params(r->store), &callbacks, r);
	loop_timer_arm(r->patience, PATIENCE_MS);
}
