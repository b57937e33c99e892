/*
 * Readers while the chain is written: first as orderings, with the writer stopped at each point of a swap and of an
 * extension; then by luck, streaming whole chains while branches are swapped thousands of times, and while committers
 * are killed at random moments.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "suites.h"
#include "util/clock.h"
#include "util/failpoint.h"
#include "witness.h"

#define WINDOW 8

/* A pinned chain from genesis to its tip, as a route streams it: every block follows the one before. */
static void
stream(const struct store *s, struct blockref tip)
{
	struct hash256 previous = {{0}};
	struct blockref refs[WINDOW];
	uint64_t from = 0, work = 0;
	size_t n;

	while ((n = chain_window(s, tip, from, refs, WINDOW)) > 0)
		for (size_t i = 0; i < n; i++, from++) {
			struct hash256 hash;
			struct block b;

			chain_block(s, refs[i], &b);
			hash = header_hash_bytes(b.bytes);
			need(hash_equal(&hash, &b.hash));
			need(b.header.height == from && hash_equal(&b.header.previous, &previous));
			if (from % 16 == 0) {
				struct hash256 root = block_merkle_root(&b);
				need(from == 0 || hash_equal(&root, &b.header.merkle_root));
			}
			previous = b.hash;
			work++;
		}
	need(work == chain_height(s, tip) + 1 && hash_equal(&previous, chain_hash(s, tip)));
	/* The tip's own hash is in the index before the tip is. */
	need(blockref_equal(chain_find(s, tip, &previous), tip));
}

/* Every coin of a chain is somebody's: rewards and transfers go to people alone. False: the chain moved meanwhile. */
static bool
count_coins(const struct store *s, struct blockref tip)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PEOPLE; i++) {
		struct address who = person(i);
		struct account a;
		enum err e = chain_account(s, tip, &who, &a, NULL);

		if (e == ERR_STALE)
			return false;
		need(e == OK);
		sum += a.balance;
	}
	need(sum == chain_supply(s, tip));
	return true;
}

static struct store *
segment_with_chain(struct maker *m, unsigned blocks)
{
	struct store *s = segment_make(&(struct segment_plan){.size_max = UINT64_C(256) << 20});

	maker_init(m, s, 19);
	need(maker_grow(m, chain_tip(s), blocks, 4) == OK);
	return s;
}

#ifdef RENSA_FAILPOINTS
/* Where a committing writer is stopped, and what readers then see. */
static const struct {
	const char *point;
	unsigned pass;
	bool is_published;
	bool has_accounts; /* of a swap: no, heads are on the move */
} moments[] = {
    {"commit.begun", 1, false, true},	    {"commit.indexed-hash", 1, false, true},
    {"commit.indexed-tx", 1, false, true},  {"trie.before-link", 3, false, true},
    {"commit.indexed", 1, false, true},	    {"commit.swap-begun", 1, false, false},
    {"commit.head-on", 1, false, false},    {"commit.head-on", 3, false, false},
    {"commit.before-tip", 1, false, false}, {"commit.after-tip", 1, true, false},
    {"commit.before-clear", 1, true, true}, {"lock.before-post", 1, true, true},
};

struct move {
	const char *point;
	unsigned pass;
	struct blockref from; /* the branch goes on from here */
	unsigned blocks;
};

static void
move_tip(struct store *s, void *arg)
{
	const struct move *move = arg;
	struct maker m;

	maker_init(&m, s, 5);
	need(maker_stage(&m, move->from, move->blocks, 3) == OK);
	failpoint_arm(move->point, FAILPOINT_STOP, move->pass);
	need(maker_commit(&m) == OK);
	failpoint_clear();
	m.kept = m.at;
	maker_clear(&m);
}

static void
look_while_it_stands(bool is_swap)
{
	struct maker m;
	struct store *s = segment_with_chain(&m, 30);
	struct blockref old = chain_tip(s), now;
	struct move move = {.blocks = is_swap ? 6 : 2};
	pid_t pid;
	int status;

	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		old = chain_tip(s);
		move.point = moments[i].point;
		move.pass = moments[i].pass;
		move.from = is_swap ? chain_at(s, old, chain_height(s, old) - 4) : old;
		pid = spawn(s, STORE_COMMIT, 1, 0, move_tip, &move);
		ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
		ck_assert_msg(WIFSTOPPED(status), "%s is never reached", move.point);
		now = chain_tip(s);
		ck_assert_msg(!blockref_equal(now, old) == moments[i].is_published, "at %s", move.point);
		stream(s, now);
		stream(s, old);
		if (!is_swap || moments[i].has_accounts)
			ck_assert(count_coins(s, now));
		if (!is_swap)
			ck_assert(count_coins(s, old));
		ck_assert_int_eq(kill(pid, SIGCONT), 0);
		await_ok(s, pid);
		ck_assert(!blockref_equal(chain_tip(s), old));
		stream(s, old);
		witness_accounts(s);
	}
	maker_clear(&m);
}

