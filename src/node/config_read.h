/*
 * Reading a configuration, for the files of this room alone. What is read later wins: the files in the order of their
 * lines (an included one at the line that names it), then the environment, then the command line.
 */
#ifndef RENSA_SRC_NODE_CONFIG_READ_H
#define RENSA_SRC_NODE_CONFIG_READ_H

#include "node/config_report.h"

struct config_reading {
	struct config *config;
	struct config_report *report;
	uint32_t files; /* read so far */
};

/* config_names.c: a key by its names, which come from outside. NULL: there is none, and the report says so. */
const struct config_key *config_name_find(struct config_report *r, struct config_place at, const char *section,
					  const char *name);
bool config_section_is_known(const char *section);
void config_section_unknown(struct config_report *r, struct config_place at, const char *section);
/* A key that stands before any section. */
void config_name_homeless(struct config_report *r, struct config_place at, const char *name);
/* Appends a name from outside: as it stands if it is a plain word, otherwise quoted. */
void config_name_put(struct buf *out, const char *word);

/*
 * config.c: the key has this value from here on. The lines of one source add up to a list; what another source set
 * before is gone.
 */
void config_reading_set(struct config_reading *reading, const struct config_key *key, const char *value,
			struct config_place at);

/* config_files.c: the file and all that it includes. An error if the file itself cannot be read, which is reported. */
enum err config_read_files(struct config_reading *reading, const char *path) MUSTCHECK;
/* config_outside.c: "NAME=value" and "section.key=value" each, up to NULL. */
void config_read_environment(struct config_reading *reading, char *const *environment);
void config_read_settings(struct config_reading *reading, const char *const *settings);

#endif
