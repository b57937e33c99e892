/*
 * Readers of the pool, in processes of their own, while its writer fills, empties and settles it, and while writers are
 * killed at random moments. What they are shown is whole, and what stays is found by every look.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "process.h"
#include "store/layout.h"
#include "store/mempool.h"
#include "store/seqslot.h"
#include "suites.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "witness.h"

#define READERS 2
#define POOL 128
#define STAYS 4
#define PROMISES 4096
#define COINS 20

struct bustle {
	_Atomic uint32_t is_over;
	_Atomic uint32_t pools; /* pool processes so far */
	_Atomic uint32_t walks[READERS];
	_Atomic uint32_t admitted;
	_Atomic uint32_t promised; /* client's transfers answered so far: txs[0 .. promised) */
	_Atomic uint32_t stays_in; /* the first ones are never mined, and from clients */
	struct hash256 stays[STAYS];
	struct hash256 promises[PROMISES];
	struct blockref base;
};

static struct store *
segment_with_coins(struct bustle *b)
{
	struct store *s = segment_make(&(struct segment_plan){.pool_max = POOL, .size_max = UINT64_C(256) << 20});
	struct maker m;

	maker_init(&m, s, 1);
	need(maker_begin(&m, chain_tip(s)) == OK);
	for (unsigned i = 0; i < COINS * PEOPLE; i++)
		need(maker_add(&m, i % PEOPLE, NULL, 0, 20000) == OK);
	need(maker_commit(&m) == OK);
	maker_clear(&m);
	b->base = chain_tip(s);
	return s;
}

/* The transfer is what the entry says about it. */
static void
check_entry(const struct pool_entry *e)
{
	struct reader r = reader_of(e->bytes, e->size);
	struct address sender;
	struct hash256 id;
	struct tx tx;

	need(e->size <= TX_SIZE_MAX);
	need(tx_decode(&tx, &r) == RULE_OK && reader_done(&r));
	id = tx_id(&tx);
	sender = tx_sender(&tx);
	need(hash_equal(&id, &e->id) && address_equal(&sender, &e->sender));
	need(tx.sequence == e->sequence && tx.value == e->value && tx.fee == e->fee);
}

/* While the pool lives, those that stay are found; while it may be dead, only those that are found are looked at. */
static void
look_around(const struct store *s, struct bustle *b, bool may_be_dead)
{
	struct candidate candidates[POOL];
	struct pool_sender sender;
	struct pool_entry e;
	uint64_t arrival = 0, last = 0;
	unsigned stays = 0;
	bool all_in = atomic_load(&b->stays_in) == STAYS;
	struct address who = person(PEOPLE - 1);
	size_t n;

	while (mempool_next(s, &arrival, &e)) {
		check_entry(&e);
		need(e.arrival > last);
		last = e.arrival;
		/* Once more, if very many came during this walk. */
		for (int i = 0; i < STAYS; i++)
			stays |= hash_equal(&e.id, &b->stays[i]) ? 1u << i : 0;
	}
	need(may_be_dead || !all_in || stays == (1u << STAYS) - 1);
	for (int i = 0; i < STAYS && all_in && !may_be_dead; i++) {
		need(mempool_find(s, &b->stays[i], &e));
		check_entry(&e);
		need(hash_equal(&e.id, &b->stays[i]));
	}
	if (!may_be_dead) {
		mempool_sender(s, &who, 0, &sender);
		need(!all_in || (sender.count == STAYS && sender.next_sequence == STAYS));
	}
	n = mempool_candidates(s, candidates, POOL);
	for (size_t i = 0; i < n; i++) {
		uint8_t bytes[TX_SIZE_MAX];
		uint32_t size;
		struct tx tx;
		if (mempool_fetch(s, candidates[i].ref, &tx, bytes, &size))
			need(size <= TX_SIZE_MAX);
	}
}

static void
read_living(struct store *s, void *arg)
{
	struct bustle *b = arg;

	while (!atomic_load(&b->is_over)) {
		look_around(s, b, false);
		atomic_fetch_add(&b->walks[s->role], 1);
	}
}

