/* Configurations that are refused, and what the operator is told. Messages are a contract: they are compared whole. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config_room.h"
#include "suites.h"
#include "util/file.h"

static const struct {
	const char *text;
	const char *errors;
} bad_rows[] = {
    /* Lines and names. */
    {"[node]\nname\n", "t.conf:2: this line is not understood; allowed: key = value, [section], or a comment after # "
		       "or ;\n"},
    {"[node\nname = a\n", "t.conf:1: this line is not understood; allowed: key = value, [section], or a comment after "
			  "# or ;\n"
			  "t.conf:2: name: stands before any section; put it below [node] or [network]\n"},
    {"listen = 127.0.0.1:5000\n", "t.conf:1: listen: stands before any section; put it below [http] or [peers]\n"},
    {"colour = blue\n", "t.conf:1: colour: stands before any section; put it below the [section] that it belongs to\n"},
    {"[htpt]\nlisten = 127.0.0.1:5000\nworkers = 2\n",
     "t.conf:1: [htpt]: there is no such section; did you mean [http]?\n"},
    {"[htpt]\n[node]\n[node\n[]\n[node] x\n[htpt] ; no\n",
     "t.conf:1: [htpt]: there is no such section; did you mean [http]?\n"
     "t.conf:3: this line is not understood; allowed: key = value, [section], or a comment after # or ;\n"
     "t.conf:4: [\"\"]: there is no such section; allowed: [node], [http], [network], [peers], [discovery], [resolver] "
     "or [miner]\n"
     "t.conf:5: this line is not understood; allowed: key = value, [section], or a comment after # or ;\n"
     "t.conf:6: [htpt]: there is no such section; did you mean [http]?\n"},
    {"[n\xf6"
     "de]\nname = a\n",
     "t.conf:1: [\"n\\xf6de\"]: there is no such section; did you mean [node]?\n"},
    {"[colour]\nblue = 1\n", "t.conf:1: [colour]: there is no such section; allowed: [node], [http], [network], "
			     "[peers], [discovery], [resolver] or [miner]\n"},
    {"[http]\nworker = 2\n", "t.conf:2: [http] worker: there is no such key; did you mean \"workers\"?\n"},
    {"[discovery]\nscan_host = 10.0.0.0/24\n",
     "t.conf:2: [discovery] scan_host: there is no such key; did you mean \"scan_hosts\"?\n"},
    {"[peers]\nscan_hosts = 10.0.0.0/24\n",
     "t.conf:2: [peers] scan_hosts: there is no such key here; it belongs to [discovery]\n"},
    {"[node]\ninterval = 20\n",
     "t.conf:2: [node] interval: there is no such key here; it belongs to [discovery], [resolver] or [miner]\n"},
    {"[resolver]\ncolour = blue\n",
     "t.conf:2: [resolver] colour: there is no such key; allowed: interval or max_reorg_depth\n"},
    {"[peers]\nsecret_file = /etc/rensa/secret\n",
     "t.conf:2: [peers] secret_file: there is no such key; allowed: listen or advertise\n"},
    {"[http]\nlisten 127.0.0.1:5000\n",
     "t.conf:2: [http] \"listen 127.0.0.1\": there is no such key; a setting is written key = value\n"},
    {"[http]\nwor\x1bkers = 1\n",
     "t.conf:2: [http] \"wor\\x1bkers\": there is no such key; did you mean \"workers\"?\n"},
    {"[node]\nname = a\nlog_level = info\nname = b\n",
     "t.conf:4: [node] name: is set twice, in line 2 too; keep one of them\n"},
    /* Values of each type. */
    {"[node]\nname = My Node\n",
     "t.conf:2: [node] name: \"My Node\" is not a name; allowed: 1 to 32 of the characters a-z 0-9 - . _\n"},
    {"[node]\nname =\n", "t.conf:2: [node] name: has no value; allowed: 1 to 32 of the characters a-z 0-9 - . _\n"},
    {"[node]\nname = a23456789012345678901234567890123\n",
     "t.conf:2: [node] name: \"a23456789012345678901234567890123\" is too long; allowed: 1 to 32 of the characters a-z "
     "0-9 - . _\n"},
    {"[node]\ndata_dir = data\n", "t.conf:2: [node] data_dir: \"data\" is not an absolute path; allowed: a path that "
				  "begins with /, at most 255 bytes\n"},
    {"[node]\ndata_dir = \"/var/lib/rensa\"\n",
     "t.conf:2: [node] data_dir: \"\"/var/lib/rensa\"\" is not an absolute path; leave the quotes out; allowed: a path "
     "that begins with /, at most 255 bytes\n"},
    {"[node]\ndata_dir = /var/\xff\n", "t.conf:2: [node] data_dir: \"/var/\\xff\" is not an absolute path; allowed: a "
				       "path that begins with /, at most 255 bytes\n"},
    {"[http]\nadmin_token_file = 0123456789abcdef\n", "t.conf:2: [http] admin_token_file: the value is not an absolute "
						      "path; allowed: a path that begins with /, at most "
						      "255 bytes, or nothing\n"},
    {"[node]\nshm_max = 64m\n",
     "t.conf:2: [node] shm_max: \"64m\" is not a size; allowed: 4M to 32G (bytes, or with K, M, G or T)\n"},
    {"[node]\nshm_max = 1K\n",
     "t.conf:2: [node] shm_max: \"1K\" is too small; allowed: 4M to 32G (bytes, or with K, M, G or T)\n"},
    {"[node]\npool_max = many\n", "t.conf:2: [node] pool_max: \"many\" is not a number; allowed: 64 to 1048576\n"},
    {"[node]\npool_max = 99999999999999999999999\n",
     "t.conf:2: [node] pool_max: \"99999999999999999999999\" is too large; allowed: 64 to 1048576\n"},
    {"[node]\nlog_level = inof\n", "t.conf:2: [node] log_level: \"inof\" is not a level; allowed: error, warn, info or "
				   "debug; did you mean \"info\"?\n"},
    {"[node]\nlog_level = info, resolvr=debug\n",
     "t.conf:2: [node] log_level: \"resolvr\" is not a module of the log; did you mean \"resolver\"?\n"},
    {"[node]\nlog_level = info resolver=loud\n",
     "t.conf:2: [node] log_level: \"loud\" is not a level; allowed: error, warn, info or debug\n"},
    {"[node]\nlog_level =\n", "t.conf:2: [node] log_level: there is no level\n"},
    {"[node]\nlog_file = /a\nlog_syslog = /dev/log\n",
     "t.conf:3: [node] log_syslog: the log goes to log_file already; leave one of them out\n"},
    {"[http]\nrequest_log = file\n", "t.conf:2: [http] request_log: file needs to know which; set request_log_file\n"},
    {"[node]\nlog_format = xml\n",
     "t.conf:2: [node] log_format: \"xml\" is not one of the choices; allowed: logfmt or json\n"},
    {"[node]\nwatchdog = 0\n",
     "t.conf:2: [node] watchdog: \"0\" is too small; allowed: 1s to 1d (seconds, or with ms, s, m, h or d)\n"},
    {"[http]\nlisten =\n", "t.conf:2: [http] listen: has no value; allowed: ADDRESS:PORT as 127.0.0.1:5000, "
			   "0.0.0.0:5000 or [::]:5000 (no names)\n"},
    {"[http]\nlisten = localhost:5000\n",
     "t.conf:2: [http] listen: \"localhost:5000\" is not an address and port; allowed: ADDRESS:PORT as 127.0.0.1:5000, "
     "0.0.0.0:5000 or [::]:5000 (no names)\n"},
    {"[http]\nlisten = 127.0.0.1\n", "t.conf:2: [http] listen: \"127.0.0.1\" is not an address and port; allowed: "
				     "ADDRESS:PORT as 127.0.0.1:5000, 0.0.0.0:5000 or [::]:5000 (no names)\n"},
    {"[http]\nlisten = 127.0.0.1:70000\n",
     "t.conf:2: [http] listen: \"127.0.0.1:70000\" is not an address and port; allowed: ADDRESS:PORT as "
     "127.0.0.1:5000, 0.0.0.0:5000 or [::]:5000 (no names)\n"},
    {"[http]\nworkers = 65\n", "t.conf:2: [http] workers: \"65\" is too large; allowed: 0 to 64\n"},
    {"[http]\nadmin_allow = 10.0.0.0/24, 10.0.1.0/33, 0.0.0.0/0\n",
     "t.conf:2: [http] admin_allow: \"10.0.1.0/33\" is not an address or a range of them; allowed: a list of 10.0.0.2, "
     "10.0.0.2-10.0.0.9 or 10.0.0.0/24, IPv6 too, each at most 2^24 addresses\n"
     "t.conf:2: [http] admin_allow: \"0.0.0.0/0\" has too many addresses; allowed: a list of 10.0.0.2, "
     "10.0.0.2-10.0.0.9 or 10.0.0.0/24, IPv6 too, each at most 2^24 addresses\n"},
    {"[http]\nrequest_timeout = 2 days\n", "t.conf:2: [http] request_timeout: \"2 days\" is not a duration; allowed: "
					   "100ms to 1d (seconds, or with ms, s, m, h or d)\n"},
    {"[network]\ngenesis_time = yesterday\n", "t.conf:2: [network] genesis_time: \"yesterday\" is not a time; allowed: "
					      "UTC as 2026-01-31T12:00:00Z, with up to 3 decimals of a second\n"},
    {"[network]\nreward = 1.123456789\n", "t.conf:2: [network] reward: \"1.123456789\" is not an amount of coins; "
					  "allowed: 0 to 90071992.54740991 coins, with up to 8 decimals\n"},
    {"[network]\nreward = 90071992.54740992\n", "t.conf:2: [network] reward: \"90071992.54740992\" is too large; "
						"allowed: 0 to 90071992.54740991 coins, with up to 8 decimals\n"},
    {"[network]\ndifficulty = 65\n", "t.conf:2: [network] difficulty: \"65\" is too large; allowed: 0 to 64\n"},
    {"[network]\nretarget = never\n",
     "t.conf:2: [network] retarget: \"never\" is not one of the choices; allowed: fixed or per-block\n"},
    {"[network]\nmax_block_bytes = 5M\n",
     "t.conf:2: [network] max_block_bytes: \"5M\" is too large; allowed: 1K to 4M (bytes, or with K, M, G or T)\n"},
    {"[peers]\nadvertise = node2\n",
     "t.conf:2: [peers] advertise: \"node2\" is not a host and port; allowed: host:port as 10.0.0.2:5000, "
     "[fd00::2]:5000 or node2:5000, at most 63 bytes, or nothing\n"},
    {"[peers]\nadvertise = node2:5000\n",
     "t.conf:2: [peers] advertise: \"node2:5000\" is a name, and peers look up no names for others; allowed: a numeric "
     "address with a port\n"},
    {"[discovery]\npeers = 10.0.0.2:5000 10.0.0.3 node4:x\n",
     "t.conf:2: [discovery] peers: \"10.0.0.3\" is not a host and port; allowed: a list of host:port as 10.0.0.2:5000, "
     "[fd00::2]:5000 or node2:5000\n"
     "t.conf:2: [discovery] peers: \"node4:x\" is not a host and port; allowed: a list of host:port as 10.0.0.2:5000, "
     "[fd00::2]:5000 or node2:5000\n"},
    {"[discovery]\ndns = 10.0.0.300:5000\n",
     "t.conf:2: [discovery] dns: \"10.0.0.300:5000\" is not a host and port; allowed: a list of host:port as "
     "10.0.0.2:5000, [fd00::2]:5000 or node2:5000\n"},
    {"[discovery]\nscan_hosts = 10.0.0.9-10.0.0.2\nscan_ports = 5000\n",
     "t.conf:2: [discovery] scan_hosts: \"10.0.0.9-10.0.0.2\" is not an address or a range of them; allowed: a list of "
     "10.0.0.2, 10.0.0.2-10.0.0.9 or 10.0.0.0/24, IPv6 too, each at most 2^24 addresses\n"},
    {"[discovery]\nscan_hosts = 10.0.0.2\nscan_ports = 5002-5000\n",
     "t.conf:3: [discovery] scan_ports: \"5002-5000\" is not a port or a range of them; allowed: PORT or FIRST-LAST as "
     "5000-5002, 1 to 65535, or nothing\n"},
    {"[miner]\naddress = not an address\n", "t.conf:2: [miner] address: \"not an address\" is not a wallet address; "
					    "allowed: an address of this network, or nothing\n"},
    {"[miner]\ncpu_percent = 0\n", "t.conf:2: [miner] cpu_percent: \"0\" is too small; allowed: 1 to 100\n"},
    /* Keys that do not go together. */
    {"[miner]\nmode = interval\n", "t.conf:2: [miner] mode: interval needs an address that the rewards go to; set "
				   "[miner] address, or the mode manual\n"},
    {"[miner]\nmode = on-demand\naddress = 0\n",
     "t.conf:3: [miner] address: \"0\" is not a wallet address; allowed: an address of this network, or nothing\n"},
    {"[discovery]\nscan_hosts = 10.0.0.0/24\n",
     "t.conf:2: [discovery] scan_hosts: nothing is scanned without scan_ports; set it, as in scan_ports = 5000\n"},
    {"[discovery]\nscan_ports = 5000\n",
     "t.conf:2: [discovery] scan_ports: nothing is scanned without scan_hosts; set it, or leave both out\n"},
    {"[http]\nmax_body = 512K\n", "t.conf:2: [http] max_body: is smaller than [network] max_block_bytes (1048576 "
				  "bytes), so that peers could not hand over a full block; raise it\n"},
    {"[http]\nlisten = 0.0.0.0:5000\n[peers]\nlisten = 10.0.0.2:5000\n",
     "t.conf:4: [peers] listen: is taken by [http] listen; give it another port, or leave it out to share that one\n"},
    {"[miner]\naddress = 1111111111111111111114oLvT2\n",
     "t.conf:2: [miner] address: \"1111111111111111111114oLvT2\" is an address of another network; allowed: one with "
     "version byte 60, the address_version of [network]\n"},
    {"[miner]\naddress = 1111111111111111111114oLvT3\n",
     "t.conf:2: [miner] address: \"1111111111111111111114oLvT3\" is mistyped or cut (its checksum does not fit); "
     "allowed: what \"rensa wallet address NAME\" prints\n"},
    /* All at once, in the order of the file. */
    {"[miner]\nmode = continuous\n[http]\nworkers = -1\nlistn = x\n[node]\nname = A B\n",
     "t.conf:2: [miner] mode: continuous needs an address that the rewards go to; set [miner] address, or the mode "
     "manual\n"
     "t.conf:4: [http] workers: \"-1\" is not a number; allowed: 0 to 64\n"
     "t.conf:5: [http] listn: there is no such key; did you mean \"listen\"?\n"
     "t.conf:7: [node] name: \"A B\" is not a name; allowed: 1 to 32 of the characters a-z 0-9 - . _\n"},
};

