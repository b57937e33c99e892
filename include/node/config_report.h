/*
 * What is wrong in a configuration, collected so that the operator sees all of it at once, in the order in which it was
 * read. A report also knows where each key was set: in which line of which file, by which option or variable.
 */
#ifndef RENSA_NODE_CONFIG_REPORT_H
#define RENSA_NODE_CONFIG_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/config_table.h"
#include "util/attr.h"
#include "util/buf.h"

struct config_finding;

/* Sources are numbered in the order in which they are read; number 0 is the file that all begins with. */
struct config_place {
	uint32_t source;
	int line; /* 0: the source as a whole */
};

struct config_key_state {
	struct config_place at;
	bool is_set;
	bool is_bad;
};

struct config_report {
	char **sources; /* as messages name them: "rensad.conf", "-o http.listen", "RENSAD_HTTP_LISTEN" */
	uint32_t source_count;
	struct config_key_state *keys; /* of each key of the table */
	struct config_finding *findings;
	size_t count;
	size_t left_out; /* findings beyond the cap */
};

void config_report_init(struct config_report *r);
void config_report_clear(struct config_report *r);

/* Another source begins: its number. The name is copied, cut and made printable. */
uint32_t config_report_source(struct config_report *r, const char *name);

/* Adds "SOURCE:LINE: text"; line 0 is left out. */
void config_report_add(struct config_report *r, struct config_place at, const char *fmt, ...) PRINTFLIKE(3, 4);
/* Adds "SOURCE:LINE: [section] key: text" at the place where the key was set; the key then counts as bad. */
void config_report_key(struct config_report *r, const struct config_key *key, const char *fmt, ...) PRINTFLIKE(3, 4);
/* Remembers where the key is set. */
void config_report_set(struct config_report *r, const struct config_key *key, struct config_place at);
/* Where it was set last. NULL: nowhere so far. */
const struct config_place *config_report_place(const struct config_report *r, const struct config_key *key);
/* Was the key found bad? What depends on it then need not be reported too. */
bool config_report_is_bad(const struct config_report *r, const struct config_key *key);
/* Appends the findings by source and line; false if there are none. */
bool config_report_write(struct buf *out, struct config_report *r);
/* Appends "SOURCE:LINE". */
void config_report_put_place(struct buf *out, const struct config_report *r, struct config_place at);

/* The rules between keys. Also works out what they stand for together: the miner's address and the admin token. */
void config_check(struct config *c, struct config_report *r);

#endif
