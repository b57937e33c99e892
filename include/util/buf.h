/* A byte buffer that grows: rendered replies, canonical encodings of unknown length. Always NUL-terminated behind len.
 */
#ifndef RENSA_UTIL_BUF_H
#define RENSA_UTIL_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

struct buf {
	char *data; /* NULL until the first append */
	size_t len; /* bytes used, without the terminator */
	size_t cap;
};

void buf_init(struct buf *b);
void buf_clear(struct buf *b); /* frees; the struct is as after buf_init */
void buf_reset(struct buf *b); /* len = 0, keeps the memory */
void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTFLIKE(2, 3);
/* Room for len more bytes at the end, uninitialised; the caller fills it and adds to b->len. */
void *buf_reserve(struct buf *b, size_t len);
/* The bytes become the caller's (free with free()); the buffer is empty after. Never NULL. */
char *buf_take(struct buf *b);

#endif
