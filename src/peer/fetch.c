/*
 * The course of a fetch: bodies are judged in order of height while the next ones come, in slices, so that a long reply
 * keeps neither the loop nor the sources waiting. What was judged is flushed in groups: when enough has come together,
 * when a moment has gone by, or at the end. Whatever ends a fetch, the valid blocks before it count.
 *
 * `fetch_finish` is always the last thing done, because the fetch may be freed in it.
 */
#include "peer/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch_parts.h"
#include "peer/dial.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

#define SLICE_MS 20
#define GROUP_BLOCKS 2048
#define GROUP_BYTES (4u << 20)
#define DONE_WITH 4096 /* hashes of judged bodies that are dropped at a time */
/* Less than this from all peers together in so much time is too slow, whatever it is; the next round may go on. */
#define PACE_MS 30000
#define PACE_ITEMS 256
#define PACE_BYTES (256u << 10)
#define HEADERS_MS 60000 /* for headers of a branch that does not win yet */

struct fetch_result
fetch_fault(enum fetch_end end, const char *reason)
{
	struct fetch_result fault = {.end = end};

	text_copy(fault.reason, sizeof(fault.reason), reason);
	return fault;
}

struct fetch_result
fetch_fault_rule(enum rule rule, uint64_t height, const struct hash256 *hash)
{
	return (struct fetch_result){.end = FETCH_BROKE_RULE, .rule = rule, .height = height, .hash = *hash};
}

bool
fetch_reply_is_usable(const struct httpc_reply *reply, struct fetch_result *fault)
{
	if (reply->error == OK && reply->status == 200 && strcmp(reply->content_type, PEER_BODY_TYPE) == 0)
		return true;
	if (reply->error == OK) {
		/* A busy or ailing node says so in this way, and has offended nobody. */
		bool is_unable = reply->status == 408 || reply->status == 429 || reply->status >= 500;

		*fault = fetch_fault(is_unable ? FETCH_FAILED : FETCH_MISBEHAVED, "");
		snprintf(fault->reason, sizeof(fault->reason), "it answered with status %d and type \"%.40s\"",
			 reply->status, reply->content_type);
	} else if (reply->error == ERR_LIMIT || reply->error == ERR_FORMAT) {
		*fault = fetch_fault(FETCH_MISBEHAVED, reply->error == ERR_LIMIT ? "its answer was too long"
										 : "its answer was no plain HTTP");
	} else {
		*fault = fetch_fault(FETCH_FAILED, reply->error == ERR_TIMEOUT ? "it did not answer in time"
									       : "the connection was cut");
	}
	return false;
}

/* How it ends, unless something was noted before. */
static void
set_end(struct fetch *f, const struct fetch_result *end)
{
	uint64_t bodies = f->result.bodies;
	bool is_early = f->result.is_early;

	if (f->result.end != FETCH_DONE)
		return;
	f->result = *end;
	f->result.bodies = bodies;
	f->result.is_early = is_early;
}

void
fetch_note(struct fetch *f, const struct fetch_result *fault)
{
	if (f->result.end == FETCH_DONE)
		f->is_untold = true;
	set_end(f, fault);
}

/* Commits what was judged. False: it could not be. */
static bool
flush(struct fetch *f)
{
	bool is_kept = f->cb.flush(f->ctx);

	f->is_unflushed = false;
	f->group = 0;
	f->group_bytes = 0;
	if (!is_kept)
		set_end(f, &(struct fetch_result){.end = FETCH_STOPPED});
	return is_kept;
}

static void
say_progress(struct fetch *f)
{
	uint64_t target = f->state.header.height;

	if (target < f->sources[0].head.height)
		target = f->sources[0].head.height;
	f->cb.progress(f->ctx, f->next - 1, target);
}

static void
hang_up(struct fetch *f)
{
	httpc_free(f->reader);
	f->reader = NULL;
	for (int i = 0; i < f->source_count; i++) {
		httpc_free(f->sources[i].client);
		f->sources[i].client = NULL;
	}
	loop_timer_disarm(f->judge);
	loop_timer_disarm(f->watch);
}

