/*
 * Nodes played by the test: HTTP servers on loopback ports of their own, in the same loop as what they are asked by.
 * Each has a chain and, if the test wishes, a trick. Waiting is always for a condition, and ends the test if it does
 * not come.
 */
#ifndef RENSA_TESTS_PEER_KIT_H
#define RENSA_TESTS_PEER_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/httpd.h"
#include "net/loop.h"
#include "net/netaddr.h"
#include "strand.h"
#include "wire/peer_msg.h"

/* What a node does wrong, on one kind of request, from the n-th of that kind on. */
enum trick {
	TRICK_NONE,
	TRICK_STATUS,	     /* answers with the status `trick_status` */
	TRICK_TYPE,	     /* answers as text/plain */
	TRICK_GARBAGE,	     /* answers with bytes that are no message */
	TRICK_HUGE,	     /* answers with more than is read */
	TRICK_HANG,	     /* does not answer */
	TRICK_STRANGE,	     /* headers that follow on nothing; bodies that nobody asked for */
	TRICK_EMPTY,	     /* answers with none */
	TRICK_SURPLUS,	     /* one body more than asked for */
	TRICK_CRUMBS,	     /* one body at a time */
	TRICK_SPOILED,	     /* bodies whose bytes are not what their headers promise */
	TRICK_FROM_THE_START /* headers: as if it knew nothing of the locator but genesis */
};

enum request { REQUEST_HELLO, REQUEST_HEADERS, REQUEST_BLOCKS, REQUESTS };

#define ACTOR_HELD_MAX 32

struct actor {
	struct loop *loop;
	struct httpd *server;
	int listen_fd;
	struct netaddr at;
	const struct strand *chain;
	const struct strand *takes_old; /* a chain whose bodies it still has, or NULL */
	struct hello hello;		/* what it answers a hello with */
	struct hello heard;		/* the last that it got */
	enum trick trick;
	enum request trick_on;
	unsigned trick_from; /* the first request of that kind has number 0 */
	int trick_status;
	unsigned asked[REQUESTS];
	struct http_req *held[ACTOR_HELD_MAX]; /* by TRICK_HANG */
	size_t held_count;
	/* Called before each request is answered, NULL: not. */
	void (*before)(void *ctx, enum request kind);
	void *ctx;
};

/* A node of the test network whose chain is that one, or genesis alone if NULL. */
void actor_start(struct actor *a, struct loop *l, const struct strand *chain);
void actor_stop(struct actor *a); /* cuts its connections; nothing if it does not run */
void actor_play(struct actor *a, enum request on, enum trick trick);

/* A hello of the test network. */
struct hello kit_hello(uint64_t nonce);
/* A port of 127.0.0.1 that nobody listens on. */
struct netaddr kit_closed(void);
/* One that takes connections and says nothing; the descriptor is the caller's. */
int kit_silent(struct netaddr *at);
/* Listens at an address again. */
int kit_listen_at(const struct netaddr *at);

/* Turns the loop until the condition holds. */
#define kit_until(loop, condition)                             \
	do {                                                   \
		uint64_t kit_limit = kit_deadline();           \
		while (!(condition))                           \
			kit_turn(loop, kit_limit, #condition); \
	} while (0)
uint64_t kit_deadline(void);
void kit_turn(struct loop *l, uint64_t deadline, const char *condition);
/* Turns it a few times, for what must not happen. */
void kit_settle(struct loop *l);

#endif
