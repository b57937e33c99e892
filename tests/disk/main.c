#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_chainfile, suite_contents,	     suite_datadir,	  suite_keyfile,	suite_netfile,
	    suite_framelog,  suite_framelog_refused, suite_framelog_torn, suite_framelog_ahead, suite_framelog_faults,
	    suite_journal,   suite_peerfile,	     suite_poollog,	  suite_sigcheck};
	return suites_run(makers, ARRAY_LEN(makers));
}
