/*
 * The miner: searches proofs of work, niced, in slices of a few milliseconds between which it looks at its loop and at
 *the tip, so that a new block, a command or a stop is noticed at once.
 *
 *	manual      only commands (POST /mine)
 *	on-demand   while transfers that can be mined are pending
 *	interval    one block each [miner] interval
 *	continuous  one after another
 *
 * Commands come first, in any mode. A template is made anew when the tip moves, and when the pool has news and the old
 *one is some time old. Each signature is checked here once, as its transfer enters a template. What is found goes
 *through the same judgement as a peer's block before it is committed, so this node never builds on a block that others
 *refuse.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "node/branch.h"
#include "node/roles.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define SLICE_MS 4
#define SLICE_FIRST 4096 /* tries, until the speed is known */
#define REFRESH_MS 500	 /* age at which a template takes in news of the pool, and the time of day */
#define RETRY_MS 1000	 /* after trouble */
#define SEEN_SLOTS 65536 /* leaves of transfers whose signatures were checked: direct-mapped, 2 MiB */
#define COMMANDS ((1u << COMMAND_MINE) | (1u << COMMAND_MINE_START) | (1u << COMMAND_MINE_STOP))

struct template
{
	struct buf block; /* empty: none */
	struct blockref parent;
	struct hash256 target;
	uint64_t made_ms; /* monotonic */
	uint64_t last_arrival;
	uint64_t nonce; /* next to try */
	uint32_t transfers;
	struct address to;
};

struct miner {
	struct child *child;
	struct store *store;
	struct branch branch;
	struct template t;
	struct loop_timer *slice;
	struct loop_timer *interval;
	enum miner_mode mode;
	bool is_due; /* interval mode: a block is wanted */
	bool has_command;
	struct command_handle handle;
	struct command command;
	uint32_t mined; /* of the command */
	uint64_t slice_tries;
	struct hash256 *seen;
	struct candidate *candidates;
};

static void
set_mode(struct miner *m, enum miner_mode mode)
{
	m->mode = mode;
	role_set(m->store, COUNT_MODE, (uint64_t)mode);
}

/* For whom to mine now; NULL: nothing to do. */
static const struct address *
wanted(const struct miner *m)
{
	const struct config_miner *config = &m->child->env->config->miner;
	const struct address *own = config->address_text[0] != '\0' ? &config->address : NULL;

	if (m->has_command)
		return &m->command.address;
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
drop_template(struct miner *m)
{
	buf_reset(&m->t.block);
}

/* Template candidates are slots of the pool; what is in one now may not be what was there when they were listed. */
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
	if (tx_check_form(tx, store_params(m->store), store_genesis(m->store)) != RULE_OK ||
	    tx_check_signature(tx) != RULE_OK)
		return false;
	*seen = leaf;
	return true;
}

