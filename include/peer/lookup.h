/*
 * A host name looked up while the loop goes on. The system's resolver blocks, with a name server away for half a minute
 * and more, so it is asked by a thread of its own, which touches nothing but the look-up.
 */
#ifndef RENSA_PEER_LOOKUP_H
#define RENSA_PEER_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/netaddr.h"
#include "util/err.h"

#define LOOKUP_ADDRESSES_MAX 64

struct lookup;

/* found is borrowed for the call. e as of netaddr_resolve; ERR_NOMEM too if no thread could be had. */
typedef void lookup_done(void *ctx, enum err e, const struct netaddr *found, size_t count);

/* Starts; done is called once, never before this returns. */
struct lookup *lookup_start(struct loop *l, const char *host, uint16_t port, lookup_done *done, void *ctx);
/* Gives it up: done is not called. The thread ends by itself. Not after done. NULL is fine. */
void lookup_cancel(struct lookup *k);

#endif
