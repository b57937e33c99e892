/* The log: the form of its lines, what it escapes, where it writes. */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "suites.h"
#include "util/log.h"
#include "util/text.h"

#define LINE_MAX_BYTES 4096
#define TS "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

static void
open_fresh(const char *name, enum log_level level, enum log_format format)
{
	unlink(scratch_path(name));
	ck_assert_int_eq(log_open(scratch_path(name), level, format), OK);
}

static void
to_stderr(void)
{
	ck_assert_int_eq(log_open(NULL, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
}

static void
assert_matches(const char *text, const char *pattern)
{
	regex_t re;
	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	int matched = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	ck_assert_msg(matched == 0, "%s does not match %s", text, pattern);
}

START_TEST(writes_logfmt_with_time_level_role_and_pid)
{
	char pattern[200];
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_set_role("worker");
	log_info("resolver: adopted %d blocks from %s, height 812 -> 824", 12, "10.0.0.3:5000");
	snprintf(pattern, sizeof(pattern),
		 "^ts=" TS " level=info role=worker pid=%ld "
		 "msg=\"resolver: adopted 12 blocks from 10\\.0\\.0\\.3:5000, height 812 -> 824\"\n$",
		 (long)getpid());
	assert_matches(scratch_read("log"), pattern);
}
END_TEST

START_TEST(writes_json_with_the_same_keys)
{
	char pattern[200];
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_set_role("miner");
	log_warn("miner: paused");
	snprintf(
	    pattern, sizeof(pattern),
	    "^\\{\"ts\":\"" TS
	    "\",\"level\":\"warn\",\"role\":\"miner\",\"pid\":%ld,\"module\":\"miner\",\"msg\":\"miner: paused\"\\}\n$",
	    (long)getpid());
	assert_matches(scratch_read("log"), pattern);
}
END_TEST

START_TEST(writes_up_to_its_level)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	open_fresh("log", LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	ck_assert(log_is_debug("resolver"));
	log_set_level((enum log_level)_i);
	ck_assert(log_is_debug("resolver") == (_i == LOG_LEVEL_DEBUG));
	log_error("said error");
	log_warn("said warn");
	log_info("said info");
	log_debug("said debug");
	const char *text = scratch_read("log");
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		char line[64];
		snprintf(line, sizeof(line), "msg=\"said %s\"", names[level]);
		ck_assert((strstr(text, line) != NULL) == (level <= _i));
		snprintf(line, sizeof(line), "level=%s ", names[level]);
		ck_assert((strstr(text, line) != NULL) == (level <= _i));
	}
}
END_TEST

static const struct {
	const char *message;
	const char *logfmt;
	const char *json; /* NULL: as in logfmt */
} escape_rows[] = {
    {"", "", NULL},
    {"plain = text, 100%", "plain = text, 100%", NULL},
    {"caf\xc3\xa9 \xe9\x80\xa3\xe9\x8e\x96 \xf0\x9f\x94\x97", "caf\xc3\xa9 \xe9\x80\xa3\xe9\x8e\x96 \xf0\x9f\x94\x97",
     NULL},
    {"a \"quoted\" word", "a \\\"quoted\\\" word", NULL},
    {"back\\slash", "back\\\\slash", NULL},
    {"x\nts=now level=info", "x\\nts=now level=info", NULL},
    {"tab\tcr\rend", "tab\\tcr\\rend", NULL},
    {"\x1b[31mred\x07", "\\u001b[31mred\\u0007", NULL},
    {"\x01\x1f\x7f", "\\u0001\\u001f\\u007f", NULL},
    {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0", NULL},
    {"\xff", "\\xff", "\\\\xff"},
    {"a\x80z", "a\\x80z", "a\\\\x80z"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
    {"cut \xe9\x80", "cut \\xe9\\x80", "cut \\\\xe9\\\\x80"},
};

START_TEST(escapes_what_could_forge_a_line)
{
	char wanted[200];
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_info("%s", escape_rows[_i].message);
	snprintf(wanted, sizeof(wanted), " msg=\"%s\"\n", escape_rows[_i].logfmt);
	ck_assert_str_eq(strstr(scratch_read("log"), " msg="), wanted);

	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("%s", escape_rows[_i].message);
	snprintf(wanted, sizeof(wanted), ",\"msg\":\"%s\"}\n",
		 escape_rows[_i].json != NULL ? escape_rows[_i].json : escape_rows[_i].logfmt);
	ck_assert_str_eq(strstr(scratch_read("log"), ",\"msg\":"), wanted);
}
END_TEST

/* What a long message is made of: each needs another number of bytes in the line. */
static const char *const long_units[] = {
    "x", "\"", "\n", "\x01", "\xff", "\xc3\xa9", "\xe9\x80\xa3", "\xf0\x9f\x94\x97", "ab\x02"};

static void
assert_long_line(const char *unit, size_t lead, enum log_format format)
{
	static char message[20000];
	const char *end = format == LOG_FORMAT_JSON ? "...\"}\n" : "...\"\n";
	size_t len = lead;
	memset(message, '-', lead);
	while (len + strlen(unit) < sizeof(message)) {
		memcpy(message + len, unit, strlen(unit));
		len += strlen(unit);
	}
	message[len] = '\0';

	open_fresh("log", LOG_LEVEL_INFO, format);
	log_info("%s", message);
	const char *text = scratch_read("log");
	size_t text_len = strlen(text);
	ck_assert_uint_le(text_len, LINE_MAX_BYTES);
	ck_assert_uint_gt(text_len, LINE_MAX_BYTES - 20);
	ck_assert_ptr_eq(strchr(text, '\n'), text + text_len - 1);
	ck_assert_str_eq(text + text_len - strlen(end), end);
	ck_assert(text_is_utf8(text, text_len));
}

START_TEST(cuts_a_long_message_between_characters_and_says_so)
{
	for (size_t lead = 0; lead < 8; lead++) {
		assert_long_line(long_units[_i], lead, LOG_FORMAT_LOGFMT);
		assert_long_line(long_units[_i], lead, LOG_FORMAT_JSON);
	}
}
END_TEST

START_TEST(leaves_errno_alone_and_can_print_it)
{
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	errno = ENOSPC;
	log_error("journal: %m");
	ck_assert_int_eq(errno, ENOSPC);
	log_debug("journal: %m");
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_ptr_nonnull(strstr(scratch_read("log"), "msg=\"journal: No space left on device\""));
}
END_TEST

START_TEST(writes_each_line_at_once)
{
	/* A socket that keeps the borders of writes stands in for stderr. */
	int ends[2];
	char got[2 * LINE_MAX_BYTES];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	int old = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	to_stderr();
	log_info("first");
	log_info("%2000s", "second");
	dup2(old, STDERR_FILENO);
	close(old);
	close(ends[1]);

	ssize_t len = recv(ends[0], got, sizeof(got) - 1, 0);
	ck_assert_int_gt(len, 0);
	got[len] = '\0';
	ck_assert_ptr_nonnull(strstr(got, "msg=\"first\"\n"));
	len = recv(ends[0], got, sizeof(got) - 1, 0);
	ck_assert_int_gt(len, 2000);
	got[len] = '\0';
	ck_assert_ptr_nonnull(strstr(got, " second\"\n"));
	ck_assert_int_eq(recv(ends[0], got, sizeof(got), 0), 0);
	close(ends[0]);
}
END_TEST

START_TEST(keeps_lines_of_several_processes_apart)
{
	enum { CHILDREN = 4, LINES = 25 };
	pid_t pids[CHILDREN];
	open_fresh("shared", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		ck_assert_int_ne(pids[i], -1);
		if (pids[i] == 0) {
			char role[16];
			snprintf(role, sizeof(role), "child%d", i);
			log_set_role(role);
			for (int line = 0; line < LINES; line++)
				log_info("line %0500d", line);
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		waitpid(pids[i], NULL, 0);

	unsigned seen[CHILDREN] = {0};
	const char *text = scratch_read("shared");
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		int child;
		int number;
		long pid;
		ck_assert_ptr_nonnull(strchr(line, '\n'));
		ck_assert_int_eq(
		    sscanf(line, "ts=%*s level=info role=child%d pid=%ld msg=\"line %d\"", &child, &pid, &number), 3);
		ck_assert(child >= 0 && child < CHILDREN);
		ck_assert_int_eq(pid, pids[child]);
		ck_assert_uint_eq(seen[child], (unsigned)number);
		seen[child]++;
	}
	for (int i = 0; i < CHILDREN; i++)
		ck_assert_uint_eq(seen[i], LINES);
}
END_TEST

START_TEST(makes_a_role_safe_to_stand_unquoted)
{
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_set_role("a \"b\"=\n.c_1");
	log_info("x");
	ck_assert_ptr_nonnull(strstr(scratch_read("log"), " role=a--b---.c_1 pid="));
	log_set_role("a role with a name that is longer than thirty-one letters");
	log_info("y");
	ck_assert_ptr_nonnull(strstr(scratch_read("log"), " role=a-role-with-a-name-that-is-long pid="));
}
END_TEST

START_TEST(follows_a_rotation)
{
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_info("before");
	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("log.1")), 0);
	log_info("between");
	ck_assert_int_eq(log_reopen(), OK);
	log_info("after");
	ck_assert_ptr_nonnull(strstr(scratch_read("log.1"), "before"));
	ck_assert_ptr_nonnull(strstr(scratch_read("log.1"), "between"));
	ck_assert_ptr_null(strstr(scratch_read("log.1"), "after"));
	ck_assert_ptr_nonnull(strstr(scratch_read("log"), "after"));
	ck_assert_ptr_null(strstr(scratch_read("log"), "before"));
}
END_TEST

START_TEST(stays_with_the_old_file_when_a_new_one_cannot_be_opened)
{
	open_fresh("log", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	unlink(scratch_path("log.old"));
	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("log.old")), 0);
	ck_assert_int_eq(mkdir(scratch_path("log"), 0700), 0);
	ck_assert_int_eq(log_reopen(), ERR_IO);
	log_info("still here");
	rmdir(scratch_path("log"));
	ck_assert_ptr_nonnull(strstr(scratch_read("log.old"), "still here"));

	ck_assert_int_eq(log_open(scratch_path("absent/log"), LOG_LEVEL_DEBUG, LOG_FORMAT_JSON), ERR_NOT_FOUND);
	log_info("and here");
	ck_assert_ptr_nonnull(strstr(scratch_read("log.old"), "msg=\"and here\""));
}
END_TEST

START_TEST(appends_to_a_file_that_is_there)
{
	scratch_write("kept", "old line\n", 9);
	ck_assert_int_eq(log_open(scratch_path("kept"), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), OK);
	log_info("new line");
	ck_assert_int_eq(strncmp(scratch_read("kept"), "old line\nts=", 12), 0);
}
END_TEST

Suite *
suite_log(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "log", 20);
	scratch_use(tc);
	tcase_add_checked_fixture(tc, NULL, to_stderr);
	tcase_add_test(tc, writes_logfmt_with_time_level_role_and_pid);
	tcase_add_test(tc, writes_json_with_the_same_keys);
	tcase_add_loop_test(tc, writes_up_to_its_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG + 1);
	tcase_add_loop_test(tc, escapes_what_could_forge_a_line, 0, ARRAY_LEN(escape_rows));
	tcase_add_loop_test(tc, cuts_a_long_message_between_characters_and_says_so, 0, ARRAY_LEN(long_units));
	tcase_add_test(tc, leaves_errno_alone_and_can_print_it);
	tcase_add_test(tc, writes_each_line_at_once);
	tcase_add_test(tc, keeps_lines_of_several_processes_apart);
	tcase_add_test(tc, makes_a_role_safe_to_stand_unquoted);
	tcase_add_test(tc, follows_a_rotation);
	tcase_add_test(tc, stays_with_the_old_file_when_a_new_one_cannot_be_opened);
	tcase_add_test(tc, appends_to_a_file_that_is_there);
	return suite;
}
