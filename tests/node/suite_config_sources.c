/* Where settings come from: files that include others, the environment, options; and which of them wins. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config_room.h"
#include "node/config_table.h"
#include "suites.h"

#define FILES_MAX 256

static void
make_folder(void)
{
	ck_assert_int_eq(mkdir("conf.d", 0700), 0);
}

START_TEST(reads_included_files_in_the_order_of_their_names_and_the_last_wins)
{
	struct config c;
	make_folder();
	room_write("conf.d/20.conf", "[http]\nworkers = 3\n[discovery]\npeers = c:1\npeers = d:1\n", 0600);
	room_write("conf.d/10.conf", "[http]\nworkers = 2\nmax_body = 8M\n[discovery]\npeers = b:1\n", 0600);
	room_write("conf.d/30.conf~", "nonsense\n", 0600);
	room_load(&c, "[discovery]\npeers = a:1\n[http]\nworkers = 1\ninclude = conf.d/*.conf\nmax_body = 16M\n");
	ck_assert_uint_eq(c.http.workers, 3);
	/* The section went on behind the include, and what stands there is the last word. */
	ck_assert_uint_eq(c.http.max_body, 16u << 20);
	/* The lines of one file add up, those of another replace them. */
	ck_assert_uint_eq(c.discovery.peers.count, 2);
	ck_assert_str_eq(c.discovery.peers.at[0].host, "c");
	config_clear(&c);
}
END_TEST

START_TEST(finds_included_files_beside_the_file_that_names_them)
{
	struct config c;
	make_folder();
	ck_assert_int_eq(mkdir("conf.d/a[b]", 0700), 0);
	room_write("conf.d/first", "include = a[b]/second\n", 0600);
	room_write("conf.d/a[[]b]", "nonsense\n", 0600);
	room_load(&c, "include = conf.d/none-*.conf\ninclude = absent.d/*.conf\n");
	config_clear(&c);
	/* A folder whose name looks like a pattern is itself. */
	ck_assert_int_eq(rename("conf.d/a[b]", "conf.d/x*"), 0);
	room_write("conf.d/x*/third", "[node]\nname = third\n", 0600);
	room_write("conf.d/x*/second", "include = thir?\n", 0600);
	room_write("conf.d/first", "include = x[*]/secon?\n", 0600);
	room_load(&c, "include = conf.d/first\n");
	ck_assert_str_eq(c.node.name, "third");
	config_clear(&c);
}
END_TEST

START_TEST(names_file_and_line_of_what_is_wrong_in_included_files)
{
	struct buf errors;
	make_folder();
	room_write("conf.d/10.conf", "[http]\nworkers = 99\nlistn = x\n", 0600);
	room_write("conf.d/20.conf", "workers = 1\n[htpt]\n", 0600);
	room_refuse(&errors, "[http]\ninclude = conf.d/*.conf\nworkers = x\n");
	ck_assert_str_eq(errors.data, "t.conf:3: [http] workers: \"x\" is not a number; allowed: 0 to 64\n"
				      "conf.d/10.conf:2: [http] workers: \"99\" is too large; allowed: 0 to 64\n"
				      "conf.d/10.conf:3: [http] listn: there is no such key; did you mean \"listen\"?\n"
				      "conf.d/20.conf:1: workers: stands before any section; put it below [http]\n"
				      "conf.d/20.conf:2: [htpt]: there is no such section; did you mean [http]?\n");
	buf_clear(&errors);
}
END_TEST

static const struct {
	const char *text;
	const char *errors;
} include_rows[] = {
    {"include = absent.conf\n", "t.conf:1: include: \"absent.conf\": there is no such file\n"},
    {"[node]\ninclude =\n", "t.conf:2: include: has no value; allowed: a file, or a pattern as conf.d/*.conf\n"},
    {"include = conf.d\n", "t.conf:1: include: \"conf.d\": it is not a file\n"},
    {"include = conf.*\n", "t.conf:1: include: \"conf.d\": it is not a file\n"},
    {"include = t.conf\n", "t.conf:1: include: \"t.conf\": it includes itself, here or by way of other files\n"},
    {"[node]\ninclude = conf.d/back\nname = a\nname = b\n",
     "t.conf:4: [node] name: is set twice, in line 3 too; keep one of them\n"
     "conf.d/back:1: include: \"conf.d/../t.conf\": it includes itself, here or by way of other files\n"},
    {"include = /dev/zero\n", "t.conf:1: include: \"/dev/zero\": it is not a file\n"},
    {"inclued = x\n", "t.conf:1: inclued: stands before any section; did you mean \"include\"?\n"},
};

START_TEST(refuses_what_cannot_be_included)
{
	struct buf errors;
	make_folder();
	room_write("conf.d/back", "include = ../t.conf\n", 0600);
	room_refuse(&errors, include_rows[_i].text);
	ck_assert_str_eq(errors.data, include_rows[_i].errors);
	buf_clear(&errors);
}
END_TEST

