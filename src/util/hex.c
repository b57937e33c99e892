#include "util/hex.h"

static const char digits[] = "0123456789abcdef";

void
hex_encode(char *text, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < len; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

/* One more than the value of each lower-case digit; 0: it is none, as the NUL is, so a short text ends every loop. */
static const uint8_t values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool
hex_read(void *out, size_t len, const char *text)
{
	uint8_t *bytes = out;
	for (size_t i = 0; i < len; i++) {
		unsigned high = values[(uint8_t)text[2 * i]];
		if (high == 0)
			return false;
		unsigned low = values[(uint8_t)text[2 * i + 1]];
		if (low == 0)
			return false;
		bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return true;
}

enum err
hex_decode(void *out, size_t len, const char *text)
{
	/* Two passes, because out stays untouched when the last digit is wrong. */
	for (size_t i = 0; i < 2 * len; i++)
		if (values[(uint8_t)text[i]] == 0)
			return ERR_FORMAT;
	return text[2 * len] == '\0' && hex_read(out, len, text) ? OK : ERR_FORMAT;
}
