/* Wallet files: whole or not at all, never overwritten, never read while others may. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/address.h"
#include "disk/keyfile.h"
#include "suites.h"
#include "util/buf.h"
#include "util/file.h"

static char home[64];
static char error[KEYFILE_ERROR_SIZE];

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(home, sizeof(home), "%.40s/rensa-keys-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(home));
}

static void
teardown(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", home);
	ck_assert_int_eq(system(command), 0);
}

static struct keyfile
make(const char *name)
{
	struct keyfile k = {.address_version = 60};
	key_generate(&k.key);
	ck_assert_msg(keyfile_create(home, name, &k, error) == OK, "%s", error);
	return k;
}

static const char *
path_of(const char *name)
{
	static char path[KEYFILE_PATH_SIZE];
	ck_assert_int_eq(keyfile_path(path, home, name), OK);
	return path;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(gives_back_what_was_stored_in_files_for_the_owner_alone)
{
	umask(0);
	struct keyfile k = make("alice"), back;
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/wallets", home);
	ck_assert_uint_eq(mode_of(folder), 0700);
	ck_assert_uint_eq(mode_of(path_of("alice")), 0600);
	ck_assert_msg(keyfile_load(&back, home, "alice", error) == OK, "%s", error);
	ck_assert_mem_eq(&k.key, &back.key, sizeof(k.key));
	ck_assert_uint_eq(back.address_version, 60);
}
END_TEST

START_TEST(keeps_every_address_version)
{
	static const uint8_t versions[] = {0, 1, 60, 127, 128, 200, 255};
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		char name[8];
		struct keyfile k = {.address_version = versions[i]}, back;
		key_generate(&k.key);
		snprintf(name, sizeof(name), "v%u", versions[i]);
		ck_assert_msg(keyfile_create(home, name, &k, error) == OK, "%s", error);
		ck_assert_msg(keyfile_load(&back, home, name, error) == OK, "%s", error);
		ck_assert_uint_eq(back.address_version, versions[i]);
	}
}
END_TEST

START_TEST(never_writes_over_a_wallet)
{
	struct keyfile first = make("alice"), second = {.address_version = 60}, back;
	key_generate(&second.key);
	ck_assert_int_eq(keyfile_create(home, "alice", &second, error), ERR_EXISTS);
	ck_assert_int_eq(keyfile_load(&back, home, "alice", error), OK);
	ck_assert_mem_eq(&first.key, &back.key, sizeof(back.key));

	/* Nothing of the second is left behind. */
	char command[128];
	snprintf(command, sizeof(command), "test $(ls -A '%s/wallets' | wc -l) -eq 1", home);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(refuses_a_file_or_folder_that_others_may_read)
{
	static const mode_t modes[] = {0604, 0640, 0602, 0644, 0777};
	struct keyfile back;
	make("alice");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		ck_assert_int_eq(chmod(path_of("alice"), modes[i]), 0);
		ck_assert_int_eq(keyfile_load(&back, home, "alice", error), ERR_PERM);
		ck_assert_ptr_nonnull(strstr(error, "chmod 600"));
	}
	ck_assert_int_eq(chmod(path_of("alice"), 0600), 0);
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/wallets", home);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(keyfile_load(&back, home, "alice", error), ERR_PERM);
	ck_assert_ptr_nonnull(strstr(error, "chmod 700"));
}
END_TEST

