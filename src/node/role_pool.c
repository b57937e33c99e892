/*
 * The pool process: the one writer of the pool of pending transfers. It wakes when a worker has put transfers into its
 * ring and when the tip has moved; first it follows the tip, then it judges what the rings hold, batch by batch, and
 * wakes the workers that wait for verdicts. After a swap of branches there may be thousands of transfers to give back, a
 * millisecond of work for each thousand: then it follows the tip a piece a turn, and rings are looked into between the
 * pieces, so that a new transfer waits for one piece. Who listens to events is told when the pool is where the chain is.
 *
 * What a turn lets in is written to the pool's log with one sync for all of it, and only then are the verdicts told: what
 * a client was promised survives every process and the machine. When the log cannot be written, what was new is taken
 * out again and refused, and everything goes on by itself once it can.
 *
 * If it dies, workers' transfers stay in their rings and are judged by its successor, which first mends the slots and
 * writes to the log what its predecessor had not; one that was let in already gets the same verdict again. And it has all
 * workers look for verdicts of which they were not told.
 */
#include <inttypes.h>
#include <string.h>

#include "node/roles.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "store/tally.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/log.h"

#define BATCH 1024
#define PIECE 512	  /* transfers followed in a turn: half a millisecond */
#define LAST_TURNS 100000 /* more than a full segment has pieces: only a chain that cannot be read takes as many */
#define SWEEP_MS 1000	  /* looks without a bell, in case its ringer died before it rang */

struct pool {
	struct child *child;
	struct mempool *mempool;
	struct loop_timer *sweep;
	struct loop_timer *more; /* there is more to do, after the loop had a turn */
	uint64_t now_ms;
	uint32_t accepted;
	struct hash256 ids[BATCH]; /* of the transfers judged in this turn, in order */
	bool is_new[BATCH];
	size_t judged;
	enum err trouble; /* why the log could not be written: logged once */

	/* What listeners were last rung for. */
	struct blockref tip;
	uint64_t arrival;
	uint64_t gone;
};

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct pool *p = ctx;
	struct reader r = reader_of(bytes, size);
	struct admission a = {ADMISSION_REFUSED, RULE_TX_MALFORMED, false};
	struct tx tx;

	/* Checked by the worker already; decoded again because the ring is the worker's to write. */
	p->ids[p->judged] = (struct hash256){0};
	if (tx_decode(&tx, &r) == RULE_OK && reader_done(&r) && tx.version == TX_TRANSFER) {
		p->ids[p->judged] = tx_id(&tx);
		a = mempool_admit_as(p->mempool, &tx, &p->ids[p->judged], from_client, p->now_ms);
	}
	p->is_new[p->judged++] = a.is_new;
	if (a.is_new)
		p->accepted++;
	if (a.status == ADMISSION_REFUSED) {
		role_count(p->child->env->store, COUNT_REJECTED, 1);
		tally_refused(p->child->env->store, a.rule);
	}
	FAILPOINT("pool.judged");
	return a;
}

/* Everything let in is in the log now, or was not let in. */
static bool
keep(struct pool *p)
{
	enum err e = mempool_keep(p->mempool), now = store_pool_log_err(p->child->env->store);

	if (now != p->trouble && now != OK)
		log_error(
		    "pool: the log of pending transfers cannot be written: %s; no new ones are taken until it can",
		    err_text(now));
	else if (now != p->trouble)
		log_info("pool: the log of pending transfers can be written again");
	p->trouble = now;
	return e == OK;
}

