/*
 * The one table of configuration keys, and what can be done with a value of each type. Whoever adds a key adds a
 * member to struct config and a row here; reading, -t, -T, the sample file and reload follow by themselves.
 */
#ifndef RENSA_NODE_CONFIG_TABLE_H
#define RENSA_NODE_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/config.h"
#include "util/attr.h"
#include "util/buf.h"

#define CONFIG_INCLUDE "include"	 /* no key of the table: a line that names further files */
#define CONFIG_QUOTE_MAX 60		 /* bytes of a bad value that a message repeats */
#define CONFIG_VARIABLE_PREFIX "RENSAD_" /* of environment variables */
#define CONFIG_VARIABLE_SIZE 64

enum config_type {
	CONFIG_NAME,	  /* char[]: a-z 0-9 - _ . */
	CONFIG_PATH,	  /* char[]: absolute */
	CONFIG_NUMBER,	  /* unsigned integer of any width */
	CONFIG_SIZE,	  /* unsigned integer of any width: bytes */
	CONFIG_DURATION,  /* unsigned integer of any width: milliseconds */
	CONFIG_COINS,	  /* uint64_t: base units, written in coins */
	CONFIG_TIME,	  /* uint64_t: milliseconds since 1970, written as UTC */
	CONFIG_CHOICE,	  /* enum: an index into choices */
	CONFIG_LISTEN,	  /* struct netaddr */
	CONFIG_ENDPOINT,  /* char[]: host:port */
	CONFIG_ENDPOINTS, /* struct endpoint_list */
	CONFIG_RANGES,	  /* struct netrange_list */
	CONFIG_PORTS,	  /* struct port_range */
	CONFIG_LEVELS,	  /* struct log_levels */
	CONFIG_ADDRESS	  /* char[]: a wallet address; its version byte is checked when the whole file is known */
};

enum config_change {
	CHANGE_AT_ONCE,	 /* a reload does it, and roles see it without being started anew */
	CHANGE_LIVE,	 /* a reload does it */
	CHANGE_RESTART,	 /* waits for the next start */
	CHANGE_NEW_CHAIN /* the same, and the old data then no longer fits */
};

struct config_key {
	const char *section;
	const char *name;
	enum config_type type;
	size_t offset; /* of the member in struct config */
	size_t size;   /* of the member */
	/* Of numbers the bounds. Of texts, listeners and ports: min 0 means that nothing is a value too. */
	uint64_t min;
	uint64_t max;
	const char *const *choices; /* CONFIG_CHOICE: names in the order of the enum, then NULL */
	const char *initial;	    /* the default; NULL: as params_default sets it */
	enum config_change change;  /* what it takes to change it */
	const char *about;	    /* one sentence */
	const char *detail;	    /* more of them, or NULL */
};

struct config_section {
	const char *name;
	const char *about;
};

/* In the order of the file; the keys of a section stand together. */
const struct config_key *config_keys(size_t *count);
const struct config_section *config_sections(size_t *count);
const struct config_key *config_key_find(const char *section, const char *name); /* NULL: no such key */

/* The variable that stands for the key: RENSAD_HTTP_LISTEN. */
void config_variable_name(char name[CONFIG_VARIABLE_SIZE], const struct config_key *key);

/* Does a change of it wait for the next start? */
bool config_change_waits(const struct config_key *key);

/* Is it about a secret? Then messages do not repeat its value. */
bool config_key_hides(const struct config_key *key);

/* Is it a list? Lists may be given on several lines, which add up. */
bool config_value_is_list(const struct config_key *key);
/*
 * Sets the key's member of c from text; a list grows. On failure appends a line (a list: one for each bad item) of the
 * form "what is wrong; what is allowed" to why, and the member is as before but for the good items of a list.
 */
bool config_value_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why) MUSTCHECK;
/* Empties a list. */
void config_value_reset(struct config *c, const struct config_key *key);
/* Appends the key's value in c as config_value_parse reads it, list items separated by ", ". */
void config_value_format(struct buf *out, const struct config *c, const struct config_key *key);
/* Appends which values the key takes: "0 to 64". */
void config_value_allowed(struct buf *out, const struct config_key *key);
/* Appends text in double quotes, cut if long, with bytes that are not printable as \xNN. */
void config_value_quote(struct buf *out, const char *text);
void config_value_quote_long(struct buf *out, const char *text); /* for paths: cut later */

#endif
