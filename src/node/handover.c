#include "node/handover.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/file.h"
#include "util/log.h"
#include "util/text.h"

#define FIRST_FD 3 /* below are those that every program has */
#define FD_MAX (1 << 20)

void
handover_init(struct handover *h)
{
	memset(h, 0, sizeof(*h));
	h->lock = -1;
}

void
handover_add(struct handover *h, const struct netaddr *at, const struct listeners *l)
{
	if (l->count > 0 && h->place_count < HANDOVER_PLACES)
		h->places[h->place_count++] = (struct handover_place){*at, *l};
}

void
handover_format(struct buf *out, const struct handover *h)
{
	char text[NETADDR_TEXT_SIZE];

	buf_printf(out, HANDOVER_VARIABLE "=%d;pid=%d;from=%s;since=%" PRIu64 ";lock=%d", HANDOVER_FORMAT,
		   (int)getpid(), h->from, h->since_ms, h->lock);
	for (uint32_t i = 0; i < h->place_count; i++) {
		netaddr_format(text, &h->places[i].at);
		buf_printf(out, ";listen=%s", text);
		for (uint32_t k = 0; k < h->places[i].sockets.count; k++)
			buf_printf(out, "%c%d", k == 0 ? '@' : ',', h->places[i].sockets.fds[k]);
	}
}

/* Reading */

static bool
is_named(const struct handover *h, int fd)
{
	if (fd == h->lock)
		return true;
	for (uint32_t i = 0; i < h->place_count; i++)
		for (uint32_t k = 0; k < h->places[i].sockets.count; k++)
			if (h->places[i].sockets.fds[k] == fd)
				return true;
	return false;
}

/* A descriptor that nothing else is said to be. */
static bool
read_fd(int *out, const struct handover *h, const char *text)
{
	uint64_t number;

	if (text_u64(&number, text, FD_MAX) != OK || number < FIRST_FD || is_named(h, (int)number))
		return false;
	*out = (int)number;
	return true;
}

/* "127.0.0.1:5000@4,5"; eats the text. */
static bool
read_place(struct handover *h, char *text)
{
	char *fds = strchr(text, '@');
	struct handover_place *place;

	if (fds == NULL || h->place_count == HANDOVER_PLACES)
		return false;
	*fds++ = '\0';
	place = &h->places[h->place_count++];
	if (netaddr_parse(&place->at, text) != OK ||
	    (h->place_count > 1 && netaddr_equal(&place->at, &h->places[0].at)))
		return false;
	for (char *one = strsep(&fds, ","); one != NULL; one = strsep(&fds, ",")) {
		struct listeners *l = &place->sockets;
		if (l->count == LISTENERS_ALL_MAX || !read_fd(&l->fds[l->count], h, one))
			return false;
		l->count++;
	}
	return true;
}

enum field { FIELD_PID = 1, FIELD_FROM = 2, FIELD_SINCE = 4, FIELD_LOCK = 8, FIELD_LISTEN = 16 };

/* Which field it was; 0: none that is right. */
static unsigned
read_field(struct handover *h, uint64_t *pid, char *text)
{
	char *value = strchr(text, '=');

	if (value == NULL)
		return 0;
	*value++ = '\0';
	if (strcmp(text, "pid") == 0)
		return text_u64(pid, value, INT32_MAX) == OK ? FIELD_PID : 0;
	if (strcmp(text, "from") == 0)
		return value[0] != '\0' && text_copy(h->from, sizeof(h->from), value) ? FIELD_FROM : 0;
	if (strcmp(text, "since") == 0)
		return text_u64(&h->since_ms, value, UINT64_MAX) == OK ? FIELD_SINCE : 0;
	if (strcmp(text, "lock") == 0)
		return read_fd(&h->lock, h, value) ? FIELD_LOCK : 0;
	if (strcmp(text, "listen") == 0)
		return read_place(h, value) ? FIELD_LISTEN : 0;
	return 0;
}

static enum err
refuse(struct buf *why, const char *what)
{
	buf_printf(why, HANDOVER_VARIABLE ", by which a program hands over to the next, %s", what);
	return ERR_FORMAT;
}

