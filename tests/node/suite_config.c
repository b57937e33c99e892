/* The configuration: its table, its defaults, and that what is printed reads back to the same. */
#include <stdio.h>
#include <string.h>

#include "config_room.h"
#include "node/config_table.h"
#include "suites.h"
#include "util/file.h"

/* Every key at another value than its default. */
static const char full_text[] = "# A comment\n"
				"[node]\n"
				"name = node-2.test\n"
				"data_dir = /srv/rensa data\n"
				"shm_max = 64MiB\n"
				"pool_max = 1000\n"
				"log_level = debug\n"
				"log_format = json\n"
				"log_file = /var/log/rensa.log\n"
				"watchdog = 1500ms\n"
				"sync = off\n"
				"[http]\n"
				"\tlisten = [::1]:5001\n"
				"\tworkers = 4 ; as many as cores\n"
				"admin_allow = 10.0.0.0/30, 192.168.1.7\n"
				"header_timeout = 1m\n"
				"request_timeout = 2h\n"
				"max_body = 8M\n"
				"chain_cache = 1M\n"
				"max_connections = 100\n"
				"[network]\n"
				"name = class-4b\n"
				"genesis_time = 2025-09-01T08:00:00.5Z\n"
				"target_interval = 500ms\n"
				"retarget = fixed\n"
				"difficulty = 8\n"
				"reward = 12.5\n"
				"address_version = 0\n"
				"maturity = 10\n"
				"minimum_fee = 0.00000001\n"
				"max_block_bytes = 512K\n"
				"[peers]\n"
				"listen = 10.0.0.2:6000\n"
				"advertise = 203.0.113.7:6000\n"
				"[discovery]\n"
				"interval = 5\n"
				"peers = 10.0.0.3:5000,node4:5000 [fd00::5]:5000\n"
				"peers = node6:5000\n"
				"dns = rensa.example:5000\n"
				"scan_hosts = 172.16.0.2-172.16.0.4\n"
				"scan_ports = 5000-5002\n"
				"scan_rate = 300\n"
				"probe_timeout = 250ms\n"
				"[resolver]\n"
				"interval = 7\n"
				"max_reorg_depth = 100\n"
				"[miner]\n"
				"mode = on-demand\n"
				"address = 1111111111111111111114oLvT2\n"
				"interval = 3s\n"
				"cpu_percent = 50\n";

START_TEST(every_row_of_the_table_is_sound)
{
	size_t count, section_count, section = 0;
	const struct config_key *keys = config_keys(&count);
	const struct config_section *sections = config_sections(&section_count);
	for (size_t i = 0; i < count; i++) {
		const struct config_key *key = &keys[i];
		while (section < section_count && strcmp(sections[section].name, key->section) != 0)
			section++;
		ck_assert_msg(section < section_count, "[%s] %s stands out of order", key->section, key->name);
		ck_assert_msg(config_key_find(key->section, key->name) == key, "%s stands twice", key->name);
		ck_assert_msg(key->about[strlen(key->about) - 1] == '.', "%s", key->name);
		ck_assert_msg(key->change == CHANGE_LIVE || !config_value_is_list(key),
			      "%s: a list cannot wait for a restart", key->name);
		ck_assert_msg(key->initial != NULL || strcmp(key->section, "network") == 0, "%s", key->name);
		bool is_text = key->type == CONFIG_NAME || key->type == CONFIG_PATH || key->type == CONFIG_ENDPOINT ||
			       key->type == CONFIG_ADDRESS;
		ck_assert_msg(!is_text || key->max < key->size, "%s: the bound is beyond the member", key->name);
	}
}
END_TEST

