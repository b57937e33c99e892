#include "suite.h"

suite_maker suite_compact;
suite_maker suite_json_read;
suite_maker suite_json_write;
suite_maker suite_peer_list;
suite_maker suite_peer_msg;
suite_maker suite_tx_scan;
suite_maker suite_vectors;
suite_maker suite_views;

int
main(void)
{
	static suite_maker *const makers[] = {suite_compact,  suite_json_read, suite_json_write, suite_peer_list,
					      suite_peer_msg, suite_tx_scan,   suite_vectors,	 suite_views};
	return suites_run(makers, ARRAY_LEN(makers));
}
