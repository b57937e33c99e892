/* Aligned columns for people. Every cell is made safe for a terminal and kept on one line. */
#ifndef RENSA_PROG_TABLE_H
#define RENSA_PROG_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/buf.h"

#define TABLE_COLUMNS_MAX 8
#define TABLE_CELL_MAX 600 /* characters shown; longer cells are cut */

struct table {
	struct buf text;  /* cells one after another, each with its NUL */
	struct buf width; /* their widths in characters, a size_t each */
	size_t columns;
	size_t cells;
	uint32_t right; /* bit i: column i is aligned right */
};

void table_begin(struct table *t, size_t columns, uint32_t right);
/* The next cell, row by row. A header is simply the first row. */
void table_cell(struct table *t, const char *fmt, ...) PRINTFLIKE(2, 3);
/* Two cells at once: a row of a two-column table of facts. */
void table_fact(struct table *t, const char *label, const char *fmt, ...) PRINTFLIKE(3, 4);
/* Appends the rows to out, each with indent in front, and frees the table. */
void table_end(struct table *t, struct buf *out, const char *indent);

#endif
