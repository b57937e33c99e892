/*
 * Reads a configuration. Nothing stops at the first mistake: each line is judged by itself, then the keys together,
 * and everything wrong is told at once. Outside text (names, values) is quoted and escaped in messages.
 */
#include "node/config.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config_report.h"
#include "node/config_table.h"
#include "util/inifile.h"
#include "util/text.h"

#define NAMES_MAX 64	/* names that a message lists or a nearest one is sought among */
#define SECTION_SIZE 64 /* of a section's name, cut if longer */

struct load {
	struct config *config;
	struct config_report *report;
	char unknown[SECTION_SIZE]; /* the unknown section that was reported last: once is enough for all its keys */
};

void
config_default(struct config *c)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	struct buf why;
	buf_init(&why);
	memset(c, 0, sizeof(*c));
	params_default(&c->network);
	for (size_t i = 0; i < count; i++) {
		if (keys[i].initial != NULL && !config_value_parse(c, &keys[i], keys[i].initial, &why)) {
			/* The table contradicts itself; a test reads every row, so no built program comes here. */
			fprintf(stderr, "[%s] %s: default %s\n", keys[i].section, keys[i].name, why.data);
			abort();
		}
	}
	buf_clear(&why);
}

void
config_clear(struct config *c)
{
	free(c->http.admin_allow.at);
	free(c->discovery.peers.at);
	free(c->discovery.dns.at);
	free(c->discovery.scan_hosts.at);
	explicit_bzero(c, sizeof(*c));
}

struct names {
	const char *at[NAMES_MAX];
	size_t count;
};

static void
names_add(struct names *names, const char *name)
{
	if (names->count < NAMES_MAX)
		names->at[names->count++] = name;
}

static struct names
names_of_keys(const char *section)
{
	struct names names = {.count = 0};
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].section, section) == 0)
			names_add(&names, keys[i].name);
	return names;
}

/* The sections that have a key of this name, or all of them if key is NULL. */
static struct names
names_of_sections(const char *key)
{
	struct names names = {.count = 0};
	size_t count;
	const struct config_section *sections = config_sections(&count);
	for (size_t i = 0; i < count; i++)
		if (key == NULL || config_key_find(sections[i].name, key) != NULL)
			names_add(&names, sections[i].name);
	return names;
}

/* Appends "a, b or c", sections in brackets. */
static void
names_put(struct buf *out, const struct names *names, bool is_section)
{
	for (size_t i = 0; i < names->count; i++) {
		if (i > 0)
			buf_puts(out, i + 1 < names->count ? ", " : " or ");
		buf_printf(out, is_section ? "[%s]" : "%s", names->at[i]);
	}
}

/* A name from the file: as it stands if it is a plain word, otherwise quoted. */
static void
word_put(struct buf *out, const char *word)
{
	bool is_plain = *word != '\0';
	for (const char *p = word; *p != '\0'; p++)
		is_plain = is_plain && (isalnum((unsigned char)*p) || strchr("_-.", *p) != NULL);
	if (is_plain)
		buf_puts(out, word);
	else
		config_value_quote(out, word);
}

static void
unknown_section(struct load *load, const char *section, int line)
{
	char name[SECTION_SIZE];
	text_copy(name, sizeof(name), section);
	if (strcmp(load->unknown, name) == 0)
		return;
	text_copy(load->unknown, sizeof(load->unknown), name);

	struct names names = names_of_sections(NULL);
	const char *near = text_nearest(section, names.at, names.count);
	struct buf b;
	buf_init(&b);
	buf_putc(&b, '[');
	word_put(&b, section);
	buf_puts(&b, "]: there is no such section; ");
	if (near != NULL) {
		buf_printf(&b, "did you mean [%s]?", near);
	} else {
		buf_puts(&b, "allowed: ");
		names_put(&b, &names, true);
	}
	config_report_add(load->report, line, "%s", b.data);
	buf_clear(&b);
}

static void
unknown_key(struct load *load, const char *section, const char *key, int line)
{
	struct names here = names_of_keys(section), elsewhere = names_of_sections(key);
	const char *near = text_nearest(key, here.at, here.count);
	struct buf b;
	buf_init(&b);
	buf_printf(&b, "[%s] ", section);
	word_put(&b, key);
	buf_puts(&b, ": there is no such key");
	if (strpbrk(key, " \t") != NULL) {
		buf_puts(&b, "; a setting is written key = value");
	} else if (elsewhere.count > 0) {
		buf_puts(&b, " here; it belongs to ");
		names_put(&b, &elsewhere, true);
	} else if (near != NULL) {
		buf_printf(&b, "; did you mean \"%s\"?", near);
	} else {
		buf_puts(&b, "; allowed: ");
		names_put(&b, &here, false);
	}
	config_report_add(load->report, line, "%s", b.data);
	buf_clear(&b);
}

