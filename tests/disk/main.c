#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_keyfile};
	return suites_run(makers, ARRAY_LEN(makers));
}