START_TEST(of_an_extension_see_the_old_chain_or_the_new_one_at_each_moment)
{
	look_while_it_stands(false);
}
END_TEST

START_TEST(of_a_swap_see_the_old_chain_or_the_new_one_at_each_moment)
{
	look_while_it_stands(true);
}
END_TEST

/* An account is waited for while heads move, and then told as of the tip that was asked about. */
struct patience {
	_Atomic uint32_t asks;
	_Atomic uint32_t is_told;
	struct blockref about;
};

static void
ask_account(struct store *s, void *arg)
{
	struct patience *p = arg;
	struct address who = person(0);
	struct account a;

	atomic_store(&p->asks, 1);
	need(chain_account(s, p->about, &who, &a, NULL) == OK);
	atomic_store(&p->is_told, 1);
}

START_TEST(wait_for_accounts_while_heads_are_on_the_move)
{
	struct maker m;
	struct store *s = segment_with_chain(&m, 30);
	struct patience *p = share(sizeof(*p));
	struct move move = {"commit.head-back", 2, chain_at(s, chain_tip(s), 26), 6};
	pid_t writer = spawn(s, STORE_COMMIT, 1, 0, move_tip, &move), reader;
	int status;

	ck_assert_int_eq(waitpid(writer, &status, WUNTRACED), writer);
	ck_assert(WIFSTOPPED(status));
	p->about = chain_at(s, chain_tip(s), 20);
	reader = spawn(s, STORE_READ, 2, 0, ask_account, p);
	wait_for(&p->asks, 1);
	clock_sleep_ms(20);
	ck_assert_uint_eq(atomic_load(&p->is_told), 0);
	ck_assert_int_eq(kill(writer, SIGCONT), 0);
	await_ok(s, writer);
	await_ok(s, reader);
	maker_clear(&m);
}
END_TEST
#endif

/* By luck. */
#define READERS 2

struct bustle {
	_Atomic uint32_t is_over;
	_Atomic uint32_t started;
	_Atomic uint32_t streams[READERS];
	_Atomic uint32_t counts[READERS];
	_Atomic uint32_t commits;
	struct blockref tips[2];
};

static void
read_on(struct store *s, void *arg)
{
	struct bustle *b = arg;
	uint64_t random = s->role;

	atomic_fetch_add(&b->started, 1);
	while (!atomic_load(&b->is_over)) {
		struct blockref tip = chain_tip(s);

		stream(s, tip);
		atomic_fetch_add(&b->streams[s->role], 1);
		for (int i = 0; i < 20; i++) {
			tip = chain_tip(s);
			if (count_coins(s, chain_at(s, tip, random_below(&random, chain_height(s, tip) + 1))))
				atomic_fetch_add(&b->counts[s->role], 1);
		}
	}
}

static bool
have_seen_enough(struct bustle *b, uint32_t streams, uint32_t counts)
{
	for (int i = 0; i < READERS; i++)
		if (atomic_load(&b->streams[i]) < streams || atomic_load(&b->counts[i]) < counts)
			return false;
	return true;
}

static void
swap_on(struct store *s, void *arg)
{
	enum { SWAPS = 5000 };
	struct bustle *b = arg;
	uint64_t random = 4;
	struct maker m;

	maker_init(&m, s, 23);
	wait_for(&b->started, READERS);
	for (unsigned i = 0; i < SWAPS || !have_seen_enough(b, 50, 500); i++) {
		/* Mostly between two branches that are there, now and then to a new one. */
		if (i % 50 == 49) {
			struct blockref from = chain_at(s, b->tips[i % 2], 40 + random_below(&random, 8));
			need(maker_grow(&m, from, 1 + (unsigned)random_below(&random, 8), 2) == OK);
		} else
			need(chain_swap(s, b->tips[i % 2]) == OK);
		atomic_fetch_add(&b->commits, 1);
	}
	maker_clear(&m);
	atomic_store(&b->is_over, 1);
}

