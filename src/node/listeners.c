#include "node/listeners.h"

#include "net/listener.h"
#include "util/file.h"

enum err
listeners_open(struct listeners *l, const struct netaddr *at, uint32_t count, bool is_ours)
{
	enum err e = l->count > 0 || is_ours ? OK : listener_check(at);

	if (count > LISTENERS_ALL_MAX)
		return ERR_LIMIT;
	while (e == OK && l->count < count) {
		e = listener_open(&l->fds[l->count], at);
		if (e == OK)
			l->count++;
	}
	return e;
}

void
listeners_close(struct listeners *l)
{
	while (l->count > 0)
		fd_close(&l->fds[--l->count]);
}

void
listeners_close_since(struct listeners *l, const struct listeners *kept)
{
	bool is_same = kept->count > 0 && l->count > 0 && l->fds[0] == kept->fds[0];
	uint32_t count = is_same ? kept->count : 0;

	while (l->count > count)
		fd_close(&l->fds[--l->count]);
}

bool
listeners_serves(uint32_t worker, uint32_t workers, uint32_t listener)
{
	return listener % workers == worker;
}

const char *
listeners_fault(enum err e)
{
	switch (e) {
	case ERR_BUSY:
		return "the address is in use by another program; stop it or choose another port";
	case ERR_NOT_FOUND:
		return "this host has no such address";
	case ERR_PERM:
		return "not permitted; ports below 1024 need a privilege";
	default:
		return err_text(e);
	}
}
