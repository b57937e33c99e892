#include "posts_suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {suite_child, suite_posts, suite_posts_stop};
	return suites_run(makers, ARRAY_LEN(makers));
}
