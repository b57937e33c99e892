/*
 * The miner: makes a draft of the next block, has its proof of work searched (miner_search.c), and looks at its loop and at the
 * tip meanwhile, so that a new block, a command or a stop is noticed at once. What takes long is done by a thread that has a
 * core only while nobody else wants it (spare.c); where that gets next to nothing, this one does it, niced. So the miner is in
 * nobody's way as long as a core is free now and then, and blocks are found under any load.
 *
 *	manual      only commands (POST /mine)
 *	on-demand   while transfers that can be mined are pending
 *	interval    one block each [miner] interval
 *	continuous  one after another
 *
 * Commands come first, in any mode: to start and to stop at once, orders of blocks one after another as they came. An
 * order that is cancelled is answered with what was found for it, also while it waits for its turn. What is found goes through
 * the same judgement as a peer's block before it is committed, so this node never builds on a block that others refuse.
 *
 * All work, drafts included, is followed by a rest as [miner] cpu_percent says; bells do not shorten it. The smaller
 * that share is, the shorter are the slices, so that no rest after one keeps a new tip or an order waiting.
 *
 * If this process dies, its successor answers the commands that it had taken; if it ends in order, as for a reload, its
 * successor goes on with them. So it does in the mode that a command has set: that is kept in the role's page, with the number of the configuration under which it was set. Under another
 * configuration, and after a restart, the configured mode counts.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain/header_chain.h"
#include "miner_draft.h"
#include "miner_search.h"
#include "node/roles.h"
#include "spare.h"
#include "store/branch.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define SLICE_US 8000  /* of CPU time, at most */
#define TURN_US 50000  /* a slice and the rest after it, at most: nothing that is new waits longer */
#define SPEED_MS 2000  /* over which the speed that is told is measured, rests included */
#define RETRY_MS 1000  /* after trouble, and while nothing can be mined */
#define BEHIND_MS 500  /* that a draft waits, at most, for signatures to be checked */
#define FUTILE_REST 10 /* rest after a draft that came to nothing, in times of what it took */
#define MODE_COMMANDS ((1u << COMMAND_MINE_START) | (1u << COMMAND_MINE_STOP))
#define COMMANDS ((1u << COMMAND_MINE) | MODE_COMMANDS)
#define ORDERS_MAX (STORE_RINGS_MAX * RING_COMMANDS)

/* A command to mine. */
struct order {
	struct command_handle handle;
	struct command command;
	uint32_t mined; /* also by a predecessor */
};

struct miner {
	struct child *child;
	struct store *store;
	struct branch branch;
	struct draft draft;
	struct loop_timer *step;
	struct loop_timer *interval;
	enum miner_mode mode;
	bool is_due;			 /* interval mode: a block is wanted */
	struct order orders[ORDERS_MAX]; /* the first is being worked on */
	size_t order_count;
	struct spare *spare;
	struct search search;
	uint64_t behind_since_ms; /* monotonic: a draft waits for signatures to be checked; 0: none does */
	uint64_t speed_since_ms;  /* monotonic, 0: no search is under way */
	uint64_t speed_tries;	  /* since then */
	uint64_t rest_until_us;	  /* monotonic: no work before */
	enum err trouble;	  /* why the last block could not be kept: logged once */
	struct drafter drafter;
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
	search_drop(&m->search);
	draft_drop(&m->draft);
}

