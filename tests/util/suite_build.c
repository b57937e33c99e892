/* Which build this is. */
#include "util/build.h"

#include <string.h>

#include "suites.h"

START_TEST(names_the_version_and_the_same_each_time)
{
	const char *name = build_name();

	ck_assert(strncmp(name, PACKAGE_VERSION, strlen(PACKAGE_VERSION)) == 0);
	ck_assert_uint_le(strlen(name), BUILD_NAME_MAX);
	ck_assert_ptr_null(strchr(name, ';'));
	ck_assert_str_eq(build_name(), name);
}
END_TEST

START_TEST(names_the_build_by_what_the_linker_gave_it)
{
	const char *rest = build_name() + strlen(PACKAGE_VERSION), *id = " (build ";

	/* A linker that is told so gives none. */
	ck_assert(rest[0] == '\0' ||
		  (strncmp(rest, id, strlen(id)) == 0 && strspn(rest + strlen(id), "0123456789abcdef") == 8 &&
		   strcmp(rest + strlen(id) + 8, ")") == 0));
}
END_TEST

Suite *
suite_build(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "build", 10);

	tcase_add_test(tc, names_the_version_and_the_same_each_time);
	tcase_add_test(tc, names_the_build_by_what_the_linker_gave_it);
	return suite;
}
