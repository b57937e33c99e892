#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_keyfile, suite_framelog};
	return suites_run(makers, ARRAY_LEN(makers));
}
