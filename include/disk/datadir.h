/*
 * A node's data folder and the lock file in it. The lock is an flock on a descriptor that every child inherits: it is
 * free only when the last process of a node is gone, so a new master never meets the children of an old one.
 */
#ifndef RENSA_DISK_DATADIR_H
#define RENSA_DISK_DATADIR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define DATADIR_LOCK_NAME "lock"

/*
 * Makes the folder if need be and takes its lock, waiting up to wait_ms for the processes of an earlier node to leave.
 * *fd stays open for the node's life. ERR_BUSY: another node lives there; why gets a sentence on failure.
 */
enum err datadir_lock(int *fd, const char *path, uint32_t wait_ms, struct buf *why) MUSTCHECK;

/*
 * The lock was taken before, by this process when it ran another program, and fd has it still. False: it is none of this
 * folder's, and stays the caller's.
 */
bool datadir_adopt(int fd, const char *path) MUSTCHECK;

/* The path of a file in the folder. ERR_LIMIT: it is too long, and why says so. */
enum err datadir_file(char path[PATH_MAX], const char *data_dir, const char *name, struct buf *why) MUSTCHECK;

#define DATADIR_HOLDER_SIZE 32
/* Does somebody hold the lock? holder: his process, "" if that is not known. Takes nothing, makes nothing. */
bool datadir_is_held(const char *path, char holder[DATADIR_HOLDER_SIZE]);

#endif
