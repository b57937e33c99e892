/* The networks of the interfaces, by address and netmask. Point-to-point links have no neighbour table to fill. */
#include "net/onlink.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t
bits_of_mask(const struct netaddr *mask)
{
	uint32_t bits = 0;

	while (bits < (mask->is_v6 ? 128u : 32u) && (mask->ip[bits / 8] >> (7 - bits % 8) & 1))
		bits++;
	return bits;
}

void
onlink_add(struct onlink *o, const struct netaddr *base, uint32_t bits)
{
	if (o->count == ONLINK_MAX)
		return;
	o->nets[o->count].base = *base;
	o->nets[o->count].bits = bits;
	o->count++;
}

void
onlink_read(struct onlink *o)
{
	struct ifaddrs *list, *i;
	struct netaddr at, mask;

	o->count = 0;
	if (getifaddrs(&list) != 0)
		return;
	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_netmask == NULL || !(i->ifa_flags & IFF_UP) ||
		    (i->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT)))
			continue;
		if (netaddr_from_sockaddr(&at, i->ifa_addr) != OK || netaddr_from_sockaddr(&mask, i->ifa_netmask) != OK)
			continue;
		onlink_add(o, &at, bits_of_mask(&mask));
	}
	freeifaddrs(list);
}

bool
onlink_has(const struct onlink *o, const struct netaddr *a)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct netaddr *base = &o->nets[i].base;
		uint32_t whole = o->nets[i].bits / 8, rest = o->nets[i].bits % 8;
		uint8_t mask = (uint8_t)(0xff00 >> rest);

		if (base->is_v6 == a->is_v6 && memcmp(base->ip, a->ip, whole) == 0 &&
		    (rest == 0 || ((base->ip[whole] ^ a->ip[whole]) & mask) == 0))
			return true;
	}
	return false;
}
