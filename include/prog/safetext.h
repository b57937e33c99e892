/*
 * Text from outside, made safe for a terminal. What could move the cursor, recolour, answer back, hide or reorder text
 * is shown as an escape instead: control characters (C0, DEL, C1), direction marks, invisible and tag characters, line
 * separators, and bytes that are not UTF-8.
 */
#ifndef RENSA_PROG_SAFETEXT_H
#define RENSA_PROG_SAFETEXT_H

#include <stddef.h>

#include "util/buf.h"

/*
 * Appends text as one line: unsafe characters become \n, \t, \x1b or \u{202e}. After max shown characters the rest is
 * cut, with "..." behind. Returns how many characters were appended.
 */
size_t safetext_line(struct buf *out, const char *text, size_t len, size_t max);
/*
 * Appends a JSON document with the unsafe characters in its strings as JSON escapes. The document means the same.
 * Control characters below 0x20 are left alone: JSON itself allows them between values only.
 */
void safetext_json(struct buf *out, const char *json, size_t len);

#endif
