#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_bells,  suite_discovery,	 suite_quantity,
					      suite_config, suite_config_errors, suite_notify};
	return suites_run(makers, ARRAY_LEN(makers));
}
