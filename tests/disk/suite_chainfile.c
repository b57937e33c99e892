#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk/chainfile.h"
#include "suites.h"
#include "util/buf.h"
#include "util/file.h"

/* Files are read for what they are, so these "blocks" need no work and no transactions: a header and a size are enough. */
#define BLOCKS 1203

static struct chainfile_head head;

static size_t
make_block(uint8_t out[8192], uint64_t height)
{
	struct header h = {.version = 1, .height = height, .nonce = height * 7};
	size_t size = BLOCK_PREFIX_SIZE + (size_t)(height * 37 % 7000);

	memset(out, (int)height, size);
	header_encode(out, &h);
	return size;
}

static int
make_file(struct buf *out)
{
	int fd = memfd_create("chain", MFD_CLOEXEC);
	struct chainfile_writer w;
	uint8_t block[8192];

	params_default(&head.params);
	make_block(block, BLOCKS);
	head.tip = (struct head){header_hash_bytes(block), u256_of(12345), BLOCKS};
	ck_assert_int_eq(chainfile_begin(&w, fd, &head), OK);
	for (uint64_t i = 1; i <= BLOCKS; i++)
		ck_assert_int_eq(chainfile_add(&w, block, make_block(block, i)), OK);
	ck_assert_int_eq(chainfile_end(&w), OK);
	chainfile_writer_clear(&w);
	off_t size = lseek(fd, 0, SEEK_END);
	ck_assert_int_eq(pread(fd, buf_reserve(out, (size_t)size), (size_t)size, 0), size);
	out->len = (size_t)size;
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* How a file of these bytes ends; *blocks: how many came before, each checked. */
static enum err
read_all(const char *bytes, size_t len, uint64_t *blocks)
{
	int fd = memfd_create("chain", MFD_CLOEXEC);
	uint8_t expected[8192];
	struct chainfile_reader r;
	struct buf why = {0};
	const uint8_t *block;
	size_t size;
	enum err e;

	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	lseek(fd, 0, SEEK_SET);
	*blocks = 0;
	e = chainfile_open(&r, fd, "FILE", &why);
	while (e == OK && (e = chainfile_next(&r, &block, &size, &why)) == OK) {
		ck_assert_uint_eq(size, make_block(expected, ++*blocks));
		ck_assert_mem_eq(block, expected, size);
	}
	ck_assert(e == ERR_NOT_FOUND || (why.len > 0 && strncmp(why.data, "FILE", 4) == 0));
	chainfile_reader_clear(&r);
	buf_clear(&why);
	fd_close(&fd);
	return e;
}

START_TEST(what_was_written_is_read)
{
	struct buf file = {0}, why = {0};
	int fd = make_file(&file);
	struct chainfile_reader r;
	uint64_t blocks;

	ck_assert_int_eq(chainfile_open(&r, fd, "FILE", &why), OK);
	ck_assert_ptr_null(params_difference(&r.head.params, &head.params));
	ck_assert(hash_equal(&r.head.tip.hash, &head.tip.hash));
	ck_assert_uint_eq(r.head.tip.height, BLOCKS);
	ck_assert_int_eq(u256_compare(&r.head.tip.work, &head.tip.work), 0);
	chainfile_reader_clear(&r);
	ck_assert_int_eq(read_all(file.data, file.len, &blocks), ERR_NOT_FOUND);
	ck_assert_uint_eq(blocks, BLOCKS);
	fd_close(&fd);
	buf_clear(&file);
	buf_clear(&why);
}
END_TEST

START_TEST(no_cut_and_no_flip_passes_and_no_block_that_was_touched_is_given)
{
	struct buf file = {0};
	int fd = make_file(&file);
	uint64_t blocks;
	enum err e;

	fd_close(&fd);
	for (size_t at = 0; at < file.len; at += at < 400 || at + 100 > file.len ? 1 : 40009) {
		ck_assert_int_eq(read_all(file.data, at, &blocks), ERR_FORMAT);
		file.data[at] ^= 0x10;
		e = read_all(file.data, file.len, &blocks);
		ck_assert(e == ERR_FORMAT || (e == ERR_UNSUPPORTED && at >= 8 && at < 12));
		file.data[at] ^= 0x10;
	}
	buf_putc(&file, 'x');
	ck_assert_int_eq(read_all(file.data, file.len, &blocks), ERR_FORMAT);
	buf_clear(&file);
}
END_TEST

Suite *
suite_chainfile(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "chainfile", 60);

	tcase_add_test(tc, what_was_written_is_read);
	tcase_add_test(tc, no_cut_and_no_flip_passes_and_no_block_that_was_touched_is_given);
	return suite;
}
