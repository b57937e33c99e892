/* Where lines of the log end up: files that cannot be written, the journal, a syslog socket; and records. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "scratch.h"
#include "suites.h"
#include "util/log.h"

static int stderr_kept = -1;
static int stderr_ours = -1; /* where what is written there can be read */

/* Each line on stderr is a datagram of its own. */
static void
catch_stderr(void)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	stderr_kept = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	stderr_ours = ends[0];
}

/* The next line, "" if there is none. */
static const char *
next_of(int fd)
{
	static char line[8192];
	ssize_t len = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
	line[len > 0 ? len : 0] = '\0';
	return line;
}

static void
reset(void)
{
	if (stderr_kept != -1) {
		dup2(stderr_kept, STDERR_FILENO);
		close(stderr_kept);
		close(stderr_ours);
		stderr_kept = -1;
	}
	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq(log_direct_records(NULL), OK);
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
}

START_TEST(lines_that_are_lost_are_told_once_elsewhere_and_counted)
{
	catch_stderr();
	ck_assert_int_eq(log_open("/dev/full", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	for (int i = 0; i < 5; i++)
		log_info("pool: %d", i);
	const char *line = next_of(stderr_ours);
	ck_assert_ptr_nonnull(strstr(line, "level=error"));
	ck_assert_ptr_nonnull(strstr(line, "log: lines are being lost: /dev/full: No space left on device"));
	ck_assert_str_eq(next_of(stderr_ours), "");

	unlink(scratch_path("log"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: again");
	log_info("pool: and again");
	const char *text = scratch_read("log");
	ck_assert_ptr_nonnull(strstr(text, "msg=\"log: lines lost until now: 5 (No space left on device)\"\n"));
	ck_assert_ptr_null(strstr(strstr(text, "lines lost") + 1, "lines lost"));
	ck_assert_ptr_nonnull(strstr(text, "\"pool: again\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"pool: and again\"\n"));

	/* The next time is news again. */
	ck_assert_int_eq(log_open("/dev/full", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: full");
	ck_assert_ptr_nonnull(strstr(next_of(stderr_ours), "log: lines are being lost"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: done");
	ck_assert_ptr_nonnull(strstr(scratch_read("log"), "log: lines lost until now: 1 ("));
}
END_TEST

START_TEST(a_line_that_was_written_in_part_gets_an_end)
{
	struct rlimit old, small;
	struct stat st;
	unlink(scratch_path("log"));
	catch_stderr();
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: first");
	ck_assert_int_eq(stat(scratch_path("log"), &st), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){.rlim_cur = (rlim_t)st.st_size + 30, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	log_info("pool: torn");
	log_info("pool: gone");
	setrlimit(RLIMIT_FSIZE, &old);
	log_info("pool: last");
	signal(SIGXFSZ, SIG_DFL);

	/* first, the torn one, what was lost, last */
	const char *text = scratch_read("log");
	size_t lines = 0;
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1, lines++)
		ck_assert_int_eq(strncmp(at, "ts=", 3), 0);
	ck_assert_uint_eq(lines, 4);
	ck_assert_ptr_nonnull(strstr(text, "\"log: lines lost until now: 2 (File too large)\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"pool: last\"\n"));
	ck_assert_ptr_null(strstr(text, "pool: gone"));
}
END_TEST

static void
name_stderr_as_journal(unsigned long long off)
{
	char stream[64];
	struct stat st;
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + off);
	setenv("JOURNAL_STREAM", stream, 1);
}

START_TEST(the_journal_gets_priorities_and_no_time)
{
	bool json = _i == LOG_FORMAT_JSON;
	catch_stderr();
	name_stderr_as_journal(0);
	ck_assert(log_stderr_is_journal());
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_DEBUG, (enum log_format)_i), OK);
	log_error("pool: e");
	ck_assert_int_eq(strncmp(next_of(stderr_ours), json ? "<3>{\"level\":\"error\"," : "<3>level=error ", 15), 0);
	log_warn("pool: w");
	ck_assert_int_eq(strncmp(next_of(stderr_ours), json ? "<4>{\"level\":\"warn\"," : "<4>level=warn ", 14), 0);
	log_info("pool: i");
	ck_assert_int_eq(strncmp(next_of(stderr_ours), json ? "<6>{\"level\":\"info\"," : "<6>level=info ", 14), 0);
	log_debug("pool: d");
	ck_assert_int_eq(strncmp(next_of(stderr_ours), json ? "<7>{\"level\":\"debug\"," : "<7>level=debug ", 15), 0);
}
END_TEST

START_TEST(only_the_journal_does)
{
	static const char *const others[] = {"", "1", "1:", "x:y", "18446744073709551615:1"};
	catch_stderr();
	for (size_t i = 0; i <= ARRAY_LEN(others); i++) {
		if (i < ARRAY_LEN(others))
			setenv("JOURNAL_STREAM", others[i], 1);
		else
			name_stderr_as_journal(1);
		ck_assert(!log_stderr_is_journal());
		ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
		log_info("pool: x");
		ck_assert_int_eq(strncmp(next_of(stderr_ours), "ts=", 3), 0);
	}
	/* Nor does a file, whatever stderr is. */
	name_stderr_as_journal(0);
	unlink(scratch_path("log"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: x");
	ck_assert_int_eq(strncmp(scratch_read("log"), "ts=", 3), 0);
}
END_TEST

static int
syslog_listen(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", scratch_path(name));
	unlink(at.sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void
to_syslog(const char *name, enum log_facility facility)
{
	struct log_target to = {.syslog = scratch_path(name), .facility = facility};
	ck_assert_int_eq(log_direct(&to), OK);
	log_set_level(LOG_LEVEL_DEBUG);
}

START_TEST(syslog_gets_facility_priority_time_and_tag)
{
	static const struct {
		enum log_facility facility;
		int code;
	} rows[] = {{LOG_FACILITY_DAEMON, 3},
		    {LOG_FACILITY_USER, 1},
		    {LOG_FACILITY_LOCAL0, 16},
		    {LOG_FACILITY_LOCAL0 + 3, 19},
		    {LOG_FACILITY_LOCAL7, 23}};
	int server = syslog_listen("dev-log");
	log_set_role("worker");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int priority, day, hour, minute, second;
		long tag, pid;
		char month[4], level[8], rest[64] = "";
		to_syslog("dev-log", rows[i].facility);
		log_warn("pool: with\nan end");
		const char *got = next_of(server);
		ck_assert_int_eq(sscanf(got,
					"<%d>%3s %2d %d:%d:%d rensad[%ld]: level=%7s role=worker pid=%ld msg=%63[^\n]",
					&priority, month, &day, &hour, &minute, &second, &tag, level, &pid, rest),
				 10);
		ck_assert_int_eq(priority, rows[i].code * 8 + 4);
		ck_assert_int_eq(tag, getpid());
		ck_assert_int_eq(pid, getpid());
		ck_assert_str_eq(rest, "\"pool: with\\nan end\"");
		ck_assert_ptr_null(strchr(got, '\n'));
	}
	close(server);
}
END_TEST

START_TEST(syslog_may_come_and_go)
{
	char old[108];
	catch_stderr();
	snprintf(old, sizeof(old), "%s", scratch_path("dev-log"));
	unlink(old);
	to_syslog("dev-log", LOG_FACILITY_DAEMON);
	log_info("pool: nobody there");
	ck_assert_ptr_nonnull(strstr(next_of(stderr_ours), "log: lines are being lost"));

	for (int life = 0; life < 3; life++) {
		int server = syslog_listen("dev-log");
		log_info("pool: life %d", life);
		ck_assert_ptr_nonnull(strstr(next_of(server), "lines lost until now: 1 ("));
		ck_assert_ptr_nonnull(strstr(next_of(server), "pool: life"));
		close(server);
		log_info("pool: lost");
		ck_assert_ptr_nonnull(strstr(next_of(stderr_ours), "log: lines are being lost"));
	}
}
END_TEST

START_TEST(refuses_a_socket_whose_path_is_too_long)
{
	char path[200] = "/";
	memset(path + 1, 'x', sizeof(path) - 2);
	struct log_target to = {.syslog = path};
	ck_assert_int_eq(log_direct(&to), ERR_LIMIT);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_holds_up_nobody)
{
	char text[1000] = "";
	unlink(scratch_path("pipe"));
	ck_assert_int_eq(mkfifo(scratch_path("pipe"), 0600), 0);
	ck_assert_int_eq(log_open(scratch_path("pipe"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), ERR_IO);
	int reader = open(scratch_path("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	ck_assert_int_eq(log_open(scratch_path("pipe"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("pool: somebody reads");
	ck_assert_int_gt(read(reader, text, sizeof(text) - 1), 0);
	ck_assert_ptr_nonnull(strstr(text, "somebody reads"));
	close(reader);
	ck_assert_int_eq(log_reopen(), ERR_IO);
}
END_TEST

static const char hostile[] = "/a\"b\n\x1b\\ \xff\xc3\xa9=";

START_TEST(a_record_has_its_fields_in_either_form)
{
	const struct log_field fields[] = {{.key = "path", .text = hostile}, {.key = "us", .number = UINT64_MAX}};
	bool json = _i == LOG_FORMAT_JSON;
	unlink(scratch_path("log"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, (enum log_format)_i), OK);
	log_record("request: served", fields, ARRAY_LEN(fields));
	ck_assert_ptr_nonnull(strstr(
	    scratch_read("log"),
	    json ? ",\"module\":\"request\",\"msg\":\"request: served\",\"path\":\"/a\\\"b\\n\\u001b\\\\ "
		   "\\\\xff\xc3\xa9=\","
		   "\"us\":18446744073709551615}\n"
		 : " msg=\"request: served\" path=\"/a\\\"b\\n\\u001b\\\\ \\xff\xc3\xa9=\" us=18446744073709551615\n"));
}
END_TEST

START_TEST(no_text_of_a_record_cuts_off_what_follows)
{
	static char text[5000];
	memset(text, '\x01', sizeof(text) - 1);
	struct log_field fields[8];
	for (size_t i = 0; i < 6; i++)
		fields[i] = (struct log_field){.key = "t", .text = text};
	fields[6] = (struct log_field){.key = "a", .number = 1};
	fields[7] = (struct log_field){.key = "b", .number = 2};
	unlink(scratch_path("log"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, (enum log_format)_i), OK);
	log_record("request: served", fields, ARRAY_LEN(fields));
	const char *line = scratch_read("log");
	ck_assert_ptr_nonnull(strstr(line, _i == LOG_FORMAT_JSON ? "...\",\"a\":1,\"b\":2}\n" : "...\" a=1 b=2\n"));
	ck_assert_uint_le(strlen(line), 4096);
}
END_TEST

START_TEST(records_go_to_a_file_of_their_own_that_is_rotated_too)
{
	const struct log_field field = {.key = "n", .number = 1};
	unlink(scratch_path("log"));
	unlink(scratch_path("records"));
	ck_assert_int_eq(log_open(scratch_path("log"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	ck_assert_int_eq(log_direct_records(scratch_path("records")), OK);
	log_record("request: served", &field, 1);
	log_info("pool: a line");
	ck_assert_ptr_null(strstr(scratch_read("log"), "request"));
	ck_assert_ptr_nonnull(strstr(scratch_read("records"), "msg=\"request: served\" n=1\n"));
	ck_assert_int_eq(rename(scratch_path("records"), scratch_path("records.1")), 0);
	ck_assert_int_eq(log_reopen(), OK);
	log_record("request: slow", &field, 1);
	ck_assert_ptr_nonnull(strstr(scratch_read("records"), "request: slow"));
	ck_assert_ptr_null(strstr(scratch_read("records"), "request: served"));

	/* They have their level as all lines do. */
	log_set_level(LOG_LEVEL_WARN);
	log_record("request: failed", &field, 1);
	ck_assert_ptr_null(strstr(scratch_read("records"), "request: failed"));
	ck_assert_int_eq(log_direct_records(scratch_path("absent/records")), ERR_NOT_FOUND);
}
END_TEST

Suite *
suite_log_target(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "log target", 20);
	scratch_use(tc);
	tcase_add_checked_fixture(tc, NULL, reset);
	tcase_add_test(tc, lines_that_are_lost_are_told_once_elsewhere_and_counted);
	tcase_add_test(tc, a_line_that_was_written_in_part_gets_an_end);
	tcase_add_loop_test(tc, the_journal_gets_priorities_and_no_time, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON + 1);
	tcase_add_test(tc, only_the_journal_does);
	tcase_add_test(tc, syslog_gets_facility_priority_time_and_tag);
	tcase_add_test(tc, syslog_may_come_and_go);
	tcase_add_test(tc, refuses_a_socket_whose_path_is_too_long);
	tcase_add_test(tc, a_pipe_that_nobody_reads_holds_up_nobody);
	tcase_add_loop_test(tc, a_record_has_its_fields_in_either_form, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON + 1);
	tcase_add_loop_test(tc, no_text_of_a_record_cuts_off_what_follows, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON + 1);
	tcase_add_test(tc, records_go_to_a_file_of_their_own_that_is_rotated_too);
	return suite;
}