START_TEST(takes_only_plain_names)
{
	static const struct {
		const char *name;
		bool is_valid;
	} names[] = {
	    {"a", true},
	    {"Alice_2-b", true},
	    {"abcdefghijklmnopqrstuvwxyz012345", true},
	    {"abcdefghijklmnopqrstuvwxyz0123456", false},
	    {"", false},
	    {".", false},
	    {"..", false},
	    {"a/b", false},
	    {"../x", false},
	    {"a b", false},
	    {"a.wallet", false},
	    {"-a", false},
	    {"\xc3\xa4", false},
	    {"a\n", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct keyfile k = {.address_version = 60}, back;
		key_generate(&k.key);
		bool ok = keyfile_create(home, names[i].name, &k, error) == OK;
		ck_assert_msg(ok == names[i].is_valid, "'%s'", names[i].name);
		ck_assert_msg(keyfile_name_is_valid(names[i].name) == names[i].is_valid, "'%s'", names[i].name);
		ck_assert_msg((keyfile_load(&back, home, names[i].name, error) == OK) == ok, "'%s'", names[i].name);
	}
}
END_TEST

START_TEST(refuses_a_key_that_is_none)
{
	struct keyfile k = {.address_version = 60};
	ck_assert_int_eq(keyfile_create(home, "zero", &k, error), ERR_ARG);
	memset(&k.key, 0xff, sizeof(k.key));
	ck_assert_int_eq(keyfile_create(home, "large", &k, error), ERR_ARG);
}
END_TEST

START_TEST(lists_wallets_in_order_and_nothing_else)
{
	struct keyfile_name *names;
	size_t count;
	ck_assert_int_eq(keyfile_list(&names, &count, home, error), OK);
	ck_assert_uint_eq(count, 0);
	free(names);
	make("bob");
	make("alice");
	make("Zoe");
	static const char *const others[] = {"note.txt", ".new-0123", ".wallet", "a b.wallet", "x.wallet.bak"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		char path[160];
		snprintf(path, sizeof(path), "%s/wallets/%s", home, others[i]);
		ck_assert_int_eq(file_write(path, "x", 1, 0600), OK);
	}
	ck_assert_int_eq(keyfile_list(&names, &count, home, error), OK);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(names[0].text, "Zoe");
	ck_assert_str_eq(names[1].text, "alice");
	ck_assert_str_eq(names[2].text, "bob");
	free(names);
}
END_TEST

/* What a good file becomes, and what must then be said of it. */
static const struct {
	const char *find, *replace; /* find NULL: replace is the whole file */
	enum err result;
} edits[] = {
    {"format = 1", "format = 1", OK},
    {"# A Rensa", "\n\n# A Rensa", OK},
    {"format = 1", "format = 2", ERR_UNSUPPORTED},
    {"format = 1", "format = 2\ncipher = x", ERR_UNSUPPORTED},
    {"format = 1", "format = 1\ncipher = x", ERR_UNSUPPORTED},
    {"format = 1", "format = 1\nformat = 1", ERR_FORMAT},
    {"format = 1", "format = 01", ERR_FORMAT},
    {"format = 1", "format=1", ERR_FORMAT},
    {"format = 1", "", ERR_FORMAT},
    {"format = 1", "format = ", ERR_FORMAT},
    {"address_version = 60", "address_version = 61", ERR_FORMAT},
    {"address_version = 60", "address_version = 316", ERR_FORMAT},
    {"address_version = 60", "address_version = -1", ERR_FORMAT},
    {"address = R", "address = Q", ERR_FORMAT},
    {"secret_key = ", "secret_key = x", ERR_FORMAT},
    {"secret_key = ", "secret = ", ERR_UNSUPPORTED},
    {NULL, "", ERR_FORMAT},
    {NULL, "hello\n", ERR_FORMAT},
};

START_TEST(reads_only_files_that_hold_together)
{
	struct keyfile back;
	struct buf text;
	buf_init(&text);
	make("alice");
	ck_assert_int_eq(file_read(&text, path_of("alice"), KEYFILE_SIZE_MAX), OK);

	struct buf edited;
	buf_init(&edited);
	buf_puts(&edited, "");
	if (edits[_i].find == NULL) {
		buf_puts(&edited, edits[_i].replace);
	} else {
		char *at = strstr(text.data, edits[_i].find);
		ck_assert_ptr_nonnull(at);
		buf_append(&edited, text.data, (size_t)(at - text.data));
		buf_puts(&edited, edits[_i].replace);
		buf_puts(&edited, at + strlen(edits[_i].find));
	}
	ck_assert_int_eq(file_write(path_of("alice"), edited.data, edited.len, 0600), OK);
	enum err result = keyfile_load(&back, home, "alice", error);
	ck_assert_msg(result == edits[_i].result, "row %d gives %d: %s", _i, (int)result, error);
	buf_clear(&edited);
	buf_clear(&text);
}
END_TEST

START_TEST(notices_any_changed_byte_of_the_key)
{
	struct buf text;
	buf_init(&text);
	make("alice");
	ck_assert_int_eq(file_read(&text, path_of("alice"), KEYFILE_SIZE_MAX), OK);
	char *wif = strstr(text.data, "secret_key = ") + strlen("secret_key = ");
	for (size_t i = 0; wif[i] != '\n'; i++) {
		struct keyfile back;
		char was = wif[i];
		wif[i] = was == 'x' ? 'y' : 'x';
		ck_assert_int_eq(file_write(path_of("alice"), text.data, text.len, 0600), OK);
		ck_assert_int_eq(keyfile_load(&back, home, "alice", error), ERR_FORMAT);
		wif[i] = was;
	}
	buf_clear(&text);
}
END_TEST

START_TEST(does_not_trust_what_stands_in_place_of_a_file)
{
	struct keyfile back;
	make("alice");
	char path[KEYFILE_PATH_SIZE];
	strcpy(path, path_of("pipe"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(keyfile_load(&back, home, "pipe", error), ERR_FORMAT);
	ck_assert_int_eq(mkdir(path_of("folder"), 0700), 0);
	ck_assert_int_eq(keyfile_load(&back, home, "folder", error), ERR_FORMAT);

	char large[KEYFILE_SIZE_MAX + 2];
	memset(large, '#', sizeof(large));
	ck_assert_int_eq(file_write(path_of("large"), large, sizeof(large), 0600), OK);
	ck_assert_int_eq(keyfile_load(&back, home, "large", error), ERR_FORMAT);
	ck_assert_int_eq(file_write(path_of("zeros"), "\0\0\0", 3, 0600), OK);
	ck_assert_int_eq(keyfile_load(&back, home, "zeros", error), ERR_FORMAT);
	ck_assert_int_eq(keyfile_load(&back, home, "none", error), ERR_NOT_FOUND);
}
END_TEST

START_TEST(says_when_the_path_is_too_long)
{
	char deep[KEYFILE_PATH_SIZE];
	memset(deep, 'a', sizeof(deep));
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	struct keyfile k = {.address_version = 60}, back;
	key_generate(&k.key);
	ck_assert_int_eq(keyfile_create(deep, "alice", &k, error), ERR_LIMIT);
	ck_assert_int_eq(keyfile_load(&back, deep, "alice", error), ERR_LIMIT);
}
END_TEST

START_TEST(only_one_holds_a_wallet_at_a_time)
{
	int first, second;
	make("alice");
	make("bob");
	ck_assert_int_eq(keyfile_lock(&first, home, "alice", 0, error), OK);
	ck_assert_int_eq(keyfile_lock(&second, home, "alice", 0, error), ERR_BUSY);
	ck_assert_int_eq(second, -1);
	ck_assert_int_eq(keyfile_lock(&second, home, "bob", 0, error), OK);
	fd_close(&second);
	fd_close(&first);
	ck_assert_int_eq(keyfile_lock(&second, home, "alice", 0, error), OK);
	fd_close(&second);
	ck_assert_int_eq(keyfile_lock(&second, home, "none", 0, error), ERR_NOT_FOUND);
	ck_assert_int_eq(second, -1);
}
END_TEST

Suite *
suite_keyfile(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "keyfile", 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gives_back_what_was_stored_in_files_for_the_owner_alone);
	tcase_add_test(tc, keeps_every_address_version);
	tcase_add_test(tc, never_writes_over_a_wallet);
	tcase_add_test(tc, refuses_a_file_or_folder_that_others_may_read);
	tcase_add_test(tc, takes_only_plain_names);
	tcase_add_test(tc, refuses_a_key_that_is_none);
	tcase_add_test(tc, lists_wallets_in_order_and_nothing_else);
	tcase_add_loop_test(tc, reads_only_files_that_hold_together, 0, ARRAY_LEN(edits));
	tcase_add_test(tc, notices_any_changed_byte_of_the_key);
	tcase_add_test(tc, does_not_trust_what_stands_in_place_of_a_file);
	tcase_add_test(tc, says_when_the_path_is_too_long);
	tcase_add_test(tc, only_one_holds_a_wallet_at_a_time);
	return s;
}