/* Without transfers there is nothing to mine on demand. */
static bool
make_draft(struct miner *m, const struct address *to)
{
	drop_draft(m);
	m->behind_since_ms = 0;
	return draft_make(&m->draft, &m->drafter, to, m->mode != MINER_ON_DEMAND || m->order_count > 0);
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
		log_info("miner: started, a block each %g s", interval_ms / 1e3);
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
		uint32_t mined = command_mined_count(m->store, handle);
		if (c.kind == COMMAND_MINE && mined < c.blocks) {
			m->orders[m->order_count++] = (struct order){.handle = handle, .command = c, .mined = mined};
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

static void
rest_after(struct miner *m, uint64_t used_us)
{
	uint32_t percent = m->child->env->config->miner.cpu_percent;

	rest(m, used_us * (100 - percent) / percent);
}

static void work(void *ctx);

static void
note_slice(struct miner *m, const struct slice *p)
{
	note_speed(m, p->tries);
	if (p->is_found)
		found(m, p->nonce);
}

static void
slice_over(void *ctx, const struct slice *p, uint64_t cpu_us)
{
	struct miner *m = ctx;

	rest_after(m, cpu_us);
	note_slice(m, p);
	work(m);
}

static void
checked_ahead(void *ctx, bool is_dropped, uint64_t cpu_us)
{
	struct miner *m = ctx;

	(void)is_dropped;
	rest_after(m, cpu_us);
	work(m);
}

/* For signatures that are checked by the spare thread; but neither for long nor where that gets nothing done. */
static bool
must_draft_wait(struct miner *m)
{
	uint64_t now = clock_mono_ms();

	if (m->search.is_starved || !drafter_is_behind(&m->drafter))
		return false;
	if (m->behind_since_ms == 0)
		m->behind_since_ms = now;
	if (now - m->behind_since_ms >= BEHIND_MS)
		return false;
	drop_draft(m);
	return drafter_look_ahead(&m->drafter, m->spare, checked_ahead, m) || spare_is_out(m->spare);
}

/* When to work again: after the rest, and while the spare thread is at something, not before the next look. */
static uint64_t
wait_us(const struct miner *m)
{
	uint64_t now = clock_mono_us(), patience_us = search_patience_us(&m->search);
	uint64_t rest_us = m->rest_until_us > now ? m->rest_until_us - now : 0;

	return rest_us > patience_us ? rest_us : patience_us;
}

/* One step: the making of a draft, or what there is to be done for the search. */
static void
work(void *ctx)
{
	struct miner *m = ctx;
	uint32_t percent = m->child->env->config->miner.cpu_percent;
	uint64_t since = clock_cpu_ns();
	const struct address *to;
	struct slice p;
	bool is_old;

	take_commands(m);
	if ((to = wanted(m)) == NULL) {
		loop_timer_disarm(m->step);
		drop_draft(m);
		forget_speed(m);
		search_end(&m->search);
		m->behind_since_ms = 0;
		return;
	}
	search_look(&m->search);
	if (clock_mono_us() >= m->rest_until_us) {
		is_old = draft_is_old(&m->draft, m->store, to);
		if (is_old && must_draft_wait(m)) {
			rest_after(m, cost_us(since));
		} else if (!is_old || make_draft(m, to)) {
			if (search_step(&m->search, &p, &m->draft))
				note_slice(m, &p);
			rest_after(m, cost_us(since));
		} else if (blockref_equal(m->draft.parent, chain_tip(m->store))) {
			/* Nothing to mine: each bell may try, but not all the time; without one, look now and then. */
			rest(m, cost_us(since) * (FUTILE_REST + (100 - percent) / percent));
			loop_timer_arm(m->step, RETRY_MS);
			return;
		}
	}
	loop_timer_arm(m->step, (wait_us(m) + 999) / 1000);
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
	uint64_t slice_us = TURN_US * config->cpu_percent / 100;
	static struct miner m;
	int code;

	m.child = c;
	m.store = c->env->store;
	drafter_init(&m.drafter, m.store);
	m.spare = spare_new(c->loop);
	search_init(&m.search, m.spare, slice_over, &m);
	m.search.percent = config->cpu_percent;
	m.search.turn_us = TURN_US;
	m.search.slice_us = slice_us < SLICE_US ? slice_us : SLICE_US;
	m.step = loop_timer_new(c->loop, work, &m);
	m.interval = loop_timer_new(c->loop, interval_over, &m);
	draft_init(&m.draft);
	branch_init(&m.branch, m.store);
	set_mode(&m, first_mode(&m));
	child_recover_commands(c, COMMANDS);
	child_on_bell(c, c->env->bells.role[BELL_MINER], work, &m);
	loop_timer_arm(m.interval, config->interval_ms);
	work(&m);
	code = child_run(c);
	for (size_t i = 0; i < m.order_count; i++)
		command_hand_back(m.store, m.orders[i].handle);
	spare_free(m.spare);
	branch_end(&m.branch);
	draft_clear(&m.draft);
	drafter_clear(&m.drafter);
	return code;
}
