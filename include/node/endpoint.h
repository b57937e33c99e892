/* Places to dial, as an operator writes them: a host with a port, and ranges of ports. */
#ifndef RENSA_NODE_ENDPOINT_H
#define RENSA_NODE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/buf.h"

#define ENDPOINT_HOST_MAX 253 /* the longest DNS name */

/* A host to be dialled: numeric (IPv6 without brackets) or a name that is looked up each time. */
struct endpoint {
	char host[ENDPOINT_HOST_MAX + 1];
	uint16_t port;
};

struct port_range {
	uint16_t first; /* 0: none */
	uint16_t last;	/* not below first */
};

/* "10.0.0.2:5000", "[fd00::2]:5000", "node2.example:5000"; port 1 to 65535. False: something else, or 0.0.0.0 or ::. */
bool endpoint_parse(struct endpoint *out, const char *text) MUSTCHECK;
void endpoint_format(struct buf *out, const struct endpoint *e);
/* "5000" or "5000-5002". */
bool port_range_parse(struct port_range *out, const char *text) MUSTCHECK;
void port_range_format(struct buf *out, const struct port_range *r);

#endif
