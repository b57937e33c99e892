#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_routes,	suite_access,	 suite_chain,	  suite_block_stream, suite_transactions, suite_submit,
	    suite_addresses,	suite_mining,	 suite_peer_push, suite_peer_routes,  suite_status,	  suite_events,
	    suite_event_cursor, suite_freshness, suite_reload,	  suite_log_levels,   suite_metrics,
	};
	return suites_run(makers, ARRAY_LEN(makers));
}
