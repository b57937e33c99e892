#include "prog/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog/safetext.h"
#include "util/mem.h"
#include "wire/json.h"

#define MESSAGE_MAX 2048 /* characters shown */

static const struct {
	const char *name;
	const char *colour; /* of a terminal */
} states[REMARK_STATES] = {
    [REMARK_OK] = {"ok", "\033[32m"},
    [REMARK_NOTE] = {"note", "\033[36m"},
    [REMARK_WARNING] = {"warning", "\033[33m"},
    [REMARK_PROBLEM] = {"problem", "\033[1;31m"},
};

void
report_add(struct report *r, const char *check, enum remark_state state, const char *message, const char *fix)
{
	bool has_fix = fix != NULL && fix[0] != '\0';

	r->at = xrealloc(r->at, (r->count + 1) * sizeof(*r->at));
	r->at[r->count++] = (struct remark){
	    .check = xstrdup(check), .state = state, .message = xstrdup(message), .fix = has_fix ? xstrdup(fix) : NULL};
}

void
report_say(struct report *r, const char *check, enum remark_state state, const char *fix, const char *fmt, ...)
{
	char message[CLI_MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	report_add(r, check, state, message, fix);
}

void
report_clear(struct report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->at[i].check);
		free(r->at[i].message);
		free(r->at[i].fix);
	}
	free(r->at);
	*r = (struct report){0};
}

bool
remark_state_parse(enum remark_state *out, const char *name)
{
	for (size_t i = 0; i < REMARK_STATES; i++) {
		if (strcmp(states[i].name, name) != 0)
			continue;
		*out = (enum remark_state)i;
		return true;
	}
	return false;
}

/* https://no-color.org, and terminals that know no colours. */
static bool
wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

static void
show_remark(struct cli *c, const struct remark *m, bool is_coloured)
{
	static const char reset[] = "\033[0m";

	buf_printf(&c->out, "%s%-7s%s  %-10s ", is_coloured ? states[m->state].colour : "", states[m->state].name,
		   is_coloured ? reset : "", m->check);
	safetext_line(&c->out, m->message, strlen(m->message), MESSAGE_MAX);
	buf_putc(&c->out, '\n');
	if (m->fix == NULL)
		return;
	buf_printf(&c->out, "%20s", "");
	safetext_line(&c->out, m->fix, strlen(m->fix), MESSAGE_MAX);
	buf_putc(&c->out, '\n');
}

static void
show_json(struct cli *c, const struct report *r, const size_t counts[REMARK_STATES])
{
	struct jout j = jout_to(&c->out);

	jout_object(&j);
	jout_key(&j, "checks");
	jout_array(&j);
	for (size_t i = 0; i < r->count; i++) {
		const struct remark *m = &r->at[i];

		jout_object(&j);
		jout_kstring(&j, "name", m->check);
		jout_kstring(&j, "state", states[m->state].name);
		jout_key(&j, "message");
		jout_string_len(&j, m->message, strlen(m->message));
		jout_key(&j, "fix");
		if (m->fix != NULL)
			jout_string_len(&j, m->fix, strlen(m->fix));
		else
			jout_null(&j);
		jout_object_end(&j);
	}
	jout_array_end(&j);
	jout_ku64(&j, "ok", counts[REMARK_OK]);
	jout_ku64(&j, "notes", counts[REMARK_NOTE]);
	jout_ku64(&j, "warnings", counts[REMARK_WARNING]);
	jout_ku64(&j, "problems", counts[REMARK_PROBLEM]);
	jout_object_end(&j);
}

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

enum cli_exit
report_show(struct cli *c, const struct report *r)
{
	bool is_coloured = !c->is_json && wants_colour();
	size_t counts[REMARK_STATES] = {0};

	for (size_t i = 0; i < r->count; i++)
		counts[r->at[i].state]++;
	if (c->is_json) {
		show_json(c, r, counts);
	} else {
		for (size_t i = 0; i < r->count; i++)
			show_remark(c, &r->at[i], is_coloured);
		cli_say(c, "in all: %zu ok, %zu note%s, %zu warning%s, %zu problem%s", counts[REMARK_OK],
			counts[REMARK_NOTE], plural(counts[REMARK_NOTE]), counts[REMARK_WARNING],
			plural(counts[REMARK_WARNING]), counts[REMARK_PROBLEM], plural(counts[REMARK_PROBLEM]));
	}
	/* A report of problems is what was asked for: it is printed like any other, also with --json. */
	enum cli_exit ret = cli_write(c);
	return ret != CLI_DONE ? ret : counts[REMARK_PROBLEM] > 0 ? CLI_REFUSED : CLI_DONE;
}
