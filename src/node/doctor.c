/*
 * The table of checks, and the document that comes of them. Each check lives with its facts in one of the other doctor_*.c;
 * adding one is a row here.
 */
#include "node/doctor.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/datadir.h"
#include "doctor_checks.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/json.h"

/* In the order in which a start meets them. */
static const struct {
	const char *name;
	void (*run)(struct findings *f, const struct doctor *d);
} checks[] = {
    {"config", check_config},	  {"node", check_node},		  {"data_dir", check_data_dir},
    {"secrets", check_secrets},	  {"disk", check_disk},		  {"journal", check_journal},
    {"shm", check_shm},		  {"segments", check_segments},	  {"memory", check_memory},
    {"files", check_files},	  {"file_size", check_file_size}, {"clock", check_clock},
    {"libevent", check_libevent}, {"ports", check_ports},	  {"peers", check_peers},
};

static const char *const state_names[] = {
    [FOUND_OK] = "ok", [FOUND_NOTE] = "note", [FOUND_WARNING] = "warning", [FOUND_PROBLEM] = "problem"};

static char *text_of(const char *fmt, va_list args) PRINTFLIKE(1, 0);

static char *
text_of(const char *fmt, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, args);
	return xstrdup(text);
}

void
found(struct findings *f, enum finding_state state, const char *fmt, ...)
{
	va_list args;

	f->at = xrealloc(f->at, (f->count + 1) * sizeof(*f->at));
	va_start(args, fmt);
	f->at[f->count++] = (struct finding){.check = f->check, .state = state, .message = text_of(fmt, args)};
	va_end(args);
}

void
advise(struct findings *f, const char *fmt, ...)
{
	struct finding *last = &f->at[f->count - 1];
	va_list args;

	free(last->fix);
	va_start(args, fmt);
	last->fix = text_of(fmt, args);
	va_end(args);
}

void
findings_clear(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->at[i].message);
		free(f->at[i].fix);
	}
	free(f->at);
	*f = (struct findings){0};
}

const char *
doctor_size(char text[DOCTOR_SIZE_TEXT], uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	/* One decimal while it says something. */
	bool is_whole = value >= 10 || value - (double)(uint64_t)value < 0.05;
	snprintf(text, DOCTOR_SIZE_TEXT, "%.*f %s", is_whole ? 0 : 1, value, units[unit]);
	return text;
}

const char *
doctor_user(char text[DOCTOR_WHO_SIZE], uid_t user)
{
	struct passwd space, *entry = NULL;
	char words[4096];

	if (getpwuid_r(user, &space, words, sizeof(words), &entry) == 0 && entry != NULL)
		text_copy(text, DOCTOR_WHO_SIZE, entry->pw_name);
	else
		snprintf(text, DOCTOR_WHO_SIZE, "user %lu", (unsigned long)user);
	return text;
}

bool
doctor_knows(const char *check)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (strcmp(checks[i].name, check) == 0)
			return true;
	return false;
}

void
doctor_names(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", checks[i].name);
}

static bool
is_wanted(const char *check, const char *const *only)
{
	if (only == NULL || *only == NULL)
		return true;
	for (; *only != NULL; only++)
		if (strcmp(*only, check) == 0)
			return true;
	return false;
}

/* Who holds the lock is our node; where we may not look at the lock, its title tells. */
static pid_t
find_node(const struct config *c)
{
	char holder[DATADIR_HOLDER_SIZE];
	uint64_t pid;

	if (datadir_is_held(c->node.data_dir, holder) && text_u64(&pid, holder, INT32_MAX) == OK)
		return (pid_t)pid;
	return proc_find_master(c->node.name);
}

/* Where the API is asked: a listener at every address is asked at the one of this host alone. */
static void
put_url(struct jout *j, const struct config *c)
{
	char text[NETADDR_TEXT_SIZE];
	struct netaddr at = c->http.listen;

	if (netaddr_is_any(&at)) {
		struct netaddr loopback = {.is_v6 = at.is_v6, .port = at.port};

		if (at.is_v6)
			loopback.ip[15] = 1;
		else
			memcpy(loopback.ip, (const uint8_t[]){127, 0, 0, 1}, 4);
		at = loopback;
	}
	netaddr_format(text, &at);

	char url[sizeof(text) + 8];
	snprintf(url, sizeof(url), "http://%s", text);
	jout_kstring(j, "http", url);
}

/* True if none is a problem. */
static bool
put_findings(struct jout *j, const struct findings *f)
{
	bool is_well = true;

	jout_key(j, "checks");
	jout_array(j);
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->at[i];

		is_well = is_well && one->state != FOUND_PROBLEM;
		jout_object(j);
		jout_kstring(j, "name", one->check);
		jout_kstring(j, "state", state_names[one->state]);
		/* Names of files and what peers say need not be UTF-8. */
		jout_key(j, "message");
		jout_string_len(j, one->message, strlen(one->message));
		jout_key(j, "fix");
		if (one->fix != NULL)
			jout_string_len(j, one->fix, strlen(one->fix));
		else
			jout_null(j);
		jout_object_end(j);
	}
	jout_array_end(j);
	return is_well;
}

bool
doctor_run(struct buf *out, const struct config *config, const char *path, const char *const *only)
{
	const struct doctor d = {.config = config, .path = path, .node = find_node(config)};
	struct findings f = {0};
	struct jout j = jout_to(out);

	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		if (!is_wanted(checks[i].name, only))
			continue;
		f.check = checks[i].name;
		checks[i].run(&f, &d);
	}
	jout_object(&j);
	put_url(&j, config);
	jout_key(&j, "node");
	if (d.node > 0)
		jout_u64(&j, (uint64_t)d.node);
	else
		jout_null(&j);
	bool is_well = put_findings(&j, &f);
	jout_object_end(&j);
	buf_putc(out, '\n');
	findings_clear(&f);
	return is_well;
}

bool
doctor_refuse(struct buf *out, const char *errors)
{
	struct findings f = {.check = checks[0].name};
	struct jout j = jout_to(out);

	while (*errors != '\0') {
		size_t len = strcspn(errors, "\n");

		found(&f, FOUND_PROBLEM, "%.*s", (int)len, errors);
		errors += len + (errors[len] == '\n');
	}
	if (f.count > 0)
		advise(&f,
		       "Correct the configuration and look again; nothing else of this host was examined without it. "
		       "\"rensad --sample\" shows every key.");
	jout_object(&j);
	jout_key(&j, "http");
	jout_null(&j);
	jout_key(&j, "node");
	jout_null(&j);
	(void)put_findings(&j, &f);
	jout_object_end(&j);
	buf_putc(out, '\n');
	findings_clear(&f);
	return false;
}
