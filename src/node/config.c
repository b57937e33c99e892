/*
 * Reads a configuration. Nothing stops at the first mistake: each setting is judged by itself, then the keys together,
 * and everything wrong is told at once. Outside text (names, values) is quoted and escaped in messages.
 */
#include "node/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "node/config_report.h"
#include "node/config_table.h"
#include "util/mem.h"

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
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++) {
		if (config_value_is_list(&keys[i]))
			config_value_reset(c, &keys[i]);
		if (c->origins != NULL)
			free(c->origins[i]);
	}
	free(c->origins);
	explicit_bzero(c, sizeof(*c));
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

void
config_reading_set(struct config_reading *reading, const struct config_key *key, const char *value,
		   struct config_place at)
{
	const struct config_place *before = config_report_place(reading->report, key);
	struct buf why;
	buf_init(&why);
	if (config_value_is_list(key) && (before == NULL || before->source != at.source))
		config_value_reset(reading->config, key);
	config_report_set(reading->report, key, at);
	if (!config_value_parse(reading->config, key, value, &why))
		report_faults(reading->report, key, &why);
	buf_clear(&why);
}

/* Remembers where each key was set. */
static void
keep_origins(struct config *c, const struct config_report *r)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	c->origins = xcalloc(count, sizeof(*c->origins));
	for (size_t i = 0; i < count; i++) {
		const struct config_place *at = config_report_place(r, &keys[i]);
		struct buf text;
		if (at == NULL)
			continue;
		buf_init(&text);
		config_report_put_place(&text, r, *at);
		c->origins[i] = buf_take(&text);
	}
}

enum err
config_load(struct config *out, const struct config_inputs *in, struct buf *errors)
{
	struct config_report report;
	struct config_reading reading = {.config = out, .report = &report};
	config_report_init(&report);
	config_default(out);
	enum err ret = config_read_files(&reading, in->path);
	config_read_environment(&reading, in->environment);
	config_read_settings(&reading, in->settings);
	keep_origins(out, &report);
	/* What is not known cannot contradict anything. */
	if (ret == OK)
		config_check(out, &report);
	if (config_report_write(errors, &report)) {
		config_clear(out);
		ret = ret == OK ? ERR_FORMAT : ret;
	}
	config_report_clear(&report);
	return ret;
}
