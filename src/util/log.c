/*
 * A line is built on the stack and leaves in one write(2): nothing is allocated, so that the last words of a process
 * without memory get out too, and lines of several processes never mix. errno is the same before and after, so that a
 * log line never changes what its caller sees.
 *
 * A log that cannot be written stops nobody. What is lost is counted on the board, told once on stderr by whichever
 * process is the first to notice, and told in the log itself by the first that can write again.
 */
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log_line.h"
#include "log_sink.h"
#include "util/clock.h"
#include "util/text.h"

#define ROLE_SIZE 32
#define LEAD_SIZE 80

enum { LINES, RECORDS };

static struct log_board own_board = {.levels = {[0 ... LOG_MODULES_MAX - 1] = LOG_LEVEL_INFO}};
struct log_board *log_board = &own_board;

static struct {
	struct log_sink sinks[2];
	enum log_format format;
	enum log_facility facility;
	bool is_journal; /* stderr is the journal */
	pid_t pid;	 /* 0: not asked for yet */
	char role[ROLE_SIZE];
} state = {.sinks = {[LINES] = {.kind = LOG_SINK_STDERR, .fd = STDERR_FILENO}, [RECORDS] = {.kind = LOG_SINK_NONE}},
	   .role = "main"};

/* Levels */

void
log_share(struct log_board *board)
{
	if (board == NULL)
		board = &own_board;
	if (board != log_board)
		for (size_t i = 0; i < LOG_MODULES_MAX; i++)
			atomic_store(&board->levels[i], atomic_load(&log_board->levels[i]));
	log_board = board;
}

void
log_set_level(enum log_level level)
{
	for (size_t i = 0; i < LOG_MODULES_MAX; i++)
		atomic_store(&log_board->levels[i], (uint8_t)level);
}

void
log_change_levels(const struct log_levels *levels)
{
	for (size_t i = 0; i < LOG_MODULES_MAX; i++) {
		uint8_t level = i > 0 && levels->at[i] != LOG_LEVEL_UNSET ? levels->at[i] : levels->base;
		if (level != LOG_LEVEL_UNSET)
			atomic_store(&log_board->levels[i], level);
	}
}

void
log_set_levels(const struct log_levels *levels)
{
	struct log_levels all = *levels;

	if (all.base == LOG_LEVEL_UNSET)
		all.base = LOG_LEVEL_INFO;
	log_change_levels(&all);
}

void
log_get_levels(struct log_levels *out)
{
	out->base = atomic_load(&log_board->levels[0]);
	for (size_t i = 0; i < LOG_MODULES_MAX; i++) {
		uint8_t level = atomic_load(&log_board->levels[i]);
		out->at[i] = level != out->base ? level : LOG_LEVEL_UNSET;
	}
}

uint8_t
log_site_find(_Atomic uint8_t *site, const char *fmt)
{
	uint8_t module = log_module_of(fmt);

	atomic_store_explicit(site, module, memory_order_relaxed);
	return module;
}

bool
log_is_debug(const char *module)
{
	return log_is_on(log_module_find(module, strlen(module)), LOG_LEVEL_DEBUG);
}

/* Targets */

bool
log_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static bool
is_given(const char *path)
{
	return path != NULL && path[0] != '\0';
}

enum err
log_direct(const struct log_target *to)
{
	enum log_sink_kind kind = is_given(to->file)	 ? LOG_SINK_FILE
				  : is_given(to->syslog) ? LOG_SINK_SYSLOG
							 : LOG_SINK_STDERR;
	const char *path = kind == LOG_SINK_FILE ? to->file : kind == LOG_SINK_SYSLOG ? to->syslog : "";
	enum err e = log_sink_open(&state.sinks[LINES], kind, path);

	if (e != OK)
		return e;
	state.format = to->format;
	state.facility = to->facility;
	state.is_journal = kind == LOG_SINK_STDERR && log_stderr_is_journal();
	/* The time zone is read now, while there is memory for it. */
	if (kind == LOG_SINK_SYSLOG)
		tzset();
	return OK;
}

