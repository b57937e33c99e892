/* The listening sockets of a node: how many there are, and who serves which. */
#include "node/listeners.h"

#include <fcntl.h>
#include <unistd.h>

#include "peer/kit.h"
#include "suites.h"

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

START_TEST(there_are_as_many_as_are_wanted_and_those_that_there_were_stay)
{
	struct netaddr at = kit_closed();
	struct listeners l = {.count = 0};
	int first;

	ck_assert_int_eq(listeners_open(&l, &at, 2, false), OK);
	ck_assert_uint_eq(l.count, 2);
	first = l.fds[0];
	ck_assert_int_eq(listeners_open(&l, &at, 5, false), OK);
	ck_assert_uint_eq(l.count, 5);
	ck_assert_int_eq(l.fds[0], first);
	ck_assert_int_eq(listeners_open(&l, &at, LISTENERS_ALL_MAX + 1, false), ERR_LIMIT);
	ck_assert_uint_eq(l.count, 5);
	listeners_close(&l);
	ck_assert_uint_eq(l.count, 0);
	ck_assert(!is_open(first));
}
END_TEST

START_TEST(an_address_that_somebody_else_has_is_refused)
{
	struct netaddr at;
	struct listeners l = {.count = 0}, ours = {.count = 0};
	int fd = kit_silent(&at);

	ck_assert_int_eq(listeners_open(&l, &at, 2, false), ERR_BUSY);
	ck_assert_uint_eq(l.count, 0);
	close(fd);
	/* Our own is no hindrance to us, if we say so. */
	ck_assert_int_eq(listeners_open(&ours, &at, 1, false), OK);
	ck_assert_int_eq(listeners_open(&l, &at, 1, false), ERR_BUSY);
	ck_assert_int_eq(listeners_open(&l, &at, 1, true), OK);
	listeners_close(&l);
	listeners_close(&ours);
}
END_TEST

START_TEST(what_was_opened_in_vain_is_closed_and_nothing_else)
{
	struct netaddr at = kit_closed(), other = kit_closed();
	struct listeners had = {.count = 0}, more, new = {.count = 0}, none = {.count = 0};

	ck_assert_int_eq(listeners_open(&had, &at, 2, false), OK);
	more = had;
	ck_assert_int_eq(listeners_open(&more, &at, 4, true), OK);
	listeners_close_since(&more, &had);
	ck_assert(is_open(had.fds[0]) && is_open(had.fds[1]));
	ck_assert(!is_open(more.fds[2]) && !is_open(more.fds[3]));
	ck_assert_int_eq(listeners_open(&new, &other, 1, false), OK);
	listeners_close_since(&new, &had);
	ck_assert(!is_open(new.fds[0]) && is_open(had.fds[0]));
	/* Taken over: those that there were are in the new set too. */
	more = had;
	listeners_close_since(&more, &had);
	ck_assert(is_open(had.fds[0]) && is_open(had.fds[1]));
	listeners_close_since(&had, &none);
	ck_assert(!is_open(more.fds[0]) && !is_open(more.fds[1]));
}
END_TEST

START_TEST(each_is_served_by_one_worker_whatever_their_number)
{
	for (uint32_t workers = 1; workers <= 9; workers++)
		for (uint32_t listener = 0; listener < 9; listener++) {
			unsigned served = 0;
			for (uint32_t worker = 0; worker < workers; worker++)
				served += listeners_serves(worker, workers, listener);
			ck_assert_uint_eq(served, 1);
			/* And each worker has its own. */
			ck_assert(listener >= workers || listeners_serves(listener, workers, listener));
		}
}
END_TEST

Suite *
suite_listeners(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "listeners", 10);

	tcase_add_test(tc, there_are_as_many_as_are_wanted_and_those_that_there_were_stay);
	tcase_add_test(tc, an_address_that_somebody_else_has_is_refused);
	tcase_add_test(tc, what_was_opened_in_vain_is_closed_and_nothing_else);
	tcase_add_test(tc, each_is_served_by_one_worker_whatever_their_number);
	return suite;
}
