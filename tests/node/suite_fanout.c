/* Who is told at once: whatever the draw, the choices of all nodes together must reach everybody from everybody. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "node/fanout.h"
#include "suites.h"

#define NODES_MAX 512

static uint64_t
key_of(uint32_t node)
{
	struct hash256 h = sha256(&node, sizeof(node));
	uint64_t key;

	memcpy(&key, h.b, sizeof(key));
	return key;
}

/* Whom node i of n chooses, as a row over all nodes. Returns how many. */
static size_t
choose(bool *row, uint32_t i, uint32_t n, uint64_t own, uint64_t seed)
{
	uint64_t keys[NODES_MAX] = {0};
	bool chosen[NODES_MAX] = {false};
	size_t count = 0, sum = 0;

	for (uint32_t k = 0; k < n; k++)
		if (k != i)
			keys[count++] = key_of(k);
	fanout_choose(chosen, keys, count, own, seed);
	for (uint32_t k = 0, at = 0; k < n; k++) {
		row[k] = k != i && chosen[at++];
		sum += row[k];
	}
	return sum;
}

/* In how many steps a node's news reaches all; 0: it does not. A node that is_deaf takes part in nothing. */
static unsigned
steps(bool (*rows)[NODES_MAX], uint32_t n, uint32_t from, const bool *is_deaf)
{
	bool has[NODES_MAX] = {false}, next[NODES_MAX];
	uint32_t count = 1, wanted = 0, before = 0;
	unsigned step = 0;

	for (uint32_t k = 0; k < n; k++)
		wanted += !is_deaf[k];
	has[from] = true;
	for (; count < wanted && count != before; step++) {
		before = count;
		memcpy(next, has, sizeof(next));
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; has[i] && k < n; k++)
				next[k] |= rows[i][k] && !is_deaf[k];
		memcpy(has, next, sizeof(has));
		count = 0;
		for (uint32_t k = 0; k < n; k++)
			count += has[k];
	}
	return count == wanted ? step : 0;
}

static bool rows[NODES_MAX][NODES_MAX];

START_TEST(all_are_chosen_while_they_are_few)
{
	for (uint32_t n = 1; n <= FANOUT + 1; n++)
		ck_assert_uint_eq(choose(rows[0], 0, n, key_of(0), 1), n - 1);
}
END_TEST

START_TEST(never_more_are_chosen_than_the_fan_out)
{
	for (uint32_t n = FANOUT + 2; n <= NODES_MAX; n += 17)
		for (uint64_t seed = 0; seed < 5; seed++)
			ck_assert_uint_eq(choose(rows[0], 0, n, key_of(0), seed), FANOUT);
}
END_TEST

START_TEST(the_same_draw_makes_the_same_choice)
{
	choose(rows[0], 3, 100, key_of(3), 9);
	choose(rows[1], 3, 100, key_of(3), 9);
	ck_assert_mem_eq(rows[0], rows[1], 100);
	choose(rows[1], 3, 100, key_of(3), 10);
	ck_assert_int_ne(memcmp(rows[0], rows[1], 100), 0);
}
END_TEST

static const uint32_t sizes[] = {2, 9, 10, 30, 100, NODES_MAX};

/* The draws are as bad as can be, the same everywhere: what is sure is owed to no luck. */
START_TEST(everybody_is_reached_whatever_is_drawn)
{
	static const bool nobody[NODES_MAX];

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		uint32_t n = sizes[s];
		for (uint32_t i = 0; i < n; i++)
			choose(rows[i], i, n, key_of(i), 1);
		for (uint32_t from = 0; from < n; from += 1 + n / 10)
			ck_assert_msg(steps(rows, n, from, nobody) > 0, "%u nodes, from %u", n, from);
	}
}
END_TEST

START_TEST(everybody_is_reached_in_a_few_steps)
{
	static const bool nobody[NODES_MAX];

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		uint32_t n = sizes[s];
		for (uint32_t i = 0; i < n; i++)
			choose(rows[i], i, n, key_of(i), key_of(9000 + i));
		for (uint32_t from = 0; from < n; from += 1 + n / 10) {
			unsigned took = steps(rows, n, from, nobody);
			ck_assert_msg(took > 0 && took <= 6, "%u nodes: %u steps from %u", n, took, from);
		}
	}
}
END_TEST

START_TEST(a_quarter_that_hangs_cuts_nobody_off)
{
	bool is_deaf[NODES_MAX] = {false};

	for (uint32_t i = 0; i < 100; i++) {
		choose(rows[i], i, 100, key_of(i), key_of(1000 + i));
		is_deaf[i] = i % 4 == 3;
	}
	for (uint32_t i = 3; i < 100; i += 4)
		memset(rows[i], 0, sizeof(rows[i]));
	for (uint32_t from = 0; from < 100; from += 4)
		ck_assert_uint_gt(steps(rows, 100, from, is_deaf), 0);
}
END_TEST

/* Of nobody does it know its own address: their places are anywhere, and still all are reached. */
START_TEST(nodes_that_do_not_know_their_place_are_reached_too)
{
	static const bool nobody[NODES_MAX];

	for (uint32_t i = 0; i < 30; i++)
		choose(rows[i], i, 30, key_of(5000 + i), key_of(7000 + i));
	for (uint32_t from = 0; from < 30; from++)
		ck_assert_uint_gt(steps(rows, 30, from, nobody), 0);
}
END_TEST

Suite *
suite_fanout(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "fanout", 60);

	tcase_add_test(tc, all_are_chosen_while_they_are_few);
	tcase_add_test(tc, never_more_are_chosen_than_the_fan_out);
	tcase_add_test(tc, the_same_draw_makes_the_same_choice);
	tcase_add_test(tc, everybody_is_reached_whatever_is_drawn);
	tcase_add_test(tc, everybody_is_reached_in_a_few_steps);
	tcase_add_test(tc, a_quarter_that_hangs_cuts_nobody_off);
	tcase_add_test(tc, nodes_that_do_not_know_their_place_are_reached_too);
	return s;
}