enum err
log_open(const char *path, enum log_level level, enum log_format format)
{
	enum err e = log_direct(&(struct log_target){.file = path, .format = format});

	if (e == OK)
		log_set_level(level);
	return e;
}

enum err
log_direct_records(const char *path)
{
	bool to_file = is_given(path);

	return log_sink_open(&state.sinks[RECORDS], to_file ? LOG_SINK_FILE : LOG_SINK_NONE, to_file ? path : "");
}

enum err
log_reopen(void)
{
	enum err lines = log_sink_reopen(&state.sinks[LINES]), records = log_sink_reopen(&state.sinks[RECORDS]);

	return lines != OK ? lines : records;
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

/* Lines */

static int
priority_of(enum log_level level)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

	return priorities[level];
}

static int
facility_code(enum log_facility facility)
{
	return facility == LOG_FACILITY_DAEMON ? LOG_DAEMON
	       : facility == LOG_FACILITY_USER ? LOG_USER
					       : LOG_LOCAL0 + ((int)(facility - LOG_FACILITY_LOCAL0) << 3);
}

/* As syslog(3) writes it: the daemon at a local socket expects this form, not the one that goes over networks. */
static void
lead_of_syslog(char lead[LEAD_SIZE], enum log_level level)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm t = {0};

	localtime_r(&now, &t);
	snprintf(lead, LEAD_SIZE,
		 "<%d>%s %2d %02d:%02d:%02d rensad[%ld]: ", facility_code(state.facility) | priority_of(level),
		 months[t.tm_mon % 12], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (long)state.pid);
}

/* What every line has before its message. */
static void
line_begin(struct log_line *l, const struct log_sink *to, enum log_level level, uint8_t module)
{
	bool is_syslog = to->kind == LOG_SINK_SYSLOG, is_journal = to->kind == LOG_SINK_STDERR && state.is_journal;
	char lead[LEAD_SIZE] = "", ts[CLOCK_TEXT_SIZE];

	if (state.pid == 0)
		state.pid = getpid();
	if (is_syslog)
		lead_of_syslog(lead, level);
	else if (is_journal)
		snprintf(lead, sizeof(lead), "<%d>", priority_of(level));
	log_line_begin(l, state.format == LOG_FORMAT_JSON, lead);
	if (!is_syslog && !is_journal) {
		clock_format(ts, clock_wall_ms());
		log_line_word(l, "ts", ts);
	}
	log_line_word(l, "level", log_level_names[level]);
	log_line_word(l, "role", state.role);
	log_line_number(l, "pid", (uint64_t)state.pid);
	/* In logfmt it is the first word of the message, and once is enough. */
	if (l->is_json)
		log_line_word(l, "module", log_module_names[module]);
}

static void
line_of_loss(struct log_line *l, const struct log_sink *to, const char *what)
{
	uint8_t module = log_module_find("log", 3);

	line_begin(l, to, LOG_LEVEL_ERROR, module);
	log_line_text(l, "msg", what, SIZE_MAX);
	log_line_end(l);
}

static const char *
sink_name(const struct log_sink *to)
{
	return to->kind == LOG_SINK_STDERR ? "standard error" : to->path;
}

/* The first process that cannot write says so on stderr, if that is another place. */
static void
note_loss(const struct log_sink *to, struct log_loss *loss, int cause, bool is_torn)
{
	static const struct log_sink elsewhere = {.kind = LOG_SINK_STDERR, .fd = STDERR_FILENO};
	char what[PATH_MAX + 128];
	struct log_line l;
	size_t written;

	atomic_fetch_add(&loss->lines, 1);
	if (is_torn)
		atomic_store(&loss->is_torn, 1);
	if (atomic_exchange(&loss->cause, cause) != 0 || to->kind == LOG_SINK_STDERR)
		return;
	snprintf(what, sizeof(what), "log: lines are being lost: %s: %s", sink_name(to), strerror(cause));
	line_of_loss(&l, &elsewhere, what);
	(void)log_sink_write(&elsewhere, l.text, l.len, &written);
}

