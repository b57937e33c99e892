/* Where the next program is looked for, what it looks at before it takes over, and how one that cannot is refused. */
#include "node/upgrade.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain/block.h"
#include "crew.h"
#include "disk/framelog.h"
#include "disk/netfile.h"
#include "suites.h"
#include "util/build.h"
#include "util/clock.h"
#include "util/file.h"

static struct crew crew;
static struct program program;
static struct upgrade upgrade;
static struct buf why;
static char self[PATH_MAX];

static void
begin(void)
{
	crew_init(&crew);
	crew_open(&crew);
	buf_init(&why);
	ck_assert_ptr_nonnull(realpath("/proc/self/exe", self));
	program = (struct program){NULL, NULL};
	upgrade_init(&upgrade, &program);
}

static void
end(void)
{
	upgrade_drop(&upgrade);
	program_clear(&program);
	buf_clear(&why);
	crew_close(&crew);
}

/* The program */

static void
find(char *name)
{
	static char option[] = "-c", file[] = "file";

	program_init(&program, (char *[]){name, option, file, NULL});
}

START_TEST(an_absolute_name_is_the_path)
{
	find(self);
	ck_assert_str_eq(program.path, self);
	ck_assert_str_eq(program.argv[0], self);
	ck_assert_str_eq(program.argv[1], "-c");
	ck_assert_str_eq(program.argv[2], "file");
	ck_assert_ptr_null(program.argv[3]);
}
END_TEST

START_TEST(a_relative_name_is_completed_by_the_folder_of_the_start)
{
	char copy[PATH_MAX], name[PATH_MAX];

	strcpy(copy, self);
	ck_assert_int_eq(chdir(dirname(copy)), 0);
	strcpy(copy, self);
	snprintf(name, sizeof(name), "./%s", basename(copy));
	find(name);
	ck_assert_str_eq(program.path, self);
}
END_TEST

START_TEST(links_are_kept_so_that_they_can_lead_elsewhere)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/link", crew.folder);
	ck_assert_int_eq(symlink(self, name), 0);
	find(name);
	ck_assert_str_eq(program.path, name);
}
END_TEST

START_TEST(a_bare_name_is_looked_for_in_path)
{
	char copy[PATH_MAX], path[2 * PATH_MAX];

	strcpy(copy, self);
	snprintf(path, sizeof(path), ":.:/nowhere:%s:/bin", dirname(copy));
	setenv("PATH", path, 1);
	strcpy(copy, self);
	find(basename(copy));
	ck_assert_str_eq(program.path, self);
}
END_TEST

START_TEST(a_name_of_something_else_gives_way_to_what_really_runs)
{
	static char names[][16] = {"/bin/true", "rensad", "", "/", "no/such"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		find(names[i]);
		ck_assert_str_eq(program.path, self);
		program_clear(&program);
	}
	program_init(&program, (char *[]){NULL});
	ck_assert_str_eq(program.path, self);
}
END_TEST

START_TEST(without_a_path_there_is_no_upgrade)
{
	upgrade_begin(&upgrade);
	ck_assert(!upgrade_is_on(&upgrade));
	upgrade_init(&upgrade, NULL);
	upgrade_begin(&upgrade);
	ck_assert(!upgrade_is_on(&upgrade));
	ck_assert(crew_said(&crew, "it is not known from which file"));
}
END_TEST

/* What the next one looks at */

START_TEST(a_folder_without_files_and_one_of_ours_can_be_taken_over)
{
	ck_assert_int_eq(upgrade_check(&crew.config, "1", &why), OK);
	crew_load(&crew);
	ck_assert_int_eq(netfile_write(crew.folder, &crew.config.network, &why), OK);
	ck_assert_int_eq(upgrade_check(&crew.config, "1", &why), OK);
	ck_assert_uint_eq(why.len, 0);
}
END_TEST

START_TEST(a_form_of_hand_over_that_is_not_known_is_refused)
{
	static const char *const forms[] = {"0", "2", "", "01", "one", "99999999999999999999"};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		ck_assert_int_eq(upgrade_check(&crew.config, forms[i], &why), ERR_UNSUPPORTED);
	ck_assert(strstr(why.data, "hands over in a form") != NULL);
}
END_TEST

