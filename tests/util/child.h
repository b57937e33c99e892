/* What a function does to its process, seen from outside. */
#ifndef RENSA_TESTS_UTIL_CHILD_H
#define RENSA_TESTS_UTIL_CHILD_H

#include <sys/types.h>

/* Starts act in a child without stderr; the child exits with 99 if act returns. */
pid_t child_start(void (*act)(void));
/* The next change of the child as waitpid tells it; flags may hold WUNTRACED. */
int child_wait(pid_t pid, int flags);

#define CHILD_RETURNED 99

#endif
