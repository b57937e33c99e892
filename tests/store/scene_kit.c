#include "scene_kit.h"

#include <check.h>
#include <string.h>

#include "disk_maker.h"
#include "process.h"
#include "store/layout.h"
#include "store/ring.h"
#include "util/failpoint.h"
#include "witness.h"

#define BATCH 3
#define OUTSPENT 7 /* the transfer that the other branch rules out */

static const struct segment_plan plan = {.pool_max = POOL_MAX};
const struct segment_plan scene_again_plan = {.name = "again", .pool_max = POOL_MAX};

/* The pool's process in small. */
struct desk {
	struct mempool *pool;
	struct hash256 ids[BATCH];
	bool is_new[BATCH];
	size_t judged;
};

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct desk *d = ctx;
	struct reader r = reader_of(bytes, size);
	struct admission a;
	struct tx tx;

	need(tx_decode(&tx, &r) == RULE_OK && reader_done(&r));
	a = mempool_admit(d->pool, &tx, from_client, 1000);
	d->ids[d->judged] = tx_id(&tx);
	d->is_new[d->judged++] = a.is_new;
	return a;
}

static void
seal(void *ctx, struct admission *verdicts, size_t count)
{
	struct desk *d = ctx;

	need(count == d->judged);
	if (mempool_keep(d->pool) == OK)
		return;
	for (size_t i = 0; i < count; i++)
		if ((verdicts[i].status == ADMISSION_PENDING || verdicts[i].status == ADMISSION_WAITING) &&
		    !mempool_is_kept(d->pool, &d->ids[i]))
			verdicts[i].status = ADMISSION_NOT_KEPT;
	for (size_t i = 0; i < count; i++)
		if (d->is_new[i])
			mempool_withdraw(d->pool, &d->ids[i]);
}

void
scene_serve(struct store *s, struct mempool *pool)
{
	struct desk d = {.pool = pool};
	struct settle_report report;
	bool is_settled;
	size_t drained;

	do {
		bool rang[STORE_RINGS_MAX] = {false};
		is_settled = mempool_settle_some(pool, 2000, 1, &report);
		d.judged = 0;
		drained = ring_drain(s, BATCH, judge, seal, &d, rang);
	} while (drained > 0 || !is_settled);
	(void)!mempool_keep(pool);
}

void
scene_work(struct store *s, void *arg)
{
	const struct scene_job *job = arg;
	struct mempool *pool;

	if (job->point != NULL)
		failpoint_arm(job->point, FAILPOINT_KILL, job->pass);
	pool = mempool_open(s);
	scene_serve(s, pool);
	if (job->is_tidying)
		need(mempool_tidy(pool) == OK);
	failpoint_clear();
	mempool_close(pool);
}

void
scene_ask(struct scene *c, struct tx tx, bool from_client)
{
	struct ask *a = &c->asks[c->count++];
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	need(c->count <= ASKS_MAX);
	tx_encode(&w, &tx);
	*a = (struct ask){.tx = tx, .id = tx_id(&tx), .from_client = from_client};
	a->slot = ring_put_tx(c->s, c->ring, bytes, writer_len(&w), from_client);
	need(a->slot >= 0);
}

unsigned
scene_listen(struct scene *c)
{
	unsigned not_kept = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		struct ask *a = &c->asks[i];
		struct admission v;
		if (a->slot < 0 || !ring_take_verdict(c->s, c->ring, a->slot, &v))
			continue;
		a->slot = -1;
		a->is_told = a->is_told || v.status == ADMISSION_PENDING || v.status == ADMISSION_WAITING ||
			     v.status == ADMISSION_CONFIRMED;
		need(v.status != ADMISSION_RETRY);
		not_kept += v.status == ADMISSION_NOT_KEPT;
	}
	return not_kept;
}

void
scene_commit(struct maker *m, struct blockref from, unsigned miner, const struct tx *txs, size_t count, unsigned more)
{
	need(maker_begin(m, from) == OK && maker_add(m, miner, txs, count, 20000 + count) == OK);
	for (unsigned i = 0; i < more; i++)
		need(maker_add(m, miner, NULL, 0, 21000) == OK);
	need(durable_commit(m) == OK);
}

void
scene_begin(struct scene *c, const char *folder)
{
	struct maker m;

	memset(c, 0, sizeof(*c));
	c->folder = folder;
	c->s = durable_start(folder, &plan);
	ck_assert_int_eq(ring_assign(c->s, &c->ring), OK);
	maker_init(&m, c->s, 8);
	ck_assert_int_eq(maker_begin(&m, chain_tip(c->s)), OK);
	for (unsigned i = 0; i < 2 * PEOPLE; i++)
		ck_assert_int_eq(maker_add(&m, i % PEOPLE, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&m), OK);
	maker_clear(&m);
}

