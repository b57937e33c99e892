/* A folder of its own for each test of configurations, which is then the working folder: messages begin with bare
 * names. */
#ifndef RENSA_TESTS_NODE_CONFIG_ROOM_H
#define RENSA_TESTS_NODE_CONFIG_ROOM_H

#include <sys/types.h>

#include "node/config.h"

#define ROOM_CONFIG "t.conf"
#define ROOM_TOKEN "token"

/* Checked fixtures: enter before the test, leave after it. */
void room_enter(void);
void room_leave(void);
const char *room_path(void);

void room_write(const char *name, const char *text, mode_t mode);
/* Loads text as a file; fails the test if it is refused. */
void room_load(struct config *out, const char *text);
/* The errors that text is refused with, in a buffer of the caller. */
void room_refuse(struct buf *errors, const char *text);

#endif
