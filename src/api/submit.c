/*
 * The queue before the ring. Batches take turns, a few transfers each, so that one of a thousand does not hold up one
 * of one; and after some signatures the loop gets a turn too. What came in with one turn of the loop is checked after
 * it, together, so that the pool is woken once for all of it, and syncs once. Slots of the ring are filled in order and
 * judged in order, so the verdicts to look for are always those of the oldest slots.
 *
 * What must stay true: a batch is in `held` exactly until its request is answered; a slot in `slots` belongs to a
 * transfer of a batch that is held, or to nobody.
 */
#include "submit.h"

#include <stdlib.h>
#include <string.h>

#include "store/chain.h"
#include "store/tally.h"
#include "util/clock.h"
#include "util/mem.h"

#define TURN_TRANSFERS 8   /* of one batch, before the next has its turn */
#define PUMP_SIGNATURES 32 /* checked before the loop has its turn: 1 or 2 ms */
#define POOL_TRIES 8	   /* of a transfer for which the chain moved too often */

TAILQ_HEAD(batches, batch);

struct submit {
	struct api *api;
	struct batches queue; /* those with transfers that wait for the ring */
	struct batches held;
	size_t held_count; /* transfers in held batches */
	struct transfer *slots[RING_TXS];
	struct batch *owners[RING_TXS]; /* NULL: nobody waits for it */
	uint32_t first;			/* oldest slot in use */
	uint32_t used;			/* slots from there on */
	struct loop_timer *turn;	/* pumps */
	bool is_turn_due;
	struct loop_timer *overdue;
};

static void pump(void *ctx);
static void expire(void *ctx);

struct batch *
batch_new(enum batch_kind kind, size_t count)
{
	struct batch *b = xcalloc(1, sizeof(*b) + count * sizeof(b->transfers[0]));

	b->kind = kind;
	b->count = count;
	return b;
}

void
batch_free(struct batch *b)
{
	free(b);
}

void
batch_put(struct batch *b, size_t i, const struct tx *tx, const struct hash256 *id)
{
	struct transfer *t = &b->transfers[i];
	struct writer w = writer_of(t->bytes, sizeof(t->bytes));

	tx_encode(&w, tx);
	t->size = (uint16_t)writer_len(&w);
	t->id = *id;
	t->state = TRANSFER_WAITING;
	b->open++;
}

void
batch_refuse(struct batch *b, size_t i, const struct field_error *e)
{
	b->transfers[i].state = TRANSFER_REFUSED;
	no_of_field(&b->transfers[i].no, e);
}

struct submit *
submit_new(struct api *a)
{
	struct submit *s = xcalloc(1, sizeof(*s));

	s->api = a;
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->held);
	s->turn = loop_timer_new(a->o.loop, pump, s);
	s->overdue = loop_timer_new(a->o.loop, expire, s);
	return s;
}

bool
submit_has_room(const struct submit *s, size_t count)
{
	return s->held_count + count <= SUBMIT_MAX;
}

void
submit_full(struct api *a, struct http_req *req)
{
	reply_error(a, req, 503, "busy",
		    "too many transfers are on their way into the pool; none of these was taken, send them again");
}

static void
queue_add(struct submit *s, struct batch *b)
{
	if (b->is_queued)
		return;
	b->is_queued = true;
	TAILQ_INSERT_TAIL(&s->queue, b, queued);
}

static void
queue_remove(struct submit *s, struct batch *b)
{
	if (!b->is_queued)
		return;
	b->is_queued = false;
	TAILQ_REMOVE(&s->queue, b, queued);
}

/* Nobody waits for this one's verdict any more; the pool frees its slot. */
static void
forget(struct submit *s, struct transfer *t)
{
	ring_forget_tx(s->api->store, s->api->o.ring, t->slot);
	s->owners[t->slot] = NULL;
}

/* The batch leaves this room, with every slot that is still its own. */
static void
release(struct submit *s, struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->transfers[i].state == TRANSFER_IN_RING)
			forget(s, &b->transfers[i]);
	queue_remove(s, b);
	TAILQ_REMOVE(&s->held, b, held);
	s->held_count -= b->count;
}

