#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_bells,	   suite_quantity,    suite_config,	   suite_config_change, suite_config_sources,
	    suite_config_errors,   suite_notify,      suite_endpoint,	   suite_proctitle,	suite_roles,
	    suite_role_pool,	   suite_role_miner,  suite_role_loader,   suite_role_archiver, suite_role_scribe,
	    suite_role_verifier,   suite_role_worker, suite_role_resolver, suite_role_relay,	suite_role_discovery,
	    suite_discovery,	   suite_listeners,   suite_master,	   suite_fanout,	suite_push_source,
	    suite_resolver_verify, suite_request_log, suite_summary,	   suite_standing,	suite_supervisor,
	    suite_doctor,	   suite_spare,	      suite_fill,	   suite_usage,		suite_handover,
	    suite_upgrade};
	return suites_run(makers, ARRAY_LEN(makers));
}