START_TEST(defaults_are_those_that_are_promised)
{
	struct config c;
	struct params params;
	struct netaddr listen;
	config_default(&c);
	params_default(&params);
	ck_assert_int_eq(netaddr_parse(&listen, "127.0.0.1:5000"), OK);
	ck_assert(netaddr_equal(&c.http.listen, &listen));
	ck_assert_str_eq(c.node.data_dir, "/var/lib/rensa");
	ck_assert_uint_eq(c.node.shm_max, 1u << 30);
	ck_assert_int_eq(c.node.log_level, LOG_LEVEL_INFO);
	ck_assert_int_eq(c.node.log_format, LOG_FORMAT_LOGFMT);
	ck_assert_uint_eq(c.http.workers, 0);
	ck_assert_uint_eq(c.http.header_timeout_ms, 10000);
	ck_assert_uint_eq(c.http.request_timeout_ms, 30000);
	ck_assert_uint_eq(c.http.max_body, 4u << 20);
	ck_assert_uint_eq(c.http.max_connections, 4096);
	ck_assert_uint_eq(c.http.chain_cache, 64u << 20);
	ck_assert_uint_eq(c.peers.listen.port, 0);
	ck_assert_uint_eq(c.discovery.interval_ms, 20000);
	ck_assert_uint_eq(c.discovery.scan_hosts.count, 0);
	ck_assert_uint_eq(c.discovery.scan_ports.first, 0);
	ck_assert_uint_eq(c.resolver.interval_ms, 20000);
	ck_assert_uint_eq(c.resolver.max_reorg_depth, 0);
	ck_assert_int_eq(c.miner.mode, MINER_MANUAL);
	ck_assert_uint_eq(c.miner.interval_ms, 20000);
	ck_assert_ptr_null(params_difference(&c.network, &params));
	config_clear(&c);
}
END_TEST

START_TEST(reads_every_key)
{
	struct config c, defaults;
	struct buf live, restart;
	size_t count;
	const struct config_key *keys = config_keys(&count);
	char text[sizeof(full_text) + 128];
	room_write(ROOM_TOKEN, "0123456789abcdef0123456789abcdef\n", 0640);
	snprintf(text, sizeof(text), "%s[http]\nadmin_token_file = %s/%s\n", full_text, room_path(), ROOM_TOKEN);
	room_load(&c, text);

	ck_assert_str_eq(c.node.name, "node-2.test");
	ck_assert_str_eq(c.node.data_dir, "/srv/rensa data");
	ck_assert_uint_eq(c.node.shm_max, 64u << 20);
	ck_assert_uint_eq(c.node.watchdog_ms, 1500);
	ck_assert_int_eq(c.node.sync, SYNC_OFF);
	ck_assert(c.http.listen.is_v6 && c.http.listen.port == 5001);
	ck_assert_uint_eq(c.http.workers, 4);
	ck_assert_uint_eq(c.http.admin_allow.count, 2);
	ck_assert_uint_eq(netrange_count(&c.http.admin_allow.at[1]), 1);
	ck_assert_str_eq(c.http.admin_token, "0123456789abcdef0123456789abcdef");
	ck_assert_uint_eq(c.http.request_timeout_ms, 7200000);
	ck_assert_uint_eq(c.network.genesis_time_ms, 1756713600500);
	ck_assert_int_eq(c.network.retarget, RETARGET_FIXED);
	ck_assert_uint_eq(c.network.reward, 1250000000);
	ck_assert_uint_eq(c.network.min_fee, 1);
	ck_assert_uint_eq(c.network.address_version, 0);
	ck_assert_uint_eq(c.discovery.peers.count, 4);
	ck_assert_str_eq(c.discovery.peers.at[2].host, "fd00::5");
	ck_assert_str_eq(c.discovery.peers.at[3].host, "node6");
	ck_assert_uint_eq(netrange_count(&c.discovery.scan_hosts.at[0]), 3);
	ck_assert_uint_eq(c.discovery.scan_ports.first, 5000);
	ck_assert_uint_eq(c.discovery.scan_ports.last, 5002);
	ck_assert_int_eq(c.miner.mode, MINER_ON_DEMAND);
	static const struct address zeros = {{0}};
	ck_assert(address_equal(&c.miner.address, &zeros));

	/* No key was forgotten above: each differs from its default. */
	config_default(&defaults);
	buf_init(&live);
	buf_init(&restart);
	ck_assert(config_differs(&live, &restart, &defaults, &c));
	for (size_t i = 0; i < count; i++) {
		char name[128];
		snprintf(name, sizeof(name), "[%s] %s", keys[i].section, keys[i].name);
		ck_assert_msg(strstr(keys[i].change == CHANGE_LIVE ? live.data : restart.data, name) != NULL,
			      "%s is at its default", name);
	}
	buf_clear(&live);
	buf_clear(&restart);
	config_clear(&defaults);
	config_clear(&c);
}
END_TEST