static void
answer(struct submit *s, struct batch *b)
{
	release(s, b);
	verdict_reply(s->api, b, b->req);
	batch_free(b);
}

/* The client is gone: nobody was told anything, so what was not handed in yet need not be. */
static void
client_gone(void *ctx)
{
	struct batch *b = ctx;

	release(b->submit, b);
	http_reply(b->req, 503, NULL, NULL, 0);
	batch_free(b);
}

static void
close_one(struct batch *b, struct transfer *t, enum transfer_state state)
{
	t->state = state;
	b->open--;
}

static void
refuse(struct batch *b, struct transfer *t, const struct tx *tx, enum rule rule)
{
	verdict_explain(b->submit->api, &t->no, tx, rule);
	tally_refused(b->submit->api->store, rule);
	close_one(b, t, TRANSFER_REFUSED);
	/* What comes after a bad transfer of a push is not looked at. */
	if (b->kind == BATCH_PUSH)
		b->open = 0;
}

bool
submit_is_known(const struct api *a, const struct hash256 *id)
{
	struct pool_entry e;
	struct tx_place place;

	return mempool_find(a->store, id, &e) || chain_find_tx(a->store, chain_tip(a->store), id, &place);
}

/* Form and signature. False: it is refused, or needs no more work. */
static bool
check(struct batch *b, struct transfer *t)
{
	const struct api *a = b->submit->api;
	struct reader r = reader_of(t->bytes, t->size);
	struct tx tx;
	enum rule rule = tx_decode(&tx, &r);

	if (rule == RULE_OK)
		rule = tx_check_form(&tx, a->params, store_genesis(a->store));
	if (rule == RULE_OK && b->kind == BATCH_PUSH && submit_is_known(a, &t->id)) {
		b->known++;
		close_one(b, t, TRANSFER_JUDGED);
		return false;
	}
	if (rule == RULE_OK)
		rule = tx_check_signature_of(&tx, &t->id);
	if (rule != RULE_OK) {
		refuse(b, t, &tx, rule);
		return false;
	}
	t->is_checked = true;
	return true;
}

/* False: the ring is full. */
static bool
put(struct submit *s, struct batch *b, struct transfer *t)
{
	int slot = ring_put_tx(s->api->store, s->api->o.ring, t->bytes, t->size, b->kind != BATCH_PUSH);

	if (slot < 0)
		return false;
	t->slot = slot;
	t->state = TRANSFER_IN_RING;
	s->slots[slot] = t;
	s->owners[slot] = b;
	s->used++;
	if (b->kind == BATCH_PUSH) {
		forget(s, t);
		close_one(b, t, TRANSFER_JUDGED);
	}
	return true;
}

/* Feeds a few of one batch. False: the ring is full. */
static bool
feed(struct submit *s, struct batch *b, unsigned *signatures, unsigned *puts)
{
	for (unsigned n = 0; n < TURN_TRANSFERS && b->next < b->count && b->open > 0; b->next++) {
		struct transfer *t = &b->transfers[b->next];

		if (t->state != TRANSFER_WAITING)
			continue;
		/* No signature is checked ahead of a ring without room: its client may give up before. */
		if (s->used == RING_TXS)
			return false;
		n++;
		if (!t->is_checked) {
			(*signatures)++;
			if (!check(b, t))
				continue;
		}
		if (!put(s, b, t))
			return false;
		(*puts)++;
	}
	return true;
}

/* After what the loop has in hand: more may come with it. */
static void
want_turn(struct submit *s)
{
	if (s->is_turn_due || TAILQ_EMPTY(&s->queue))
		return;
	s->is_turn_due = true;
	loop_timer_arm(s->turn, 0);
}

