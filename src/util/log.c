/*
 * A line is built on the stack and leaves in one write(2): nothing is allocated, so that the last words of a process
 * without memory get out too, and lines of several processes never mix (files are opened for appending).
 *
 * What must stay true: no byte of a message reaches the log unless it is a printable character of well-formed UTF-8;
 * every quote and line end in it is escaped, so that outside text can forge neither a line nor a key. errno is the same
 * before and after, so that a log line never changes what its caller sees.
 */
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"
#include "util/text.h"

#define LINE_SIZE 4096
#define ROLE_SIZE 32

/* What ends a message that did not fit, and what ends a line; room for both is never given to the message. */
#define CUT_MARK "..."
#define LINE_TAIL_MAX (sizeof(CUT_MARK "\"}\n") - 1)

static struct {
	int fd;
	enum log_level level;
	enum log_format format;
	pid_t pid; /* 0: not asked for yet */
	char role[ROLE_SIZE];
	char path[PATH_MAX]; /* empty: stderr */
} state = {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO, .format = LOG_FORMAT_LOGFMT, .role = "main"};

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static int
log_file_open(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static enum err
open_error(void)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return ERR_NOT_FOUND;
	return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERM : ERR_IO;
}

enum err
log_open(const char *path, enum log_level level, enum log_format format)
{
	int fd = STDERR_FILENO;
	bool to_file = path != NULL && path[0] != '\0';

	if (to_file) {
		if (strlen(path) >= sizeof(state.path))
			return ERR_LIMIT;
		fd = log_file_open(path);
		if (fd == -1)
			return open_error();
	}
	if (state.fd != STDERR_FILENO)
		fd_close(&state.fd);
	state.fd = fd;
	state.level = level;
	state.format = format;
	text_copy(state.path, sizeof(state.path), to_file ? path : "");
	return OK;
}

enum err
log_reopen(void)
{
	if (state.path[0] == '\0')
		return OK;
	int fd = log_file_open(state.path);
	if (fd == -1)
		return open_error();
	/* The number stays the same and the swap is one step: no line can fall between two files. */
	enum err ret = dup3(fd, state.fd, O_CLOEXEC) == -1 ? ERR_IO : OK;
	fd_close(&fd);
	return ret;
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

void
log_set_role(const char *role)
{
	text_copy(state.role, sizeof(state.role), role);
	/* The role stands unquoted in logfmt. */
	for (char *c = state.role; *c != '\0'; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') && *c != '.' &&
		    *c != '_')
			*c = '-';
	state.pid = getpid();
}

bool
log_is_debug(void)
{
	return state.level >= LOG_LEVEL_DEBUG;
}

/* Text that outsiders may have chosen, escaped into at most size bytes. Returns the bytes used. */
static size_t
escape(char *out, size_t size, const char *text)
{
	size_t left = strlen(text);
	size_t len = 0;

	while (left > 0) {
		uint8_t c = (uint8_t)text[0];
		size_t taken = text_utf8_next(text, left);
		/* C1 controls, two bytes each from U+0080 to U+009F, drive terminals as well as those below a space. */
		bool c1 = taken == 2 && c == 0xc2 && (uint8_t)text[1] < 0xa0;
		char unit[8];
		size_t unit_len;

		if (taken == 0) {
			/* JSON knows no \x: its reader shall see the four characters that a logfmt reader decodes. */
			bool json = state.format == LOG_FORMAT_JSON;
			unit_len = (size_t)sprintf(unit, "%s\\x%02x", json ? "\\" : "", c);
			taken = 1;
		} else if (c == '"' || c == '\\') {
			unit_len = (size_t)sprintf(unit, "\\%c", c);
		} else if (c == '\n' || c == '\r' || c == '\t') {
			unit_len = (size_t)sprintf(unit, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		} else if (c < 0x20 || c == 0x7f || c1) {
			unit_len = (size_t)sprintf(unit, "\\u%04x", c1 ? (uint8_t)text[1] : c);
		} else {
			memcpy(unit, text, taken);
			unit_len = taken;
		}
		if (len + unit_len > size) {
			/* The caller keeps room for the mark behind size. */
			memcpy(out + len, CUT_MARK, strlen(CUT_MARK));
			return len + strlen(CUT_MARK);
		}
		memcpy(out + len, unit, unit_len);
		len += unit_len;
		text += taken;
		left -= taken;
	}
	return len;
}

static void log_line(enum log_level level, const char *fmt, va_list args) PRINTFLIKE(2, 0);

static void
log_line(enum log_level level, const char *fmt, va_list args)
{
	int saved = errno;
	/*
	 * The message buffer is as large as a whole line: what vsnprintf cuts, maybe inside a character, would not have
	 * fitted behind the head of the line anyway.
	 */
	char message[LINE_SIZE];
	char line[LINE_SIZE];
	char time[CLOCK_TEXT_SIZE];

	if (vsnprintf(message, sizeof(message), fmt, args) < 0)
		text_copy(message, sizeof(message), "log: a message could not be formatted");
	clock_format(time, clock_wall_ms());
	if (state.pid == 0)
		state.pid = getpid();

	bool json = state.format == LOG_FORMAT_JSON;
	int head = snprintf(line, sizeof(line),
			    json ? "{\"ts\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"pid\":%ld,\"msg\":\""
				 : "ts=%s level=%s role=%s pid=%ld msg=\"",
			    time, level_names[level], state.role, (long)state.pid);
	size_t len = (size_t)head;
	len += escape(line + len, sizeof(line) - len - LINE_TAIL_MAX, message);
	const char *tail = json ? "\"}\n" : "\"\n";
	memcpy(line + len, tail, strlen(tail));
	len += strlen(tail);

	/* A log that cannot be written has nowhere to say so; the process goes on. */
	while (write(state.fd, line, len) == -1 && errno == EINTR)
		;
	errno = saved;
}

#define LOG_LINE(level_, fmt)                        \
	do {                                         \
		if (state.level >= (level_)) {       \
			va_list args;                \
			va_start(args, fmt);         \
			log_line(level_, fmt, args); \
			va_end(args);                \
		}                                    \
	} while (0)

void
log_error(const char *fmt, ...)
{
	LOG_LINE(LOG_LEVEL_ERROR, fmt);
}

void
log_warn(const char *fmt, ...)
{
	LOG_LINE(LOG_LEVEL_WARN, fmt);
}

void
log_info(const char *fmt, ...)
{
	LOG_LINE(LOG_LEVEL_INFO, fmt);
}

void
log_debug(const char *fmt, ...)
{
	LOG_LINE(LOG_LEVEL_DEBUG, fmt);
}
