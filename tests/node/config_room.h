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
/* The same of what the room holds, with an environment and options (NULL: none). */
void room_read(struct config *out, char *const *environment, const char *const *settings);
void room_refuse_all(struct buf *errors, char *const *environment, const char *const *settings);
/* Appends a line for each difference: "http.workers: 0 -> 2". What needs a restart has a mark behind it. */
void room_compare(struct buf *out, const struct config *a, const struct config *b);
/* A configuration with every key at another value than its default, but for the token. */
extern const char room_full[];

#endif
