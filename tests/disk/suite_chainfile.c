#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk/chainfile.h"
#include "suites.h"
#include "util/buf.h"
#include "util/bytes.h"
#include "util/crc32c.h"
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

/* A file by hand: right checksums around whatever the parts say. */
struct forged {
	struct buf bytes;
	uint32_t link;
};

static void
seal(struct forged *f, size_t from)
{
	uint8_t sum[4];
	struct writer w = writer_of(sum, sizeof(sum));

	f->link = crc32c(f->link, f->bytes.data + from, f->bytes.len - from);
	put_u32(&w, f->link);
	buf_append(&f->bytes, sum, sizeof(sum));
}

static void
forge_header(struct forged *f)
{
	struct buf good = {0};
	int fd = make_file(&good);
	uint8_t params[PARAMS_SIZE_MAX];
	size_t len = 16 + params_encode(params, &head.params) + 72;

	fd_close(&fd);
	*f = (struct forged){0};
	buf_append(&f->bytes, good.data, len);
	seal(f, 0);
	ck_assert_mem_eq(f->bytes.data, good.data, f->bytes.len);
	buf_clear(&good);
}

/* One group of one block, with these numbers in it. */
static void
forge_group(struct forged *f, uint32_t count, uint64_t height, uint32_t length, uint32_t block_length)
{
	uint8_t block[8192], numbers[24];
	struct writer w = writer_of(numbers, sizeof(numbers));
	size_t from = f->bytes.len, size = make_block(block, 1);

	put_u32(&w, 0x52475250);
	put_u32(&w, count);
	put_u64(&w, height);
	put_u32(&w, length);
	put_u32(&w, block_length);
	buf_append(&f->bytes, numbers, sizeof(numbers));
	buf_append(&f->bytes, block, size);
	seal(f, from);
}

static void
forge_end(struct forged *f, uint64_t count, const struct hash256 *tip)
{
	uint8_t bytes[44];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t from = f->bytes.len;

	put_u32(&w, 0x52454e44);
	put_u64(&w, count);
	put_bytes(&w, tip->b, HASH_SIZE);
	buf_append(&f->bytes, bytes, sizeof(bytes));
	seal(f, from);
}

START_TEST(right_checksums_make_no_file_right)
{
	const uint32_t one = BLOCK_PREFIX_SIZE + 37, whole = one + 4;
	const struct {
		uint32_t count;
		uint64_t height;
		uint32_t length, block_length;
		uint64_t blocks; /* that may be given */
	} rows[] = {
	    {1, 1, whole, one, 1}, /* good, but it does not end where the header says */
	    {0, 1, whole, one, 0},
	    {2, 1, whole, one, 1},
	    {501, 1, whole, one, 0},
	    {UINT32_MAX, 1, whole, one, 0},
	    {1, 0, whole, one, 0},
	    {1, 2, whole, one, 0},
	    {1, UINT64_MAX, whole, one, 0},
	    {1, 1, UINT32_MAX, one, 0},
	    {1, 1, 0, one, 0},
	    {1, 1, 4, one, 0},
	    {1, 1, whole, one + 1, 0},
	    {1, 1, whole, one - 1, 0},
	    {1, 1, whole, UINT32_MAX, 0},
	    {1, 1, whole, 0, 0},
	    {1, 1, whole, BLOCK_PREFIX_SIZE - 1, 0},
	};
	struct forged f;
	uint64_t blocks;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		forge_header(&f);
		forge_group(&f, rows[i].count, rows[i].height, rows[i].length, rows[i].block_length);
		forge_end(&f, 1, &head.tip.hash);
		ck_assert_int_eq(read_all(f.bytes.data, f.bytes.len, &blocks), ERR_FORMAT);
		ck_assert_uint_eq(blocks, rows[i].blocks);
		buf_clear(&f.bytes);
	}
	/* An end at once: the header speaks of more. */
	forge_header(&f);
	forge_end(&f, 0, &head.tip.hash);
	ck_assert_int_eq(read_all(f.bytes.data, f.bytes.len, &blocks), ERR_FORMAT);
	buf_clear(&f.bytes);
}
END_TEST

Suite *
suite_chainfile(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "chainfile", 60);

	tcase_add_test(tc, what_was_written_is_read);
	tcase_add_test(tc, no_cut_and_no_flip_passes_and_no_block_that_was_touched_is_given);
	tcase_add_test(tc, right_checksums_make_no_file_right);
	return suite;
}
