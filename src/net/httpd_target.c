/*
 * Targets come as a path ("/a?b=c"), as a whole URL ("http://host/a?b=c", whose authority is of no interest), or as
 * what a CONNECT or OPTIONS request names. A parameter that is given twice is refused rather than guessed at.
 */
#include "httpd_target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/attr.h"
#include "util/mem.h"

static const struct refusal bad_escape = {400, "bad-request",
					  "the path or query has a malformed percent escape, or %00, or a #"};
static const struct refusal bad_authority = {400, "bad-request", "the URL asked for names no host"};
static const struct refusal bad_param = {400, "bad-request", "a query parameter has no name"};
static const struct refusal twice = {400, "bad-request", "a query parameter is given twice"};
static const struct refusal too_many = {400, "bad-request", "the query has too many parameters"};

/* Decodes to *to, which advances behind the NUL. False: malformed. */
static bool
decode(char **to, const char *from, size_t len, bool is_query)
{
	for (size_t i = 0; i < len; i++) {
		char c = from[i];
		if (c == '%') {
			int high = i + 2 < len ? http_hex_digit(from[i + 1]) : -1;
			int low = high >= 0 ? http_hex_digit(from[i + 2]) : -1;
			if (low < 0 || (high == 0 && low == 0))
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && is_query) {
			c = ' ';
		} else if (c == '#') {
			return false;
		}
		*(*to)++ = c;
	}
	*(*to)++ = '\0';
	return true;
}

const char *
http_target_param(const struct http_target *t, const char *name)
{
	for (size_t i = 0; i < t->param_count; i++)
		if (strcmp(t->params[i].name, name) == 0)
			return t->params[i].value;
	return NULL;
}

static const struct refusal *
parse_param(struct http_target *t, char **to, const char *from, size_t len)
{
	if (len == 0)
		return NULL; /* "a=1&&b=2", or a bare question mark */
	const char *equals = memchr(from, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - from) : len;
	const char *name = *to;
	if (!decode(to, from, name_len, true))
		return &bad_escape;
	if (*name == '\0')
		return &bad_param;
	if (http_target_param(t, name) != NULL)
		return &twice;
	const char *value = *to;
	if (!decode(to, equals != NULL ? equals + 1 : "", equals != NULL ? len - name_len - 1 : 0, true))
		return &bad_escape;
	if (t->param_count == HTTP_PARAMS_MAX)
		return &too_many;
	t->params[t->param_count].name = name;
	t->params[t->param_count++].value = value;
	return NULL;
}

/* Where the path starts in a whole URL; the text itself if it is none. NULL: there is no authority to skip. */
static const char *
skip_authority(const char *target, size_t *len)
{
	static const char *const schemes[] = {"http://", "https://"};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t scheme_len = strlen(schemes[i]);
		if (*len < scheme_len || strncasecmp(target, schemes[i], scheme_len) != 0)
			continue;
		size_t at = scheme_len;
		while (at < *len && target[at] != '/' && target[at] != '?')
			at++;
		if (at == scheme_len)
			return NULL;
		*len -= at;
		return target + at;
	}
	return target;
}

const struct refusal *
http_target_parse(struct http_target *out, const char *target, size_t len)
{
	out->param_count = 0;
	/* Decoding shrinks; each parameter adds at most two NULs for its "=" and "&", the path one NUL and one slash.
	 */
	out->text = xmalloc(2 * len + 4);
	out->path = out->text;
	char *to = out->text;
	if ((target = skip_authority(target, &len)) == NULL)
		return &bad_authority;
	const char *question = memchr(target, '?', len);
	size_t path_len = question != NULL ? (size_t)(question - target) : len;
	if (path_len == 0)
		*to++ = '/';
	if (!decode(&to, target, path_len, false))
		return &bad_escape;
	if (question == NULL)
		return NULL;

	const char *at = question + 1;
	const char *end = target + len;
	for (;;) {
		const char *next = memchr(at, '&', (size_t)(end - at));
		const struct refusal *no = parse_param(out, &to, at, (size_t)((next != NULL ? next : end) - at));
		if (no != NULL || next == NULL)
			return no;
		at = next + 1;
	}
}

void
http_target_clear(struct http_target *t)
{
	free(t->text);
	t->text = NULL;
}
