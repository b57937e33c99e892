/*
 * Small allocations, whose failure ends the process: the master starts a new one and the segment survives it.
 * Allocations whose size an outsider chooses use malloc with a checked cap instead.
 */
#ifndef RENSA_UTIL_MEM_H
#define RENSA_UTIL_MEM_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* overflow of count * size ends the process too */
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);

#endif
