/* Allocations that succeed or end the process, and the texts of errors. */
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"
#include "suites.h"
#include "util/err.h"
#include "util/mem.h"

START_TEST(allocates_nothing_as_something)
{
	/* Callers never look for NULL. */
	void *p = xmalloc(0);
	ck_assert_ptr_nonnull(p);
	p = xrealloc(p, 0);
	ck_assert_ptr_nonnull(p);
	free(p);
	p = xcalloc(0, 8);
	ck_assert_ptr_nonnull(p);
	free(p);
}
END_TEST

START_TEST(zeroes_what_calloc_gives)
{
	unsigned char *p = xcalloc(100, 3);
	for (size_t i = 0; i < 300; i++)
		ck_assert_uint_eq(p[i], 0);
	free(p);
}
END_TEST

START_TEST(keeps_content_when_growing)
{
	char *p = xstrdup("linked chain");
	p = xrealloc(p, 1 << 20);
	ck_assert_str_eq(p, "linked chain");
	free(p);
}
END_TEST

static volatile size_t huge = SIZE_MAX / 2;

static void
multiply_beyond_size_t(void)
{
	free(xcalloc(huge, 3));
}

START_TEST(ends_the_process_when_a_product_overflows)
{
	int status = child_wait(child_start(multiply_beyond_size_t), 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

START_TEST(has_its_own_text_for_every_error)
{
	for (int e = OK; e >= ERR_UNSUPPORTED; e--) {
		ck_assert_str_ne(err_text((enum err)e), err_text((enum err)1));
		for (int other = OK; other > e; other--)
			ck_assert_str_ne(err_text((enum err)e), err_text((enum err)other));
	}
}
END_TEST

Suite *
suite_mem(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "mem", 10);
	tcase_add_test(tc, allocates_nothing_as_something);
	tcase_add_test(tc, zeroes_what_calloc_gives);
	tcase_add_test(tc, keeps_content_when_growing);
	tcase_add_test(tc, ends_the_process_when_a_product_overflows);
	tcase_add_test(tc, has_its_own_text_for_every_error);
	return suite;
}