static void
assert_reads_back(const struct config *c)
{
	struct config again;
	struct buf text, text_again, names;
	buf_init(&text);
	buf_init(&text_again);
	buf_init(&names);
	config_print(&text, c);
	room_load(&again, text.data);
	ck_assert_msg(!config_differs(&names, &names, c, &again), "%s", names.data);
	config_print(&text_again, &again);
	ck_assert_str_eq(text.data, text_again.data);
	buf_clear(&text);
	buf_clear(&text_again);
	buf_clear(&names);
	config_clear(&again);
}

START_TEST(prints_configuration_that_reads_back_to_the_same)
{
	struct config c;
	config_default(&c);
	assert_reads_back(&c);
	config_clear(&c);
	room_load(&c, full_text);
	assert_reads_back(&c);
	config_clear(&c);
}
END_TEST

START_TEST(prints_long_lists_in_lines_that_can_be_read)
{
	struct config c;
	struct buf text;
	buf_init(&text);
	buf_puts(&text, "[discovery]\nscan_ports = 5000\n");
	for (int i = 0; i < CONFIG_LIST_MAX; i++)
		buf_printf(&text,
			   "scan_hosts = fd00:1111:2222:3333:4444:5555:%x:0-fd00:1111:2222:3333:4444:5555:%x:ff\n", i,
			   i);
	for (int label = 'a'; label < 'd'; label++) {
		buf_puts(&text, "peers = ");
		for (int i = 0; i < ENDPOINT_HOST_MAX; i++)
			buf_putc(&text, (char)(i % 60 == 59 ? '.' : label));
		buf_puts(&text, ":5000\n");
	}
	room_load(&c, text.data);
	ck_assert_uint_eq(c.discovery.scan_hosts.count, CONFIG_LIST_MAX);
	ck_assert_uint_eq(c.discovery.peers.count, 3);
	assert_reads_back(&c);
	config_clear(&c);
	buf_clear(&text);
}
END_TEST

START_TEST(never_prints_the_token)
{
	struct config c;
	struct buf text;
	char config[256];
	buf_init(&text);
	room_write(ROOM_TOKEN, "0123456789abcdef0123456789abcdef", 0600);
	snprintf(config, sizeof(config), "[http]\nadmin_token_file = %s/%s\n", room_path(), ROOM_TOKEN);
	room_load(&c, config);
	config_print(&text, &c);
	ck_assert_ptr_nonnull(strstr(text.data, room_path()));
	ck_assert_ptr_null(strstr(text.data, "0123456789abcdef"));
	buf_clear(&text);
	config_clear(&c);
}
END_TEST

START_TEST(sample_file_is_what_the_table_says)
{
	struct buf file, sample;
	buf_init(&file);
	buf_init(&sample);
	ck_assert_int_eq(file_read(&file, TOP_SRCDIR "/conf/rensad.conf", 1 << 20), OK);
	config_sample(&sample);
	ck_assert_msg(strcmp(file.data, sample.data) == 0,
		      "conf/rensad.conf is old: rensad --sample > conf/rensad.conf");
	buf_clear(&file);
	buf_clear(&sample);
}
END_TEST

static void
assert_is_default(const char *text)
{
	struct config c, defaults;
	struct buf names;
	buf_init(&names);
	room_load(&c, text);
	config_default(&defaults);
	ck_assert_msg(!config_differs(&names, &names, &defaults, &c), "%s", names.data);
	buf_clear(&names);
	config_clear(&defaults);
	config_clear(&c);
}

START_TEST(sample_file_sets_nothing_and_shows_every_default)
{
	struct buf sample, uncommented;
	buf_init(&sample);
	buf_init(&uncommented);
	config_sample(&sample);
	assert_is_default(sample.data);

	size_t count, shown = 0;
	config_keys(&count);
	for (const char *line = sample.data; *line != '\0'; line = strchr(line, '\n') + 1) {
		bool is_setting = line[0] == '#' && line[1] != ' ' && line[1] != '\n';
		int len = (int)strcspn(line, "\n");
		ck_assert_msg(len <= 101, "long line in the sample: %.*s", len, line);
		buf_printf(&uncommented, "%.*s\n", len - is_setting, line + is_setting);
		shown += is_setting;
	}
	ck_assert_uint_eq(shown, count);
	assert_is_default(uncommented.data);
	buf_clear(&sample);
	buf_clear(&uncommented);
}
END_TEST

