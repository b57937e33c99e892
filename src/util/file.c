/*
 * Whole files. A reader of a path that file_write replaces sees the old bytes or the new ones, also after a crash:
 * the new bytes are on disk before the name points to them, and the name is on disk before file_write returns.
 * errno is the cause when a function fails, for the one line that the caller logs.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/failpoint.h"
#include "util/fileio.h"
#include "util/text.h"

#define READ_STEP ((size_t)64 * 1024)

void
fd_take_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		/* The lowest free number, which is this one; open in the direction in which nobody uses it. */
		(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

void
fd_close(int *fd)
{
	if (*fd == -1)
		return;
	/* Linux has let go of the descriptor even when close reports EINTR: never close twice. */
	int saved = errno;
	close(*fd);
	errno = saved;
	*fd = -1;
}

enum err
file_read(struct buf *out, const char *path, size_t max)
{
	enum err ret = OK;
	size_t len_before = out->len;
	struct stat st;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		ret = err_of_errno();
		goto out;
	}
	/* One allocation for a regular file, so that no copy of a secret stays behind in freed memory. */
	if (S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size <= max)
		buf_reserve(out, (size_t)st.st_size + 1);

	for (;;) {
		/* One byte more than allowed tells a file that is too long from one that just fits. */
		size_t left = max - (out->len - len_before);
		size_t step = left < READ_STEP ? left + 1 : READ_STEP;
		size_t room = out->cap > out->len ? out->cap - out->len - 1 : 0;
		if (room > 0 && room < step)
			step = room;
		ssize_t got = read(fd, buf_reserve(out, step), step);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1) {
			ret = err_of_errno();
			goto out;
		}
		if (got == 0)
			break;
		if ((size_t)got > left) {
			errno = EFBIG;
			ret = ERR_LIMIT;
			goto out;
		}
		out->len += (size_t)got;
	}

out:
	fd_close(&fd);
	if (ret != OK)
		out->len = len_before;
	if (out->data != NULL)
		out->data[out->len] = '\0';
	return ret;
}

static enum err
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return err_of_errno();
		data += put;
		len -= (size_t)put;
	}
	return OK;
}

/* Does a test want this step to be one that the system refused? */
static bool
fails(const char *failpoint)
{
	(void)failpoint;
	if (!FAILPOINT_FAILS(failpoint))
		return false;
	errno = EIO;
	return true;
}

enum err
file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	enum err ret = OK;
	char temp[PATH_MAX];
	int fd = -1;
	bool made = false;

	int temp_len = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	if (temp_len < 0 || (size_t)temp_len >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return ERR_LIMIT;
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd == -1) {
		ret = err_of_errno();
		goto out;
	}
	made = true;
	ret = write_all(fd, data, len);
	if (ret != OK)
		goto out;
	/* The mode is set before the name is, so that the file is never there with a wider one. */
	if (fails("file.write") || fchmod(fd, mode) == -1 || fails("file.sync") || fsync(fd) == -1 ||
	    fails("file.rename") || rename(temp, path) == -1) {
		ret = err_of_errno();
		goto out;
	}
	made = false;
	ret = fails("file.folder") ? err_of_errno() : folder_sync_of(path);

out:
	fd_close(&fd);
	if (made) {
		int saved = errno;
		unlink(temp);
		errno = saved;
	}
	return ret;
}

/* Makes one folder whose parent is there; fine if it is there itself. */
static enum err
folder_make(const char *path)
{
	if (mkdir(path, 0700) == 0) {
		/* As durable as what will be written into it. A parent that we may pass but not read is no reason to
		 * fail. */
		(void)!folder_sync_of(path);
		return OK;
	}
	/* Anything may be said of a folder that exists, "read-only file system" for one; so look whether it does. */
	int saved = errno;
	struct stat st;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return OK;
		saved = ENOTDIR;
	}
	errno = saved;
	return err_of_errno();
}

enum err
dir_make(const char *path)
{
	char part[PATH_MAX];
	if (path[0] == '\0') {
		errno = ENOENT;
		return ERR_ARG;
	}
	if (!text_copy(part, sizeof(part), path)) {
		errno = ENAMETOOLONG;
		return ERR_LIMIT;
	}

	/* Each prefix in turn; double and trailing slashes name the folder before them once more, which is fine. */
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		enum err ret = folder_make(part);
		*slash = '/';
		if (ret != OK)
			return ret;
	}
	return folder_make(part);
}
