/* A configuration as text: what a node uses (-T), and the sample file with every key explained. */
#include <string.h>

#include "node/config.h"
#include "node/config_table.h"

#define COLUMNS 100

#define PREFACE_PARAGRAPHS 4 /* of the preface, each with an empty line behind it; then come notes */

static const char *const preface[] = {
    "The configuration of a Rensa node.",
    "Every key stands here with its default, commented out. To set one, remove the # in front of it.",
    "\"rensad -t -c FILE\" checks a file and names everything that is wrong in it. \"rensad -T -c FILE\" prints what a "
    "node would use, and where each value comes from. After a change run \"rensa reload\" or send SIGHUP (systemctl "
    "reload): the file is taken over whole or refused whole, and the log names what has changed and which of it waits "
    "for a restart.",
    ("Each key can also be set from outside, which wins over all files: by an environment variable, as "
     "RENSAD_HTTP_LISTEN=127.0.0.1:5000, and above all by an option, as -o http.listen=127.0.0.1:5000."),
    "Durations: a plain number is seconds; or with ms, s, m, h or d, as 500ms, 20s, 5m.",
    "Sizes: a plain number is bytes; or with K, M, G or T, in steps of 1024, as 4M, 1G.",
    "Addresses: host:port, IPv6 in brackets, as 10.0.0.2:5000 or [fd00::2]:5000.",
    "Lists: items separated by commas or spaces. A list may be given on several lines, which add up.",
    "Comments: lines that begin with # or ;, and what follows a ; behind a space.",
};

static const char include_about[] =
    "Further files may be named anywhere in this one, by their names or with a pattern, relative to this file's "
    "folder. Each is read at that place and begins outside of any section. What is read later wins, so at the end of "
    "this file they change what stands above; a list that another file sets is replaced. A file that is named must be "
    "there, a "
    "pattern may match none.";

/* One "key = value" line; a list that is too long for it goes on in further lines, which add up when read. */
static void
setting_print(struct buf *out, const struct config *c, const struct config_key *key)
{
	struct buf value;
	buf_init(&value);
	config_value_format(&value, c, key);
	const char *rest = value.data != NULL ? value.data : "";
	if (*rest == '\0')
		buf_printf(out, "%s =\n", key->name);
	while (*rest != '\0') {
		size_t len = strlen(rest), room = COLUMNS - strlen(key->name) - strlen(" = ");
		if (config_value_is_list(key) && len > room) {
			/* As many whole items as fit, but at least one. */
			size_t end = strcspn(rest, ",");
			for (size_t next = end; next <= room; next += 2 + strcspn(rest + next + 2, ",")) {
				end = next;
				if (rest[next] == '\0')
					break;
			}
			len = end;
		}
		buf_printf(out, "%s = %.*s\n", key->name, (int)len, rest);
		rest += len;
		rest += strspn(rest, config_value_is_list(key) ? ", " : "");
	}
	buf_clear(&value);
}

void
config_print(struct buf *out, const struct config *c)
{
	size_t count, section_count;
	const struct config_key *keys = config_keys(&count);
	const struct config_section *sections = config_sections(&section_count);
	for (size_t s = 0; s < section_count; s++) {
		buf_printf(out, "%s[%s]\n", s > 0 ? "\n" : "", sections[s].name);
		for (size_t i = 0; i < count; i++)
			if (strcmp(keys[i].section, sections[s].name) == 0) {
				if (c->origins != NULL && c->origins[i] != NULL)
					buf_printf(out, "# from %s\n", c->origins[i]);
				setting_print(out, c, &keys[i]);
			}
	}
}

/* Appends text as comment lines, broken between words. */
static void
comment_print(struct buf *out, const char *text)
{
	size_t column = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		if (column > 0 && column + 1 + len > COLUMNS) {
			buf_putc(out, '\n');
			column = 0;
		}
		if (column == 0) {
			buf_putc(out, '#');
			column = 1;
		}
		buf_putc(out, ' ');
		buf_append(out, text, len);
		column += 1 + len;
		text += len;
		text += *text == ' ';
	}
	buf_putc(out, '\n');
}

static void
key_print(struct buf *out, const struct config *defaults, const struct config_key *key)
{
	struct buf text;
	buf_init(&text);
	buf_puts(&text, key->about);
	if (key->detail != NULL)
		buf_printf(&text, " %s", key->detail);
	comment_print(out, text.data);

	buf_reset(&text);
	buf_puts(&text, "Allowed: ");
	config_value_allowed(&text, key);
	buf_puts(&text, ".");
	if (key->change == CHANGE_RESTART)
		buf_puts(&text, " A change needs a restart.");
	else if (key->change == CHANGE_NEW_CHAIN)
		buf_puts(&text, " A change makes another chain.");
	comment_print(out, text.data);

	buf_putc(out, '#');
	setting_print(out, defaults, key);
	buf_clear(&text);
}

void
config_sample(struct buf *out)
{
	size_t count, section_count;
	const struct config_key *keys = config_keys(&count);
	const struct config_section *sections = config_sections(&section_count);
	struct config defaults;
	config_default(&defaults);
	for (size_t i = 0; i < ARRAY_LEN(preface); i++) {
		comment_print(out, preface[i]);
		if (i < PREFACE_PARAGRAPHS)
			buf_puts(out, "#\n");
	}
	for (size_t s = 0; s < section_count; s++) {
		buf_putc(out, '\n');
		comment_print(out, sections[s].about);
		buf_printf(out, "[%s]\n", sections[s].name);
		for (size_t i = 0; i < count; i++) {
			if (strcmp(keys[i].section, sections[s].name) != 0)
				continue;
			buf_putc(out, '\n');
			key_print(out, &defaults, &keys[i]);
		}
	}
	buf_putc(out, '\n');
	comment_print(out, include_about);
	buf_puts(out, "#" CONFIG_INCLUDE " = conf.d/*.conf\n");
	config_clear(&defaults);
}