START_TEST(includes_eight_deep_and_no_deeper)
{
	struct config c;
	struct buf errors;
	for (int i = 1; i <= 9; i++) {
		char name[16], text[64];
		snprintf(name, sizeof(name), "%d", i);
		snprintf(text, sizeof(text), i < 8 ? "include = %d\n" : "[http]\nworkers = %d\n", i + 1);
		room_write(name, text, 0600);
	}
	room_load(&c, "include = 1\n");
	ck_assert_uint_eq(c.http.workers, 9);
	config_clear(&c);
	room_write("8", "include = 9\n", 0600);
	room_refuse(&errors, "include = 1\n");
	ck_assert_str_eq(errors.data, "8:1: include: \"9\": files include one another more than 8 deep\n");
	buf_clear(&errors);
}
END_TEST

START_TEST(reads_no_more_files_than_it_may_and_says_so_once)
{
	struct buf text, errors;
	struct config c;
	buf_init(&text);
	room_write("a", "[http]\nworkers = 7\n", 0600);
	for (int i = 0; i < FILES_MAX; i++)
		buf_puts(&text, "include = a\n");
	room_load(&c, text.data);
	ck_assert_uint_eq(c.http.workers, 7);
	config_clear(&c);
	buf_puts(&text, "include = a\ninclude = a\n");
	room_refuse(&errors, text.data);
	ck_assert_str_eq(errors.data, "t.conf:257: include: \"a\": more than 256 files are included\n");
	buf_clear(&errors);
	buf_clear(&text);
}
END_TEST

START_TEST(options_win_over_the_environment_and_that_over_files)
{
	char *environment[] = {(char *)"HOME=/",
			       (char *)"RENSAD_NODE_NAME=b",
			       (char *)"RENSAD_HTTP_WORKERS= 2 ",
			       (char *)"RENSAD_DISCOVERY_PEERS=b:1,c:1",
			       (char *)"RENSAD_NETWORK_REWARD=3",
			       NULL};
	const char *settings[] = {"http.workers=3", " http.workers = 4 ", "discovery.dns=d:1", "discovery.dns=e:1",
				  NULL};
	struct config c;
	room_write(ROOM_CONFIG, "[node]\nname = a\npool_max = 64\n[http]\nworkers = 1\n[discovery]\npeers = a:1\n",
		   0600);
	room_read(&c, environment, settings);
	ck_assert_str_eq(c.node.name, "b");
	ck_assert_uint_eq(c.node.pool_max, 64);
	ck_assert_uint_eq(c.http.workers, 4);
	ck_assert_uint_eq(c.discovery.peers.count, 2);
	ck_assert_uint_eq(c.discovery.dns.count, 1);
	ck_assert_str_eq(c.discovery.dns.at[0].host, "e");
	ck_assert_uint_eq(c.network.reward, 3 * COIN);
	config_clear(&c);
}
END_TEST

START_TEST(names_variables_and_options_that_are_wrong)
{
	char *environment[] = {(char *)"RENSAD_HTTP_LISTEN=x", (char *)"RENSAD_HTTP_WORKER=2",	(char *)"RENSAD_=1",
			       (char *)"RENSAD_MINER_ADDRESS", (char *)"RENSAD_HTTP_PORT=5000", NULL};
	const char *settings[] = {
	    "http.workers", "workers=2", "htpt.workers=2", "http.worker=2", "http.workers=", "\x1b[2J.x=1", NULL};
	struct buf errors;
	room_write(ROOM_CONFIG, "[miner]\nmode = interval\n", 0600);
	room_refuse_all(&errors, environment, settings);
	ck_assert_str_eq(
	    errors.data,
	    "t.conf:2: [miner] mode: interval needs an address that the rewards go to; set [miner] address, or the "
	    "mode "
	    "manual\n"
	    "RENSAD_HTTP_LISTEN: [http] listen: \"x\" is not an address and port; allowed: ADDRESS:PORT as "
	    "127.0.0.1:5000, 0.0.0.0:5000 or [::]:5000 (no names)\n"
	    "RENSAD_HTTP_WORKER: there is no such setting; did you mean RENSAD_HTTP_WORKERS?\n"
	    "RENSAD_: there is no such setting; allowed: RENSAD_SECTION_KEY, as RENSAD_HTTP_LISTEN\n"
	    "RENSAD_HTTP_PORT: there is no such setting; allowed: RENSAD_SECTION_KEY, as RENSAD_HTTP_LISTEN\n"
	    "-o http.workers: this is no setting; allowed: section.key=value, as http.listen=127.0.0.1:5000\n"
	    "-o workers: this is no setting; allowed: section.key=value, as http.listen=127.0.0.1:5000\n"
	    "-o htpt.workers: [htpt]: there is no such section; did you mean [http]?\n"
	    "-o http.worker: [http] worker: there is no such key; did you mean \"workers\"?\n"
	    "-o http.workers: [http] workers: has no value; allowed: 0 to 64\n"
	    "-o \"\\x1b[2J.x\": [\"\\x1b[2J\"]: there is no such section; allowed: [node], [http], [network], [peers], "
	    "[discovery], [resolver] or [miner]\n");
	buf_clear(&errors);
}
END_TEST

