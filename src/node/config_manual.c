/*
 * The manual page rensad.conf(5), of which all that is about single keys comes from the table. The rest is what an
 * operator needs to know about files, sources and reload.
 */
#include <string.h>

#include "node/config_table.h"

static const char head[] =
    ".Dd November 27, 2026\n"
    ".Dt RENSAD.CONF 5\n"
    ".Os Rensa\n"
    ".Sh NAME\n"
    ".Nm rensad.conf\n"
    ".Nd configuration of a Rensa node\n"
    ".Sh DESCRIPTION\n"
    "An ini file:\n"
    ".Bd -literal -offset indent\n"
    "[section]\n"
    "key = value\n"
    "; a comment\n"
    "include = conf.d/*.conf\n"
    ".Ed\n"
    ".Pp\n"
    "A key that is not set has its default.\n"
    "A line holds up to 1023 bytes, a file up to 1 MiB; lines that begin with # or ; are comments, and so is what "
    "follows\n"
    "a ; behind a space.\n"
    ".Pp\n"
    "Durations are written as 500ms, 20s, 10m, 2h or 1d, a plain number is seconds; sizes as 64K, 4M or 1G in steps "
    "of\n"
    "1024 (KiB, MiB and GiB are the same), a plain number is bytes; amounts in coins.\n"
    "The items of a list are separated by commas or blanks, and several lines of one file add up.\n"
    ".Pp\n"
    "An unknown section or key, a key that one file sets twice, a value out of bounds or one that does not parse is "
    "an\n"
    "error.\n"
    "All of them are reported, up to a hundred, each with its file and line, what is allowed, and the nearest name "
    "that\n"
    "there is;\n"
    ".Xr rensad 8\n"
    "does not start with them, and a running node keeps what it had.\n"
    ".Ql rensad -t\n"
    "checks a configuration,\n"
    ".Ql rensad -T\n"
    "prints the values in use and where each was set, and\n"
    ".Ql rensad --sample\n"
    "a file with every key, its default and an explanation.\n"
    ".Ss Further files\n"
    "A line\n"
    ".Ql include = NAME ,\n"
    "before the first section or below any, stands for the text of another file, which is read at that place and "
    "begins\n"
    "outside of any section; the section that the line stands in goes on behind it.\n"
    "NAME is relative to the folder of the file that it stands in.\n"
    "With * ? or [ in it, it is a pattern: what matches is read in the order of the names, and nothing need match.\n"
    "Without, the file must be there.\n"
    "Included files may include others, up to 8 deep and 256 in all, but not themselves.\n"
    ".Pp\n"
    "What is read later wins: a file that is included at the end of another changes what that one set before.\n"
    "A list that is set again by another file is replaced.\n"
    ".Ss Environment and command line\n"
    "Each key can also be set by an environment variable\n"
    ".Ev RENSAD_SECTION_KEY ,\n"
    "such as\n"
    ".Ev RENSAD_HTTP_LISTEN ,\n"
    "which wins over the files, and by the option\n"
    ".Fl o Ar section.key=value\n"
    "of\n"
    ".Xr rensad 8 ,\n"
    "which wins over both.\n"
    "They are checked as a file is, and errors name them as they do a file and line.\n"
    "A variable that begins with\n"
    ".Ev RENSAD_\n"
    "and stands for no key is an error, but for the addresses of services that container hosts set.\n"
    "A reload does not change them: what they set stays until the node is started anew.\n"
    ".Ss Reload\n"
    "At\n"
    ".Dv SIGHUP ,\n"
    ".Ql rensa reload\n"
    "or\n"
    ".Ql POST /reload\n"
    "a running node reads its configuration again, and takes it over whole or refuses it whole.\n"
    "The log names each key that changed with the old value and the new one, and those that wait for a restart;\n"
    ".Ql rensa status\n"
    "shows how the last reload went.\n"
    "What needs a restart says so below; all else counts at once, for which the processes of the node are replaced,\n"
    "workers without turning a request away.\n";

static const char tail[] = ".Sh EXAMPLES\n"
			   "A node that serves its local network and finds its neighbours there:\n"
			   ".Bd -literal -offset indent\n"
			   "[node]\n"
			   "name = alpha\n"
			   "data_dir = /var/lib/rensa\n"
			   "\n"
			   "[http]\n"
			   "listen = 172.16.0.2:5000\n"
			   "\n"
			   "[discovery]\n"
			   "scan_hosts = 172.16.0.2-172.16.0.4\n"
			   "scan_ports = 5000-5002\n"
			   ".Ed\n"
			   ".Pp\n"
			   "A container that is configured by its environment alone:\n"
			   ".Bd -literal -offset indent\n"
			   "RENSAD_HTTP_LISTEN=0.0.0.0:5000 RENSAD_DISCOVERY_DNS=rensa:5000 \\e\n"
			   "    rensad -c /dev/null\n"
			   ".Ed\n"
			   ".Sh SEE ALSO\n"
			   ".Xr rensa 1 ,\n"
			   ".Xr rensad 8\n";

/* A sentence a line, and no line that a formatter would take for a request. */
static void
prose_put(struct buf *out, const char *text)
{
	bool is_start = true;
	for (const char *p = text; *p != '\0'; p++) {
		if (is_start && (*p == '.' || *p == '\''))
			buf_puts(out, "\\&");
		is_start = p > text && *p == ' ' && strchr(".?!", p[-1]) != NULL;
		if (*p == '\\')
			buf_puts(out, "\\e");
		else
			buf_putc(out, is_start ? '\n' : *p);
	}
	buf_putc(out, '\n');
}

static void
key_put(struct buf *out, const struct config *defaults, const struct config_key *key)
{
	struct buf value;
	buf_printf(out, ".It Va %s\n", key->name);
	prose_put(out, key->about);
	if (key->detail != NULL)
		prose_put(out, key->detail);
	buf_puts(out, "Allowed: ");
	config_value_allowed(out, key);
	buf_puts(out, ".\n");
	buf_init(&value);
	config_value_format(&value, defaults, key);
	buf_printf(out, "Default: %s.\n", value.len > 0 ? value.data : "nothing");
	buf_clear(&value);
	if (key->change == CHANGE_RESTART)
		buf_puts(out, "A change needs a restart.\n");
	else if (key->change == CHANGE_NEW_CHAIN)
		buf_puts(out, "A change makes another chain.\n");
}

void
config_manual(struct buf *out)
{
	size_t count, section_count;
	const struct config_key *keys = config_keys(&count);
	const struct config_section *sections = config_sections(&section_count);
	struct config defaults;
	config_default(&defaults);
	buf_puts(out, head);
	for (size_t s = 0; s < section_count; s++) {
		buf_printf(out, ".Ss [%s]\n", sections[s].name);
		prose_put(out, sections[s].about);
		buf_puts(out, ".Bl -tag -width Ds\n");
		for (size_t i = 0; i < count; i++)
			if (strcmp(keys[i].section, sections[s].name) == 0)
				key_put(out, &defaults, &keys[i]);
		buf_puts(out, ".El\n");
	}
	buf_puts(out, tail);
	config_clear(&defaults);
}
