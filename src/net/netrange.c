/*
 * Ranges of addresses, computed on the address as one 128-bit number (32 bits for IPv4). A range is small by
 * construction: more addresses than could ever be scanned are refused where the text is read.
 */
#include <arpa/inet.h>
#include <string.h>

#include "net/netaddr.h"
#include "util/text.h"

typedef unsigned __int128 ipnum;

#define NETRANGE_MAX (UINT64_C(1) << 24)

static ipnum
ipnum_of(const struct netaddr *a)
{
	ipnum n = 0;
	for (int i = 0; i < (a->is_v6 ? 16 : 4); i++)
		n = n << 8 | a->ip[i];
	return n;
}

static struct netaddr
netaddr_of(ipnum n, uint8_t is_v6, uint16_t port)
{
	struct netaddr a = {.is_v6 = is_v6, .port = port};
	for (int i = is_v6 ? 16 : 4; i-- > 0; n >>= 8)
		a.ip[i] = (uint8_t)n;
	return a;
}

static enum err
parse_prefix(struct netrange *out, const struct netaddr *base, const char *text)
{
	unsigned width = base->is_v6 ? 128 : 32;
	uint64_t prefix;
	if (text_u64(&prefix, text, width) != OK)
		return ERR_FORMAT;
	unsigned free_bits = width - (unsigned)prefix;
	if (free_bits > 24)
		return ERR_LIMIT;
	ipnum span = ((ipnum)1 << free_bits) - 1;
	ipnum first = ipnum_of(base) & ~span;
	ipnum last = first | span;
	if (!base->is_v6 && prefix <= 30) { /* the network's own address and its broadcast are nobody's */
		first++;
		last--;
	}
	out->first = netaddr_of(first, base->is_v6, 0);
	out->last = netaddr_of(last, base->is_v6, 0);
	return OK;
}

enum err
netrange_parse(struct netrange *out, const char *text)
{
	char first[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "-/");
	if (len >= sizeof(first))
		return ERR_FORMAT;
	memcpy(first, text, len);
	first[len] = '\0';

	struct netrange r;
	if (netaddr_parse_ip(&r.first, first) != OK)
		return ERR_FORMAT;
	if (text[len] == '/') {
		enum err e = parse_prefix(&r, &r.first, text + len + 1);
		if (e != OK)
			return e;
	} else if (text[len] == '-') {
		if (netaddr_parse_ip(&r.last, text + len + 1) != OK || r.first.is_v6 != r.last.is_v6)
			return ERR_FORMAT;
		if (netaddr_compare(&r.first, &r.last) > 0)
			return ERR_FORMAT;
		if (ipnum_of(&r.last) - ipnum_of(&r.first) >= NETRANGE_MAX)
			return ERR_LIMIT;
	} else {
		r.last = r.first;
	}
	*out = r;
	return OK;
}

uint64_t
netrange_count(const struct netrange *r)
{
	return (uint64_t)(ipnum_of(&r->last) - ipnum_of(&r->first)) + 1;
}

struct netaddr
netrange_at(const struct netrange *r, uint64_t index, uint16_t port)
{
	return netaddr_of(ipnum_of(&r->first) + index, r->first.is_v6, port);
}

bool
netrange_contains(const struct netrange *r, const struct netaddr *a)
{
	if (a->is_v6 != r->first.is_v6)
		return false;
	ipnum n = ipnum_of(a);
	return ipnum_of(&r->first) <= n && n <= ipnum_of(&r->last);
}
