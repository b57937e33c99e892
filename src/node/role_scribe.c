/*
 * The scribe keeps the transcript: each block's JSON, written once, so that a worker who shows many blocks sends them as
 * they lie there. It follows the tip, asks nobody, and nobody waits for it: what it has not written yet, workers write
 * for themselves.
 *
 * It looks once a second. A block that is a second old has mostly been asked for by the few who wait for it, and a
 * process that woke for each new block would be in the way of those that carry it on.
 *
 * The newest blocks are left out, as many as are soon written: a longer chain may swap them out, and what the transcript
 * has of lost branches stays in it. So it grows by blocks that are there to stay, and only a reorganisation deeper than
 * that leaves dead text behind, which counts towards [http] chain_cache as all text does. When that is full, the blocks
 * above are written by workers for each answer; with a segment made anew the transcript begins anew.
 *
 * Moving text into a large page is one call that takes Linux 5 to 10 ms, and now and then 200, in which it lets nobody else
 * have the core, however nice this process is. So it is done seldom: after each call as much time is left to others as makes
 * it a hundredth of a core. A chain that came in all at once has its large pages a minute later.
 *
 * Killing it at any moment costs nothing: its successor goes on behind the last block that readers can see.
 */
#include <inttypes.h>

#include "node/roles.h"
#include "store/chain.h"
#include "store/role_table.h"
#include "store/transcript.h"
#include "util/clock.h"
#include "util/log.h"
#include "wire/views.h"

#define LOOK_MS 1000
#define YOUNG_BLOCKS 8		/* left out … */
#define YOUNG_BYTES (16u << 10) /* … but not more than this, in their binary form */
#define STEP_BLOCKS 512		/* written before others have their turn, and a heartbeat */
#define STEP_TEXT ((size_t)256 << 10)
#define PACK_REST 99 /* times as long as moving text into a large page took, before the next */

struct scribe {
	struct child *child;
	struct loop_timer *look;
	bool is_full;
	uint64_t pack_from_us; /* no large page before */
	struct buf text;
	struct blockref blocks[STEP_BLOCKS];
	size_t ends[STEP_BLOCKS];
};

/* The newest block of tip's chain that is to be in the transcript; none: none is. */
static struct blockref
newest_old(const struct store *s, struct blockref tip)
{
	struct blockref at = tip;
	size_t bytes = 0;
	struct block b;

	for (unsigned young = 0; young < YOUNG_BLOCKS && at.v != 0; young++) {
		chain_block(s, at, &b);
		bytes += b.size;
		if (bytes > YOUNG_BYTES)
			break;
		at = chain_parent(s, at);
	}
	return at;
}

/* Where the chain of target goes on behind the transcript; if it turned off below the top, that is told. */
static uint64_t
next_height(struct transcript *t, const struct store *s, struct blockref target)
{
	struct blockref top = transcript_top(t), fork;

	if (top.v == 0)
		return 0;
	fork = chain_fork(s, top, target);
	if (!blockref_equal(fork, top) && !blockref_equal(fork, target))
		transcript_turn(t, fork);
	return chain_height(s, fork) + 1;
}

/* One step. OK with more left, or ERR_NOT_FOUND: there is nothing to write. */
static enum err
write_step(struct scribe *w)
{
	const struct node_env *env = w->child->env;
	struct transcript *t = w->child->transcript;
	const struct store *s = env->store;
	struct blockref target = newest_old(s, chain_tip(s));
	uint64_t from;
	size_t count, n = 0;

	if (target.v == 0)
		return ERR_NOT_FOUND;
	from = next_height(t, s, target);
	count = chain_window(s, target, from, w->blocks, STEP_BLOCKS);
	buf_reset(&w->text);
	while (n < count && w->text.len < STEP_TEXT) {
		struct block b;

		buf_putc(&w->text, ',');
		chain_block(s, w->blocks[n], &b);
		struct jout j = jout_to(&w->text);
		view_block(&j, &b, store_params(s));
		w->ends[n++] = w->text.len;
	}
	return n == 0 ? ERR_NOT_FOUND : transcript_add(t, s, w->blocks, w->ends, n, w->text.data);
}

/* Moves what fills one into a large page, if it is time. Returns when to look again. */
static uint64_t
pack(struct scribe *w)
{
	uint64_t since = clock_mono_us(), rest_ms;

	if (since < w->pack_from_us)
		rest_ms = (w->pack_from_us - since) / 1000 + 1;
	else if (!transcript_pack(w->child->transcript))
		return LOOK_MS;
	else {
		uint64_t rest_us = (clock_mono_us() - since) * PACK_REST;
		w->pack_from_us = since + rest_us;
		rest_ms = rest_us / 1000;
	}
	return rest_ms < LOOK_MS ? rest_ms : LOOK_MS;
}

static void
look(void *ctx)
{
	struct scribe *w = ctx;
	const struct node_env *env = w->child->env;
	enum err e = w->is_full ? ERR_LIMIT : write_step(w);

	if (e == OK || e == ERR_NOT_FOUND || w->is_full) {
		loop_timer_arm(w->look, e == OK ? 0 : pack(w));
		return;
	}
	loop_timer_arm(w->look, 0);
	w->is_full = true; /* and stays so */
	log_info("scribe: from height %" PRIu64
		 " on blocks are written anew for each reader: %s; GET /chain is slower for it",
		 chain_height(env->store, transcript_top(w->child->transcript)) + 1,
		 e == ERR_LIMIT ? "[http] chain_cache is used up" : "there is no memory for more");
}

int
role_scribe(struct child *c)
{
	static struct scribe w;

	w.child = c;
	buf_init(&w.text);
	w.look = loop_timer_new(c->loop, look, &w);
	if (c->transcript != NULL)
		loop_timer_arm(w.look, 0);
	return child_run(c);
}