START_TEST(a_folder_of_another_network_is_refused_by_the_parameter)
{
	ck_assert_int_eq(netfile_write(crew.folder, &crew.config.network, &why), OK);
	crew.config.network.reward++;
	ck_assert_int_eq(upgrade_check(&crew.config, "1", &why), ERR_PERM);
	ck_assert(strstr(why.data, "its reward is another") != NULL);
}
END_TEST

START_TEST(a_log_of_a_later_format_is_refused_in_whichever_file)
{
	char path[PATH_MAX];
	uint8_t bytes[FRAMELOG_HEADER_SIZE];
	struct buf file;
	int folder_len = snprintf(path, sizeof(path), "%s/%s", crew.folder, _i == 0 ? "journal" : "pool");

	/* The roles have written none yet; a log of one file, which is copied as a second one. */
	buf_init(&file);
	ck_assert_int_eq(dir_make(path), OK);
	struct framelog_options o = {
	    .folder = path, .kind = _i == 0 ? LOG_JOURNAL : LOG_POOL, .genesis = genesis_hash(&crew.config.network)};
	struct framelog *log = framelog_new(&o);
	struct log_place place = {0};
	struct frame f;
	frame_begin(&f);
	ck_assert(frame_add(&f, "x", 1));
	ck_assert_int_eq(framelog_append(log, &place, &f, true), OK);
	framelog_free(log);
	ck_assert_int_eq(upgrade_check(&crew.config, "1", &why), OK);

	snprintf(path + folder_len, sizeof(path) - (size_t)folder_len, "/00000001.log");
	ck_assert_int_eq(file_read(&file, path, 64 << 20), OK);
	memcpy(bytes, file.data, sizeof(bytes));
	bytes[11] = 77; /* the format, whose place is the same in all of them */
	snprintf(path + folder_len, sizeof(path) - (size_t)folder_len, "/00000002.log");
	ck_assert_int_eq(file_write(path, bytes, sizeof(bytes), 0600), OK);
	ck_assert_int_eq(upgrade_check(&crew.config, "1", &why), ERR_UNSUPPORTED);
	ck_assert(strstr(why.data, "00000002.log has format 77") != NULL);
	buf_clear(&file);
}
END_TEST

/* The check of a program, from the running one */

/* Until the check has been judged, as the master does it. */
static void
await(void)
{
	int status;

	ck_assert_int_ne(upgrade.checker, 0);
	crew_until(waitpid(upgrade.checker, &status, WNOHANG) == upgrade.checker);
	upgrade_reaped(&upgrade, upgrade.checker, status);
}

START_TEST(a_file_that_is_not_there_is_refused_at_once)
{
	program.path = strdup("/no/such/rensad");
	program.argv = calloc(1, sizeof(*program.argv));
	upgrade_begin(&upgrade);
	ck_assert(!upgrade_is_on(&upgrade));
	ck_assert(crew_said(&crew, "upgrade: refused, rensad " PACKAGE_VERSION));
	ck_assert(crew_said(&crew, "/no/such/rensad: No such file or directory"));
}
END_TEST

/* A program that does what the script says; the option behind it is only its name. */
static void
use_script(const char *script)
{
	program.path = strdup("/bin/sh");
	program.argv = calloc(4, sizeof(*program.argv));
	program.argv[0] = strdup("sh");
	program.argv[1] = strdup("-c");
	program.argv[2] = strdup(script);
	upgrade_begin(&upgrade);
}

static const struct {
	const char *script, *told;
} scripts[] = {
    {"true", "it does not say that it can take over"},
    {"exit 2", "it ended without a word"},
    {"echo; echo", "it does not say that it can take over"},
    {"echo rensad 1 can take over; exit 1", "the lines above say why"},
    {"echo nobody can take over", "it does not say that it can take over"},
    {"echo rensad 1 can take over; echo but will not", "it does not say that it can take over"},
    {"echo rensad 1 can take over you", "it does not say that it can take over"},
    {"echo one fault; echo another >&2; exit 2", "/bin/sh: another"},
    {"echo one fault; echo another >&2; exit 2", "/bin/sh: one fault"},
    {"kill -SEGV $$", "Segmentation fault"},
    {"exec yes", "the lines above say why"}, /* it may not write for ever */
};

