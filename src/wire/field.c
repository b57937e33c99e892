/* Strict members of JSON objects. Every message names the field, says what it must be, and what came instead. */
#include "wire/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"

/* What v is, for "… must be an integer, not a string". */
static const char *
kind_of(const struct jval *v)
{
	if (jval_is_object(v))
		return "an object";
	if (jval_is_array(v))
		return "an array";
	if (jval_is_string(v))
		return "a string";
	if (jval_is_integer(v))
		return "an integer";
	if (jval_is_bool(v))
		return "true or false";
	if (jval_is_null(v))
		return "null";
	return "a decimal number";
}

void
fields_fail(struct fields *f, const char *code, const char *fmt, ...)
{
	if (f->failed)
		return;
	f->failed = true;
	f->error->code = code;
	f->error->rule = RULE_OK;
	va_list args;
	va_start(args, fmt);
	vsnprintf(f->error->message, sizeof(f->error->message), fmt, args);
	va_end(args);
}

void
fields_fail_rule(struct fields *f, enum rule rule)
{
	if (f->failed)
		return;
	fields_fail(f, rule_name(rule), "%s", rule_text(rule));
	f->error->rule = rule;
}

struct fields
fields_of(const struct jval *object, const char *what, struct field_error *error)
{
	struct fields f = {.object = object, .what = what, .error = error};
	if (!jval_is_object(object))
		fields_fail(&f, "wrong-type", "%s must be a JSON object, not %s", what, kind_of(object));
	return f;
}

void
fields_only(struct fields *f, const char *const *names, size_t count)
{
	if (f->failed)
		return;
	const char *key = jval_unknown_key(f->object, names, count);
	if (key == NULL)
		return;
	/* Nothing long is a slip of the pen, and measuring it would cost its length times the names'. */
	const char *meant = strlen(key) <= 40 ? text_nearest(key, names, count) : NULL;
	if (meant != NULL)
		fields_fail(f, "unknown-field", "%s has no field \"%.40s\"; is \"%s\" meant?", f->what, key, meant);
	else
		fields_fail(f, "unknown-field", "%s has no field \"%.40s\"", f->what, key);
}

bool
field_given(const struct fields *f, const char *key)
{
	return !f->failed && jval_get(f->object, key) != NULL;
}

const struct jval *
field_value(struct fields *f, const char *key)
{
	if (f->failed)
		return NULL;
	const struct jval *v = jval_get(f->object, key);
	if (v == NULL)
		fields_fail(f, "missing-field", "%s needs the field \"%s\"", f->what, key);
	return v;
}

static uint64_t
integer(struct fields *f, const char *key, uint64_t max, enum rule above, const char *unit)
{
	const struct jval *v = field_value(f, key);
	if (v == NULL)
		return 0;
	uint64_t n = 0;
	if (!jval_is_integer(v)) {
		fields_fail(f, "wrong-type", "%s must be an integer%s, not %s", key, unit, kind_of(v));
		return 0;
	}
	if (jval_number(&n, v, max) == OK)
		return n;
	/* Out of bounds: below zero is no number of ours at all, above max may be a rule's business. */
	if (jval_number(&n, v, UINT64_MAX) != OK)
		fields_fail(f, "bad-value", "%s must not be negative", key);
	else if (above != RULE_OK)
		fields_fail_rule(f, above);
	else
		fields_fail(f, "bad-value", "%s must be at most %llu", key, (unsigned long long)max);
	return 0;
}

uint64_t
field_u64(struct fields *f, const char *key, uint64_t max, enum rule above)
{
	return integer(f, key, max, above, "");
}

uint64_t
field_amount(struct fields *f, const char *key, uint64_t max, enum rule above)
{
	return integer(f, key, max, above, " of base units (100000000 to a coin)");
}

const char *
field_text(struct fields *f, const char *key, size_t *len)
{
	*len = 0;
	const struct jval *v = field_value(f, key);
	if (v == NULL)
		return "";
	const char *text = jval_text(v, len);
	if (text == NULL) {
		fields_fail(f, "wrong-type", "%s must be a string, not %s", key, kind_of(v));
		return "";
	}
	return text;
}

void
field_hex(struct fields *f, const char *key, void *out, size_t len)
{
	memset(out, 0, len);
	size_t text_len;
	const char *text = field_text(f, key, &text_len);
	if (f->failed)
		return;
	if (text_len != 2 * len || hex_decode(out, len, text) != OK)
		fields_fail(f, "bad-value", "%s must be %zu lower-case hexadecimal digits", key, 2 * len);
}

void
field_address(struct fields *f, const char *key, struct address *out, uint8_t version)
{
	memset(out, 0, sizeof(*out));
	size_t len;
	const char *text = field_text(f, key, &len);
	if (f->failed)
		return;
	enum err e = strlen(text) == len ? address_parse(out, text, version) : ERR_FORMAT;
	if (e == ERR_UNSUPPORTED)
		fields_fail(f, "bad-value", "%s is an address of another network", key);
	else if (e != OK)
		fields_fail(f, "bad-value", "%s is not an address: a character is missing or mistyped", key);
}

void
field_name(struct fields *f, const char *key, char *out, size_t size)
{
	out[0] = '\0';
	size_t len;
	const char *text = field_text(f, key, &len);
	if (f->failed)
		return;
	if (len >= size) {
		fields_fail(f, "bad-value", "%s must be at most %zu bytes long", key, size - 1);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f) {
			fields_fail(f, "bad-value", "%s must not hold control characters", key);
			return;
		}
	}
	memcpy(out, text, len);
	out[len] = '\0';
}
