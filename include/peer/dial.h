/* Connections to peers. */
#ifndef RENSA_PEER_DIAL_H
#define RENSA_PEER_DIAL_H

#include "net/httpc.h"
#include "net/loop.h"
#include "net/netaddr.h"

/*
 * An HTTP client to a peer, which connects when the first request is sent. It leaves from `from`, the address that we
 * listen on (NULL: any), so that the peer sees the address at which it can ask us back. A loopback address reaches
 * nothing outside this host: to other hosts a node that listens on one leaves from whatever address the system picks.
 */
struct httpc *peer_dial(struct loop *l, const struct netaddr *to, const struct netaddr *from);

#endif
