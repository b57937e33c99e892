/*
 * One handshake: what is at this address? POST /peer/hello with our hello; the answer is judged here and nowhere else.
 * Nothing of an unknown address is believed but this reply, which is capped in bytes and seconds.
 */
#ifndef RENSA_PEER_HANDSHAKE_H
#define RENSA_PEER_HANDSHAKE_H

#include <stdint.h>

#include "net/loop.h"
#include "net/netaddr.h"
#include "wire/peer_msg.h"

enum handshake_outcome {
	HANDSHAKE_UP,		  /* a node of our chain */
	HANDSHAKE_REFUSED,	  /* nothing listens, or it hung up at once */
	HANDSHAKE_SILENT,	  /* no reply in time */
	HANDSHAKE_NO_NODE,	  /* something else answers there */
	HANDSHAKE_OTHER_PROTOCOL, /* a node of a version that we cannot speak with */
	HANDSHAKE_OTHER_NETWORK,  /* the network's name differs */
	HANDSHAKE_OTHER_GENESIS,  /* the name is ours, a parameter differs */
	HANDSHAKE_SELF		  /* ourselves: our own nonce came back */
};

#define HANDSHAKE_REASON_SIZE 120

struct handshake_result {
	enum handshake_outcome outcome;
	char reason[HANDSHAKE_REASON_SIZE]; /* for people, "" when up */
	struct hello hello;		    /* valid when up, self, or of another network or genesis */
	uint32_t latency_us;
	int64_t skew_ms; /* its clock less ours, half the round trip taken off */
};

struct handshake;

typedef void handshake_done(void *ctx, const struct netaddr *to, const struct handshake_result *result);

/* Starts; done is called once, never before this returns. ours is read now. from: local address to leave from, or NULL.
 */
struct handshake *handshake_start(struct loop *l, const struct netaddr *to, const struct netaddr *from,
				  const struct hello *ours, uint32_t timeout_ms, handshake_done *done, void *ctx);
/* Gives it up: done is not called. Not after done. NULL is fine. */
void handshake_cancel(struct handshake *h);

#endif
