/* Collects what is wrong in a configuration file. */
#include "node/config_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"

#define FINDINGS_MAX 100 /* more than anyone reads; a file that is no configuration at all has a thing wrong a line */
#define TEXT_SIZE 1024	 /* of one finding; the rest is cut */

struct config_finding {
	int line;
	size_t order; /* in which it was found: keeps the sort stable */
	char *text;
};

struct config_line {
	int line; /* 0: not set */
	bool is_bad;
};

void
config_report_init(struct config_report *r, const char *path)
{
	size_t count;
	config_keys(&count);
	*r = (struct config_report){.path = path, .keys = xcalloc(count, sizeof(*r->keys))};
}

void
config_report_clear(struct config_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->findings[i].text);
	free(r->findings);
	free(r->keys);
	*r = (struct config_report){0};
}

static struct config_line *
key_line(const struct config_report *r, const struct config_key *key)
{
	size_t count;
	return &r->keys[key - config_keys(&count)];
}

static void
finding_add(struct config_report *r, int line, const char *prefix, const char *text)
{
	if (r->count == FINDINGS_MAX) {
		r->left_out++;
		return;
	}
	struct buf b;
	buf_init(&b);
	buf_printf(&b, "%s%s", prefix, text);
	r->findings = xrealloc(r->findings, (r->count + 1) * sizeof(*r->findings));
	r->findings[r->count] = (struct config_finding){.line = line, .order = r->count, .text = buf_take(&b)};
	r->count++;
}

void
config_report_add(struct config_report *r, int line, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	finding_add(r, line, "", text);
}

void
config_report_key(struct config_report *r, const struct config_key *key, const char *fmt, ...)
{
	char prefix[TEXT_SIZE], text[TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(prefix, sizeof(prefix), "[%s] %s: ", key->section, key->name);
	key_line(r, key)->is_bad = true;
	finding_add(r, key_line(r, key)->line, prefix, text);
}

int
config_report_set(struct config_report *r, const struct config_key *key, int line)
{
	int before = key_line(r, key)->line;
	key_line(r, key)->line = line;
	return before;
}

bool
config_report_is_bad(const struct config_report *r, const struct config_key *key)
{
	return key_line(r, key)->is_bad;
}

static int
finding_compare(const void *va, const void *vb)
{
	const struct config_finding *a = va, *b = vb;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

bool
config_report_write(struct buf *out, struct config_report *r)
{
	if (r->count == 0)
		return false;
	qsort(r->findings, r->count, sizeof(*r->findings), finding_compare);
	for (size_t i = 0; i < r->count; i++) {
		buf_puts(out, r->path);
		if (r->findings[i].line > 0)
			buf_printf(out, ":%d", r->findings[i].line);
		buf_printf(out, ": %s\n", r->findings[i].text);
	}
	if (r->left_out > 0)
		buf_printf(out, "%s: and %zu more\n", r->path, r->left_out);
	return true;
}
