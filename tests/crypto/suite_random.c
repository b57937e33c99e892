/* Randomness cannot be proved, but the ways in which it usually breaks can be seen. */
#include <stdbool.h>
#include <string.h>

#include "crypto/random.h"
#include "suites.h"

START_TEST(fills_every_byte_and_no_more)
{
	uint8_t bytes[1000 + 1];
	bool touched[1000] = {false};
	/* A byte that stays 0 in 32 draws was not written: by chance one in 2^256. */
	for (int draw = 0; draw < 32; draw++) {
		memset(bytes, 0, sizeof(bytes));
		random_bytes(bytes, 1000);
		for (size_t i = 0; i < 1000; i++)
			touched[i] |= bytes[i] != 0;
		ck_assert_uint_eq(bytes[1000], 0);
	}
	for (size_t i = 0; i < 1000; i++)
		ck_assert(touched[i]);
	random_bytes(NULL, 0);
}
END_TEST

START_TEST(does_not_repeat_itself)
{
	uint8_t a[32];
	uint8_t b[32];
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

START_TEST(uses_all_64_bits)
{
	uint64_t ones = 0;
	uint64_t zeros = 0;
	for (int i = 0; i < 128; i++) {
		uint64_t v = random_u64();
		ones |= v;
		zeros |= ~v;
	}
	ck_assert_uint_eq(ones, UINT64_MAX);
	ck_assert_uint_eq(zeros, UINT64_MAX);
}
END_TEST

Suite *
suite_random(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "random", 10);
	tcase_add_test(tc, fills_every_byte_and_no_more);
	tcase_add_test(tc, does_not_repeat_itself);
	tcase_add_test(tc, uses_all_64_bits);
	return suite;
}