/* Says how many were lost. What was written of a line when there was no more room has no end yet. */
static bool
write_loss(const struct log_sink *to, struct log_loss *loss, uint64_t lines, int cause)
{
	char what[160];
	struct log_line l;
	size_t written;

	if (atomic_exchange(&loss->is_torn, 0) != 0 && log_sink_write(to, "\n", 1, &written) != 0) {
		atomic_store(&loss->is_torn, 1);
		return false;
	}
	snprintf(what, sizeof(what), "log: lines lost until now: %" PRIu64 " (%s)", lines, strerror(cause));
	line_of_loss(&l, to, what);
	if (log_sink_write(to, l.text, l.len, &written) == 0)
		return true;
	if (written > 0)
		atomic_store(&loss->is_torn, 1);
	return false;
}

/*
 * Lines were lost before this one: says how many, if it can be said by now. False: it cannot. While one process tries,
 * the cause is negative, so that no other takes what it finds for something new, or tries too.
 */
static bool
tell_loss(const struct log_sink *to, struct log_loss *loss)
{
	int cause = atomic_load(&loss->cause);
	uint64_t lines = atomic_load(&loss->lines);

	if (cause <= 0 || !atomic_compare_exchange_strong(&loss->cause, &cause, -cause))
		return true;
	int trying = -cause;
	bool is_told = write_loss(to, loss, lines, cause);
	if (is_told)
		atomic_fetch_sub(&loss->lines, lines);
	/* If another process has lost a line meanwhile, that is to be told as well. */
	atomic_compare_exchange_strong(&loss->cause, &trying, is_told ? 0 : cause);
	return is_told;
}

static void
line_put(const struct log_line *l, int which)
{
	const struct log_sink *to = &state.sinks[which];
	struct log_loss *loss = &log_board->losses[which];
	size_t written = 0;

	if (atomic_load_explicit(&loss->cause, memory_order_relaxed) != 0 && !tell_loss(to, loss)) {
		atomic_fetch_add(&loss->lines, 1);
		return;
	}
	int cause = log_sink_write(to, l->text, l->len, &written);
	if (cause != 0)
		note_loss(to, loss, cause, written > 0);
}

void
log_write(uint8_t module, enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	/*
	 * The message buffer is as large as a whole line: what vsnprintf cuts, maybe inside a character, would not have
	 * fitted behind the head of the line anyway.
	 */
	char message[LOG_LINE_SIZE];
	struct log_line l;
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(message, sizeof(message), fmt, args) < 0)
		text_copy(message, sizeof(message), "log: a message could not be formatted");
	va_end(args);
	line_begin(&l, &state.sinks[LINES], level, module);
	log_line_text(&l, "msg", message, SIZE_MAX);
	log_line_end(&l);
	line_put(&l, LINES);
	errno = saved;
}

void
log_record(const char *message, const struct log_field *fields, size_t count)
{
	int saved = errno;
	int which = state.sinks[RECORDS].kind == LOG_SINK_NONE ? LINES : RECORDS;
	uint8_t module = log_module_of(message);
	struct log_line l;

	if (!log_is_on(module, LOG_LEVEL_INFO))
		return;
	line_begin(&l, &state.sinks[which], LOG_LEVEL_INFO, module);
	log_line_text(&l, "msg", message, LOG_FIELD_MAX);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].text != NULL)
			log_line_text(&l, fields[i].key, fields[i].text, LOG_FIELD_MAX);
		else
			log_line_number(&l, fields[i].key, fields[i].number);
	}
	log_line_end(&l);
	line_put(&l, which);
	errno = saved;
}
