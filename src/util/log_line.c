/*
 * What must stay true: no byte of a text reaches the log unless it is a printable character of well-formed UTF-8; every
 * quote and line end in it is escaped, so that outside text can forge neither a line nor a key. Nothing is allocated.
 */
#include "log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

/* What ends a text that did not fit, and what ends a line; room for both is never given to a text. */
#define CUT_MARK "..."
#define TAIL_MAX (sizeof(CUT_MARK "\"}\n") - 1)

/* Puts our own bytes, if they fit: only texts are long, and they leave room for the tail. */
static void
put(struct log_line *l, const char *bytes, size_t len)
{
	if (len > sizeof(l->text) - l->len)
		return;
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

static void
puts_plain(struct log_line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* The form of one unit of text in the line; *taken is how many bytes of text it stands for. */
static size_t
escape_unit(char unit[8], const char *text, size_t left, bool is_json, size_t *taken)
{
	uint8_t c = (uint8_t)text[0];
	size_t n = text_utf8_next(text, left);
	/* C1 controls, two bytes each from U+0080 to U+009F, drive terminals as well as those below a space. */
	bool c1 = n == 2 && c == 0xc2 && (uint8_t)text[1] < 0xa0;

	*taken = n == 0 ? 1 : n;
	/* JSON knows no \x: its reader shall see the four characters that a logfmt reader decodes. */
	if (n == 0)
		return (size_t)sprintf(unit, "%s\\x%02x", is_json ? "\\" : "", c);
	if (c == '"' || c == '\\')
		return (size_t)sprintf(unit, "\\%c", c);
	if (c == '\n' || c == '\r' || c == '\t')
		return (size_t)sprintf(unit, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
	if (c < 0x20 || c == 0x7f || c1)
		return (size_t)sprintf(unit, "\\u%04x", c1 ? (uint8_t)text[1] : c);
	memcpy(unit, text, n);
	return n;
}

static void
put_escaped(struct log_line *l, const char *text, size_t max)
{
	size_t room = sizeof(l->text) - l->len;
	size_t left = strlen(text);

	room = room > TAIL_MAX ? room - TAIL_MAX : 0;
	if (max > room)
		max = room;
	while (left > 0) {
		char unit[8];
		size_t taken, len = escape_unit(unit, text, left, l->is_json, &taken);

		if (len > max) {
			puts_plain(l, CUT_MARK);
			return;
		}
		put(l, unit, len);
		max -= len;
		text += taken;
		left -= taken;
	}
}

static void
put_key(struct log_line *l, const char *key)
{
	if (l->is_begun)
		puts_plain(l, l->is_json ? "," : " ");
	l->is_begun = true;
	puts_plain(l, l->is_json ? "\"" : "");
	puts_plain(l, key);
	puts_plain(l, l->is_json ? "\":" : "=");
}

void
log_line_begin(struct log_line *l, bool is_json, const char *lead)
{
	l->len = 0;
	l->is_json = is_json;
	l->is_begun = false;
	puts_plain(l, lead);
	puts_plain(l, is_json ? "{" : "");
}

void
log_line_word(struct log_line *l, const char *key, const char *word)
{
	put_key(l, key);
	puts_plain(l, l->is_json ? "\"" : "");
	puts_plain(l, word);
	puts_plain(l, l->is_json ? "\"" : "");
}

void
log_line_number(struct log_line *l, const char *key, uint64_t number)
{
	char digits[24];

	put_key(l, key);
	put(l, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number));
}

void
log_line_text(struct log_line *l, const char *key, const char *text, size_t max)
{
	put_key(l, key);
	puts_plain(l, "\"");
	put_escaped(l, text, max);
	puts_plain(l, "\"");
}

void
log_line_end(struct log_line *l)
{
	puts_plain(l, l->is_json ? "}\n" : "\n");
}
