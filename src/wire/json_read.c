/*
 * Reading JSON: Jansson parses, this file decides what may reach it. What must stay true: no text from outside makes
 * Jansson recurse deeply or spend memory far beyond the text's size, and `struct jval` is never anything but a json_t
 * seen through a name that keeps Jansson out of other rooms.
 */
#include "wire/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "util/mem.h"

struct jdoc {
	json_t *root;
};

static const json_t *
json_of(const struct jval *v)
{
	return (const json_t *)v;
}

static const struct jval *
jval_of(const json_t *v)
{
	return (const struct jval *)v;
}

/* Says what is wrong at byte `at`, as line and column (counted in characters). */
static void
error_at(char error[JSON_ERROR_SIZE], const char *text, size_t at, const char *what)
{
	size_t line = 1, column = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((uint8_t)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	snprintf(error, JSON_ERROR_SIZE, "%s at line %zu, column %zu", what, line, column);
}

/*
 * Looks at brackets and commas outside strings before Jansson does: it would recurse 2,048 deep, and makes some 200
 * bytes of memory out of each two-byte "{}". On text that is not JSON the count may be off, but then Jansson refuses
 * it, and up to its first error both read strings alike.
 */
static bool
shape_is_fine(const char *text, size_t len, char error[JSON_ERROR_SIZE])
{
	size_t depth = 0, values = 0, values_max = JSON_VALUES_MAX(len);
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		switch (c) {
		case '"':
			in_string = true;
			break;
		case '[':
		case '{':
			if (++depth > JSON_DEPTH_MAX) {
				error_at(error, text, i, "nested deeper than 16");
				return false;
			}
			values++;
			break;
		case ']':
		case '}':
			if (depth > 0)
				depth--;
			break;
		case ',':
			values++;
			break;
		default:
			break;
		}
		if (values > values_max) {
			error_at(error, text, i, "too many values for a text of this size");
			return false;
		}
	}
	return true;
}

struct jdoc *
jdoc_parse(const void *text, size_t len, char error[JSON_ERROR_SIZE])
{
	error[0] = '\0';
	if (text == NULL || len == 0) {
		snprintf(error, JSON_ERROR_SIZE, "the document is empty");
		return NULL;
	}
	if (!shape_is_fine(text, len, error))
		return NULL;
	json_error_t e;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	if (root == NULL) {
		snprintf(error, JSON_ERROR_SIZE, "%s at line %d, column %d", e.text, e.line, e.column);
		return NULL;
	}
	struct jdoc *d = xmalloc(sizeof(*d));
	d->root = root;
	return d;
}

void
jdoc_free(struct jdoc *d)
{
	if (d == NULL)
		return;
	json_decref(d->root);
	free(d);
}

const struct jval *
jdoc_root(const struct jdoc *d)
{
	return jval_of(d->root);
}

bool
jval_is_object(const struct jval *v)
{
	return json_is_object(json_of(v));
}

bool
jval_is_array(const struct jval *v)
{
	return json_is_array(json_of(v));
}

bool
jval_is_string(const struct jval *v)
{
	return json_is_string(json_of(v));
}

bool
jval_is_integer(const struct jval *v)
{
	return json_is_integer(json_of(v));
}

bool
jval_is_bool(const struct jval *v)
{
	return json_is_boolean(json_of(v));
}

bool
jval_is_null(const struct jval *v)
{
	return json_is_null(json_of(v));
}

const struct jval *
jval_get(const struct jval *object, const char *key)
{
	return jval_of(json_object_get(json_of(object), key));
}

size_t
jval_count(const struct jval *v)
{
	return jval_is_array(v) ? json_array_size(json_of(v)) : json_object_size(json_of(v));
}

const struct jval *
jval_at(const struct jval *array, size_t index)
{
	return jval_of(json_array_get(json_of(array), index));
}

const char *
jval_str(const struct jval *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_of(jval_get(object, key)));
	return text != NULL ? text : fallback;
}

uint64_t
jval_u64(const struct jval *object, const char *key, uint64_t fallback)
{
	uint64_t v;
	return jval_number(&v, jval_get(object, key), UINT64_MAX) == OK ? v : fallback;
}

bool
jval_bool(const struct jval *object, const char *key, bool fallback)
{
	const struct jval *v = jval_get(object, key);
	return jval_is_bool(v) ? json_is_true(json_of(v)) : fallback;
}

const char *
jval_text(const struct jval *v, size_t *len)
{
	*len = json_string_length(json_of(v));
	return json_string_value(json_of(v));
}

enum err
jval_number(uint64_t *out, const struct jval *v, uint64_t max)
{
	if (!jval_is_integer(v))
		return ERR_FORMAT;
	json_int_t n = json_integer_value(json_of(v));
	if (n < 0 || (uint64_t)n > max)
		return ERR_LIMIT;
	*out = (uint64_t)n;
	return OK;
}

enum err
jval_signed(int64_t *out, const struct jval *v)
{
	if (!jval_is_integer(v))
		return ERR_FORMAT;
	*out = json_integer_value(json_of(v));
	return OK;
}

const char *
jval_unknown_key(const struct jval *object, const char *const *allowed, size_t count)
{
	/* Jansson's iterators take a non-const object; they do not change it. */
	json_t *o = (json_t *)object;
	for (void *it = json_object_iter(o); it != NULL; it = json_object_iter_next(o, it)) {
		const char *key = json_object_iter_key(it);
		size_t i = 0;
		while (i < count && strcmp(key, allowed[i]) != 0)
			i++;
		if (i == count)
			return key;
	}
	return NULL;
}

static int
dump_piece(const char *piece, size_t len, void *out)
{
	buf_append(out, piece, len);
	return 0;
}

void
jval_dump(struct buf *out, const struct jval *v)
{
	if (json_dump_callback(json_of(v), dump_piece, out, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0)
		buf_puts(out, "null");
}

void
jval_dump_line(struct buf *out, const struct jval *v)
{
	if (json_dump_callback(json_of(v), dump_piece, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		buf_puts(out, "null");
}
