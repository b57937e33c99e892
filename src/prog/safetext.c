/* Text that is safe to show. */
#include "prog/safetext.h"

#include <stdbool.h>
#include <stdint.h>

#include "util/attr.h"

#define NOT_UTF8 UINT32_MAX

/* Takes one character off the text: its code point, or NOT_UTF8 for a byte that starts none. */
static uint32_t
next_char(const unsigned char **at, const unsigned char *end)
{
	const unsigned char *p = *at;
	unsigned first = *p;
	size_t more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : 3;
	*at = p + 1;
	if (more == 0)
		return first;
	if (first < 0xc2 || first > 0xf4 || (size_t)(end - p) <= more)
		return NOT_UTF8;
	uint32_t c = first & (0x3fu >> more);
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return NOT_UTF8;
		c = c << 6 | (p[i] & 0x3fu);
	}
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return NOT_UTF8;
	*at = p + more + 1;
	return c;
}

static bool
is_unsafe(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
	    {0x00, 0x1f},     {0x7f, 0x9f},	{0xad, 0xad},	    {0x61c, 0x61c},
	    {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
	    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	};
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

size_t
safetext_line(struct buf *out, const char *text, size_t len, size_t max)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *end = at + len;
	size_t shown = 0;
	while (at < end) {
		if (shown >= max) {
			buf_puts(out, "...");
			return shown + 3;
		}
		const unsigned char *start = at;
		uint32_t c = next_char(&at, end);
		size_t before = out->len;
		if (c != NOT_UTF8 && !is_unsafe(c)) {
			buf_append(out, start, (size_t)(at - start));
			shown++;
			continue;
		}
		if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c == NOT_UTF8 || c < 0x80)
			buf_printf(out, "\\x%02x", *start);
		else
			buf_printf(out, "\\u{%x}", c);
		shown += out->len - before;
	}
	return shown;
}

void
safetext_json(struct buf *out, const char *json, size_t len)
{
	const unsigned char *at = (const unsigned char *)json;
	const unsigned char *end = at + len;
	while (at < end) {
		const unsigned char *start = at;
		uint32_t c = next_char(&at, end);
		if (c == NOT_UTF8)
			buf_puts(out, "\\ufffd");
		else if (c < 0x20 || !is_unsafe(c))
			buf_append(out, start, (size_t)(at - start));
		else if (c < 0x10000)
			buf_printf(out, "\\u%04x", c);
		else
			buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
	}
}
