/* The file of known peers: what was written is read, and nothing else is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/peerfile.h"
#include "suites.h"
#include "util/file.h"

static char folder[40], path[64];
static struct hash256 genesis = {{1, 2, 3}};
static struct peerfile_entry entries[PEERFILE_MAX], got[PEERFILE_MAX];
static struct buf why;
static size_t count;

static void
set_up(void)
{
	strcpy(folder, "/tmp/rensa-peerfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/" PEERFILE_NAME, folder);
	buf_init(&why);
	memset(entries, 0, sizeof(entries));
	for (size_t i = 0; i < PEERFILE_MAX; i++) {
		entries[i].is_v6 = i % 3 == 1;
		entries[i].ip[0] = 10;
		entries[i].ip[3] = (uint8_t)i;
		entries[i].ip[15] = entries[i].is_v6 ? 1 : 0;
		entries[i].port = (uint16_t)(5000 + i);
		entries[i].good_ms = 1000000 + i;
	}
}

static void
tear_down(void)
{
	buf_clear(&why);
	unlink(path);
	rmdir(folder);
}

static enum err
read_back(void)
{
	buf_reset(&why);
	return peerfile_read(got, &count, folder, &genesis, &why);
}

START_TEST(reads_what_was_written)
{
	static const size_t sizes[] = {0, 1, 7, PEERFILE_MAX};

	ck_assert_int_eq(read_back(), ERR_NOT_FOUND);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		ck_assert_int_eq(peerfile_write(folder, &genesis, entries, sizes[i], &why), OK);
		ck_assert_int_eq(read_back(), OK);
		ck_assert_uint_eq(count, sizes[i]);
		for (size_t k = 0; k < count; k++) {
			ck_assert_uint_eq(got[k].is_v6, entries[k].is_v6);
			ck_assert_mem_eq(got[k].ip, entries[k].ip, sizeof(got[k].ip));
			ck_assert_uint_eq(got[k].port, entries[k].port);
			ck_assert_uint_eq(got[k].good_ms, entries[k].good_ms);
		}
	}
}
END_TEST

START_TEST(writes_no_more_than_are_read)
{
	struct peerfile_entry *more = calloc(PEERFILE_MAX + 5, sizeof(*more));

	for (size_t i = 0; i < PEERFILE_MAX + 5; i++)
		more[i] = entries[0];
	ck_assert_int_eq(peerfile_write(folder, &genesis, more, PEERFILE_MAX + 5, &why), OK);
	ck_assert_int_eq(read_back(), OK);
	ck_assert_uint_eq(count, PEERFILE_MAX);
	free(more);
}
END_TEST

START_TEST(every_flipped_bit_and_every_cut_is_found)
{
	struct buf good = {0}, bad = {0};

	ck_assert_int_eq(peerfile_write(folder, &genesis, entries, 3, &why), OK);
	ck_assert_int_eq(file_read(&good, path, 4096), OK);
	for (size_t i = 0; i < good.len * 8; i++) {
		buf_reset(&bad);
		buf_append(&bad, good.data, good.len);
		bad.data[i / 8] ^= (char)(1 << i % 8);
		ck_assert_int_eq(file_write(path, bad.data, bad.len, 0600), OK);
		enum err e = read_back();
		ck_assert(e == ERR_FORMAT || (e == ERR_UNSUPPORTED && i / 8 >= 8 && i / 8 < 12));
		ck_assert_uint_eq(count, 0);
		ck_assert_ptr_nonnull(strstr(why.data, path));
	}
	for (size_t len = 0; len < good.len; len++) {
		ck_assert_int_eq(file_write(path, good.data, len, 0600), OK);
		ck_assert_int_eq(read_back(), ERR_FORMAT);
	}
	buf_putc(&good, 'x');
	ck_assert_int_eq(file_write(path, good.data, good.len, 0600), OK);
	ck_assert_int_eq(read_back(), ERR_FORMAT);
	buf_clear(&good);
	buf_clear(&bad);
}
END_TEST

START_TEST(a_file_of_another_network_or_of_any_size_is_refused)
{
	struct hash256 other = {{9}};
	char *big = calloc(1, 1 << 20);

	ck_assert_int_eq(peerfile_write(folder, &other, entries, 3, &why), OK);
	ck_assert_int_eq(read_back(), ERR_FORMAT);
	ck_assert_int_eq(file_write(path, big, 1 << 20, 0600), OK);
	ck_assert_int_eq(read_back(), ERR_FORMAT);
	free(big);
}
END_TEST

/* Nothing that no node would have written, though the checksum is right. */
START_TEST(addresses_that_are_none_are_refused)
{
	struct peerfile_entry odd = entries[0];

	if (_i == 0)
		odd.port = 0;
	else
		odd.ip[9] = 1; /* IPv4 with something behind */
	ck_assert_int_eq(peerfile_write(folder, &genesis, &odd, 1, &why), OK);
	ck_assert_int_eq(read_back(), ERR_FORMAT);
}
END_TEST

START_TEST(what_cannot_be_written_is_said)
{
	ck_assert_int_ne(peerfile_write("/nonexistent/folder", &genesis, entries, 1, &why), OK);
	ck_assert_ptr_nonnull(strstr(why.data, "/nonexistent/folder/peers"));
}
END_TEST

Suite *
suite_peerfile(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "peerfile", 30);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, reads_what_was_written);
	tcase_add_test(tc, writes_no_more_than_are_read);
	tcase_add_test(tc, every_flipped_bit_and_every_cut_is_found);
	tcase_add_test(tc, a_file_of_another_network_or_of_any_size_is_refused);
	tcase_add_loop_test(tc, addresses_that_are_none_are_refused, 0, 2);
	tcase_add_test(tc, what_cannot_be_written_is_said);
	return suite;
}
