#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_chainfile, suite_keyfile, suite_netfile};
	return suites_run(makers, ARRAY_LEN(makers));
}