void
scene_set(struct scene *c, const char *folder)
{
	struct mempool *pool;
	struct blockref fork;
	struct maker m;
	struct tx other;

	scene_begin(c, folder);
	fork = chain_tip(c->s);
	for (uint64_t i = 0; i < 4; i++)
		scene_ask(c, transfer_unsigned(c->s, 0, 1, COIN / 8 + i, 10, i), true);
	for (uint64_t i = 0; i < 3; i++)
		scene_ask(c, transfer_unsigned(c->s, 1, 2, COIN / 4 + i, 20, i), i != 1);
	scene_ask(c, transfer_unsigned(c->s, 2, 3, COIN, 5, 0), true);
	c->early = c->count;
	pool = mempool_open(c->s);
	scene_serve(c->s, pool);
	ck_assert_uint_eq(scene_listen(c), 0);

	/* Branch A mines the first three of 0 and one of 1 and of 2; the pool hears of it. */
	maker_init(&m, c->s, 9);
	scene_commit(&m, fork, 4,
		     (struct tx[]){c->asks[0].tx, c->asks[1].tx, c->asks[2].tx, c->asks[4].tx, c->asks[7].tx}, 5, 1);
	scene_serve(c->s, pool);
	mempool_close(pool);
	for (uint32_t i = 0; i < c->early; i++)
		ck_assert(c->asks[i].is_told);
	ck_assert_uint_eq(mempool_count(c->s), 3);

	/* Branch B has one of them too, and spends what 2 had promised on something else. */
	other = transfer_unsigned(c->s, 2, 5, COIN + COIN / 2, 1, 0);
	scene_commit(&m, fork, 5, (struct tx[]){c->asks[0].tx, other}, 2, 2);
	maker_clear(&m);

	/* What comes after the swap: backwards, so that all but the last wait; then peers' with rising fees. */
	scene_ask(c, c->asks[PROMOTED].tx, true);
	for (uint64_t i = 4; i-- > 0;)
		scene_ask(c, transfer_unsigned(c->s, 3, 0, COIN / 16, 1 + i, i), true);
	for (uint64_t i = 0; i < 6; i++)
		scene_ask(c, transfer_unsigned(c->s, 4, 0, COIN / 16, 100 + 50 * i, i), false);
	scene_ask(c, transfer_unsigned(c->s, 5, 0, COIN / 16, 0, 0), true);
}

/* Is it promised by anybody to a client? */
static bool
is_a_clients(const struct scene *c, const struct hash256 *id)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->asks[i].is_told && c->asks[i].from_client && hash_equal(&c->asks[i].id, id))
			return true;
	return false;
}

void
scene_check_told(const struct scene *c, const struct store *s, const char *when, const struct scene_job *job)
{
	const char *point = job->point == NULL ? "unharmed" : job->point;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct ask *a = &c->asks[i];
		struct pool_entry e;
		struct tx_place place;

		if (!a->is_told)
			continue;
		if (mempool_find(s, &a->id, &e))
			ck_assert_msg(e.from_client || !is_a_clients(c, &a->id),
				      "%s, pass %u, %s: transfer %u is not a client's any more", point, job->pass, when,
				      i);
		else if (!chain_find_tx(s, chain_tip(s), &a->id, &place))
			/* The one that was outspent; and peers' that made room. */
			ck_assert_msg(i == OUTSPENT || !is_a_clients(c, &a->id),
				      "%s, pass %u, %s: transfer %u was told and is nowhere", point, job->pass, when,
				      i);
	}
}

void
scene_check_disk(const struct scene *c, const char *when, const struct scene_job *job)
{
	static const char *copy;
	struct store *again;

	if (copy == NULL)
		copy = scratch_make();
	scratch_copy(copy, c->folder);
	again = durable_start(copy, &scene_again_plan);
	ck_assert(hash_equal(chain_hash(c->s, chain_tip(c->s)), chain_hash(again, chain_tip(again))));
	witness_pool(again);
	scene_check_told(c, again, when, job);
	segment_unmake_one(again);
}

void
scene_end(struct scene *c)
{
	static const char *empty;

	if (empty == NULL)
		empty = scratch_make();
	segment_unmake_one(c->s);
	scratch_copy(c->folder, empty);
}
