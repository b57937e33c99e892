/*
 * Writing JSON straight onto a buffer. Lists of blocks are long, so numbers and hex are placed digit by digit and
 * strings are copied in whole runs; nothing here goes through printf but a double. What must stay true: whatever bytes
 * a caller hands over, the text written is well-formed UTF-8 and well-formed JSON.
 */
#include "wire/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"

struct jout
jout_to(struct buf *out)
{
	return (struct jout){.out = out, .first = true};
}

/* The comma, if one is due before the next value. */
static void
value_begin(struct jout *j)
{
	if (j->after_key)
		j->after_key = false;
	else if (!j->first)
		buf_putc(j->out, ',');
	j->first = false;
}

static void
container_begin(struct jout *j, char bracket)
{
	value_begin(j);
	buf_putc(j->out, bracket);
	j->depth++;
	j->first = true;
}

static void
container_end(struct jout *j, char bracket)
{
	buf_putc(j->out, bracket);
	j->depth--;
	j->first = false;
}

void
jout_object(struct jout *j)
{
	container_begin(j, '{');
}

void
jout_object_end(struct jout *j)
{
	container_end(j, '}');
}

void
jout_array(struct jout *j)
{
	container_begin(j, '[');
}

void
jout_array_end(struct jout *j)
{
	container_end(j, ']');
}

static void
escape_append(struct buf *out, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
	size_t len = 2;
	switch (c) {
	case '"':
	case '\\':
		text[1] = (char)c;
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	default:
		len = 6;
		break;
	}
	buf_append(out, text, len);
}

/* Bytes that a string holds as they are: ASCII but for control characters, the quote and the backslash. */
static const bool is_plain[256] = {
    [0x20 ... '"' - 1] = true, ['"' + 1 ... '\\' - 1] = true, ['\\' + 1 ... 0x7e] = true};

static size_t
plain_span(const uint8_t *s, size_t len)
{
	size_t i = 0;
	while (i < len && is_plain[s[i]])
		i++;
	return i;
}

static void
string_append(struct buf *out, const void *text, size_t len)
{
	const uint8_t *s = text;
	size_t from = 0, i = plain_span(s, len); /* s[from..i) is clean and not yet copied */
	if (i == len) {
		/* All keys and nearly all values: one copy with its quotes. */
		char *at = buf_reserve(out, len + 2);
		at[0] = '"';
		if (len > 0)
			memcpy(at + 1, s, len);
		at[len + 1] = '"';
		out->len += len + 2;
		return;
	}
	buf_putc(out, '"');
	while (i < len) {
		uint8_t c = s[i];
		size_t span = 1;
		if (c >= 0x80)
			span = text_utf8_next(s + i, len - i);
		else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			span = 0;
		if (span > 0) {
			i += span;
			continue;
		}
		if (i > from)
			buf_append(out, s + from, i - from);
		if (c >= 0x80)
			buf_append(out, "\xef\xbf\xbd", 3); /* U+FFFD */
		else
			escape_append(out, c);
		from = ++i;
	}
	if (i > from)
		buf_append(out, s + from, i - from);
	buf_putc(out, '"');
}

void
jout_key(struct jout *j, const char *key)
{
	value_begin(j);
	string_append(j->out, key, strlen(key));
	buf_putc(j->out, ':');
	j->after_key = true;
}

void
jout_string(struct jout *j, const char *text)
{
	jout_string_len(j, text, strlen(text));
}

void
jout_string_len(struct jout *j, const void *text, size_t len)
{
	value_begin(j);
	string_append(j->out, text, len);
}

void
jout_u64(struct jout *j, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	value_begin(j);
	buf_append(j->out, digits + at, sizeof(digits) - at);
}

void
jout_double(struct jout *j, double v)
{
	if (!isfinite(v)) {
		jout_null(j);
		return;
	}
	/* The shorter form if it reads back as the same number. */
	char text[32];
	snprintf(text, sizeof(text), "%.15g", v);
	if (strtod(text, NULL) != v)
		snprintf(text, sizeof(text), "%.17g", v);
	/* A program that took its user's locale may print another decimal point. */
	char *point = strchr(text, ',');
	if (point != NULL)
		*point = '.';
	value_begin(j);
	buf_puts(j->out, text);
}

void
jout_bool(struct jout *j, bool v)
{
	value_begin(j);
	buf_puts(j->out, v ? "true" : "false");
}

void
jout_null(struct jout *j)
{
	value_begin(j);
	buf_append(j->out, "null", 4);
}

void
jout_hex(struct jout *j, const void *bytes, size_t len)
{
	value_begin(j);
	size_t text = 2 * len + 2; /* digits and quotes */
	char *at = buf_reserve(j->out, text + 1);
	at[0] = '"';
	hex_encode(at + 1, bytes, len);
	at[text - 1] = '"';
	at[text] = '\0';
	j->out->len += text;
}

void
jout_raw(struct jout *j, const void *json, size_t len)
{
	value_begin(j);
	buf_append(j->out, json, len);
}

void
jout_kstring(struct jout *j, const char *key, const char *text)
{
	jout_key(j, key);
	jout_string(j, text);
}

void
jout_ku64(struct jout *j, const char *key, uint64_t v)
{
	jout_key(j, key);
	jout_u64(j, v);
}

void
jout_kbool(struct jout *j, const char *key, bool v)
{
	jout_key(j, key);
	jout_bool(j, v);
}

void
jout_khex(struct jout *j, const char *key, const void *bytes, size_t len)
{
	jout_key(j, key);
	jout_hex(j, bytes, len);
}

void
json_error(struct buf *out, const char *code, const char *message)
{
	struct jout j = jout_to(out);
	jout_object(&j);
	jout_key(&j, "error");
	jout_object(&j);
	jout_kstring(&j, "code", code);
	jout_kstring(&j, "message", message);
	jout_object_end(&j);
	jout_object_end(&j);
}
