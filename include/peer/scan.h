/*
 * Which address a scan probes next. It walks over its ranges, all ports of a host in a row, and begins again when asked
 * to; where it is takes the same few bytes for a /16 as for one host.
 *
 * Hosts of a network that this one is attached to are let out at a pace of their own, whatever the rate: the kernel keeps
 * an entry of its neighbour table (1,024 by default, all namespaces together) for a good three seconds for each that is absent,
 * and once that is full live ones are missed too.
 */
#ifndef RENSA_PEER_SCAN_H
#define RENSA_PEER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netaddr.h"
#include "net/onlink.h"

#define SCAN_NEIGHBOURS_MAX 800 /* new ones … */
#define SCAN_NEIGHBOURS_MS 3500 /* … within so long: three tries of a second each, and the delay of their timers */

struct scan {
	const struct netrange *hosts; /* borrowed */
	size_t host_count;
	uint32_t port_first, port_last; /* first 0: there is nothing to scan */
	bool is_on;
	size_t range;	/* of the next address */
	uint64_t index; /* in the range */
	uint32_t port;
	struct onlink onlink;
	uint64_t let_out_ms[SCAN_NEIGHBOURS_MAX]; /* monotonic: when, a ring */
	size_t let_out;				  /* ever */
	bool is_let_out;			  /* the host at index is, for its other ports */
};

void scan_init(struct scan *s, const struct netrange *hosts, size_t count, uint16_t port_first, uint16_t port_last);
/* From the first address on, or nothing if there is none. Looks at the interfaces anew. */
void scan_begin(struct scan *s);

enum scan_step {
	SCAN_ADDRESS, /* *at is the next one */
	SCAN_LATER,   /* not before *wait_ms: the neighbour table would fill up */
	SCAN_OVER     /* it is off now */
};
enum scan_step scan_next(struct scan *s, struct netaddr *at, uint64_t *wait_ms, uint64_t now_ms);

/* Does a range hold this address (scan_covers: and the ports its port)? */
bool scan_has_host(const struct scan *s, const struct netaddr *at);
bool scan_covers(const struct scan *s, const struct netaddr *at);

#endif
