/* Aligned columns. Widths count characters, so columns with free text belong at the end of a row. */
#include "prog/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prog/safetext.h"
#include "util/mem.h"

#define GAP "  "

void
table_begin(struct table *t, size_t columns, uint32_t right)
{
	buf_init(&t->text);
	buf_init(&t->width);
	t->columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX;
	t->cells = 0;
	t->right = right;
}

static void add_cell(struct table *t, const char *fmt, va_list args) PRINTFLIKE(2, 0);

static void
add_cell(struct table *t, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *raw = xmalloc((size_t)len + 1);
	vsnprintf(raw, (size_t)len + 1, fmt, args);
	size_t width = safetext_line(&t->text, raw, (size_t)len, TABLE_CELL_MAX);
	free(raw);
	buf_putc(&t->text, '\0');
	buf_append(&t->width, &width, sizeof(width));
	t->cells++;
}

void
table_cell(struct table *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add_cell(t, fmt, args);
	va_end(args);
}

void
table_fact(struct table *t, const char *label, const char *fmt, ...)
{
	table_cell(t, "%s", label);
	va_list args;
	va_start(args, fmt);
	add_cell(t, fmt, args);
	va_end(args);
}

static size_t
cell_width(const struct table *t, size_t cell)
{
	size_t width;
	memcpy(&width, t->width.data + cell * sizeof(width), sizeof(width));
	return width;
}

static void
put_spaces(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_putc(out, ' ');
}

void
table_end(struct table *t, struct buf *out, const char *indent)
{
	size_t widest[TABLE_COLUMNS_MAX] = {0};
	for (size_t i = 0; i < t->cells; i++) {
		size_t width = cell_width(t, i);
		if (width > widest[i % t->columns])
			widest[i % t->columns] = width;
	}
	const char *text = t->text.data;
	for (size_t i = 0; i < t->cells; i++) {
		size_t column = i % t->columns;
		size_t pad = widest[column] - cell_width(t, i);
		bool is_right = (t->right >> column & 1) != 0;
		bool is_last = column + 1 == t->columns;
		buf_puts(out, column == 0 ? indent : GAP);
		if (is_right)
			put_spaces(out, pad);
		buf_puts(out, text);
		if (!is_right && !is_last)
			put_spaces(out, pad);
		if (is_last)
			buf_putc(out, '\n');
		text += strlen(text) + 1;
	}
	buf_clear(&t->text);
	buf_clear(&t->width);
}