void
fetch_finish(struct fetch *f)
{
	struct source *lead = &f->sources[0];

	hang_up(f);
	if (f->is_unflushed)
		(void)flush(f);
	if (f->is_untold)
		fetch_drop_source(f, lead, &f->result);
	for (int i = 0; i < f->source_count; i++)
		fetch_tell(f, &f->sources[i]);
	f->cb.done(f->ctx, &f->result);
}

void
fetch_begin_bodies(struct fetch *f)
{
	enum rule rule = f->cb.begin(f->ctx, &f->ancestor);

	if (rule != RULE_OK) {
		struct fetch_result end = fetch_fault_rule(rule, f->state.header.height, &f->state.hash);

		/* Ours to refuse, and no fault of the lead's, unless its headers had one before. */
		end.end = FETCH_REFUSED;
		set_end(f, &end);
		fetch_finish(f);
		return;
	}
	f->has_begun = true;
	f->is_unflushed = true; /* all of it may be here from an earlier day, when it lost */
	f->base = f->next = f->foreseen = f->state.header.height + 1 - f->count;
	window_begin(&f->window, f->base);
	fetch_go_on(f);
}

/* All bodies are judged that there are headers of. */
static void
end_of_branch(struct fetch *f)
{
	if (f->is_unflushed && !flush(f)) {
		fetch_finish(f);
		return;
	}
	if (!f->is_swapped || f->result.end != FETCH_DONE || f->reader == NULL) {
		fetch_finish(f);
		return;
	}
	f->is_swapped = f->has_begun = f->is_anchored = false;
	f->count = 0;
	f->begun_ms = clock_mono_ms();
	fetch_read_headers(f);
}

void
fetch_go_on(struct fetch *f)
{
	bool is_reading;

	if (!f->has_begun)
		return;
	fetch_read_on(f);
	fetch_ask_bodies(f);
	is_reading = f->reader != NULL && httpc_is_busy(f->reader);
	if (window_first(&f->window) != NULL) {
		loop_timer_arm(f->judge, 0);
	} else if (f->next < f->base + f->count) {
		if (fetch_peer_count(f) > 0)
			return;
		set_end(f, &f->last);
		fetch_finish(f);
	} else if (!is_reading) {
		end_of_branch(f);
	}
}

static void
foresee(struct fetch *f)
{
	const struct block *b;

	if (f->cb.foresee == NULL)
		return;
	if (f->foreseen < f->next)
		f->foreseen = f->next;
	while ((b = window_block(&f->window, f->foreseen)) != NULL && f->cb.foresee(f->ctx, b))
		f->foreseen++;
}

/* Bytes that are not what the header promises say nothing about the block: another may have it right. */
static bool
is_that_block(const struct block *b)
{
	struct hash256 root = block_merkle_root(b);

	return hash_equal(&root, &b->header.merkle_root);
}

/* The block in hand was found to break a rule. True: its giver is gone, and another can be asked for it. */
static bool
reject(struct fetch *f, const struct span *span, const struct block *b, enum rule rule)
{
	struct fetch_result fault = fetch_fault_rule(rule, b->header.height, &b->hash);
	struct source *giver = &f->sources[span->giver];
	/* First, so that whoever hears of the fault finds what was good before it in its place. */
	bool is_kept = f->group == 0 || flush(f), is_that = is_that_block(b);

	fetch_drop_source(f, giver, &fault);
	if (is_kept && !is_that && fetch_peer_count(f) > 0) {
		window_reject(&f->window);
		f->foreseen = f->next;
		if (f->cb.foresee != NULL)
			(void)f->cb.foresee(f->ctx, NULL);
		return true;
	}
	if (is_that && giver != &f->sources[0])
		fetch_drop_source(f, &f->sources[0], &fault);
	set_end(f, &fault);
	return false;
}

enum taken { TAKEN, ASK_AGAIN, AT_END };

static enum taken
take_body(struct fetch *f, struct span *span)
{
	const struct block *b = &span->blocks[span->judged];
	struct verdict v = verdict_ok();

	if (!f->cb.body(f->ctx, b, &v)) {
		if (v.rule != RULE_OK)
			return reject(f, span, b, v.rule) ? ASK_AGAIN : AT_END;
		set_end(f, &(struct fetch_result){.end = FETCH_STOPPED});
		return AT_END;
	}
	span->judged++;
	f->next++;
	f->result.bodies++;
	f->is_unflushed = true;
	f->group++;
	f->group_bytes += b->size;
	return TAKEN;
}

