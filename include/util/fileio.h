/*
 * Steps on open files, for rooms that keep formats on disk. Each can be made to fail by a test, through the failpoint
 * in brackets; all of them together are passes of "disk.any". errno is the cause when a step fails.
 */
#ifndef RENSA_UTIL_FILEIO_H
#define RENSA_UTIL_FILEIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "util/attr.h"
#include "util/err.h"

/* [disk.open] ERR_NOT_FOUND, ERR_EXISTS, ERR_PERM, ERR_NOSPC, ERR_LIMIT, ERR_IO. */
enum err file_open(int *fd, const char *path, int flags, mode_t mode) MUSTCHECK;
/* [disk.write] All of the parts, at an offset. The parts are used up: iov_base and iov_len change. */
enum err file_write_at(int fd, struct iovec *parts, int count, uint64_t at) MUSTCHECK;
/* [disk.read] *got < len only at the end of the file. */
enum err file_read_at(int fd, void *data, size_t len, uint64_t at, size_t *got) MUSTCHECK;
/* [disk.write] All of it, where the descriptor stands: a pipe will do. */
enum err file_put(int fd, const void *data, size_t len) MUSTCHECK;
/* [disk.read] Likewise; *got < len only at the end. */
enum err file_take(int fd, void *data, size_t len, size_t *got) MUSTCHECK;
/* [disk.sync] Data, and what is needed to find it. */
enum err file_sync(int fd) MUSTCHECK;
/* [disk.allocate] Disk space from `at` on; the file grows to at + len. */
enum err file_allocate(int fd, uint64_t at, uint64_t len) MUSTCHECK;
/* [disk.truncate] */
enum err file_truncate(int fd, uint64_t size) MUSTCHECK;
/* [disk.rename] Both in one folder, which is synced. */
enum err file_rename(const char *from, const char *to) MUSTCHECK;
/* [disk.unlink] Fine if it is not there. The folder is not synced. */
enum err file_unlink(const char *path) MUSTCHECK;
/* [disk.dirsync] Makes the names in a folder durable. */
enum err folder_sync(const char *folder) MUSTCHECK;
/* The folder that path lies in. */
enum err folder_sync_of(const char *path) MUSTCHECK;

/* The error that stands for errno. */
enum err err_of_errno(void);

#endif
