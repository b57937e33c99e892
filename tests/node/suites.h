/* The suites of the node layer's test program. */
#ifndef RENSA_TESTS_NODE_SUITES_H
#define RENSA_TESTS_NODE_SUITES_H

#include "suite.h"

suite_maker suite_bells, suite_config, suite_config_change, suite_config_errors, suite_config_sources, suite_discovery,
    suite_endpoint, suite_fanout, suite_listeners, suite_master, suite_notify, suite_proctitle, suite_push_source,
    suite_quantity, suite_resolver_verify, suite_role_archiver, suite_role_scribe, suite_role_discovery,
    suite_role_loader, suite_role_miner, suite_role_pool, suite_role_relay, suite_role_resolver, suite_role_verifier,
    suite_role_worker, suite_roles, suite_request_log, suite_standing, suite_summary, suite_supervisor, suite_doctor,
    suite_fill, suite_spare, suite_usage, suite_handover, suite_upgrade;

#endif
