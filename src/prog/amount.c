/* Amounts in coins, as text. */
#include "prog/amount.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "chain/params.h"

#define DECIMALS 8

_Static_assert(COIN == 100000000, "DECIMALS is the number of zeros of COIN");

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum err
amount_parse(uint64_t *units, const char *text)
{
	uint64_t value = 0;
	bool is_large = false;
	const char *at = text;
	if (!is_digit(*at) || (at[0] == '0' && is_digit(at[1])))
		return ERR_FORMAT;
	/* A value too large is told only when the whole text proved to be a number. */
	for (; is_digit(*at); at++) {
		if (!is_large)
			value = value * 10 + (uint64_t)(*at - '0');
		is_large = is_large || value > MONEY_MAX / COIN;
	}
	unsigned decimals = 0;
	uint64_t fraction = 0;
	if (*at == '.') {
		for (at++; is_digit(*at) && decimals < DECIMALS; at++, decimals++)
			fraction = fraction * 10 + (uint64_t)(*at - '0');
		if (decimals == 0)
			return ERR_FORMAT;
	}
	if (*at != '\0')
		return ERR_FORMAT;
	for (; decimals < DECIMALS; decimals++)
		fraction *= 10;
	if (is_large || value * COIN + fraction > MONEY_MAX)
		return ERR_LIMIT;
	*units = value * COIN + fraction;
	return OK;
}

void
amount_format(char text[AMOUNT_TEXT_SIZE], uint64_t units)
{
	int len = snprintf(text, AMOUNT_TEXT_SIZE, "%" PRIu64 ".%08" PRIu64, units / COIN, units % COIN);
	while (text[len - 1] == '0')
		text[--len] = '\0';
	if (text[len - 1] == '.')
		text[--len] = '\0';
}
