/*
 * What is wrong in a configuration file, collected so that the operator sees all of it at once, in the order of the
 * file. A report also knows in which line each key was set.
 */
#ifndef RENSA_NODE_CONFIG_REPORT_H
#define RENSA_NODE_CONFIG_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "node/config_table.h"
#include "util/attr.h"
#include "util/buf.h"

struct config_finding;
struct config_line;

struct config_report {
	const char *path;	  /* borrowed: the file, as messages name it */
	struct config_line *keys; /* where each key of the table was set */
	struct config_finding *findings;
	size_t count;
	size_t left_out; /* findings beyond the cap */
};

void config_report_init(struct config_report *r, const char *path);
void config_report_clear(struct config_report *r);

/* Adds "FILE:LINE: text"; line 0 is left out. */
void config_report_add(struct config_report *r, int line, const char *fmt, ...) PRINTFLIKE(3, 4);
/* Adds "FILE:LINE: [section] key: text" at the line where the key was set; the key then counts as bad. */
void config_report_key(struct config_report *r, const struct config_key *key, const char *fmt, ...) PRINTFLIKE(3, 4);
/* Remembers where the key was set; returns the line where it was set before, 0 if it was not. */
int config_report_set(struct config_report *r, const struct config_key *key, int line);
/* Was the key found bad? What depends on it then need not be reported too. */
bool config_report_is_bad(const struct config_report *r, const struct config_key *key);
/* Appends the findings by line; false if there are none. */
bool config_report_write(struct buf *out, struct config_report *r);

/* The rules between keys. Also works out what they stand for together: the miner's address and the admin token. */
void config_check(struct config *c, struct config_report *r);

#endif
