/*
 * What a doctor found: remarks in the order in which they were made, shown as a line each with its advice below, or as one
 * JSON document. Texts may come from outside: they are made safe when they are shown.
 */
#ifndef RENSA_PROG_REPORT_H
#define RENSA_PROG_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "prog/cli.h"
#include "util/attr.h"

enum remark_state {
	REMARK_OK,
	REMARK_NOTE,	/* good to know */
	REMARK_WARNING, /* it works, but not as well or as safely as it might */
	REMARK_PROBLEM, /* a failed check */
	REMARK_STATES
};

struct remark {
	char *check;
	enum remark_state state;
	char *message;
	char *fix; /* NULL: none is needed */
};

struct report {
	struct remark *at;
	size_t count;
};

/* fix: NULL or "" if there is nothing to do. All is copied. */
void report_add(struct report *r, const char *check, enum remark_state state, const char *message, const char *fix);
/* The same with a message that is made. */
void report_say(struct report *r, const char *check, enum remark_state state, const char *fix, const char *fmt, ...)
    PRINTFLIKE(5, 6);
void report_clear(struct report *r);

/* "warning" -> REMARK_WARNING; false: there is no such state. */
bool remark_state_parse(enum remark_state *out, const char *name) MUSTCHECK;

/* Shows it in the form that c asks for. CLI_REFUSED if anything is a problem; no failure is noted, the report tells. */
enum cli_exit report_show(struct cli *c, const struct report *r) MUSTCHECK;

#endif
