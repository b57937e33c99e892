/*
 * The table of modules, and levels as text. A module is what a line's message begins with; most are rooms or roles. Who
 * writes a line of a new module adds its name here, and scripts/check-logs finds who forgot.
 */
#include "util/log_levels.h"

#include <string.h>

#include "util/buf.h"
#include "util/text.h"

const char *const log_level_names[] = {"error", "warn", "info", "debug", NULL};

const char *const log_module_names[] = {
    "",				       /* lines that name none */
    "master",			       /* start, stop, reload, and what becomes of roles */
    "summary",			       /* what happened in the last minute */
    "upgrade",			       /* to another program, and what came of it */
    "loader",	 "archiver", "scribe", /* the chain from and to the disk, and as it is shown */
    "request",			       /* of clients, one line each if request_log says so */
    "pool",	 "miner",    "relay",  /* roles */
    "resolver",			       /* longer chains */
    "discovery",		       /* peers found and lost */
    "peers",			       /* what they push */
    "probe",			       /* connects of a scan */
    "httpd",	 "net",		       /* the HTTP server, sockets */
    "child",			       /* what all roles share */
    "log",	 "memory",   "random", "key", "failpoint",
};
const size_t log_module_count = ARRAY_LEN(log_module_names);

_Static_assert(ARRAY_LEN(log_module_names) <= LOG_MODULES_MAX, "a board has room for all modules");

#define ITEM_SIZE 32 /* longer than any name or level, with its NUL */
#define SEPARATORS ", \t"

uint8_t
log_module_find(const char *name, size_t len)
{
	for (size_t i = 1; i < log_module_count; i++)
		if (strncmp(log_module_names[i], name, len) == 0 && log_module_names[i][len] == '\0')
			return (uint8_t)i;
	return 0;
}

uint8_t
log_module_of(const char *message)
{
	size_t len = strcspn(message, ":");

	return message[len] == ':' && len > 0 ? log_module_find(message, len) : 0;
}

static uint8_t
level_find(const char *name)
{
	for (uint8_t i = 0; log_level_names[i] != NULL; i++)
		if (strcmp(log_level_names[i], name) == 0)
			return i;
	return LOG_LEVEL_UNSET;
}

/* A word from outside: quoted if it is a plain one, else it is not repeated. */
static void
put_word(struct buf *why, const char *word)
{
	bool is_plain = *word != '\0' &&
			word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';

	if (is_plain)
		buf_printf(why, "\"%s\"", word);
	else
		buf_puts(why, "this");
}

static void
put_nearest(struct buf *why, const char *word, const char *const *names, size_t count)
{
	const char *near = text_nearest(word, names, count);

	if (near != NULL)
		buf_printf(why, "; did you mean \"%s\"?", near);
}

static bool
no_such_level(struct buf *why, const char *word)
{
	put_word(why, word);
	buf_puts(why, " is not a level; allowed: error, warn, info or debug");
	put_nearest(why, word, log_level_names, 4);
	return false;
}

static bool
no_such_module(struct buf *why, const char *word)
{
	const char *near = text_nearest(word, log_module_names + 1, log_module_count - 1);

	put_word(why, word);
	buf_puts(why, " is not a module of the log; ");
	if (near != NULL) {
		buf_printf(why, "did you mean \"%s\"?", near);
		return false;
	}
	buf_puts(why, "there are ");
	for (size_t i = 1; i < log_module_count; i++)
		buf_printf(why, "%s%s", i == 1 ? "" : i + 1 < log_module_count ? ", " : " and ", log_module_names[i]);
	return false;
}

static bool
set_once(uint8_t *at, uint8_t level, const char *what, struct buf *why)
{
	if (*at != LOG_LEVEL_UNSET) {
		buf_printf(why, "%s has two levels", what);
		return false;
	}
	*at = level;
	return true;
}

/* LEVEL or MODULE=LEVEL. */
static bool
item_parse(struct log_levels *out, char *item, struct buf *why)
{
	char *value = strchr(item, '=');
	const char *word = value != NULL ? value + 1 : item;
	uint8_t level = level_find(word), module;

	if (value == NULL)
		return level != LOG_LEVEL_UNSET ? set_once(&out->base, level, "the whole", why)
						: no_such_level(why, word);
	*value = '\0';
	module = log_module_find(item, strlen(item));
	if (module == 0)
		return no_such_module(why, item);
	return level != LOG_LEVEL_UNSET ? set_once(&out->at[module], level, item, why) : no_such_level(why, word);
}

bool
log_levels_parse(struct log_levels *out, const char *text, struct buf *why)
{
	memset(out, LOG_LEVEL_UNSET, sizeof(*out));
	if (strlen(text) > LOG_LEVELS_TEXT_MAX) {
		buf_printf(why, "the list is longer than %d bytes", LOG_LEVELS_TEXT_MAX);
		return false;
	}
	text += strspn(text, SEPARATORS);
	if (*text == '\0') {
		buf_puts(why, "there is no level");
		return false;
	}
	for (; *text != '\0'; text += strspn(text, SEPARATORS)) {
		char item[ITEM_SIZE];
		size_t len = strcspn(text, SEPARATORS);

		if (len >= sizeof(item)) {
			buf_puts(why, "the list has a word that is longer than any module or level");
			return false;
		}
		memcpy(item, text, len);
		item[len] = '\0';
		if (!item_parse(out, item, why))
			return false;
		text += len;
	}
	return true;
}

void
log_levels_format(struct buf *out, const struct log_levels *levels)
{
	const char *before = "";

	if (levels->base <= LOG_LEVEL_DEBUG) {
		buf_puts(out, log_level_names[levels->base]);
		before = ", ";
	}
	for (size_t i = 1; i < log_module_count; i++) {
		if (levels->at[i] > LOG_LEVEL_DEBUG)
			continue;
		buf_printf(out, "%s%s=%s", before, log_module_names[i], log_level_names[levels->at[i]]);
		before = ", ";
	}
}
