#include "util/text.h"

#include <string.h>

/* Longer words than this are no misspelt names. */
#define NEAREST_LEN_MAX 63

enum err
text_u64(uint64_t *out, const char *text, uint64_t max)
{
	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return ERR_FORMAT;

	/* Read to the end even once it is too big: "99999999999999999999x" is malformed and not merely large. */
	uint64_t value = 0;
	bool overflow = false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return ERR_FORMAT;
		overflow |= __builtin_mul_overflow(value, (uint64_t)10, &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
	}
	if (overflow || value > max)
		return ERR_LIMIT;
	*out = value;
	return OK;
}

bool
text_copy(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size);
	bool fits = len < size;
	if (!fits) {
		/* Never cut inside a character: what was UTF-8 stays UTF-8. */
		len = size - 1;
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = '\0';
	return fits;
}

size_t
text_utf8_next(const void *data, size_t len)
{
	const uint8_t *p = data;
	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;

	/* RFC 3629, section 4: the first byte gives the length and narrows the range of the second. */
	size_t size;
	uint8_t second_min = 0x80;
	uint8_t second_max = 0xbf;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		size = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		size = 3;
		if (p[0] == 0xe0)
			second_min = 0xa0; /* below: overlong */
		else if (p[0] == 0xed)
			second_max = 0x9f; /* above: surrogates */
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		size = 4;
		if (p[0] == 0xf0)
			second_min = 0x90; /* below: overlong */
		else if (p[0] == 0xf4)
			second_max = 0x8f; /* above: beyond U+10FFFF */
	} else {
		return 0;
	}
	if (size > len || p[1] < second_min || p[1] > second_max)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

bool
text_is_utf8(const void *data, size_t len)
{
	const uint8_t *p = data;
	while (len > 0) {
		/* Most text is ASCII: eight bytes at once. */
		uint64_t eight;
		if (len >= sizeof(eight)) {
			memcpy(&eight, p, sizeof(eight));
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				p += sizeof(eight);
				len -= sizeof(eight);
				continue;
			}
		}
		size_t step = text_utf8_next(p, len);
		if (step == 0)
			return false;
		p += step;
		len -= step;
	}
	return true;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Damerau and Levenshtein's distance, each place edited once: insertions, deletions, replacements and swaps of
 * neighbours that lead from a to b. Case does not count. Both texts have at most NEAREST_LEN_MAX bytes.
 */
static size_t
edit_distance(const char *a, const char *b)
{
	/* Three rows of the table are alive at a time, used in turn; a swap looks two rows back. */
	size_t rows[3][NEAREST_LEN_MAX + 1];
	size_t alen = strlen(a);
	size_t blen = strlen(b);

	for (size_t j = 0; j <= blen; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			size_t best = min(above[j - 1] + !same, min(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				best = min(best, rows[(i - 2) % 3][j - 2] + 1);
			row[j] = best;
		}
	}
	return rows[alen % 3][blen];
}

const char *
text_nearest(const char *word, const char *const *names, size_t count)
{
	size_t len = strnlen(word, NEAREST_LEN_MAX + 1);
	if (len == 0 || len > NEAREST_LEN_MAX)
		return NULL;

	/* A third of the word may be wrong, two letters always; but where no letter is kept nothing is alike. */
	size_t limit = min(len / 3 > 2 ? len / 3 : 2, len - 1);
	const char *nearest = NULL;
	for (size_t i = 0; i < count; i++) {
		if (strnlen(names[i], NEAREST_LEN_MAX + 1) > NEAREST_LEN_MAX)
			continue;
		size_t distance = edit_distance(word, names[i]);
		if (distance > limit || (nearest != NULL && distance == limit))
			continue;
		nearest = names[i];
		limit = distance;
	}
	return nearest;
}
