/* A supervisor for tests: it listens at the socket that NOTIFY_SOCKET names. */
#ifndef RENSA_TESTS_NODE_OVERSEER_H
#define RENSA_TESTS_NODE_OVERSEER_H

#include <stdbool.h>
#include <stddef.h>

/* Listens at an abstract name that the kernel chooses, and names it in the environment. */
void overseer_come(void);
void overseer_leave(void);
/* Nobody listens there any more. */
void overseer_sleep(void);
/* It listens again, at another name. */
void overseer_wake(void);
/* The next thing it was told. False: nothing. */
bool overseer_heard(char *text, size_t size);

#endif