static void
forget_judged(struct fetch *f)
{
	size_t done = (size_t)(f->next - f->base);

	if (done < DONE_WITH)
		return;
	f->count -= done;
	f->base = f->next;
	memmove(f->pending, f->pending + done, f->count * sizeof(*f->pending));
}

/* Judges what is here, for a while. */
static enum taken
judge_some(struct fetch *f)
{
	uint64_t until = clock_mono_ms() + SLICE_MS;
	enum taken taken = TAKEN;
	struct span *span;

	while (taken == TAKEN && (span = window_first(&f->window)) != NULL) {
		foresee(f);
		taken = take_body(f, span);
		if (span->judged == span->count) {
			window_shift(&f->window);
			forget_judged(f);
		}
		if (clock_mono_ms() >= until)
			break;
	}
	return taken;
}

static void
judge(void *ctx)
{
	struct fetch *f = ctx;
	enum taken taken = judge_some(f);
	bool is_due = f->next == f->base + f->count || f->group >= GROUP_BLOCKS || f->group_bytes >= GROUP_BYTES;

	if (taken != AT_END && f->group > 0 && is_due) {
		if (!flush(f))
			taken = AT_END;
		else
			say_progress(f);
	}
	if (taken == AT_END)
		fetch_finish(f);
	else
		fetch_go_on(f);
}

/* Enough has come, or all that could is here already. */
static bool
keeps_pace(struct fetch *f, uint64_t now_ms)
{
	bool is_fast = f->gained >= PACE_ITEMS || f->gained_bytes >= PACE_BYTES;

	if (now_ms - f->paced_ms < PACE_MS)
		return true;
	f->paced_ms = now_ms;
	f->gained = 0;
	f->gained_bytes = 0;
	return is_fast || window_first(&f->window) != NULL;
}

static void
watch(void *ctx)
{
	struct fetch *f = ctx;
	uint64_t now_ms = clock_mono_ms();

	if (!keeps_pace(f, now_ms) || (!f->has_begun && now_ms - f->begun_ms >= HEADERS_MS)) {
		struct fetch_result fault = fetch_fault(FETCH_FAILED, "it is too slow");

		fetch_note(f, &fault);
		fetch_finish(f);
		return;
	}
	loop_timer_arm(f->watch, f->late_ms / 2);
	if (f->group > 0 && !flush(f)) {
		fetch_finish(f);
		return;
	}
	if (f->has_begun)
		say_progress(f);
	fetch_go_on(f); /* somebody may be late */
}

static void
begin(void *ctx)
{
	struct fetch *f = ctx;

	f->begun_ms = f->paced_ms = clock_mono_ms();
	loop_timer_arm(f->watch, f->late_ms / 2);
	fetch_read_headers(f);
}

struct fetch *
fetch_start(struct loop *l, const struct fetch_options *o, const struct fetch_callbacks *callbacks, void *ctx)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->loop = l;
	f->params = *o->params;
	f->late_ms = o->late_ms;
	f->cb = *callbacks;
	f->ctx = ctx;
	if (o->from != NULL) {
		f->from_space = *o->from;
		f->from = &f->from_space;
	}
	for (size_t i = 0; i < o->peer_count; i++)
		fetch_add_peer(f, &o->peers[i]);
	f->reader = peer_dial(l, &f->sources[0].at, f->from);
	window_init(&f->window, 2 + BLOCKS_MAX * 4 + BLOCKS_BYTES_MAX + o->params->max_block_bytes);
	f->start = loop_timer_new(l, begin, f);
	f->judge = loop_timer_new(l, judge, f);
	f->watch = loop_timer_new(l, watch, f);
	loop_timer_arm(f->start, 0);
	return f;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	hang_up(f);
	loop_timer_free(f->start);
	loop_timer_free(f->judge);
	loop_timer_free(f->watch);
	window_clear(&f->window);
	free(f->pending);
	free(f);
}
