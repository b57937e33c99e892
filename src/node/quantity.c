/*
 * Quantities as an operator writes them. Reading is strict: no sign, no space, no fraction of a unit, and no unit that
 * could mean two things (4m is four minutes and never a size). What is written reads back to the same value.
 */
#include "node/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chain/params.h"
#include "util/clock.h"
#include "util/text.h"

#define NUMBER_DIGITS 20 /* of UINT64_MAX */
#define COIN_DECIMALS 8	 /* COIN is 10 to the power of this */
#define TIME_DECIMALS 3

struct unit {
	const char *name;
	uint64_t scale;
};

/* From the largest to the smallest: the first that divides a value is the one to write it in. */
static const struct unit size_units[] = {
    {"T", UINT64_C(1) << 40}, {"G", UINT64_C(1) << 30}, {"M", UINT64_C(1) << 20}, {"K", UINT64_C(1) << 10}, {"", 1},
};
static const struct unit size_spellings[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
};
static const struct unit time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

static uint64_t
unit_scale(const char *name, const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(units[i].name, name) == 0)
			return units[i].scale;
	return 0;
}

/* The number that the unit multiplies by; 0: no such unit. */
static uint64_t
quantity_scale(enum quantity q, const char *unit)
{
	if (q == QUANTITY_SIZE) {
		uint64_t scale = unit_scale(unit, size_units, ARRAY_LEN(size_units));
		return scale != 0 ? scale : unit_scale(unit, size_spellings, ARRAY_LEN(size_spellings));
	}
	if (q == QUANTITY_DURATION)
		return *unit == '\0' ? 1000 : unit_scale(unit, time_units, ARRAY_LEN(time_units));
	return *unit == '\0' ? 1 : 0;
}

/* The digits that text begins with, and what follows them: ERR_FORMAT if there are none, ERR_LIMIT beyond 64 bits. */
static enum err
digits_split(uint64_t *value, const char **rest, const char *text)
{
	size_t len = strspn(text, "0123456789");
	char digits[NUMBER_DIGITS + 1];
	*rest = text + len;
	if (len > NUMBER_DIGITS)
		return ERR_LIMIT;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return text_u64(value, digits, UINT64_MAX);
}

/* The decimals that *text begins with, as a number of exactly `wanted` digits; moves *text behind them. */
static enum err
decimals_split(uint64_t *value, const char **text, size_t wanted)
{
	size_t len = strspn(*text, "0123456789");
	if (len == 0 || len > wanted)
		return ERR_FORMAT;
	*value = 0;
	for (size_t i = 0; i < wanted; i++)
		*value = *value * 10 + (i < len ? (uint64_t)((*text)[i] - '0') : 0);
	*text += len;
	return OK;
}

static enum err
scaled_parse(uint64_t *out, enum quantity q, const char *text)
{
	const char *unit;
	uint64_t value;
	enum err e = digits_split(&value, &unit, text);
	uint64_t scale = quantity_scale(q, unit);
	if (e == ERR_FORMAT || scale == 0)
		return ERR_FORMAT;
	if (e != OK || value > UINT64_MAX / scale)
		return ERR_LIMIT;
	*out = value * scale;
	return OK;
}

/* Without floating point: 0.1 is exact. */
static enum err
coins_parse(uint64_t *out, const char *text)
{
	const char *rest;
	uint64_t whole, part = 0;
	enum err e = digits_split(&whole, &rest, text);
	if (e == ERR_FORMAT)
		return e;
	if (*rest == '.') {
		rest++;
		if (decimals_split(&part, &rest, COIN_DECIMALS) != OK)
			return ERR_FORMAT;
	}
	if (*rest != '\0')
		return ERR_FORMAT;
	if (e != OK || whole > (UINT64_MAX - part) / COIN)
		return ERR_LIMIT;
	*out = whole * COIN + part;
	return OK;
}

/* RFC 3339, UTC only. A date that does not exist is one that comes out otherwise when written again. */
static enum err
time_parse(uint64_t *out, const char *text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	size_t len = sizeof(shape) - 1;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
			return ERR_FORMAT;
	uint64_t ms = 0;
	const char *rest = text + len;
	if (*rest == '.') {
		rest++;
		if (decimals_split(&ms, &rest, TIME_DECIMALS) != OK)
			return ERR_FORMAT;
	}
	struct tm tm = {0};
	if (strcmp(rest, "Z") != 0 || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
					     &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return ERR_FORMAT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t seconds = timegm(&tm);
	if (seconds < 0)
		return ERR_FORMAT;
	uint64_t value = (uint64_t)seconds * 1000 + ms;
	char again[CLOCK_TEXT_SIZE];
	clock_format(again, value);
	if (strncmp(again, text, len) != 0)
		return ERR_FORMAT;
	*out = value;
	return OK;
}

enum err
quantity_parse(uint64_t *out, enum quantity q, const char *text)
{
	switch (q) {
	case QUANTITY_NUMBER:
	case QUANTITY_SIZE:
	case QUANTITY_DURATION:
		return scaled_parse(out, q, text);
	case QUANTITY_COINS:
		return coins_parse(out, text);
	case QUANTITY_TIME:
		return time_parse(out, text);
	}
	return ERR_ARG;
}

static void
scaled_format(struct buf *out, uint64_t value, const struct unit *units, size_t count)
{
	size_t i = 0;
	while (i + 1 < count && (value == 0 || value % units[i].scale != 0))
		i++;
	buf_printf(out, "%" PRIu64 "%s", value / units[i].scale, value == 0 ? "" : units[i].name);
}

static void
coins_format(struct buf *out, uint64_t units)
{
	char part[NUMBER_DIGITS + 1];
	snprintf(part, sizeof(part), "%0*" PRIu64, COIN_DECIMALS, units % COIN);
	size_t len = COIN_DECIMALS;
	while (len > 0 && part[len - 1] == '0')
		len--;
	buf_printf(out, "%" PRIu64 "%s%.*s", units / COIN, len > 0 ? "." : "", (int)len, part);
}

static void
time_format(struct buf *out, uint64_t ms)
{
	static const char whole[] = ".000Z";
	char text[CLOCK_TEXT_SIZE];
	clock_format(text, ms);
	size_t len = strlen(text), tail = sizeof(whole) - 1;
	if (len > tail && strcmp(text + len - tail, whole) == 0)
		buf_printf(out, "%.*sZ", (int)(len - tail), text);
	else
		buf_puts(out, text);
}

void
quantity_format(struct buf *out, enum quantity q, uint64_t value)
{
	switch (q) {
	case QUANTITY_NUMBER:
		buf_printf(out, "%" PRIu64, value);
		break;
	case QUANTITY_SIZE:
		scaled_format(out, value, size_units, ARRAY_LEN(size_units));
		break;
	case QUANTITY_DURATION:
		scaled_format(out, value, time_units, ARRAY_LEN(time_units));
		break;
	case QUANTITY_COINS:
		coins_format(out, value);
		break;
	case QUANTITY_TIME:
		time_format(out, value);
		break;
	}
}
