/* Listening TCP sockets: made by the master, one SO_REUSEPORT socket per worker, and kept across workers' lives. */
#ifndef RENSA_NET_LISTENER_H
#define RENSA_NET_LISTENER_H

#include "net/netaddr.h"
#include "util/attr.h"
#include "util/err.h"

/*
 * A non-blocking, close-on-exec listening socket with SO_REUSEADDR and SO_REUSEPORT. ERR_BUSY: the address is in use;
 * ERR_PERM; ERR_NOT_FOUND: the address is not one of this host's; ERR_IO.
 */
enum err listener_open(int *fd, const struct netaddr *at) MUSTCHECK;
/*
 * Is the address free of other listeners? Binds once without SO_REUSEPORT and closes again, because with that option
 * two nodes of the same user could share a port silently. OK or as listener_open.
 */
enum err listener_check(const struct netaddr *at) MUSTCHECK;

#endif
