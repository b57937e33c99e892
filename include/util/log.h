/*
 * The log: one line per change, on stderr, in a file, or to a syslog socket, as logfmt or JSON. A line carries time,
 * level, role and pid; its message starts with its module: "resolver: adopted 12 blocks from 10.0.0.3:5000, height
 * 812 -> 824". A line is one write(2) of at most 4,096 bytes, so lines of several processes never mix. Control
 * characters and bytes that are not UTF-8 are escaped: outside text cannot forge a line.
 *
 * Each module has a level of its own. The levels lie on a board that the processes of a node share, so that setting one
 * is seen by all of them at the next line. A line that is not wanted costs the look at its level: its arguments are not
 * even evaluated.
 */
#ifndef RENSA_UTIL_LOG_H
#define RENSA_UTIL_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/err.h"
#include "util/log_levels.h"

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* The facilities of syslog(3) that a daemon may use. */
enum log_facility {
	LOG_FACILITY_DAEMON,
	LOG_FACILITY_USER,
	LOG_FACILITY_LOCAL0,
	LOG_FACILITY_LOCAL7 = LOG_FACILITY_LOCAL0 + 7
};

/* Where lines go: to the file, to the socket, or, with neither (NULL or ""), to stderr. */
struct log_target {
	const char *file;
	const char *syslog; /* path of a datagram socket, as /dev/log */
	enum log_facility facility;
	enum log_format format;
};

/*
 * Before it is called, lines of level info and above go to stderr as logfmt. On failure everything stays as it was. A
 * syslog socket that nobody listens to is no failure: lines are lost until somebody does.
 *
 * If stderr leads to the systemd journal, lines begin with their priority as sd-daemon(3) has it, and carry no time.
 */
enum err log_direct(const struct log_target *to) MUSTCHECK;
/* The same for a file or stderr, with all modules at one level. */
enum err log_open(const char *path, enum log_level level, enum log_format format) MUSTCHECK;
/* Where records (log_record) go: to a file of their own; NULL or "": with the other lines. On failure as before. */
enum err log_direct_records(const char *path) MUSTCHECK;
/* Opens the files again after rotation; without one it does nothing. On failure the old file stays in use. */
enum err log_reopen(void) MUSTCHECK;
/* The role shown in every line from now on; copied. Also refreshes the pid: call it in each child. */
void log_set_role(const char *role);
/* Does stderr lead to the systemd journal? */
bool log_stderr_is_journal(void);

/*
 * What the processes of a node have in common: the levels, and the lines that could not be written, so that a full disk
 * is told of once and not by each. Nothing in it can do harm, whoever writes it.
 */
struct log_loss {
	_Atomic uint64_t lines;
	_Atomic int32_t cause;	 /* errno; 0: nothing is being lost; negative: somebody tries to tell */
	_Atomic int32_t is_torn; /* a line was written in part */
};
struct log_board {
	_Atomic uint8_t levels[LOG_MODULES_MAX];
	struct log_loss losses[2]; /* of lines, of records */
};
/* From now on this memory is the board; it begins with what the present one has. NULL: one of our own again. */
void log_share(struct log_board *board);

/* Sets every module's level. */
void log_set_level(enum log_level level);
void log_set_levels(const struct log_levels *levels);
/* Sets only what is set in levels; a plain level sets all modules first. */
void log_change_levels(const struct log_levels *levels);
void log_get_levels(struct log_levels *out);

/* One value of a record. */
struct log_field {
	const char *key;  /* letters only */
	const char *text; /* NULL: a number. Outside text is cut after LOG_FIELD_MAX bytes of the line */
	uint64_t number;
};
#define LOG_FIELD_MAX 512
/* A line of level info for programs to read: a message with its module, then fields. At most six texts. */
void log_record(const char *message, const struct log_field *fields, size_t count);

/*
 * A call in the code remembers which module its message names, so that this is looked up once. A message that names
 * none is of module 0.
 */
#define LOG_SITE_NEW 255
extern struct log_board *log_board;
uint8_t log_site_find(_Atomic uint8_t *site, const char *fmt);
void log_write(uint8_t module, enum log_level level, const char *fmt, ...) PRINTFLIKE(3, 4);

static inline uint8_t
log_site_module(_Atomic uint8_t *site, const char *fmt)
{
	uint8_t module = atomic_load_explicit(site, memory_order_relaxed);

	return module != LOG_SITE_NEW ? module : log_site_find(site, fmt);
}

static inline bool
log_is_on(uint8_t module, enum log_level level)
{
	return atomic_load_explicit(&log_board->levels[module], memory_order_relaxed) >= level;
}

#define LOG_FIRST(first, ...) first
#define LOG_LINE(level_, ...)                                                                    \
	do {                                                                                     \
		static _Atomic uint8_t log_site_ = LOG_SITE_NEW;                                 \
		uint8_t log_module_ = log_site_module(&log_site_, LOG_FIRST(__VA_ARGS__, NULL)); \
		if (log_is_on(log_module_, level_))                                              \
			log_write(log_module_, level_, __VA_ARGS__);                             \
	} while (0)

#define log_error(...) LOG_LINE(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) LOG_LINE(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) LOG_LINE(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) LOG_LINE(LOG_LEVEL_DEBUG, __VA_ARGS__)
/* Would a line of this module be written? For what costs something to say. */
bool log_is_debug(const char *module);

#endif