static void
read_dying(struct store *s, void *arg)
{
	struct bustle *b = arg;

	while (!atomic_load(&b->is_over)) {
		look_around(s, b, true);
		atomic_fetch_add(&b->walks[s->role], 1);
	}
}

static bool
have_seen_enough(struct bustle *b, uint32_t walks)
{
	for (int i = 0; i < READERS; i++)
		if (atomic_load(&b->walks[i]) < walks)
			return false;
	return true;
}

/*
 * A random transfer of anybody but the last, whose are those that stay. Clients' do not wait for others: a pool full of
 * those takes nothing that would get them mined.
 */
static void
admit_one(struct store *s, struct mempool *pool, struct bustle *b, uint64_t *random)
{
	unsigned from = (unsigned)random_below(random, PEOPLE - 1);
	struct address who = person(from);
	bool from_client = random_below(random, 16) == 0;
	struct account account;
	struct admission a;
	struct tx tx;
	uint32_t n;

	if (chain_account(s, chain_tip(s), &who, &account, NULL) != OK)
		return;
	tx = transfer_unsigned(s, from, (unsigned)random_below(random, PEOPLE - 1), 1 + random_below(random, COIN / 10),
			       random_below(random, 100000),
			       account.sequence + (from_client ? 0 : random_below(random, 6)));
	a = mempool_admit(pool, &tx, from_client, 1);
	if (a.status == ADMISSION_REFUSED || a.status == ADMISSION_RETRY)
		return;
	atomic_fetch_add(&b->admitted, 1);
	n = atomic_load(&b->promised);
	if (from_client && a.is_new && n < PROMISES) {
		b->promises[n] = tx_id(&tx);
		atomic_store(&b->promised, n + 1);
	}
}

static void
let_stay(struct store *s, struct mempool *pool, struct bustle *b)
{
	for (uint64_t i = 0; i < STAYS; i++) {
		struct tx tx = transfer_unsigned(s, PEOPLE - 1, 0, 1000 + i, 0, i);
		need(mempool_admit(pool, &tx, true, 1).status == ADMISSION_PENDING);
		b->stays[i] = tx_id(&tx);
	}
	atomic_store(&b->stays_in, STAYS);
}

static void
pool_on(struct store *s, void *arg)
{
	struct bustle *b = arg;
	uint64_t random = 100 + atomic_fetch_add(&b->pools, 1);
	struct mempool *pool = mempool_open(s);
	struct settle_report report;

	for (;;) {
		admit_one(s, pool, b, &random);
		if (random_below(&random, 10) == 0)
			mempool_settle(pool, 1, &report);
	}
}

static void
pool_until_over(struct store *s, void *arg)
{
	struct bustle *b = arg;
	struct mempool *pool = mempool_open(s);
	struct settle_report report;
	uint64_t random = 2;

	mempool_settle(pool, 1, &report);
	let_stay(s, pool, b);
	while (!atomic_load(&b->is_over)) {
		admit_one(s, pool, b, &random);
		if (random_below(&random, 10) == 0)
			mempool_settle(pool, 1, &report);
	}
	while (mempool_settle(pool, 1, &report))
		;
	witness_pool(s);
	mempool_close(pool);
}

/* Mines what is pending, or swaps to another chain. Those that stay are not taken. */
static void
mine_some(struct store *s, struct maker *m, struct blockref base, uint64_t *random)
{
	struct blockref tip = chain_tip(s);
	struct tx txs[10];
	struct account account;
	struct pool_entry e;
	uint64_t arrival = 0, height;
	size_t n = 0;

	/* Some blocks back, so that what they had returns; not so many that it fills the pool. */
	height = chain_height(s, tip);
	if (height > chain_height(s, base) + 4 && random_below(random, 4) == 0)
		tip = chain_at(s, tip, height - 1 - random_below(random, 4));
	if (maker_begin(m, tip) != OK)
		return;
	while (n < ARRAY_LEN(txs) && mempool_next(s, &arrival, &e)) {
		struct reader r = reader_of(e.bytes, e.size);
		struct address last = person(PEOPLE - 1);
		bool is_again = false;

		if (address_equal(&e.sender, &last))
			continue;
		ledger_get(m->ledger, &e.sender, &account);
		need(m->base.failed == OK);
		for (size_t i = 0; i < n; i++) {
			struct address of = tx_sender(&txs[i]);
			is_again = is_again || address_equal(&of, &e.sender);
		}
		if (!is_again && account.sequence == e.sequence && account.balance >= e.value + e.fee &&
		    tx_decode(&txs[n], &r) == RULE_OK)
			n++;
	}
	need(maker_add(m, NOBODY, txs, n, 20000 + random_below(random, 1000)) == OK);
	need(maker_commit(m) == OK);
}

