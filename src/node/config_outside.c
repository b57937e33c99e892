/*
 * Settings that come from outside of any file: of the environment, as RENSAD_SECTION_KEY, and of the command line, as
 * -o section.key=value. Each is a source of its own, so a later one takes the place of an earlier one, lists too.
 *
 * Whatever else begins with RENSAD_ is a mistake and an error, but for what a container host sets by itself: one that
 * has a service called "rensad" puts its addresses into the environment of all its containers.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "util/mem.h"
#include "util/text.h"

#define BLANKS " \t\r\n\v\f"

/* As a file would have it: without the blanks around it. The caller's. */
static char *
trimmed(const char *text, size_t len)
{
	while (len > 0 && strchr(BLANKS, text[0]) != NULL)
		text++, len--;
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	char *out = xmalloc(len + 1);
	memcpy(out, text, len);
	out[len] = '\0';
	return out;
}

void
config_variable_name(char name[CONFIG_VARIABLE_SIZE], const struct config_key *key)
{
	snprintf(name, CONFIG_VARIABLE_SIZE, CONFIG_VARIABLE_PREFIX "%s_%s", key->section, key->name);
	for (char *p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
}

/* SOMETHING_PORT_5000_TCP, and what follows it. */
static bool
names_a_port(const char *name)
{
	const char *at = strstr(name, "_PORT_");
	if (at == NULL)
		return false;
	at += strlen("_PORT_");
	size_t digits = strspn(at, "0123456789");
	at += digits;
	return digits > 0 &&
	       (strncmp(at, "_TCP", 4) == 0 || strncmp(at, "_UDP", 4) == 0 || strncmp(at, "_SCTP", 5) == 0);
}

/* Set by Kubernetes, or by Docker's links, for a service whose name begins with "rensad". */
static bool
is_of_a_service(const char *name, const char *value)
{
	static const char port[] = "_PORT";
	size_t len = strlen(name), tail = strlen(port);
	bool is_port = len > tail && strcmp(name + len - tail, port) == 0;
	return strstr(name, "_SERVICE_HOST") != NULL || strstr(name, "_SERVICE_PORT") != NULL || names_a_port(name) ||
	       (is_port && strstr(value, "://") != NULL);
}

static void
unknown_variable(struct config_report *r, struct config_place at, const char *name)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	char(*variables)[CONFIG_VARIABLE_SIZE] = xcalloc(count, sizeof(*variables));
	const char **names = xcalloc(count, sizeof(*names));
	for (size_t i = 0; i < count; i++) {
		config_variable_name(variables[i], &keys[i]);
		names[i] = variables[i] + strlen(CONFIG_VARIABLE_PREFIX);
	}
	/* What all begin with tells nothing. */
	const char *near = text_nearest(name + strlen(CONFIG_VARIABLE_PREFIX), names, count);
	if (near != NULL)
		config_report_add(r, at, "there is no such setting; did you mean " CONFIG_VARIABLE_PREFIX "%s?", near);
	else
		config_report_add(r, at,
				  "there is no such setting; allowed: " CONFIG_VARIABLE_PREFIX
				  "SECTION_KEY, as " CONFIG_VARIABLE_PREFIX "HTTP_LISTEN");
	free(names);
	free(variables);
}

static const struct config_key *
variable_find(const char *name)
{
	char variable[CONFIG_VARIABLE_SIZE];
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++) {
		config_variable_name(variable, &keys[i]);
		if (strcmp(variable, name) == 0)
			return &keys[i];
	}
	return NULL;
}

void
config_read_environment(struct config_reading *reading, char *const *environment)
{
	static const char prefix[] = CONFIG_VARIABLE_PREFIX;
	for (; environment != NULL && *environment != NULL; environment++) {
		const char *value = strchr(*environment, '=');
		if (value == NULL || strncmp(*environment, prefix, strlen(prefix)) != 0)
			continue;
		char *name = trimmed(*environment, (size_t)(value - *environment));
		char *text = trimmed(value + 1, strlen(value + 1));
		const struct config_key *key = variable_find(name);
		if (key != NULL || !is_of_a_service(name, text)) {
			struct config_place at = {config_report_source(reading->report, name), 0};
			if (key != NULL)
				config_reading_set(reading, key, text, at);
			else
				unknown_variable(reading->report, at, name);
		}
		free(name);
		free(text);
	}
}

static void
setting_read(struct config_reading *reading, const char *setting)
{
	const char *equals = strchr(setting, '=');
	char *name = trimmed(setting, equals != NULL ? (size_t)(equals - setting) : strlen(setting));
	char *dot = strchr(name, '.');
	struct buf source;
	buf_init(&source);
	buf_puts(&source, "-o ");
	config_name_put(&source, name);
	struct config_place at = {config_report_source(reading->report, source.data), 0};
	if (equals == NULL || dot == NULL) {
		config_report_add(reading->report, at,
				  "this is no setting; allowed: section.key=value, as http.listen=127.0.0.1:5000");
	} else {
		char *value = trimmed(equals + 1, strlen(equals + 1));
		*dot = '\0';
		const struct config_key *key = config_name_find(reading->report, at, name, dot + 1);
		if (key != NULL)
			config_reading_set(reading, key, value, at);
		free(value);
	}
	buf_clear(&source);
	free(name);
}

void
config_read_settings(struct config_reading *reading, const char *const *settings)
{
	for (; settings != NULL && *settings != NULL; settings++)
		setting_read(reading, *settings);
}
