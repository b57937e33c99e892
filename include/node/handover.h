/*
 * What a program leaves to the one that takes its place in the same process (src/node/upgrade.c): descriptors that stay
 * open, and what they are, as text in the environment:
 *
 *	RENSAD_UPGRADE=1;pid=812;from=0.1.0 (build 1a2b3c4d);since=73211;lock=3;listen=127.0.0.1:5000@4,5
 *
 * The number in front is that of this form: whoever does not know it refuses. Then, each once, in any order: the process,
 * which tells a hand-over from one that a child of the process inherited; the program that leaves; since when nobody is
 * answered, in milliseconds of the monotonic clock; the descriptor of the folder's lock; and, for one or two addresses,
 * the descriptors of the sockets that listen there. What is not of this form, or names a descriptor that is not what it
 * is said to be, is refused whole: a socket that nobody serves would let clients wait for ever.
 */
#ifndef RENSA_NODE_HANDOVER_H
#define RENSA_NODE_HANDOVER_H

#include <stdint.h>

#include "node/listeners.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/build.h"
#include "util/err.h"

#define HANDOVER_VARIABLE "RENSAD_UPGRADE"
#define HANDOVER_FORMAT 1
#define HANDOVER_TEXT_MAX 2048 /* two addresses with LISTENERS_ALL_MAX sockets each, and then some */
#define HANDOVER_PLACES 2      /* of clients and of peers */

struct handover_place {
	struct netaddr at;
	struct listeners sockets;
};

struct handover {
	char from[BUILD_NAME_MAX + 1]; /* build_name of the program that left; "": there was none */
	uint64_t since_ms;
	int lock; /* -1: none */
	struct handover_place places[HANDOVER_PLACES];
	uint32_t place_count;
};

void handover_init(struct handover *h);
/* Adds the sockets at an address; they stay the caller's. Nothing if there are none. */
void handover_add(struct handover *h, const struct netaddr *at, const struct listeners *l);
/* Appends "RENSAD_UPGRADE=…". */
void handover_format(struct buf *out, const struct handover *h);
/* Reads what stands behind the "="; looks at no descriptor. ERR_FORMAT with why; ERR_NOT_FOUND: it is for another process. */
enum err handover_parse(struct handover *out, const char *text, struct buf *why) MUSTCHECK;
/* Are the descriptors what they are said to be? ERR_FORMAT with why. From here on no child program inherits them. */
enum err handover_verify(const struct handover *h, struct buf *why) MUSTCHECK;

/*
 * Takes what the environment has, and the variable out of it. ERR_NOT_FOUND: nothing is handed over, as in most starts.
 * ERR_FORMAT with why: end, so that the sockets are closed.
 */
enum err handover_take(struct handover *out, struct buf *why) MUSTCHECK;
/* The sockets at this address become l's, if there are any. */
void handover_claim(struct handover *h, struct listeners *l, const struct netaddr *at);
/* Does one of the sockets that are left have this port? Then nobody else can have it. */
bool handover_has_port(const struct handover *h, uint16_t port);
/* Closes what nobody has claimed, and names the addresses in the log. Returns how many those are. */
uint32_t handover_drop(struct handover *h);

#endif
