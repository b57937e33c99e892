#include "util/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/failpoint.h"
#include "util/file.h"
#include "util/text.h"

enum err
err_of_errno(void)
{
	switch (errno) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
	case ENOTDIR:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERM;
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPC;
	case ENAMETOOLONG:
	case EFBIG:
		return ERR_LIMIT;
	default:
		return ERR_IO;
	}
}

/* Does a test want this step to be one that the system refused? */
static bool
fails(const char *failpoint, int as)
{
	/* Both are asked, so that each counts all its passes. */
	bool any = FAILPOINT_FAILS("disk.any"), this = FAILPOINT_FAILS(failpoint);

	(void)failpoint;
	if (any || this)
		errno = as;
	return any || this;
}

enum err
file_open(int *fd, const char *path, int flags, mode_t mode)
{
	*fd = fails("disk.open", EIO) ? -1 : open(path, flags | O_CLOEXEC, mode);
	return *fd == -1 ? err_of_errno() : OK;
}

enum err
file_write_at(int fd, struct iovec *parts, int count, uint64_t at)
{
	if (fails("disk.write", EIO))
		return err_of_errno();
	while (count > 0) {
		ssize_t put = pwritev(fd, parts, count < IOV_MAX ? count : IOV_MAX, (off_t)at);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return err_of_errno();
		at += (uint64_t)put;
		for (; count > 0 && (size_t)put >= parts->iov_len; parts++, count--)
			put -= (ssize_t)parts->iov_len;
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + put;
			parts->iov_len -= (size_t)put;
		}
	}
	return OK;
}

enum err
file_read_at(int fd, void *data, size_t len, uint64_t at, size_t *got)
{
	*got = 0;
	if (fails("disk.read", EIO))
		return err_of_errno();
	while (*got < len) {
		ssize_t n = pread(fd, (char *)data + *got, len - *got, (off_t)(at + *got));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_of_errno();
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return OK;
}

enum err
file_put(int fd, const void *data, size_t len)
{
	if (fails("disk.write", EIO))
		return err_of_errno();
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)data + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_of_errno();
		done += (size_t)n;
	}
	return OK;
}

enum err
file_take(int fd, void *data, size_t len, size_t *got)
{
	*got = 0;
	if (fails("disk.read", EIO))
		return err_of_errno();
	while (*got < len) {
		ssize_t n = read(fd, (char *)data + *got, len - *got);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_of_errno();
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return OK;
}

enum err
file_sync(int fd)
{
	return fails("disk.sync", EIO) || fdatasync(fd) == -1 ? err_of_errno() : OK;
}

enum err
file_allocate(int fd, uint64_t at, uint64_t len)
{
	int code = EINTR;

	if (fails("disk.allocate", ENOSPC))
		return err_of_errno();
	while (code == EINTR)
		code = posix_fallocate(fd, (off_t)at, (off_t)len);
	errno = code;
	return code == 0 ? OK : err_of_errno();
}

enum err
file_truncate(int fd, uint64_t size)
{
	int code = fails("disk.truncate", EIO) ? -1 : ftruncate(fd, (off_t)size);

	return code == -1 ? err_of_errno() : OK;
}

enum err
file_rename(const char *from, const char *to)
{
	if (fails("disk.rename", EIO) || rename(from, to) == -1)
		return err_of_errno();
	return folder_sync_of(to);
}

enum err
file_unlink(const char *path)
{
	if (fails("disk.unlink", EIO) || (unlink(path) == -1 && errno != ENOENT))
		return err_of_errno();
	return OK;
}

enum err
folder_sync(const char *folder)
{
	enum err e = OK;
	int fd = -1;

	if (fails("disk.dirsync", EIO))
		return err_of_errno();
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system without a notion of syncing folders. */
	if (fd == -1 || (fsync(fd) == -1 && errno != EINVAL))
		e = err_of_errno();
	fd_close(&fd);
	return e;
}

enum err
folder_sync_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == NULL) {
		text_copy(folder, sizeof(folder), ".");
	} else if (slash == path) {
		text_copy(folder, sizeof(folder), "/");
	} else if (len < sizeof(folder)) {
		memcpy(folder, path, len);
		folder[len] = '\0';
	} else {
		errno = ENAMETOOLONG;
		return ERR_LIMIT;
	}
	return folder_sync(folder);
}
