#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_exchange,  suite_scan,	 suite_slots,  suite_told,
					      suite_lookup,    suite_handshake,	 suite_finder, suite_fetch,
					      suite_fetch_bad, suite_fetch_many, suite_window};
	return suites_run(makers, ARRAY_LEN(makers));
}
