/* The configuration: its table, its defaults, and that what is printed reads back to the same. */
#include <stdio.h>
#include <string.h>

#include "config_room.h"
#include "node/config_table.h"
#include "suites.h"
#include "util/file.h"
#include "util/text.h"

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
		for (size_t k = 0; k < i; k++) {
			char a[CONFIG_VARIABLE_SIZE], b[CONFIG_VARIABLE_SIZE];
			config_variable_name(a, key);
			config_variable_name(b, &keys[k]);
			ck_assert_str_ne(a, b);
		}
		ck_assert_msg(strcmp(key->name, CONFIG_INCLUDE) != 0, "a file could not set it");
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
	ck_assert_uint_eq(c.node.log_levels.base, LOG_LEVEL_INFO);
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
	struct buf names;
	size_t count;
	const struct config_key *keys = config_keys(&count);
	char text[512 + 2048];
	room_write(ROOM_TOKEN, "0123456789abcdef0123456789abcdef\n", 0640);
	snprintf(text, sizeof(text), "%s[http]\nadmin_token_file = %s/%s\n", room_full, room_path(), ROOM_TOKEN);
	room_load(&c, text);

	ck_assert_str_eq(c.node.name, "node-2.test");
	ck_assert_str_eq(c.node.data_dir, "/srv/rensa data");
	ck_assert_uint_eq(c.node.shm_max, 64u << 20);
	ck_assert_uint_eq(c.node.watchdog_ms, 1500);
	ck_assert_int_eq(c.node.sync, SYNC_OFF);
	ck_assert_uint_eq(c.node.log_levels.base, LOG_LEVEL_DEBUG);
	ck_assert_uint_eq(c.node.log_levels.at[log_module_find("httpd", 5)], LOG_LEVEL_WARN);
	ck_assert_uint_eq(c.node.log_levels.at[log_module_find("pool", 4)], LOG_LEVEL_UNSET);
	ck_assert_int_eq(c.node.log_facility, LOG_FACILITY_LOCAL0 + 3);
	ck_assert_int_eq(c.http.request_log, REQUEST_LOG_FILE);
	ck_assert_uint_eq(c.http.request_log_slow_ms, 250);
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

	/* It cannot be set beside log_syslog. */
	text_copy(c.node.log_file, sizeof(c.node.log_file), "/var/log/rensa.log");
	/* No key was forgotten above: each differs from its default. */
	config_default(&defaults);
	buf_init(&names);
	room_compare(&names, &defaults, &c);
	for (size_t i = 0; i < count; i++) {
		char name[128];
		snprintf(name, sizeof(name), "%s.%s: ", keys[i].section, keys[i].name);
		ck_assert_msg(strstr(names.data, name) != NULL, "%s is at its default", name);
	}
	buf_clear(&names);
	config_clear(&defaults);
	config_clear(&c);
}
END_TEST

static size_t
settings_count(const char *text)
{
	size_t count = 0;
	for (; *text != '\0'; text = strchr(text, '\n') + 1)
		count += *text != '#';
	return count;
}

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
	room_compare(&names, c, &again);
	ck_assert_str_eq(names.data, "");
	/* But for the origins: now all are lines of this file. */
	config_print(&text_again, &again);
	ck_assert_uint_eq(settings_count(text.data), settings_count(text_again.data));
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
	room_load(&c, room_full);
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

START_TEST(manual_page_is_what_the_table_says)
{
	struct buf file, page;
	buf_init(&file);
	buf_init(&page);
	ck_assert_int_eq(file_read(&file, TOP_SRCDIR "/docs/man/rensad.conf.5", 1 << 20), OK);
	config_manual(&page);
	ck_assert_msg(strcmp(file.data, page.data) == 0,
		      "docs/man/rensad.conf.5 is old: rensad --manual > docs/man/rensad.conf.5");
	buf_clear(&file);
	buf_clear(&page);
}
END_TEST

START_TEST(prints_where_each_key_was_set)
{
	struct config c;
	struct buf text;
	char *environment[] = {(char *)"RENSAD_MINER_CPU_PERCENT=20", NULL};
	const char *settings[] = {"resolver.interval=5", NULL};
	buf_init(&text);
	room_write(ROOM_CONFIG, "[node]\nname = a\nlog_level = info\n", 0600);
	room_read(&c, environment, settings);
	config_print(&text, &c);
	ck_assert_ptr_nonnull(strstr(text.data, "[node]\n# from t.conf:2\nname = a\ndata_dir"));
	ck_assert_ptr_nonnull(strstr(text.data, "\n# from t.conf:3\nlog_level = info\nlog_format"));
	ck_assert_ptr_nonnull(strstr(text.data, "\n# from RENSAD_MINER_CPU_PERCENT\ncpu_percent = 20\n"));
	ck_assert_ptr_nonnull(strstr(text.data, "[resolver]\n# from -o resolver.interval\ninterval = 5s\n"));
	buf_clear(&text);
	config_clear(&c);
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
	room_compare(&names, &defaults, &c);
	ck_assert_str_eq(names.data, "");
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
	ck_assert_uint_eq(shown, count + 1); /* and include */
	assert_is_default(uncommented.data);
	buf_clear(&sample);
	buf_clear(&uncommented);
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
	tcase_add_test(tc, prints_where_each_key_was_set);
	tcase_add_test(tc, sample_file_is_what_the_table_says);
	tcase_add_test(tc, manual_page_is_what_the_table_says);
	tcase_add_test(tc, sample_file_sets_nothing_and_shows_every_default);
	tcase_add_test(tc, names_the_modes_of_the_miner_as_the_file_does);
	return suite;
}
