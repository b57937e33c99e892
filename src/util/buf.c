#include "util/buf.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"

/* The first allocation: most small replies fit without a second one. */
#define BUF_CAP_FIRST 256

void
buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void *
buf_reserve(struct buf *b, size_t len)
{
	size_t need;
	if (__builtin_add_overflow(b->len, len, &need) || __builtin_add_overflow(need, 1, &need)) {
		log_error("memory: a buffer of %zu bytes cannot grow by %zu", b->len, len);
		abort();
	}
	if (need > b->cap) {
		/* Doubling keeps appends linear in all; past half of the address space only the exact size is left. */
		size_t cap = b->cap > 0 ? b->cap : BUF_CAP_FIRST;
		while (cap < need && !__builtin_mul_overflow(cap, 2, &cap))
			;
		if (cap < need)
			cap = need;
		b->data = xrealloc(b->data, cap);
		b->cap = cap;
	}
	/* A caller that fills all it asked for finds the terminator in place; nothing else may write it for him. */
	b->data[need - 1] = '\0';
	return b->data + b->len;
}

void
buf_append(struct buf *b, const void *data, size_t len)
{
	void *room = buf_reserve(b, len);
	if (len > 0)
		memcpy(room, data, len);
	b->len += len;
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void
buf_putc(struct buf *b, char c)
{
	*(char *)buf_reserve(b, 1) = c;
	b->len++;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_list again;
	va_start(args, fmt);
	va_copy(again, args);
	/* One pass is enough when the text fits into what is there already, as it mostly does. */
	size_t room = b->cap - b->len;
	int len = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, args);
	if (len >= 0 && (size_t)len >= room) {
		char *at = buf_reserve(b, (size_t)len);
		len = vsnprintf(at, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	va_end(args);
	if (len >= 0)
		b->len += (size_t)len;
	else if (b->data != NULL)
		b->data[b->len] = '\0';
}

char *
buf_take(struct buf *b)
{
	buf_reserve(b, 0);
	char *data = b->data;
	buf_init(b);
	return data;
}
