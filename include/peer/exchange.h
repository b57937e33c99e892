/*
 * Asking a peer whom it knows: POST /peer/peers. The answer is capped in bytes, count and seconds, and nothing that it
 * says is believed: each address is somewhere to shake hands, no more.
 */
#ifndef RENSA_PEER_EXCHANGE_H
#define RENSA_PEER_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/netaddr.h"
#include "wire/peer_list.h"

struct exchange;

/* told is borrowed for the call; count is 0 when there was no answer that can be read. */
typedef void exchange_done(void *ctx, const struct netaddr *by, const struct netaddr *told, size_t count);

/* Starts; done is called once, never before this returns. from: local address to leave from, or NULL. */
struct exchange *exchange_start(struct loop *l, const struct netaddr *to, const struct netaddr *from,
				uint32_t timeout_ms, exchange_done *done, void *ctx);
/* Gives it up: done is not called. Not after done. NULL is fine. */
void exchange_cancel(struct exchange *x);

#endif
