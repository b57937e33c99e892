/*
 * Signatures on the board: the answers are right whoever works on them, and whoever dies or stops meanwhile. That an
 * answer came from another process shows when the board holds other items than those that the poster would check.
 */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "store/board.h"
#include "store/layout.h"
#include "suites.h"
#include "util/clock.h"
#include "util/failpoint.h"

#define SIGNED 16 /* good signatures to draw from */
#define WORKERS 2
#define CHUNK_MIN 8 /* taken at once, if there are as many */

enum kind { GOOD, OTHER_DIGEST, OTHER_KEY, HIGH_S, NO_SIGNATURE, NO_KEY, KINDS };

static struct board_item good[SIGNED], items[BOARD_MAX];
static bool expected[BOARD_MAX];

static void
sign_some(void)
{
	for (unsigned i = 0; i < SIGNED; i++) {
		struct seckey secret = {{[0] = 1, [31] = (uint8_t)i}};
		memset(&good[i].digest, (int)i + 1, sizeof(good[i].digest));
		ck_assert_int_eq(key_public(&good[i].key, &secret), OK);
		ck_assert_int_eq(key_sign(&good[i].signature, &good[i].digest, &secret), OK);
	}
}

/* s becomes the group's order less s: as good for others, and refused here. */
static void
raise_s(struct signature *signature)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
					  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	uint8_t *s = signature->b + 32;
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int d = order[i] - s[i] - borrow;
		borrow = d < 0;
		s[i] = (uint8_t)(d + (borrow << 8));
	}
}

static struct board_item
item_of(enum kind kind, unsigned number)
{
	struct board_item item = good[number % SIGNED];

	switch (kind) {
	case OTHER_DIGEST:
		item.digest.b[7] ^= 1;
		break;
	case OTHER_KEY:
		item.key = good[(number + 1) % SIGNED].key;
		break;
	case HIGH_S:
		raise_s(&item.signature);
		ck_assert_int_eq(key_verify(&item.signature, &item.digest, &item.key), SIGNATURE_HIGH_S);
		break;
	case NO_SIGNATURE:
		memset(&item.signature, 0xff, sizeof(item.signature));
		break;
	case NO_KEY:
		memset(item.key.b + 1, 0xff, sizeof(item.key.b) - 1);
		ck_assert_int_eq(key_verify(&item.signature, &item.digest, &item.key), SIGNATURE_BAD_KEY);
		break;
	case GOOD:
	case KINDS:
		break;
	}
	return item;
}

/* A batch of every kind, half of it good. */
static void
draw(uint32_t count, uint64_t seed)
{
	for (uint32_t i = 0; i < count; i++) {
		enum kind kind = random_below(&seed, 2) == 0 ? GOOD : (enum kind)random_below(&seed, KINDS);
		items[i] = item_of(kind, (unsigned)random_below(&seed, SIGNED));
		expected[i] = kind == GOOD;
	}
}

/* Reads the results of so many items that were posted under that ticket. */
static void
finish(struct store *s, uint64_t ticket, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ck_assert_msg(board_result(s, ticket + i, &items[i]) == expected[i], "of %u, number %u", count, i);
}

static void
judge(struct store *s, uint32_t count)
{
	finish(s, board_post(s, items, count), count);
}

/* The next item posted has the slot that the first had, when so many have been posted since and with it. */
static void
go_round(struct store *s, uint32_t since)
{
	for (uint32_t left = BOARD_MAX - since; left > 0;) {
		static struct board_item none[1024]; /* no keys: nothing to compute */
		uint32_t count = left < 1024 ? left : 1024;
		uint64_t ticket = board_post(s, none, count);

		for (uint32_t i = 0; i < count; i++)
			ck_assert(!board_result(s, ticket + i, &none[i]));
		left -= count;
	}
}

START_TEST(each_kind_of_signature_is_told_from_the_others)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	for (unsigned i = 0; i < SIGNED; i++) {
		items[i] = item_of((enum kind)_i, i);
		expected[i] = _i == GOOD;
	}
	judge(s, SIGNED);
}
END_TEST

static const uint32_t counts[] = {0, 1, 7, 8, 9, 1000, BOARD_MAX};

START_TEST(a_batch_may_have_any_size_and_is_taken_off_whole)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	ck_assert(!board_work(s));
	for (uint64_t seed = 1; seed < 4; seed++) {
		draw(counts[_i], seed);
		judge(s, counts[_i]);
		ck_assert(!board_work(s));
	}
}
END_TEST