static void
pump(void *ctx)
{
	struct submit *s = ctx;
	struct api *a = s->api;
	unsigned signatures = 0, puts = 0;
	bool is_full = false;
	struct batch *b;

	s->is_turn_due = false;
	while (signatures < PUMP_SIGNATURES && !is_full && (b = TAILQ_FIRST(&s->queue)) != NULL) {
		unsigned before = puts;

		is_full = !feed(s, b, &signatures, &puts);
		/* Who got nothing keeps its place; who took the last slot has had its turn. */
		if (is_full && puts == before)
			break;
		queue_remove(s, b);
		if (b->open == 0)
			answer(s, b);
		else if (b->next < b->count)
			queue_add(s, b);
	}
	if (puts > 0)
		a->o.wake(a->o.wake_ctx, API_WAKE_POOL);
	if (!is_full)
		want_turn(s);
}

void
submit_take(struct submit *s, struct batch *b, struct http_req *req)
{
	uint64_t limit_ms = s->api->o.request_timeout_ms, wait_ms = SUBMIT_WAIT_MS;

	if (limit_ms > 0 && limit_ms < wait_ms)
		wait_ms = limit_ms;
	b->submit = s;
	b->req = req;
	b->deadline_ms = clock_mono_ms() + wait_ms;
	/* All wait equally long, so the oldest is always the first whose time is up. */
	if (TAILQ_EMPTY(&s->held))
		loop_timer_arm(s->overdue, wait_ms);
	TAILQ_INSERT_TAIL(&s->held, b, held);
	s->held_count += b->count;
	if (b->open == 0) {
		answer(s, b);
		return;
	}
	http_req_on_close(req, client_gone, b);
	queue_add(s, b);
	want_turn(s);
}

/* A verdict came. RETRY: the chain moved under the pool too often; it is asked again. */
static void
take(struct submit *s, struct batch *b, struct transfer *t, const struct admission *verdict)
{
	if (verdict->status == ADMISSION_RETRY && ++t->tries < POOL_TRIES) {
		size_t i = (size_t)(t - b->transfers);

		t->state = TRANSFER_WAITING;
		if (i < b->next)
			b->next = i;
		queue_add(s, b);
		return;
	}
	t->admission = *verdict;
	close_one(b, t, TRANSFER_JUDGED);
	if (b->open == 0)
		answer(s, b);
}

void
submit_bell(struct submit *s)
{
	struct admission verdict;

	while (s->used > 0) {
		uint32_t slot = s->first;
		struct batch *b = s->owners[slot];

		if (b != NULL && !ring_take_verdict(s->api->store, s->api->o.ring, (int)slot, &verdict))
			break;
		s->owners[slot] = NULL;
		s->first = (slot + 1) % RING_TXS;
		s->used--;
		if (b != NULL)
			take(s, b, s->slots[slot], &verdict);
	}
	want_turn(s);
}

/* No verdict in time. What the pool may have seen is unknown; what it never got is not. */
static void
give_up(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct transfer *t = &b->transfers[i];

		if (t->state == TRANSFER_WAITING)
			no_set(
			    &t->no, 503, "busy",
			    "too many transfers are on their way into the pool; this one was not taken, send it again");
		else if (t->state == TRANSFER_IN_RING)
			no_set(&t->no, 503, "outcome-unknown",
			       "the pool did not answer in time, so whether it took the transfer is not known; it is "
			       "safe to send the "
			       "same transfer again");
		else
			continue;
		if (t->state == TRANSFER_IN_RING)
			forget(b->submit, t);
		close_one(b, t, TRANSFER_REFUSED);
	}
}

static void
expire(void *ctx)
{
	struct submit *s = ctx;
	uint64_t now = clock_mono_ms();
	struct batch *b;

	while ((b = TAILQ_FIRST(&s->held)) != NULL && b->deadline_ms <= now) {
		give_up(b);
		answer(s, b);
	}
	if (b != NULL)
		loop_timer_arm(s->overdue, b->deadline_ms - now);
}

void
submit_free(struct submit *s)
{
	struct batch *b;

	while ((b = TAILQ_FIRST(&s->held)) != NULL) {
		give_up(b);
		answer(s, b);
	}
	loop_timer_free(s->turn);
	loop_timer_free(s->overdue);
	free(s);
}
