#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain/block.h"
#include "disk/netfile.h"
#include "suites.h"
#include "util/file.h"

static char folder[] = "/tmp/rensa-netfile-XXXXXX";
static char path[64];
static struct params ours;
static struct framelog *journal;

static void
set_up(void)
{
	static char name[sizeof(folder)];
	struct framelog_options o = {.folder = name, .kind = LOG_JOURNAL};

	strcpy(name, folder);
	ck_assert_ptr_nonnull(mkdtemp(name));
	strcpy(folder, name);
	snprintf(path, sizeof(path), "%s/network", folder);
	params_default(&ours);
	o.genesis = genesis_hash(&ours);
	journal = framelog_new(&o);
}

static void
tear_down(void)
{
	framelog_free(journal);
	unlink(path);
	rmdir(folder);
	strcpy(folder, "/tmp/rensa-netfile-XXXXXX");
}

START_TEST(what_is_settled_once_is_settled)
{
	struct params theirs = ours, read;
	struct buf why = {0};

	ck_assert_int_eq(netfile_read(&read, folder, &why), ERR_NOT_FOUND);
	ck_assert_int_eq(netfile_settle(folder, &ours, journal, &why), OK);
	ck_assert_int_eq(netfile_read(&read, folder, &why), OK);
	ck_assert_ptr_null(params_difference(&read, &ours));
	ck_assert_int_eq(netfile_settle(folder, &ours, journal, &why), OK);
	buf_reset(&why);
	theirs.min_fee = 1;
	ck_assert_int_eq(netfile_settle(folder, &theirs, journal, &why), ERR_PERM);
	ck_assert_ptr_nonnull(strstr(why.data, "minimum_fee"));
	buf_clear(&why);
}
END_TEST

START_TEST(every_flipped_bit_and_every_cut_is_found)
{
	struct buf good = {0}, bad = {0}, why = {0};
	struct params read;

	ck_assert_int_eq(netfile_write(folder, &ours, &why), OK);
	ck_assert_int_eq(file_read(&good, path, 4096), OK);
	for (size_t i = 0; i < good.len * 8; i++) {
		buf_reset(&bad);
		buf_append(&bad, good.data, good.len);
		bad.data[i / 8] ^= (char)(1 << i % 8);
		ck_assert_int_eq(file_write(path, bad.data, bad.len, 0600), OK);
		enum err e = netfile_read(&read, folder, &why);
		ck_assert(e == ERR_FORMAT || (e == ERR_UNSUPPORTED && i / 8 >= 8 && i / 8 < 12));
	}
	for (size_t len = 0; len < good.len; len++) {
		ck_assert_int_eq(file_write(path, good.data, len, 0600), OK);
		ck_assert_int_eq(netfile_read(&read, folder, &why), ERR_FORMAT);
	}
	buf_clear(&good);
	buf_clear(&bad);
	buf_clear(&why);
}
END_TEST

Suite *
suite_netfile(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "netfile", 60);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_is_settled_once_is_settled);
	tcase_add_test(tc, every_flipped_bit_and_every_cut_is_found);
	return suite;
}
