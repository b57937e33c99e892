/* Whole files and folders. Failures leave errno's text in the message that the caller gets. */
#ifndef RENSA_UTIL_FILE_H
#define RENSA_UTIL_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

/* Appends the whole file to out; ERR_LIMIT beyond max bytes, ERR_NOT_FOUND, ERR_PERM, ERR_IO. */
enum err file_read(struct buf *out, const char *path, size_t max) MUSTCHECK;
/* Replaces path in one step: temporary file of that mode beside it, write, fsync, rename, fsync of the folder. */
enum err file_write(const char *path, const void *data, size_t len, mode_t mode) MUSTCHECK;
/* Makes the folder and its parents, 0700 each; fine if it is there. */
enum err dir_make(const char *path) MUSTCHECK;
/*
 * At a program's start: where standard input, output or error is closed, a file that is opened later would have its
 * number, and take what is meant for people. These numbers are taken here, so that each use of them fails as before.
 */
void fd_take_standard(void);
/* Closes fd and sets it to -1; nothing if it is -1 already. */
void fd_close(int *fd);

#endif
