/* The title that ps shows lies where arguments and environment lay, and both stay readable. */
#include "node/proctitle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"

/* What the kernel lays out for a program: its arguments, its environment, and what is not ours. */
static char block[] = "rensad\0-c\0x.conf\0ONE=1\0TWO=2\0/usr/sbin/rensad";
static char elsewhere[] = "THREE=3";

#define ROOM (sizeof("rensad") + sizeof("-c") + sizeof("x.conf") + sizeof("ONE=1") + sizeof("TWO=2"))

static char *arguments[] = {block, block + 7, block + 10, NULL};
static char *surroundings[] = {block + 17, block + 23, elsewhere, NULL};

START_TEST(takes_the_place_of_arguments_and_environment_which_move_away)
{
	environ = surroundings;
	proctitle_init(3, arguments);
	proctitle_set("rensad: node-1 worker");
	ck_assert_str_eq(block, "rensad: node-1 worker");
	ck_assert_str_eq(arguments[1], "-c");
	ck_assert_str_eq(arguments[2], "x.conf");
	ck_assert_str_eq(getenv("ONE"), "1");
	ck_assert_str_eq(getenv("TWO"), "2");
	ck_assert_str_eq(getenv("THREE"), "3");
	/* Nothing of a longer one is left behind a shorter one. */
	proctitle_set("short");
	for (size_t i = strlen("short"); i < ROOM; i++)
		ck_assert_int_eq(block[i], '\0');
}
END_TEST

START_TEST(is_cut_where_the_room_ends)
{
	environ = surroundings;
	proctitle_init(3, arguments);
	proctitle_set("rensad: a title that is longer than there is room for it in this program");
	ck_assert_uint_eq(strlen(block), ROOM - 1);
	ck_assert_str_eq(block + ROOM, "/usr/sbin/rensad");
	ck_assert_str_eq(elsewhere, "THREE=3");
}
END_TEST

START_TEST(without_room_nothing_is_written)
{
	proctitle_set("rensad: nobody");
	ck_assert_str_eq(block, "rensad");
}
END_TEST

Suite *
suite_proctitle(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "proctitle", 10);

	tcase_add_test(tc, without_room_nothing_is_written);
	tcase_add_test(tc, takes_the_place_of_arguments_and_environment_which_move_away);
	tcase_add_test(tc, is_cut_where_the_room_ends);
	return suite;
}
