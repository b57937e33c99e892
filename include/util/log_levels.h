/*
 * Levels of the log, one for each module, and the one table of modules. As text: a level for all, and those of single
 * modules, in any order: "info, resolver=debug, httpd=warn".
 */
#ifndef RENSA_UTIL_LOG_LEVELS_H
#define RENSA_UTIL_LOG_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

struct buf;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_MODULES_MAX 40
#define LOG_LEVEL_UNSET 255
#define LOG_LEVELS_TEXT_MAX 1000 /* bytes of a text that is read */

struct log_levels {
	uint8_t base;		     /* of modules that have none of their own */
	uint8_t at[LOG_MODULES_MAX]; /* LOG_LEVEL_UNSET: the base. The first is of lines that name no module */
};

/* Names in the order of the enum, then NULL. */
extern const char *const log_level_names[];
/* Names of modules from number 1 on; the first stands for none. */
extern const char *const log_module_names[];
extern const size_t log_module_count;

/* The number of a module; 0: there is none of that name. */
uint8_t log_module_find(const char *name, size_t len);
/* The module that a message names before its first colon; 0: none that is known. */
uint8_t log_module_of(const char *message);

/*
 * Reads levels; what text does not name is LOG_LEVEL_UNSET. False: why (appended to) says what is wrong in one sentence
 * without its end, of printable characters.
 */
bool log_levels_parse(struct log_levels *out, const char *text, struct buf *why) MUSTCHECK;
/* Appends them as they are read. */
void log_levels_format(struct buf *out, const struct log_levels *levels);

#endif
