/* Names of sections and keys as they come from outside: found, or told what was probably meant. */
#include <ctype.h>
#include <string.h>

#include "config_read.h"
#include "util/text.h"

#define NAMES_MAX 64 /* names that a message lists or a nearest one is sought among */

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

void
config_name_put(struct buf *out, const char *word)
{
	bool is_plain = *word != '\0';
	for (const char *p = word; *p != '\0'; p++)
		is_plain = is_plain && (isalnum((unsigned char)*p) || strchr("_-.", *p) != NULL);
	if (is_plain && strlen(word) <= CONFIG_QUOTE_MAX)
		buf_puts(out, word);
	else
		config_value_quote(out, word);
}

bool
config_section_is_known(const char *section)
{
	return names_of_keys(section).count > 0;
}

void
config_section_unknown(struct config_report *r, struct config_place at, const char *section)
{
	struct names names = names_of_sections(NULL);
	const char *near = text_nearest(section, names.at, names.count);
	struct buf b;
	buf_init(&b);
	buf_putc(&b, '[');
	config_name_put(&b, section);
	buf_puts(&b, "]: there is no such section; ");
	if (near != NULL) {
		buf_printf(&b, "did you mean [%s]?", near);
	} else {
		buf_puts(&b, "allowed: ");
		names_put(&b, &names, true);
	}
	config_report_add(r, at, "%s", b.data);
	buf_clear(&b);
}

static void
unknown_key(struct config_report *r, struct config_place at, const char *section, const char *key)
{
	struct names here = names_of_keys(section), elsewhere = names_of_sections(key);
	const char *near = text_nearest(key, here.at, here.count);
	struct buf b;
	buf_init(&b);
	buf_printf(&b, "[%s] ", section);
	config_name_put(&b, key);
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
	config_report_add(r, at, "%s", b.data);
	buf_clear(&b);
}

const struct config_key *
config_name_find(struct config_report *r, struct config_place at, const char *section, const char *name)
{
	if (!config_section_is_known(section)) {
		config_section_unknown(r, at, section);
		return NULL;
	}
	const struct config_key *key = config_key_find(section, name);
	if (key == NULL)
		unknown_key(r, at, section, name);
	return key;
}

void
config_name_homeless(struct config_report *r, struct config_place at, const char *name)
{
	static const char *const others[] = {CONFIG_INCLUDE};
	struct names homes = names_of_sections(name);
	const char *near = text_nearest(name, others, 1);
	struct buf b;
	buf_init(&b);
	config_name_put(&b, name);
	buf_puts(&b, ": stands before any section; ");
	if (homes.count > 0) {
		buf_puts(&b, "put it below ");
		names_put(&b, &homes, true);
	} else if (near != NULL) {
		buf_printf(&b, "did you mean \"%s\"?", near);
	} else {
		buf_puts(&b, "put it below the [section] that it belongs to");
	}
	config_report_add(r, at, "%s", b.data);
	buf_clear(&b);
}
