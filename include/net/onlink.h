/*
 * Which addresses are neighbours: on a network that this host is attached to, reached without a gateway. The kernel keeps
 * an entry for each that is asked for, also for those that are absent, in a table of fixed size.
 */
#ifndef RENSA_NET_ONLINK_H
#define RENSA_NET_ONLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netaddr.h"

#define ONLINK_MAX 64 /* networks; of a host with more the rest counts as far away */

struct onlink {
	struct {
		struct netaddr base;
		uint32_t bits;
	} nets[ONLINK_MAX];
	size_t count;
};

/* What the interfaces that are up say now; loopback has no neighbours. */
void onlink_read(struct onlink *o);
void onlink_add(struct onlink *o, const struct netaddr *base, uint32_t bits);
bool onlink_has(const struct onlink *o, const struct netaddr *a);

#endif
