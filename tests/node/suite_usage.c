/* What a process tells of itself. */
#include <unistd.h>

#include "crew.h"
#include "node/usage.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"

static struct crew crew;

static void
begin(void)
{
	crew_ready(&crew);
	role_started(crew.store, 0, "worker", getpid(), clock_wall_ms(), clock_mono_ms());
}

static void
end(void)
{
	crew_close(&crew);
}

START_TEST(a_role_tells_what_it_takes_and_adds_to_what_its_predecessor_took)
{
	uint64_t before = 1000000000, now;

	role_count(crew.store, COUNT_CPU_US, before);
	for (int i = 0; i < 3; i++) {
		/* Until the kernel counts some of it. */
		do
			usage_tell(crew.store);
		while ((now = role_get(crew.store, COUNT_CPU_US)) == before);
		ck_assert_uint_gt(now, before);
		before = now;
	}
	/* Only what this process has taken was added: it does not run for a quarter of an hour. */
	ck_assert_uint_lt(now, 2000000000);
	ck_assert_uint_gt(role_get(crew.store, COUNT_RESIDENT), role_get(crew.store, COUNT_PRIVATE));
	ck_assert_uint_gt(role_get(crew.store, COUNT_PRIVATE), 0);
	ck_assert_uint_eq(role_get(crew.store, COUNT_SENT) + role_get(crew.store, COUNT_RECEIVED), 0);
}
END_TEST

START_TEST(the_master_has_figures_of_its_own)
{
	uint64_t cpu_us, resident, private;

	do {
		usage_tell_master(crew.store);
		role_master_taken(crew.store, &cpu_us, &resident, &private);
	} while (cpu_us == 0);
	ck_assert_uint_gt(resident, private);
	ck_assert_uint_gt(private, 0);
	ck_assert_uint_eq(role_total(crew.store, COUNT_RESIDENT), 0);
}
END_TEST

Suite *
suite_usage(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "usage", 30);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_role_tells_what_it_takes_and_adds_to_what_its_predecessor_took);
	tcase_add_test(tc, the_master_has_figures_of_its_own);
	return suite;
}