START_TEST(are_shown_whole_entries_and_all_that_stay_while_others_come_and_go)
{
	enum { BLOCKS = 150, ADMITTED_MIN = 500 };
	struct bustle *b = share(sizeof(*b));
	struct store *s = segment_with_coins(b);
	pid_t readers[READERS], pool = spawn(s, STORE_POOL, READERS, 0, pool_until_over, b);
	uint64_t random = 8;
	struct maker m;

	wait_for(&b->stays_in, STAYS);
	for (uint32_t i = 0; i < READERS; i++)
		readers[i] = spawn(s, STORE_READ, i, 0, read_living, b);
	maker_init(&m, s, 3);
	for (int i = 0; i < BLOCKS || !have_seen_enough(b, 200) || atomic_load(&b->admitted) < ADMITTED_MIN; i++) {
		mine_some(s, &m, b->base, &random);
		clock_sleep_ms(1);
	}
	maker_clear(&m);
	atomic_store(&b->is_over, 1);
	for (uint32_t i = 0; i < READERS; i++)
		await_ok(s, readers[i]);
	await_ok(s, pool);
}
END_TEST

START_TEST(are_shown_whole_entries_while_pools_are_killed_and_no_promise_is_lost)
{
	enum { LASTS_MS = 2000, KILLS_MIN = 40 };
	struct bustle *b = share(sizeof(*b));
	struct store *s = segment_with_coins(b);
	uint64_t random = 9, until = clock_mono_ms() + LASTS_MS;
	pid_t readers[READERS], pool;
	struct settle_report report;
	struct mempool *last;
	unsigned kills = 0;
	struct maker m;
	int status;

	maker_init(&m, s, 3);
	for (uint32_t i = 0; i < READERS; i++)
		readers[i] = spawn(s, STORE_READ, i, 0, read_dying, b);
	while (clock_mono_ms() < until || kills < KILLS_MIN || !have_seen_enough(b, 50) ||
	       atomic_load(&b->promised) == 0) {
		struct timespec moment = {0, (long)random_below(&random, 12000000)};

		pool = spawn(s, STORE_POOL, READERS, 0, pool_on, b);
		if (random_below(&random, 2) == 0)
			mine_some(s, &m, b->base, &random);
		nanosleep(&moment, NULL);
		if (random_below(&random, 2) == 0)
			mine_some(s, &m, b->base, &random);
		ck_assert_int_eq(kill(pool, SIGKILL), 0);
		status = await(s, pool);
		ck_assert_msg(WIFSIGNALED(status), "a pool ended with %x", (unsigned)status);
		kills++;
	}
	maker_clear(&m);
	atomic_store(&b->is_over, 1);
	for (uint32_t i = 0; i < READERS; i++)
		await_ok(s, readers[i]);
	last = mempool_open(s);
	while (mempool_settle(last, 1, &report))
		;
	witness_pool(s);
	ck_assert_uint_gt(atomic_load(&b->promised), 0);
	for (uint32_t i = 0; i < atomic_load(&b->promised); i++) {
		struct tx_place place;
		struct pool_entry e;
		struct pool_gone gone;
		ck_assert_msg(
		    mempool_find(s, &b->promises[i], &e) || chain_find_tx(s, chain_tip(s), &b->promises[i], &place) ||
			mempool_gone(s, &b->promises[i], &gone) || atomic_load(&pool_at(s)->gone_count) > POOL_GONE_MAX,
		    "promise %u of %u is nowhere", i, atomic_load(&b->promised));
	}
	mempool_close(last);
}
END_TEST