/* Posted are good ones, asked about are bad ones: only an answer that another process gave can be a yes. */
START_TEST(what_others_have_checked_is_not_checked_again)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	uint64_t ticket;

	for (unsigned i = 0; i < SIGNED; i++) {
		items[i] = item_of(GOOD, i);
		expected[i] = true;
	}
	ticket = board_post(s, items, SIGNED);
	while (board_work(s))
		;
	for (unsigned i = 0; i < SIGNED; i++)
		items[i] = item_of(OTHER_DIGEST, i);
	finish(s, ticket, SIGNED);
}
END_TEST

/* What test and workers share. */
struct shift {
	_Atomic uint32_t is_over;
	_Atomic uint32_t turns[WORKERS];
};

struct worker {
	struct shift *shift;
	unsigned number;
};

static void
work(struct store *s, void *arg)
{
	struct worker *w = arg;

	while (atomic_load(&w->shift->is_over) == 0)
		if (board_work(s))
			atomic_fetch_add(&w->shift->turns[w->number], 1);
		else
			clock_sleep_us(100);
}

static pid_t
hire(struct store *s, struct worker *w)
{
	return spawn(s, STORE_VERIFIER, 1 + w->number, 0, work, w);
}

static uint32_t
turns(const struct shift *shift)
{
	return atomic_load(&shift->turns[0]) + atomic_load(&shift->turns[1]);
}

START_TEST(others_do_the_work_while_the_poster_is_elsewhere)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct shift *shift = share(sizeof(*shift));
	struct worker workers[WORKERS] = {{shift, 0}, {shift, 1}};
	pid_t pids[WORKERS] = {hire(s, &workers[0]), hire(s, &workers[1])};
	uint64_t ticket;

	draw(BOARD_MAX, 5);
	ticket = board_post(s, items, BOARD_MAX);
	for (unsigned i = 0; turns(shift) < BOARD_MAX / CHUNK_MIN; i++) {
		ck_assert_uint_lt(i, 60000);
		clock_sleep_ms(1);
	}
	finish(s, ticket, BOARD_MAX);
	/* And all three at once, batch upon batch. */
	for (uint64_t seed = 6; seed < 100; seed++) {
		uint32_t count = (uint32_t)random_below(&(uint64_t){seed}, 200);
		draw(count, seed);
		judge(s, count);
	}
	atomic_store(&shift->is_over, 1);
	await_ok(s, pids[0]);
	await_ok(s, pids[1]);
}
END_TEST

START_TEST(workers_that_are_killed_all_the_time_change_no_answer)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct shift *shift = share(sizeof(*shift));
	struct worker workers[WORKERS] = {{shift, 0}, {shift, 1}};
	pid_t pids[WORKERS] = {hire(s, &workers[0]), hire(s, &workers[1])};
	uint64_t until = clock_mono_ms() + 1000, random = 7, ticket;

	do {
		uint32_t count = (uint32_t)random_below(&random, 300);
		unsigned victim = (unsigned)random_below(&random, WORKERS);

		draw(count, random_next(&random));
		ticket = board_post(s, items, count);
		clock_sleep_us(random_below(&random, 300));
		ck_assert_int_eq(kill(pids[victim], SIGKILL), 0);
		finish(s, ticket, count);
		ck_assert(WIFSIGNALED(await(s, pids[victim])));
		pids[victim] = hire(s, &workers[victim]);
	} while (clock_mono_ms() < until);
	atomic_store(&shift->is_over, 1);
	await_ok(s, pids[0]);
	await_ok(s, pids[1]);
}
END_TEST

/* A process that was stopped between its look at the board and its answer writes that answer whenever it goes on. */
START_TEST(an_answer_to_an_older_ticket_is_nobodys)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct board_region *b = board_at(s);
	uint64_t answers[SIGNED], ticket;

	for (unsigned i = 0; i < SIGNED; i++) {
		items[i] = item_of(GOOD, i);
		expected[i] = true;
	}
	judge(s, SIGNED);
	for (unsigned i = 0; i < SIGNED; i++)
		answers[i] = atomic_load(&b->answers[i]);
	go_round(s, SIGNED);
	for (unsigned i = 0; i < SIGNED; i++) {
		items[i] = item_of(OTHER_KEY, i);
		expected[i] = false;
	}
	ticket = board_post(s, items, SIGNED);
	ck_assert_uint_eq(ticket, BOARD_MAX);
	while (board_work(s))
		;
	for (unsigned i = 0; i < SIGNED; i++)
		atomic_store(&b->answers[i], answers[i]);
	finish(s, ticket, SIGNED);
}
END_TEST

