/*
 * libinih does the parsing; lines come through a reader of our own, because only it knows the number of the line
 * that a setting stands on, sees that a line was cut by the buffer, and notices a NUL, behind which the parser would
 * silently drop the rest.
 */
#include "util/inifile.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_LEN_MAX 1023
#define LINE_EXTRA 3 /* what the parser counts beside the text: carriage return, line end and NUL */

struct source {
	FILE *file;
	int line;     /* number of the line handed over last */
	int bad_line; /* the first that is not text of a legal length, or 0 */
	bool skipped; /* an overlong line is handed over as nothing: its pieces would look like lines of their own */
	inifile_setting *on_setting;
	void *ctx;
};

/* Reads one line without its end into text and returns its length; 0 bytes and false at the end of the file. */
static bool
line_read(struct source *src, char *text, size_t size, size_t *len)
{
	int c = getc(src->file);
	*len = 0;
	if (c == EOF)
		return false;
	src->line++;
	for (; c != EOF && c != '\n'; c = getc(src->file)) {
		if (*len == size || c == '\0') {
			if (src->bad_line == 0)
				src->bad_line = src->line;
			src->skipped = true;
			continue;
		}
		text[(*len)++] = (char)c;
	}
	return true;
}

/* The parser's fgets. */
static char *
next_line(char *text, int size, void *ctx)
{
	struct source *src = ctx;
	size_t len;
	src->skipped = false;
	if (!line_read(src, text, (size_t)size - LINE_EXTRA, &len))
		return NULL;
	if (src->skipped)
		len = 0;
	text[len] = '\n';
	text[len + 1] = '\0';
	return text;
}

static int
hand_over(void *ctx, const char *section, const char *key, const char *value)
{
	struct source *src = ctx;
	src->on_setting(src->ctx, section, key, value, src->line);
	return 1;
}

enum err
inifile_read(const char *path, inifile_setting *on_setting, void *ctx, int *bad_line)
{
	struct source src = {.on_setting = on_setting, .ctx = ctx};
	enum err ret = OK;

	*bad_line = 0;
	src.file = fopen(path, "re");
	if (src.file == NULL) {
		if (errno == ENOENT || errno == ENOTDIR)
			return ERR_NOT_FOUND;
		return errno == EACCES || errno == EPERM ? ERR_PERM : ERR_IO;
	}

	/* An indented line is a setting like any other, and not more of the last one. */
	ini_max_line = LINE_LEN_MAX + LINE_EXTRA;
	ini_allow_multiline = false;
	int bad = ini_parse_stream(next_line, &src, hand_over, &src);
	if (bad <= 0 || (src.bad_line > 0 && src.bad_line < bad))
		bad = src.bad_line;

	if (ferror(src.file)) {
		ret = ERR_IO;
	} else if (bad > 0) {
		*bad_line = bad;
		ret = ERR_FORMAT;
	}
	fclose(src.file);
	return ret;
}
