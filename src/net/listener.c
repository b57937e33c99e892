/*
 * Listening sockets. TCP_NODELAY is set here because accepted sockets inherit it: no call per connection. An IPv6
 * socket serves IPv6 only, so that "::" and "0.0.0.0" can be listened on side by side.
 */
#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "util/file.h"

/* The kernel lowers it to net.core.somaxconn. */
#define LISTENER_BACKLOG 4096

static enum err
err_of_errno(int error)
{
	switch (error) {
	case EADDRINUSE:
		return ERR_BUSY;
	case EACCES:
	case EPERM:
		return ERR_PERM;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return ERR_NOT_FOUND;
	default:
		return ERR_IO;
	}
}

static enum err
bind_at(int *fd, const struct netaddr *at, bool is_shared)
{
	static const int on = 1;
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, at);
	*fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return err_of_errno(errno);
	if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (is_shared && setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0) ||
	    (at->is_v6 && setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(*fd, (const struct sockaddr *)&sa, len) < 0) {
		enum err e = err_of_errno(errno);
		fd_close(fd);
		return e;
	}
	return OK;
}

enum err
listener_open(int *fd, const struct netaddr *at)
{
	enum err e = bind_at(fd, at, true);
	if (e != OK)
		return e;
	if (listen(*fd, LISTENER_BACKLOG) < 0) {
		e = err_of_errno(errno);
		fd_close(fd);
		return e;
	}
	return OK;
}

enum err
listener_check(const struct netaddr *at)
{
	int fd;
	enum err e = bind_at(&fd, at, false);
	if (e == OK)
		fd_close(&fd);
	return e;
}
