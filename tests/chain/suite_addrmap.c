#include "../suite.h"
#include "chain/addrmap.h"
#include "fixture.h"
#include "suites.h"

/* Addresses arrive in random order, some again; each keeps the number that a plain search would give it. */
static void
assert_numbers(struct address (*make)(uint64_t *seed), uint64_t seed, uint32_t asked)
{
	struct address *known = calloc(asked, sizeof(*known));
	uint32_t count = 0;
	struct addrmap m;
	addrmap_init(&m);
	for (uint32_t i = 0; i < asked; i++) {
		struct address who = make(&seed);
		uint32_t expected = 0;
		while (expected < count && !address_equal(&known[expected], &who))
			expected++;
		ck_assert_uint_eq(addrmap_number(&m, &who), expected);
		if (expected == count)
			known[count++] = who;
		ck_assert_uint_eq(m.count, count);
	}
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(addrmap_number(&m, &known[i]), i);
	ck_assert_uint_eq(m.count, count);
	addrmap_clear(&m);
	ck_assert_uint_eq(m.count, 0);
	free(known);
}

static struct address
any(uint64_t *seed)
{
	struct address a;
	for (unsigned i = 0; i < sizeof(a.b); i++)
		a.b[i] = (uint8_t)random_next(seed);
	return a;
}

/* All but the last 11 bits are equal. */
static struct address
alike(uint64_t *seed)
{
	struct address a = {{0}};
	a.b[18] = (uint8_t)random_below(seed, 8);
	a.b[19] = (uint8_t)random_next(seed);
	return a;
}

/* One bit set, or none: branches at every depth. */
static struct address
comb(uint64_t *seed)
{
	struct address a = {{0}};
	uint64_t bit = random_below(seed, 161);
	if (bit < 160)
		a.b[bit / 8] = (uint8_t)(0x80 >> bit % 8);
	return a;
}

START_TEST(random_addresses_keep_their_numbers)
{
	assert_numbers(any, 1, 3000);
}
END_TEST

START_TEST(addresses_that_are_nearly_equal_keep_their_numbers)
{
	assert_numbers(alike, 2, 5000);
}
END_TEST

START_TEST(addresses_chosen_for_the_deepest_tree_keep_their_numbers)
{
	assert_numbers(comb, 3, 1000);
}
END_TEST

Suite *
suite_addrmap(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "addrmap", 20);
	tcase_add_test(tc, random_addresses_keep_their_numbers);
	tcase_add_test(tc, addresses_that_are_nearly_equal_keep_their_numbers);
	tcase_add_test(tc, addresses_chosen_for_the_deepest_tree_keep_their_numbers);
	return suite;
}
