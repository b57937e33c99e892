/* Wake-ups carry no data: a bell is rung or it is quiet. */
#include <poll.h>

#include "node/bells.h"
#include "suites.h"

static bool
is_rung(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(a_bell_wakes_its_owner_alone_until_it_is_quieted)
{
	struct bells b;

	ck_assert_int_eq(bells_open(&b, 4), OK);
	bell_ring(&b, BELL_POOL);
	for (int i = 0; i < BELL_ROLES; i++)
		ck_assert_msg(is_rung(b.role[i]) == (i == BELL_POOL), "bell %d", i);
	bell_quiet(b.role[BELL_POOL]);
	ck_assert(!is_rung(b.role[BELL_POOL]));
	bells_close(&b);
}
END_TEST

START_TEST(rings_before_a_look_are_one_wake_up_and_one_after_it_is_another)
{
	struct bells b;

	ck_assert_int_eq(bells_open(&b, 1), OK);
	for (int i = 0; i < 1000; i++)
		bell_ring(&b, BELL_MINER);
	bell_quiet(b.role[BELL_MINER]);
	ck_assert(!is_rung(b.role[BELL_MINER]));
	bell_quiet(b.role[BELL_MINER]); /* of a quiet one: nothing to wait for */
	bell_ring(&b, BELL_MINER);
	ck_assert(is_rung(b.role[BELL_MINER]));
	bells_close(&b);
}
END_TEST

START_TEST(a_new_tip_wakes_those_who_follow_it)
{
	struct bells b;

	ck_assert_int_eq(bells_open(&b, 1), OK);
	bell_ring_tip(&b);
	for (int i = 0; i < BELL_ROLES; i++)
		ck_assert_msg(is_rung(b.role[i]) == (i == BELL_POOL || i == BELL_MINER || i == BELL_RELAY), "bell %d",
			      i);
	bells_close(&b);
}
END_TEST

START_TEST(more_rings_get_bells_and_the_others_keep_theirs)
{
	struct bells b;
	int first;

	ck_assert_int_eq(bells_open(&b, 2), OK);
	first = b.ring[0];
	ck_assert_int_eq(bells_extend(&b, 4), OK);
	ck_assert_int_eq(bells_extend(&b, 3), OK);
	ck_assert_int_eq(b.ring[0], first);
	bell_ring_worker(&b, 3);
	ck_assert(is_rung(b.ring[3]) && !is_rung(b.ring[2]));
	ck_assert_int_eq(bells_extend(&b, STORE_RINGS_MAX + 1), ERR_LIMIT);
	bells_close(&b);
}
END_TEST

START_TEST(each_ring_has_its_bell_and_there_are_no_more_than_rings)
{
	struct bells b;

	ck_assert_int_eq(bells_open(&b, 3), OK);
	bell_ring_worker(&b, 1);
	ck_assert(!is_rung(b.ring[0]) && is_rung(b.ring[1]) && !is_rung(b.ring[2]));
	ck_assert_int_eq(b.ring[3], -1);
	bell_ring_worker(&b, 3); /* one that nobody has wakes nobody */
	ck_assert(!is_rung(b.ring[0]) && !is_rung(b.ring[2]));
	bells_close(&b);
	ck_assert_int_eq(bells_open(&b, STORE_RINGS_MAX + 1), ERR_LIMIT);
	ck_assert_int_eq(b.role[0], -1);
}
END_TEST

Suite *
suite_bells(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "bells", 10);
	tcase_add_test(tc, a_bell_wakes_its_owner_alone_until_it_is_quieted);
	tcase_add_test(tc, rings_before_a_look_are_one_wake_up_and_one_after_it_is_another);
	tcase_add_test(tc, a_new_tip_wakes_those_who_follow_it);
	tcase_add_test(tc, more_rings_get_bells_and_the_others_keep_theirs);
	tcase_add_test(tc, each_ring_has_its_bell_and_there_are_no_more_than_rings);
	return suite;
}