START_TEST(refuses_configuration_and_says_what_is_wrong)
{
	struct buf errors;
	room_refuse(&errors, bad_rows[_i].text);
	ck_assert_str_eq(errors.data, bad_rows[_i].errors);
	buf_clear(&errors);
}
END_TEST

START_TEST(refuses_lines_that_are_no_text_and_reads_on)
{
	char line[2048];
	struct buf text, errors;
	buf_init(&text);
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	buf_printf(&text, "[node]\nlog_file = /%s\nname = A\nlog_level = %c\nname\n[http]\nworkers = 65\n", line, '\0');
	ck_assert_int_eq(file_write(ROOM_CONFIG, text.data, text.len, 0600), OK);
	room_refuse_all(&errors, NULL, NULL);
	ck_assert_str_eq(
	    errors.data,
	    "t.conf:2: this line is too long; allowed: at most 1023 bytes (lists may be given on several lines)\n"
	    "t.conf:3: [node] name: \"A\" is not a name; allowed: 1 to 32 of the characters a-z 0-9 - . _\n"
	    "t.conf:4: this line holds a NUL byte, so it is no text\n"
	    "t.conf:5: this line is not understood; allowed: key = value, [section], or a comment after # or ;\n"
	    "t.conf:7: [http] workers: \"65\" is too large; allowed: 0 to 64\n");
	buf_clear(&errors);
	buf_clear(&text);
}
END_TEST

