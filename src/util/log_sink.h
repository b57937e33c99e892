/* Where lines of the log end up: stderr, a file opened for appending, or the datagram socket of a syslog daemon. */
#ifndef RENSA_SRC_UTIL_LOG_SINK_H
#define RENSA_SRC_UTIL_LOG_SINK_H

#include <limits.h>
#include <stddef.h>

#include "util/attr.h"
#include "util/err.h"

enum log_sink_kind { LOG_SINK_STDERR, LOG_SINK_FILE, LOG_SINK_SYSLOG, LOG_SINK_NONE };

struct log_sink {
	enum log_sink_kind kind;
	int fd; /* ours, but of stderr */
	char path[PATH_MAX];
};

/* Makes *s a sink of that kind; on failure it is as before, else what it held is closed. path: "" for stderr and none. */
enum err log_sink_open(struct log_sink *s, enum log_sink_kind kind, const char *path) MUSTCHECK;
/* A file: opens its path again. The number stays, so no line can fall between two files. */
enum err log_sink_reopen(struct log_sink *s) MUSTCHECK;
/* Writes one line in one piece. 0, or the errno of what went wrong; *written is how much of it got out. */
int log_sink_write(const struct log_sink *s, const char *line, size_t len, size_t *written);

#endif
