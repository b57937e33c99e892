/* The suites of the disk layer's test program. */
#ifndef RENSA_TESTS_DISK_SUITES_H
#define RENSA_TESTS_DISK_SUITES_H

#include "suite.h"

suite_maker suite_chainfile, suite_contents, suite_datadir, suite_framelog, suite_framelog_ahead, suite_framelog_faults,
    suite_framelog_refused, suite_framelog_torn, suite_journal, suite_keyfile, suite_netfile, suite_peerfile,
    suite_poollog, suite_sigcheck;

#endif
