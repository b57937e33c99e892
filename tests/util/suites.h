/* The suites of the util layer's test program. */
#ifndef RENSA_TESTS_UTIL_SUITES_H
#define RENSA_TESTS_UTIL_SUITES_H

#include "../suite.h"

suite_maker suite_buf, suite_build, suite_bytes, suite_clock, suite_crc32c, suite_failpoint, suite_file, suite_fileio,
    suite_hex, suite_inifile, suite_log, suite_log_levels, suite_log_target, suite_mem, suite_recall, suite_text;

#endif
