/*
 * What the tests of this room share: a server on a port of its own that a test drives step by step, and raw sockets
 * that say exactly what the test wants said. Everything runs in one process and one loop; waiting is always for a
 * condition, and ends the test if it does not come.
 */
#ifndef RENSA_TESTS_NET_RIG_H
#define RENSA_TESTS_NET_RIG_H

#include <stdbool.h>
#include <stddef.h>

#include "net/httpd.h"
#include "net/loop.h"
#include "net/netaddr.h"
#include "util/buf.h"

struct rig {
	struct loop *loop;
	struct httpd *server;
	struct netaddr at;
	int listen_fd;
	struct http_req *held; /* what the path /hold keeps */
	unsigned gone;	       /* times that on_close was called */
	unsigned done;	       /* streams ended */
	unsigned drained;
	unsigned handled;
	size_t streamed; /* bytes given to streams so far */
	size_t stream_size;
	size_t big_size;      /* of the reply to /big */
	bool is_stream_quiet; /* the next call of more has nothing to give */
	http_more *own_more;  /* what the path /own streams, with the rig as its ctx … */
	uint64_t own_length;  /* … and tells of its length */
};

struct netaddr rig_address(const char *text);
struct netaddr rig_address_of(int fd); /* what a socket is bound to */
int rig_listen(struct netaddr *at);    /* 127.0.0.1, any port */

/* Defaults: 4 KiB header, 1 KiB body, generous times, 64 connections; change them before rig_start. */
struct httpd_options rig_options(void);
void rig_start(struct rig *r, struct httpd_options options);
void rig_stop(struct rig *r);

/* Turns the loop until the condition holds. */
#define rig_until(r, condition)                                     \
	do {                                                        \
		uint64_t rig_limit = rig_deadline();                \
		while (!(condition))                                \
			rig_turn((r)->loop, rig_limit, #condition); \
	} while (0)
uint64_t rig_deadline(void);
void rig_turn(struct loop *l, uint64_t deadline, const char *condition);

/* The least header of a request, and the request for a path. */
#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

/* A raw client. */
struct raw {
	int fd;
	struct buf got;
	bool is_closed; /* the server closed, orderly or not */
	bool is_reset;
};

void raw_open(struct raw *c, const struct netaddr *at);
/* A server and a client that has reached it; and the end of both, once the server has seen the client go. */
void rig_meet(struct rig *r, struct raw *c, struct httpd_options options);
void rig_part(struct rig *r, struct raw *c);
/* Options with deadlines so short that a test can wait for them. */
struct httpd_options rig_hasty_options(void);
void raw_close(struct raw *c);
void raw_send(struct rig *r, struct raw *c, const void *data, size_t len); /* turns the loop while the socket is full */
void raw_say(struct rig *r, struct raw *c, const char *text);
void raw_drip(struct rig *r, struct raw *c, const char *data,
	      size_t len);				 /* byte by byte, the loop turning in between */
bool raw_read(struct raw *c);				 /* takes what is there; true */
int raw_status(const struct raw *c);			 /* of the first reply; 0: not there yet */
size_t raw_count(const struct raw *c, const char *text); /* occurrences in what came */
bool raw_is_whole(const struct raw *c);			 /* the first reply is here with all of its Content-Length */
const char *raw_body(const struct raw *c);		 /* of the first reply, "" before */

#endif
