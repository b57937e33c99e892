/* Numeric addresses with ports, ranges of them, and names resolved to them. IPv4 and IPv6. */
#ifndef RENSA_NET_NETADDR_H
#define RENSA_NET_NETADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/attr.h"
#include "util/err.h"

struct netaddr {
	uint8_t is_v6;
	uint8_t ip[16]; /* network order; IPv4 uses the first 4, the rest is 0 */
	uint16_t port;	/* host order; 0: none */
};

#define NETADDR_TEXT_SIZE 54 /* "[v6]:65535" and NUL */

/* "10.0.0.1:5000" or "[::1]:5000"; numeric only, port 1 to 65535. IPv4-mapped IPv6 becomes IPv4. */
enum err netaddr_parse(struct netaddr *out, const char *text) MUSTCHECK;
/* The same without a port. */
enum err netaddr_parse_ip(struct netaddr *out, const char *text) MUSTCHECK;
void netaddr_format(char text[NETADDR_TEXT_SIZE], const struct netaddr *a);    /* with the port, if it is not 0 */
void netaddr_format_ip(char text[NETADDR_TEXT_SIZE], const struct netaddr *a); /* without */
bool netaddr_equal(const struct netaddr *a, const struct netaddr *b);	       /* ip and port */
bool netaddr_same_ip(const struct netaddr *a, const struct netaddr *b);
int netaddr_compare(const struct netaddr *a, const struct netaddr *b); /* v4 first, then by ip, then port */
bool netaddr_is_loopback(const struct netaddr *a);
bool netaddr_is_link_local(const struct netaddr *a);
bool netaddr_is_any(const struct netaddr *a); /* 0.0.0.0 or :: */
/*
 * A number for the part of the net that an address lies in: its first 16 bits for IPv4, 32 for IPv6. Whoever has many
 * addresses has most of them in few such groups. Never 0.
 */
uint64_t netaddr_group(const struct netaddr *a);
socklen_t netaddr_to_sockaddr(struct sockaddr_storage *out, const struct netaddr *a);
enum err netaddr_from_sockaddr(struct netaddr *out, const struct sockaddr *sa) MUSTCHECK;
/* Blocking look-up of host (name or numeric) by the system's resolver; up to max addresses with that port. */
enum err netaddr_resolve(struct netaddr *out, size_t max, size_t *count, const char *host, uint16_t port) MUSTCHECK;

/* A run of addresses: "10.0.0.2-10.0.0.9", "10.0.0.0/24" (network and broadcast left out up to /30), or one address. */
struct netrange {
	struct netaddr first; /* port 0 */
	struct netaddr last;  /* same family, not below first */
};

/* ERR_LIMIT: more than 2^24 addresses. */
enum err netrange_parse(struct netrange *out, const char *text) MUSTCHECK;
uint64_t netrange_count(const struct netrange *r);
struct netaddr netrange_at(const struct netrange *r, uint64_t index, uint16_t port);
bool netrange_contains(const struct netrange *r, const struct netaddr *a);

#endif
