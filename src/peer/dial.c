#include "peer/dial.h"

#include <stddef.h>

struct httpc *
peer_dial(struct loop *l, const struct netaddr *to, const struct netaddr *from)
{
	bool is_shut_in = from != NULL && netaddr_is_loopback(from) && !netaddr_is_loopback(to);

	return httpc_new(l, to, is_shut_in ? NULL : from, NULL);
}
