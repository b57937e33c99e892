/*
 * The miner: searches proofs of work, niced, in slices of a few milliseconds between which it looks at its loop and at
 * the tip, so that a new block, a command or a stop is noticed at once.
 *
 *	manual      only commands (POST /mine)
 *	on-demand   while transfers that can be mined are pending
 *	interval    one block each [miner] interval
 *	continuous  one after another
 *
 * Commands come first, in any mode: to start and to stop at once, orders of blocks one after another as they came. An
 * order that is cancelled is answered with what was found for it, also while it waits for its turn. A draft of the
 * block is made anew when the tip moves, and when it is some time old: it then takes in news of the pool and the time
 * of day. Each signature is checked here once, as its transfer enters a draft. What is found goes through the same
 * judgement as a peer's block before it is committed, so this node never builds on a block that others refuse.
 *
 * All work, drafts included, is followed by a rest as [miner] cpu_percent says; bells do not shorten it. The smaller
 * that share is, the shorter are the slices, so that no rest after one keeps a new tip or an order waiting.
 *
 * If this process dies, its successor answers the commands that it had taken, and goes on in the mode that a command
 * has set: that is kept in the role's page, with the number of the configuration under which it was set. Under another
 * configuration, and after a restart, the configured mode counts.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain/header_chain.h"
#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "node/roles.h"
#include "store/branch.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define SLICE_US 8000	 /* of CPU time, at most */
#define TURN_US 50000	 /* a slice and the rest after it, at most: nothing that is new waits longer */
#define SLICE_FIRST 1024 /* tries, until the speed is known */
#define SPEED_MS 2000	 /* over which the speed that is told is measured, rests included */
#define REFRESH_MS 500	 /* age at which a draft is made anew */
#define RETRY_MS 1000	 /* after trouble, and while nothing can be mined */
#define FUTILE_REST 10	 /* rest after a draft that came to nothing, in times of what it took */
#define SEEN_SLOTS 65536 /* leaves of transfers whose signatures were checked: direct-mapped, 2 MiB */
#define MODE_COMMANDS ((1u << COMMAND_MINE_START) | (1u << COMMAND_MINE_STOP))
#define COMMANDS ((1u << COMMAND_MINE) | MODE_COMMANDS)
#define ORDERS_MAX (STORE_RINGS_MAX * RING_COMMANDS)

/* The block that is being solved. */
struct draft {
	struct buf block; /* empty: none */
	struct blockref parent;
	struct header_state parent_state;
	struct hash256 target;
	uint64_t made_ms; /* monotonic */
	uint64_t nonce;	  /* next to try */
	uint32_t transfers;
	struct address to;
};

/* A command to mine. */
struct order {
	struct command_handle handle;
	struct command command;
	uint32_t mined;
};

struct miner {
	struct child *child;
	struct store *store;
	struct branch branch;
	struct draft draft;
	struct loop_timer *slice;
	struct loop_timer *interval;
	enum miner_mode mode;
	bool is_due;			 /* interval mode: a block is wanted */
	struct order orders[ORDERS_MAX]; /* the first is being worked on */
	size_t order_count;
	uint64_t slice_tries;
	uint64_t speed_since_ms; /* monotonic, 0: no search is under way */
	uint64_t speed_tries;	 /* since then */
	uint64_t rest_until_us;	 /* monotonic: no work before */
	bool is_clock_behind;	 /* logged once */
	bool has_way;		 /* of searching: chosen when there is first something to search for */
	enum err trouble;	 /* why the last block could not be kept: logged once */
	struct hash256 *seen;
	struct candidate *candidates;
};

static void
set_mode(struct miner *m, enum miner_mode mode)
{
	m->mode = mode;
	role_set(m->store, COUNT_MODE, (uint64_t)mode);
	role_set(m->store, COUNT_MODE_SET, m->child->env->configured);
}

/* The mode that a predecessor was in, if it had the same configuration; else the configured one. */
static enum miner_mode
first_mode(const struct miner *m)
{
	const struct node_env *env = m->child->env;
	uint64_t kept = role_get(m->store, COUNT_MODE);

	if (role_get(m->store, COUNT_MODE_SET) == env->configured && kept <= MINER_CONTINUOUS)
		return (enum miner_mode)kept;
	return env->config->miner.mode;
}

/* For whom to mine now; NULL: nothing to do. */
static const struct address *
wanted(const struct miner *m)
{
	const struct config_miner *config = &m->child->env->config->miner;
	const struct address *own = config->address_text[0] != '\0' ? &config->address : NULL;

	if (m->order_count > 0)
		return &m->orders[0].command.address;
	switch (m->mode) {
	case MINER_MANUAL:
		return NULL;
	case MINER_ON_DEMAND:
		return mempool_count(m->store) > 0 ? own : NULL;
	case MINER_INTERVAL:
		return m->is_due ? own : NULL;
	case MINER_CONTINUOUS:
		return own;
	}
	return NULL;
}

