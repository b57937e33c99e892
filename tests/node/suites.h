/* The suites of the node layer's test program. */
#ifndef RENSA_TESTS_NODE_SUITES_H
#define RENSA_TESTS_NODE_SUITES_H

#include "suite.h"

suite_maker suite_bells, suite_discovery, suite_config, suite_config_errors, suite_notify, suite_quantity;

#endif