static bool
make_template(struct miner *m, const struct address *to)
{
	struct store *s = m->store;
	struct template *t = &m->t;
	const struct params *p = store_params(s);
	struct chain_base base = {s, chain_tip(s), OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct ledger *ledger = ledger_new(p, store_genesis(s), &ledger_base);
	uint64_t fees = 0, now = clock_wall_ms(), median;
	struct header_state parent;
	struct u256 target;
	struct buf body;
	size_t count;

	buf_init(&body);
	drop_template(m);
	t->parent = base.at;
	t->to = *to;
	t->made_ms = clock_mono_ms();
	t->last_arrival = mempool_last_arrival(s);
	chain_header_state(s, t->parent, &parent);
	count = mempool_candidates(s, m->candidates, mempool_capacity(s));
	t->transfers = template_fill(&body, &fees, ledger, m->candidates, count,
				     p->max_block_bytes - BLOCK_PREFIX_SIZE - TX_REWARD_SIZE, fetch, m);
	ledger_free(ledger);
	/* A half-filled template is no harm if the chain moved meanwhile: the tip is looked at before each slice. */
	median = header_state_median_ms(&parent);
	if (now <= median)
		now = median + 1;
	if (base.failed == OK && (m->mode != MINER_ON_DEMAND || m->has_command || t->transfers > 0)) {
		template_block(&t->block, &parent, p, store_genesis(s), to, chain_supply(s, t->parent), fees, &body,
			       t->transfers, now);
		struct header h;
		header_decode(&h, (const uint8_t *)t->block.data);
		if (!target_expand(&target, h.target))
			drop_template(m);
		else
			t->target = u256_to_hash(&target);
		t->nonce = 0;
	}
	buf_clear(&body);
	return t->block.len > 0;
}

static bool
is_template_old(const struct miner *m, const struct address *to)
{
	const struct template *t = &m->t;

	if (t->block.len == 0 || !blockref_equal(t->parent, chain_tip(m->store)) || !address_equal(&t->to, to))
		return true;
	return clock_mono_ms() - t->made_ms >= REFRESH_MS;
}

static void
finish_command(struct miner *m, enum err e)
{
	command_finish(m->store, m->handle, e, false);
	bell_ring_worker(&m->child->env->bells, m->handle.ring);
	m->has_command = false;
}

static void
found(struct miner *m, uint64_t nonce)
{
	struct template *t = &m->t;
	char hash[HASH_HEX_SIZE], to[ADDRESS_TEXT_SIZE];
	struct blockref old, ref;
	struct verdict v = verdict_ok();
	struct header h;
	struct block b;
	enum err e;

	header_decode(&h, (const uint8_t *)t->block.data);
	h.nonce = nonce;
	header_encode((uint8_t *)t->block.data, &h);
	e = branch_begin(&m->branch, t->parent);
	if (e == OK && block_parse(&b, t->block.data, t->block.len) != RULE_OK)
		e = ERR_FORMAT;
	if (e == OK)
		e = branch_add(&m->branch, &b, true, &v);
	ref = m->branch.at;
	if (e == OK && v.rule == RULE_OK)
		e = branch_commit(&m->branch, t->parent, &old);
	branch_end(&m->branch);
	if (v.rule != RULE_OK) {
		log_error("miner: own block %" PRIu64 " breaks rule %s at transaction %" PRIu32 ": not used", h.height,
			  rule_name(v.rule), v.tx);
		loop_timer_arm(m->slice, RETRY_MS);
	} else if (e == ERR_STALE) {
		log_debug("miner: somebody else was faster at height %" PRIu64, h.height);
	} else if (e != OK) {
		log_error("miner: block %" PRIu64 " cannot be kept: %s", h.height, err_text(e));
		if (m->has_command)
			finish_command(m, e);
		loop_timer_arm(m->slice, RETRY_MS);
	} else {
		bell_ring_tip(&m->child->env->bells);
		role_count(m->store, COUNT_BLOCKS, 1);
		hash_hex(hash, &b.hash);
		address_format(to, &t->to, store_params(m->store)->address_version);
		log_info("miner: mined block %" PRIu64 " %.16s with %" PRIu32 " transfers, reward to %s", h.height,
			 hash, t->transfers, to);
		m->is_due = false;
		if (m->has_command) {
			command_mined(m->store, m->handle, ref);
			if (++m->mined >= m->command.blocks)
				finish_command(m, OK);
		}
	}
	drop_template(m);
}

static void
take_commands(struct miner *m)
{
	if (m->has_command && command_is_cancelled(m->store, m->handle))
		finish_command(m, ERR_TIMEOUT);
	while (!m->has_command && command_next(m->store, COMMANDS, &m->handle, &m->command)) {
		m->has_command = true;
		m->mined = 0;
		if (m->command.kind == COMMAND_MINE && m->command.blocks > 0)
			break;
		if (m->command.kind == COMMAND_MINE_START) {
			set_mode(m, MINER_INTERVAL);
			m->is_due = true;
			loop_timer_arm(m->interval, m->child->env->config->miner.interval_ms);
			log_info("miner: started, a block each %" PRIu32 " s",
				 m->child->env->config->miner.interval_ms / 1000);
		} else if (m->command.kind == COMMAND_MINE_STOP) {
			set_mode(m, MINER_MANUAL);
			log_info("miner: stopped, mines on request only");
		}
		finish_command(m, OK);
	}
}

/* How long to leave the processor to others after having used it for `used` ms. */
static uint64_t
rest_ms(const struct miner *m, uint64_t used_us)
{
	uint32_t percent = m->child->env->config->miner.cpu_percent;

	return used_us * (100 - percent) / percent / 1000;
}

static void
work(void *ctx)
{
	struct miner *m = ctx;
	const struct address *to;
	uint64_t since = clock_mono_us(), used, nonce, tries = m->slice_tries;

	loop_timer_disarm(m->slice);
	take_commands(m);
	if ((to = wanted(m)) == NULL) {
		drop_template(m);
		return;
	}
	if (is_template_old(m, to) && !make_template(m, to)) {
		/* Nothing to mine, or the tip moved while we looked. */
		loop_timer_arm(m->slice, blockref_equal(m->t.parent, chain_tip(m->store)) ? RETRY_MS : 0);
		return;
	}
	loop_timer_arm(m->slice, 0);
	if (headerhash_search(&nonce, (const uint8_t *)m->t.block.data, &m->t.target, m->t.nonce, tries)) {
		role_count(m->store, COUNT_HASHES, nonce - m->t.nonce + 1);
		found(m, nonce);
		return;
	}
	m->t.nonce += tries;
	role_count(m->store, COUNT_HASHES, tries);
	used = clock_mono_us() - since;
	if (used < SLICE_MS * 500)
		m->slice_tries *= 2;
	else if (used > SLICE_MS * 2000 && m->slice_tries > SLICE_FIRST)
		m->slice_tries /= 2;
	loop_timer_arm(m->slice, rest_ms(m, used));
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
	buf_init(&m.t.block);
	branch_init(&m.branch, m.store);
	set_mode(&m, config->mode);
	command_recover(m.store, COMMANDS);
	child_on_bell(c, c->env->bells.role[BELL_MINER], work, &m);
	loop_timer_arm(m.interval, config->interval_ms);
	work(&m);
	code = child_run(c);
	branch_end(&m.branch);
	buf_clear(&m.t.block);
	free(m.seen);
	free(m.candidates);
	return code;
}
