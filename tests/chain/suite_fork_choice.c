#include "../suite.h"
#include "chain/fork_choice.h"
#include "fixture.h"
#include "suites.h"

/* A head from few works and few hashes, so that ties are common. Heights are noise: they must not matter. */
static struct head
random_head(uint64_t *seed)
{
	struct head h = {.work = u256_of(random_below(seed, 4)), .height = random_below(seed, 100)};
	h.work = u256_shift_left(&h.work, (unsigned)random_below(seed, 3) * 100);
	h.hash.b[random_below(seed, 2) * 31] = (uint8_t)random_below(seed, 3);
	return h;
}

static bool
is_same(const struct head *a, const struct head *b)
{
	return u256_compare(&a->work, &b->work) == 0 && hash_equal(&a->hash, &b->hash);
}

START_TEST(more_work_wins)
{
	struct head more = {.work = u256_of(2), .hash = {{9}}, .height = 1};
	struct head longer = {.work = u256_of(1), .hash = {{1}}, .height = 2};
	ck_assert(head_is_better(&more, &longer));
	ck_assert(!head_is_better(&longer, &more));
}
END_TEST

START_TEST(on_equal_work_the_lower_hash_wins)
{
	struct head low = {.work = u256_of(5), .hash = {{1, 255}}}, high = {.work = u256_of(5), .hash = {{2, 0}}};
	ck_assert(head_is_better(&low, &high));
	ck_assert(!head_is_better(&high, &low));
	ck_assert(!head_is_better(&low, &low));
}
END_TEST

START_TEST(the_choice_is_a_strict_total_order)
{
	uint64_t seed = 4;
	for (int i = 0; i < 50000; i++) {
		struct head a = random_head(&seed), b = random_head(&seed), c = random_head(&seed);
		bool ab = head_is_better(&a, &b), ba = head_is_better(&b, &a);
		ck_assert(!(ab && ba));
		ck_assert((ab || ba) == !is_same(&a, &b));
		if (ab && head_is_better(&b, &c))
			ck_assert(head_is_better(&a, &c));
	}
}
END_TEST

Suite *
suite_fork_choice(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "fork_choice", 10);
	tcase_add_test(tc, more_work_wins);
	tcase_add_test(tc, on_equal_work_the_lower_hash_wins);
	tcase_add_test(tc, the_choice_is_a_strict_total_order);
	return suite;
}
