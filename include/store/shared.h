/*
 * Memory that a process shares with the children that it forks, beside the segment: it is there before the segment is
 * made and stays when that is made anew. All of them may write it, so it holds nothing that matters.
 */
#ifndef RENSA_STORE_SHARED_H
#define RENSA_STORE_SHARED_H

#include <stddef.h>

/* Zeroed, for the rest of the process's life. NULL: there is none. */
void *shared_new(size_t size);

#endif