static void
homeless_key(struct load *load, const char *key, int line)
{
	struct names homes = names_of_sections(key);
	struct buf b;
	buf_init(&b);
	word_put(&b, key);
	buf_puts(&b, ": stands before any section; put it below ");
	if (homes.count > 0)
		names_put(&b, &homes, true);
	else
		buf_puts(&b, "the [section] that it belongs to");
	config_report_add(load->report, line, "%s", b.data);
	buf_clear(&b);
}

/* One finding for each line of why. */
static void
report_faults(struct config_report *r, const struct config_key *key, const struct buf *why)
{
	const char *from = why->data;
	while (from != NULL && *from != '\0') {
		size_t len = strcspn(from, "\n");
		config_report_key(r, key, "%.*s", (int)len, from);
		from += len + (from[len] == '\n');
	}
}

static bool
section_is_known(const char *section)
{
	return names_of_keys(section).count > 0;
}

static void
on_setting(void *ctx, const char *section, const char *name, const char *value, int line)
{
	struct load *load = ctx;
	if (*section == '\0') {
		homeless_key(load, name, line);
		return;
	}
	if (!section_is_known(section)) {
		unknown_section(load, section, line);
		return;
	}
	const struct config_key *key = config_key_find(section, name);
	if (key == NULL) {
		unknown_key(load, section, name, line);
		return;
	}
	int before = config_report_set(load->report, key, line);
	if (before > 0 && !config_value_is_list(key)) {
		config_report_key(load->report, key, "is set twice, in line %d too; keep one of them", before);
		return;
	}
	struct buf why;
	buf_init(&why);
	if (!config_value_parse(load->config, key, value, &why))
		report_faults(load->report, key, &why);
	buf_clear(&why);
}

static const char *
unreadable_text(enum err e)
{
	switch (e) {
	case ERR_NOT_FOUND:
		return "there is no such file";
	case ERR_PERM:
		return "this user may not read it";
	default:
		return "it cannot be read as a file";
	}
}

enum err
config_load(struct config *out, const char *path, struct buf *errors)
{
	struct config_report report;
	int bad_line;
	config_report_init(&report, path);
	config_default(out);
	struct load load = {.config = out, .report = &report};
	enum err ret = inifile_read(path, on_setting, &load, &bad_line);
	if (ret == ERR_FORMAT) {
		config_report_add(&report, bad_line,
				  "this line is not understood; allowed: key = value, [section], or a comment after # "
				  "or ;, at most 1023 bytes");
	} else if (ret != OK) {
		config_report_clear(&report);
		config_report_init(&report, path);
		config_report_add(&report, 0, "%s", unreadable_text(ret));
		goto out;
	}
	config_check(out, &report);
out:
	if (config_report_write(errors, &report)) {
		config_clear(out);
		ret = ret == OK ? ERR_FORMAT : ret;
	}
	config_report_clear(&report);
	return ret;
}

static bool
value_differs(const struct config_key *key, const struct config *a, const struct config *b)
{
	struct buf va, vb;
	buf_init(&va);
	buf_init(&vb);
	config_value_format(&va, a, key);
	config_value_format(&vb, b, key);
	bool differs = va.len != vb.len || (va.len > 0 && memcmp(va.data, vb.data, va.len) != 0);
	/* The file may hold another token than before under the same name. */
	if (key->offset == offsetof(struct config, http.admin_token_file))
		differs |= strcmp(a->http.admin_token, b->http.admin_token) != 0;
	buf_clear(&va);
	buf_clear(&vb);
	return differs;
}

static bool
change_waits(const struct config_key *key)
{
	return key->change == CHANGE_RESTART || key->change == CHANGE_NEW_CHAIN;
}

bool
config_differs(struct buf *live, struct buf *restart, const struct config *a, const struct config *b)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	bool differs = false;
	for (size_t i = 0; i < count; i++) {
		if (!value_differs(&keys[i], a, b))
			continue;
		struct buf *out = change_waits(&keys[i]) ? restart : live;
		buf_printf(out, "%s[%s] %s", out->len > 0 ? ", " : "", keys[i].section, keys[i].name);
		differs = true;
	}
	return differs;
}

bool
config_concerns_roles(const struct config *a, const struct config *b)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (keys[i].change == CHANGE_LIVE && value_differs(&keys[i], a, b))
			return true;
	return false;
}

enum err
config_keep_fixed(struct config *next, const struct config *running, const char *path, struct buf *errors)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	/* No list waits for a restart, so each of these members is its value and nothing it points to. */
	for (size_t i = 0; i < count; i++)
		if (change_waits(&keys[i]))
			memcpy((char *)next + keys[i].offset, (const char *)running + keys[i].offset, keys[i].size);
	struct config_report report;
	config_report_init(&report, path);
	config_check(next, &report);
	enum err ret = config_report_write(errors, &report) ? ERR_FORMAT : OK;
	config_report_clear(&report);
	return ret;
}