/* What a reader gets from a slot at each moment of its life; the writer's steps are done by hand. */
START_TEST(of_a_slot_in_change_get_nothing_or_all_of_it)
{
	struct bustle *b = share(sizeof(*b));
	struct store *s = segment_with_coins(b);
	struct mempool *pool = mempool_open(s);
	struct pool_slot *slot;
	struct pool_packed copy;
	struct pool_entry e;
	struct settle_report report;
	uint64_t arrival = 0;
	struct candidate candidate;
	uint8_t bytes[TX_SIZE_MAX];
	uint32_t size;
	struct tx tx = transfer_unsigned(s, 0, 1, 10, 1, 0), again;

	mempool_settle(pool, 1, &report);
	ck_assert_int_eq(mempool_admit(pool, &tx, true, 1).status, ADMISSION_PENDING);
	ck_assert(mempool_next(s, &arrival, &e));
	ck_assert_uint_eq(mempool_candidates(s, &candidate, 1), 1);
	slot = &pool_slots(s)[candidate.ref];

	seqslot_open(&slot->seq);
	arrival = 0;
	ck_assert(!mempool_next(s, &arrival, &e));
	ck_assert(!mempool_find(s, &slot->entry.id, &e));
	ck_assert_uint_eq(mempool_candidates(s, &candidate, 1), 0);
	ck_assert(!mempool_fetch(s, candidate.ref, &again, bytes, &size));
	copy = slot->entry;
	copy.fee = 77;
	seqslot_write(&slot->entry, &copy, sizeof(copy));
	seqslot_close(&slot->seq);
	arrival = 0;
	ck_assert(mempool_next(s, &arrival, &e) && e.fee == 77);

	/* Taken out: the chains still lead there, and nobody is shown it. */
	seqslot_open(&slot->seq);
	atomic_store(&slot->is_used, 0);
	seqslot_close(&slot->seq);
	arrival = 0;
	ck_assert(!mempool_next(s, &arrival, &e));
	ck_assert(!mempool_find(s, &copy.id, &e));
	ck_assert(!mempool_fetch(s, candidate.ref, &again, bytes, &size));
	mempool_close(pool);
}
END_TEST

/* Chains that a dead writer left in a ring of their own come to an end for readers. */
START_TEST(of_chains_that_run_in_circles_come_to_an_end)
{
	struct bustle *b = share(sizeof(*b));
	struct store *s = segment_with_coins(b);
	struct mempool *pool = mempool_open(s);
	struct settle_report report;
	struct pool_sender sender;
	struct hash256 unknown;
	struct pool_entry e;

	mempool_settle(pool, 1, &report);
	for (uint64_t i = 0; i < 10; i++) {
		struct tx tx = transfer_unsigned(s, 0, 1, 10, 1, i);
		ck_assert(mempool_admit(pool, &tx, true, 1).is_new);
	}
	for (uint32_t i = 0; i < POOL; i++) {
		atomic_store(&pool_slots(s)[i].next_id, i);
		atomic_store(&pool_slots(s)[i].next_sender, i);
	}
	for (unsigned i = 0; i < 256; i++) {
		struct address who = person(0);
		memset(&unknown, (int)i, sizeof(unknown));
		ck_assert(!mempool_find(s, &unknown, &e));
		mempool_sender(s, &who, 0, &sender);
		ck_assert_uint_le(sender.count, POOL);
	}
	mempool_close(pool);
	/* And the next pool process makes them anew. */
	pool = mempool_open(s);
	witness_pool(s);
	ck_assert_uint_eq(mempool_count(s), 10);
	mempool_close(pool);
}
END_TEST

Suite *
suite_pool_readers(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "pool readers", 120);
	tcase_add_test(tc, of_a_slot_in_change_get_nothing_or_all_of_it);
	tcase_add_test(tc, of_chains_that_run_in_circles_come_to_an_end);
	tcase_add_test(tc, are_shown_whole_entries_and_all_that_stay_while_others_come_and_go);
	tcase_add_test(tc, are_shown_whole_entries_while_pools_are_killed_and_no_promise_is_lost);
	return suite;
}
