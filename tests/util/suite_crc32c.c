/* CRC-32C: the published values, however the bytes are cut into pieces, and the same answer by both ways. */
#include <string.h>

#include "suites.h"
#include "util/crc32c.h"
#include "util/crc32c_ways.h"

typedef uint32_t crc32c_way(uint32_t crc, const void *data, size_t len);

static crc32c_way *const ways[] = {crc32c, crc32c_by_tables, crc32c_by_instruction};

/* RFC 3720, appendix B.4, where values are listed as bytes with the lowest first; and the usual check value. */
static const struct {
	uint32_t crc;
	size_t len;
	char bytes[49];
} rows[] = {
    {0x00000000, 0, ""},
    {0xe3069283, 9, "123456789"},
    {0x8a9136aa, 32, {0}},
    {0x62a8ab43, 32,
     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
    {0x46dd794e, 32,
     "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
     "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"},
    {0x113fdb5c, 32,
     "\x1f\x1e\x1d\x1c\x1b\x1a\x19\x18\x17\x16\x15\x14\x13\x12\x11\x10"
     "\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x07\x06\x05\x04\x03\x02\x01\x00"},
    {0xd9963a56, 48,
     "\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
     "\x14\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18"
     "\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"},
};

static bool
is_there(crc32c_way *way)
{
	return way != crc32c_by_instruction || crc32c_has_instruction();
}

START_TEST(gives_the_published_values)
{
	for (size_t w = 0; w < ARRAY_LEN(ways); w++)
		if (is_there(ways[w]))
			ck_assert_uint_eq(ways[w](0, rows[_i].bytes, rows[_i].len), rows[_i].crc);
}
END_TEST

START_TEST(goes_on_from_any_cut)
{
	for (size_t w = 0; w < ARRAY_LEN(ways); w++)
		for (size_t cut = 0; is_there(ways[w]) && cut <= rows[_i].len; cut++) {
			uint32_t front = ways[w](0, rows[_i].bytes, cut);
			ck_assert_uint_eq(ways[w](front, rows[_i].bytes + cut, rows[_i].len - cut), rows[_i].crc);
		}
}
END_TEST

START_TEST(gives_the_same_by_tables_as_by_the_instruction)
{
	static uint8_t bytes[4096];
	uint64_t state = 1;

	if (!crc32c_has_instruction())
		return;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		bytes[i] = (uint8_t)(state >> 56);
	}
	/* Every alignment and every length around the eight bytes that are taken at once, then pieces of any place. */
	for (size_t at = 0; at < 16; at++)
		for (size_t len = 0; len < 40; len++)
			ck_assert_uint_eq(crc32c_by_tables(0, bytes + at, len),
					  crc32c_by_instruction(0, bytes + at, len));
	for (int i = 0; i < 2000; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t at = (size_t)(state >> 40) % sizeof(bytes);
		size_t len = (size_t)(state >> 20) % (sizeof(bytes) - at);
		ck_assert_uint_eq(crc32c_by_tables((uint32_t)state, bytes + at, len),
				  crc32c_by_instruction((uint32_t)state, bytes + at, len));
	}
}
END_TEST

START_TEST(notices_every_flipped_bit)
{
	uint8_t bytes[48];
	memcpy(bytes, rows[_i].bytes, rows[_i].len);
	for (size_t bit = 0; bit < rows[_i].len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_uint_ne(crc32c(0, bytes, rows[_i].len), rows[_i].crc);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}
END_TEST

Suite *
suite_crc32c(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "crc32c", 10);
	tcase_add_loop_test(tc, gives_the_published_values, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, goes_on_from_any_cut, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, gives_the_same_by_tables_as_by_the_instruction);
	tcase_add_loop_test(tc, notices_every_flipped_bit, 0, ARRAY_LEN(rows));
	return suite;
}
