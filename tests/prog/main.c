#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_amount, suite_args, suite_remote, suite_safetext, suite_table};
	return suites_run(makers, ARRAY_LEN(makers));
}
