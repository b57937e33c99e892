/*
 * Unit tests with Check: a layer's program lists its suites, one for each module. A test's name is a sentence about
 * behaviour. CK_FORK=no runs them in one process, for debuggers and valgrind.
 */
#ifndef RENSA_TESTS_SUITE_H
#define RENSA_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "util/attr.h"

typedef Suite *suite_maker(void);

/* Runs every suite and returns the exit status of the program. */
static inline int
suites_run(suite_maker *const *makers, size_t count)
{
	SRunner *runner = srunner_create(NULL);
	for (size_t i = 0; i < count; i++)
		srunner_add_suite(runner, makers[i]());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A suite with one case, to which tests are then added with tcase_add_test. */
static inline TCase *
suite_case(Suite **suite, const char *name, double timeout_s)
{
	*suite = suite_create(name);
	TCase *tc = tcase_create(name);
	tcase_set_timeout(tc, timeout_s);
	suite_add_tcase(*suite, tc);
	return tc;
}

#endif
