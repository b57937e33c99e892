/* Numeric addresses: text, socket addresses and back, comparison, and the blocking resolver for names. */
#include "net/netaddr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

static const uint8_t v4_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static size_t
ip_len(const struct netaddr *a)
{
	return a->is_v6 ? 16 : 4;
}

/* ::ffff:a.b.c.d and a.b.c.d are one host: only the second form exists here, so that comparisons hold. */
static void
set_v6(struct netaddr *out, const uint8_t ip[16])
{
	if (memcmp(ip, v4_mapped_prefix, sizeof(v4_mapped_prefix)) == 0) {
		memcpy(out->ip, ip + 12, 4);
		return;
	}
	out->is_v6 = 1;
	memcpy(out->ip, ip, 16);
}

enum err
netaddr_parse_ip(struct netaddr *out, const char *text)
{
	uint8_t ip[16];
	struct netaddr a = {0};
	if (inet_pton(AF_INET, text, ip) == 1)
		memcpy(a.ip, ip, 4);
	else if (inet_pton(AF_INET6, text, ip) == 1)
		set_v6(&a, ip);
	else
		return ERR_FORMAT;
	*out = a;
	return OK;
}

enum err
netaddr_parse(struct netaddr *out, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	const char *start = text;
	const char *end;
	const char *colon;
	if (*text == '[') {
		start++;
		end = strchr(start, ']');
		if (end == NULL || end[1] != ':')
			return ERR_FORMAT;
		colon = end + 1;
	} else {
		end = colon = strrchr(text, ':');
		if (end == NULL)
			return ERR_FORMAT;
	}
	size_t len = (size_t)(end - start);
	if (len >= sizeof(host))
		return ERR_FORMAT;
	memcpy(host, start, len);
	host[len] = '\0';
	/* Brackets belong to IPv6 and only to it: "::1:80" would be two addresses. */
	bool is_bracketed = start != text;
	if (is_bracketed != (strchr(host, ':') != NULL))
		return ERR_FORMAT;

	struct netaddr a;
	uint64_t port;
	if (netaddr_parse_ip(&a, host) != OK || text_u64(&port, colon + 1, UINT16_MAX) != OK || port == 0)
		return ERR_FORMAT;
	a.port = (uint16_t)port;
	*out = a;
	return OK;
}

void
netaddr_format_ip(char text[NETADDR_TEXT_SIZE], const struct netaddr *a)
{
	text[0] = '\0';
	inet_ntop(a->is_v6 ? AF_INET6 : AF_INET, a->ip, text, NETADDR_TEXT_SIZE);
}

void
netaddr_format(char text[NETADDR_TEXT_SIZE], const struct netaddr *a)
{
	char ip[NETADDR_TEXT_SIZE];
	netaddr_format_ip(ip, a);
	if (a->port == 0)
		snprintf(text, NETADDR_TEXT_SIZE, "%.45s", ip);
	else
		snprintf(text, NETADDR_TEXT_SIZE, a->is_v6 ? "[%.45s]:%u" : "%.45s:%u", ip, a->port);
}

bool
netaddr_same_ip(const struct netaddr *a, const struct netaddr *b)
{
	return a->is_v6 == b->is_v6 && memcmp(a->ip, b->ip, ip_len(a)) == 0;
}

bool
netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
	return netaddr_same_ip(a, b) && a->port == b->port;
}

int
netaddr_compare(const struct netaddr *a, const struct netaddr *b)
{
	if (a->is_v6 != b->is_v6)
		return a->is_v6 ? 1 : -1;
	int by_ip = memcmp(a->ip, b->ip, ip_len(a));
	if (by_ip != 0)
		return by_ip < 0 ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

bool
netaddr_is_loopback(const struct netaddr *a)
{
	return a->is_v6 ? memcmp(a->ip, &in6addr_loopback, 16) == 0 : a->ip[0] == 127;
}

bool
netaddr_is_link_local(const struct netaddr *a)
{
	return a->is_v6 ? a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80 : a->ip[0] == 169 && a->ip[1] == 254;
}

bool
netaddr_is_any(const struct netaddr *a)
{
	static const uint8_t zero[16];
	return memcmp(a->ip, zero, ip_len(a)) == 0;
}

uint64_t
netaddr_group(const struct netaddr *a)
{
	uint64_t family = a->is_v6 ? UINT64_C(6) << 32 : UINT64_C(4) << 32, bits = 0;

	for (int i = 0; i < (a->is_v6 ? 4 : 2); i++)
		bits = bits << 8 | a->ip[i];
	return family | bits;
}

socklen_t
netaddr_to_sockaddr(struct sockaddr_storage *out, const struct netaddr *a)
{
	memset(out, 0, sizeof(*out));
	if (a->is_v6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)out;
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(a->port);
		memcpy(&sin6->sin6_addr, a->ip, 16);
		return sizeof(*sin6);
	}
	struct sockaddr_in *sin = (struct sockaddr_in *)out;
	sin->sin_family = AF_INET;
	sin->sin_port = htons(a->port);
	memcpy(&sin->sin_addr, a->ip, 4);
	return sizeof(*sin);
}

enum err
netaddr_from_sockaddr(struct netaddr *out, const struct sockaddr *sa)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in sin;
		memcpy(&sin, sa, sizeof(sin));
		memcpy(out->ip, &sin.sin_addr, 4);
		out->port = ntohs(sin.sin_port);
		return OK;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;
		memcpy(&sin6, sa, sizeof(sin6));
		set_v6(out, sin6.sin6_addr.s6_addr);
		out->port = ntohs(sin6.sin6_port);
		return OK;
	}
	return ERR_UNSUPPORTED;
}

static bool
is_listed(const struct netaddr *list, size_t count, const struct netaddr *a)
{
	for (size_t i = 0; i < count; i++)
		if (netaddr_equal(&list[i], a))
			return true;
	return false;
}

enum err
netaddr_resolve(struct netaddr *out, size_t max, size_t *count, const char *host, uint16_t port)
{
	*count = 0;
	struct netaddr numeric;
	if (netaddr_parse_ip(&numeric, host) == OK) {
		if (max == 0)
			return OK;
		numeric.port = port;
		out[(*count)++] = numeric;
		return OK;
	}
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	switch (getaddrinfo(host, NULL, &hints, &found)) {
	case 0:
		break;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return ERR_NOT_FOUND;
	case EAI_MEMORY:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
	for (const struct addrinfo *at = found; at != NULL && *count < max; at = at->ai_next) {
		struct netaddr a;
		if (netaddr_from_sockaddr(&a, at->ai_addr) != OK)
			continue;
		a.port = port;
		if (!is_listed(out, *count, &a))
			out[(*count)++] = a;
	}
	freeaddrinfo(found);
	return *count > 0 || max == 0 ? OK : ERR_NOT_FOUND;
}