static void
drop_draft(struct miner *m)
{
	buf_reset(&m->draft.block);
}

/* Candidates are slots of the pool; what is in one now may not be what was there when they were listed. */
static bool
fetch(void *ctx, uint32_t ref, struct tx *tx, uint8_t *bytes)
{
	struct miner *m = ctx;
	struct hash256 leaf, *seen;
	uint32_t size;
	uint64_t place;

	if (!mempool_fetch(m->store, ref, tx, bytes, &size))
		return false;
	leaf = tx_leaf(bytes, size);
	memcpy(&place, leaf.b, sizeof(place));
	seen = &m->seen[place % SEEN_SLOTS];
	if (hash_equal(seen, &leaf))
		return true;
	role_count(m->store, COUNT_SIGNATURES, 1);
	if (tx_check_form(tx, store_params(m->store), store_genesis(m->store)) != RULE_OK ||
	    tx_check_signature(tx) != RULE_OK)
		return false;
	*seen = leaf;
	return true;
}

/* Later than the median of the last blocks, as far as our clock allows; 0: it is too far behind to mine at all. */
static uint64_t
block_time(struct miner *m, const struct header_state *parent)
{
	uint64_t now = clock_wall_ms(), median = header_state_median_ms(parent);

	if (median > now && median - now >= TIME_AHEAD_MS) {
		if (!m->is_clock_behind)
			log_warn("miner: the clock is %" PRIu64 " s behind the chain: no block until it is set right",
				 (median - now) / 1000);
		m->is_clock_behind = true;
		return 0;
	}
	m->is_clock_behind = false;
	return now > median ? now : median + 1;
}

