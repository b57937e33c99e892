/*
 * The log: one line per change, on stderr or in a file, as logfmt or JSON. A line carries time, level, role and pid;
 * its message starts with its module: "resolver: adopted 12 blocks from 10.0.0.3:5000, height 812 -> 824". A line is
 * one write(2) of at most 4,096 bytes, so lines of several processes never mix. Control characters and bytes that are
 * not UTF-8 are escaped: outside text cannot forge a line.
 */
#ifndef RENSA_UTIL_LOG_H
#define RENSA_UTIL_LOG_H

#include <stdbool.h>

#include "util/attr.h"
#include "util/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Until log_open, lines of level info and above go to stderr as logfmt. path NULL or "": stderr. */
enum err log_open(const char *path, enum log_level level, enum log_format format) MUSTCHECK;
/* Opens the file again after rotation; without a file it does nothing. On failure the old file stays in use. */
enum err log_reopen(void) MUSTCHECK;
void log_set_level(enum log_level level);
/* The role shown in every line from now on; copied. Also refreshes the pid: call it in each child. */
void log_set_role(const char *role);
bool log_is_debug(void);

void log_error(const char *fmt, ...) PRINTFLIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTFLIKE(1, 2);
void log_info(const char *fmt, ...) PRINTFLIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTFLIKE(1, 2);

#endif