START_TEST(names_what_a_reload_changes_and_what_waits_for_a_restart)
{
	struct config a, b;
	struct buf live, restart;
	buf_init(&live);
	buf_init(&restart);
	room_load(&a, "");
	room_load(&b,
		  "[miner]\ncpu_percent = 10\n[http]\nworkers = 2\nadmin_allow = 10.0.0.1\n[network]\nreward = 2\n");
	ck_assert(config_differs(&live, &restart, &a, &b));
	ck_assert_str_eq(live.data, "[http] admin_allow, [miner] cpu_percent");
	ck_assert_str_eq(restart.data, "[http] workers, [network] reward");
	ck_assert(!config_differs(&live, &restart, &a, &a));
	buf_clear(&live);
	buf_clear(&restart);
	config_clear(&a);
	config_clear(&b);
}
END_TEST

START_TEST(sees_that_the_token_file_holds_another_token)
{
	struct config a, b;
	struct buf live, restart;
	char config[256];
	buf_init(&live);
	buf_init(&restart);
	snprintf(config, sizeof(config), "[http]\nadmin_token_file = %s/%s\n", room_path(), ROOM_TOKEN);
	room_write(ROOM_TOKEN, "0123456789abcdef", 0600);
	room_load(&a, config);
	room_write(ROOM_TOKEN, "fedcba9876543210", 0600);
	room_load(&b, config);
	ck_assert(config_differs(&live, &restart, &a, &b));
	ck_assert_str_eq(live.data, "[http] admin_token_file");
	ck_assert_uint_eq(restart.len, 0);
	buf_clear(&live);
	config_clear(&a);
	config_clear(&b);
}
END_TEST

START_TEST(reload_keeps_what_waits_for_a_restart)
{
	struct config running, next;
	struct buf errors, names;
	buf_init(&errors);
	buf_init(&names);
	room_load(&running, "[network]\nreward = 3\n");
	room_load(&next, "[network]\nreward = 5\n[http]\nlisten = 10.0.0.1:5000\n[miner]\ncpu_percent = 10\n");
	ck_assert_int_eq(config_keep_fixed(&next, &running, ROOM_CONFIG, &errors), OK);
	ck_assert(config_differs(&names, &errors, &running, &next));
	ck_assert_str_eq(names.data, "[miner] cpu_percent");
	ck_assert_uint_eq(errors.len, 0);
	buf_clear(&names);
	config_clear(&next);

	room_load(&next, "[network]\naddress_version = 0\n[miner]\naddress = 1111111111111111111114oLvT2\n");
	ck_assert_int_eq(config_keep_fixed(&next, &running, ROOM_CONFIG, &errors), ERR_FORMAT);
	ck_assert_str_eq(errors.data,
			 "t.conf: [miner] address: \"1111111111111111111114oLvT2\" is an address of another "
			 "network; allowed: one with version byte 60, the address_version of [network]\n");
	buf_clear(&errors);
	config_clear(&next);
	config_clear(&running);
}
END_TEST

START_TEST(names_the_modes_of_the_miner_as_the_file_does)
{
	static const char *const names[] = {"manual", "on-demand", "interval", "continuous"};
	for (int mode = MINER_MANUAL; mode <= MINER_CONTINUOUS; mode++)
		ck_assert_str_eq(miner_mode_name((enum miner_mode)mode), names[mode]);
}
END_TEST

Suite *
suite_config(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "config", 10);
	tcase_add_checked_fixture(tc, room_enter, room_leave);
	tcase_add_test(tc, every_row_of_the_table_is_sound);
	tcase_add_test(tc, defaults_are_those_that_are_promised);
	tcase_add_test(tc, reads_every_key);
	tcase_add_test(tc, prints_configuration_that_reads_back_to_the_same);
	tcase_add_test(tc, prints_long_lists_in_lines_that_can_be_read);
	tcase_add_test(tc, never_prints_the_token);
	tcase_add_test(tc, sample_file_is_what_the_table_says);
	tcase_add_test(tc, sample_file_sets_nothing_and_shows_every_default);
	tcase_add_test(tc, names_what_a_reload_changes_and_what_waits_for_a_restart);
	tcase_add_test(tc, sees_that_the_token_file_holds_another_token);
	tcase_add_test(tc, reload_keeps_what_waits_for_a_restart);
	tcase_add_test(tc, names_the_modes_of_the_miner_as_the_file_does);
	return suite;
}
