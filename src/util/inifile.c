/*
 * libinih does the parsing; lines come through a reader of our own, because only it knows the number of the line
 * that a setting stands on, sees that a line was cut by the buffer, and notices a NUL, behind which the parser would
 * silently drop the rest. The parser says nothing of sections and names only the first bad line, so a line that gave no
 * setting is looked at here, when the parser asks for the next one.
 */
#include "util/inifile.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_EXTRA 3 /* what the parser counts beside the text: carriage return, line end and NUL */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct source {
	FILE *file;
	const struct inifile_reader *reader;
	size_t size;	/* bytes read so far */
	int line;	/* number of the line handed over last */
	bool is_judged; /* nothing more is to be said of it */
	bool is_too_large;
	char text[INIFILE_LINE_MAX + LINE_EXTRA]; /* that line */
};

/*
 * Reads one line without its end into src->text. False at the end of the file. What is no text of a legal length is
 * told, and left out: pieces of it would look like lines of their own.
 */
static bool
line_read(struct source *src)
{
	int c = getc(src->file);
	size_t len = 0;
	bool has_nul = false, is_long = false;

	if (c == EOF)
		return false;
	src->line++;
	for (; c != EOF && c != '\n' && !src->is_too_large; c = getc(src->file)) {
		src->is_too_large = ++src->size >= INIFILE_SIZE_MAX;
		has_nul = has_nul || c == '\0';
		/* A carriage return belongs to the line end. */
		is_long = is_long || (len == INIFILE_LINE_MAX && c != '\r') || len > INIFILE_LINE_MAX;
		if (len <= INIFILE_LINE_MAX)
			src->text[len++] = (char)c;
	}
	src->size++;
	if ((has_nul || is_long) && !src->is_too_large) {
		src->is_judged = true;
		len = 0;
		src->reader->on_fault(src->reader->ctx, has_nul ? INIFILE_HAS_NUL : INIFILE_TOO_LONG, src->line);
	}
	src->text[len] = '\0';
	return !src->is_too_large;
}

static bool
is_comment_or_blank(const char *text)
{
	text += strspn(text, " \t\r\n\v\f");
	return *text == '\0' || *text == ';' || *text == '#';
}

/* What the parser made no setting of: a section, a comment, or nothing that it knows. */
static void
line_judge(struct source *src)
{
	char *text = src->text;

	if (src->line == 0 || src->is_judged)
		return;
	src->is_judged = true;
	if (src->line == 1 && strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		text += strlen(BYTE_ORDER_MARK);
	if (is_comment_or_blank(text))
		return;
	text += strspn(text, " \t");
	char *end = strchr(text, ']');
	if (*text == '[' && end != NULL && is_comment_or_blank(end + 1)) {
		*end = '\0';
		src->reader->on_section(src->reader->ctx, text + 1, src->line);
	} else {
		src->reader->on_fault(src->reader->ctx, INIFILE_NOT_INI, src->line);
	}
}

/* The parser's fgets. */
static char *
next_line(char *text, int size, void *ctx)
{
	struct source *src = ctx;

	line_judge(src);
	src->is_judged = false;
	if (!line_read(src)) {
		src->is_judged = true;
		return NULL;
	}
	snprintf(text, (size_t)size, "%s\n", src->text);
	return text;
}

static int
hand_over(void *ctx, const char *section, const char *key, const char *value)
{
	struct source *src = ctx;

	src->is_judged = true;
	src->reader->on_setting(src->reader->ctx, section, key, value, src->line);
	return 1;
}

enum err
inifile_read(const char *path, const struct inifile_reader *reader)
{
	struct source src = {.reader = reader};
	enum err ret = OK;

	src.file = fopen(path, "re");
	if (src.file == NULL) {
		if (errno == ENOENT || errno == ENOTDIR)
			return ERR_NOT_FOUND;
		return errno == EACCES || errno == EPERM ? ERR_PERM : ERR_IO;
	}

	/* An indented line is a setting like any other, and not more of the last one. */
	ini_max_line = INIFILE_LINE_MAX + LINE_EXTRA;
	ini_allow_multiline = false;
	if (ini_parse_stream(next_line, &src, hand_over, &src) < 0)
		ret = ERR_NOMEM;
	else if (ferror(src.file))
		ret = ERR_IO;
	else if (src.is_too_large)
		ret = ERR_LIMIT;
	fclose(src.file);
	return ret;
}
