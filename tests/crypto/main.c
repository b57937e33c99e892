#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_random, suite_hash, suite_headerhash, suite_key, suite_base58, suite_address,
	};
	return suites_run(makers, ARRAY_LEN(makers));
}
