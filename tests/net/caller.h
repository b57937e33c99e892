/*
 * One who calls through the HTTP client and keeps what it was told last. The other side is the rig's server, or nothing
 * but a listening socket: then the test accepts and plays the server by hand.
 */
#ifndef RENSA_TESTS_NET_CALLER_H
#define RENSA_TESTS_NET_CALLER_H

#include "net/httpc.h"
#include "rig.h"

struct caller {
	struct rig rig; /* by hand: without a server */
	struct httpc *client;
	struct {
		unsigned count; /* replies so far; the rest is of the last one */
		enum err error;
		int status;
		char type[64];
		struct buf body;
	} got;
};

void caller_start(struct caller *k, struct httpd_options options);
void caller_start_by_hand(struct caller *k); /* the client calls the server example.org */
void caller_stop(struct caller *k);

/* GET /a, with time and room for any reply. */
extern const struct httpc_request caller_plain;
/* Keeps the reply; ctx is the caller. */
void caller_note(void *ctx, const struct httpc_reply *reply);
/* Must be taken. */
void caller_send(struct caller *k, const struct httpc_request *request);
/* Sends and waits for the reply. */
void caller_call(struct caller *k, const struct httpc_request *request);

/* By hand. */
struct raw caller_accept(struct caller *k);
void caller_read_request(struct caller *k, struct raw *server, unsigned count); /* until so many came */

#endif
