#include "../suite.h"
#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_rule,	     suite_u256,	 suite_pow,	suite_merkle,  suite_params,   suite_tx,
	    suite_block,     suite_header_chain, suite_addrmap, suite_ledger,  suite_template, suite_fork_choice,
	    suite_judgement, suite_property,	 suite_replay,	suite_vectors, suite_outlook,
	};
	return suites_run(makers, ARRAY_LEN(makers));
}
