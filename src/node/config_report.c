/* Collects what is wrong in a configuration. */
#include "node/config_report.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/text.h"

#define FINDINGS_MAX 100 /* more than anyone reads; a file that is no configuration at all has a thing wrong a line */
#define TEXT_SIZE 1024	 /* of one finding; the rest is cut */
#define SOURCE_SIZE 256	 /* of a source's name; the rest is cut */

struct config_finding {
	struct config_place at;
	size_t order; /* in which it was found: keeps the sort stable */
	char *text;
};

void
config_report_init(struct config_report *r)
{
	size_t count;
	config_keys(&count);
	*r = (struct config_report){.keys = xcalloc(count, sizeof(*r->keys))};
}

void
config_report_clear(struct config_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->findings[i].text);
	for (uint32_t i = 0; i < r->source_count; i++)
		free(r->sources[i]);
	free(r->findings);
	free(r->sources);
	free(r->keys);
	*r = (struct config_report){0};
}

uint32_t
config_report_source(struct config_report *r, const char *name)
{
	char text[SOURCE_SIZE];
	if (!text_copy(text, sizeof(text), name))
		memcpy(text + strlen(text) - 3, "...", 3);
	for (char *p = text; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	r->sources = xrealloc(r->sources, (r->source_count + 1) * sizeof(*r->sources));
	r->sources[r->source_count] = xstrdup(text);
	return r->source_count++;
}

static struct config_key_state *
key_state(const struct config_report *r, const struct config_key *key)
{
	size_t count;
	return &r->keys[key - config_keys(&count)];
}

static void
finding_add(struct config_report *r, struct config_place at, const char *prefix, const char *text)
{
	if (r->count == FINDINGS_MAX) {
		r->left_out++;
		return;
	}
	struct buf b;
	buf_init(&b);
	buf_printf(&b, "%s%s", prefix, text);
	r->findings = xrealloc(r->findings, (r->count + 1) * sizeof(*r->findings));
	r->findings[r->count] = (struct config_finding){.at = at, .order = r->count, .text = buf_take(&b)};
	r->count++;
}

void
config_report_add(struct config_report *r, struct config_place at, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	finding_add(r, at, "", text);
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
	key_state(r, key)->is_bad = true;
	finding_add(r, key_state(r, key)->at, prefix, text);
}

void
config_report_set(struct config_report *r, const struct config_key *key, struct config_place at)
{
	key_state(r, key)->at = at;
	key_state(r, key)->is_set = true;
}

const struct config_place *
config_report_place(const struct config_report *r, const struct config_key *key)
{
	return key_state(r, key)->is_set ? &key_state(r, key)->at : NULL;
}

bool
config_report_is_bad(const struct config_report *r, const struct config_key *key)
{
	return key_state(r, key)->is_bad;
}

static int
finding_compare(const void *va, const void *vb)
{
	const struct config_finding *a = va, *b = vb;
	if (a->at.source != b->at.source)
		return a->at.source < b->at.source ? -1 : 1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void
config_report_put_place(struct buf *out, const struct config_report *r, struct config_place at)
{
	buf_puts(out, r->sources[at.source]);
	if (at.line > 0)
		buf_printf(out, ":%d", at.line);
}

bool
config_report_write(struct buf *out, struct config_report *r)
{
	if (r->count == 0)
		return false;
	qsort(r->findings, r->count, sizeof(*r->findings), finding_compare);
	for (size_t i = 0; i < r->count; i++) {
		config_report_put_place(out, r, r->findings[i].at);
		buf_printf(out, ": %s\n", r->findings[i].text);
	}
	if (r->left_out > 0)
		buf_printf(out, "%s: and %zu more\n", r->sources[0], r->left_out);
	return true;
}
