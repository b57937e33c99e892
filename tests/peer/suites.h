/* The suites of the peer layer's test program. */
#ifndef RENSA_TESTS_PEER_SUITES_H
#define RENSA_TESTS_PEER_SUITES_H

#include "suite.h"

suite_maker suite_exchange, suite_scan, suite_slots, suite_told;
suite_maker suite_fetch, suite_fetch_bad, suite_fetch_many, suite_finder, suite_handshake, suite_lookup, suite_window;

#endif