static void
seal(void *ctx, struct admission *verdicts, size_t count)
{
	struct pool *p = ctx;

	if (keep(p)) {
		log_debug("pool: %" PRIu32 " of %zu transfers are new and accepted", p->accepted, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if ((verdicts[i].status != ADMISSION_PENDING && verdicts[i].status != ADMISSION_WAITING) ||
		    mempool_is_kept(p->mempool, &p->ids[i]))
			continue;
		verdicts[i] = (struct admission){ADMISSION_NOT_KEPT, RULE_OK, false};
		role_count(p->child->env->store, COUNT_UNKEPT, 1);
	}
	for (size_t i = 0; i < count; i++)
		if (p->is_new[i])
			mempool_withdraw(p->mempool, &p->ids[i]);
	p->accepted = 0;
}

/* False: only a piece was done. */
static bool
settle(struct pool *p)
{
	struct settle_report report;

	if (!mempool_settle_some(p->mempool, p->now_ms, PIECE, &report))
		return false;
	role_count(p->child->env->store, COUNT_RETURNED, report.returned);
	if (report.returned > 0 || report.dropped > 0)
		log_info("pool: a new chain mined %" PRIu32 ", returned %" PRIu32 " and ruled out %" PRIu32
			 " pending transfers",
			 report.mined, report.returned, report.dropped);
	if (report.returned > 0)
		bell_ring(&p->child->env->bells, BELL_RELAY);
	return true;
}

/* Only whom new transfers concern now: to wake another process costs more than a transfer's way through this one. */
static void
ring_for_accepted(struct pool *p)
{
	const struct store *s = p->child->env->store;

	if (role_total(s, COUNT_OUTLETS) > 0)
		bell_ring(&p->child->env->bells, BELL_RELAY);
	if (role_total(s, COUNT_MODE) == MINER_ON_DEMAND)
		bell_ring(&p->child->env->bells, BELL_MINER);
}

/*
 * Those who listen to events hear of blocks from here too, not from who commits them: by now the pool has followed the
 * chain, and what it says fits. A client that has only just come is found by its worker's own look.
 */
static void
ring_listeners(struct pool *p)
{
	const struct store *s = p->child->env->store;
	struct blockref tip = chain_tip(s);
	uint64_t arrival = mempool_last_arrival(s), gone = mempool_gone_count(s);

	if (blockref_equal(tip, p->tip) && arrival == p->arrival && gone == p->gone)
		return;
	p->tip = tip;
	p->arrival = arrival;
	p->gone = gone;
	if (role_total(s, COUNT_LISTENERS) == 0)
		return;
	bell_ring_workers(&p->child->env->bells);
}

/* False: there is more to do. */
static bool
take_turn(struct pool *p)
{
	const struct node_env *env = p->child->env;
	bool rang[STORE_RINGS_MAX] = {false}, is_settled;
	size_t judged;

	p->now_ms = clock_wall_ms();
	p->accepted = 0;
	p->judged = 0;
	is_settled = settle(p);
	judged = ring_drain(env->store, BATCH, judge, seal, p, rang);
	/* What the settling has returned, if nothing was judged. */
	if (judged == 0)
		(void)keep(p);
	for (uint32_t i = 0; i < STORE_RINGS_MAX; i++)
		if (rang[i])
			bell_ring_worker(&env->bells, i);
	if (p->accepted > 0) {
		role_count(env->store, COUNT_ACCEPTED, p->accepted);
		ring_for_accepted(p);
	}
	if (is_settled)
		ring_listeners(p);
	return is_settled && judged < BATCH;
}

static void
work(void *ctx)
{
	struct pool *p = ctx;

	if (!take_turn(p))
		loop_timer_arm(p->more, 0);
}

static void
sweep(void *ctx)
{
	struct pool *p = ctx;

	work(p);
	if (mempool_tidy(p->mempool) != OK)
		log_debug("pool: the log of pending transfers could not be replaced by a shorter one");
	store_probe_disk(p->child->env->store);
	loop_timer_arm(p->sweep, SWEEP_MS);
}

int
role_pool(struct child *c)
{
	static struct pool p;
	int code;

	p.child = c;
	p.mempool = mempool_open(c->env->store);
	p.more = loop_timer_new(c->loop, work, &p);
	p.sweep = loop_timer_new(c->loop, sweep, &p);
	child_on_bell(c, c->env->bells.role[BELL_POOL], work, &p);
	/*
	 * A predecessor may have given verdicts and told nobody: it was killed, or it was older than the bells of workers that
	 * a reload has added.
	 */
	bell_ring_workers(&c->env->bells);
	sweep(&p);
	code = child_run(c);
	/* What came in while the others stopped, and all that is owed: after an orderly stop, a start does not look for it. */
	for (int i = 0; !take_turn(&p) && i < LAST_TURNS; i++)
		;
	mempool_close(p.mempool);
	return code;
}
