#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_keyfile, suite_framelog, suite_framelog_torn, suite_framelog_faults,
					      suite_journal};
	return suites_run(makers, ARRAY_LEN(makers));
}
