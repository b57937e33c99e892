/* The suites of the client's test program. */
#ifndef RENSA_TESTS_PROG_SUITES_H
#define RENSA_TESTS_PROG_SUITES_H

#include "suite.h"

suite_maker suite_amount, suite_args, suite_remote, suite_safetext, suite_table;

#endif