START_TEST(passes_over_what_a_container_host_says_of_a_service_called_rensad)
{
	char *environment[] = {(char *)"RENSAD_SERVICE_HOST=10.96.0.10",
			       (char *)"RENSAD_SERVICE_PORT=5000",
			       (char *)"RENSAD_SERVICE_PORT_HTTP=5000",
			       (char *)"RENSAD_PORT=tcp://10.96.0.10:5000",
			       (char *)"RENSAD_PORT_5000_TCP=tcp://10.96.0.10:5000",
			       (char *)"RENSAD_PORT_5000_TCP_PROTO=tcp",
			       (char *)"RENSAD_PORT_5000_TCP_PORT=5000",
			       (char *)"RENSAD_PORT_5000_TCP_ADDR=10.96.0.10",
			       (char *)"RENSAD_HTTP_SERVICE_HOST=10.96.0.11",
			       (char *)"RENSAD_HTTP_PORT=tcp://10.96.0.11:5000",
			       (char *)"RENSAD=/usr/sbin/rensad",
			       (char *)"RENSA_NODE=http://127.0.0.1:5000",
			       NULL};
	struct config c, defaults;
	struct buf told;
	buf_init(&told);
	room_write(ROOM_CONFIG, "", 0600);
	room_read(&c, environment, NULL);
	config_default(&defaults);
	room_compare(&told, &defaults, &c);
	ck_assert_str_eq(told.data, "");
	buf_clear(&told);
	config_clear(&defaults);
	config_clear(&c);
}
END_TEST

/* The file without one key of the full configuration; and that key in the form that each source wants. */
static void
split(struct buf *file, struct buf *value, const struct config *full, size_t key)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	buf_reset(file);
	buf_reset(value);
	buf_puts(file, "");
	for (size_t i = 0; i < count; i++) {
		if (i == key)
			continue;
		buf_printf(file, "[%s]\n%s = ", keys[i].section, keys[i].name);
		config_value_format(file, full, &keys[i]);
		buf_putc(file, '\n');
	}
	config_value_format(value, full, &keys[key]);
}

static void
assert_same(const struct config *full, const struct config *c, const struct config_key *key, const char *how)
{
	struct buf told;
	buf_init(&told);
	room_compare(&told, full, c);
	ck_assert_msg(told.len == 0, "[%s] %s by %s: %s", key->section, key->name, how, told.data);
	buf_clear(&told);
}

START_TEST(every_key_is_set_alike_by_file_environment_and_option)
{
	struct config full, c;
	struct buf file, value, text;
	size_t count;
	const struct config_key *keys = config_keys(&count);
	buf_init(&file);
	buf_init(&value);
	buf_init(&text);
	room_write(ROOM_TOKEN, "0123456789abcdef0123456789abcdef\n", 0640);
	buf_printf(&text, "%s[http]\nadmin_token_file = %s/%s\n", room_full, room_path(), ROOM_TOKEN);
	room_load(&full, text.data);
	for (size_t i = 0; i < count; i++) {
		const struct config_key *key = &keys[i];
		char name[CONFIG_VARIABLE_SIZE];
		split(&file, &value, &full, i);

		buf_reset(&text);
		buf_printf(&text, "%s[%s]\n%s = %s\n", file.data, key->section, key->name, value.data);
		room_load(&c, text.data);
		assert_same(&full, &c, key, "file");
		config_clear(&c);

		room_write(ROOM_CONFIG, file.data, 0600);
		config_variable_name(name, key);
		buf_reset(&text);
		buf_printf(&text, "%s=%s", name, value.data);
		char *environment[] = {text.data, NULL};
		room_read(&c, environment, NULL);
		assert_same(&full, &c, key, "environment");
		config_clear(&c);

		buf_reset(&text);
		buf_printf(&text, "%s.%s=%s", key->section, key->name, value.data);
		const char *settings[] = {text.data, NULL};
		room_read(&c, NULL, settings);
		assert_same(&full, &c, key, "option");
		config_clear(&c);
	}
	buf_clear(&file);
	buf_clear(&value);
	buf_clear(&text);
	config_clear(&full);
}
END_TEST

Suite *
suite_config_sources(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "config sources", 20);
	tcase_add_checked_fixture(tc, room_enter, room_leave);
	tcase_add_test(tc, reads_included_files_in_the_order_of_their_names_and_the_last_wins);
	tcase_add_test(tc, finds_included_files_beside_the_file_that_names_them);
	tcase_add_test(tc, names_file_and_line_of_what_is_wrong_in_included_files);
	tcase_add_loop_test(tc, refuses_what_cannot_be_included, 0, ARRAY_LEN(include_rows));
	tcase_add_test(tc, includes_eight_deep_and_no_deeper);
	tcase_add_test(tc, reads_no_more_files_than_it_may_and_says_so_once);
	tcase_add_test(tc, options_win_over_the_environment_and_that_over_files);
	tcase_add_test(tc, names_variables_and_options_that_are_wrong);
	tcase_add_test(tc, passes_over_what_a_container_host_says_of_a_service_called_rensad);
	tcase_add_test(tc, every_key_is_set_alike_by_file_environment_and_option);
	return suite;
}
