/*
 * The pool process: the one writer of the pool of pending transfers. It wakes when a worker has put transfers into its
 * ring and when the tip has moved; first it follows the tip, then it judges what the rings hold, batch by batch, and
 * wakes the workers that wait for verdicts.
 *
 * If it dies, workers' transfers stay in their rings and are judged by its successor, which first mends the slots; one
 * that was let in already gets the same verdict again.
 */
#include <inttypes.h>
#include <string.h>

#include "node/roles.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "util/log.h"

#define BATCH 1024
#define SWEEP_MS 1000 /* looks without a bell, in case its ringer died before it rang */

struct pool {
	struct child *child;
	struct mempool *mempool;
	struct loop_timer *sweep;
	struct loop_timer *more; /* there is more to do, after the loop had a turn */
	uint64_t now_ms;
	uint32_t accepted;
};

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct pool *p = ctx;
	struct reader r = reader_of(bytes, size);
	struct admission a = {ADMISSION_REFUSED, RULE_TX_MALFORMED, false};
	struct tx tx;

	/* Checked by the worker already; decoded again because the ring is the worker's to write. */
	if (tx_decode(&tx, &r) == RULE_OK && reader_done(&r) && tx.version == TX_TRANSFER)
		a = mempool_admit(p->mempool, &tx, from_client, p->now_ms);
	if (a.is_new)
		p->accepted++;
	if (a.status == ADMISSION_REFUSED)
		role_count(p->child->env->store, COUNT_REJECTED, 1);
	FAILPOINT("pool.judged");
	return a;
}

static void
settle(struct pool *p)
{
	struct settle_report report;

	if (!mempool_settle(p->mempool, p->now_ms, &report))
		return;
	role_count(p->child->env->store, COUNT_RETURNED, report.returned);
	if (report.returned > 0 || report.dropped > 0)
		log_info("pool: a new chain mined %" PRIu32 ", returned %" PRIu32 " and ruled out %" PRIu32
			 " pending transfers",
			 report.mined, report.returned, report.dropped);
	if (report.returned > 0)
		bell_ring(&p->child->env->bells, BELL_RELAY);
}

static void
work(void *ctx)
{
	struct pool *p = ctx;
	const struct node_env *env = p->child->env;
	bool rang[STORE_RINGS_MAX] = {false};
	size_t judged;

	p->now_ms = clock_wall_ms();
	p->accepted = 0;
	settle(p);
	judged = ring_drain(env->store, BATCH, judge, p, rang);
	for (uint32_t i = 0; i < STORE_RINGS_MAX; i++)
		if (rang[i])
			bell_ring_worker(&env->bells, i);
	if (p->accepted > 0) {
		role_count(env->store, COUNT_ACCEPTED, p->accepted);
		bell_ring(&env->bells, BELL_RELAY);
		bell_ring(&env->bells, BELL_MINER);
	}
	if (judged == BATCH)
		loop_timer_arm(p->more, 0);
}

static void
sweep(void *ctx)
{
	struct pool *p = ctx;

	work(p);
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
	sweep(&p);
	code = child_run(c);
	work(&p); /* what came in while the others stopped */
	mempool_close(p.mempool);
	return code;
}