START_TEST(refuses_path_that_is_too_long)
{
	char text[512];
	struct buf errors;
	int len = snprintf(text, sizeof(text), "[node]\ndata_dir = /");
	memset(text + len, 'a', CONFIG_PATH_MAX - 1);
	text[len + CONFIG_PATH_MAX - 1] = '\0';
	struct config c;
	room_load(&c, text);
	ck_assert_uint_eq(strlen(c.node.data_dir), CONFIG_PATH_MAX);
	config_clear(&c);
	strcat(text, "a");
	room_refuse(&errors, text);
	ck_assert_ptr_nonnull(
	    strstr(errors.data, "...\" is too long; allowed: a path that begins with /, at most 255 bytes"));
	buf_clear(&errors);
}
END_TEST

START_TEST(tells_no_more_than_a_hundred_mistakes)
{
	struct buf text, errors;
	buf_init(&text);
	buf_puts(&text, "[node]\n");
	for (int i = 0; i < 10000; i++)
		buf_puts(&text, "colour = blue\n");
	room_refuse(&errors, text.data);
	size_t lines = 0;
	for (const char *p = errors.data; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	ck_assert_uint_eq(lines, 101);
	ck_assert_ptr_nonnull(strstr(errors.data, "\nt.conf: and 9900 more\n"));
	buf_clear(&errors);
	buf_clear(&text);
}
END_TEST

START_TEST(refuses_more_items_than_a_list_may_hold)
{
	struct buf text, errors;
	struct config c;
	buf_init(&text);
	buf_puts(&text, "[discovery]\n");
	for (int i = 0; i < CONFIG_LIST_MAX; i++)
		buf_printf(&text, "peers = 10.0.0.1:%d\n", 5000 + i);
	room_load(&c, text.data);
	ck_assert_uint_eq(c.discovery.peers.count, CONFIG_LIST_MAX);
	config_clear(&c);
	buf_puts(&text, "peers = node2:5000\n");
	room_refuse(&errors, text.data);
	ck_assert_str_eq(errors.data, "t.conf:258: [discovery] peers: \"node2:5000\" is one too many; allowed: a list "
				      "of host:port as 10.0.0.2:5000, [fd00::2]:5000 or node2:5000\n");
	buf_clear(&errors);
	buf_clear(&text);
}
END_TEST

static const struct {
	const char *path;
	enum err e;
	const char *errors;
} file_rows[] = {
    {"absent.conf", ERR_NOT_FOUND, "absent.conf: there is no such file\n"},
    {"/", ERR_IO, "/: it cannot be read as a file\n"},
    {"/dev/zero", ERR_LIMIT, "/dev/zero: it is larger than a configuration can be (1 MiB)\n"},
};

START_TEST(says_why_a_file_cannot_be_read)
{
	struct config c;
	struct buf errors;
	buf_init(&errors);
	ck_assert_int_eq(config_load(&c, &(struct config_inputs){.path = file_rows[_i].path}, &errors),
			 file_rows[_i].e);
	ck_assert_str_eq(errors.data, file_rows[_i].errors);
	buf_clear(&errors);
}
END_TEST

static const struct {
	const char *token; /* NULL: no file */
	mode_t mode;
	const char *fault;
} token_rows[] = {
    {NULL, 0, "there is no such file"},
    {"0123456789abcdef", 0604, "others may read or change this file; take that away with \"chmod o= FILE\""},
    {"0123456789abcdef", 0602, "others may read or change this file; take that away with \"chmod o= FILE\""},
    {"", 0600, "this file does not hold a token; allowed: one line of 16 to 128 visible ASCII characters"},
    {"0123456789abcde\n", 0600,
     "this file does not hold a token; allowed: one line of 16 to 128 visible ASCII characters"},
    {"0123456789abcdef two\n", 0600,
     "this file does not hold a token; allowed: one line of 16 to 128 visible ASCII characters"},
    {"0123456789abcdef\nsecond line\n", 0600,
     "this file does not hold a token; allowed: one line of 16 to 128 visible ASCII characters"},
};

static void
token_config(char *text, size_t size, const char *path)
{
	snprintf(text, size, "[http]\nadmin_token_file = %s/%s\n", room_path(), path);
}

START_TEST(refuses_token_file_that_cannot_serve)
{
	char text[256], expected[512];
	struct buf errors;
	if (token_rows[_i].token != NULL)
		room_write(ROOM_TOKEN, token_rows[_i].token, token_rows[_i].mode);
	token_config(text, sizeof(text), ROOM_TOKEN);
	snprintf(expected, sizeof(expected), "t.conf:2: [http] admin_token_file: %s/%s: %s\n", room_path(), ROOM_TOKEN,
		 token_rows[_i].fault);
	room_refuse(&errors, text);
	ck_assert_str_eq(errors.data, expected);
	buf_clear(&errors);
}
END_TEST

START_TEST(refuses_token_file_that_is_too_long)
{
	char token[CONFIG_TOKEN_MAX + 64], text[256];
	struct buf errors;
	struct config c;
	memset(token, 'x', sizeof(token));
	token_config(text, sizeof(text), ROOM_TOKEN);
	token[CONFIG_TOKEN_MAX] = '\0';
	room_write(ROOM_TOKEN, token, 0600);
	room_load(&c, text);
	ck_assert_str_eq(c.http.admin_token, token);
	config_clear(&c);
	token[CONFIG_TOKEN_MAX] = 'x';
	token[CONFIG_TOKEN_MAX + 1] = '\0';
	room_write(ROOM_TOKEN, token, 0600);
	room_refuse(&errors, text);
	buf_clear(&errors);
}
END_TEST

START_TEST(does_not_wait_for_a_pipe_that_is_named_as_token_file)
{
	char text[256];
	struct buf errors;
	ck_assert_int_eq(mkfifo(ROOM_TOKEN, 0600), 0);
	token_config(text, sizeof(text), ROOM_TOKEN);
	room_refuse(&errors, text);
	ck_assert_ptr_nonnull(strstr(errors.data, "this is not a file"));
	buf_clear(&errors);
}
END_TEST

Suite *
suite_config_errors(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "config errors", 10);
	tcase_add_checked_fixture(tc, room_enter, room_leave);
	tcase_add_loop_test(tc, refuses_configuration_and_says_what_is_wrong, 0, ARRAY_LEN(bad_rows));
	tcase_add_test(tc, refuses_lines_that_are_no_text_and_reads_on);
	tcase_add_test(tc, refuses_path_that_is_too_long);
	tcase_add_test(tc, tells_no_more_than_a_hundred_mistakes);
	tcase_add_test(tc, refuses_more_items_than_a_list_may_hold);
	tcase_add_loop_test(tc, says_why_a_file_cannot_be_read, 0, ARRAY_LEN(file_rows));
	tcase_add_loop_test(tc, refuses_token_file_that_cannot_serve, 0, ARRAY_LEN(token_rows));
	tcase_add_test(tc, refuses_token_file_that_is_too_long);
	tcase_add_test(tc, does_not_wait_for_a_pipe_that_is_named_as_token_file);
	return suite;
}