enum err
handover_parse(struct handover *out, const char *text, struct buf *why)
{
	const unsigned all = FIELD_PID | FIELD_FROM | FIELD_SINCE | FIELD_LOCK | FIELD_LISTEN;
	char copy[HANDOVER_TEXT_MAX + 1], *rest = copy, *one;
	uint64_t format, pid = 0;
	unsigned seen = 0;

	handover_init(out);
	if (!text_copy(copy, sizeof(copy), text))
		return refuse(why, "is too long");
	if (text_u64(&format, strsep(&rest, ";"), UINT32_MAX) != OK)
		return refuse(why, "does not begin with the number of its form");
	if (format != HANDOVER_FORMAT)
		return refuse(why, "has a form that this version does not know");
	while ((one = strsep(&rest, ";")) != NULL) {
		unsigned field = read_field(out, &pid, one);
		if (field == 0 || ((seen & field) != 0 && field != FIELD_LISTEN))
			return refuse(why, "has a part that is not as it should be");
		seen |= field;
	}
	if (seen != all)
		return refuse(why, "lacks a part");
	return pid == (uint64_t)getpid() ? OK : ERR_NOT_FOUND;
}

/* A socket that listens for TCP at this address. */
static bool
listens_at(int fd, const struct netaddr *at)
{
	struct sockaddr_storage sa;
	struct netaddr bound;
	socklen_t size = sizeof(int), len = sizeof(sa);
	int type = 0, listens = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
	       getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       netaddr_from_sockaddr(&bound, (struct sockaddr *)&sa) == OK && netaddr_equal(&bound, at);
}

enum err
handover_verify(const struct handover *h, struct buf *why)
{
	char text[NETADDR_TEXT_SIZE];

	if (fcntl(h->lock, F_SETFD, FD_CLOEXEC) == -1) {
		buf_printf(why, HANDOVER_VARIABLE " names descriptor %d as the lock, and it is not open", h->lock);
		return ERR_FORMAT;
	}
	for (uint32_t i = 0; i < h->place_count; i++)
		for (uint32_t k = 0; k < h->places[i].sockets.count; k++) {
			int fd = h->places[i].sockets.fds[k];
			if (fcntl(fd, F_SETFD, FD_CLOEXEC) != -1 && listens_at(fd, &h->places[i].at))
				continue;
			netaddr_format(text, &h->places[i].at);
			buf_printf(why, HANDOVER_VARIABLE " names descriptor %d, which does not listen at %s", fd,
				   text);
			return ERR_FORMAT;
		}
	return OK;
}

enum err
handover_take(struct handover *out, struct buf *why)
{
	const char *text = getenv(HANDOVER_VARIABLE);
	enum err e = ERR_NOT_FOUND;

	handover_init(out);
	if (text != NULL)
		e = handover_parse(out, text, why);
	if (e == OK)
		e = handover_verify(out, why);
	if (e != OK)
		handover_init(out);
	/* The configuration knows no such variable, and no program that we start shall take it for its own. */
	unsetenv(HANDOVER_VARIABLE);
	return e;
}

void
handover_claim(struct handover *h, struct listeners *l, const struct netaddr *at)
{
	for (uint32_t i = 0; i < h->place_count; i++)
		if (netaddr_equal(&h->places[i].at, at)) {
			*l = h->places[i].sockets;
			h->places[i] = h->places[--h->place_count];
			return;
		}
}

bool
handover_has_port(const struct handover *h, uint16_t port)
{
	for (uint32_t i = 0; i < h->place_count; i++)
		if (h->places[i].at.port == port)
			return true;
	return false;
}

uint32_t
handover_drop(struct handover *h)
{
	uint32_t dropped = h->place_count;
	char text[NETADDR_TEXT_SIZE];

	while (h->place_count > 0) {
		struct handover_place *place = &h->places[--h->place_count];
		netaddr_format(text, &place->at);
		log_info("upgrade: nobody is answered at %s any more: the configuration has another address", text);
		listeners_close(&place->sockets);
	}
	fd_close(&h->lock);
	return dropped;
}