static bool
make_draft(struct miner *m, const struct address *to)
{
	struct store *s = m->store;
	struct draft *d = &m->draft;
	const struct params *p = store_params(s);
	struct chain_base base = {s, chain_tip(s), OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct ledger *ledger = ledger_new(p, store_genesis(s), &ledger_base);
	uint64_t fees = 0, time_ms;
	struct u256 target;
	struct header h;
	struct buf body;
	size_t count;

	buf_init(&body);
	drop_draft(m);
	d->parent = base.at;
	d->to = *to;
	d->made_ms = clock_mono_ms();
	d->nonce = 0;
	chain_header_state(s, d->parent, &d->parent_state);
	time_ms = block_time(m, &d->parent_state);
	count = mempool_candidates(s, m->candidates, mempool_capacity(s));
	d->transfers = template_fill(&body, &fees, ledger, m->candidates, count,
				     p->max_block_bytes - BLOCK_PREFIX_SIZE - TX_REWARD_SIZE, fetch, m);
	ledger_free(ledger);
	/* With accounts that could not be read (the chain moved) the draft is worth nothing. */
	if (base.failed == OK && time_ms != 0 &&
	    (m->mode != MINER_ON_DEMAND || m->order_count > 0 || d->transfers > 0)) {
		template_block(&d->block, &d->parent_state, p, store_genesis(s), to, chain_supply(s, d->parent), fees,
			       &body, d->transfers, time_ms);
		header_decode(&h, (const uint8_t *)d->block.data);
		if (target_expand(&target, h.target))
			d->target = u256_to_hash(&target);
		else
			drop_draft(m);
	}
	buf_clear(&body);
	return d->block.len > 0;
}

static bool
is_draft_old(const struct miner *m, const struct address *to)
{
	const struct draft *d = &m->draft;

	if (d->block.len == 0 || !blockref_equal(d->parent, chain_tip(m->store)) || !address_equal(&d->to, to))
		return true;
	return clock_mono_ms() - d->made_ms >= REFRESH_MS;
}

static void
finish(struct miner *m, struct command_handle handle, enum err e)
{
	command_finish(m->store, handle, e, false);
	bell_ring_worker(&m->child->env->bells, handle.ring);
}

static void
finish_order(struct miner *m, size_t i, enum err e)
{
	finish(m, m->orders[i].handle, e);
	m->order_count--;
	memmove(&m->orders[i], &m->orders[i + 1], (m->order_count - i) * sizeof(m->orders[0]));
}

/* Judges our own block as a peer's would be, and makes it the tip: *ref. */
static enum err
keep(struct miner *m, struct blockref *ref, struct verdict *v, const struct block *b)
{
	const struct draft *d = &m->draft;
	struct blockref old;
	enum err e;

	*v = verdict_of(header_check(&d->parent_state, &b->header, &b->hash, store_params(m->store)));
	if (v->rule != RULE_OK)
		return OK;
	e = branch_begin(&m->branch, d->parent);
	if (e == OK)
		e = branch_add(&m->branch, b, true, v);
	if (e == OK && v->rule == RULE_OK)
		e = branch_commit(&m->branch, d->parent, &old);
	*ref = m->branch.at;
	branch_end(&m->branch);
	return e;
}

static void
say_mined(const struct miner *m, const struct block *b)
{
	char hash[HASH_HEX_SIZE], to[ADDRESS_TEXT_SIZE];

	hash_hex(hash, &b->hash);
	address_format(to, &m->draft.to, store_params(m->store)->address_version);
	log_info("miner: mined block %" PRIu64 " %.16s with %" PRIu32 " transfer%s, reward to %s", b->header.height,
		 hash, m->draft.transfers, m->draft.transfers == 1 ? "" : "s", to);
}

/* No work for so long. */
static void
rest(struct miner *m, uint64_t us)
{
	uint64_t until = clock_mono_us() + us;

	if (until > m->rest_until_us)
		m->rest_until_us = until;
}

/*
 * CPU time, and not the time that went by: on a busy machine, where this process comes after all others, slices would
 * shrink to next to nothing, and rests stretch as if this process had used the time that others had.
 */
static uint64_t
cost_us(uint64_t since_cpu_ns)
{
	return (clock_cpu_ns() - since_cpu_ns) / 1000;
}

/* Nothing is gained by trying at once again. */
static void
note_trouble(struct miner *m, enum err e)
{
	m->trouble = e;
	rest(m, RETRY_MS * 1000);
	if (m->order_count > 0)
		finish_order(m, 0, e);
}

static void
found(struct miner *m, uint64_t nonce)
{
	struct draft *d = &m->draft;
	struct verdict v = verdict_ok();
	struct blockref ref;
	struct header h;
	struct block b;
	enum err e;

	header_decode(&h, (const uint8_t *)d->block.data);
	h.nonce = nonce;
	header_encode((uint8_t *)d->block.data, &h);
	e = block_parse(&b, d->block.data, d->block.len) == RULE_OK ? keep(m, &ref, &v, &b) : ERR_FORMAT;
	if (e == OK && v.rule != RULE_OK) {
		if (m->trouble != ERR_FORMAT)
			log_error("miner: own block %" PRIu64 " breaks rule %s at transaction %" PRIu32 ": not used",
				  h.height, rule_name(v.rule), v.tx);
		note_trouble(m, ERR_FORMAT);
	} else if (e == ERR_STALE) {
		log_debug("miner: somebody else was faster at height %" PRIu64, h.height);
	} else if (e != OK) {
		role_count(m->store, COUNT_UNKEPT, 1);
		if (m->trouble != e)
			log_error("miner: block %" PRIu64 " cannot be kept: %s", h.height, err_text(e));
		note_trouble(m, e);
	} else {
		m->trouble = OK;
		bell_ring_tip(&m->child->env->bells);
		role_count(m->store, COUNT_BLOCKS, 1);
		say_mined(m, &b);
		m->is_due = false;
		if (m->order_count > 0) {
			struct order *o = &m->orders[0];

			command_mined(m->store, o->handle, ref);
			if (++o->mined >= o->command.blocks)
				finish_order(m, 0, OK);
		}
	}
	drop_draft(m);
}

static void
change_mode(struct miner *m, enum command_kind kind)
{
	uint32_t interval_ms = m->child->env->config->miner.interval_ms;

	if (kind == COMMAND_MINE_START) {
		set_mode(m, MINER_INTERVAL);
		m->is_due = true;
		loop_timer_arm(m->interval, interval_ms);
		log_info("miner: started, a block each %" PRIu32 " s", interval_ms / 1000);
	} else {
		set_mode(m, MINER_MANUAL);
		log_info("miner: stopped, mines on request only");
	}
}

static void
take_commands(struct miner *m)
{
	struct command_handle handle;
	struct command c;

	while (command_next(m->store, m->order_count < ORDERS_MAX ? COMMANDS : MODE_COMMANDS, &handle, &c)) {
		if (c.kind == COMMAND_MINE && c.blocks > 0) {
			m->orders[m->order_count++] = (struct order){.handle = handle, .command = c};
		} else if (command_is_cancelled(m->store, handle)) {
			/* Whoever asked has been told that it was not done in time. */
			finish(m, handle, ERR_TIMEOUT);
		} else {
			if (c.kind != COMMAND_MINE)
				change_mode(m, c.kind);
			finish(m, handle, OK);
		}
	}
	for (size_t i = m->order_count; i-- > 0;)
		if (command_is_cancelled(m->store, m->orders[i].handle))
			finish_order(m, i, ERR_TIMEOUT);
}

/* What users see of it: mean speed while there is something to mine. */
static void
note_speed(struct miner *m, uint64_t tries)
{
	uint64_t now = clock_mono_ms();

	role_count(m->store, COUNT_HASHES, tries);
	m->speed_tries += tries;
	if (m->speed_since_ms == 0) {
		m->speed_since_ms = now;
		m->speed_tries = 0;
	} else if (now - m->speed_since_ms >= SPEED_MS) {
		role_set(m->store, COUNT_HASH_RATE, m->speed_tries * 1000 / (now - m->speed_since_ms));
		m->speed_since_ms = now;
		m->speed_tries = 0;
	}
}

static void
forget_speed(struct miner *m)
{
	m->speed_since_ms = 0;
	role_set(m->store, COUNT_HASH_RATE, 0);
}

static uint64_t
slice_us(const struct miner *m)
{
	uint64_t share = TURN_US * m->child->env->config->miner.cpu_percent / 100;

	return share < SLICE_US ? share : SLICE_US;
}

static void
search(struct miner *m)
{
	uint64_t since, used_us, nonce, tries = m->slice_tries;

	if (!m->has_way)
		log_info("miner: searches by %s, the fastest way on this processor", headerhash_choose());
	m->has_way = true;
	since = clock_cpu_ns();
	if (headerhash_search(&nonce, (const uint8_t *)m->draft.block.data, &m->draft.target, m->draft.nonce, tries)) {
		note_speed(m, nonce - m->draft.nonce + 1);
		found(m, nonce);
		return;
	}
	m->draft.nonce += tries;
	note_speed(m, tries);
	used_us = cost_us(since);
	if (used_us < slice_us(m) / 2)
		m->slice_tries *= 2;
	else if (used_us > slice_us(m) && m->slice_tries > SLICE_FIRST)
		m->slice_tries /= 2;
}

/* One slice: of the search, or the making of a draft for it. */
static void
work(void *ctx)
{
	struct miner *m = ctx;
	uint32_t percent = m->child->env->config->miner.cpu_percent;
	uint64_t since = clock_cpu_ns(), now = clock_mono_us();
	const struct address *to;

	take_commands(m);
	if ((to = wanted(m)) == NULL) {
		loop_timer_disarm(m->slice);
		drop_draft(m);
		forget_speed(m);
		return;
	}
	if (now >= m->rest_until_us) {
		if (!is_draft_old(m, to) || make_draft(m, to)) {
			search(m);
			rest(m, cost_us(since) * (100 - percent) / percent);
		} else if (blockref_equal(m->draft.parent, chain_tip(m->store))) {
			/* Nothing to mine: each bell may try, but not all the time; without one, look now and then. */
			rest(m, cost_us(since) * (FUTILE_REST + (100 - percent) / percent));
			loop_timer_arm(m->slice, RETRY_MS);
			return;
		}
	}
	now = clock_mono_us();
	loop_timer_arm(m->slice, m->rest_until_us > now ? (m->rest_until_us - now + 999) / 1000 : 0);
}

static void
interval_over(void *ctx)
{
	struct miner *m = ctx;

	loop_timer_arm(m->interval, m->child->env->config->miner.interval_ms);
	if (m->mode != MINER_INTERVAL)
		return;
	m->is_due = true;
	work(m);
}

int
role_miner(struct child *c)
{
	const struct config_miner *config = &c->env->config->miner;
	static struct miner m;
	int code;

	m.child = c;
	m.store = c->env->store;
	m.slice_tries = SLICE_FIRST;
	m.seen = xcalloc(SEEN_SLOTS, sizeof(*m.seen));
	m.candidates = xcalloc(mempool_capacity(m.store), sizeof(*m.candidates));
	m.slice = loop_timer_new(c->loop, work, &m);
	m.interval = loop_timer_new(c->loop, interval_over, &m);
	buf_init(&m.draft.block);
	branch_init(&m.branch, m.store);
	set_mode(&m, first_mode(&m));
	child_recover_commands(c, COMMANDS);
	child_on_bell(c, c->env->bells.role[BELL_MINER], work, &m);
	loop_timer_arm(m.interval, config->interval_ms);
	work(&m);
	code = child_run(c);
	branch_end(&m.branch);
	buf_clear(&m.draft.block);
	free(m.seen);
	free(m.candidates);
	return code;
}
