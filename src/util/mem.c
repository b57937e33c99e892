/*
 * The one way to run out of memory: a line in the log, then the end of the process with the status that means "start
 * me again". No atexit handler runs, because in a child of the master they belong to the master.
 */
#include "util/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/attr.h"
#include "util/log.h"

static NORETURN void
out_of_memory(size_t size)
{
	log_error("memory: no room for %zu more bytes, giving up", size);
	_exit(EXIT_FAILURE);
}

void *
xmalloc(size_t size)
{
	/* malloc(0) may return NULL, which would look like a failure. */
	void *p = malloc(size > 0 ? size : 1);
	if (p == NULL)
		out_of_memory(size);
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	/* Asked here and not left to calloc, which sanitizers take for a fault of the program. */
	if (size > SIZE_MAX / count)
		out_of_memory(SIZE_MAX);
	void *p = calloc(count, size);
	if (p == NULL)
		out_of_memory(count * size);
	return p;
}

void *
xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size > 0 ? size : 1);
	if (p == NULL)
		out_of_memory(size);
	return p;
}

char *
xstrdup(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(xmalloc(size), text, size);
}
