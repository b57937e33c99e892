#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_mem,	      suite_build,   suite_buf,	   suite_bytes,	    suite_hex, suite_text,
	    suite_file,	      suite_inifile, suite_clock,  suite_failpoint, suite_log, suite_log_levels,
	    suite_log_target, suite_crc32c,  suite_fileio, suite_recall,
	};
	return suites_run(makers, ARRAY_LEN(makers));
}