/* A poster may die in between, or have no use for them any more. */
START_TEST(what_was_dropped_is_not_worked_on)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	draw(500, 8);
	(void)board_post(s, items, 500);
	ck_assert(board_work(s));
	board_drop(s);
	ck_assert(!board_work(s));
	draw(400, 9);
	judge(s, 400);
}
END_TEST

/* Three times round the ring, with as much posted as there is room for and results read one by one. */
START_TEST(posting_goes_on_while_results_are_read)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct shift *shift = share(sizeof(*shift));
	struct worker worker = {shift, 0};
	pid_t pid = hire(s, &worker);
	uint64_t posted = 0, read = 0, random = 11;

	draw(BOARD_MAX, 12);
	while (read < 3 * BOARD_MAX) {
		uint32_t count = (uint32_t)random_below(&random, 100), at = (uint32_t)(posted % BOARD_MAX);

		if (count > BOARD_MAX - (posted - read))
			count = (uint32_t)(BOARD_MAX - (posted - read));
		if (count > BOARD_MAX - at)
			count = BOARD_MAX - at;
		ck_assert_uint_eq(board_post(s, &items[at], count), posted);
		posted += count;
		ck_assert_uint_eq(board_next(s), posted);
		for (uint64_t n = random_below(&random, 100); n > 0 && read < posted; n--, read++)
			ck_assert(board_result(s, read, &items[read % BOARD_MAX]) == expected[read % BOARD_MAX]);
	}
	atomic_store(&shift->is_over, 1);
	await_ok(s, pid);
}
END_TEST

#ifdef RENSA_FAILPOINTS
static void
work_until(struct store *s, void *arg)
{
	failpoint_arm("board.taken", *(enum failpoint_action *)arg, 1);
	while (board_work(s))
		;
}

START_TEST(what_a_dead_worker_took_is_checked_by_the_poster)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	enum failpoint_action action = FAILPOINT_KILL;
	uint64_t ticket;

	draw(100, 10);
	ticket = board_post(s, items, 100);
	ck_assert(was_killed(s, STORE_VERIFIER, 1, work_until, &action));
	finish(s, ticket, 100);
}
END_TEST

START_TEST(a_worker_that_was_stopped_holds_up_nobody_and_goes_on_later)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	enum failpoint_action action = FAILPOINT_STOP;
	uint64_t ticket;
	siginfo_t info;
	pid_t pid;

	for (uint32_t i = 0; i < 100; i++) {
		items[i] = item_of(GOOD, i);
		expected[i] = true;
	}
	ticket = board_post(s, items, 100);
	pid = spawn(s, STORE_VERIFIER, 1, 0, work_until, &action);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	ck_assert_int_eq(info.si_code, CLD_STOPPED);
	finish(s, ticket, 100);
	go_round(s, 100);
	/* It wakes up among items of which not one is good. */
	for (uint32_t i = 0; i < 100; i++) {
		items[i] = item_of(OTHER_DIGEST, i);
		expected[i] = false;
	}
	ticket = board_post(s, items, 100);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	await_ok(s, pid);
	finish(s, ticket, 100);
}
END_TEST
#endif

Suite *
suite_board(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "board", 60);
	tcase_add_unchecked_fixture(tc, sign_some, NULL);
	tcase_add_loop_test(tc, each_kind_of_signature_is_told_from_the_others, 0, KINDS);
	tcase_add_loop_test(tc, a_batch_may_have_any_size_and_is_taken_off_whole, 0, ARRAY_LEN(counts));
	tcase_add_test(tc, what_others_have_checked_is_not_checked_again);
	tcase_add_test(tc, others_do_the_work_while_the_poster_is_elsewhere);
	tcase_add_test(tc, workers_that_are_killed_all_the_time_change_no_answer);
	tcase_add_test(tc, an_answer_to_an_older_ticket_is_nobodys);
	tcase_add_test(tc, what_was_dropped_is_not_worked_on);
	tcase_add_test(tc, posting_goes_on_while_results_are_read);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, what_a_dead_worker_took_is_checked_by_the_poster);
	tcase_add_test(tc, a_worker_that_was_stopped_holds_up_nobody_and_goes_on_later);
#endif
	return suite;
}
