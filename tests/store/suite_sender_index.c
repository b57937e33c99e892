/* The pool process's own index of senders, against a plain list that does the same slowly. */
#include <string.h>

#include "process.h"
#include "store/sender_index.h"
#include "suites.h"

static const uint8_t seed[16] = {1, 2, 3};

static struct address
sender_number(uint32_t n)
{
	struct address a = {{0}};

	memcpy(a.b, &n, sizeof(n));
	return a;
}

static void
add(struct sender_index *x, uint32_t who, uint64_t sequence, uint64_t cost)
{
	struct address a = sender_number(who);

	sender_add(x, &a, (struct pending){sequence, cost, (uint32_t)sequence + 1000});
}

static struct sender *
find(const struct sender_index *x, uint32_t who)
{
	struct address a = sender_number(who);

	return sender_find(x, &a);
}

static void
take(struct sender_index *x, uint32_t who, uint64_t sequence)
{
	struct address a = sender_number(who);

	sender_remove(x, &a, sequence);
}

START_TEST(keeps_a_senders_transfers_in_the_order_of_sequences)
{
	static const uint64_t order[] = {7, 3, 9, 0, 4, 100, 5, 1};
	static const uint64_t sorted[] = {0, 1, 3, 4, 5, 7, 9, 100};
	struct sender_index *x = sender_index_new(seed);
	struct sender *s;

	ck_assert_ptr_null(find(x, 1));
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		add(x, 1, order[i], 10 + order[i]);
	s = find(x, 1);
	ck_assert_uint_eq(s->count, ARRAY_LEN(sorted));
	ck_assert_uint_eq(s->outgoing, 80 + 129);
	for (uint32_t i = 0; i < ARRAY_LEN(sorted); i++) {
		ck_assert_uint_eq(s->list[i].sequence, sorted[i]);
		ck_assert_uint_eq(s->list[i].slot, sorted[i] + 1000);
		ck_assert_uint_eq(sender_place(s, sorted[i]), i);
		ck_assert_ptr_eq(sender_at(s, sorted[i]), &s->list[i]);
	}
	ck_assert_uint_eq(sender_place(s, 2), 2);
	ck_assert_uint_eq(sender_place(s, 101), ARRAY_LEN(sorted));
	ck_assert_ptr_null(sender_at(s, 2));
	ck_assert_ptr_null(sender_at(s, 101));
	sender_index_free(x);
	sender_index_free(NULL);
}
END_TEST

/* With 0, 1, 3, 4, 5, 7 pending. */
static const struct {
	uint64_t from, next;
} next_rows[] = {{0, 2}, {1, 2}, {2, 2}, {3, 6},       {5, 6},
		 {6, 6}, {7, 8}, {8, 8}, {1000, 1000}, {UINT64_MAX, UINT64_MAX}};

START_TEST(tells_the_first_sequence_that_is_missing)
{
	static const uint64_t pending[] = {0, 1, 3, 4, 5, 7};
	struct sender_index *x = sender_index_new(seed);

	for (size_t i = 0; i < ARRAY_LEN(pending); i++)
		add(x, 1, pending[i], 1);
	for (size_t i = 0; i < ARRAY_LEN(next_rows); i++)
		ck_assert_uint_eq(sender_next(find(x, 1), next_rows[i].from), next_rows[i].next);
	sender_index_free(x);
}
END_TEST

START_TEST(forgets_a_sender_with_its_last_transfer)
{
	struct sender_index *x = sender_index_new(seed);

	add(x, 1, 5, 10);
	add(x, 1, 6, 20);
	add(x, 2, 5, 40);
	take(x, 1, 7);
	take(x, 3, 5);
	ck_assert_uint_eq(find(x, 1)->count, 2);
	take(x, 1, 5);
	ck_assert_uint_eq(find(x, 1)->outgoing, 20);
	take(x, 1, 6);
	ck_assert_ptr_null(find(x, 1));
	take(x, 1, 6);
	ck_assert_uint_eq(find(x, 2)->count, 1);
	sender_index_free(x);
}
END_TEST

/* Which of SENDERS × SEQUENCES are there; far more senders than buckets to begin with. */
enum { SENDERS = 700, SEQUENCES = 16, STEPS = 60000 };