START_TEST(never_see_a_mix_while_branches_are_swapped_thousands_of_times)
{
	struct maker m;
	struct store *s = segment_with_chain(&m, 50);
	struct bustle *b = share(sizeof(*b));
	pid_t readers[READERS], writer;

	b->tips[0] = chain_tip(s);
	ck_assert_int_eq(maker_grow(&m, chain_at(s, b->tips[0], 42), 9, 4), OK);
	b->tips[1] = chain_tip(s);
	for (uint32_t i = 0; i < READERS; i++)
		readers[i] = spawn(s, STORE_READ, i, 0, read_on, b);
	writer = spawn(s, STORE_COMMIT, READERS, 0, swap_on, b);
	await_ok(s, writer);
	for (uint32_t i = 0; i < READERS; i++)
		await_ok(s, readers[i]);
	ck_assert_uint_ge(atomic_load(&b->commits), 5000);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

/* Committers that extend, swap and give up, until they are killed. The chain stays between 100 and 300 blocks. */
static void
commit_on(struct store *s, void *arg)
{
	struct bustle *b = arg;
	uint64_t random = 1000 + atomic_fetch_add(&b->started, 1);
	struct maker m;

	maker_init(&m, s, random);
	for (;;) {
		struct blockref tip = chain_tip(s);
		uint64_t height = chain_height(s, tip), back = random_below(&random, 5);
		enum err e;

		if (height > 300)
			e = chain_swap(s, chain_at(s, tip, 100));
		else
			e = maker_grow(&m, chain_at(s, tip, height - back), 1 + (unsigned)back, 3);
		if (e == OK)
			atomic_fetch_add(&b->commits, 1);
		need(e == OK || e == ERR_STALE || e == ERR_BUSY);
	}
}

START_TEST(never_see_a_mix_while_committers_are_killed_at_random_moments)
{
	enum { WRITERS = 2, LASTS_MS = 2000, KILLS_MIN = 50 };
	struct maker m;
	struct store *s = segment_with_chain(&m, 120);
	struct bustle *b = share(sizeof(*b));
	uint64_t random = 31, until = clock_mono_ms() + LASTS_MS;
	pid_t readers[READERS], writers[WRITERS];
	unsigned kills = 0;
	int status;

	maker_clear(&m);
	for (uint32_t i = 0; i < READERS; i++)
		readers[i] = spawn(s, STORE_READ, i, 0, read_on, b);
	for (uint32_t i = 0; i < WRITERS; i++)
		writers[i] = spawn(s, STORE_COMMIT, READERS + i, 0, commit_on, b);
	while (clock_mono_ms() < until || kills < KILLS_MIN || !have_seen_enough(b, 10, 50)) {
		uint32_t i = (uint32_t)random_below(&random, WRITERS);
		struct timespec moment = {0, (long)random_below(&random, 10000000)};

		nanosleep(&moment, NULL);
		ck_assert_int_eq(kill(writers[i], SIGKILL), 0);
		status = await(s, writers[i]);
		ck_assert_msg(WIFSIGNALED(status), "a committer ended with %x", (unsigned)status);
		writers[i] = spawn(s, STORE_COMMIT, READERS + i, 0, commit_on, b);
		kills++;
	}
	for (uint32_t i = 0; i < WRITERS; i++) {
		kill(writers[i], SIGKILL);
		await(s, writers[i]);
	}
	atomic_store(&b->is_over, 1);
	for (uint32_t i = 0; i < READERS; i++)
		await_ok(s, readers[i]);
	ck_assert_uint_gt(atomic_load(&b->commits), 0);
	witness_accounts(s);
}
END_TEST

Suite *
suite_readers(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "readers", 120);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, of_an_extension_see_the_old_chain_or_the_new_one_at_each_moment);
	tcase_add_test(tc, of_a_swap_see_the_old_chain_or_the_new_one_at_each_moment);
	tcase_add_test(tc, wait_for_accounts_while_heads_are_on_the_move);
#endif
	tcase_add_test(tc, never_see_a_mix_while_branches_are_swapped_thousands_of_times);
	tcase_add_test(tc, never_see_a_mix_while_committers_are_killed_at_random_moments);
	return suite;
}
