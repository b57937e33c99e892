#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_netaddr,     suite_loop,	    suite_listener,	  suite_httpd_rules, suite_httpd,
	    suite_httpd_crowd, suite_httpd_streams, suite_httpd_observer, suite_httpd_files, suite_httpd_date,
	    suite_httpc,       suite_httpc_replies, suite_onlink,	  suite_probe,
	};
	return suites_run(makers, ARRAY_LEN(makers));
}