START_TEST(what_does_not_say_the_word_is_refused)
{
	use_script(scripts[_i].script);
	await();
	ck_assert(!upgrade_is_on(&upgrade));
	ck_assert_msg(crew_said(&crew, scripts[_i].told), "%s", scripts[_i].script);
	ck_assert(crew_said(&crew, "upgrade: refused, rensad " PACKAGE_VERSION));
	ck_assert_int_eq(upgrade.file, -1);
	ck_assert_int_eq(upgrade.said, -1);
}
END_TEST

static const char *const no_programs[] = {"/bin", "/etc/passwd"};

START_TEST(what_cannot_be_executed_is_refused)
{
	program.path = strdup(no_programs[_i]);
	program.argv = calloc(1, sizeof(*program.argv));
	upgrade_begin(&upgrade);
	await();
	ck_assert(!upgrade_is_on(&upgrade));
	ck_assert(crew_said(&crew, "it cannot be executed: Permission denied"));
}
END_TEST

START_TEST(one_that_does_not_end_is_ended)
{
	use_script("exec sleep 1000");
	upgrade_watch(&upgrade);
	ck_assert_uint_ne(upgrade.kill_at_ms, UINT64_MAX);
	upgrade.kill_at_ms = clock_mono_ms();
	upgrade_watch(&upgrade);
	await();
	ck_assert(!upgrade_is_on(&upgrade));
	ck_assert(crew_said(&crew, "its check did not end"));
}
END_TEST

START_TEST(an_upgrade_that_is_dropped_leaves_nobody)
{
	use_script("exec sleep 1000");
	pid_t checker = upgrade.checker;
	ck_assert(upgrade_is_on(&upgrade));
	upgrade_drop(&upgrade);
	ck_assert(!upgrade_is_on(&upgrade));
	crew_until(waitpid(checker, NULL, WNOHANG) == checker);
	/* Its end, when it is noticed later, means nothing. */
	upgrade_reaped(&upgrade, checker, 0);
	ck_assert(!upgrade_is_on(&upgrade));
}
END_TEST

START_TEST(the_word_itself_is_taken)
{
	struct buf script;

	upgrade_say_ready(&why);
	ck_assert(strncmp(why.data, "rensad " PACKAGE_VERSION, strlen("rensad " PACKAGE_VERSION)) == 0);
	buf_init(&script);
	buf_printf(&script, "echo a warning; cat <<EOF\n%sEOF\n", why.data);
	use_script(script.data);
	buf_clear(&script);
	await();
	ck_assert(upgrade.is_wanted);
	ck_assert(upgrade_is_on(&upgrade));
	ck_assert(crew_said(&crew, "can take over, stopping rensad"));
}
END_TEST

Suite *
suite_upgrade(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "upgrade", 30);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, an_absolute_name_is_the_path);
	tcase_add_test(tc, a_relative_name_is_completed_by_the_folder_of_the_start);
	tcase_add_test(tc, links_are_kept_so_that_they_can_lead_elsewhere);
	tcase_add_test(tc, a_bare_name_is_looked_for_in_path);
	tcase_add_test(tc, a_name_of_something_else_gives_way_to_what_really_runs);
	tcase_add_test(tc, without_a_path_there_is_no_upgrade);
	tcase_add_test(tc, a_folder_without_files_and_one_of_ours_can_be_taken_over);
	tcase_add_test(tc, a_form_of_hand_over_that_is_not_known_is_refused);
	tcase_add_test(tc, a_folder_of_another_network_is_refused_by_the_parameter);
	tcase_add_loop_test(tc, a_log_of_a_later_format_is_refused_in_whichever_file, 0, 2);
	tcase_add_test(tc, a_file_that_is_not_there_is_refused_at_once);
	tcase_add_loop_test(tc, what_does_not_say_the_word_is_refused, 0, (int)ARRAY_LEN(scripts));
	tcase_add_loop_test(tc, what_cannot_be_executed_is_refused, 0, (int)ARRAY_LEN(no_programs));
	tcase_add_test(tc, one_that_does_not_end_is_ended);
	tcase_add_test(tc, an_upgrade_that_is_dropped_leaves_nobody);
	tcase_add_test(tc, the_word_itself_is_taken);
	return suite;
}
