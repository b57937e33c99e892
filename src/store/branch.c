#include "store/branch.h"

#include <stdlib.h>
#include <string.h>

#include "store/commit.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/role_table.h"
#include "util/mem.h"

#define LOCK_MS 10000
#define ROOM_TRIES \
	8 /* two committers may reserve the same bytes; whoever then hears that there is no room asks again */

void
branch_init(struct branch *b, struct store *s)
{
	memset(b, 0, sizeof(*b));
	b->store = s;
}

static bool
always(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
	return true;
}

/* The very same bytes are in our pool: a worker of ours has checked the signature. Or whoever owns the branch has. */
static bool
is_checked(void *ctx, const uint8_t *bytes, size_t len)
{
	const struct branch *b = ctx;
	struct reader r = reader_of(bytes, len);
	struct hash256 id;
	struct tx tx;

	if (b->is_verified != NULL && b->is_verified(b->is_verified_ctx, bytes, len))
		return true;
	if (tx_decode(&tx, &r) != RULE_OK)
		return false;
	id = tx_id(&tx);
	if (mempool_has_bytes(b->store, &id, bytes, len))
		return true;
	role_count(b->store, COUNT_SIGNATURES, 1);
	return false;
}

static struct verdict
judge(struct branch *b, const struct block *block, ledger_verified *is_verified, uint64_t *supply)
{
	struct payout matured;
	bool has_matured = chain_matured(b->store, b->at, &matured);
	uint64_t minted = 0, before = chain_supply(b->store, b->at);
	struct verdict v =
	    ledger_apply_block(b->ledger, block, before, has_matured ? &matured : NULL, is_verified, b, &minted);

	*supply = before + minted;
	return v;
}

static const struct ledger_change *
changes_of(struct branch *b, size_t *count)
{
	const struct ledger_change *changes = ledger_changes(b->ledger, count);

	if (*count > b->tag_room) {
		b->tag_room = *count * 2;
		b->tags = xrealloc(b->tags, b->tag_room * sizeof(*b->tags));
	}
	return changes;
}

/* Applies a recorded block again: it was judged before, and its account versions stand. */
static enum err
replay(struct branch *b, struct blockref ref)
{
	struct block block;
	uint64_t supply;
	size_t count;

	chain_block(b->store, ref, &block);
	if (judge(b, &block, always, &supply).rule != RULE_OK || b->base.failed != OK)
		return b->base.failed != OK ? b->base.failed : ERR_FORMAT;
	changes_of(b, &count);
	stage_tags(b->store, ref, b->tags, count);
	ledger_keep(b->ledger, b->tags);
	b->at = ref;
	return OK;
}

enum err
branch_begin(struct branch *b, struct blockref from)
{
	struct store *s = b->store;
	struct ledger_base base;
	enum err e = OK;

	branch_end(b);
	b->fork = b->at = chain_fork(s, chain_tip(s), from);
	b->base = (struct chain_base){s, b->fork, OK};
	base = chain_base_of(&b->base);
	b->ledger = ledger_new(store_params(s), store_genesis(s), &base);
	for (uint64_t h = chain_height(s, b->fork) + 1; h <= chain_height(s, from) && e == OK; h++)
		e = replay(b, chain_at(s, from, h));
	b->kept = b->at;
	if (e != OK)
		branch_end(b);
	return e;
}

void
branch_end(struct branch *b)
{
	ledger_verified *is_verified = b->is_verified;
	void *is_verified_ctx = b->is_verified_ctx;

	if (b->ledger != NULL && !blockref_equal(b->at, b->kept))
		stage_abandon(b->store, b->at, b->kept);
	ledger_free(b->ledger);
	free(b->tags);
	branch_init(b, b->store);
	b->is_verified = is_verified;
	b->is_verified_ctx = is_verified_ctx;
}

static enum err
stage(struct branch *b, const struct block *block, uint64_t supply)
{
	struct store *s = b->store;
	const struct ledger_change *changes;
	struct blockref ref;
	size_t count;
	enum err e;

	changes = changes_of(b, &count);
	e = ERR_NOSPC;
	for (int i = 0; i < ROOM_TRIES && e == ERR_NOSPC; i++) {
		if ((e = store_reserve(s, stage_cost(block, count))) != OK || (e = store_begin(s, LOCK_MS)) != OK)
			return e;
		e = stage_block(s, &ref, b->at, block, supply, changes, count, b->tags);
		store_end(s);
	}
	if (e == OK) {
		ledger_keep(b->ledger, b->tags);
		b->at = ref;
	}
	return e;
}

enum err
branch_add(struct branch *b, const struct block *block, bool is_trusted, struct verdict *v)
{
	uint64_t supply;
	enum err e;

	*v = judge(b, block, is_trusted ? always : is_checked, &supply);
	/* With accounts that could not be read no verdict counts, good or bad. */
	if (b->base.failed != OK) {
		ledger_drop(b->ledger);
		*v = verdict_ok();
		return b->base.failed;
	}
	if (v->rule != RULE_OK)
		return OK;
	if ((e = stage(b, block, supply)) != OK)
		ledger_drop(b->ledger);
	return e;
}

/* A branch too long for one frame of the journal is written there ahead of its commit, lock by lock. */
static enum err
stage_journal(struct branch *b)
{
	bool is_done = false;
	enum err e = OK;

	while (e == OK && !is_done) {
		if ((e = store_begin(b->store, LOCK_MS)) != OK)
			return e;
		e = store_stage_journal(b->store, b->at, &is_done);
		store_end(b->store);
	}
	return e;
}

static bool
wins(const struct branch *b)
{
	struct head ours, theirs;

	chain_head(b->store, chain_tip(b->store), &ours);
	chain_head(b->store, b->at, &theirs);
	return head_is_better(&theirs, &ours);
}

static enum err
commit(struct branch *b, struct blockref only_on, struct blockref *old)
{
	struct store *s = b->store;
	struct blockref tip;
	enum err e;

	if ((e = store_begin(s, LOCK_MS)) != OK)
		return e;
	tip = chain_tip(s);
	if (only_on.v != 0 && tip.v != only_on.v)
		e = ERR_STALE;
	else if (!chain_contains(s, tip, b->fork))
		e = ERR_STALE;
	else if (wins(b)) {
		e = commit_tip(s, tip, b->at);
		if (e == OK) {
			*old = tip;
			b->kept = b->at;
		}
	}
	store_end(s);
	return e;
}

enum err
branch_commit(struct branch *b, struct blockref only_on, struct blockref *old)
{
	struct store *s = b->store;
	enum err e;

	old->v = 0;
	if (!wins(b))
		return only_on.v == 0 || chain_tip(s).v == only_on.v ? OK : ERR_STALE;
	if ((e = stage_journal(b)) != OK)
		return e;
	/* What indexes take was reserved when the blocks were staged, and may have gone to the other committer. */
	e = ERR_NOSPC;
	for (int i = 0; i < ROOM_TRIES && e == ERR_NOSPC; i++) {
		if ((e = store_reserve(s, 0)) != OK)
			return e;
		e = commit(b, only_on, old);
		if (store_journal_err(s) != OK)
			break; /* it is the disk that has none */
	}
	return e;
}
