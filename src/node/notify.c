#include "node/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/file.h"

enum err
notify_supervisor(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = name == NULL ? 0 : strlen(name), said = strlen(state);
	enum err e = OK;
	int fd;

	if (len == 0)
		return ERR_NOT_FOUND;
	if ((name[0] != '/' && name[0] != '@') || len >= sizeof(to.sun_path))
		return ERR_ARG;
	memcpy(to.sun_path, name, len);
	/* An abstract name begins with a zero byte, and ends where its length says. */
	if (name[0] == '@')
		to.sun_path[0] = '\0';

	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return ERR_IO;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	/* The supervisor may be slow, and we have more to do than to wait for it. */
	if (sendto(fd, state, said, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to, size) != (ssize_t)said)
		e = ERR_IO;
	fd_close(&fd);
	return e;
}
