/*
 * Which addresses answer a TCP connect? Non-blocking connects at a bounded rate and with a bounded number open at once,
 * so that a scan of absent hosts neither fills the neighbour table nor makes anything wait.
 */
#ifndef RENSA_NET_PROBE_H
#define RENSA_NET_PROBE_H

#include <stdint.h>

#include "net/loop.h"
#include "net/netaddr.h"

struct probe;

enum probe_result { PROBE_OPEN, PROBE_REFUSED, PROBE_SILENT, PROBE_UNREACHABLE };

struct probe_options {
	uint32_t rate;		    /* connects a second, 1 to 100,000 */
	uint32_t burst;		    /* connects at once after a rest, below the rate; 0: hardly any */
	uint32_t timeout_ms;	    /* after which an address is silent */
	uint32_t open_max;	    /* connects under way at once */
	const struct netaddr *from; /* local address to connect from, or NULL */
};

/* found is called for every address asked for, as its answer is known. idle is called when none is left under way. */
typedef void probe_found(void *ctx, const struct netaddr *at, enum probe_result result);

struct probe *probe_new(struct loop *l, const struct probe_options *options, probe_found *found, loop_callback *idle,
			void *ctx);
void probe_free(struct probe *p);
void probe_add(struct probe *p, const struct netaddr *at); /* queued in order; callable from found */
uint64_t probe_waiting(const struct probe *p);		   /* queued or under way */
const char *probe_result_name(enum probe_result r);	   /* "open", "refused", "silent", "unreachable" */

#endif
