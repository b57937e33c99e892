#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_bells,  suite_quantity, suite_config,     suite_config_errors,
					      suite_notify, suite_fanout,   suite_push_source};
	return suites_run(makers, ARRAY_LEN(makers));
}
