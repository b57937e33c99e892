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

/* The value of a lower-case digit, or -1; also for the NUL, so that a short text ends every loop over it. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

enum err
hex_decode(void *out, size_t len, const char *text)
{
	/* Two passes, because out stays untouched when the last digit is wrong. */
	for (size_t i = 0; i < len; i++)
		if (digit_value(text[2 * i]) < 0 || digit_value(text[2 * i + 1]) < 0)
			return ERR_FORMAT;
	if (text[2 * len] != '\0')
		return ERR_FORMAT;

	uint8_t *bytes = out;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
	return OK;
}
