/*
 * A line is one write or one datagram. A process never waits here for a syslog daemon that does not read, nor does the
 * node for one that is not there: the line is lost, the caller counts it, and the next one tries again.
 */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/file.h"
#include "util/text.h"

/* A pipe with nobody at its other end is an error and nothing to wait for: whoever waits here stops for good. */
static int
file_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	int flags = fd != -1 ? fcntl(fd, F_GETFL) : -1;

	/* One that is read only slowly is written to like any file. */
	if (flags != -1)
		(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

static enum err
open_error(void)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return ERR_NOT_FOUND;
	return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERM : ERR_IO;
}

/* Again each time: a daemon that was started anew has a new socket at the old path. */
static int
socket_connect(const struct log_sink *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	text_copy(at.sun_path, sizeof(at.sun_path), s->path);
	return connect(s->fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? 0 : errno;
}

enum err
log_sink_open(struct log_sink *s, enum log_sink_kind kind, const char *path)
{
	int fd = STDERR_FILENO;
	struct sockaddr_un at;

	if (strlen(path) >= (kind == LOG_SINK_SYSLOG ? sizeof(at.sun_path) : sizeof(s->path)))
		return ERR_LIMIT;
	if (kind == LOG_SINK_FILE)
		fd = file_open(path);
	else if (kind == LOG_SINK_SYSLOG)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return open_error();
	if (s->kind == LOG_SINK_FILE || s->kind == LOG_SINK_SYSLOG)
		fd_close(&s->fd);
	s->fd = fd;
	s->kind = kind;
	text_copy(s->path, sizeof(s->path), path);
	if (kind == LOG_SINK_SYSLOG)
		(void)socket_connect(s);
	return OK;
}

enum err
log_sink_reopen(struct log_sink *s)
{
	if (s->kind != LOG_SINK_FILE)
		return OK;
	int fd = file_open(s->path);
	if (fd == -1)
		return open_error();
	enum err ret = dup3(fd, s->fd, O_CLOEXEC) == -1 ? ERR_IO : OK;
	fd_close(&fd);
	return ret;
}

static int
datagram_send(const struct log_sink *s, const char *line, size_t len)
{
	/* A datagram ends where it ends. */
	if (len > 0 && line[len - 1] == '\n')
		len--;
	return send(s->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ? 0 : errno;
}

int
log_sink_write(const struct log_sink *s, const char *line, size_t len, size_t *written)
{
	*written = 0;
	if (s->kind == LOG_SINK_SYSLOG) {
		int failed = datagram_send(s, line, len);
		if (failed == ECONNREFUSED || failed == ENOTCONN || failed == EPIPE || failed == ECONNRESET)
			failed = socket_connect(s) == 0 ? datagram_send(s, line, len) : failed;
		*written = failed == 0 ? len : 0;
		return failed;
	}
	/* What the disk had no room for is tried once more, so that the reason is known. */
	while (*written < len) {
		ssize_t n = write(s->fd, line + *written, len - *written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		*written += (size_t)n;
	}
	return 0;
}
