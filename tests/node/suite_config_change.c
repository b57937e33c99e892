/* Two configurations compared, and what a reload keeps of the running one. */
#include <stdio.h>
#include <string.h>

#include "config_room.h"
#include "suites.h"

START_TEST(tells_what_a_reload_changes_and_what_waits_for_a_restart)
{
	struct config a, b;
	struct buf told;
	buf_init(&told);
	room_load(&a, "[discovery]\npeers = node2:5000\n");
	room_load(&b, "[miner]\ncpu_percent = 10\n[node]\nname = other\n[http]\nadmin_allow = 10.0.0.1\n"
		      "[network]\nreward = 2\n");
	room_compare(&told, &a, &b);
	ck_assert_str_eq(told.data, "node.name: node -> other (restart)\n"
				    "http.admin_allow: nothing -> 10.0.0.1\n"
				    "network.reward: 1 -> 2 (restart)\n"
				    "discovery.peers: node2:5000 -> nothing\n"
				    "miner.cpu_percent: 100 -> 10\n");
	buf_reset(&told);
	room_compare(&told, &a, &a);
	ck_assert_str_eq(told.data, "");
	buf_clear(&told);
	config_clear(&a);
	config_clear(&b);
}
END_TEST

START_TEST(cuts_long_values)
{
	struct config a, b;
	struct buf told, text;
	buf_init(&told);
	buf_init(&text);
	buf_puts(&text, "[http]\n");
	for (int i = 1; i < 100; i++)
		buf_printf(&text, "admin_allow = 10.0.0.%d\n", i);
	room_load(&a, "");
	room_load(&b, text.data);
	room_compare(&told, &a, &b);
	ck_assert_ptr_nonnull(strstr(told.data, "http.admin_allow: nothing -> 10.0.0.1, 10.0.0.2, "));
	ck_assert_uint_lt(told.len, 300);
	ck_assert_str_eq(told.data + told.len - 4, "...\n");
	buf_clear(&told);
	buf_clear(&text);
	config_clear(&a);
	config_clear(&b);
}
END_TEST

START_TEST(tells_that_the_token_file_holds_another_token_but_not_which)
{
	struct config a, b;
	struct buf told;
	char config[256];
	buf_init(&told);
	snprintf(config, sizeof(config), "[http]\nadmin_token_file = %s/%s\n", room_path(), ROOM_TOKEN);
	room_write(ROOM_TOKEN, "0123456789abcdef", 0600);
	room_load(&a, config);
	room_write(ROOM_TOKEN, "fedcba9876543210", 0600);
	room_load(&b, config);
	room_compare(&told, &a, &b);
	snprintf(config, sizeof(config), "http.admin_token_file: %s/%s -> the same file with another token\n",
		 room_path(), ROOM_TOKEN);
	ck_assert_str_eq(told.data, config);
	buf_clear(&told);
	config_clear(&a);
	config_clear(&b);
}
END_TEST

START_TEST(reload_keeps_what_waits_for_a_restart)
{
	struct config running, next;
	struct buf errors, told;
	buf_init(&errors);
	buf_init(&told);
	room_load(&running, "[network]\nreward = 3\n");
	room_load(&next, "[network]\nreward = 5\n[node]\nname = other\n[miner]\ncpu_percent = 10\n");
	ck_assert_int_eq(config_keep_fixed(&next, &running, ROOM_CONFIG, &errors), OK);
	room_compare(&told, &running, &next);
	ck_assert_str_eq(told.data, "miner.cpu_percent: 100 -> 10\n");
	ck_assert_uint_eq(errors.len, 0);
	buf_clear(&told);
	config_clear(&next);

	room_load(&next, "[network]\naddress_version = 0\n[miner]\naddress = 1111111111111111111114oLvT2\n");
	ck_assert_int_eq(config_keep_fixed(&next, &running, ROOM_CONFIG, &errors), ERR_FORMAT);
	ck_assert_str_eq(errors.data,
			 "t.conf:4: [miner] address: \"1111111111111111111114oLvT2\" is an address of another "
			 "network; allowed: one with version byte 60, the address_version of [network]\n");
	buf_clear(&errors);
	config_clear(&next);
	config_clear(&running);
}
END_TEST

Suite *
suite_config_change(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "config change", 10);
	tcase_add_checked_fixture(tc, room_enter, room_leave);
	tcase_add_test(tc, tells_what_a_reload_changes_and_what_waits_for_a_restart);
	tcase_add_test(tc, cuts_long_values);
	tcase_add_test(tc, tells_that_the_token_file_holds_another_token_but_not_which);
	tcase_add_test(tc, reload_keeps_what_waits_for_a_restart);
	return suite;
}