START_TEST(is_what_a_plain_table_says_after_any_steps)
{
	static uint64_t costs[SENDERS][SEQUENCES];
	struct sender_index *x = sender_index_new(seed);
	uint64_t random = 6;

	memset(costs, 0, sizeof(costs));
	for (int step = 0; step < STEPS; step++) {
		uint32_t who = (uint32_t)random_below(&random, SENDERS);
		uint64_t sequence = random_below(&random, SEQUENCES);
		/* First it grows, in the end it shrinks. */
		if (costs[who][sequence] == 0 && random_below(&random, STEPS) > (uint64_t)step) {
			costs[who][sequence] = 1 + random_below(&random, 1000);
			add(x, who, sequence, costs[who][sequence]);
		} else {
			take(x, who, sequence);
			costs[who][sequence] = 0;
		}
		if (step % 5000 != 0)
			continue;
		for (who = 0; who < SENDERS; who++) {
			const struct sender *s = find(x, who);
			uint64_t outgoing = 0, next = 0;
			uint32_t count = 0;

			for (sequence = 0; sequence < SEQUENCES; sequence++) {
				outgoing += costs[who][sequence];
				count += costs[who][sequence] != 0;
				next += costs[who][sequence] != 0 && next == sequence;
				if (s != NULL)
					need((sender_at(s, sequence) != NULL) == (costs[who][sequence] != 0));
			}
			need((s != NULL) == (count > 0));
			if (s == NULL)
				continue;
			need(s->count == count);
			need(s->outgoing == outgoing);
			need(sender_next(s, 0) == next);
		}
	}
	sender_index_free(x);
}
END_TEST

struct tour {
	struct sender_index *index;
	uint32_t visits[SENDERS];
	bool removes;
};

static void
visit(void *ctx, const struct address *who)
{
	struct tour *t = ctx;
	struct address copy = *who;
	uint32_t n;

	memcpy(&n, who->b, sizeof(n));
	t->visits[n]++;
	if (t->removes && n % 2 == 0)
		sender_remove(t->index, &copy, 0);
}

static void
visit_all(struct tour *t)
{
	uint32_t bucket = 0;

	while (sender_each_of(t->index, &bucket, visit, t))
		;
}

START_TEST(visits_everybody_once_also_when_the_visitor_removes)
{
	static struct tour t;

	memset(&t, 0, sizeof(t));
	t.index = sender_index_new(seed);
	for (uint32_t i = 0; i < SENDERS; i++)
		add(t.index, i, 0, 1);
	t.removes = true;
	visit_all(&t);
	for (uint32_t i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(t.visits[i], 1);
	t.removes = false;
	visit_all(&t);
	for (uint32_t i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(t.visits[i], i % 2 == 0 ? 1 : 2);
	sender_index_free(t.index);
}
END_TEST

/* The table grows in the midst of it, more than once. */
START_TEST(a_walk_in_pieces_meets_everybody_who_stays)
{
	static struct tour t;
	uint32_t bucket = 0, senders = 40;

	memset(&t, 0, sizeof(t));
	t.index = sender_index_new(seed);
	for (uint32_t i = 0; i < senders; i++)
		add(t.index, i, 0, 1);
	while (sender_each_of(t.index, &bucket, visit, &t))
		for (uint32_t i = 0; i < 40 && senders < SENDERS; i++)
			add(t.index, senders++, 0, 1);
	for (uint32_t i = 0; i < 40; i++)
		ck_assert_uint_ge(t.visits[i], 1);
	sender_index_free(t.index);
}
END_TEST

Suite *
suite_sender_index(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "sender index", 30);
	tcase_add_test(tc, keeps_a_senders_transfers_in_the_order_of_sequences);
	tcase_add_test(tc, tells_the_first_sequence_that_is_missing);
	tcase_add_test(tc, forgets_a_sender_with_its_last_transfer);
	tcase_add_test(tc, is_what_a_plain_table_says_after_any_steps);
	tcase_add_test(tc, visits_everybody_once_also_when_the_visitor_removes);
	tcase_add_test(tc, a_walk_in_pieces_meets_everybody_who_stays);
	return suite;
}
