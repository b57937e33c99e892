/*
 * The processor's own instruction where there is one, else eight tables (slicing by eight bytes). Both are asked by the
 * tests for the same answers.
 */
#include "util/crc32c.h"

#include <stdbool.h>
#include <string.h>

#include "crc32c_ways.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t tables[8][256];
static bool has_tables;

static void
make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
	has_tables = true;
}

uint32_t
crc32c_by_tables(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (!has_tables)
		make_tables();
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		uint32_t low =
		    crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
		      tables[4][low >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
	}
	for (; len > 0; p++, len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t
crc32c_by_instruction(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t state = ~crc, word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		state = __builtin_ia32_crc32di(state, word);
	}
	for (; len > 0; p++, len--)
		state = __builtin_ia32_crc32qi((uint32_t)state, *p);
	return ~(uint32_t)state;
}

bool
crc32c_has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
uint32_t
crc32c_by_instruction(uint32_t crc, const void *data, size_t len)
{
	return crc32c_by_tables(crc, data, len);
}

bool
crc32c_has_instruction(void)
{
	return false;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	return crc32c_has_instruction() ? crc32c_by_instruction(crc, data, len) : crc32c_by_tables(crc, data, len);
}
